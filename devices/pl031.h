/* SPDX-License-Identifier: BSD-3-Clause */
/* ARM's PL031 clock (DDI 0224), showing the host's UTC time in seconds. */

#ifndef FERRY_DEVICES_PL031_H
#define FERRY_DEVICES_PL031_H

#include <stdint.h>

#include "devices/device.h"

/*
 * 4 KiB of memory at @base, with the level @line (kvm_irq_set_level()). A time that the guest sets
 * is the guest's until the machine restarts. The alarm is compared when the guest reads or writes a
 * register; nothing wakes a guest that only waits for it, so its description of the machine had
 * better name no interrupt: Linux then offers no alarm, and hwclock polls. NULL with @err set.
 */
struct device *pl031_create(const struct device_bus *bus, uint64_t base, uint32_t line,
			    struct err *err);

#endif
