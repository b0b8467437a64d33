/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What ARM's PrimeCell peripherals have in common: 4 KiB of 32-bit registers that end in their ids.
 */

#ifndef FERRY_DEVICES_PRIMECELL_H
#define FERRY_DEVICES_PRIMECELL_H

#include <stdbool.h>
#include <stdint.h>

enum { PRIMECELL_SIZE = 0x1000 };

/*
 * Whether the register at @offset is one of the eight that identify the peripheral (DDI 0183,
 * 3.3.14): PeriphID0 to 3, which are @id's bytes, low first, and PCellID0 to 3. *@value is it then.
 */
bool primecell_identify(uint64_t offset, uint32_t id, uint32_t *value);

#endif
