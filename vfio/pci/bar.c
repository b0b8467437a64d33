/* SPDX-License-Identifier: BSD-3-Clause */
/* BARs as slices: mapped straight into the guest where VFIO allows it, trapped elsewhere. */

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "vfio/pci/igd.h"
#include "vfio/pci/pci.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/base/page.h"

/* Taking the MSI-X table, the PBA and a display's mirror out of an area may split it each time. */
enum { AREAS_ROOM = VFIO_AREAS_MAX + 3 };

struct areas {
	struct vfio_area area[AREAS_ROOM];
	size_t count;
};

static bool bar_is_msix(const struct vfio_slice *slice, uint64_t offset, unsigned int size)
{
	return slice->pci->has_msix && pci_msix_covers(&slice->pci->msix, slice->bar, offset, size);
}

static void bar_complain(struct vfio_slice *slice, const char *what, uint64_t offset, int rc)
{
	/*
	 * EIO is the kernel's answer while the device does not decode, EBUSY when another holds it.
	 */
	log_guest(&slice->pci->limit, rc == -EBUSY ? LOG_WARN : LOG_DEBUG,
		  "%s: BAR %u: %s at 0x%llx: %s", slice->pci->device.name, slice->bar, what,
		  (unsigned long long)offset, err_text(rc));
}

/*
 * The guest's own bits, and those of vectors that the host has not been asked for yet, which the
 * device keeps.
 */
static uint64_t bar_msix_read(const struct vfio_slice *slice, uint64_t offset, unsigned int size)
{
	struct vfio_pci *pci = slice->pci;
	uint64_t value = pci_msix_read(&pci->msix, slice->bar, offset, size), own;

	if (pci_msix_is_pba(&pci->msix, slice->bar, offset, size) &&
	    vfio_region_read(pci->backend, &pci->regions[slice->bar], offset, size, &own) == 0)
		value |= own;
	return value;
}

/* An access may have found the slice in the map before another processor took it out. */
static bool bar_answers(const struct vfio_pci *pci)
{
	return pci->state == VFIO_PCI_ALIVE && !vfio_pci_is_asleep(pci);
}

static enum mem_result bar_slice_read(void *owner, uint64_t offset, unsigned int size,
				      uint64_t *value)
{
	struct vfio_slice *slice = owner;
	struct vfio_pci *pci = slice->pci;
	int rc;

	*value = all_ones(size);
	offset += slice->offset;
	if (!bar_answers(pci))
		return MEM_DONE;
	if (bar_is_msix(slice, offset, size)) {
		*value = bar_msix_read(slice, offset, size);
	} else {
		rc = vfio_region_read(pci->backend, &pci->regions[slice->bar], offset, size, value);
		if (rc)
			bar_complain(slice, "read", offset, rc);
		else
			*value &= ~vfio_igd_hidden(pci, slice->bar, offset, size);
	}
	if (pci->trace)
		vfio_trace_bar(pci->trace, pci, slice->bar, false, offset, size, *value);
	return MEM_DONE;
}

static enum mem_result bar_slice_write(void *owner, uint64_t offset, unsigned int size,
				       uint64_t value)
{
	struct vfio_slice *slice = owner;
	struct vfio_pci *pci = slice->pci;
	int rc;

	offset += slice->offset;
	if (!bar_answers(pci))
		return MEM_DONE;
	if (pci->trace)
		vfio_trace_bar(pci->trace, pci, slice->bar, true, offset, size, value);
	if (bar_is_msix(slice, offset, size)) {
		pci_msix_write(&pci->msix, slice->bar, offset, size, value);
		return MEM_DONE;
	}
	if (vfio_igd_hidden(pci, slice->bar, offset, size))
		return MEM_DONE;
	rc = vfio_region_write(pci->backend, &pci->regions[slice->bar], offset, size, value);
	if (rc)
		bar_complain(slice, "write", offset, rc);
	return MEM_DONE;
}

