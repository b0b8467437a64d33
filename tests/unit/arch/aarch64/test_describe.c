/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU in words, as far as it can be read. */

#include "tests/unit/arch/aarch64/test_vcpu.h"
#include "tests/unit/support/suite.h"

START_TEST(registers_are_told_as_far_as_they_can_be_read)
{
	char text[4096], cut[16];

	create(0);
	seen.pc = 0xffff800008010000;
	arch_vcpu_describe(arch, vcpu, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "ffff800008010000"));
	ck_assert_ptr_nonnull(strstr(text, "cannot be read"));
	arch_vcpu_describe(arch, vcpu, cut, sizeof(cut));
	ck_assert_uint_eq(strlen(cut), sizeof(cut) - 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, registers_are_told_as_far_as_they_can_be_read);
}

int main(void)
{
	return run_suite("aarch64 describe", add_tests);
}
