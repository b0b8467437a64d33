/* SPDX-License-Identifier: BSD-3-Clause */
/* What a PC's keyboard controller is still used for: its command 0xfe resets the machine. */

#include "devices/i8042.h"

#include <errno.h>
#include <stdlib.h>

#include "vmm/base/bits.h"

enum { COMMAND_RESET = 0xfe };

struct i8042 {
	struct device device;
	struct mem_region region;
	struct machine_sink sink;
};

static enum mem_result i8042_read(void *owner, uint64_t offset, unsigned int size, uint64_t *value)
{
	(void)owner;
	(void)offset;
	(void)size;
	*value = 0;
	return MEM_DONE;
}

static enum mem_result i8042_write(void *owner, uint64_t offset, unsigned int size, uint64_t value)
{
	const struct i8042 *i8042 = owner;

	(void)offset;
	(void)size;
	if (value == COMMAND_RESET)
		i8042->sink.event(i8042->sink.machine, MACHINE_RESET, 0);
	return MEM_DONE;
}

static void i8042_destroy(struct device *device)
{
	struct i8042 *i8042 = container_of(device, struct i8042, device);

	mem_map_del(&i8042->region);
	free(i8042);
}

static const struct device_ops i8042_device_ops = {.destroy = i8042_destroy};
static const struct mem_ops i8042_ops = {.read = i8042_read, .write = i8042_write};

struct device *i8042_create(const struct device_bus *bus, uint16_t port, struct err *err)
{
	struct i8042 *i8042 = calloc(1, sizeof(*i8042));

	if (!i8042) {
		err_set(err, -ENOMEM, "keyboard controller: out of memory");
		return NULL;
	}
	i8042->device.ops = &i8042_device_ops;
	i8042->sink = bus->sink;
	i8042->region = (struct mem_region){
		.name = "keyboard controller",
		.kind = MEM_TRAP,
		.size = 1,
		.ops = &i8042_ops,
		.owner = i8042,
	};
	if (mem_map_add(bus->pio, &i8042->region, port, err) < 0) {
		i8042_destroy(&i8042->device);
		return NULL;
	}
	return &i8042->device;
}
