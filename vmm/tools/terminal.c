/* SPDX-License-Identifier: BSD-3-Clause */
/* Sentences and tables fitted to the terminal that they go to. */

#include "vmm/tools/terminal.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm/base/text.h"

/* Where a terminal does not tell; and no less than words fit into. */
enum { WIDTH_USUAL = 80, WIDTH_LEAST = 20 };

size_t terminal_width(int fd)
{
	const char *wanted = getenv("COLUMNS");
	unsigned long width = 0;
	struct winsize window;
	char *end;

	if (!isatty(fd))
		return 0;
	if (wanted && *wanted >= '0' && *wanted <= '9') {
		width = strtoul(wanted, &end, 10);
		width = *end ? 0 : width;
	}
	if (width == 0 && ioctl(fd, TIOCGWINSZ, &window) == 0)
		width = window.ws_col;
	if (width == 0)
		width = WIDTH_USUAL;
	return width < WIDTH_LEAST ? WIDTH_LEAST : width;
}

static bool terminal_begins_character(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

static size_t terminal_count(const char *text, size_t bytes)
{
	size_t characters = 0;

	for (size_t i = 0; i < bytes; i++)
		characters += terminal_begins_character(text[i]);
	return characters;
}

static size_t terminal_length(const char *text)
{
	return terminal_count(text, strlen(text));
}

/* The bytes of the word at @text, of @bytes; a command in backquotes has no end inside. */
static size_t terminal_word(const char *text, size_t bytes)
{
	size_t word = 0;

	while (word < bytes && text[word] != ' ') {
		const char *close =
			text[word] == '`' ? memchr(text + word + 1, '`', bytes - word - 1) : NULL;

		word = close ? (size_t)(close - text) + 1 : word + 1;
	}
	return word;
}

/* One line of @bytes: its words, each with the blanks before it. */
static void terminal_print_line(FILE *out, const char *line, size_t bytes, size_t width,
				size_t indent)
{
	size_t column = 0, at = 0;

	while (at < bytes) {
		size_t blanks = 0, word, wide;

		while (at + blanks < bytes && line[at + blanks] == ' ')
			blanks++;
		word = terminal_word(line + at + blanks, bytes - at - blanks);
		wide = terminal_count(line + at, blanks + word);
		if (column > indent && column + wide > width) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
			at += blanks;
			wide -= blanks;
			blanks = 0;
		}
		fwrite(line + at, 1, blanks + word, out);
		column += wide;
		at += blanks + word;
	}
}

void terminal_print(FILE *out, const char *text, size_t width, size_t indent)
{
	while (*text) {
		size_t bytes = strcspn(text, "\n");

		if (width)
			terminal_print_line(out, text, bytes, width, indent);
		else
			fwrite(text, 1, bytes, out);
		text += bytes;
		if (*text == '\n') {
			putc('\n', out);
			text++;
		}
	}
}

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

/* At most @room characters; how many there were. */
static size_t terminal_print_cut(const char *text, size_t room, FILE *out)
{
	size_t kept = 0, length = terminal_length(text);

	if (length <= room) {
		fputs(text, out);
		return length;
	}
	for (; *text; text++) {
		kept += terminal_begins_character(*text);
		if (kept > room - (sizeof(ellipsis) - 1))
			break;
		putc(*text, out);
	}
	fputs(ellipsis, out);
	return room;
}

/* Takes from the widest but the first, which names the row, until the last has room in @width. */
static size_t terminal_fit_columns(size_t *widest, size_t columns, size_t width)
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
		if (terminal_length(table->cells[i]) > widest[i % table->columns])
			widest[i % table->columns] = terminal_length(table->cells[i]);
	if (width)
		room = terminal_fit_columns(widest, table->columns, width);
	for (size_t i = 0; i < table->count; i++) {
		size_t column = i % table->columns, printed;

		if (column == last) {
			terminal_print_cut(table->cells[i], room, out);
			putc('\n', out);
			continue;
		}
		printed = terminal_print_cut(table->cells[i], widest[column], out);
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
