/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers as gdb asks for them. */

#ifndef FERRY_TESTS_UNIT_ARCH_AARCH64_DEBUG_TEST_REGISTERS_H
#define FERRY_TESTS_UNIT_ARCH_AARCH64_DEBUG_TEST_REGISTERS_H

#include <stdio.h>

#include "tests/unit/arch/aarch64/debug/test_debug.h"

static inline uint64_t read_value(unsigned int number)
{
	uint8_t bytes[ARCH_DEBUG_REGISTER_MAX] = {0};

	ck_assert_int_eq(arch_debug_register_read(arch, vcpu, number, bytes), 0);
	return load_le64(bytes);
}

static inline int write_value(unsigned int number, uint64_t value)
{
	uint8_t bytes[ARCH_DEBUG_REGISTER_MAX] = {0};

	store_le64(bytes, value);
	return arch_debug_register_write(arch, vcpu, number, bytes);
}

/* The number of the register with that name, by its place in the description. */
static inline unsigned int number_of(const char *name)
{
	const char *place = arch_debug_description(arch, "target.xml");
	unsigned int number = 0;
	char pattern[64];

	snprintf(pattern, sizeof(pattern), "<reg name=\"%s\"", name);
	while (strncmp(place, pattern, strlen(pattern)) != 0) {
		number += strncmp(place, "<reg ", 5) == 0;
		ck_assert_msg(*place != '\0', "%s is not described", name);
		place++;
	}
	return number;
}

#endif
