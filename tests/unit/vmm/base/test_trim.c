/* SPDX-License-Identifier: BSD-3-Clause */
/* What is given back after set-up comes back when it is used, and what was written stays. */

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/page.h"
#include "vmm/base/trim.h"

enum { BLOCKS = 256, SIZE = 4096 };

static char written[3 * SIZE] = "data";
static char zeroed[3 * SIZE];
static const char constant[1 << 20] = "constant";

/* Whether this process has the page in the middle of those bytes mapped (proc_pid_pagemap(5)). */
static bool has_middle(const char *bytes, size_t size)
{
	uint64_t page = host_page_size(), entry, number = ((uintptr_t)bytes + size / 2) / page;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &entry, sizeof(entry), (off_t)(number * sizeof(entry))),
			 sizeof(entry));
	close(fd);
	return entry >> 63;
}

START_TEST(what_the_file_has_is_given_back)
{
	const volatile char *bytes = constant;

	ck_assert_int_eq(bytes[sizeof(constant) / 2], 0);
	ck_assert(has_middle(constant, sizeof(constant)));
	trim_memory();
	ck_assert(!has_middle(constant, sizeof(constant)));
	ck_assert_int_eq(bytes[sizeof(constant) / 2], 0);
	ck_assert_str_eq(constant, "constant");
}
END_TEST

START_TEST(what_was_written_stays)
{
	char *kept[BLOCKS], *freed[BLOCKS];

	trim_prepare();
	for (unsigned int i = 0; i < BLOCKS; i++) {
		kept[i] = malloc(SIZE);
		freed[i] = malloc(SIZE);
		ck_assert(kept[i] && freed[i]);
		memset(kept[i], (int)i, SIZE);
		memset(freed[i], 0xff, SIZE);
	}
	memset(written + SIZE, 'w', SIZE);
	memset(zeroed + SIZE, 'z', SIZE);
	for (unsigned int i = 0; i < BLOCKS; i++)
		free(freed[i]);
	trim_memory();
	trim_memory();
	for (unsigned int i = 0; i < BLOCKS; i++) {
		ck_assert_int_eq((unsigned char)kept[i][0], i);
		ck_assert_int_eq((unsigned char)kept[i][SIZE - 1], i);
		free(kept[i]);
	}
	ck_assert_str_eq(written, "data");
	ck_assert_int_eq(written[SIZE], 'w');
	ck_assert_int_eq(zeroed[SIZE], 'z');
	ck_assert_int_eq(zeroed[3 * SIZE - 1], 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, what_the_file_has_is_given_back);
	tcase_add_test(tests, what_was_written_stays);
}

int main(void)
{
	return run_suite("trim", add_tests);
}
