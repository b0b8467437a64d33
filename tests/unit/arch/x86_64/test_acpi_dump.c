/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables as files, and places where none can be written. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/arch.h"
#include "tests/unit/arch/x86_64/test_acpi.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"

START_TEST(dump_refuses_what_it_cannot_write)
{
	struct platform platform = make_platform(1, false, true);
	char directory[] = "/tmp/ferry-acpi-XXXXXX";
	char path[64];
	struct err err = {0};

	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/none/such", directory);
	ck_assert_int_eq(arch_dump_acpi(&platform, path, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	/* The last folder of the path is made. */
	snprintf(path, sizeof(path), "%s/none", directory);
	ck_assert_int_eq(arch_dump_acpi(&platform, path, &err), 0);
	strcat(path, "/dsdt.aml");
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(arch_dump_acpi(&platform, path, &err), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/none", directory);
	scratch_remove(path);
	snprintf(path, sizeof(path), "%s/rsdp.bin", directory);
	ck_assert_int_eq(symlink("/dev/full", path), 0);
	ck_assert_int_eq(arch_dump_acpi(&platform, directory, &err), -ENOSPC);
	ck_assert_int_eq(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/tree", directory);
	ck_assert_int_eq(arch_dump_fdt(NULL, &platform, NULL, path, &err), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.text, "use --dump-acpi"));
	ck_assert_int_ne(access(path, F_OK), 0);
	scratch_remove(directory);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, dump_refuses_what_it_cannot_write);
}

int main(void)
{
	return run_suite("x86_64 acpi dump", add_tests);
}
