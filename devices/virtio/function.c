/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio function: its config space, its BAR, its life on the bus. */

#include "devices/virtio/function.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "devices/virtio/function_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

enum {
	FUNCTION_VENDOR = 0x1af4,
	FUNCTION_DEVICES = 0x1040, /* and the device's own number (VIRTIO 1.2 4.1.2) */
	FUNCTION_REVISION = 1,
};

/* Capabilities, one behind the other. */
enum {
	CAP_MSIX = 0x40,
	CAP_COMMON = 0x4c,
	CAP_NOTIFY = CAP_COMMON + sizeof(struct virtio_pci_cap),
	CAP_ISR = CAP_NOTIFY + sizeof(struct virtio_pci_notify_cap),
	CAP_DEVICE = CAP_ISR + sizeof(struct virtio_pci_cap),
	CAP_CONFIG = CAP_DEVICE + sizeof(struct virtio_pci_cap),
	CAP_CONFIG_DATA = CAP_CONFIG + sizeof(struct virtio_pci_cap),
};

static struct virtio_function *function_of(struct pci_device *device)
{
	return container_of(device, struct virtio_function, pci);
}

/* The BAR. Device lock held. */

static enum mem_result function_bar_read(struct virtio_function *function, uint64_t offset,
					 unsigned int size, uint64_t *value)
{
	if (offset < FUNCTION_NOTIFY)
		*value = function_registers_read(function, offset, size);
	else if (offset < FUNCTION_MSIX)
		*value = 0;
	else
		*value = pci_msix_read(&function->msix, FUNCTION_BAR, offset, size);
	return MEM_DONE;
}

/* What KVM has not made of a kick by itself. */
static void function_kick(struct virtio_function *function, uint64_t offset)
{
	uint64_t queue = (offset - FUNCTION_NOTIFY) / FUNCTION_BELL;

	if (!is_aligned(offset, FUNCTION_BELL) || queue >= function->device->queue_count)
		return;
	if (function->device->ops->kick)
		function->device->ops->kick(function->device, (unsigned int)queue);
	else
		fd_signal(function->kicks[queue]);
}

static enum mem_result function_bar_write(struct virtio_function *function, uint64_t offset,
					  unsigned int size, uint64_t value)
{
	if (offset < FUNCTION_NOTIFY)
		function_registers_write(function, offset, size, value);
	else if (offset < FUNCTION_MSIX)
		function_kick(function, offset);
	else
		pci_msix_write(&function->msix, FUNCTION_BAR, offset, size, value);
	return MEM_DONE;
}

static enum mem_result function_area_read(void *owner, uint64_t offset, unsigned int size,
					  uint64_t *value)
{
	const struct function_area *area = owner;

	return function_bar_read(area->function, area->base + offset, size, value);
}

static enum mem_result function_area_write(void *owner, uint64_t offset, unsigned int size,
					   uint64_t value)
{
	const struct function_area *area = owner;

	return function_bar_write(area->function, area->base + offset, size, value);
}

static const struct mem_ops function_area_ops = {function_area_read, function_area_write};

static void function_set_slice(struct virtio_function *function, unsigned int index,
			       uint64_t offset, uint64_t size)
{
	function->areas[index] = (struct function_area){function, offset};
	function->slices[index] = (struct pci_slice){
		.region =
			{
				.name = function->device->name,
				.kind = MEM_TRAP,
				.size = size,
				.ops = &function_area_ops,
				.owner = &function->areas[index],
				.lock = &function->pci.lock,
			},
		.offset = offset,
	};
}

