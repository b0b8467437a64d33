/* SPDX-License-Identifier: BSD-3-Clause */
/* The registers of a virtio function: common configuration, interrupt status, the device's own. */

#include <linux/virtio_config.h>
#include <string.h>

#include "devices/virtio/function_private.h"
#include "vmm/base/bits.h"

/* What a driver may set in the status. */
enum {
	STATUS_DRIVERS = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK |
			 VIRTIO_CONFIG_S_FAILED,
};

static struct function_queue *registers_queue(struct virtio_function *function)
{
	struct function_registers *registers = &function->registers;

	return registers->queue_select < function->device->queue_count
		       ? &registers->queues[registers->queue_select]
		       : NULL;
}

/* The half of @features that is looked at. */
static uint32_t registers_half(uint64_t features, uint32_t select)
{
	return select < 2 ? (uint32_t)(features >> 32 * select) : 0;
}

void function_reset_end(struct virtio_function *function)
{
	struct function_registers *registers = &function->registers;

	*registers = (struct function_registers){0};
	for (unsigned int i = 0; i < function->device->queue_count; i++)
		registers->queues[i].place.size = function->device->queue_size;
	function_interrupts_reset(function);
	function_wire_intx(function);
}

bool function_reset_begin(struct virtio_function *function)
{
	function->registers.resetting = true;
	return function->device->ops->stop(function->device);
}

/* The device may still have chains: then the driver looks again (VIRTIO 1.2 4.1.4.3.2). */
static void registers_follow_reset(struct virtio_function *function)
{
	if (function->registers.resetting && function->device->ops->stop(function->device))
		function_reset_end(function);
}

static uint8_t registers_read_status(struct virtio_function *function)
{
	uint8_t failed = function_has_failed(function) ? VIRTIO_CONFIG_S_NEEDS_RESET : 0;

	registers_follow_reset(function);
	return function->registers.status ? function->registers.status | failed : 0;
}

static bool registers_queue_is_resetting(struct virtio_function *function,
					 struct function_queue *queue)
{
	if (queue->resetting &&
	    function->device->ops->stop_queue(function->device, function->registers.queue_select)) {
		*queue = (struct function_queue){.place.size = function->device->queue_size};
		function_set_vector(function,
				    function->interrupts.of_queue +
					    function->registers.queue_select,
				    UINT16_MAX);
	}
	return queue->resetting;
}

static void registers_fill_queue(struct virtio_function *function, uint8_t *image)
{
	struct function_queue *queue = registers_queue(function);
	unsigned int index = function->registers.queue_select;

	store_le16(image + COMMON_QUEUE_VECTOR, UINT16_MAX);
	if (!queue)
		return;
	store_le16(image + COMMON_QUEUE_RESET, registers_queue_is_resetting(function, queue));
	store_le16(image + COMMON_QUEUE_SIZE, queue->place.size);
	store_le16(image + COMMON_QUEUE_VECTOR,
		   function_vector(function, &function->interrupts.of_queue[index]));
	store_le16(image + COMMON_QUEUE_ENABLE, queue->enabled);
	store_le16(image + COMMON_QUEUE_NOTIFY_OFFSET, (uint16_t)index);
	store_le64(image + COMMON_QUEUE_DESCRIPTORS, queue->place.descriptors);
	store_le64(image + COMMON_QUEUE_DRIVER, queue->place.driver);
	store_le64(image + COMMON_QUEUE_DEVICE, queue->place.device);
	store_le16(image + COMMON_QUEUE_NOTIFY_DATA, (uint16_t)index);
}

static uint64_t registers_read_common(struct virtio_function *function, uint64_t offset,
				      unsigned int size)
{
	const struct function_registers *registers = &function->registers;
	const struct virtio_device *device = function->device;
	uint8_t image[COMMON_SIZE] = {0};

	if (!range_fits(offset, size, COMMON_SIZE))
		return all_ones(size);
	image[COMMON_STATUS] = registers_read_status(function);
	image[COMMON_GENERATION] = function_generation(function);
	store_le32(image + COMMON_DEVICE_FEATURE_SELECT, registers->device_feature_select);
	store_le32(image + COMMON_DEVICE_FEATURE,
		   registers_half(device->features, registers->device_feature_select));
	store_le32(image + COMMON_DRIVER_FEATURE_SELECT, registers->driver_feature_select);
	store_le32(image + COMMON_DRIVER_FEATURE,
		   registers_half(registers->driver_features, registers->driver_feature_select));
	store_le16(image + COMMON_CONFIG_VECTOR,
		   function_vector(function, &function->interrupts.of_config));
	store_le16(image + COMMON_QUEUE_COUNT, (uint16_t)device->queue_count);
	store_le16(image + COMMON_QUEUE_SELECT, registers->queue_select);
	registers_fill_queue(function, image);
	return load_le(image + offset, size);
}

