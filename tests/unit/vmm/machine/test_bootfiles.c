/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel and initrd files: opened once, and measured anew before each boot. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"
#include "vmm/machine/bootfiles.h"

static char folder[32], kernel[64], initrd[64];
static struct config config;
static struct boot_source boot;
static struct err err;

static void store(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void set_up(void)
{
	snprintf(folder, sizeof(folder), "/tmp/ferry-boot-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(kernel, sizeof(kernel), "%s/kernel", folder);
	snprintf(initrd, sizeof(initrd), "%s/initrd", folder);
	store(kernel, "kernel");
	store(initrd, "one");
	config.kernel = kernel;
	config.initrds[0] = initrd;
	config.initrd_count = 1;
	err = (struct err){0};
	ck_assert_msg(bootfiles_open(&boot, &config, &err) == 0, "%s", err.text);
}

static void tear_down(void)
{
	bootfiles_close(&boot);
	scratch_remove(folder);
}

START_TEST(a_file_written_anew_is_taken_whole)
{
	ck_assert_uint_eq(boot.initrds[0].size, 3);
	store(initrd, "one and more");
	store(kernel, "k");
	ck_assert_int_eq(bootfiles_measure(&boot, &err), 0);
	ck_assert_uint_eq(boot.initrds[0].size, 12);
	ck_assert_uint_eq(boot.kernel.size, 1);
}
END_TEST

/* The descriptor is the old file's; a reset needs no path. */
START_TEST(a_file_replaced_is_the_old_one)
{
	char other[64];

	snprintf(other, sizeof(other), "%s/other", folder);
	store(other, "another initrd");
	ck_assert_int_eq(rename(other, initrd), 0);
	ck_assert_int_eq(unlink(kernel), 0);
	ck_assert_int_eq(bootfiles_measure(&boot, &err), 0);
	ck_assert_uint_eq(boot.initrds[0].size, 3);
	ck_assert_uint_eq(boot.kernel.size, 6);
}
END_TEST

START_TEST(a_file_that_is_empty_by_then)
{
	store(initrd, "");
	ck_assert_int_eq(bootfiles_measure(&boot, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "initrd: the file is empty"));
	store(kernel, "");
	ck_assert_int_eq(bootfiles_measure(&boot, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "kernel: the file is empty"));
}
END_TEST

START_TEST(what_cannot_be_opened)
{
	bootfiles_close(&boot);
	config.initrds[0] = folder;
	ck_assert_int_eq(bootfiles_open(&boot, &config, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "not a regular file"));
	config.initrds[0] = "/nowhere";
	ck_assert_int_eq(bootfiles_open(&boot, &config, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "initrd: /nowhere: cannot be read"));
	store(kernel, "");
	ck_assert_int_eq(bootfiles_open(&boot, &config, &err), -EINVAL);
	ck_assert_int_eq(boot.kernel.fd, -1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_file_written_anew_is_taken_whole);
	tcase_add_test(tests, a_file_replaced_is_the_old_one);
	tcase_add_test(tests, a_file_that_is_empty_by_then);
	tcase_add_test(tests, what_cannot_be_opened);
}

int main(void)
{
	return run_suite("boot files", add_tests);
}
