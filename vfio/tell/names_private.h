/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of names in memory, between who reads its text and who tells accesses by it. */

#ifndef FERRY_VFIO_TELL_NAMES_PRIVATE_H
#define FERRY_VFIO_TELL_NAMES_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a BAR; nothing that is added up with it can wrap. */
#define NAMES_OFFSET_MOST ((uint64_t)1 << 40)

enum { NAME_MAX_LENGTH = 31, NAMES_MOST = 16384, NO_VALUE = -1 };

/* A number that a register holds. */
struct names_value {
	char name[NAME_MAX_LENGTH + 1];
	unsigned int bar;
	uint64_t offset, mask;
	unsigned int shift;
	bool known;
	uint64_t value;
};

struct names_bit {
	char name[NAME_MAX_LENGTH + 1];
	unsigned int high, low;
};

struct names_register {
	char name[NAME_MAX_LENGTH + 1];
	unsigned int bar;
	int base; /* index of the value that it is counted from, NO_VALUE: none */
	uint64_t offset;
	unsigned int size;
	bool array;
	int counter; /* index of the value that tells how many there are, NO_VALUE: `count` does */
	uint64_t count, stride;
	size_t first_bit, bits;
};

struct vfio_names {
	struct names_value *values;
	struct names_bit *bits;
	struct names_register *registers;
	size_t value_count, bit_count, register_count;
};

#endif
