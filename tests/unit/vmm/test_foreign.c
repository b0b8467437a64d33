/* SPDX-License-Identifier: BSD-3-Clause */
/* Ferry's word for another monitor's option, and which word getopt did not know. */

#include <check.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/suite.h"
#include "vmm/foreign.h"

static void is_advised(const char *word, const char *part)
{
	const char *advice = foreign_advice(word);

	ck_assert_msg(advice && strstr(advice, part), "%s: %s", word, advice ? advice : "nothing");
}

START_TEST(any_dashes_and_values_will_do)
{
	is_advised("-smp", "--cpus N");
	is_advised("--smp", "--cpus N");
	is_advised("--smp=4", "--cpus N");
	is_advised("-m", "--memory SIZE");
	is_advised("-m512", "--memory SIZE");
	is_advised("--disks=path=x,size=1", "--disk FILE");
	is_advised("-seccomp-level", "foreground");
	is_advised("-rng", "--rng on|off");
	is_advised("--user-device", "--vfio-user socket=PATH");
	is_advised("-device", "--vfio-user socket=PATH");
	is_advised("--generic-vhost-user", "--vhost-user KIND");
}
END_TEST

START_TEST(what_nobody_has_is_not_advised)
{
	ck_assert_ptr_null(foreign_advice("--nonsense"));
	ck_assert_ptr_null(foreign_advice("--"));
	ck_assert_ptr_null(foreign_advice(""));
	/* Whole names alone, and a number only behind one letter. */
	ck_assert_ptr_null(foreign_advice("--sm"));
	ck_assert_ptr_null(foreign_advice("--smpx"));
	ck_assert_ptr_null(foreign_advice("--m512"));
	ck_assert_ptr_null(foreign_advice("-smp4"));
	ck_assert_ptr_null(foreign_advice("--a-name-that-is-longer-than-any-of-theirs"));
}
END_TEST

/* getopt_long() over the command's own options, until it meets one that it does not know. */
static const char *unknown(char *first, char *second)
{
	static const struct option options[] = {{"memory", required_argument, NULL, 256},
						{"help", no_argument, NULL, 257},
						{NULL, 0, NULL, 0}};
	char name[] = "run", *argv[] = {name, first, second, NULL};
	int count = second ? 3 : 2;

	optind = 0;
	opterr = 0;
	while (true) {
		int option = getopt_long(count, argv, "+:", options, NULL);

		if (option == '?')
			return foreign_word(argv);
		ck_assert_int_ne(option, -1);
	}
}

START_TEST(the_whole_word_is_told)
{
	char smp[] = "-smp", m[] = "-m", number[] = "4", disk[] = "--disks=x", help[] = "--help=x";

	ck_assert_str_eq(unknown(smp, number), "-smp");
	ck_assert_str_eq(unknown(m, number), "-m");
	ck_assert_str_eq(unknown(m, NULL), "-m");
	ck_assert_str_eq(unknown(disk, NULL), "--disks=x");
	/* Not one that is known, with a value that it does not take. */
	ck_assert_str_eq(unknown(help, NULL), "");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, any_dashes_and_values_will_do);
	tcase_add_test(tests, what_nobody_has_is_not_advised);
	tcase_add_test(tests, the_whole_word_is_told);
}

int main(void)
{
	return run_suite("foreign", add_tests);
}
