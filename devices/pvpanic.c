/* SPDX-License-Identifier: BSD-3-Clause */
/* The port where a guest's kernel says that it panicked. */

#include "devices/pvpanic.h"

#include <errno.h>
#include <stdlib.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"

enum { EVENT_PANICKED = 1 << 0, EVENT_CRASH_LOADED = 1 << 1 };

struct pvpanic {
	struct device device;
	struct mem_region region;
	struct machine_sink sink;
	struct log_limit limit;
};

static enum mem_result pvpanic_read(void *owner, uint64_t offset, unsigned int size,
				    uint64_t *value)
{
	(void)owner;
	(void)offset;
	(void)size;
	*value = EVENT_PANICKED | EVENT_CRASH_LOADED;
	return MEM_DONE;
}

static enum mem_result pvpanic_write(void *owner, uint64_t offset, unsigned int size,
				     uint64_t value)
{
	struct pvpanic *pvpanic = owner;

	(void)offset;
	(void)size;
	if (value & EVENT_PANICKED)
		pvpanic->sink.event(pvpanic->sink.machine, MACHINE_PANICKED, 0);
	else if (value & EVENT_CRASH_LOADED)
		log_guest(&pvpanic->limit, LOG_WARN,
			  "the guest's kernel panicked and goes on into its crash kernel");
	return MEM_DONE;
}

static void pvpanic_destroy(struct device *device)
{
	struct pvpanic *pvpanic = container_of(device, struct pvpanic, device);

	mem_map_del(&pvpanic->region);
	free(pvpanic);
}

static const struct device_ops pvpanic_device_ops = {.destroy = pvpanic_destroy};
static const struct mem_ops pvpanic_ops = {.read = pvpanic_read, .write = pvpanic_write};

struct device *pvpanic_create(const struct device_bus *bus, struct mem_map *map, uint64_t address,
			      struct err *err)
{
	struct pvpanic *pvpanic = calloc(1, sizeof(*pvpanic));

	if (!pvpanic) {
		err_set(err, -ENOMEM, "panic device: out of memory");
		return NULL;
	}
	pvpanic->device.ops = &pvpanic_device_ops;
	pvpanic->sink = bus->sink;
	pvpanic->region = (struct mem_region){
		.name = "panic device",
		.kind = MEM_TRAP,
		.size = 1,
		.ops = &pvpanic_ops,
		.owner = pvpanic,
	};
	if (mem_map_add(map, &pvpanic->region, address, err) < 0) {
		pvpanic_destroy(&pvpanic->device);
		return NULL;
	}
	return &pvpanic->device;
}
