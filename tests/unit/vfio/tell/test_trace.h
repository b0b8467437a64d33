/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that is traced to a file, and what the file tells. */

#ifndef FERRY_TESTS_UNIT_VFIO_TELL_TEST_TRACE_H
#define FERRY_TESTS_UNIT_VFIO_TELL_TEST_TRACE_H

#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/support/scratch.h"
#include "tests/unit/support/vfio_bench.h"

static char path[SCRATCH_PATH], text[64 * 1024];

static inline void start_traced(void)
{
	scratch_file(path, "", 0);
	bench.options.trace = path;
	start();
	atomic_store(&bench.dma.mapped, true);
}

/* The device's end, so that everything is in the file; which is read and removed. */
static inline void stop_traced(void)
{
	FILE *file;

	pci_host_destroy(bench.host);
	create_host();
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	unlink(path);
}

static inline void told(const char *line)
{
	ck_assert_msg(strstr(text, line), "no '%s' in:\n%s", line, text);
}

#endif
