/* SPDX-License-Identifier: BSD-3-Clause */
/* The port through which a test guest ends the run with a status of its choice. */

#ifndef FERRY_DEVICES_DEBUG_EXIT_H
#define FERRY_DEVICES_DEBUG_EXIT_H

#include <stdint.h>

#include "devices/device.h"

/*
 * Four ports from @address of @map (0xf4), or a word where @map is the bus's memory. A 32-bit write
 * of V ends the run with the status (V << 1) | 1, of which eight bits are kept; other writes vanish
 * and reads give all ones. NULL with @err set.
 */
struct device *debug_exit_create(const struct device_bus *bus, struct mem_map *map,
				 uint64_t address, struct err *err);

#endif
