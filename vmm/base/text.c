/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text put together piece by piece in a buffer of fixed size, and text of others made fit to print.
 */

#include "vmm/base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/*
 * The character at @text and its bytes there; *@value is 0 for what is no UTF-8 (Unicode 3.9, D92).
 */
static size_t text_decode(const char *text, uint32_t *value)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length = bytes[0] < 0x80 ? 1 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;

	*value = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80) {
			*value = 0;
			return 1;
		}
		*value = *value << 6 | (bytes[i] & 0x3f);
	}
	if (length > 1 && ((bytes[0] & 0xc0) != 0xc0 || bytes[0] > 0xf4 || *value < least[length] ||
			   *value > 0x10ffff || (*value >= 0xd800 && *value <= 0xdfff))) {
		*value = 0;
		return 1;
	}
	return length;
}

/* Controls, and the characters that show nothing but move or hide others (Unicode 23.2, UAX 9). */
static bool text_is_harmless(uint32_t value)
{
	static const struct {
		uint32_t first, last;
	} harmful[] = {
		{0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},       {0x61c, 0x61c},
		{0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},
		{0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
	};

	for (size_t i = 0; i < sizeof(harmful) / sizeof(harmful[0]); i++)
		if (value >= harmful[i].first && value <= harmful[i].last)
			return false;
	return true;
}

static void text_filter(char *text, bool newlines)
{
	char *to = text;

	while (*text) {
		uint32_t value;
		size_t length = text_decode(text, &value);

		if (text_is_harmless(value) || (newlines && value == '\n')) {
			memmove(to, text, length);
			to += length;
		} else {
			*to++ = value == '\t' ? ' ' : '?';
		}
		text += length;
	}
	*to = '\0';
}

void text_make_printable(char *text)
{
	text_filter(text, false);
}

void text_make_lines_printable(char *text)
{
	text_filter(text, true);
}

void text_print(FILE *out, const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	text_filter(text, true);
	fputs(text, out);
	free(text);
}

bool text_has_word(const char *text, const char *separators, const char *word)
{
	size_t length = strlen(word);

	while (*text) {
		size_t next = strcspn(text, separators);

		if (next == length && strncmp(text, word, length) == 0)
			return true;
		text += next;
		text += strspn(text, separators);
	}
	return false;
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
