/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of arm64 kernels share: an Image's header, compression, zboot images. */

#ifndef FERRY_TESTS_UNIT_ARCH_LOADER_TEST_GZIP_H
#define FERRY_TESTS_UNIT_ARCH_LOADER_TEST_GZIP_H

#include <check.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "vmm/base/bits.h"

/* A little-endian Image with 4 KiB pages that may be anywhere. */
static inline void make_image(uint8_t *to, size_t size, uint64_t text_offset, uint64_t image_size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (uint8_t)(i * 7 + i / 251);
	memset(to, 0, 64);
	memcpy(to, "MZ", 2);
	store_le64(to + 8, text_offset);
	store_le64(to + 16, image_size);
	store_le64(to + 24, 1 << 1 | 1 << 3);
	memcpy(to + 56, "ARM\x64", 4);
}

/* One gzip member of @size bytes in @to, which has @room; its size. */
static inline size_t compress_gzip(const void *data, size_t size, uint8_t *to, size_t room)
{
	z_stream stream = {0};
	size_t made;

	ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	stream.next_in = (Bytef *)(uintptr_t)data;
	stream.avail_in = (uInt)size;
	stream.next_out = to;
	stream.avail_out = (uInt)room;
	ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
	made = stream.total_out;
	deflateEnd(&stream);
	return made;
}

/*
 * One zstd frame as compress_gzip() makes a member, with a checksum, its content's size left out.
 */
static inline size_t compress_zstd(const void *data, size_t size, uint8_t *to, size_t room)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t made;

	ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	made = ZSTD_compress2(context, to, room, data, size);
	ck_assert(!ZSTD_isError(made));
	ZSTD_freeCCtx(context);
	return made;
}

/* The header alone, 64 bytes; @compression has at most 32. */
static inline void make_zboot(uint8_t *to, const char *compression, uint32_t offset, uint32_t size)
{
	memset(to, 0, 64);
	memcpy(to, "MZ\0\0zimg", 8);
	store_le32(to + 8, offset);
	store_le32(to + 12, size);
	memcpy(to + 24, compression, strlen(compression));
	store_le32(to + 56, 0x818223cd);
}

#endif
