/* SPDX-License-Identifier: BSD-3-Clause */
/* The identification registers of ARM's PrimeCell peripherals. */

#include "devices/primecell.h"

enum { PRIMECELL_PERIPHERAL_ID = 0xfe0, PRIMECELL_CELL_ID = 0xff0 };

static const uint32_t primecell_id = 0xb105f00d;

bool primecell_identify(uint64_t offset, uint32_t id, uint32_t *value)
{
	if (offset < PRIMECELL_PERIPHERAL_ID)
		return false;
	if (offset >= PRIMECELL_CELL_ID)
		id = primecell_id;
	*value = id >> (offset % 16 / 4 * 8) & 0xff;
	return true;
}
