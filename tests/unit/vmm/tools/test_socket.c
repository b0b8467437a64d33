/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry devices` of servers of vfio-user: those that answer, and what else is at a path. */

#include <check.h>
#include <fcntl.h>
#include <limits.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/user_listener.h"
#include "tests/unit/vmm/tools/test_devices.h"
#include "vmm/base/bits.h"

static const char *path;
static char named[PATH_MAX];

static void set_up(void)
{
	setup();
	path = listener_set_up();
	snprintf(named, sizeof(named), "socket=%s", path);
}

static void tear_down(void)
{
	listener_tear_down();
	tools_teardown();
}

/* By its path, and by the word of --vfio-user. */
START_TEST(a_server_is_told_at_length)
{
	listener_begin();
	ck_assert_msg(devices(_i ? named : path, NULL) == TOOL_OK, "%s", tools_errors);
	has(tools_out, path);
	has(tools_out, "  Non-Volatile memory controller: Samsung Electronics Co Ltd NVMe SSD");
	has(tools_out,
	    "\n  IDs          144d:a808, subsystem 144d:a808, class 010802, revision 01\n");
	has(tools_out, "\n  way          vfio-user 0.1\n");
	has(tools_out, "\n  BAR 0        4K, memory, by messages\n");
	has(tools_out, "\n  BAR 4        16K, memory, 64-bit, prefetchable, 8K of it mapped\n");
	has(tools_out, "\n  interrupts   MSI-X with a table of 5, no INTx\n");
	has(tools_out, "\n  resets by    a message\n");
	has(tools_out,
	    "\n  limits       a message has up to 8 descriptors and 64K of data; for DMA "
	    "up to 65535 mappings in pages of 4K or more\n");
	has(tools_out, "\n  passable     ready\n");
	has_not(tools_out, NVME);
	ck_assert_str_eq(tools_errors, "");
}
END_TEST

START_TEST(a_server_stands_behind_devices)
{
	listener_begin();
	ck_assert_int_eq(devices(named, NVME), TOOL_OK);
	has(tools_out, NVME "  Non-Volatile");
	has(tools_out, "\n\n/");
	ck_assert(strstr(tools_out, NVME) < strstr(tools_out, path));
}
END_TEST

START_TEST(json_holds_the_same)
{
	json_t *root, *device, *bar;

	listener.server.twin = true;
	listener_begin();
	ck_assert_int_eq(devices("--json", path), TOOL_OK);
	root = tools_json();
	ck_assert_uint_eq(json_array_size(json_object_get(root, "devices")), 1);
	device = json_array_get(json_object_get(root, "devices"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(device, "socket")), path);
	ck_assert_str_eq(json_string_value(json_object_get(device, "vendor")), "144d");
	ck_assert_str_eq(json_string_value(json_object_get(device, "class_name")),
			 "Non-Volatile memory controller");
	bar = json_array_get(json_object_get(device, "bars"), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(bar, "index")), 4);
	ck_assert_int_eq(json_integer_value(json_object_get(bar, "mapped")), LISTENER_FILE / 2);
	device = json_object_get(device, "limits");
	ck_assert(json_is_true(json_object_get(device, "twin_socket")));
	ck_assert_int_eq(json_integer_value(json_object_get(device, "max_msg_fds")), 8);
	json_decref(root);
}
END_TEST

static const struct {
	enum server_command at;
	enum user_fault fault;
	const char *said;
} faults[] = {
	{COMMAND_VERSION, USER_FAULT_NONSENSE, "its server has answered VERSION with capabilities"},
	{COMMAND_VERSION, USER_FAULT_DIES, "its server has ended the connection at VERSION"},
	{COMMAND_INFO, USER_FAULT_TWICE, "DEVICE_GET_INFO, which it was not asked"},
	{COMMAND_READ, USER_FAULT_SMALL, "has answered REGION_READ with 19 bytes"},
};

/* One sentence, and nothing else. */
START_TEST(a_server_that_misbehaves)
{
	char *end;

	listener.server.at = faults[_i].at;
	listener.server.fault = faults[_i].fault;
	listener_begin();
	ck_assert_int_eq(devices(path, NVME), TOOL_FAILED);
	has(tools_errors, "vfio-user: /");
	has(tools_errors, faults[_i].said);
	end = strchr(tools_errors, '\n');
	ck_assert_ptr_nonnull(end);
	ck_assert_str_eq(end, "\n");
	ck_assert_str_eq(tools_out, "");
}
END_TEST

START_TEST(it_is_no_pci_device)
{
	listener.server.not_pci = true;
	listener_begin();
	ck_assert_int_eq(devices(path, NULL), TOOL_OK);
	has(tools_out, "  passable     no: its server says that it is no PCI device\n");
	has_not(tools_out, "IDs");
}
END_TEST

START_TEST(nobody_listens)
{
	json_t *root;

	close(listener.socket);
	listener.socket = -1;
	ck_assert_int_eq(devices(path, NULL), TOOL_FAILED);
	has(tools_errors, "Connection refused: no server listens there: start it first");
	ck_assert_int_eq(devices("--json", named), TOOL_FAILED);
	root = tools_json();
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(root, "error"), "code")),
			 "ECONNREFUSED");
	json_decref(root);
	unlink(path);
	ck_assert_int_eq(devices(named, NULL), TOOL_FAILED);
	has(tools_errors, "No such file or directory: no server listens there: start it first");
	/* Then it may as well be a device's path. */
	ck_assert_int_eq(devices(path, NULL), TOOL_FAILED);
	has(tools_errors, "passthrough device a.sock: ");
}
END_TEST

START_TEST(paths_that_are_none)
{
	char file[PATH_MAX], longest[200];

	ck_assert_int_eq(devices("socket=", NULL), TOOL_USAGE);
	has(tools_errors, "vfio-user: 'socket=': no path: give one");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memcpy(longest, "socket=", 7);
	ck_assert_int_eq(devices(longest, NULL), TOOL_USAGE);
	has(tools_errors, "the path is too long for a socket");
	fake_tree_write("file", "");
	snprintf(file, sizeof(file), "socket=%s", fake_tree_path("file"));
	ck_assert_int_eq(devices(file, NULL), TOOL_FAILED);
	has(tools_errors, "it is no socket: give the path that its server listens at");
	/* Only those who look take them. */
	ck_assert_int_eq(tools_run(tool_bind, "bind", named, NULL), TOOL_FAILED);
	ck_assert_int_eq(tools_run(tool_bind, "bind", path, NULL), TOOL_FAILED);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, a_server_is_told_at_length, 0, 2);
	tcase_add_test(tests, a_server_stands_behind_devices);
	tcase_add_test(tests, json_holds_the_same);
	tcase_add_loop_test(tests, a_server_that_misbehaves, 0, ARRAY_SIZE(faults));
	tcase_add_test(tests, it_is_no_pci_device);
	tcase_add_test(tests, nobody_listens);
	tcase_add_test(tests, paths_that_are_none);
}

int main(void)
{
	return run_suite("servers of vfio-user", add_tests);
}