static int function_set_bar(struct virtio_function *function, struct err *err)
{
	struct pci_bar bar = {
		.kind = PCI_BAR_MEM64,
		.size = VIRTIO_FUNCTION_BAR_SIZE,
		.slices = function->slices,
		.slice_count = ARRAY_SIZE(function->slices),
	};
	int rc;

	function_set_slice(function, 0, 0, FUNCTION_NOTIFY);
	function_set_slice(function, 1, FUNCTION_NOTIFY, FUNCTION_AREA);
	function_set_slice(function, 2, FUNCTION_MSIX, VIRTIO_FUNCTION_BAR_SIZE - FUNCTION_MSIX);
	for (unsigned int i = 0; i < function->device->queue_count; i++)
		function->doorbells[i] = (struct mem_doorbell){
			.offset = (uint64_t)FUNCTION_BELL * i,
			.eventfd = function->kicks[i],
		};
	function->slices[1].region.doorbells = function->doorbells;
	function->slices[1].region.doorbell_count = function->device->queue_count;
	rc = pci_device_set_bar(&function->pci, FUNCTION_BAR, bar);
	return rc ? err_set(err, rc, "%s: its BAR: %s", function->device->name, err_text(rc)) : 0;
}

/* Config space. */

static void function_set_capability(struct virtio_function *function, unsigned int at,
				    unsigned int next, uint8_t type, uint32_t offset,
				    uint32_t length)
{
	uint8_t *capability = function->pci.config + at;

	capability[VIRTIO_PCI_CAP_VNDR] = PCI_CAP_ID_VNDR;
	capability[VIRTIO_PCI_CAP_NEXT] = (uint8_t)next;
	capability[VIRTIO_PCI_CAP_LEN] =
		type == VIRTIO_PCI_CAP_NOTIFY_CFG || type == VIRTIO_PCI_CAP_PCI_CFG
			? sizeof(struct virtio_pci_notify_cap)
			: sizeof(struct virtio_pci_cap);
	capability[VIRTIO_PCI_CAP_CFG_TYPE] = type;
	capability[VIRTIO_PCI_CAP_BAR] = FUNCTION_BAR;
	store_le32(capability + VIRTIO_PCI_CAP_OFFSET, offset);
	store_le32(capability + VIRTIO_PCI_CAP_LENGTH, length);
}

static void function_set_capabilities(struct virtio_function *function)
{
	uint8_t *config = function->pci.config;
	unsigned int vectors = 1 + function->device->queue_count;
	unsigned int space = function->device->config_size;

	config[PCI_CAPABILITY_LIST] = CAP_MSIX;
	config[CAP_MSIX] = PCI_CAP_ID_MSIX;
	config[CAP_MSIX + PCI_CAP_LIST_NEXT] = CAP_COMMON;
	store_le16(config + CAP_MSIX + PCI_MSIX_FLAGS, (uint16_t)(vectors - 1));
	store_le32(config + CAP_MSIX + PCI_MSIX_TABLE, FUNCTION_MSIX | FUNCTION_BAR);
	store_le32(config + CAP_MSIX + PCI_MSIX_PBA, FUNCTION_PBA | FUNCTION_BAR);
	function_set_capability(function, CAP_COMMON, CAP_NOTIFY, VIRTIO_PCI_CAP_COMMON_CFG,
				FUNCTION_COMMON, COMMON_SIZE);
	function_set_capability(function, CAP_NOTIFY, CAP_ISR, VIRTIO_PCI_CAP_NOTIFY_CFG,
				FUNCTION_NOTIFY, FUNCTION_BELL * function->device->queue_count);
	store_le32(config + CAP_NOTIFY + VIRTIO_PCI_NOTIFY_CAP_MULT, FUNCTION_BELL);
	/* Drivers refuse one of no length (VIRTIO 1.2 4.1.4.6). */
	function_set_capability(function, CAP_ISR, space ? CAP_DEVICE : CAP_CONFIG,
				VIRTIO_PCI_CAP_ISR_CFG, FUNCTION_ISR, 1);
	if (space)
		function_set_capability(function, CAP_DEVICE, CAP_CONFIG, VIRTIO_PCI_CAP_DEVICE_CFG,
					FUNCTION_DEVICE, space);
	function_set_capability(function, CAP_CONFIG, 0, VIRTIO_PCI_CAP_PCI_CFG, 0, 0);
	function->pci.write_mask[CAP_CONFIG + VIRTIO_PCI_CAP_BAR] = 0xff;
	store_le64(function->pci.write_mask + CAP_CONFIG + VIRTIO_PCI_CAP_OFFSET, UINT64_MAX);
}

