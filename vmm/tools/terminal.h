/* SPDX-License-Identifier: BSD-3-Clause */
/* Sentences and tables fitted to the terminal that they go to. */

#ifndef FERRY_VMM_TOOLS_TERMINAL_H
#define FERRY_VMM_TOOLS_TERMINAL_H

#include <stddef.h>
#include <stdio.h>

#include "vmm/base/err.h"

/*
 * How many characters a line on @fd may have: COLUMNS or the window's own; 0, any number, off a
 * terminal.
 */
size_t terminal_width(int fd);

/*
 * Prints the lines of @text, those wider than @width (0: none is) broken between words, what
 * follows indented by @indent. A word that is wider stays whole, and so does what is in backquotes.
 */
void terminal_print(FILE *out, const char *text, size_t width, size_t indent);

enum { TABLE_COLUMNS_MAX = 9 };

/* Rows of text in columns that are as wide as they must be. */
struct table {
	size_t columns; /* the caller's; the rest is zero at first */
	char **cells;
	size_t count;
};

/* Adds the next cell, row by row. */
int table_add(struct table *table, const char *text) FERRY_MUST_CHECK;

/*
 * Prints it; where a line would pass @width characters (0: none does) the last column is cut, and
 * those between it and the first where that is not enough.
 */
void table_print(const struct table *table, size_t width, FILE *out);
void table_release(struct table *table);

#endif
