/* SPDX-License-Identifier: BSD-3-Clause */
/* A command line as the tests of it give it, for the one test program that includes this. */

#ifndef FERRY_TESTS_UNIT_VMM_TEST_CONFIG_H
#define FERRY_TESTS_UNIT_VMM_TEST_CONFIG_H

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/config.h"

static struct config config;
static struct err err;
static enum config_action action;

/* Parses "run" and @line, which is split at spaces. */
static inline int parse(const char *line)
{
	static char copy[512];
	char *argv[32] = {(char *)"run"};
	int argc = 1;

	config_release(&config);
	err = (struct err){0};
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	return config_parse(&config, argc, argv, &action, &err);
}

static inline void refused(const char *line, const char *part)
{
	ck_assert_msg(parse(line) == -EINVAL, "accepted: %s", line);
	ck_assert_msg(strstr(err.text, part), "%s: %s", line, err.text);
	ck_assert_msg(!strchr(err.text, '\n'), "more than a line: %s", err.text);
}

#endif
