/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports at which software looks for a chip that is not there. */

#include "devices/absent.h"

#include <errno.h>
#include <stdlib.h>

#include "vmm/base/bits.h"

struct absent {
	struct device device;
	struct mem_region region;
};

static enum mem_result absent_read(void *owner, uint64_t offset, unsigned int size, uint64_t *value)
{
	(void)owner;
	(void)offset;
	*value = all_ones(size);
	return MEM_DONE;
}

static enum mem_result absent_write(void *owner, uint64_t offset, unsigned int size, uint64_t value)
{
	(void)owner;
	(void)offset;
	(void)size;
	(void)value;
	return MEM_DONE;
}

static void absent_destroy(struct device *device)
{
	struct absent *absent = container_of(device, struct absent, device);

	mem_map_del(&absent->region);
	free(absent);
}

static const struct device_ops absent_device_ops = {.destroy = absent_destroy};
static const struct mem_ops absent_ops = {.read = absent_read, .write = absent_write};

struct device *absent_create(const struct device_bus *bus, const char *name, uint16_t port,
			     unsigned int count, struct err *err)
{
	struct absent *absent = calloc(1, sizeof(*absent));

	if (!absent) {
		err_set(err, -ENOMEM, "%s: out of memory", name);
		return NULL;
	}
	absent->device.ops = &absent_device_ops;
	absent->region = (struct mem_region){
		.name = name,
		.kind = MEM_TRAP,
		.size = count,
		.ops = &absent_ops,
		.owner = absent,
		.latch = count,
	};
	if (mem_map_add(bus->pio, &absent->region, port, err) < 0) {
		absent_destroy(&absent->device);
		return NULL;
	}
	return &absent->device;
}
