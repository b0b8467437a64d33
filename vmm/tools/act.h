/* SPDX-License-Identifier: BSD-3-Clause */
/* The only calls by which a tool changes the host; tests link a fake of these in their place. */

#ifndef FERRY_VMM_TOOLS_ACT_H
#define FERRY_VMM_TOOLS_ACT_H

#include "vmm/base/err.h"

/* Writes @text to the existing file @path, in one go as sysfs wants it. 0 or a negative errno. */
int act_write(const char *path, const char *text) FERRY_MUST_CHECK;

/* modprobe @name. 0, a negative errno, or -EIO when modprobe itself said what is wrong. */
int act_load_module(const char *name) FERRY_MUST_CHECK;

#endif
