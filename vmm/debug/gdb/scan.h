/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads a packet's contents from left to right: numbers, words, bytes in hexadecimal. */

#ifndef FERRY_VMM_DEBUG_GDB_SCAN_H
#define FERRY_VMM_DEBUG_GDB_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is left of it. It ends where `left` says: nothing follows that could be relied on. */
struct gdb_scan {
	const uint8_t *at;
	size_t left;
};

/* 0 to 15, or -1. */
int gdb_hex_digit(uint8_t byte);

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

#endif
