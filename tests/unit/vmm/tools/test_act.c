/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls by which a tool changes the host: writes in one go, and modprobe. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"
#include "vmm/tools/act.h"

static void is_written(const char *path, const char *text)
{
	char line[64] = "";
	FILE *file = fopen(fake_tree_path(path), "re");

	ck_assert_ptr_nonnull(file);
	ck_assert(fgets(line, sizeof(line), file) || *text == '\0');
	ck_assert_str_eq(line, text);
	fclose(file);
}

START_TEST(what_is_there_is_written_to)
{
	fake_tree_write("unbind", "");
	ck_assert_int_eq(act_write(fake_tree_path("unbind"), "0000:01:00.0"), 0);
	is_written("unbind", "0000:01:00.0");
	/* Nothing is made by a write. */
	ck_assert_int_eq(act_write(fake_tree_path("bind"), "0000:01:00.0"), -ENOENT);
	ck_assert_int_eq(act_write(fake_tree_path(""), "text"), -EISDIR);
	ck_assert_int_eq(act_write("/dev/full", "text"), -ENOSPC);
}
END_TEST

/* A modprobe of our own, which keeps what it is asked for and ends with @status. */
static void put_modprobe(int status)
{
	char script[256];

	snprintf(script, sizeof(script), "#!/bin/sh\nprintf '%%s' \"$*\" >'%s'\nexit %d\n",
		 fake_tree_path("asked"), status);
	fake_tree_folder("bin");
	fake_tree_write("bin/modprobe", script);
	ck_assert_int_eq(chmod(fake_tree_path("bin/modprobe"), 0755), 0);
	ck_assert_int_eq(setenv("PATH", fake_tree_path("bin"), 1), 0);
}

START_TEST(modprobe_is_asked_for_a_module)
{
	put_modprobe(0);
	ck_assert_int_eq(act_load_module("vfio-pci"), 0);
	is_written("asked", "vfio-pci");
	put_modprobe(1);
	ck_assert_int_eq(act_load_module("vfio_iommu_type1"), -EIO);
	is_written("asked", "vfio_iommu_type1");
}
END_TEST

START_TEST(a_name_that_is_none_is_not_passed_on)
{
	char name[128];

	put_modprobe(0);
	memset(name, 'm', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_eq(act_load_module(name), -ENAMETOOLONG);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, fake_tree_create, fake_tree_remove);
	tcase_add_test(tests, what_is_there_is_written_to);
	tcase_add_test(tests, modprobe_is_asked_for_a_module);
	tcase_add_test(tests, a_name_that_is_none_is_not_passed_on);
}

int main(void)
{
	return run_suite("act", add_tests);
}
