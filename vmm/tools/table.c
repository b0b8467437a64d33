/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of text in columns that are as wide as they must be. */

#include "vmm/tools/table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/text.h"

enum { GAP = 2, LAST_LEAST = 10 };

static const char ellipsis[] = "...";

int table_add(struct table *table, const char *text)
{
	char **cells = realloc(table->cells, (table->count + 1) * sizeof(*cells));

	if (!cells)
		return -ENOMEM;
	table->cells = cells;
	cells[table->count] = strdup(text);
	if (!cells[table->count])
		return -ENOMEM;
	text_make_printable(cells[table->count]);
	table->count++;
	return 0;
}

static bool begins_character(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

/* Characters of UTF-8. */
static size_t width(const char *text)
{
	size_t characters = 0;

	for (; *text; text++)
		characters += begins_character(*text);
	return characters;
}

static void print_cut(const char *text, size_t room, FILE *out)
{
	size_t kept = 0;

	if (width(text) <= room) {
		fputs(text, out);
		return;
	}
	room -= sizeof(ellipsis) - 1;
	for (; *text; text++) {
		kept += begins_character(*text);
		if (kept > room)
			break;
		putc(*text, out);
	}
	fputs(ellipsis, out);
}

void table_print(const struct table *table, FILE *out)
{
	size_t widest[TABLE_COLUMNS_MAX] = {0}, used = 0, last = table->columns - 1, room;

	for (size_t i = 0; i < table->count; i++)
		if (width(table->cells[i]) > widest[i % table->columns])
			widest[i % table->columns] = width(table->cells[i]);
	for (size_t i = 0; i < last; i++)
		used += widest[i] + GAP;
	room = used + LAST_LEAST < TABLE_WIDTH ? TABLE_WIDTH - used : LAST_LEAST;
	for (size_t i = 0; i < table->count; i++) {
		size_t column = i % table->columns;

		if (column == last) {
			print_cut(table->cells[i], room, out);
			putc('\n', out);
			continue;
		}
		fprintf(out, "%s%*s", table->cells[i],
			(int)(widest[column] - width(table->cells[i]) + GAP), "");
	}
}

void table_release(struct table *table)
{
	while (table->count)
		free(table->cells[--table->count]);
	free(table->cells);
	table->cells = NULL;
}
