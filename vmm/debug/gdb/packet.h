/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packets of the gdb remote protocol: bytes into packets, what a packet says, and replies into
 * bytes.
 */

#ifndef FERRY_VMM_DEBUG_GDB_PACKET_H
#define FERRY_VMM_DEBUG_GDB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum {
	GDB_PACKET_MAX = 0x4000, /* bytes between '$' and '#', either way; what PacketSize tells */
	GDB_FRAME_MAX = GDB_PACKET_MAX + 4,
};

/* What a byte completed. */
enum gdb_input {
	GDB_INPUT_MORE, /* nothing yet, or noise between packets */
	GDB_INPUT_PACKET,
	GDB_INPUT_DAMAGED, /* its checksum is wrong */
	GDB_INPUT_BAD,     /* too long, or ends in the middle of an escape */
	GDB_INPUT_ACK,
	GDB_INPUT_NAK,
	GDB_INPUT_INTERRUPT,
};

enum gdb_parser_state { GDB_BETWEEN, GDB_INSIDE, GDB_CHECKSUM_HIGH, GDB_CHECKSUM_LOW };

/* Zero-initialise before use. */
struct gdb_parser {
	enum gdb_parser_state state;
	bool escaped; /* the byte before was an escape */
	bool overlong;
	uint8_t sum;
	int told;    /* the checksum that came, -1: no hexadecimal digits */
	size_t raw;  /* bytes so far, with their escapes */
	size_t size; /* bytes of the packet, without */
	uint8_t bytes[GDB_PACKET_MAX];
};

/* Takes one byte. A packet is in @parser->bytes until the next byte is taken. */
enum gdb_input gdb_parser_take(struct gdb_parser *parser, uint8_t byte);

/*
 * A packet's contents, read from left to right: what is left. It ends where `left` says: nothing
 * follows that could be relied on.
 */
struct gdb_scan {
	const uint8_t *at;
	size_t left;
};

/* The functions take what they look for and return true, or leave @scan where it was. */

bool gdb_scan_word(struct gdb_scan *scan, const char *word);

/* One to sixteen hexadecimal digits without a sign or a prefix, and zeroes before them. */
bool gdb_scan_number(struct gdb_scan *scan, uint64_t *value);

/* A number, @separator, and a number. */
bool gdb_scan_pair(struct gdb_scan *scan, char separator, uint64_t *first, uint64_t *second);

/* @size bytes, two digits each. */
bool gdb_scan_bytes(struct gdb_scan *scan, uint8_t *bytes, size_t size);

/* "-1", "0" or a vCPU's number and one: *@thread is -1, 0 or more. */
bool gdb_scan_thread(struct gdb_scan *scan, int64_t *thread);

/* Goes past the next @separator, or to the end. */
void gdb_scan_past(struct gdb_scan *scan, char separator);

bool gdb_scan_end(const struct gdb_scan *scan);

/* The contents of a packet that is being put together. */
struct gdb_reply {
	bool overflow; /* something did not fit, and was left out */
	size_t size;
	uint8_t bytes[GDB_PACKET_MAX];
};

/* Makes it the empty reply, which says that a packet is not known. */
void gdb_reply_clear(struct gdb_reply *reply);

/* Appends as printf() does. The text must not have '#', '$', '}' or '*'. */
void gdb_reply_text(struct gdb_reply *reply, const char *format, ...) FERRY_PRINTF(2, 3);

/* Appends two digits for each byte. */
void gdb_reply_hex(struct gdb_reply *reply, const void *bytes, size_t size);

/*
 * Appends bytes as they are, escaped where they have to be; how many of them fitted. No overflow.
 */
size_t gdb_reply_binary(struct gdb_reply *reply, const void *bytes, size_t size);

/* Makes it the error of that number: a negative errno, or positive. */
void gdb_reply_error(struct gdb_reply *reply, int rc);

/* Makes it an error that is told in words, which debuggers show where the packet lets them. */
void gdb_reply_sentence(struct gdb_reply *reply, const char *format, ...) FERRY_PRINTF(2, 3);

/* Puts it between '$' and checksum; returns the frame's size. */
size_t gdb_reply_frame(const struct gdb_reply *reply, uint8_t frame[GDB_FRAME_MAX]);

#endif
