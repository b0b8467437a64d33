/* SPDX-License-Identifier: BSD-3-Clause */
/* Text put together piece by piece in a buffer of fixed size. */

#include "vmm/base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void text_append(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text->next, text->room, format, arguments);
	va_end(arguments);
	if (length < 0 || text->room == 0)
		return;
	if ((size_t)length >= text->room)
		length = (int)text->room - 1;
	text->next += length;
	text->room -= (size_t)length;
}

const char *text_size(char text[TEXT_SIZE_ROOM], uint64_t bytes)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;

	while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, TEXT_SIZE_ROOM, "%" PRIu64 " %s", bytes, units[unit]);
	return text;
}
