/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text put together piece by piece in a buffer of fixed size, and text of others made fit to print.
 */

#ifndef FERRY_BASE_TEXT_H
#define FERRY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/base/err.h"

/* Where the next piece goes, and the bytes left there with the terminating zero's. */
struct text {
	char *next;
	size_t room;
};

/* Appends as printf() does; what does not fit is cut. */
void text_append(struct text *text, const char *format, ...) FERRY_PRINTF(2, 3);

/*
 * Makes text that others wrote (a process, a firmware, a guest) safe on a terminal and valid UTF-8,
 * in place: "?" for a control character, for one that changes the order or hides what is written,
 * and for every byte that is no UTF-8. A newline is a control character too.
 */
void text_make_printable(char *text);

/* Likewise, but newlines stay. */
void text_make_lines_printable(char *text);

/* fprintf() of what is printable; newlines in it stay. Without memory nothing is printed. */
void text_print(FILE *out, const char *format, ...) FERRY_PRINTF(2, 3);

/* Whether one of the words of @text, parted by any of @separators, is @word. */
bool text_has_word(const char *text, const char *separators, const char *word);

enum { TEXT_SIZE_ROOM = 32 };

/* @bytes in the largest unit that divides it, as "64 KiB", into @text, which is returned. */
const char *text_size(char text[TEXT_SIZE_ROOM], uint64_t bytes);

#endif
