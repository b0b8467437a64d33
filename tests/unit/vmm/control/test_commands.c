/* SPDX-License-Identifier: BSD-3-Clause */
/* What each command does, and the check of its arguments. */

#include <check.h>
#include <stdlib.h>

#include "tests/unit/support/fake_control.h"
#include "tests/unit/support/suite.h"
#include "vmm/control/commands.h"

static json_t *answer;
static struct err err;
static unsigned int all;
static struct control_passed passed = {.waiting = -1, .all = &all};

static void *defer(void *owner)
{
	return owner;
}

static void done(void *owner, const struct err *why)
{
	(void)owner;
	(void)why;
}

static const struct control_caller caller = {
	.target = &fake_target,
	.negotiated = true,
	.passed = &passed,
	.defer = defer,
	.done = done,
	.owner = &passed,
};

static int execute(const char *name, const char *arguments)
{
	json_t *given = arguments ? json_loads(arguments, 0, NULL) : NULL;
	int rc;

	ck_assert(!arguments || given);
	json_decref(answer);
	answer = NULL;
	err = (struct err){0};
	rc = control_command(&caller, name, given, &answer, &err);
	json_decref(given);
	ck_assert(!rc == !!answer);
	ck_assert_int_eq(err.code, rc);
	return rc;
}

static void does(const char *name)
{
	ck_assert_int_eq(execute(name, NULL), 0);
	ck_assert_uint_eq(json_object_size(answer), 0);
}

static void refuses(const char *name, const char *arguments, const char *sentence)
{
	ck_assert_int_eq(execute(name, arguments), -EINVAL);
	ck_assert_str_eq(err.text, sentence);
}

static void tear_down(void)
{
	json_decref(answer);
	answer = NULL;
}

START_TEST(the_machine_does_what_it_is_told)
{
	does("stop");
	ck_assert_uint_eq(fake_machine.stops, 1);
	does("cont");
	ck_assert_uint_eq(fake_machine.goes, 1);
	does("system_powerdown");
	ck_assert_uint_eq(fake_machine.presses, 1);
	does("system_reset");
	ck_assert_uint_eq(fake_machine.resets, 1);
	does("quit");
	ck_assert_uint_eq(fake_machine.quits, 1);
	does("query-name");
}
END_TEST

START_TEST(a_guest_that_stands_for_another_does_not_go)
{
	fake_machine.busy = true;
	ck_assert_int_eq(execute("cont", NULL), -EBUSY);
	ck_assert_str_eq(err.text, "the guest stands for gdb");
}
END_TEST

START_TEST(the_monitor_answers_lines)
{
	fake_machine.answer = "one\ntwo\x1b\n";
	ck_assert_int_eq(execute("human-monitor-command",
				 "{\"command-line\": \"pci\", \"cpu-index\": 1}"),
			 0);
	ck_assert_str_eq(json_string_value(answer), "one\ntwo?\n");
	ck_assert_str_eq(fake_machine.line, "pci");
	ck_assert_uint_eq(fake_machine.cpu, 1);
	fake_machine.answer = NULL;
	ck_assert_int_eq(execute("human-monitor-command", "{\"command-line\": \"\"}"), 0);
	ck_assert_str_eq(json_string_value(answer), "");
	ck_assert_uint_eq(fake_machine.cpu, 0);
	refuses("human-monitor-command", "{\"command-line\": \"pci\", \"cpu-index\": 2}",
		"cpu-index: there is no vCPU 2");
	refuses("human-monitor-command", "{\"command-line\": \"pci\", \"cpu-index\": -1}",
		"cpu-index: there is no vCPU -1");
}
END_TEST

START_TEST(arguments_are_checked_by_name_and_type)
{
	refuses("stop", "{\"now\": true}", "stop: it has no argument 'now'");
	refuses("human-monitor-command", "{}",
		"human-monitor-command: the argument command-line is missing");
	refuses("human-monitor-command", "{\"command-line\": 1}",
		"human-monitor-command: command-line is no string");
	refuses("human-monitor-command", "{\"command-line\": \"pci\", \"cpu-index\": 1.5}",
		"human-monitor-command: cpu-index is no whole number");
	refuses("human-monitor-command", "{\"command-line\": \"pci\", \"x\\n\": 1}",
		"human-monitor-command: it has no argument 'x?'");
	ck_assert_int_eq(execute("stop", "{}"), 0);
	ck_assert_int_eq(execute("nonsense", NULL), -ENOENT);
}
END_TEST

START_TEST(words_are_a_list_of_strings)
{
	struct control_caller stranger = caller;
	static const char *const wrong[] = {"{\"enable\": 1}", "{\"enable\": [1]}",
					    "{\"enable\": null}"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_t *given = json_loads(wrong[i], 0, NULL);

		stranger.negotiated = false;
		ck_assert_int_eq(control_command(&stranger, control_negotiates, given, &answer,
						 &err),
				 -EINVAL);
		ck_assert_str_eq(err.text, "qmp_capabilities: enable is no list of strings");
		json_decref(given);
	}
	ck_assert_int_eq(control_command(&stranger, control_negotiates, NULL, &answer, &err), 0);
}
END_TEST

/* None is listed that is not there, and each has an answer or needs an argument. */
START_TEST(every_command_is_listed_once)
{
	json_t *list, *row;
	size_t i;

	ck_assert_int_eq(execute("query-commands", NULL), 0);
	list = json_incref(answer);
	ck_assert_uint_ge(json_array_size(list), 15);
	json_array_foreach(list, i, row) {
		const char *name = json_string_value(json_object_get(row, "name"));

		for (size_t other = 0; other < i; other++)
			ck_assert_str_ne(name, json_string_value(
						       json_object_get(json_array_get(list, other),
								       "name")));
		ck_assert_msg(execute(name, NULL) == 0 || strcmp(name, control_negotiates) == 0 ||
				      strstr(err.text, "is missing"),
			      "%s: %s", name, err.text);
	}
	json_decref(list);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, fake_machine_reset, tear_down);
	tcase_add_test(tests, the_machine_does_what_it_is_told);
	tcase_add_test(tests, a_guest_that_stands_for_another_does_not_go);
	tcase_add_test(tests, the_monitor_answers_lines);
	tcase_add_test(tests, arguments_are_checked_by_name_and_type);
	tcase_add_test(tests, words_are_a_list_of_strings);
	tcase_add_test(tests, every_command_is_listed_once);
}

int main(void)
{
	return run_suite("commands", add_tests);
}
