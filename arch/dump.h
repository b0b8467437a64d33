/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes what describes the machine to its guest into a file, for a person and for other tools. */

#ifndef FERRY_ARCH_DUMP_H
#define FERRY_ARCH_DUMP_H

#include <stddef.h>

#include "vmm/base/err.h"

/*
 * Creates or replaces @path with @size bytes; @what begins the sentence when that fails. A regular
 * file that could not be written wholly is removed. A negative errno with @err set.
 */
int dump_file(const char *what, const char *path, const void *bytes, size_t size,
	      struct err *err) FERRY_MUST_CHECK;

/* Makes the folder @path unless it is there; its parent must be. A negative errno with @err set. */
int dump_folder(const char *what, const char *path, struct err *err) FERRY_MUST_CHECK;

#endif
