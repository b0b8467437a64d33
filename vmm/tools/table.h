/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of text in columns that are as wide as they must be. */

#ifndef FERRY_VMM_TOOLS_TABLE_H
#define FERRY_VMM_TOOLS_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "vmm/base/err.h"

enum { TABLE_COLUMNS_MAX = 8 };

/* Zero-initialise but for the number of columns. */
struct table {
	size_t columns;
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
