/* SPDX-License-Identifier: BSD-3-Clause */
/* Where an object ends, what is none, and what is too much. */

#include <check.h>
#include <string.h>

#include "tests/unit/support/suite.h"
#include "vmm/control/frame.h"

static struct control_frame frame;

static void set_up(void)
{
	memset(&frame, 0, sizeof(frame));
}

/* What the last byte of @text makes of it; those before it made nothing. */
static enum control_input take(const char *text)
{
	for (; text[1]; text++)
		ck_assert_int_eq(control_frame_take(&frame, *text), CONTROL_INPUT_MORE);
	return control_frame_take(&frame, *text);
}

static void is_object(const char *text, const char *object)
{
	ck_assert_int_eq(take(text), CONTROL_INPUT_OBJECT);
	ck_assert_uint_eq(frame.size, strlen(object));
	ck_assert_int_eq(memcmp(frame.bytes, object, frame.size), 0);
}

START_TEST(objects_end_where_their_brackets_match)
{
	is_object("{}", "{}");
	is_object(" \r\n\t{\"a\": [1, {\"b\": []}]}", "{\"a\": [1, {\"b\": []}]}");
	is_object("{\"a\": \"}{][\\\"}\\\\\"}", "{\"a\": \"}{][\\\"}\\\\\"}");
	is_object("{\n\"a\":\n1}", "{\n\"a\":\n1}");
	/* Kinds are the parser's to compare. */
	is_object("{[}]", "{[}]");
}
END_TEST

START_TEST(a_line_of_something_else_is_passed_over)
{
	ck_assert_int_eq(take("help {\"execute\": \"quit\"}\n"), CONTROL_INPUT_JUNK);
	ck_assert_int_eq(take("[{\"execute\": \"quit\"}]\n"), CONTROL_INPUT_JUNK);
	ck_assert_int_eq(take("}\n"), CONTROL_INPUT_JUNK);
	is_object("{}", "{}");
}
END_TEST

/* A quotation mark that is missing must not take what follows for the string. */
START_TEST(a_string_ends_with_its_line)
{
	ck_assert_int_eq(take("{\"execute\": \"stop}\n"), CONTROL_INPUT_JUNK);
	is_object("{\"execute\": \"cont\"}", "{\"execute\": \"cont\"}");
	ck_assert_int_eq(take("{\"a\\\n"), CONTROL_INPUT_JUNK);
	/* One error for each line, wherever in it the string went wrong. */
	ck_assert_int_eq(take("{\"a\tb\"}"), CONTROL_INPUT_MORE);
	ck_assert_int_eq(take("\n"), CONTROL_INPUT_JUNK);
	is_object("{\"\xc3\xa9\"}", "{\"\xc3\xa9\"}");
}
END_TEST

START_TEST(what_is_too_long_is_told_at_its_first_byte_too_many)
{
	ck_assert_int_eq(control_frame_take(&frame, '{'), CONTROL_INPUT_MORE);
	for (size_t i = 1; i < CONTROL_FRAME_MAX; i++)
		ck_assert_int_eq(control_frame_take(&frame, ' '), CONTROL_INPUT_MORE);
	ck_assert_int_eq(control_frame_take(&frame, '}'), CONTROL_INPUT_TOO_LONG);
}
END_TEST

START_TEST(what_is_too_deep_is_told_at_its_first_bracket_too_many)
{
	ck_assert_int_eq(control_frame_take(&frame, '{'), CONTROL_INPUT_MORE);
	for (size_t i = 1; i < CONTROL_DEPTH_MAX; i++)
		ck_assert_int_eq(control_frame_take(&frame, '['), CONTROL_INPUT_MORE);
	ck_assert_int_eq(control_frame_take(&frame, '['), CONTROL_INPUT_TOO_DEEP);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, objects_end_where_their_brackets_match);
	tcase_add_test(tests, a_line_of_something_else_is_passed_over);
	tcase_add_test(tests, a_string_ends_with_its_line);
	tcase_add_test(tests, what_is_too_long_is_told_at_its_first_byte_too_many);
	tcase_add_test(tests, what_is_too_deep_is_told_at_its_first_bracket_too_many);
}

int main(void)
{
	return run_suite("frame", add_tests);
}
