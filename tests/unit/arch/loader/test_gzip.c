/* SPDX-License-Identifier: BSD-3-Clause */
/* What of gzip is not every format's: optional fields of its header, the length at its end. */

#include "arch/loader/gzip.h"
#include "tests/unit/arch/loader/test_load.h"
#include "tests/unit/arch/loader/test_packed.h"
#include "tests/unit/support/suite.h"

/* RFC 1952, 2.3.1. */
enum { HEADER = 10, FLAGS = 3, FEXTRA = 4, FNAME = 8, FCOMMENT = 16, RESERVED = 32 };

START_TEST(optional_fields_are_passed_over)
{
	static const char fields[] = "\x05\x00"
				     "extra"
				     "vmlinux\0"
				     "a comment";
	size_t length = pack(0);
	uint64_t size;

	memmove(packed + HEADER + sizeof(fields), packed + HEADER, length - HEADER);
	memcpy(packed + HEADER, fields, sizeof(fields));
	packed[FLAGS] = FEXTRA | FNAME | FCOMMENT;
	store(packed, length + sizeof(fields));
	ck_assert_msg(load(0, PLAIN, &size) == 0, "%s", err.text);
	ck_assert_uint_eq(size, PLAIN);
	ck_assert_mem_eq(ram_host(loader.ram, GPA, PLAIN), plain, PLAIN);
	/* Cut inside of them. */
	store(packed, HEADER + 9);
	load_fails(0, -ENODATA, "truncated");
}
END_TEST

START_TEST(the_length_at_the_end_is_checked)
{
	size_t length = pack(0);

	packed[length - 4] ^= 1;
	store(packed, length);
	load_fails(0, -ENOEXEC, "incorrect length check");
}
END_TEST

START_TEST(flags_of_the_future_are_refused)
{
	size_t length = pack(0);

	packed[FLAGS] = RESERVED;
	store(packed, length);
	load_fails(0, -ENOEXEC, "unknown header flags");
}
END_TEST

/* The same data with zlib's own header, and with none. */
START_TEST(other_wrappings_are_refused)
{
	size_t length = pack(0);

	packed[0] = 0x78;
	packed[1] = 0x9c;
	ck_assert(!gzip_format.begins(packed, length));
	store(packed, length);
	load_fails(0, -ENOEXEC, "kernel");
	store(packed + HEADER, length - HEADER);
	load_fails(0, -ENOEXEC, "kernel");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, optional_fields_are_passed_over);
	tcase_add_test(tests, the_length_at_the_end_is_checked);
	tcase_add_test(tests, flags_of_the_future_are_refused);
	tcase_add_test(tests, other_wrappings_are_refused);
}

int main(void)
{
	return run_suite("gzip", add_tests);
}
