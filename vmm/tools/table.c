/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of text in columns that are as wide as they must be. */

#include "vmm/tools/table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/text.h"
#include "vmm/tools/wrap.h"

/* Blanks between columns, and the least that a column is cut to. */
enum { GAP = 2, LEAST = 10 };

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

static bool table_begins_character(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

/* At most @room characters; how many there were. */
static size_t table_print_cut(const char *text, size_t room, FILE *out)
{
	size_t kept = 0, length = wrap_length(text);

	if (length <= room) {
		fputs(text, out);
		return length;
	}
	for (; *text; text++) {
		kept += table_begins_character(*text);
		if (kept > room - (sizeof(ellipsis) - 1))
			break;
		putc(*text, out);
	}
	fputs(ellipsis, out);
	return room;
}

/* Takes from the widest but the first, which names the row, until the last has room in @width. */
static size_t table_fit(size_t *widest, size_t columns, size_t width)
{
	size_t last = columns - 1;

	for (;;) {
		size_t used = 0, cut = 0;

		for (size_t i = 0; i < last; i++) {
			used += widest[i] + GAP;
			if (i > 0 && widest[i] > LEAST && (!cut || widest[i] > widest[cut]))
				cut = i;
		}
		if (used + LEAST <= width)
			return width - used;
		if (!cut)
			return LEAST;
		widest[cut]--;
	}
}

void table_print(const struct table *table, size_t width, FILE *out)
{
	size_t widest[TABLE_COLUMNS_MAX] = {0}, last = table->columns - 1, room = SIZE_MAX;

	for (size_t i = 0; i < table->count; i++)
		if (wrap_length(table->cells[i]) > widest[i % table->columns])
			widest[i % table->columns] = wrap_length(table->cells[i]);
	if (width)
		room = table_fit(widest, table->columns, width);
	for (size_t i = 0; i < table->count; i++) {
		size_t column = i % table->columns, printed;

		if (column == last) {
			table_print_cut(table->cells[i], room, out);
			putc('\n', out);
			continue;
		}
		printed = table_print_cut(table->cells[i], widest[column], out);
		fprintf(out, "%*s", (int)(widest[column] - printed + GAP), "");
	}
}

void table_release(struct table *table)
{
	while (table->count)
		free(table->cells[--table->count]);
	free(table->cells);
	table->cells = NULL;
}
