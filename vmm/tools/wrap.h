/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines fitted to the terminal that they go to. */

#ifndef FERRY_VMM_TOOLS_WRAP_H
#define FERRY_VMM_TOOLS_WRAP_H

#include <stddef.h>
#include <stdio.h>

/*
 * How many characters a line on @fd may have: COLUMNS or the window's own; 0, any number, off a
 * terminal.
 */
size_t wrap_width(int fd);

/* The characters of UTF-8 in @text. */
size_t wrap_length(const char *text);

/*
 * Prints the lines of @text, those wider than @width (0: none is) broken between words, what
 * follows indented by @indent. A word that is wider stays whole.
 */
void wrap_print(FILE *out, const char *text, size_t width, size_t indent);

#endif
