/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands beside `ferry run`: they tell of the host's devices and prepare them, and talk to
 * runs.
 */

#ifndef FERRY_VMM_TOOLS_TOOLS_H
#define FERRY_VMM_TOOLS_TOOLS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "vmm/base/err.h"

typedef void (*tool_take_address)(void *context, const char *interface, const char *address);

/* Where a command looks; tests give it folders of their own. */
struct tool {
	const char *sys;
	const char *dev;
	const char *proc;
	const char *run;            /* what must be remembered until the next boot */
	const char *modules;        /* of the running kernel */
	const char *passwd;         /* the host's users, passwd(5) */
	const char *const *pci_ids; /* files to try in turn, NULL at the end */
	int (*each_address)(tool_take_address take, void *context); /* the host's, by interface */
	FILE *out;
	size_t width; /* of the terminal that @out is; 0: it is none */
};

enum tool_status { TOOL_OK = 0, TOOL_FAILED = 1, TOOL_USAGE = 2 };

/* Each takes the arguments from its own name on, prints to @tool's out and returns its status. */
int tool_devices(const struct tool *tool, int argc, char **argv);
int tool_doctor(const struct tool *tool, int argc, char **argv);
int tool_bind(const struct tool *tool, int argc, char **argv);
int tool_unbind(const struct tool *tool, int argc, char **argv);
int tool_ctl(const struct tool *tool, int argc, char **argv);
int tool_list(const struct tool *tool, int argc, char **argv);

/* The folders of the machine that runs. */
void tool_here(struct tool *tool);

/*
 * The next option by getopt_long(): its value, -1 after the last, '?' with @err set when it is
 * wrong. The first call resets getopt when @first.
 */
int tool_option(int argc, char **argv, const struct option *options, bool first, struct err *err);

/* Whether the arguments ask for JSON, be they right or wrong otherwise. */
bool tool_wants_json(int argc, char **argv);

/* Whether all @names are written as addresses are; a malformed one is wrong usage. */
int tool_check_names(char *const *names, size_t count, struct err *err) FERRY_MUST_CHECK;

/* Whether this user may read and write the node at @path: 0 or a negative errno. */
int tool_may_open(const char *path) FERRY_MUST_CHECK;

enum { TOOL_DURATION = 48 };

/* As "2 h 3 min", into @text, which is returned. */
const char *tool_duration(long long seconds, char text[TOOL_DURATION]);

/*
 * Says @err and returns @status; with @json also as JSON, {"error": {"status", "code", "reason"}},
 * so that whoever reads that is never left with nothing.
 */
int tool_fail(const struct tool *tool, bool json, int status, const struct err *err);

/*
 * The command's @status once all of what it printed is out; where it is not, TOOL_FAILED for
 * TOOL_OK.
 */
int tool_finish(const struct tool *tool, int status);

/* Prints @text, which is all that there is to say: TOOL_OK, or TOOL_FAILED having said why. */
int tool_print(const struct tool *tool, const char *text);

#endif
