/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry list`: who runs, who hangs, who is gone. */

#include "tests/unit/support/fake_qmp.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/tools.h"
#include "vmm/runtime.h"

static char entry[PATH_MAX];
static struct err err;

static void set_up(void)
{
	tools_setup();
	setenv("XDG_RUNTIME_DIR", fake_tree_path("run"), 1);
}

static void enter(void)
{
	ck_assert_msg(runtime_enter(fake_tree_path("run"), fake_qmp.path, entry, &err) == 0, "%s",
		      err.text);
}

START_TEST(none_is_told)
{
	ck_assert_int_eq(tools_run(tool_list, "list", NULL), TOOL_OK);
	ck_assert_str_eq(tools_out, "no run of this user's has a control socket\n");
	ck_assert_int_eq(tools_run(tool_list, "list", "--json", NULL), TOOL_OK);
	ck_assert_str_eq(tools_out, "{\n  \"monitors\": []\n}\n");
}
END_TEST

START_TEST(those_that_run_are_listed)
{
	static const char *const said[] = {
		QMP_HELLO, QMP_DONE,
		"{\"return\": {\"pid\": 77, \"uptime_seconds\": 61, \"status\": \"running\", "
		"\"cpus\": [{}, {}], \"memory_bytes\": 1073741824}}\n",
		NULL};
	char wanted[256];
	json_t *root;

	fake_qmp_start(said);
	enter();
	ck_assert_int_eq(tools_run(tool_list, "list", NULL), TOOL_OK);
	snprintf(wanted, sizeof(wanted),
		 "PID  STATUS   UP         VCPUS  MEMORY  CONTROL\n"
		 "77   running  1 min 1 s  2      1 GiB   %s\n",
		 fake_qmp.path);
	ck_assert_str_eq(tools_out, wanted);
	ck_assert_int_eq(tools_run(tool_list, "list", "--json", NULL), TOOL_OK);
	root = tools_json();
	ck_assert_str_eq(json_string_value(json_object_get(
				 json_array_get(json_object_get(root, "monitors"), 0), "control")),
			 fake_qmp.path);
	json_decref(root);
	fake_qmp_stop();
}
END_TEST

START_TEST(one_that_refuses_is_listed_too)
{
	static const char *const said[] = {"", NULL};

	fake_qmp_start(said);
	enter();
	ck_assert_int_eq(tools_run(tool_list, "list", NULL), TOOL_OK);
	ck_assert_msg(strstr(tools_out, "does not answer"), "%s", tools_out);
	fake_qmp_stop();
}
END_TEST

START_TEST(who_is_gone_is_taken_off)
{
	static const char *const said[] = {"", NULL};

	fake_qmp_start(said);
	enter();
	fake_qmp_stop();
	ck_assert_int_eq(tools_run(tool_list, "list", NULL), TOOL_OK);
	ck_assert_msg(strstr(tools_out, "no run"), "%s", tools_out);
	ck_assert_int_eq(readlink(entry, (char[8]){0}, 8), -1);
}
END_TEST

/* Another monitor has taken its socket's path: that one is listed, and once. */
START_TEST(a_link_to_another_process_is_left_out)
{
	static const char *const said[] = {QMP_HELLO, QMP_DONE, "{\"return\": {\"pid\": 77}}\n",
					   NULL};
	char stale[PATH_MAX], pid[24];
	json_t *root;

	fake_qmp_start(said);
	enter();
	snprintf(pid, sizeof(pid), "%d", (int)getppid());
	ck_assert_int_eq(runtime_entry(fake_tree_path("run"), pid, stale, &err), 0);
	ck_assert_int_eq(symlink(fake_qmp.path, stale), 0);
	ck_assert_int_eq(tools_run(tool_list, "list", "--json", NULL), TOOL_OK);
	root = tools_json();
	ck_assert_uint_eq(json_array_size(json_object_get(root, "monitors")), 1);
	json_decref(root);
	/* It may be a container's, with a number of its own. */
	ck_assert_int_gt(readlink(stale, (char[8]){0}, 8), 0);
	ck_assert_int_gt(readlink(entry, (char[8]){0}, 8), 0);
	fake_qmp_stop();
}
END_TEST

START_TEST(wrong_usage_is_told)
{
	ck_assert_int_eq(tools_run(tool_list, "list", "x", NULL), TOOL_USAGE);
	ck_assert_msg(strstr(tools_errors, "'x': it takes nothing"), "%s", tools_errors);
	ck_assert_int_eq(tools_run(tool_list, "list", "--frob", NULL), TOOL_USAGE);
	ck_assert_int_eq(tools_run(tool_list, "list", "--help", NULL), TOOL_OK);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tools_teardown);
	tcase_add_test(tests, none_is_told);
	tcase_add_test(tests, those_that_run_are_listed);
	tcase_add_test(tests, one_that_refuses_is_listed_too);
	tcase_add_test(tests, who_is_gone_is_taken_off);
	tcase_add_test(tests, a_link_to_another_process_is_left_out);
	tcase_add_test(tests, wrong_usage_is_told);
}

int main(void)
{
	return run_suite("list", add_tests);
}
