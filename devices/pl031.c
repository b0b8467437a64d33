/* SPDX-License-Identifier: BSD-3-Clause */
/* A PL031 that counts the host's seconds, off by what the guest set. */

#include "devices/pl031.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "devices/primecell.h"
#include "vmm/base/bits.h"

/* DDI 0224, table 3-1. */
enum {
	REGISTER_DATA = 0x00,
	REGISTER_MATCH = 0x04,
	REGISTER_LOAD = 0x08,
	REGISTER_CONTROL = 0x0c, /* bit 0, the clock runs, stays set */
	REGISTER_MASK = 0x10,
	REGISTER_RAW_STATUS = 0x14,
	REGISTER_STATUS = 0x18,
	REGISTER_CLEAR = 0x1c,
};

static const uint32_t pl031_id = 0x00041031;

struct pl031 {
	struct device device;
	struct mem_region region;
	struct kvm_irq *irq;
	uint32_t line;
	pthread_mutex_t lock; /* everything below */

	bool level;
	bool armed;      /* a match was set and has not come yet */
	uint32_t offset; /* the guest's time less the host's, modulo 2^32 */
	uint32_t match, load, mask, status;
};

static uint32_t pl031_now(const struct pl031 *pl031)
{
	return (uint32_t)time(NULL) + pl031->offset;
}

static void pl031_update(struct pl031 *pl031)
{
	bool level;

	if (pl031->armed && (int32_t)(pl031_now(pl031) - pl031->match) >= 0) {
		pl031->armed = false;
		pl031->status = 1;
	}
	level = pl031->status & pl031->mask;
	if (level == pl031->level)
		return;
	pl031->level = level;
	(void)!kvm_irq_set_level(pl031->irq, pl031->line, level);
}

static enum mem_result pl031_read(void *owner, uint64_t offset, unsigned int size, uint64_t *value)
{
	struct pl031 *pl031 = owner;
	uint64_t word = offset - offset % 4;
	uint32_t result = 0;

	pl031_update(pl031);
	switch (word) {
	case REGISTER_DATA:
		result = pl031_now(pl031);
		break;
	case REGISTER_MATCH:
		result = pl031->match;
		break;
	case REGISTER_LOAD:
		result = pl031->load;
		break;
	case REGISTER_CONTROL:
		result = 1;
		break;
	case REGISTER_MASK:
		result = pl031->mask;
		break;
	case REGISTER_RAW_STATUS:
		result = pl031->status;
		break;
	case REGISTER_STATUS:
		result = pl031->status & pl031->mask;
		break;
	default:
		(void)primecell_identify(word, pl031_id, &result);
		break;
	}
	*value = (uint64_t)result >> (offset % 4 * 8) & all_ones(size);
	return MEM_DONE;
}

static enum mem_result pl031_write(void *owner, uint64_t offset, unsigned int size, uint64_t value)
{
	struct pl031 *pl031 = owner;

	(void)size;
	pl031_update(pl031);
	switch (offset) {
	case REGISTER_MATCH:
		pl031->match = (uint32_t)value;
		/* A time that is over comes again in 2^32 seconds. */
		pl031->armed = (int32_t)(pl031->match - pl031_now(pl031)) >= 0;
		break;
	case REGISTER_LOAD:
		pl031->load = (uint32_t)value;
		pl031->offset += pl031->load - pl031_now(pl031);
		break;
	case REGISTER_MASK:
		pl031->mask = value & 1;
		break;
	case REGISTER_CLEAR:
		pl031->status &= ~(uint32_t)value;
		break;
	}
	pl031_update(pl031);
	return MEM_DONE;
}

static void pl031_reset(struct device *device)
{
	struct pl031 *pl031 = container_of(device, struct pl031, device);

	pthread_mutex_lock(&pl031->lock);
	pl031->armed = false;
	pl031->offset = pl031->match = pl031->load = pl031->mask = pl031->status = 0;
	pl031_update(pl031);
	pthread_mutex_unlock(&pl031->lock);
}

static void pl031_destroy(struct device *device)
{
	struct pl031 *pl031 = container_of(device, struct pl031, device);

	mem_map_del(&pl031->region);
	pthread_mutex_destroy(&pl031->lock);
	free(pl031);
}

static const struct device_ops pl031_device_ops = {
	.reset = pl031_reset,
	.destroy = pl031_destroy,
};

static const struct mem_ops pl031_ops = {.read = pl031_read, .write = pl031_write};

struct device *pl031_create(const struct device_bus *bus, uint64_t base, uint32_t line,
			    struct err *err)
{
	struct pl031 *pl031 = calloc(1, sizeof(*pl031));

	if (!pl031) {
		err_set(err, -ENOMEM, "clock: out of memory");
		return NULL;
	}
	pl031->device.ops = &pl031_device_ops;
	pl031->irq = bus->irq;
	pl031->line = line;
	pthread_mutex_init(&pl031->lock, NULL);
	pl031->region = (struct mem_region){
		.name = "clock",
		.kind = MEM_TRAP,
		.size = PRIMECELL_SIZE,
		.ops = &pl031_ops,
		.owner = pl031,
		.lock = &pl031->lock,
	};
	if (mem_map_add(bus->mmio, &pl031->region, base, err) < 0) {
		pl031_destroy(&pl031->device);
		return NULL;
	}
	return &pl031->device;
}
