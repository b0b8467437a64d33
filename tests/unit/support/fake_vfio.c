/* SPDX-License-Identifier: BSD-3-Clause */
/* The in-process VFIO peer: answers as vfio-pci does, remembers, and refuses when told to. */

#include "tests/unit/support/fake_vfio.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/support/fault.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

enum {
	REGION_SHIFT = FAKE_REGION_SHIFT,
	REGION_ROOM = 1 << REGION_SHIFT,
	MEMORY_SIZE = FAKE_REGIONS * REGION_ROOM,
};

static struct fake_vfio *to_fake(const struct vfio_backend *backend)
{
	return container_of(backend, struct fake_vfio, backend);
}

/* By this fake's own count or by the test's plan; @answer is what the call would fill in. */
static bool refused(struct fake_vfio *fake, const char *call, void *answer, size_t size,
		    int *result)
{
	*result = -EIO;
	return ++fake->calls == fake->fail_at ||
	       fault_answers(call, fake->name, answer, size, result);
}

/* What follows argsz in an answer with room for @argsz bytes. */
#define ANSWER(info) (char *)(info) + sizeof((info)->argsz), (info)->argsz - sizeof((info)->argsz)

static void note(struct fake_vfio *fake, const char *what, uint32_t index, uint32_t start,
		 uint32_t count)
{
	size_t used = strlen(fake->log);

	snprintf(fake->log + used, sizeof(fake->log) - used, "%s%u:%u+%u ", what, index, start,
		 count);
}

static int fake_info(struct vfio_backend *backend, struct vfio_device_info *info)
{
	struct fake_vfio *fake = to_fake(backend);
	int result;

	if (refused(fake, "device info", ANSWER(info), &result))
		return result;
	info->flags = fake->info.flags;
	info->num_regions = fake->info.num_regions;
	info->num_irqs = fake->info.num_irqs;
	return 0;
}

static int fake_region_info(struct vfio_backend *backend, struct vfio_region_info *info)
{
	struct fake_vfio *fake = to_fake(backend);
	uint32_t room = info->argsz, need;
	const struct fake_region *region;
	int result;

	if (refused(fake, "region info", ANSWER(info), &result))
		return result;
	if (info->index >= FAKE_REGIONS)
		return -EINVAL;
	region = &fake->regions[info->index];
	if (region->error)
		return region->error;
	need = (uint32_t)sizeof(*info) + region->tail_size;
	info->argsz = need;
	info->flags = 0;
	info->size = 0;
	info->cap_offset = 0;
	info->offset = (uint64_t)info->index << REGION_SHIFT;
	if (room < need && region->shy)
		return 0;
	info->flags = region->flags;
	info->size = region->size;
	if (room >= need && region->tail_size) {
		memcpy((char *)info + sizeof(*info), region->tail, region->tail_size);
		info->cap_offset = region->first_offset;
	}
	return 0;
}

static int fake_irq_info(struct vfio_backend *backend, struct vfio_irq_info *info)
{
	struct fake_vfio *fake = to_fake(backend);
	int result;

	if (refused(fake, "irq info", ANSWER(info), &result))
		return result;
	if (info->index >= fake->info.num_irqs || info->index >= FAKE_IRQS)
		return -EINVAL;
	info->flags = fake->irqs[info->index].flags;
	info->count = fake->irqs[info->index].count;
	return 0;
}

static void drop_triggers(struct fake_vfio *fake, uint32_t index)
{
	memset(fake->triggers[index], 0xff, sizeof(fake->triggers[index]));
	fake->span[index] = 0;
}

/* INTx, MSI and MSI-X exclude each other. */
static bool other_mode(const struct fake_vfio *fake, uint32_t index)
{
	for (uint32_t i = 0; i <= VFIO_PCI_MSIX_IRQ_INDEX; i++)
		if (i != index && index <= VFIO_PCI_MSIX_IRQ_INDEX && fake->span[i])
			return true;
	return false;
}

