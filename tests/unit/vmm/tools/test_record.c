/* SPDX-License-Identifier: BSD-3-Clause */
/* What is remembered of a device: whose it must be, who may have written it. */

#include <check.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_bind.h"
#include "vmm/base/bits.h"

START_TEST(records_are_trusted_only_where_nobody_else_writes)
{
	fake_tree_folder("run/ferry");
	ck_assert_int_eq(chmod(fake_tree_path("run/ferry"), 0777), 0);
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_errors, "run/ferry/lock: Operation not permitted: the folder must be root's");
	ck_assert_str_eq(driver_of(NVME), "nvme");
	ck_assert_int_eq(rmdir(fake_tree_path("run/ferry")), 0);
	fake_tree_folder("elsewhere");
	fake_tree_link("run/ferry", "../elsewhere");
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_FAILED);
	fake_tree_unlink("run/ferry");

	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_int_eq(chmod(fake_tree_path("run/ferry"), 0777), 0);
	fake.choice = "e1000e";
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	has(tools_errors, "is not used");
	ck_assert_str_eq(driver_of(NVME), "e1000e");
}
END_TEST

START_TEST(garbled_records_are_not_used)
{
	static const char *const texts[] = {"",
					    "rubbish",
					    "driver nvme",
					    "driver nvme\noverride",
					    "driver ../../x\noverride \ndevice 144d:a808\n",
					    "driver ..\noverride \ndevice 144d:a808\n",
					    "driver nvme\noverride a/b\ndevice 144d:a808\n",
					    "driver -r\noverride \ndevice 144d:a808\n",
					    "driver nvme\noverride \ndevice 144d\n"};
	char huge[5000];

	fake.choice = "e1000e";
	for (size_t i = 0; i <= ARRAY_SIZE(texts); i++) {
		ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
		memset(huge, 'x', sizeof(huge) - 1);
		huge[sizeof(huge) - 1] = '\0';
		fake_tree_write("run/ferry/" NVME, i < ARRAY_SIZE(texts) ? texts[i] : huge);
		ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
		has(tools_errors, "is not used");
		ck_assert_str_eq(driver_of(NVME), "e1000e");
	}
}
END_TEST

START_TEST(a_record_of_another_device_is_void)
{
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	tools_file(NVME, "device", "0xa80a\n");
	fake.choice = "e1000e";
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of(NVME), "e1000e");
	ck_assert(!recorded(NVME));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, records_are_trusted_only_where_nobody_else_writes);
	tcase_add_test(tests, garbled_records_are_not_used);
	tcase_add_test(tests, a_record_of_another_device_is_void);
}

int main(void)
{
	return run_suite("record", add_tests);
}
