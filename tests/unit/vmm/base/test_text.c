/* SPDX-License-Identifier: BSD-3-Clause */
/* Text: made printable, cut at its room, sizes in words. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"
#include "vmm/base/text.h"

START_TEST(text_of_others_is_made_printable)
{
	static const struct {
		const char *from, *to;
	} texts[] = {
		{"", ""},
		{"plain ~text", "plain ~text"},
		{"a\x1b[2Jb\rc\nd\te\x7f", "a?[2Jb?c?d e?"},
		{"Gr\xc3\xbc\xc3\x9f"
		 "e \xe2\x82\xac \xf0\x9f\x98\x80",
		 "Gr\xc3\xbc\xc3\x9f"
		 "e \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"\xc2\x9b"
		 "31m",
		 "?31m"}, /* C1: CSI */
		{"\xe2\x80\xae"
		 "fdp",
		 "?fdp"},                                            /* right to left from here */
		{"\xe2\x81\xa6|\xe2\x80\x8b|\xef\xbb\xbf", "?|?|?"}, /* isolate, no width */
		{"\xff\xfe|\x80|\xc3", "??|?|?"},                    /* not UTF-8, cut off */
		{"\xe2\x82|\xf0\x9f\x98", "??|???"},
		{"\xc0\xaf|\xe0\x80\xaf|\xf0\x80\x80\xaf", "??|???|????"}, /* too long */
		{"\xed\xa0\x80|\xf4\x90\x80\x80", "???|????"}, /* a surrogate, past the end */
		{"\xc3(", "?("},
	};
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		strcpy(text, texts[i].from);
		text_make_printable(text);
		ck_assert_str_eq(text, texts[i].to);
	}
}
END_TEST

START_TEST(what_is_printed_keeps_its_lines)
{
	char *printed = NULL;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	text_print(out, "%s\n\tb", "a\x1b[2J");
	fclose(out);
	ck_assert_str_eq(printed, "a?[2J\n b");
	free(printed);
}
END_TEST

START_TEST(text_is_cut_at_its_room)
{
	char buffer[8] = "";
	struct text text = {.next = buffer, .room = sizeof(buffer)};

	text_append(&text, "%d", 12);
	ck_assert_str_eq(buffer, "12");
	text_append(&text, "%s", "abcdefgh");
	ck_assert_str_eq(buffer, "12abcde");
	text_append(&text, "more");
	ck_assert_str_eq(buffer, "12abcde");
	text.room = 0;
	text_append(&text, "more");
	ck_assert_str_eq(buffer, "12abcde");
}
END_TEST

START_TEST(sizes_are_told_in_the_largest_unit)
{
	char text[TEXT_SIZE_ROOM];

	ck_assert_str_eq(text_size(text, 0), "0 bytes");
	ck_assert_str_eq(text_size(text, 1023), "1023 bytes");
	ck_assert_str_eq(text_size(text, 64 * KIB), "64 KiB");
	ck_assert_str_eq(text_size(text, 64 * KIB + 1), "65537 bytes");
	ck_assert_str_eq(text_size(text, 3 * GIB), "3 GiB");
	ck_assert_str_eq(text_size(text, (uint64_t)1 << 63), "8388608 TiB");
	ck_assert_str_eq(text_size(text, UINT64_MAX), "18446744073709551615 bytes");
}
END_TEST

START_TEST(words_are_found_whole)
{
	ck_assert(text_has_word("cpu,memory", ",", "memory"));
	ck_assert(text_has_word(",,cpu,,", ",", "cpu"));
	ck_assert(text_has_word(": fpu\tvmx\n", " \t\n", "vmx"));
	ck_assert(!text_has_word("memoryless,xmemory", ",", "memory"));
	ck_assert(!text_has_word("memory", " ", "mem"));
	ck_assert(!text_has_word("", " ", "memory"));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, text_of_others_is_made_printable);
	tcase_add_test(tests, what_is_printed_keeps_its_lines);
	tcase_add_test(tests, text_is_cut_at_its_room);
	tcase_add_test(tests, words_are_found_whole);
	tcase_add_test(tests, sizes_are_told_in_the_largest_unit);
}

int main(void)
{
	return run_suite("text", add_tests);
}
