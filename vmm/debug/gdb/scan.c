/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads a packet's contents from left to right: numbers, words, bytes in hexadecimal. */

#include "vmm/debug/gdb/scan.h"

#include <string.h>

int gdb_hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return -1;
}

static void scan_skip(struct gdb_scan *scan, size_t size)
{
	scan->at += size;
	scan->left -= size;
}

bool gdb_scan_word(struct gdb_scan *scan, const char *word)
{
	size_t size = strlen(word);

	if (scan->left < size || memcmp(scan->at, word, size) != 0)
		return false;
	scan_skip(scan, size);
	return true;
}

bool gdb_scan_number(struct gdb_scan *scan, uint64_t *value)
{
	uint64_t number = 0;
	size_t count = 0;

	for (; count < scan->left; count++) {
		int digit = gdb_hex_digit(scan->at[count]);

		if (digit < 0)
			break;
		if (number >> 60)
			return false;
		number = number << 4 | (uint64_t)digit;
	}
	if (count == 0)
		return false;
	scan_skip(scan, count);
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
		int high = gdb_hex_digit(scan->at[2 * i]);
		int low = gdb_hex_digit(scan->at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	scan_skip(scan, 2 * size);
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
		scan_skip(scan, 1);
	}
}

bool gdb_scan_end(const struct gdb_scan *scan)
{
	return scan->left == 0;
}