static int set_triggers(struct fake_vfio *fake, const struct vfio_irq_set *set)
{
	uint32_t end = set->start + set->count, index = set->index;

	if (set->count == 0) {
		note(fake, "off", index, 0, 0);
		drop_triggers(fake, index);
		return 0;
	}
	note(fake, "trigger", index, set->start, set->count);
	if (!(set->flags & VFIO_IRQ_SET_DATA_EVENTFD) || other_mode(fake, index) ||
	    end > fake->irqs[index].count)
		return -EINVAL;
	if (fake->vectors_max && end > fake->vectors_max)
		return (int)fake->vectors_max;
	if (fake->span[index] && end > fake->span[index] &&
	    (fake->irqs[index].flags & VFIO_IRQ_INFO_NORESIZE))
		return -EINVAL;
	if (end > fake->span[index])
		fake->span[index] = end;
	memcpy(&fake->triggers[index][set->start], set->data, set->count * sizeof(int));
	for (uint32_t i = set->start; i < end; i++)
		if (fake->owed[index][i])
			fake_vfio_fire(fake, index, i);
	return 0;
}

static int set_masks(struct fake_vfio *fake, const struct vfio_irq_set *set)
{
	bool mask = set->flags & VFIO_IRQ_SET_ACTION_MASK;

	note(fake, mask ? "mask" : "unmask", set->index, set->start, set->count);
	if (set->index != VFIO_PCI_INTX_IRQ_INDEX || !fake->span[set->index])
		return -ENOTTY;
	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		memcpy(&fake->unmask_eventfd, set->data, sizeof(int));
	else
		fake->intx_masked = mask;
	return 0;
}

/*
 * The kernel would write to the MSI-X table of a function that does not take it. After a fault of
 * the plan's the function may be another than it was said to be.
 */
static void must_be_awake(const struct fake_vfio *fake)
{
	if (!fake->asleep || fake->naps || fault_plan.struck)
		return;
	fprintf(stderr, "%s: its interrupts are changed while it is asleep\n", fake->name);
	abort();
}

static int fake_set_irqs(struct vfio_backend *backend, struct vfio_irq_set *set)
{
	struct fake_vfio *fake = to_fake(backend);
	int result;

	if (refused(fake, "set irqs", NULL, 0, &result))
		return result;
	if (set->index >= FAKE_IRQS)
		return -EINVAL;
	if (set->index <= VFIO_PCI_MSIX_IRQ_INDEX)
		must_be_awake(fake);
	return set->flags & VFIO_IRQ_SET_ACTION_TRIGGER ? set_triggers(fake, set)
							: set_masks(fake, set);
}

/* As in vfio-pci, BARs and the ROM do not answer while the device does not decode. */
static bool decodes(const struct fake_vfio *fake, uint32_t index)
{
	const uint8_t *config = fake->bytes + (VFIO_PCI_CONFIG_REGION_INDEX << REGION_SHIFT);
	uint16_t command = load_le16(config + PCI_COMMAND);

	if (index > VFIO_PCI_ROM_REGION_INDEX)
		return true;
	return command & (index == 2 ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY);
}

/* Where the access is in the fake's memory; NULL: it does not answer there. */
static uint8_t *place_of(const struct fake_vfio *fake, const struct vfio_region_info *region,
			 uint64_t offset, unsigned int size)
{
	if (!decodes(fake, region->index) || !range_fits(offset, size, REGION_ROOM) ||
	    !range_fits(region->offset + offset, size, MEMORY_SIZE))
		return NULL;
	return fake->bytes + region->offset + offset;
}

static bool is_power_state(const struct vfio_region_info *region, uint64_t offset)
{
	return region->index == VFIO_PCI_CONFIG_REGION_INDEX && offset == 0x44;
}

static int fake_read(struct vfio_backend *backend, const struct vfio_region_info *region,
		     uint64_t offset, void *data, unsigned int size)
{
	struct fake_vfio *fake = to_fake(backend);
	uint8_t *place;
	int result;

	fake->reads++;
	fake->last_size = size;
	if (refused(fake, "read", data, size, &result)) {
		fake->naps |= is_power_state(region, offset);
		return result;
	}
	place = place_of(fake, region, offset, size);
	if (!place)
		return -EIO;
	memcpy(data, place, size);
	if (fake->bars_apart && region->index == VFIO_PCI_CONFIG_REGION_INDEX && offset == 0 &&
	    size > PCI_CARDBUS_CIS)
		memset((uint8_t *)data + PCI_BASE_ADDRESS_0, 0, 4 * PCI_BARS);
	return 0;
}

/*
 * On the way from D3hot to D0 vfio-pci restores what a device loses there, bus mastering included.
 */
