/* SPDX-License-Identifier: BSD-3-Clause */
/* How the host commands take options, tell errors and end. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "vmm/tools/tools.h"

static const struct option options[] = {
	{"memory", required_argument, NULL, 256},
	{"json", no_argument, NULL, 257},
	{"help", no_argument, NULL, 258},
	{NULL, 0, NULL, 0},
};

static struct err err;

/* The first option of "command @first @second". */
static int option(const char *first, const char *second)
{
	static char words[3][64];
	char *argv[] = {words[0], words[1], second ? words[2] : NULL, NULL};

	snprintf(words[0], sizeof(words[0]), "command");
	snprintf(words[1], sizeof(words[1]), "%s", first);
	snprintf(words[2], sizeof(words[2]), "%s", second ? second : "");
	err = (struct err){0};
	return tool_option(second ? 3 : 2, argv, options, true, &err);
}

START_TEST(options_have_their_values)
{
	ck_assert_int_eq(option("--memory", "1G"), 256);
	ck_assert_str_eq(optarg, "1G");
	ck_assert_int_eq(option("--memory=2G", NULL), 256);
	ck_assert_str_eq(optarg, "2G");
	ck_assert_int_eq(option("--json", NULL), 257);
	ck_assert_int_eq(option("--help", NULL), 258);
	ck_assert_int_eq(option("-h", NULL), 258);
	ck_assert_int_eq(option("01:00.0", NULL), -1);
	ck_assert_int_eq(optind, 1);
}
END_TEST

static void refused(const char *first, const char *sentence)
{
	ck_assert_int_eq(option(first, NULL), '?');
	ck_assert_int_eq(err.code, -EINVAL);
	ck_assert_msg(strstr(err.text, sentence), "no '%s' in: %s", sentence, err.text);
	ck_assert_msg(strstr(err.text, "see ferry command --help"), "%s", err.text);
}

START_TEST(wrong_ones_are_told)
{
	refused("--memory", "--memory: needs a value");
	refused("--json=yes", "--json: takes no value");
	refused("--nonsense", "unknown option '--nonsense'");
	refused("-json", "unknown option '-json': it has two dashes");
	refused("-smp", "unknown option '-smp'");
}
END_TEST

START_TEST(json_is_wanted_however_wrong_the_rest_is)
{
	char name[] = "command", json[] = "--json", part[] = "--js", end[] = "--", dashes[] = "-j",
	     wrong[] = "--nonsense";

	ck_assert(tool_wants_json(3, (char *[]){name, wrong, json}));
	ck_assert(tool_wants_json(2, (char *[]){name, part}));
	ck_assert(!tool_wants_json(3, (char *[]){name, end, json}));
	ck_assert(!tool_wants_json(2, (char *[]){name, dashes}));
	ck_assert(!tool_wants_json(1, (char *[]){json}));
}
END_TEST

START_TEST(names_are_addresses)
{
	char good[] = "0000:01:00.0", brief[] = "01:00.0", bad[] = "01:00";

	ck_assert_int_eq(tool_check_names((char *[]){good, brief}, 2, &err), 0);
	ck_assert_int_ne(tool_check_names((char *[]){good, bad}, 2, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "01:00"));
	ck_assert_int_eq(tool_check_names(NULL, 0, &err), 0);
}
END_TEST

START_TEST(an_error_is_said_and_may_be_json)
{
	char *text = NULL;
	size_t size;
	struct tool tool = {.out = open_memstream(&text, &size)};

	err_set(&err, -ENODEV, "no such thing");
	hear();
	ck_assert_int_eq(tool_fail(&tool, false, TOOL_USAGE, &err), TOOL_USAGE);
	fflush(tool.out);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(tool_fail(&tool, true, TOOL_USAGE, &err), TOOL_USAGE);
	ck_assert_str_eq(heard(), "ferry: no such thing\nferry: no such thing\n");
	fclose(tool.out);
	ck_assert_ptr_nonnull(strstr(text, "\"code\": \"ENODEV\""));
	free(text);
}
END_TEST

START_TEST(what_was_not_printed_has_failed)
{
	struct tool tool = {.out = fopen("/dev/full", "we")};

	ck_assert_ptr_nonnull(tool.out);
	fputs("text", tool.out);
	hear();
	ck_assert_int_eq(tool_finish(&tool, TOOL_OK), TOOL_FAILED);
	ck_assert_ptr_nonnull(strstr(heard(), "could not be printed: No space left on device"));
	ck_assert_int_eq(tool_finish(&tool, TOOL_USAGE), TOOL_USAGE);
	hear();
	ck_assert_int_eq(tool_print(&tool, "text"), TOOL_FAILED);
	ck_assert_ptr_nonnull(strstr(heard(), "could not be printed: No space left on device"));
	fclose(tool.out);
}
END_TEST

START_TEST(durations_have_two_units)
{
	char text[TOOL_DURATION];

	ck_assert_str_eq(tool_duration(0, text), "0 s");
	ck_assert_str_eq(tool_duration(61, text), "1 min 1 s");
	ck_assert_str_eq(tool_duration(7384, text), "2 h 3 min");
	ck_assert_str_eq(tool_duration(90061, text), "1 d 1 h");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, durations_have_two_units);
	tcase_add_test(tests, options_have_their_values);
	tcase_add_test(tests, wrong_ones_are_told);
	tcase_add_test(tests, json_is_wanted_however_wrong_the_rest_is);
	tcase_add_test(tests, names_are_addresses);
	tcase_add_test(tests, an_error_is_said_and_may_be_json);
	tcase_add_test(tests, what_was_not_printed_has_failed);
}

int main(void)
{
	return run_suite("tools", add_tests);
}
