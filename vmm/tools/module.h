/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a kernel module is: in the kernel, on disk, or nowhere. */

#ifndef FERRY_VMM_TOOLS_MODULE_H
#define FERRY_VMM_TOOLS_MODULE_H

#include "vmm/tools/tools.h"

enum module_state { MODULE_THERE, MODULE_LOADABLE, MODULE_MISSING };

/* @name with underscores. */
enum module_state module_find(const struct tool *tool, const char *name);

#endif
