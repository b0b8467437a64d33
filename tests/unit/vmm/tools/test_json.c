/* SPDX-License-Identifier: BSD-3-Clause */
/* What every command does with JSON alike: texts of others, words, numbers, errors, its output. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "vmm/tools/json.h"
#include "vmm/tools/tools.h"

static void is_json(json_t *value, const char *text)
{
	char *dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	ck_assert_ptr_nonnull(dump);
	ck_assert_str_eq(dump, text);
	free(dump);
	json_decref(value);
}

START_TEST(texts_of_others_are_valid)
{
	is_json(tool_json_text("plain"), "\"plain\"");
	is_json(tool_json_text(""), "null");
	is_json(tool_json_text("a\033[2Jb\xff"), "\"a?[2Jb?\"");
}
END_TEST

START_TEST(words_are_an_array)
{
	is_json(tool_json_words(""), "[]");
	is_json(tool_json_words("  flr  bus "), "[\"flr\",\"bus\"]");
	is_json(tool_json_hex(0x86, 4), "\"0086\"");
	is_json(tool_json_hex(0xabcdef, 4), "\"abcdef\"");
}
END_TEST

START_TEST(errors_have_a_name)
{
	struct err err = {0};

	err_set(&err, -ENOENT, "no such device");
	is_json(tool_json_error(2, &err),
		"{\"status\":2,\"code\":\"ENOENT\",\"reason\":\"no such device\"}");
	err_set(&err, -99999, "odd");
	is_json(tool_json_error(1, &err), "{\"status\":1,\"code\":null,\"reason\":\"odd\"}");
}
END_TEST

/* What a terminal may take for something else does not reach it. */
START_TEST(output_is_ascii)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(tool_json_print(json_pack("{s:s}", "a", "\xc2\x9b\xc3\xa9"), out),
			 TOOL_OK);
	fclose(out);
	ck_assert_str_eq(text, "{\n  \"a\": \"\\u009B\\u00E9\"\n}\n");
	free(text);
}
END_TEST

START_TEST(output_that_fails_is_told)
{
	FILE *full = fopen("/dev/full", "we");
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert(full && out);
	ck_assert_int_eq(tool_json_print(json_pack("{s:i}", "a", 1), out), TOOL_OK);
	fclose(out);
	ck_assert_str_eq(text, "{\n  \"a\": 1\n}\n");
	free(text);
	setbuf(full, NULL);
	hear();
	ck_assert_int_eq(tool_json_print(json_object(), full), TOOL_FAILED);
	ck_assert_ptr_nonnull(strstr(heard(), "could not be printed: No space left on device"));
	hear();
	ck_assert_int_eq(tool_json_print(NULL, full), TOOL_FAILED);
	ck_assert_ptr_nonnull(strstr(heard(), "could not be printed: Cannot allocate memory"));
	fclose(full);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, texts_of_others_are_valid);
	tcase_add_test(tests, words_are_an_array);
	tcase_add_test(tests, errors_have_a_name);
	tcase_add_test(tests, output_is_ascii);
	tcase_add_test(tests, output_that_fails_is_told);
}

int main(void)
{
	return run_suite("json", add_tests);
}
