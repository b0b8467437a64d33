/* SPDX-License-Identifier: BSD-3-Clause */
/* A PL061 whose inputs are low but for buttons that are pressed. */

#include "devices/pl061.h"

#include <errno.h>
#include <stdlib.h>

#include "devices/primecell.h"
#include "vmm/base/bits.h"

/* DDI 0190, table 3-1. Address bits 9 to 2 of the data register select lines. */
enum {
	REGISTER_DATA_END = 0x400,
	REGISTER_DIRECTION = 0x400,
	REGISTER_SENSE = 0x404,
	REGISTER_BOTH_EDGES = 0x408,
	REGISTER_EVENT = 0x40c,
	REGISTER_MASK = 0x410,
	REGISTER_RAW_STATUS = 0x414,
	REGISTER_STATUS = 0x418,
	REGISTER_CLEAR = 0x41c,
	REGISTER_FUNCTION = 0x420,
	DATA_SELECT_SHIFT = 2,
};

static const uint32_t pl061_id = 0x00041061;

struct pl061 {
	struct device device;
	struct mem_region region;
	struct kvm_irq *irq;
	uint32_t line;
	pthread_mutex_t lock; /* everything below */

	bool level;
	uint8_t pressed; /* inputs that are high */
	uint8_t output;
	uint8_t direction; /* 1: an output */
	uint8_t sense;     /* 1: by level */
	uint8_t both, event, mask, function;
	uint8_t edges; /* seen and not cleared */
};

static uint8_t pl061_lines(const struct pl061 *pl061)
{
	return (uint8_t)((pl061->output & pl061->direction) | (pl061->pressed & ~pl061->direction));
}

static uint8_t pl061_status(const struct pl061 *pl061)
{
	uint8_t matching = (uint8_t) ~(pl061_lines(pl061) ^ pl061->event);

	return (uint8_t)((pl061->edges & ~pl061->sense) | (matching & pl061->sense));
}

static void pl061_update(struct pl061 *pl061)
{
	bool level = pl061_status(pl061) & pl061->mask;

	if (level == pl061->level)
		return;
	pl061->level = level;
	(void)!kvm_irq_set_level(pl061->irq, pl061->line, level);
}

/* Inputs become @pressed: edges are noted, whether or not they are to interrupt. */
static void pl061_change(struct pl061 *pl061, uint8_t pressed)
{
	uint8_t before = pl061_lines(pl061), changed, after;

	pl061->pressed = pressed;
	after = pl061_lines(pl061);
	changed = before ^ after;
	pl061->edges |= (uint8_t)(changed & (pl061->both | ~(after ^ pl061->event)));
	pl061_update(pl061);
}

static uint8_t pl061_read_data(struct pl061 *pl061, uint8_t selected)
{
	uint8_t value = pl061_lines(pl061) & selected;

	/*
	 * Whoever looked has seen the button; an output shows what it is driven to, not the button.
	 */
	pl061_change(pl061, (uint8_t)(pl061->pressed & ~(selected & ~pl061->direction)));
	return value;
}

static uint32_t pl061_read_register(struct pl061 *pl061, uint64_t offset)
{
	uint32_t value = 0;

	if (offset < REGISTER_DATA_END)
		return pl061_read_data(pl061, (uint8_t)(offset >> DATA_SELECT_SHIFT));
	switch (offset) {
	case REGISTER_DIRECTION:
		return pl061->direction;
	case REGISTER_SENSE:
		return pl061->sense;
	case REGISTER_BOTH_EDGES:
		return pl061->both;
	case REGISTER_EVENT:
		return pl061->event;
	case REGISTER_MASK:
		return pl061->mask;
	case REGISTER_RAW_STATUS:
		return pl061_status(pl061);
	case REGISTER_STATUS:
		return pl061_status(pl061) & pl061->mask;
	case REGISTER_FUNCTION:
		return pl061->function;
	default:
		(void)primecell_identify(offset, pl061_id, &value);
		return value;
	}
}

