/* SPDX-License-Identifier: BSD-3-Clause */
/* Builds with sanitizers: what is refused ends the process; leaks are looked for in /proc. */

#include "vmm/sandbox/variant.h"

bool variant_ends_at_once(void)
{
	return true;
}

const char *variant_folder(void)
{
	return "/proc";
}
