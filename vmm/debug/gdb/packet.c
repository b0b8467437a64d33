/* SPDX-License-Identifier: BSD-3-Clause */
/* The packets of the gdb remote protocol, in both directions. */

#include "vmm/debug/gdb/packet.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ESCAPE = '}', ESCAPE_FLIP = 0x20, INTERRUPT = 0x03 };

/* 0 to 15, or -1. */
static int packet_hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return -1;
}

static enum gdb_input packet_parser_begin(struct gdb_parser *parser)
{
	parser->state = GDB_INSIDE;
	parser->escaped = false;
	parser->overlong = false;
	parser->sum = 0;
	parser->raw = 0;
	parser->size = 0;
	return GDB_INPUT_MORE;
}

static enum gdb_input packet_parser_between(struct gdb_parser *parser, uint8_t byte)
{
	switch (byte) {
	case '$':
		return packet_parser_begin(parser);
	case '+':
		return GDB_INPUT_ACK;
	case '-':
		return GDB_INPUT_NAK;
	case INTERRUPT:
		return GDB_INPUT_INTERRUPT;
	default:
		return GDB_INPUT_MORE;
	}
}

/* Neither '$' nor '#' is part of a packet's contents: escapes are there for them. */
static enum gdb_input packet_parser_inside(struct gdb_parser *parser, uint8_t byte)
{
	if (byte == '#') {
		parser->state = GDB_CHECKSUM_HIGH;
		return GDB_INPUT_MORE;
	}
	parser->sum = (uint8_t)(parser->sum + byte);
	if (parser->raw == GDB_PACKET_MAX) {
		parser->overlong = true;
		return GDB_INPUT_MORE;
	}
	parser->raw++;
	if (!parser->escaped && byte == ESCAPE) {
		parser->escaped = true;
		return GDB_INPUT_MORE;
	}
	parser->bytes[parser->size++] = parser->escaped ? byte ^ ESCAPE_FLIP : byte;
	parser->escaped = false;
	return GDB_INPUT_MORE;
}

static enum gdb_input packet_parser_end(struct gdb_parser *parser)
{
	parser->state = GDB_BETWEEN;
	if (parser->overlong)
		return GDB_INPUT_BAD;
	if (parser->told != parser->sum)
		return GDB_INPUT_DAMAGED;
	return parser->escaped ? GDB_INPUT_BAD : GDB_INPUT_PACKET;
}

enum gdb_input gdb_parser_take(struct gdb_parser *parser, uint8_t byte)
{
	int digit;

	if (byte == '$' && parser->state != GDB_BETWEEN)
		return packet_parser_begin(parser); /* the one before was cut off */
	switch (parser->state) {
	case GDB_BETWEEN:
		return packet_parser_between(parser, byte);
	case GDB_INSIDE:
		return packet_parser_inside(parser, byte);
	case GDB_CHECKSUM_HIGH:
		digit = packet_hex_digit(byte);
		parser->told = digit < 0 ? -1 : digit << 4;
		parser->state = GDB_CHECKSUM_LOW;
		return GDB_INPUT_MORE;
	case GDB_CHECKSUM_LOW:
		break;
	}
	digit = packet_hex_digit(byte);
	parser->told = parser->told < 0 || digit < 0 ? -1 : parser->told | digit;
	return packet_parser_end(parser);
}

static void packet_skip(struct gdb_scan *scan, size_t size)
{
	scan->at += size;
	scan->left -= size;
}

bool gdb_scan_word(struct gdb_scan *scan, const char *word)
{
	size_t size = strlen(word);

	if (scan->left < size || memcmp(scan->at, word, size) != 0)
		return false;
	packet_skip(scan, size);
	return true;
}

bool gdb_scan_number(struct gdb_scan *scan, uint64_t *value)
{
	uint64_t number = 0;
	size_t count = 0;

	for (; count < scan->left; count++) {
		int digit = packet_hex_digit(scan->at[count]);

		if (digit < 0)
			break;
		if (number >> 60)
			return false;
		number = number << 4 | (uint64_t)digit;
	}
	if (count == 0)
		return false;
	packet_skip(scan, count);
	*value = number;
	return true;
}

bool gdb_scan_pair(struct gdb_scan *scan, char separator, uint64_t *first, uint64_t *second)
{
	struct gdb_scan rest = *scan;
	const char word[] = {separator, '\0'};

	if (!gdb_scan_number(&rest, first) || !gdb_scan_word(&rest, word) ||
	    !gdb_scan_number(&rest, second))
		return false;
	*scan = rest;
	return true;
}

