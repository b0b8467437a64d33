/* SPDX-License-Identifier: BSD-3-Clause */
/* The DSDT is what ACPICA's own compiler takes it for. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/arch.h"
#include "arch/x86_64/platform_x86.h"
#include "tests/unit/arch/x86_64/test_acpi.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

/*
 * iasl takes every table apart and puts it together again: with no error, no warning and no remark,
 * and the DSDT comes out as it went in.
 */
static void check_with_iasl(const struct platform *platform)
{
	static const char commands[] =
		"for table in *.aml; do iasl -d $table || exit 1; done; "
		"for source in *.dsl; do iasl -p again-${source%.dsl} $source || exit 1; done; "
		"test $(ls again-*.aml | wc -l) = 6 && cmp -i 36 dsdt.aml again-dsdt.aml";
	static const char complaints[] =
		"! grep -iE 'warning|remark|error|invalid|unknown|incorrect' log |"
		" grep -v '0 Errors, 0 Warnings, 0 Remarks'";
	char directory[] = "/tmp/ferry-acpi-XXXXXX";
	struct err err = {0};
	int made, clean;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_msg(arch_dump_acpi(platform, directory, &err) == 0, "%s", err.text);
	made = scratch_shell(directory, commands);
	clean = scratch_shell(directory, complaints);
	if (made != 0 || clean != 0)
		scratch_show_log(directory);
	scratch_remove(directory);
	ck_assert_int_eq(made, 0);
	ck_assert_int_eq(clean, 0);
}

START_TEST(iasl_has_nothing_to_say)
{
	static const unsigned int cpus[] = {1, 64};

	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		for (unsigned int shape = 0; shape < 4; shape++) {
			struct platform platform = make_platform(cpus[i], shape & 1, shape & 2);

			check_with_iasl(&platform);
		}
	}
}
END_TEST

START_TEST(iasl_accepts_odd_windows)
{
	struct platform platform = make_platform(2, true, true);

	platform.ecam = (struct ram_range){UINT64_C(1) << 36, 256 * MIB};
	platform.io = (struct ram_range){0, 0};
	check_with_iasl(&platform);
	platform.ecam = (struct ram_range){2 * GIB, 1 * MIB};
	platform.io = (struct ram_range){0, 0x10000};
	platform.mmio32 = (struct ram_range){3 * GIB, 1 * GIB};
	platform.mmio64 = (struct ram_range){4 * GIB, 1 * MIB};
	check_with_iasl(&platform);
}
END_TEST

START_TEST(everything_is_described)
{
	static const char commands[] =
		"iasl -d dsdt.aml || exit 1; "
		"for word in 'Device (PCI0)' PNP0A08 _PRT _OSC CDW3 WordBusNumber WordIO DWordMemory"
		" QWordMemory PNP0C02 PNP0501 PNP0B00 QEMU0001 PNP0C0C ACPI0013 _EVT Notify"
		" ACPI0007 C001 _S5; "
		"do grep -q \"$word\" dsdt.dsl || { echo \"no $word\"; exit 1; }; done";
	const struct platform platform = make_platform(2, true, true);
	char directory[] = "/tmp/ferry-acpi-XXXXXX";
	struct err err = {0};
	int found;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_msg(arch_dump_acpi(&platform, directory, &err) == 0, "%s", err.text);
	found = scratch_shell(directory, commands);
	if (found != 0)
		scratch_show_log(directory);
	scratch_remove(directory);
	ck_assert_int_eq(found, 0);
}
END_TEST

static bool have_iasl(void)
{
	return system("command -v iasl >/dev/null 2>&1") == 0;
}

static void add_tests(TCase *tests)
{
	if (!have_iasl()) {
		puts("skip: tables through iasl: it is not installed");
		return;
	}
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, everything_is_described);
	tcase_add_test(tests, iasl_has_nothing_to_say);
	tcase_add_test(tests, iasl_accepts_odd_windows);
}

int main(void)
{
	return run_suite("x86_64 dsdt", add_tests);
}
