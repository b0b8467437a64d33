/* SPDX-License-Identifier: BSD-3-Clause */
/* The port, or byte of memory, where a guest's kernel says that it panicked. */

#ifndef FERRY_DEVICES_PVPANIC_H
#define FERRY_DEVICES_PVPANIC_H

#include <stdint.h>

#include "devices/device.h"

/*
 * One byte at @address of @map, which is the bus's ports or its memory. It reads as the events it
 * takes: 1, panicked, ends the run; 2, panicked and going on into a crash kernel, does not. NULL
 * with @err set.
 */
struct device *pvpanic_create(const struct device_bus *bus, struct mem_map *map, uint64_t address,
			      struct err *err);

#endif
