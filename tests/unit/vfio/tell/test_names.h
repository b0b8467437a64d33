/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of names from a file's bytes, and what it tells of an access. */

#ifndef FERRY_TESTS_UNIT_VFIO_TELL_TEST_NAMES_H
#define FERRY_TESTS_UNIT_VFIO_TELL_TEST_NAMES_H

#include <check.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/scratch.h"
#include "vfio/tell/decode.h"
#include "vfio/tell/names.h"

static struct vfio_names *names;
static struct err err;
static char path[SCRATCH_PATH];

static inline void teardown(void)
{
	vfio_names_free(names);
	names = NULL;
}

static inline void load_bytes(const void *bytes, size_t size)
{
	scratch_file(path, bytes, size);
	vfio_names_free(names);
	memset(&err, 0, sizeof(err));
	names = vfio_names_load(path, 0, &err);
	unlink(path);
}

static inline void load(const char *table)
{
	load_bytes(table, strlen(table));
	ck_assert_msg(names, "%s", err.text);
}

/* What an access to @bar is told as; static. */
static inline const char *tell(unsigned int bar, uint64_t offset, unsigned int size, uint64_t value)
{
	static char text[DECODE_SIZE];

	text[0] = '\0';
	vfio_names_tell(names, bar, offset, size, value, text);
	return text;
}

static inline void is_told(unsigned int bar, uint64_t offset, unsigned int size, uint64_t value,
			   const char *text)
{
	ck_assert_str_eq(tell(bar, offset, size, value), text);
}

#endif
