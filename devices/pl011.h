/* SPDX-License-Identifier: BSD-3-Clause */
/* ARM's PL011 serial port (DDI 0183), r1p5. */

#ifndef FERRY_DEVICES_PL011_H
#define FERRY_DEVICES_PL011_H

#include <stddef.h>
#include <stdint.h>

#include "devices/device.h"
#include "devices/serial.h"

struct pl011;

/*
 * 4 KiB of memory at @base, with the level @line (kvm_irq_set_level()). @backend is copied. NULL
 * with @err set.
 */
struct pl011 *pl011_create(const struct device_bus *bus, uint64_t base, uint32_t line,
			   const struct serial_backend *backend, struct err *err);
struct device *pl011_device(struct pl011 *pl011);

/*
 * Offers received bytes; returns how many fitted the FIFO. None does while the guest has not turned
 * the receiver on: what is typed before waits. Any thread.
 */
size_t pl011_input(struct pl011 *pl011, const uint8_t *bytes, size_t count);

#endif
