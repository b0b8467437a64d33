/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of one option as the tests of it give them, for the one program that includes this. */

#ifndef FERRY_TESTS_UNIT_VMM_TEST_OPTION_H
#define FERRY_TESTS_UNIT_VMM_TEST_OPTION_H

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/support/suite.h"
#include "vmm/suboptions.h"

static struct suboptions options;
static struct err err;

/* The program's own, which main() sets: has the option's code read `options`. */
static int (*take_options)(void);

static inline void set_up(void)
{
	err = (struct err){0};
}

static inline void tear_down(void)
{
	suboptions_release(&options);
}

static inline int parse(const char *text)
{
	suboptions_release(&options);
	ck_assert_int_eq(suboptions_parse(text, &options, &err), 0);
	return take_options();
}

static inline void refused(const char *text, const char *part)
{
	ck_assert_msg(parse(text) == -EINVAL, "accepted: %s", text);
	ck_assert_msg(strstr(err.text, part), "%s: %s", text, err.text);
}

#endif