/* What the kernel goes by when the guest reaches a page of it: memory on in COMMAND, and D0. */
static bool bar_slice_backed(void *owner)
{
	const struct vfio_slice *slice = owner;
	struct vfio_pci *pci = slice->pci;
	const struct mem_region *region =
		&pci->device.bars[slice->bar].slices[slice - pci->bars[slice->bar].slices].region;
	unsigned int power = pci->device.pm_capability;
	uint64_t command, state = 0;

	if (pci->state != VFIO_PCI_ALIVE)
		return false;
	if (pci->backend->ops->answers)
		return pci->backend->ops->answers(pci->backend, region->host, region->size);
	if (vfio_region_read(pci->backend, vfio_pci_config_region(pci), PCI_COMMAND, 2, &command))
		return false;
	if (power && vfio_region_read(pci->backend, vfio_pci_config_region(pci),
				      power + PCI_PM_CTRL, 2, &state))
		return false;
	return command & PCI_COMMAND_MEMORY && command != UINT16_MAX &&
	       (state & PCI_PM_CTRL_STATE_MASK) == 0;
}

static const struct mem_ops slice_ops = {.read = bar_slice_read, .write = bar_slice_write};

static int bar_compare_areas(const void *a, const void *b)
{
	const struct vfio_area *left = a, *right = b;

	return left->offset < right->offset ? -1 : left->offset > right->offset;
}

/* Takes [@start, @end) out of every area. */
static void bar_subtract(struct areas *areas, uint64_t start, uint64_t end)
{
	size_t before = areas->count;

	for (size_t i = 0; i < before; i++) {
		struct vfio_area *area = &areas->area[i];
		uint64_t area_end = area->offset + area->size;

		if (end <= area->offset || start >= area_end)
			continue;
		if (end < area_end && start > area->offset && areas->count < AREAS_ROOM)
			areas->area[areas->count++] =
				(struct vfio_area){.offset = end, .size = area_end - end};
		if (start > area->offset) {
			area->size = start - area->offset;
		} else {
			area->offset = end < area_end ? end : area_end;
			area->size = area_end - area->offset;
		}
	}
}

/* The pages that hold @size bytes at @offset: only they are trapped. */
static void bar_subtract_pages(struct areas *areas, uint64_t offset, uint64_t size)
{
	uint64_t page = host_page_size();

	bar_subtract(areas, align_down(offset, page), align_up(offset + size, page));
}

