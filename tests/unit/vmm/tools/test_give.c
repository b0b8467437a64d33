/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry bind --user`: whom a name means, and which nodes are that user's afterwards. */

#include <check.h>
#include <sys/stat.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_bind.h"
#include "vmm/tools/give.h"

enum { NOBODY = 65534, MARY = 1234 };

static char number[16];
static uid_t user;

/* Root gives to anybody, others to themselves alone. */
static void setup_nodes(void)
{
	setup();
	user = geteuid() == 0 ? NOBODY : geteuid();
	snprintf(number, sizeof(number), "%u", user);
	fake_tree_write("dev/vfio/7", "");
	fake_tree_write("dev/vfio/8", "");
	fake_tree_add_cdev(NVME, 3);
	fake_tree_write("dev/vfio/devices/vfio4", "");
	/* Without a node, as where the kernel has no character devices. */
	fake_tree_folder("bus/pci/devices/" NIC "/vfio-dev/vfio5");
}

static uid_t owner_of(const char *path)
{
	struct stat status;

	ck_assert_int_eq(lstat(fake_tree_path(path), &status), 0);
	return status.st_uid;
}

START_TEST(the_nodes_are_the_users)
{
	uid_t before = owner_of("dev/vfio/8");

	ck_assert_msg(bind("--user", number, NVME) == TOOL_OK, "%s", tools_errors);
	ck_assert_str_eq(tools_errors, "");
	ck_assert_uint_eq(owner_of("dev/vfio/7"), user);
	ck_assert_uint_eq(owner_of("dev/vfio/devices/vfio3"), user);
	ck_assert_uint_eq(owner_of("dev/vfio/8"), before);
	ck_assert_uint_eq(owner_of("dev/vfio/devices/vfio4"), before);
}
END_TEST

START_TEST(a_device_that_was_bound_before_is_given_too)
{
	char option[32];

	snprintf(option, sizeof(option), "--user=%u", user);
	ck_assert_int_eq(bind(NIC, NULL, NULL), TOOL_OK);
	ck_assert_int_eq(bind(option, NIC, NULL), TOOL_OK);
	ck_assert_uint_eq(owner_of("dev/vfio/8"), user);
}
END_TEST

START_TEST(nothing_is_bound_whose_node_is_not_there)
{
	fake_tree_unlink("dev/vfio/8");
	ck_assert_int_eq(bind("--user", number, NIC), TOOL_FAILED);
	has(tools_errors, NIC ": there is no ");
	has(tools_errors, "/dev/vfio/8: udevadm trigger --settle");
	ck_assert_str_eq(driver_of(NIC), "e1000e");
	ck_assert(!recorded(NIC));
}
END_TEST

/* Nor does what was bound before change hands. */
START_TEST(nothing_is_given_where_a_node_is_not_there)
{
	uid_t before = owner_of("dev/vfio/8");
	char option[32];

	snprintf(option, sizeof(option), "--user=%u", user);
	ck_assert_int_eq(bind(NIC, NULL, NULL), TOOL_OK);
	fake_tree_unlink("dev/vfio/devices/vfio3");
	ck_assert_int_eq(bind(option, NIC, NVME), TOOL_FAILED);
	has(tools_errors, "/dev/vfio/devices/vfio3: udevadm trigger --settle");
	ck_assert_uint_eq(owner_of("dev/vfio/8"), before);
	ck_assert_str_eq(driver_of(NIC), "vfio-pci");
	ck_assert_str_eq(driver_of(NVME), "nvme");
}
END_TEST

START_TEST(a_kernel_without_groups)
{
	fake_tree_unlink("dev/vfio/7");
	ck_assert_msg(bind("--user", number, NVME) == TOOL_OK, "%s", tools_errors);
	ck_assert_str_eq(tools_errors, "");
	ck_assert_uint_eq(owner_of("dev/vfio/devices/vfio3"), user);
}
END_TEST

START_TEST(json_names_the_owner)
{
	char option[32];
	json_t *root, *device;

	snprintf(option, sizeof(option), "--user=%u", user);
	ck_assert_int_eq(bind("--json", option, NVME), TOOL_OK);
	root = tools_json();
	device = json_array_get(json_object_get(root, "devices"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(device, "owner")), user);
	json_decref(root);
	ck_assert_int_eq(bind("--json", NVME, NULL), TOOL_OK);
	root = tools_json();
	device = json_array_get(json_object_get(root, "devices"), 0);
	ck_assert(json_is_null(json_object_get(device, "owner")));
	json_decref(root);
}
END_TEST

static void check_user(const char *name, uid_t wanted)
{
	struct tool tool = {.passwd = fake_tree_path("passwd")};
	struct err err = {0};
	uid_t found = 0;

	ck_assert_msg(give_find_user(&tool, name, &found, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(found, wanted);
}

START_TEST(names_come_before_numbers)
{
	fake_tree_write("passwd", "root:x:0:0:root:/root:/bin/sh\n"
				  "mary:x:1234:100:Mary,,,:/home/mary:/bin/sh\n"
				  "77:x:1235:100::/:/bin/false\n");
	check_user("mary", MARY);
	check_user("root", 0);
	check_user("77", MARY + 1);
	check_user("78", 78);
	check_user("4294967294", UINT32_MAX - 1);
}
END_TEST

START_TEST(other_users_are_refused)
{
	static const char *const names[] = {"joe", "",           "-1",
					    "12x", "4294967295", "99999999999999999999",
					    " 5"};
	char option[64];

	snprintf(option, sizeof(option), "--user=%s", names[_i]);
	ck_assert_int_eq(bind(option, NVME, NULL), TOOL_USAGE);
	has(tools_errors, *names[_i] ? "has no such user" : "--user: empty: it takes a user's");
	ck_assert_str_eq(driver_of(NVME), "nvme");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup_nodes, tools_teardown);
	if (geteuid() == 0) {
		tcase_add_test(tests, the_nodes_are_the_users);
		tcase_add_test(tests, a_device_that_was_bound_before_is_given_too);
		tcase_add_test(tests, nothing_is_given_where_a_node_is_not_there);
		tcase_add_test(tests, a_kernel_without_groups);
	} else {
		puts("skip: nodes that get another owner: root alone may give them");
	}
	tcase_add_test(tests, nothing_is_bound_whose_node_is_not_there);
	tcase_add_test(tests, json_names_the_owner);
	tcase_add_test(tests, names_come_before_numbers);
	tcase_add_loop_test(tests, other_users_are_refused, 0, 7);
}

int main(void)
{
	return run_suite("give", add_tests);
}