static enum mem_result pl061_read(void *owner, uint64_t offset, unsigned int size, uint64_t *value)
{
	struct pl061 *pl061 = owner;
	unsigned int byte = offset % 4;

	*value = (uint64_t)pl061_read_register(pl061, offset - byte) >> byte * 8 & all_ones(size);
	return MEM_DONE;
}

static void pl061_write_register(struct pl061 *pl061, uint64_t offset, uint8_t value)
{
	uint8_t selected = (uint8_t)(offset >> DATA_SELECT_SHIFT);

	if (offset < REGISTER_DATA_END) {
		selected &= pl061->direction; /* an input keeps nothing */
		pl061->output = (uint8_t)((pl061->output & ~selected) | (value & selected));
		return;
	}
	switch (offset) {
	case REGISTER_DIRECTION:
		pl061->direction = value;
		break;
	case REGISTER_SENSE:
		pl061->sense = value;
		break;
	case REGISTER_BOTH_EDGES:
		pl061->both = value;
		break;
	case REGISTER_EVENT:
		pl061->event = value;
		break;
	case REGISTER_MASK:
		pl061->mask = value;
		break;
	case REGISTER_CLEAR:
		pl061->edges &= (uint8_t)~value;
		break;
	case REGISTER_FUNCTION:
		pl061->function = value;
		break;
	}
}

static enum mem_result pl061_write(void *owner, uint64_t offset, unsigned int size, uint64_t value)
{
	struct pl061 *pl061 = owner;

	(void)size;
	pl061_write_register(pl061, offset, (uint8_t)value);
	pl061_update(pl061);
	return MEM_DONE;
}

void pl061_press(struct pl061 *pl061, unsigned int gpio)
{
	uint8_t bit = (uint8_t)(1 << gpio);

	pthread_mutex_lock(&pl061->lock);
	/*
	 * Whoever asked for rising edges alone may never look: let go first, so that there is one.
	 */
	pl061_change(pl061, (uint8_t)(pl061->pressed & ~bit));
	pl061_change(pl061, pl061->pressed | bit);
	pthread_mutex_unlock(&pl061->lock);
}

static void pl061_reset(struct device *device)
{
	struct pl061 *pl061 = container_of(device, struct pl061, device);

	pthread_mutex_lock(&pl061->lock);
	pl061->pressed = pl061->output = pl061->direction = pl061->sense = 0;
	pl061->both = pl061->event = pl061->mask = pl061->function = pl061->edges = 0;
	pl061_update(pl061);
	pthread_mutex_unlock(&pl061->lock);
}

static void pl061_destroy(struct device *device)
{
	struct pl061 *pl061 = container_of(device, struct pl061, device);

	mem_map_del(&pl061->region);
	pthread_mutex_destroy(&pl061->lock);
	free(pl061);
}

static const struct device_ops pl061_device_ops = {
	.reset = pl061_reset,
	.destroy = pl061_destroy,
};

static const struct mem_ops pl061_ops = {.read = pl061_read, .write = pl061_write};

struct pl061 *pl061_create(const struct device_bus *bus, uint64_t base, uint32_t line,
			   struct err *err)
{
	struct pl061 *pl061 = calloc(1, sizeof(*pl061));

	if (!pl061) {
		err_set(err, -ENOMEM, "buttons: out of memory");
		return NULL;
	}
	pl061->device.ops = &pl061_device_ops;
	pl061->irq = bus->irq;
	pl061->line = line;
	pthread_mutex_init(&pl061->lock, NULL);
	pl061->region = (struct mem_region){
		.name = "buttons",
		.kind = MEM_TRAP,
		.size = PRIMECELL_SIZE,
		.ops = &pl061_ops,
		.owner = pl061,
		.lock = &pl061->lock,
	};
	if (mem_map_add(bus->mmio, &pl061->region, base, err) < 0) {
		pl061_destroy(&pl061->device);
		return NULL;
	}
	return pl061;
}

struct device *pl061_device(struct pl061 *pl061)
{
	return &pl061->device;
}