/* Whole pages inside what VFIO allows; areas that overlap an earlier one are cut. */
static void bar_collect_areas(const struct vfio_region *region, struct areas *areas)
{
	uint64_t page = host_page_size(), floor = 0;

	areas->count = 0;
	if (!(region->info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return;
	if (!region->sparse)
		areas->area[areas->count++] =
			(struct vfio_area){.offset = 0, .size = region->info.size};
	for (size_t i = 0; i < region->area_count; i++)
		areas->area[areas->count++] = region->areas[i];
	qsort(areas->area, areas->count, sizeof(areas->area[0]), bar_compare_areas);
	for (size_t i = 0; i < areas->count; i++) {
		struct vfio_area *area = &areas->area[i];
		uint64_t start = align_up(area->offset, page);
		uint64_t end = align_down(area->offset + area->size, page);

		start = start < floor ? floor : start;
		area->offset = start;
		area->size = end > start ? end - start : 0;
		floor = start + area->size;
	}
}

/*
 * The kernel lets a BAR smaller than a page be mapped when it has the page to itself. Where nothing
 * else of the guest's decodes there, the slice fills the page; elsewhere it is trapped.
 */
static bool bar_fills_page(const struct vfio_pci *pci, unsigned int bar)
{
	const struct vfio_region *region = &pci->regions[bar];

	return pci->device.bars[bar].size < host_page_size() && !region->sparse &&
	       region->info.flags & VFIO_REGION_INFO_FLAG_MMAP &&
	       !(pci->has_msix && (pci->msix.table_bar == bar || pci->msix.pba_bar == bar));
}

static void bar_find_mappable(const struct vfio_pci *pci, unsigned int bar, struct areas *areas)
{
	const struct pci_msix *msix = &pci->msix;

	bar_collect_areas(&pci->regions[bar], areas);
	if (pci->has_msix && msix->table_bar == bar)
		bar_subtract_pages(areas, msix->table_offset, pci_msix_table_size(msix));
	if (pci->has_msix && msix->pba_bar == bar)
		bar_subtract_pages(areas, msix->pba_offset, pci_msix_pba_size(msix));
	if (pci->igd_mirror && bar == VFIO_IGD_MIRROR_BAR)
		bar_subtract_pages(areas, VFIO_IGD_MIRROR, VFIO_IGD_MIRROR_SIZE);
	qsort(areas->area, areas->count, sizeof(areas->area[0]), bar_compare_areas);
}

/* Why [@offset, @offset + @size) of BAR @bar is not mapped. */
static const char *bar_why_trapped(const struct vfio_pci *pci, unsigned int bar, uint64_t offset,
				   uint64_t size)
{
	const struct pci_msix *msix = &pci->msix;
	bool table, pba;

	if (pci->device.bars[bar].kind == PCI_BAR_IO)
		return "ports";
	if (pci->trace)
		return "trace";
	if (pci->options.trapped & 1U << bar)
		return "mmap=off";
	table = pci->has_msix && msix->table_bar == bar &&
		ranges_overlap(offset, size, msix->table_offset, pci_msix_table_size(msix));
	pba = pci->has_msix && msix->pba_bar == bar &&
	      ranges_overlap(offset, size, msix->pba_offset, pci_msix_pba_size(msix));
	if (table || pba)
		return table && pba ? "MSI-X table and PBA" : table ? "MSI-X table" : "MSI-X PBA";
	if (!(pci->regions[bar].info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return "VFIO does not let it be mapped";
	if (pci->igd_mirror && bar == VFIO_IGD_MIRROR_BAR &&
	    ranges_overlap(offset, size, VFIO_IGD_MIRROR, VFIO_IGD_MIRROR_SIZE))
		return "it shows addresses of the host";
	return pci->device.bars[bar].size < host_page_size()
		       ? "smaller than a page"
		       : "VFIO lets only other parts be mapped";
}

static void bar_add_slice(struct vfio_pci *pci, unsigned int bar, enum mem_kind kind,
			  uint64_t offset, uint64_t size)
{
	struct pci_bar *to = &pci->device.bars[bar];
	struct vfio_slice *slice = &pci->bars[bar].slices[to->slice_count];

	if (size == 0)
		return;
	*slice = (struct vfio_slice){.pci = pci, .bar = bar, .offset = offset};
	to->slices[to->slice_count++] = (struct pci_slice){
		.offset = offset,
		.trapped = kind == MEM_TRAP ? bar_why_trapped(pci, bar, offset, size) : NULL,
		.region =
			{
				.name = pci->bars[bar].name,
				.kind = kind,
				.size = size,
				.ops = &slice_ops,
				.owner = slice,
				.lock = &pci->device.lock,
				.backed = bar_slice_backed,
				.peers = pci->peers,
			},
	};
}

/*
 * Address space aligned as the BAR is, up to 1 GiB, so that the kernel can map it with huge pages.
 */
static int bar_reserve(struct vfio_pci_bar *bar, uint64_t size)
{
	uint64_t alignment = size < GIB ? size : GIB, head;
	char *range;

	if (size > SIZE_MAX - alignment)
		return -ENOMEM;
	range = mmap(NULL, size + alignment, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		     -1, 0);
	if (range == MAP_FAILED)
		return -errno;
	head = align_up((uintptr_t)range, alignment) - (uintptr_t)range;
	if (head)
		munmap(range, head);
	if (alignment - head)
		munmap(range + head + size, alignment - head);
	bar->reservation = range + head;
	bar->reserved = size;
	return 0;
}

/* A mapping that is refused may have left a hole, which somebody else's mapping must not fill. */
static int bar_close_hole(void *place, uint64_t size, int rc)
{
	void *hole = mmap(place, size, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	return hole == MAP_FAILED ? -errno : rc;
}

static int bar_map_slice(struct vfio_pci *pci, unsigned int bar, struct pci_slice *slice)
{
	const struct vfio_region_info *info = &pci->regions[bar].info;
	int protection = 0, fd;
	uint64_t file_offset = 0;
	void *host, *place = (char *)pci->bars[bar].reservation + slice->offset;

	if (info->flags & VFIO_REGION_INFO_FLAG_READ)
		protection |= PROT_READ;
	if (info->flags & VFIO_REGION_INFO_FLAG_WRITE)
		protection |= PROT_WRITE;
	fd = pci->backend->ops->region_fd(pci->backend, info, &file_offset);
	if (fd < 0)
		return fd;
	host = mmap(place, slice->region.size, protection, MAP_SHARED | MAP_FIXED, fd,
		    (off_t)(file_offset + slice->offset));
	if (host == MAP_FAILED)
		return bar_close_hole(place, slice->region.size, -errno);
	slice->region.host = host;
	slice->region.device = fd;
	slice->region.device_offset = file_offset + slice->offset;
	return 0;
}

static bool bar_is_mapped(const struct pci_bar *bar)
{
	bool mapped = false;

	for (size_t i = 0; i < bar->slice_count; i++)
		mapped = mapped || bar->slices[i].region.kind == MEM_DEVICE;
	return mapped;
}

/* What cannot be mapped is trapped: slower, never wrong. The first failure, or 0. */
static int bar_map(struct vfio_pci *pci, unsigned int bar)
{
	struct pci_bar *to = &pci->device.bars[bar];
	int rc, first = 0;

	if (!bar_is_mapped(to))
		return 0;
	rc = bar_reserve(&pci->bars[bar], to->page ? to->page : to->size);
	for (size_t i = 0; i < to->slice_count; i++) {
		int failed = rc;

		if (to->slices[i].region.kind != MEM_DEVICE)
			continue;
		if (!failed)
			failed = bar_map_slice(pci, bar, &to->slices[i]);
		if (!failed)
			continue;
		to->slices[i].region.kind = MEM_TRAP;
		to->slices[i].trapped = "the kernel refused to map it";
		to->page = 0;
		first = first ? first : failed;
	}
	return first;
}

/* Takes those of @all that lie in @slice and are none of the MSI-X table into @to; how many. */
static size_t bar_take_doorbells(const struct vfio_slice *slice, uint64_t size,
				 const struct mem_doorbell *all, size_t count,
				 struct mem_doorbell *to)
{
	size_t taken = 0;

	for (size_t i = 0; i < count; i++) {
		if (all[i].offset < slice->offset ||
		    !range_fits(all[i].offset - slice->offset, all[i].width, size) ||
		    bar_is_msix(slice, all[i].offset, all[i].width))
			continue;
		to[taken] = all[i];
		to[taken++].offset -= slice->offset;
	}
	return taken;
}

/* Where its accesses are told, or wanted trapped, none goes past the monitor. */
static int bar_add_doorbells(struct vfio_pci *pci, unsigned int bar, struct err *err)
{
	const struct vfio_backend_ops *ops = pci->backend->ops;
	struct pci_bar *to = &pci->device.bars[bar];
	const struct mem_doorbell *all;
	size_t count = ops->doorbells ? ops->doorbells(pci->backend, bar, &all) : 0, used = 0;

	if (!count || pci->trace || to->kind == PCI_BAR_IO || pci->options.trapped & 1U << bar)
		return 0;
	pci->bars[bar].doorbells = calloc(count, sizeof(*all));
	if (!pci->bars[bar].doorbells)
		return err_set(err, -ENOMEM, "passthrough device %s: out of memory",
			       pci->device.name);
	for (size_t i = 0; i < to->slice_count; i++) {
		struct mem_region *region = &to->slices[i].region;

		if (region->kind != MEM_TRAP)
			continue;
		region->doorbells = pci->bars[bar].doorbells + used;
		region->doorbell_count =
			bar_take_doorbells(&pci->bars[bar].slices[i], region->size, all, count,
					   pci->bars[bar].doorbells + used);
		used += region->doorbell_count;
	}
	return 0;
}

/*
 * The kernel takes a BAR for VFIO when it is first mapped or accessed, decoding or not: -EBUSY when
 * somebody else on the host has it. Whatever the guest did with it then would be lost.
 */
static int bar_check_not_held(struct vfio_pci *pci, unsigned int bar, struct err *err)
{
	const struct vfio_pci_keeper_ops *ops = pci->keeper_ops;
	uint64_t value;

	/* A port that does not decode may be somebody else's to answer: it is not touched. */
	if (bar_is_mapped(&pci->device.bars[bar]) || pci->device.bars[bar].kind == PCI_BAR_IO ||
	    vfio_region_read(pci->backend, &pci->regions[bar], 0, 4, &value) != -EBUSY)
		return 0;
	if (ops && ops->bar_is_held)
		return ops->bar_is_held(pci->keeper, bar, err);
	return err_set(err, -EBUSY,
		       "passthrough device %s: BAR %u is held by something on the host",
		       pci->device.name, bar);
}

/* The areas of @bar that the guest is to reach without the monitor. */
static void bar_choose_areas(struct vfio_pci *pci, unsigned int bar, struct areas *areas)
{
	struct pci_bar *to = &pci->device.bars[bar];

	if ((to->kind != PCI_BAR_MEM32 && to->kind != PCI_BAR_MEM64) || pci->trace ||
	    pci->options.trapped & 1U << bar)
		return;
	if (!bar_fills_page(pci, bar)) {
		bar_find_mappable(pci, bar, areas);
		return;
	}
	areas->area[areas->count++] = (struct vfio_area){.size = to->size};
	to->page = host_page_size();
}

/* A ROM is memory, which the guest reads by itself; the device's own is copied at its first use. */
static int bar_use_rom(struct vfio_pci *pci, struct err *err)
{
	struct pci_bar *bar = &pci->device.bars[PCI_ROM_BAR];
	const struct vfio_rom *rom = pci->rom;
	int rc = rom ? 0 : vfio_rom_reserve(&pci->own_rom, bar->size);

	if (rc)
		return err_set(err, rc, "passthrough device %s: option ROM: %s", pci->device.name,
			       err_text(rc));
	rom = rom ? rom : &pci->own_rom;
	bar->slices[0].region.kind = MEM_ROM;
	bar->slices[0].region.host = rom->host;
	bar->slices[0].region.ops = NULL;
	return 0;
}

static int bar_tile(struct vfio_pci *pci, unsigned int bar, struct err *err)
{
	struct pci_bar *to = &pci->device.bars[bar];
	struct areas areas = {.count = 0};
	uint64_t at = 0;
	int failed, rc;

	bar_choose_areas(pci, bar, &areas);
	snprintf(pci->bars[bar].name, sizeof(pci->bars[bar].name), "%.16s BAR %u", pci->device.name,
		 bar);
	to->slices = calloc(2 * areas.count + 1, sizeof(*to->slices));
	pci->bars[bar].slices = calloc(2 * areas.count + 1, sizeof(*pci->bars[bar].slices));
	if (!to->slices || !pci->bars[bar].slices)
		return err_set(err, -ENOMEM, "passthrough device %s: out of memory",
			       pci->device.name);
	for (size_t i = 0; i < areas.count; i++) {
		const struct vfio_area *area = &areas.area[i];

		if (area->size == 0)
			continue;
		bar_add_slice(pci, bar, MEM_TRAP, at, area->offset - at);
		bar_add_slice(pci, bar, MEM_DEVICE, area->offset, area->size);
		at = area->offset + area->size;
	}
	bar_add_slice(pci, bar, MEM_TRAP, at, to->size - at);
	if (bar == PCI_ROM_BAR)
		return bar_use_rom(pci, err);
	failed = bar_map(pci, bar);
	rc = bar_check_not_held(pci, bar, err);
	if (failed && !rc)
		log_warn("passthrough device %s: BAR %u cannot be mapped: %s: its accesses are "
			 "trapped, which is slow",
			 pci->device.name, bar, err_text(failed));
	return rc ? rc : bar_add_doorbells(pci, bar, err);
}

int vfio_bars_setup(struct vfio_pci *pci, struct err *err)
{
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++) {
		int rc = pci->device.bars[i].kind != PCI_BAR_NONE ? bar_tile(pci, i, err) : 0;

		if (rc)
			return rc;
	}
	return 0;
}

void vfio_bars_unmap(struct vfio_pci *pci)
{
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++) {
		struct vfio_pci_bar *bar = &pci->bars[i];

		if (bar->reservation)
			munmap(bar->reservation, bar->reserved);
		bar->reservation = NULL;
	}
}

void vfio_bars_release(struct vfio_pci *pci)
{
	vfio_bars_unmap(pci);
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++) {
		free(pci->device.bars[i].slices);
		free(pci->bars[i].slices);
		free(pci->bars[i].doorbells);
		pci->bars[i].doorbells = NULL;
		pci->device.bars[i].slices = NULL;
		pci->device.bars[i].slice_count = 0;
		pci->bars[i].slices = NULL;
	}
}