static void change_power(struct fake_vfio *fake, uint8_t value)
{
	const unsigned int config = VFIO_PCI_CONFIG_REGION_INDEX, at = 0x44;
	uint64_t old = fake_vfio_peek(fake, config, at, 1);

	fake->asleep = (value & PCI_PM_CTRL_STATE_MASK) != 0;
	if ((old & PCI_PM_CTRL_STATE_MASK) == (value & PCI_PM_CTRL_STATE_MASK) ||
	    old & PCI_PM_CTRL_NO_SOFT_RESET)
		return;
	if ((value & PCI_PM_CTRL_STATE_MASK) == PCI_PM_CTRL_STATE_MASK)
		fake->slept_command = fake_vfio_peek(fake, config, PCI_COMMAND, 2);
	else if ((old & PCI_PM_CTRL_STATE_MASK) == PCI_PM_CTRL_STATE_MASK &&
		 (value & PCI_PM_CTRL_STATE_MASK) == 0)
		fake_vfio_poke(fake, config, PCI_COMMAND, 2, fake->slept_command);
}

static int fake_write(struct vfio_backend *backend, const struct vfio_region_info *region,
		      uint64_t offset, const void *data, unsigned int size)
{
	struct fake_vfio *fake = to_fake(backend);
	uint8_t *place;
	int result;

	fake->writes++;
	fake->last_size = size;
	if (refused(fake, "write", NULL, 0, &result)) {
		fake->naps |= is_power_state(region, offset);
		return result;
	}
	place = place_of(fake, region, offset, size);
	if (!place)
		return -EIO;
	if (is_power_state(region, offset))
		change_power(fake, *(const uint8_t *)data);
	memcpy(place, data, size);
	return 0;
}

static int fake_region_fd(struct vfio_backend *backend, const struct vfio_region_info *region,
			  uint64_t *offset)
{
	struct fake_vfio *fake = to_fake(backend);
	int result;

	*offset = region->offset;
	return refused(fake, "region fd", NULL, 0, &result) ? result : fake->memory;
}

void fake_vfio_kill(struct fake_vfio *fake)
{
	for (unsigned int i = 0; i < PCI_CFG_SPACE_SIZE; i += 4)
		fake_vfio_poke(fake, VFIO_PCI_CONFIG_REGION_INDEX, i, 4, UINT32_MAX);
}

static void take_time(const struct fake_vfio *fake)
{
	usleep(fake->reset_ms * 1000);
	if (!fake->reset_held)
		return;
	while (sem_wait(fake->reset_held) < 0)
		;
	sem_post(fake->reset_held);
}

static int fake_reset(struct vfio_backend *backend)
{
	struct fake_vfio *fake = to_fake(backend);
	int result;

	fake->resets++;
	note(fake, "reset", 0, 0, 0);
	take_time(fake);
	if (fake->refusals) {
		fake->refusals--;
		return -EAGAIN;
	}
	if (fake->dies_in_reset)
		fake_vfio_kill(fake);
	return refused(fake, "reset", NULL, 0, &result) ? result : 0;
}

static int fake_hot_reset_info(struct vfio_backend *backend, struct vfio_pci_hot_reset_info *info)
{
	struct fake_vfio *fake = to_fake(backend);
	uint32_t room =
		info->argsz < sizeof(*info)
			? 0
			: (uint32_t)((info->argsz - sizeof(*info)) / sizeof(info->devices[0]));
	int result;

	if (refused(fake, "hot reset info", ANSWER(info), &result))
		return result;
	if (fake->dependents == 0)
		return -ENODEV;
	info->flags = 0;
	info->count = fake->dependents;
	for (uint32_t i = 0; i < room && i < fake->dependents; i++)
		info->devices[i] = fake->dependent[i];
	return room < fake->dependents ? -ENOSPC : 0;
}

static int fake_hot_reset(struct vfio_backend *backend, struct vfio_pci_hot_reset *reset)
{
	struct fake_vfio *fake = to_fake(backend);
	int result;

	fake->hot_resets++;
	note(fake, "hot", 0, 0, reset->count);
	take_time(fake);
	if (fake->hot_refusals) {
		fake->hot_refusals--;
		return -EAGAIN;
	}
	if (fake->dies_in_reset)
		fake_vfio_kill(fake);
	return refused(fake, "hot reset", NULL, 0, &result) ? result : 0;
}

static int fake_descriptor(const struct vfio_backend *backend)
{
	return to_fake(backend)->memory;
}

static void fake_close(struct vfio_backend *backend)
{
	to_fake(backend)->closed = true;
}

