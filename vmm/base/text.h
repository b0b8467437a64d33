/* SPDX-License-Identifier: BSD-3-Clause */
/* Text put together piece by piece in a buffer of fixed size. */

#ifndef FERRY_BASE_TEXT_H
#define FERRY_BASE_TEXT_H

#include <stddef.h>

#include "vmm/base/err.h"

/* Where the next piece goes, and the bytes left there with the terminating zero's. */
struct text {
	char *next;
	size_t room;
};

/* Appends as printf() does; what does not fit is cut. */
void text_append(struct text *text, const char *format, ...) FERRY_PRINTF(2, 3);

#endif
