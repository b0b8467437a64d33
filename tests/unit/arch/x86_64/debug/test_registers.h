/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers as gdb asks for them. */

#ifndef FERRY_TESTS_UNIT_ARCH_X86_64_DEBUG_TEST_REGISTERS_H
#define FERRY_TESTS_UNIT_ARCH_X86_64_DEBUG_TEST_REGISTERS_H

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/arch/x86_64/debug/test_debug.h"

/* The number of a register by its place in the description, and its size there. */
static inline unsigned int number_of(const char *name, size_t *size)
{
	const char *text = arch_debug_description(&arch, "target.xml");
	unsigned int number = 0;
	char wanted[40];

	snprintf(wanted, sizeof(wanted), "<reg name=\"%s\" bitsize=\"", name);
	for (text = strstr(text, "<reg "); text; text = strstr(text + 1, "<reg ")) {
		if (strncmp(text, wanted, strlen(wanted)) == 0) {
			*size = strtoul(text + strlen(wanted), NULL, 10) / 8;
			return number;
		}
		number++;
	}
	*size = 0;
	return number;
}

static inline unsigned int by_name(const char *name)
{
	size_t size;

	return number_of(name, &size);
}

static inline void reads(const char *name, uint64_t value)
{
	unsigned int number = by_name(name);
	size_t size = arch_debug_register_size(&arch, number);
	uint8_t bytes[ARCH_DEBUG_REGISTER_MAX];

	memset(bytes, 0xee, sizeof(bytes));
	ck_assert_int_eq(arch_debug_register_read(&arch, vcpu, number, bytes), 0);
	ck_assert_uint_eq(load_le(bytes, size > 8 ? 8 : (unsigned int)size), value);
	ck_assert_uint_eq(bytes[size], 0xee);
}

static inline int set(const char *name, uint64_t value)
{
	uint8_t bytes[ARCH_DEBUG_REGISTER_MAX] = {0};

	store_le64(bytes, value);
	return arch_debug_register_write(&arch, vcpu, by_name(name), bytes);
}

static inline void writes(const char *name, uint64_t value)
{
	ck_assert_int_eq(set(name, value), 0);
	reads(name, value);
}

#endif