static void function_set_header(struct virtio_function *function)
{
	const struct virtio_device *device = function->device;
	uint8_t *config = function->pci.config;

	store_le16(config + PCI_VENDOR_ID, FUNCTION_VENDOR);
	store_le16(config + PCI_DEVICE_ID, (uint16_t)(FUNCTION_DEVICES + device->id));
	store_le32(config + PCI_CLASS_REVISION, device->class_code << 8 | FUNCTION_REVISION);
	store_le16(config + PCI_SUBSYSTEM_VENDOR_ID, FUNCTION_VENDOR);
	store_le16(config + PCI_SUBSYSTEM_ID, (uint16_t)(FUNCTION_DEVICES + device->id));
	store_le16(config + PCI_STATUS, PCI_STATUS_CAP_LIST);
	config[PCI_INTERRUPT_PIN] = 1;
	function->pci.write_mask[PCI_INTERRUPT_LINE] = 0xff;
	store_le16(function->pci.write_mask + PCI_COMMAND,
		   PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	function_set_capabilities(function);
}

/*
 * The way to the BAR by config space (VIRTIO 1.2 4.1.4.9), for firmware: whether what it is set to
 * is an access, and to where.
 */
static bool function_window_is_set(const struct virtio_function *function, uint32_t *offset,
				   uint32_t *size)
{
	const uint8_t *capability = function->pci.config + CAP_CONFIG;

	*offset = load_le32(capability + VIRTIO_PCI_CAP_OFFSET);
	*size = load_le32(capability + VIRTIO_PCI_CAP_LENGTH);
	return capability[VIRTIO_PCI_CAP_BAR] == FUNCTION_BAR &&
	       (*size == 1 || *size == 2 || *size == 4) && is_aligned(*offset, *size) &&
	       range_fits(*offset, *size, VIRTIO_FUNCTION_BAR_SIZE);
}

static uint32_t function_config_read(struct pci_device *device, unsigned int offset,
				     unsigned int size)
{
	struct virtio_function *function = function_of(device);
	uint8_t bytes[PCI_CONFIG_SIZE];
	uint64_t value = 0;
	uint32_t at, width;

	memcpy(bytes, device->config, sizeof(bytes));
	if (function_isr_pending(function))
		bytes[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	if (offset == CAP_CONFIG_DATA && function_window_is_set(function, &at, &width)) {
		function_bar_read(function, at, width, &value);
		store_le32(bytes + CAP_CONFIG_DATA, (uint32_t)value);
	}
	return (uint32_t)load_le(bytes + offset, size);
}

/* Device lock held: bus mastering is on or off by now. */
static void function_follow_mastering(struct virtio_function *function)
{
	if (function->pci.config[PCI_COMMAND] & PCI_COMMAND_MASTER && !function->stands)
		function->device->ops->resume(function->device);
	else
		(void)function->device->ops->pause(function->device);
}

/* What the device has taken it ends before it may not reach memory any more. */
static enum mem_result function_check(struct pci_device *device, unsigned int offset,
				      unsigned int size, uint32_t value)
{
	struct virtio_function *function = function_of(device);

	if (!ranges_overlap(offset, size, PCI_COMMAND, 1) ||
	    pci_write_sets(offset, size, value, PCI_COMMAND, PCI_COMMAND_MASTER))
		return MEM_DONE;
	return function->device->ops->pause(function->device) ? MEM_DONE : MEM_NOT_YET;
}

static void function_config_written(struct pci_device *device, unsigned int offset,
				    unsigned int size, uint32_t value)
{
	struct virtio_function *function = function_of(device);
	uint32_t at, width;

	if (ranges_overlap(offset, size, CAP_MSIX, PCI_CAP_MSIX_SIZEOF))
		pci_msix_config_written(&function->msix);
	if (ranges_overlap(offset, size, PCI_COMMAND, 2))
		function_follow_mastering(function);
	function_wire_intx(function);
	if (offset == CAP_CONFIG_DATA && function_window_is_set(function, &at, &width))
		function_bar_write(function, at, width, value & all_ones(size));
}

/* The guest is gone: nothing of the device's may reach memory that is another's from now on. */
static void function_reset(struct pci_device *device)
{
	struct virtio_function *function = function_of(device);

	pci_host_lock(device);
	(void)function_reset_begin(function);
	pci_host_unlock(device);
	if (function->device->ops->wait)
		function->device->ops->wait(function->device);
	pci_host_lock(device);
	pci_msix_reset(&function->msix);
	function_reset_end(function);
	function_follow_mastering(function);
	pci_host_unlock(device);
}

static void function_free(struct virtio_function *function)
{
	/* Its thread may interrupt until it has ended. */
	function->device->ops->destroy(function->device);
	function_interrupts_release(function);
	pci_msix_release(&function->msix);
	pci_vectors_destroy(function->vectors);
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		fd_close(&function->kicks[i]);
	pci_device_release(&function->pci);
	free(function);
}

static void function_destroy(struct pci_device *device)
{
	function_reset(device);
	function_free(function_of(device));
}

static const struct pci_device_ops function_ops = {
	.check = function_check,
	.config_read = function_config_read,
	.config_written = function_config_written,
	.reset = function_reset,
	.destroy = function_destroy,
};

struct virtio_function *function_find(struct pci_device *device)
{
	return device->ops == &function_ops ? function_of(device) : NULL;
}

/* A ring waits for kicks: it must find them to be waited for, not absent. */
static int function_open_kicks(struct virtio_function *function, struct err *err)
{
	for (unsigned int i = 0; i < function->device->queue_count; i++) {
		function->kicks[i] =
			eventfd(0, EFD_CLOEXEC | (function->device->polls ? EFD_NONBLOCK : 0));
		if (function->kicks[i] < 0)
			return err_set(err, -errno, "%s: no descriptor: %s", function->device->name,
				       err_text(errno));
	}
	return 0;
}

void virtio_function_stand(struct virtio_device *device, bool stands)
{
	struct virtio_function *function = device->transport;

	pci_host_lock(&function->pci);
	function->stands = stands;
	function_follow_mastering(function);
	pci_host_unlock(&function->pci);
}

static int function_set_up(struct virtio_function *function, struct err *err)
{
	struct virtio_attach attach = {
		.ram = function->setup.ram,
		.loop = function->setup.loop,
		.kicks = function->kicks,
		.transport = &function_transport,
		.owner = function,
	};
	int rc = function_interrupts_init(function, err);

	if (!rc)
		rc = function_open_kicks(function, err);
	if (!rc)
		rc = function_set_bar(function, err);
	if (rc)
		return rc;
	function_set_header(function);
	function->vectors = pci_vectors_create(function->device->name, function->setup.irq,
					       &function_wires, function);
	if (!function->vectors)
		return err_set(err, -ENOMEM, "%s: %s", function->device->name, err_text(-ENOMEM));
	rc = pci_msix_init(&function->msix, &function->pci, CAP_MSIX, function->vectors, err);
	if (!rc)
		rc = function->device->ops->attach(function->device, &attach, err);
	if (rc)
		return rc;
	function_reset_end(function);
	(void)function->device->ops->pause(function->device);
	return 0;
}

int virtio_function_create(struct virtio_device *device, const struct virtio_function_setup *setup,
			   struct err *err)
{
	struct virtio_function *function = calloc(1, sizeof(*function));
	int rc;

	if (!function) {
		rc = err_set(err, -ENOMEM, "%s: out of memory", device->name);
		device->ops->destroy(device);
		return rc;
	}
	function->device = device;
	device->transport = function;
	function->setup = *setup;
	function->news = -1;
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		function->kicks[i] = function->relays[i].fd = -1;
	pci_device_init(&function->pci, &function_ops, PCI_CONFIG_SIZE, device->name);
	rc = function_set_up(function, err);
	if (!rc)
		rc = pci_host_add(setup->host, &function->pci, -1, 0, err);
	if (rc)
		function_free(function);
	return rc;
}
