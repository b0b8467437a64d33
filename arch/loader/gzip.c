/* SPDX-License-Identifier: BSD-3-Clause */
/* zlib behind the loader's idea of a compressed format. */

#include "arch/loader/gzip.h"

#include <errno.h>
#include <stdlib.h>
#define ZLIB_CONST /* next_in points to const bytes */
#include <zlib.h>

enum {
	WINDOW_BITS = 15,
	GZIP_ONLY = 16, /* added to the window's: neither zlib's own format nor raw data */
};

static bool gzip_begins(const uint8_t *bytes, size_t size)
{
	return size >= 3 && bytes[0] == 0x1f && bytes[1] == 0x8b && bytes[2] == Z_DEFLATED;
}

static void *gzip_create(void)
{
	z_stream *stream = calloc(1, sizeof(*stream));

	if (stream && inflateInit2(stream, WINDOW_BITS + GZIP_ONLY) == Z_OK)
		return stream;
	free(stream);
	return NULL;
}

static void gzip_destroy(void *decoder)
{
	inflateEnd(decoder);
	free(decoder);
}

static int gzip_step(void *decoder, struct unpack_io *io, bool *ended, const char **why)
{
	z_stream *stream = decoder;
	int code;

	stream->next_in = io->in;
	stream->avail_in = (unsigned int)io->in_size;
	stream->next_out = io->out;
	stream->avail_out = (unsigned int)io->out_size;
	code = inflate(stream, Z_NO_FLUSH);
	io->in = stream->next_in;
	io->in_size = stream->avail_in;
	io->out = stream->next_out;
	io->out_size = stream->avail_out;
	*ended = code == Z_STREAM_END;
	*why = stream->msg ? stream->msg : "it is no gzip";
	switch (code) {
	case Z_STREAM_END:
		inflateReset(stream);
		return 0;
	case Z_OK:
	case Z_BUF_ERROR: /* there was no input */
		return 0;
	case Z_MEM_ERROR:
		return -ENOMEM;
	default:
		return -ENOEXEC;
	}
}

const struct unpack_format gzip_format = {
	.name = "gzip",
	.begins = gzip_begins,
	.create = gzip_create,
	.destroy = gzip_destroy,
	.step = gzip_step,
};
