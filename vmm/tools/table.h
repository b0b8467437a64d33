/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of text in columns that are as wide as they must be. */

#ifndef FERRY_VMM_TOOLS_TABLE_H
#define FERRY_VMM_TOOLS_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "vmm/base/err.h"

enum { TABLE_COLUMNS_MAX = 8, TABLE_WIDTH = 100 };

/* Zero-initialise but for the number of columns. */
struct table {
	size_t columns;
	char **cells;
	size_t count;
};

/* Adds the next cell, row by row. */
int table_add(struct table *table, const char *text) FERRY_MUST_CHECK;

/* Prints it; the last column is cut where the line would pass TABLE_WIDTH characters. */
void table_print(const struct table *table, FILE *out);
void table_release(struct table *table);

#endif
