/* SPDX-License-Identifier: BSD-3-Clause */
/* A file of options, one a line, as `ferry run @FILE` reads it. */

#ifndef FERRY_VMM_OPTION_FILE_H
#define FERRY_VMM_OPTION_FILE_H

#include "vmm/base/err.h"

enum { OPTION_FILE_MOST = 64 * 1024 };

struct option_file {
	char *text; /* owned; what a line points into */
	char *next, *end;
	unsigned int number; /* of the line before @next */
};

struct option_line {
	const char *name;  /* with its dashes; NULL: @value is an operand */
	const char *value; /* NULL: none */
	unsigned int number;
};

/*
 * Reads the whole file, of up to OPTION_FILE_MOST bytes, and closes it again. A negative errno,
 * with @err naming @path, when it cannot be read or is longer.
 */
int option_file_read(const char *path, struct option_file *file, struct err *err) FERRY_MUST_CHECK;

/*
 * The next line that is neither blank nor a comment: 1, 0 at the end, or -EINVAL with @err saying
 * what is wrong in line @line->number. The strings last as long as the file's text.
 */
int option_file_next(struct option_file *file, struct option_line *line,
		     struct err *err) FERRY_MUST_CHECK;

#endif
