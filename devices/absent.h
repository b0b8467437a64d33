/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports at which software looks for a chip that is not there. */

#ifndef FERRY_DEVICES_ABSENT_H
#define FERRY_DEVICES_ABSENT_H

#include "devices/device.h"

/*
 * @count ports from @port on that read all ones and take no write, as they would with nobody there:
 * but KVM may keep the writes, so that knocking costs the guest fewer exits. @name stays the
 * caller's. NULL with @err set.
 */
struct device *absent_create(const struct device_bus *bus, const char *name, uint16_t port,
			     unsigned int count, struct err *err);

#endif
