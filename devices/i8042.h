/* SPDX-License-Identifier: BSD-3-Clause */
/* What a PC's keyboard controller is still used for: its command 0xfe resets the machine. */

#ifndef FERRY_DEVICES_I8042_H
#define FERRY_DEVICES_I8042_H

#include <stdint.h>

#include "devices/device.h"

/*
 * At the command port @port (0x64) alone. Its status reads 0: ready for a command, no data, so that
 * nobody waits for it. NULL with @err set.
 */
struct device *i8042_create(const struct device_bus *bus, uint16_t port, struct err *err);

#endif
