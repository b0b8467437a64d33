/* SPDX-License-Identifier: BSD-3-Clause */
/* Exits are counted by KVM's reasons, those beyond them together; each has a name or a number. */

#include <check.h>
#include <errno.h>
#include <linux/kvm.h>

#include "tests/unit/support/suite.h"
#include "vmm/machine/exit.h"

static struct exit_counts counts;

static void only(unsigned int index, uint64_t expected)
{
	for (unsigned int i = 0; i < EXIT_COUNTS; i++)
		ck_assert_uint_eq(counts.count[i], i == index ? expected : 0);
	counts.count[index] = 0;
}

START_TEST(each_reason_has_its_count)
{
	exit_count(&counts, KVM_EXIT_MMIO);
	exit_count(&counts, KVM_EXIT_MMIO);
	only(KVM_EXIT_MMIO, 2);
	exit_count(&counts, EXIT_REASONS - 1);
	only(EXIT_REASONS - 1, 1);
	exit_count(&counts, EXIT_REASONS);
	exit_count(&counts, UINT32_MAX);
	only(EXIT_OTHER, 2);
}
END_TEST

START_TEST(failures_are_told_from_interruptions)
{
	exit_count_failure(&counts, -EINTR);
	only(EXIT_INTERRUPTED, 1);
	exit_count_failure(&counts, -EFAULT);
	exit_count_failure(&counts, -EIO);
	only(EXIT_FAILED_RUN, 2);
}
END_TEST

START_TEST(names_are_kvms)
{
	ck_assert_str_eq(exit_count_name(KVM_EXIT_MMIO), "KVM_EXIT_MMIO");
	ck_assert_str_eq(exit_count_name(KVM_EXIT_SYSTEM_EVENT), "KVM_EXIT_SYSTEM_EVENT");
	ck_assert_str_eq(exit_count_name(EXIT_OTHER), "other reasons");
	ck_assert_str_eq(exit_count_name(EXIT_INTERRUPTED), "interrupted");
	ck_assert_ptr_null(exit_count_name(KVM_EXIT_S390_SIEIC));
	ck_assert_ptr_null(exit_count_name(EXIT_COUNTS));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, each_reason_has_its_count);
	tcase_add_test(tests, failures_are_told_from_interruptions);
	tcase_add_test(tests, names_are_kvms);
}

int main(void)
{
	return run_suite("exit", add_tests);
}
