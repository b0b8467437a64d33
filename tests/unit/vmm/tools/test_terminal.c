/* SPDX-License-Identifier: BSD-3-Clause */
/* Sentences and tables fitted to a terminal: its width, words that break, columns that are cut. */

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/tools/terminal.h"

static char *text;
static size_t size;

static FILE *begin(void)
{
	FILE *out;

	free(text);
	out = open_memstream(&text, &size);
	ck_assert_ptr_nonnull(out);
	return out;
}

static void prints(const char *from, size_t width, size_t indent, const char *to)
{
	FILE *out = begin();

	terminal_print(out, from, width, indent);
	fclose(out);
	ck_assert_str_eq(text, to);
}

START_TEST(lines_break_between_words)
{
	prints("one two three", 0, 2, "one two three");
	prints("one two three", 13, 2, "one two three");
	prints("one two three", 12, 2, "one two\n  three");
	prints("one two three\nfour five", 7, 1, "one two\n three\nfour\n five");
	prints("unbreakable, it stays", 5, 0, "unbreakable,\nit\nstays");
	prints("  kept  apart\n\n", 0, 4, "  kept  apart\n\n");
	/* Characters count, not bytes. */
	prints("\xc3\xa4\xc3\xa4 \xc3\xb6\xc3\xb6", 5, 0, "\xc3\xa4\xc3\xa4 \xc3\xb6\xc3\xb6");
}
END_TEST

static void table_is(struct table *table, size_t width, const char *expected)
{
	FILE *out = begin();

	table_print(table, width, out);
	fclose(out);
	ck_assert_str_eq(text, expected);
}

START_TEST(columns_are_as_wide_as_they_must_be)
{
	struct table table = {.columns = 3};
	const char *const cells[] = {"a", "middle", "last", "long", "m", "\033[1mx"};

	for (size_t i = 0; i < 6; i++)
		ck_assert_int_eq(table_add(&table, cells[i]), 0);
	table_is(&table, 0, "a     middle  last\nlong  m       ?[1mx\n");
	table_release(&table);
	ck_assert(!table.cells && table.count == 0);
}
END_TEST

START_TEST(what_does_not_fit_is_cut)
{
	struct table table = {.columns = 3};
	const char *const cells[] = {"0000:01:00.0", "a middle one of many",
				     "the last has many too"};

	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(table_add(&table, cells[i]), 0);
	table_is(&table, 57, "0000:01:00.0  a middle one of many  the last has many too\n");
	table_is(&table, 50, "0000:01:00.0  a middle one of many  the last ha...\n");
	/* The first names the row and stays whole, however narrow it is. */
	table_is(&table, 40, "0000:01:00.0  a middle on...  the las...\n");
	table_is(&table, 20, "0000:01:00.0  a middl...  the las...\n");
	table_release(&table);
}
END_TEST

START_TEST(the_width_is_the_terminals)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave, pipes[2];
	struct winsize window = {.ws_col = 132, .ws_row = 50};

	ck_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(slave, 0);
	unsetenv("COLUMNS");
	ck_assert_uint_eq(terminal_width(slave), 80);
	ck_assert_int_eq(ioctl(slave, TIOCSWINSZ, &window), 0);
	ck_assert_uint_eq(terminal_width(slave), 132);
	setenv("COLUMNS", "100", 1);
	ck_assert_uint_eq(terminal_width(slave), 100);
	setenv("COLUMNS", "5", 1);
	ck_assert_uint_eq(terminal_width(slave), 20);
	setenv("COLUMNS", "many", 1);
	ck_assert_uint_eq(terminal_width(slave), 132);
	setenv("COLUMNS", "90x", 1);
	ck_assert_uint_eq(terminal_width(slave), 132);
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_uint_eq(terminal_width(pipes[1]), 0);
	close(pipes[0]);
	close(pipes[1]);
	close(slave);
	close(master);
}
END_TEST

static void teardown(void)
{
	free(text);
	text = NULL;
}

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, lines_break_between_words);
	tcase_add_test(tests, columns_are_as_wide_as_they_must_be);
	tcase_add_test(tests, what_does_not_fit_is_cut);
	tcase_add_test(tests, the_width_is_the_terminals);
}

int main(void)
{
	return run_suite("terminal", add_tests);
}
