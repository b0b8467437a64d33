/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names of a device's registers and bits, from a text that the user gives (docs/vfio.md has its
 * form).
 */

#ifndef FERRY_VFIO_TELL_NAMES_H
#define FERRY_VFIO_TELL_NAMES_H

#include <stdint.h>

#include "vmm/base/err.h"

struct vfio_names;

/*
 * Reads the table at @path, or with @given what is open as that. NULL with @err naming the line
 * that is wrong.
 */
struct vfio_names *vfio_names_load(const char *path, int given, struct err *err);

/* NULL is allowed. */
void vfio_names_free(struct vfio_names *names);

/*
 * The guest read @value at [@offset, @offset + @size) of @bar: where groups of registers begin, and
 * how many there are of one kind, is learnt so, without an access of the monitor's own.
 */
void vfio_names_learn(struct vfio_names *names, unsigned int bar, uint64_t offset,
		      unsigned int size, uint64_t value);

/* Appends the registers that the access touches, and their bits, to @text of DECODE_SIZE bytes. */
void vfio_names_tell(const struct vfio_names *names, unsigned int bar, uint64_t offset,
		     unsigned int size, uint64_t value, char *text);

#endif