static const struct vfio_backend_ops fake_ops = {
	.info = fake_info,
	.region_info = fake_region_info,
	.irq_info = fake_irq_info,
	.set_irqs = fake_set_irqs,
	.read = fake_read,
	.write = fake_write,
	.region_fd = fake_region_fd,
	.reset = fake_reset,
	.hot_reset_info = fake_hot_reset_info,
	.hot_reset = fake_hot_reset,
	.descriptor = fake_descriptor,
	.close = fake_close,
};

/* By the descriptor: a test may look at a device while the layer's thread is at it. */
void fake_vfio_poke(struct fake_vfio *fake, unsigned int region, uint64_t offset, unsigned int size,
		    uint64_t value)
{
	uint8_t bytes[8];

	store_le(bytes, size, value);
	if (pwrite(fake->memory, bytes, size,
		   (off_t)(((uint64_t)region << REGION_SHIFT) + offset)) != (ssize_t)size)
		abort();
}

uint64_t fake_vfio_peek(const struct fake_vfio *fake, unsigned int region, uint64_t offset,
			unsigned int size)
{
	uint8_t bytes[8];

	if (fd_read_at(fake->memory, bytes, size, ((uint64_t)region << REGION_SHIFT) + offset))
		abort();
	return load_le(bytes, size);
}

uint32_t fake_vfio_tail(struct fake_region *region, const void *bytes, size_t size)
{
	uint32_t offset = (uint32_t)sizeof(struct vfio_region_info) + region->tail_size;

	if (size)
		memcpy(region->tail + region->tail_size, bytes, size);
	region->tail_size += (uint32_t)size;
	region->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	if (!region->first_offset)
		region->first_offset = offset;
	return offset;
}

bool fake_vfio_fire(struct fake_vfio *fake, uint32_t index, unsigned int vector)
{
	fake->owed[index][vector] = fake->triggers[index][vector] < 0;
	if (fake->owed[index][vector])
		return false;
	fd_signal(fake->triggers[index][vector]);
	return true;
}

static void write_config(struct fake_vfio *fake)
{
	static const struct {
		uint16_t offset, size;
		uint32_t value;
	} registers[] = {
		{PCI_VENDOR_ID, 4, 0x10d38086},
		{PCI_COMMAND, 4, 0x00100000},
		{PCI_CLASS_REVISION, 4, 0x02000003},
		{PCI_HEADER_TYPE, 1, 0x80},
		{PCI_BASE_ADDRESS_0, 4, 0xfeb40000},
		{PCI_BASE_ADDRESS_0 + 8, 4, 0xe001},
		{PCI_BASE_ADDRESS_0 + 16, 4, 0xc000000c},
		{PCI_BASE_ADDRESS_0 + 20, 4, 0x12},
		{PCI_CAPABILITY_LIST, 1, 0x40},
		{PCI_INTERRUPT_LINE, 2, 0x010b},
		{0x40, 4, 0x00035001}, /* PM */
		{0x50, 4, 0x00867005}, /* MSI, 64 bits, 8 vectors */
		{0x70, 4, 0x0009a011}, /* MSI-X, 10 vectors */
		{0x74, 4, 0x00003000},
		{0x78, 4, 0x00004000},
		{0xa0, 4, 0x00020010},  /* Express, last */
		{0x100, 4, 0x14010001}, /* AER */
		{0x140, 4, 0x18010010}, /* SR-IOV */
		{0x148, 4, 0x5a5a5a5a},
		{0x180, 4, 0x00010003}, /* serial number, last */
	};

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		fake_vfio_poke(fake, VFIO_PCI_CONFIG_REGION_INDEX, registers[i].offset,
			       registers[i].size, registers[i].value);
}