bool gdb_scan_bytes(struct gdb_scan *scan, uint8_t *bytes, size_t size)
{
	if (scan->left / 2 < size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = packet_hex_digit(scan->at[2 * i]);
		int low = packet_hex_digit(scan->at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	packet_skip(scan, 2 * size);
	return true;
}

bool gdb_scan_thread(struct gdb_scan *scan, int64_t *thread)
{
	struct gdb_scan rest = *scan;
	uint64_t number;

	if (gdb_scan_word(scan, "-1")) {
		*thread = -1;
		return true;
	}
	if (!gdb_scan_number(&rest, &number) || number > INT64_MAX)
		return false;
	*scan = rest;
	*thread = (int64_t)number;
	return true;
}

void gdb_scan_past(struct gdb_scan *scan, char separator)
{
	bool found = false;

	while (scan->left > 0 && !found) {
		found = *scan->at == (uint8_t)separator;
		packet_skip(scan, 1);
	}
}

bool gdb_scan_end(const struct gdb_scan *scan)
{
	return scan->left == 0;
}

void gdb_reply_clear(struct gdb_reply *reply)
{
	reply->overflow = false;
	reply->size = 0;
}

static void packet_reply_append(struct gdb_reply *reply, const char *format, va_list arguments)
{
	char text[512];
	int length = vsnprintf(text, sizeof(text), format, arguments);
	size_t size = length < 0 ? 0 : (size_t)length;

	if (size >= sizeof(text) || size > sizeof(reply->bytes) - reply->size) {
		reply->overflow = true;
		return;
	}
	memcpy(reply->bytes + reply->size, text, size);
	reply->size += size;
}

void gdb_reply_text(struct gdb_reply *reply, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	packet_reply_append(reply, format, arguments);
	va_end(arguments);
}

void gdb_reply_hex(struct gdb_reply *reply, const void *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = bytes;

	if (size > (sizeof(reply->bytes) - reply->size) / 2) {
		reply->overflow = true;
		return;
	}
	for (size_t i = 0; i < size; i++) {
		reply->bytes[reply->size++] = (uint8_t)digits[from[i] >> 4];
		reply->bytes[reply->size++] = (uint8_t)digits[from[i] & 0xf];
	}
}

/* '*' would be the beginning of a repetition. */
static bool packet_is_special(uint8_t byte)
{
	return byte == '#' || byte == '$' || byte == '*' || byte == ESCAPE;
}

size_t gdb_reply_binary(struct gdb_reply *reply, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;

	for (size_t i = 0; i < size; i++) {
		bool special = packet_is_special(from[i]);

		if (sizeof(reply->bytes) - reply->size < (special ? 2 : 1))
			return i;
		if (special)
			reply->bytes[reply->size++] = ESCAPE;
		reply->bytes[reply->size++] = special ? from[i] ^ ESCAPE_FLIP : from[i];
	}
	return size;
}

void gdb_reply_error(struct gdb_reply *reply, int rc)
{
	unsigned int number = (unsigned int)abs(rc);

	gdb_reply_clear(reply);
	gdb_reply_text(reply, "E%02x", number < 0xff ? number : 0xff);
}

/* Text is not unescaped on the other side, so it goes without what would need it. */
void gdb_reply_sentence(struct gdb_reply *reply, const char *format, ...)
{
	va_list arguments;

	gdb_reply_clear(reply);
	gdb_reply_text(reply, "E.");
	va_start(arguments, format);
	packet_reply_append(reply, format, arguments);
	va_end(arguments);
	reply->overflow = false;
	for (size_t i = 0; i < reply->size; i++) {
		if (packet_is_special(reply->bytes[i]) || reply->bytes[i] < ' ' ||
		    reply->bytes[i] > '~')
			reply->bytes[i] = ' ';
	}
}

size_t gdb_reply_frame(const struct gdb_reply *reply, uint8_t frame[GDB_FRAME_MAX])
{
	char tail[4];
	uint8_t sum = 0;

	for (size_t i = 0; i < reply->size; i++)
		sum = (uint8_t)(sum + reply->bytes[i]);
	snprintf(tail, sizeof(tail), "#%02x", sum);
	frame[0] = '$';
	memcpy(frame + 1, reply->bytes, reply->size);
	memcpy(frame + 1 + reply->size, tail, 3);
	return reply->size + 4;
}
