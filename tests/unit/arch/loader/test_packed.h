/* SPDX-License-Identifier: BSD-3-Clause */
/* Data that gzip and zstd compress, and how it is unpacked into RAM. */

#ifndef FERRY_TESTS_UNIT_ARCH_LOADER_TEST_PACKED_H
#define FERRY_TESTS_UNIT_ARCH_LOADER_TEST_PACKED_H

#include "arch/loader/gzip.h"
#include "arch/loader/zstd.h"
#include "tests/unit/arch/loader/test_gzip.h"
#include "tests/unit/arch/loader/test_load.h"

enum { PLAIN = 300000, GPA = 0x10000 };

static uint8_t plain[PLAIN];
static uint8_t packed[PLAIN + 1024];

static inline void store(const uint8_t *data, size_t size)
{
	ck_assert_int_eq(ftruncate(file.fd, 0), 0);
	ck_assert_int_eq(pwrite(file.fd, data, size, 0), (ssize_t)size);
	file.size = size;
}

static const struct {
	const struct unpack_format *format;
	size_t (*compress)(const void *data, size_t size, uint8_t *to, size_t room);
	size_t checksum; /* bytes of it and what follows, at the end */
	const char *wrong;
} forms[] = {
	{&gzip_format, compress_gzip, 8, "incorrect data check"},
	{&zstd_format, compress_zstd, 4, "checksum"},
};

/* Hard to compress, so that there is more than one piece of input. */
static inline size_t pack(int form)
{
	uint32_t state = 1;

	for (size_t i = 0; i < PLAIN; i++) {
		state = state * 1664525 + 1013904223;
		plain[i] = (uint8_t)(state >> 24);
	}
	return forms[form].compress(plain, PLAIN, packed, sizeof(packed));
}

static inline int load(int form, uint64_t room, uint64_t *size)
{
	const struct unpack_part part = {&file, 0, file.size, forms[form].format};

	return unpack_load(&loader, &part, GPA, room, size, &err);
}

static inline void load_fails(int form, int code, const char *word)
{
	uint64_t size;

	said(load(form, MIB, &size), code, word);
}

#endif
