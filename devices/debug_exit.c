/* SPDX-License-Identifier: BSD-3-Clause */
/* The port through which a test guest ends the run with a status of its choice. */

#include "devices/debug_exit.h"

#include <errno.h>
#include <stdlib.h>

#include "vmm/base/bits.h"

enum { DEBUG_EXIT_PORTS = 4 };

struct debug_exit {
	struct device device;
	struct mem_region region;
	struct machine_sink sink;
};

static enum mem_result debug_exit_read(void *owner, uint64_t offset, unsigned int size,
				       uint64_t *value)
{
	(void)owner;
	(void)offset;
	*value = all_ones(size);
	return MEM_DONE;
}

static enum mem_result debug_exit_write(void *owner, uint64_t offset, unsigned int size,
					uint64_t value)
{
	const struct debug_exit *debug_exit = owner;

	(void)offset;
	if (size == DEBUG_EXIT_PORTS)
		debug_exit->sink.event(debug_exit->sink.machine, MACHINE_DEBUG_EXIT,
				       (uint8_t)(value << 1 | 1));
	return MEM_DONE;
}

static void debug_exit_destroy(struct device *device)
{
	struct debug_exit *debug_exit = container_of(device, struct debug_exit, device);

	mem_map_del(&debug_exit->region);
	free(debug_exit);
}

static const struct device_ops debug_exit_device_ops = {
	.destroy = debug_exit_destroy,
};
static const struct mem_ops debug_exit_ops = {.read = debug_exit_read, .write = debug_exit_write};

struct device *debug_exit_create(const struct device_bus *bus, struct mem_map *map,
				 uint64_t address, struct err *err)
{
	struct debug_exit *debug_exit = calloc(1, sizeof(*debug_exit));

	if (!debug_exit) {
		err_set(err, -ENOMEM, "debug exit port: out of memory");
		return NULL;
	}
	debug_exit->device.ops = &debug_exit_device_ops;
	debug_exit->sink = bus->sink;
	debug_exit->region = (struct mem_region){
		.name = "debug exit port",
		.kind = MEM_TRAP,
		.size = DEBUG_EXIT_PORTS,
		.ops = &debug_exit_ops,
		.owner = debug_exit,
	};
	if (mem_map_add(map, &debug_exit->region, address, err) < 0) {
		debug_exit_destroy(&debug_exit->device);
		return NULL;
	}
	return &debug_exit->device;
}
