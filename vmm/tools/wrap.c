/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines fitted to the terminal that they go to. */

#include "vmm/tools/wrap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Where a terminal does not tell; and no less than words fit into. */
enum { WIDTH_USUAL = 80, WIDTH_LEAST = 20 };

size_t wrap_width(int fd)
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

static size_t wrap_count(const char *text, size_t bytes)
{
	size_t characters = 0;

	for (size_t i = 0; i < bytes; i++)
		characters += ((unsigned char)text[i] & 0xc0) != 0x80;
	return characters;
}

size_t wrap_length(const char *text)
{
	return wrap_count(text, strlen(text));
}

/* One line of @bytes: its words, each with the blanks before it. */
static void wrap_line(FILE *out, const char *line, size_t bytes, size_t width, size_t indent)
{
	size_t column = 0, at = 0;

	while (at < bytes) {
		size_t blanks = 0, word = 0, wide;

		while (at + blanks < bytes && line[at + blanks] == ' ')
			blanks++;
		while (at + blanks + word < bytes && line[at + blanks + word] != ' ')
			word++;
		wide = wrap_count(line + at, blanks + word);
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

void wrap_print(FILE *out, const char *text, size_t width, size_t indent)
{
	while (*text) {
		size_t bytes = strcspn(text, "\n");

		if (width)
			wrap_line(out, text, bytes, width, indent);
		else
			fwrite(text, 1, bytes, out);
		text += bytes;
		if (*text == '\n') {
			putc('\n', out);
			text++;
		}
	}
}
