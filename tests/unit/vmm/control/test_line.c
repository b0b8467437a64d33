/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines of JSON, and text of others in them. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/suite.h"
#include "vmm/control/line.h"

START_TEST(an_object_is_one_line_of_ascii)
{
	size_t size = 0;
	char *line = control_line(json_pack("{s:s, s:[i]}", "a", "x\n\xc3\xa4", "b", 1), &size);

	ck_assert_str_eq(line, "{\"a\": \"x\\n\\u00E4\", \"b\": [1]}\r\n");
	ck_assert_uint_eq(size, strlen(line));
	free(line);
	ck_assert_ptr_null(control_line(NULL, &size));
}
END_TEST

START_TEST(text_of_others_keeps_its_lines_alone)
{
	json_t *value = control_text("a\x1b[2J\n\xff\n\n");

	ck_assert_str_eq(json_string_value(value), "a?[2J\n?\n\n");
	json_decref(value);
	value = control_text("");
	ck_assert_str_eq(json_string_value(value), "");
	json_decref(value);
}
END_TEST

START_TEST(what_is_quoted_is_short_and_harmless)
{
	char text[2 * CONTROL_QUOTE];

	ck_assert_str_eq(control_printable("a\nb").text, "a?b");
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ck_assert_uint_eq(strlen(control_printable(text).text), CONTROL_QUOTE - 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, an_object_is_one_line_of_ascii);
	tcase_add_test(tests, text_of_others_keeps_its_lines_alone);
	tcase_add_test(tests, what_is_quoted_is_short_and_harmless);
}

int main(void)
{
	return run_suite("line", add_tests);
}
