/* SPDX-License-Identifier: BSD-3-Clause */
/* What a test's code says on standard error. */

#include "tests/unit/support/log.h"

#include <stdlib.h>
#include <unistd.h>

static int saved = -1, ends[2];

void hear(void)
{
	saved = dup(STDERR_FILENO);
	if (saved < 0 || pipe(ends) < 0 || dup2(ends[1], STDERR_FILENO) < 0)
		abort();
	close(ends[1]);
}

const char *heard(void)
{
	static char text[64 * 1024];
	ssize_t n;

	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(ends[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	return text;
}