uint64_t function_registers_read(struct virtio_function *function, uint64_t offset,
				 unsigned int size)
{
	if (offset < FUNCTION_ISR)
		return registers_read_common(function, offset, size);
	if (offset < FUNCTION_DEVICE)
		return offset == FUNCTION_ISR ? function_isr_take(function) : 0;
	return function_device_read(function, offset - FUNCTION_DEVICE, size);
}

static void registers_start(struct virtio_function *function)
{
	struct function_registers *registers = &function->registers;
	struct virtio_queue_place places[VIRTIO_QUEUES_MAX] = {0};
	struct err err = {0};

	for (unsigned int i = 0; i < function->device->queue_count; i++)
		if (registers->queues[i].enabled)
			places[i] = registers->queues[i].place;
	registers->running = true;
	if (function->device->ops->start(function->device, registers->driver_features, places,
					 &err))
		function_transport.broke(function, err.text);
	function_wire_intx(function);
}

/* VIRTIO 1.2 2.2.2: what is asked for without being offered is refused as a whole. */
static bool registers_features_are_good(const struct virtio_function *function)
{
	uint64_t features = function->registers.driver_features;

	return !(features & ~function->device->features) && features >> VIRTIO_F_VERSION_1 & 1;
}

/* A driver sets bits, one after another, and clears them by a reset alone (VIRTIO 1.2 2.1.1). */
static void registers_write_status(struct virtio_function *function, uint8_t value)
{
	struct function_registers *registers = &function->registers;
	uint8_t set = (uint8_t)(value & STATUS_DRIVERS & ~registers->status);

	if (value == 0) {
		if (function_reset_begin(function))
			function_reset_end(function);
		return;
	}
	if (set & VIRTIO_CONFIG_S_FEATURES_OK && !registers_features_are_good(function))
		set &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
	if (set & VIRTIO_CONFIG_S_DRIVER_OK &&
	    !((registers->status | set) & VIRTIO_CONFIG_S_FEATURES_OK))
		set &= (uint8_t)~VIRTIO_CONFIG_S_DRIVER_OK;
	registers->status |= set;
	if (set & VIRTIO_CONFIG_S_DRIVER_OK)
		registers_start(function);
}

static void registers_write_features(struct virtio_function *function, uint32_t value)
{
	struct function_registers *registers = &function->registers;
	uint32_t select = registers->driver_feature_select;

	/* Beyond the last there is none to be had. */
	if (registers->status & VIRTIO_CONFIG_S_FEATURES_OK || select > 1)
		return;
	registers->driver_features &= ~((uint64_t)UINT32_MAX << 32 * select);
	registers->driver_features |= (uint64_t)value << 32 * select;
}

static bool registers_may_reset_queues(const struct virtio_function *function)
{
	return function->registers.driver_features >> VIRTIO_F_RING_RESET & 1;
}

