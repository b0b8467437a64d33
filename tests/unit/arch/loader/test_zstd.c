/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of zstd that are skipped, and windows that are too large. */

#include "tests/unit/arch/loader/test_gzip.h"
#include "tests/unit/arch/loader/test_load.h"
#include "tests/unit/arch/loader/test_packed.h"
#include "tests/unit/support/suite.h"

/* Before, between and after; one longer than a piece of input. */
START_TEST(zstd_skippable_frames)
{
	static uint8_t all[2 * PLAIN];
	size_t length = pack(1), at = 0;
	uint64_t size;

	for (uint32_t i = 0; i < 3; i++) {
		store_le32(all + at, 0x184d2a50 + i * 7);
		store_le32(all + at + 4, i == 0 ? 100000 : i);
		memset(all + at + 8, 0xee, i == 0 ? 100000 : i);
		at += 8 + (i == 0 ? 100000 : i);
		memcpy(all + at, packed, i == 1 ? length : 0);
		at += i == 1 ? length : 0;
	}
	store(all, at);
	ck_assert_msg(load(1, PLAIN, &size) == 0, "%s", err.text);
	ck_assert_uint_eq(size, PLAIN);
	ck_assert_mem_eq(ram_host(loader.ram, GPA, PLAIN), plain, PLAIN);
	store(all, 50000);
	load_fails(1, -ENODATA, "truncated");
	store(all, at - 1);
	load_fails(1, -ENODATA, "truncated");
}
END_TEST

/* The frame says how large its window is; nobody's memory is taken on its word. */
START_TEST(zstd_windows)
{
	/* A window of 2^(10 + exponent) bytes, then one raw block, the last, of three bytes. */
	uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 3 << 3 | 1, 0, 0, 'a', 'b', 'c'};
	uint64_t size;

	store(frame, sizeof(frame));
	ck_assert_msg(load(1, MIB, &size) == 0, "%s", err.text);
	ck_assert_uint_eq(size, 3);
	frame[5] = 18 << 3;
	store(frame, sizeof(frame));
	load_fails(1, -ENOEXEC, "a window of more than 128 MiB");
	frame[4] = 8; /* a reserved bit */
	store(frame, sizeof(frame));
	load_fails(1, -ENOEXEC, "corrupt");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, zstd_skippable_frames);
	tcase_add_test(tests, zstd_windows);
}

int main(void)
{
	return run_suite("zstd", add_tests);
}
