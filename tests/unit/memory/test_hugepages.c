/* SPDX-License-Identifier: BSD-3-Clause */
/* What a made-up host's pools of huge pages have, and what is said of a shortage. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "memory/hugepages.h"
#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

static struct err err;
static uint64_t enough;

static void pool(const char *size, const char *all, const char *unused, const char *reserved)
{
	char path[96];
	const struct {
		const char *name, *value;
	} counters[] = {{"nr_hugepages", all},
			{"free_hugepages", unused},
			{"resv_hugepages", reserved}};

	snprintf(path, sizeof(path), "kernel/mm/hugepages/hugepages-%skB", size);
	fake_tree_folder(path);
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		snprintf(path, sizeof(path), "kernel/mm/hugepages/hugepages-%skB/%s", size,
			 counters[i].name);
		fake_tree_write(path, counters[i].value);
	}
}

static int check(uint64_t page_size, uint64_t total, uint64_t held)
{
	err = (struct err){0};
	return hugepages_check(fake_tree_path(""), page_size, total, held, &enough, -ENOMEM, &err);
}

static void says(const char *part)
{
	ck_assert_msg(strstr(err.text, part), "no '%s' in: %s", part, err.text);
}

START_TEST(what_is_free_and_not_promised_counts)
{
	pool("2048", "100\n", "60\n", "20\n");
	ck_assert_int_eq(check(2 * MIB, 80 * MIB, 0), 0);
	ck_assert_uint_eq(enough, 100);
	ck_assert_int_eq(check(2 * MIB, 82 * MIB, 0), -ENOMEM);
	ck_assert_uint_eq(enough, 101);
	says("41 huge pages of 2 MiB: only 40 are free: reserve more with `echo 101 > "
	     "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages` as root");
}
END_TEST

/* Files of hugetlbfs have them of all sizes that the host's processor has (arm64: four or more). */
START_TEST(each_size_is_named)
{
	pool("64", "100\n", "10\n", "0\n");
	ck_assert_int_eq(check(64 * KIB, MIB, 0), -ENOMEM);
	says("16 huge pages of 64 KiB: only 10 are free: reserve more with `echo 106 > "
	     "/sys/kernel/mm/hugepages/hugepages-64kB/nr_hugepages` as root");
	ck_assert_int_eq(check(32 * MIB, GIB, 0), -ENOMEM);
	says("huge pages of 32 MiB: ");
	says(": this host has none of that size");
	ck_assert_int_eq(hugepages_explain(512 * MIB, GIB, 0, -ENOMEM, &err), -ENOMEM);
	says("huge pages of 512 MiB: ");
	ck_assert_int_eq(hugepages_explain(16 * GIB, 16 * GIB, 0, -ENOMEM, &err), -ENOMEM);
	says("huge pages of 16 GiB: ");
}
END_TEST

START_TEST(what_the_caller_holds_is_no_shortage)
{
	pool("1048576", "4\n", "1\n", "0\n");
	ck_assert_int_eq(check(GIB, 4 * GIB, 3 * GIB), 0);
	ck_assert_int_eq(check(GIB, 4 * GIB, 2 * GIB), -ENOMEM);
	ck_assert_uint_eq(enough, 5);
	says("4 huge pages of 1 GiB: only 3 are free");
}
END_TEST

/* More are promised than are free, as for a moment while somebody else takes theirs. */
START_TEST(promises_are_not_counted_below_nothing)
{
	pool("2048", "10\n", "3\n", "5\n");
	ck_assert_int_eq(check(2 * MIB, 2 * MIB, 0), -ENOMEM);
	ck_assert_uint_eq(enough, 11);
	says("only 0 are free");
}
END_TEST

START_TEST(a_pool_that_is_not_there_is_told)
{
	ck_assert_int_eq(check(GIB, GIB, 0), -ENOMEM);
	ck_assert_uint_eq(enough, 0);
	says("huge pages of 1 GiB: Cannot allocate memory: this host has none of that size");
	pool("1048576", "nonsense\n", "1\n", "0\n");
	ck_assert_int_eq(check(GIB, GIB, 0), -ENOMEM);
	says("this host has none of that size");
}
END_TEST

START_TEST(a_size_the_host_has_not_is_explained)
{
	ck_assert_int_eq(hugepages_explain(4 * MIB * 1024, GIB, 0, -EINVAL, &err), -EINVAL);
	says("this host has none of that size");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, fake_tree_create, fake_tree_remove);
	tcase_add_test(tests, what_is_free_and_not_promised_counts);
	tcase_add_test(tests, each_size_is_named);
	tcase_add_test(tests, what_the_caller_holds_is_no_shortage);
	tcase_add_test(tests, promises_are_not_counted_below_nothing);
	tcase_add_test(tests, a_pool_that_is_not_there_is_told);
	tcase_add_test(tests, a_size_the_host_has_not_is_explained);
}

int main(void)
{
	return run_suite("hugepages", add_tests);
}