static void registers_enable_queue(struct virtio_function *function, struct function_queue *queue)
{
	const struct function_registers *registers = &function->registers;
	unsigned int index = registers->queue_select;
	struct err err = {0};

	if (!(registers->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	if (registers->running && !registers_may_reset_queues(function))
		return;
	queue->enabled = true;
	if (registers->running &&
	    function->device->ops->start_queue(function->device, index, &queue->place, &err))
		function_transport.broke(function, err.text);
}

/* VIRTIO 1.2 2.6.1. */
static void registers_reset_queue(struct virtio_function *function, struct function_queue *queue)
{
	if (!registers_may_reset_queues(function) || !function->registers.running ||
	    !queue->enabled)
		return;
	queue->resetting = true;
	(void)registers_queue_is_resetting(function, queue);
}

/* One half or the whole of an address. */
static void registers_write_address(uint64_t *address, uint64_t offset, unsigned int size,
				    uint64_t value)
{
	uint8_t bytes[8];

	store_le64(bytes, *address);
	store_le(bytes + offset, size, value);
	*address = load_le64(bytes);
}

/* Of a packed queue it is any number (VIRTIO 1.2 2.8.10.1). */
static bool registers_size_is_good(const struct virtio_function *function, uint64_t size)
{
	bool packed = function->registers.driver_features >> VIRTIO_F_RING_PACKED & 1;

	return size <= function->device->queue_size && (packed ? size > 0 : is_power_of_2(size));
}

/* What is enabled does not change (VIRTIO 1.2 4.1.4.3.2). */
static void registers_write_queue(struct virtio_function *function, uint64_t offset,
				  unsigned int size, uint64_t value)
{
	struct function_queue *queue = registers_queue(function);
	unsigned int index = function->registers.queue_select;

	if (!queue)
		return;
	if (offset == COMMON_QUEUE_VECTOR) {
		function_set_vector(function, &function->interrupts.of_queue[index],
				    (uint16_t)value);
		return;
	}
	if (offset == COMMON_QUEUE_RESET && value == 1)
		registers_reset_queue(function, queue);
	if (queue->enabled || queue->resetting)
		return;
	if (offset == COMMON_QUEUE_SIZE && registers_size_is_good(function, value))
		queue->place.size = (uint16_t)value;
	else if (offset == COMMON_QUEUE_ENABLE && value == 1)
		registers_enable_queue(function, queue);
	else if (offset >= COMMON_QUEUE_DEVICE && offset < COMMON_QUEUE_NOTIFY_DATA)
		registers_write_address(&queue->place.device, offset - COMMON_QUEUE_DEVICE, size,
					value);
	else if (offset >= COMMON_QUEUE_DRIVER && offset < COMMON_QUEUE_DEVICE)
		registers_write_address(&queue->place.driver, offset - COMMON_QUEUE_DRIVER, size,
					value);
	else if (offset >= COMMON_QUEUE_DESCRIPTORS && offset < COMMON_QUEUE_DRIVER)
		registers_write_address(&queue->place.descriptors,
					offset - COMMON_QUEUE_DESCRIPTORS, size, value);
}

/* How wide each register is; an address may be written by halves too. 0: there is none. */
static unsigned int registers_width(uint64_t offset)
{
	switch (offset) {
	case COMMON_DEVICE_FEATURE_SELECT:
	case COMMON_DRIVER_FEATURE_SELECT:
	case COMMON_DRIVER_FEATURE:
		return 4;
	case COMMON_STATUS:
		return 1;
	case COMMON_CONFIG_VECTOR:
	case COMMON_QUEUE_SELECT:
	case COMMON_QUEUE_SIZE:
	case COMMON_QUEUE_VECTOR:
	case COMMON_QUEUE_ENABLE:
	case COMMON_QUEUE_RESET:
		return 2;
	default:
		return offset >= COMMON_QUEUE_DESCRIPTORS && offset < COMMON_QUEUE_NOTIFY_DATA &&
				       is_aligned(offset, 4)
			       ? 4
			       : 0;
	}
}

static bool registers_write_counts(uint64_t offset, unsigned int size)
{
	return size == registers_width(offset) ||
	       (size == 8 && registers_width(offset) == 4 && offset >= COMMON_QUEUE_DESCRIPTORS &&
		is_aligned(offset, 8));
}

void function_registers_write(struct virtio_function *function, uint64_t offset, unsigned int size,
			      uint64_t value)
{
	struct function_registers *registers = &function->registers;

	/* The other areas have nothing to be written. */
	if (!registers_write_counts(offset, size))
		return;
	/* While it is being reset nothing else is heard. */
	registers_follow_reset(function);
	if (registers->resetting)
		return;
	switch (offset) {
	case COMMON_DEVICE_FEATURE_SELECT:
		registers->device_feature_select = (uint32_t)value;
		break;
	case COMMON_DRIVER_FEATURE_SELECT:
		registers->driver_feature_select = (uint32_t)value;
		break;
	case COMMON_DRIVER_FEATURE:
		registers_write_features(function, (uint32_t)value);
		break;
	case COMMON_CONFIG_VECTOR:
		function_set_vector(function, &function->interrupts.of_config, (uint16_t)value);
		break;
	case COMMON_STATUS:
		registers_write_status(function, (uint8_t)value);
		break;
	case COMMON_QUEUE_SELECT:
		registers->queue_select = (uint16_t)value;
		break;
	default:
		registers_write_queue(function, offset, size, value);
		break;
	}
}
