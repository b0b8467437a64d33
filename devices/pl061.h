/* SPDX-License-Identifier: BSD-3-Clause */
/* ARM's PL061, eight general-purpose lines (DDI 0190), with buttons at them. */

#ifndef FERRY_DEVICES_PL061_H
#define FERRY_DEVICES_PL061_H

#include <stdint.h>

#include "devices/device.h"

struct pl061;

/* 4 KiB of memory at @base, with the level @line (kvm_irq_set_level()). NULL with @err set. */
struct pl061 *pl061_create(const struct device_bus *bus, uint64_t base, uint32_t line,
			   struct err *err);
struct device *pl061_device(struct pl061 *pl061);

/*
 * Presses the button that line @gpio, 0 to 7, is high with, and lets it go once the guest has read
 * that line as an input: nobody misses it, however late he looks, and a driver that debounces sees
 * the press, then the edge of the release. A button that is still down is let go and pressed anew.
 * Any thread.
 */
void pl061_press(struct pl061 *pl061, unsigned int gpio);

#endif
