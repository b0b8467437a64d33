/* SPDX-License-Identifier: BSD-3-Clause */
/* AML as it is written byte by byte: lengths, overflow, the encodings of its terms. */

#include <check.h>
#include <string.h>
#include <unistd.h>

#include "arch/x86_64/aml.h"
#include "arch/x86_64/platform_x86.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

/* A buffer of each size round the steps of the package length, which is read back. */
START_TEST(package_lengths_at_every_width)
{
	static const size_t contents[] = {0,       1,       61,      62,     63,   64,
					  4092,    4093,    4094,    4095,   4096, 1048570,
					  1048571, 1048572, 1048573, 1048576};
	static uint8_t bytes[1100000], zeros[1048576];

	for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
		struct aml aml = {.bytes = bytes, .room = sizeof(bytes)};
		size_t mark, width, length;

		aml_raw(&aml, 0xa0, 1);
		mark = aml.size;
		aml_bytes(&aml, zeros, contents[i]);
		aml_end(&aml, mark);
		ck_assert(!aml.overflow);
		width = (size_t)(bytes[1] >> 6) + 1;
		length = width == 1 ? bytes[1] & 0x3f : bytes[1] & 0xf;
		for (size_t k = 1; k < width; k++)
			length |= (size_t)bytes[1 + k] << (4 + 8 * (k - 1));
		ck_assert_uint_eq(length, width + contents[i]);
		ck_assert_uint_eq(aml.size, 1 + length);
	}
}
END_TEST

START_TEST(overflow_is_kept_and_writes_nothing_past_the_room)
{
	uint8_t bytes[8];
	struct aml aml = {.bytes = bytes, .room = 4};

	memset(bytes, 0xee, sizeof(bytes));
	aml_raw(&aml, 1, 4);
	ck_assert(!aml.overflow);
	aml_raw(&aml, 1, 1);
	ck_assert(aml.overflow);
	aml_end(&aml, 0);
	aml_end_resources(&aml, 0);
	ck_assert(aml.overflow);
	ck_assert_uint_eq(aml.size, 4);
	ck_assert_uint_eq(bytes[4], 0xee);

	/* What just fits without its length does not with it. */
	aml = (struct aml){.bytes = bytes, .room = 4};
	aml_raw(&aml, 1, 4);
	aml_end(&aml, 0);
	ck_assert(aml.overflow);
	ck_assert_uint_eq(bytes[4], 0xee);
}
END_TEST

static void check_encoding(void (*write)(struct aml *aml), const char *expected, size_t size)
{
	uint8_t bytes[64];
	struct aml aml = {.bytes = bytes, .room = sizeof(bytes)};

	write(&aml);
	ck_assert(!aml.overflow);
	ck_assert_uint_eq(aml.size, size);
	ck_assert_mem_eq(bytes, expected, size);
}

static void write_names(struct aml *aml)
{
	aml_name_string(aml, "\\_SB.PCI0");
	aml_name_string(aml, "A");
	aml_name_string(aml, "A.B.C");
}

static void write_integers(struct aml *aml)
{
	static const uint64_t values[] = {0, 1, 2, 0xff, 0x100, 0x10000, UINT64_C(1) << 32};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		aml_integer(aml, values[i]);
}

static void write_ids(struct aml *aml)
{
	aml_eisa_id(aml, "PNP0A08");
	aml_uuid(aml, "33DB4D5B-1FF7-401C-9657-7441C03DD766");
}

START_TEST(terms_have_their_encodings)
{
	static const char names[] = "\\\x2e_SB_PCI0"
				    "A___"
				    "\x2f\x03"
				    "A___B___C___";
	static const char integers[] = "\x00\x01\x0a\x02\x0a\xff\x0b\x00\x01\x0c\x00\x00\x01\x00"
				       "\x0e\x00\x00\x00\x00\x01\x00\x00\x00";
	static const char ids[] =
		"\x0c\x41\xd0\x0a\x08\x11\x13\x0a\x10"
		"\x5b\x4d\xdb\x33\xf7\x1f\x1c\x40\x96\x57\x74\x41\xc0\x3d\xd7\x66";

	check_encoding(write_names, names, sizeof(names) - 1);
	check_encoding(write_integers, integers, sizeof(integers) - 1);
	check_encoding(write_ids, ids, sizeof(ids) - 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, package_lengths_at_every_width);
	tcase_add_test(tests, overflow_is_kept_and_writes_nothing_past_the_room);
	tcase_add_test(tests, terms_have_their_encodings);
}

int main(void)
{
	return run_suite("x86_64 aml", add_tests);
}