void fake_vfio_init(struct fake_vfio *fake)
{
	const uint32_t rw = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	const uint32_t eventfd = VFIO_IRQ_INFO_EVENTFD;

	memset(fake, 0, sizeof(*fake));
	fake->backend.ops = &fake_ops;
	snprintf(fake->name, sizeof(fake->name), "0000:01:00.0");
	fake->memory = memfd_create("vfio-fake", MFD_CLOEXEC);
	if (fake->memory < 0 || ftruncate(fake->memory, MEMORY_SIZE) < 0)
		abort();
	fake->bytes = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fake->memory, 0);
	if (fake->bytes == MAP_FAILED)
		abort();
	fake->info.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET;
	fake->info.num_regions = 9;
	fake->info.num_irqs = FAKE_IRQS;
	fake->regions[0] =
		(struct fake_region){.flags = rw | VFIO_REGION_INFO_FLAG_MMAP, .size = 64 * KIB};
	fake->regions[2] = (struct fake_region){.flags = rw, .size = 32};
	fake->regions[4] =
		(struct fake_region){.flags = rw | VFIO_REGION_INFO_FLAG_MMAP, .size = 2 * MIB};
	fake->regions[VFIO_PCI_CONFIG_REGION_INDEX] =
		(struct fake_region){.flags = rw, .size = 4096};
	fake->regions[VFIO_PCI_VGA_REGION_INDEX].error = -EINVAL;
	fake->irqs[VFIO_PCI_INTX_IRQ_INDEX] =
		(struct vfio_irq_info){.flags = eventfd | VFIO_IRQ_INFO_AUTOMASKED, .count = 1};
	fake->irqs[VFIO_PCI_MSI_IRQ_INDEX] =
		(struct vfio_irq_info){.flags = eventfd | VFIO_IRQ_INFO_NORESIZE, .count = 8};
	fake->irqs[VFIO_PCI_MSIX_IRQ_INDEX] =
		(struct vfio_irq_info){.flags = eventfd | VFIO_IRQ_INFO_NORESIZE, .count = 10};
	fake->irqs[VFIO_PCI_ERR_IRQ_INDEX] = (struct vfio_irq_info){.flags = eventfd, .count = 1};
	fake->irqs[VFIO_PCI_REQ_IRQ_INDEX] = (struct vfio_irq_info){.flags = eventfd, .count = 1};
	for (uint32_t i = 0; i < FAKE_IRQS; i++)
		drop_triggers(fake, i);
	fake->unmask_eventfd = -1;
	write_config(fake);
}

void fake_vfio_release(struct fake_vfio *fake)
{
	munmap(fake->bytes, MEMORY_SIZE);
	fd_close(&fake->memory);
}

static struct fake_vfio_space *to_space(const struct vfio_space *space)
{
	return container_of(space, struct fake_vfio_space, space);
}

static int space_add(struct fake_vfio_space *space, const struct vfio_mapping *map)
{
	if (space->count == FAKE_MAPS)
		return -ENOSPC;
	for (size_t i = 0; i < space->count; i++)
		if (ranges_overlap(space->maps[i].iova, space->maps[i].size, map->iova, map->size))
			return -EEXIST;
	space->maps[space->count++] = *map;
	return 0;
}

static int space_map(struct vfio_space *base, const struct vfio_mapping *map)
{
	struct fake_vfio_space *space = to_space(base);
	int result;

	pthread_mutex_lock(&space->lock);
	if (++space->total == space->fail_at)
		result = space->fail_code;
	else if (!fault_answers("dma map", "guest RAM", NULL, 0, &result))
		result = space_add(space, map);
	pthread_mutex_unlock(&space->lock);
	return result;
}

static uint64_t space_remove(struct fake_vfio_space *space, uint64_t iova, uint64_t size)
{
	uint64_t done = 0;

	for (size_t i = 0; i < space->count;) {
		if (!ranges_overlap(space->maps[i].iova, space->maps[i].size, iova, size)) {
			i++;
			continue;
		}
		done += space->maps[i].size;
		space->maps[i] = space->maps[--space->count];
	}
	return space->short_unmap ? done / 2 : done;
}

static int space_unmap(struct vfio_space *base, uint64_t iova, uint64_t size, uint64_t *unmapped)
{
	struct fake_vfio_space *space = to_space(base);
	int result;

	if (fault_answers("dma unmap", "guest RAM", unmapped, sizeof(*unmapped), &result))
		return result;
	pthread_mutex_lock(&space->lock);
	*unmapped = space_remove(space, iova, size);
	pthread_mutex_unlock(&space->lock);
	return 0;
}

void fake_vfio_space_clear(struct fake_vfio_space *space)
{
	pthread_mutex_lock(&space->lock);
	space->count = 0;
	pthread_mutex_unlock(&space->lock);
}

static const struct vfio_space_ops space_ops = {
	.map = space_map,
	.unmap = space_unmap,
	.when_full = "it holds no more",
};

void fake_vfio_space_init(struct fake_vfio_space *space)
{
	memset(space, 0, sizeof(*space));
	pthread_mutex_init(&space->lock, NULL);
	space->space.ops = &space_ops;
	space->space.page_sizes = 4096 | 2 * MIB;
}
