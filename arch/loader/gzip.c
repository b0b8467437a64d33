/* SPDX-License-Identifier: BSD-3-Clause */
/* Feeds a file to zlib by pieces, bounded on both sides. */

#include "arch/loader/gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "vmm/base/bits.h"

enum {
	INPUT_PIECE = 64 << 10,
	OUTPUT_PIECE = 1 << 30, /* zlib counts in unsigned int */
	WINDOW_BITS = 15,
	GZIP_ONLY = 16, /* added to the window's: neither zlib's own format nor raw data */
};

struct inflater {
	const struct gzip_part *part;
	uint64_t read; /* bytes of the part that went into the buffer */
	bool ended;    /* the member's trailer came, and is right */
	z_stream stream;
	uint8_t input[INPUT_PIECE];
};

bool gzip_is_gzip(const uint8_t *bytes, size_t size)
{
	return size >= 3 && bytes[0] == 0x1f && bytes[1] == 0x8b && bytes[2] == Z_DEFLATED;
}

static struct inflater *inflater_create(const struct gzip_part *part, struct err *err)
{
	struct inflater *inflater = calloc(1, sizeof(*inflater));

	if (inflater == NULL || inflateInit2(&inflater->stream, WINDOW_BITS + GZIP_ONLY) != Z_OK) {
		free(inflater);
		(void)err_set(err, -ENOMEM, "boot: %s: out of memory", part->file->path);
		return NULL;
	}
	inflater->part = part;
	return inflater;
}

static void inflater_destroy(struct inflater *inflater)
{
	inflateEnd(&inflater->stream);
	free(inflater);
}

/* Makes input available; at the part's end there is none, which is no error here. */
static int refill(struct inflater *inflater, struct err *err)
{
	const struct gzip_part *part = inflater->part;
	uint64_t left = part->size - inflater->read;
	size_t count = left < INPUT_PIECE ? (size_t)left : INPUT_PIECE;
	int error;

	if (inflater->stream.avail_in > 0 || count == 0)
		return 0;
	error = loader_read_header(part->file, part->offset + inflater->read, inflater->input,
				   count, err);
	if (error < 0)
		return error;
	inflater->read += count;
	inflater->stream.next_in = inflater->input;
	inflater->stream.avail_in = (unsigned int)count;
	return 0;
}

static int failed(const struct inflater *inflater, int status, struct err *err)
{
	const char *path = inflater->part->file->path;

	if (status == Z_MEM_ERROR)
		return err_set(err, -ENOMEM, "boot: %s: out of memory", path);
	/* There was room for output, so that it was input that lacked. */
	if (status == Z_BUF_ERROR)
		return err_set(err, -ENODATA,
			       "boot: %s: the gzip data is truncated: it ends after %llu bytes: "
			       "give the whole file",
			       path, (unsigned long long)inflater->part->size);
	return err_set(err, -ENOEXEC, "boot: %s: the gzip data is corrupt: %s: give an intact file",
		       path, inflater->stream.msg != NULL ? inflater->stream.msg : "it is no gzip");
}

/* Decompresses until @out is full or the member ends; adds to *@got what came. */
static int inflate_into(struct inflater *inflater, uint8_t *out, uint64_t room, uint64_t *got,
			struct err *err)
{
	z_stream *stream = &inflater->stream;

	for (uint64_t done = 0; done < room && !inflater->ended;) {
		uint64_t left = room - done;
		unsigned int piece = left < OUTPUT_PIECE ? (unsigned int)left : OUTPUT_PIECE;
		int status, error = refill(inflater, err);

		if (error < 0)
			return error;
		stream->next_out = out + done;
		stream->avail_out = piece;
		status = inflate(stream, Z_NO_FLUSH);
		if (status != Z_OK && status != Z_STREAM_END)
			return failed(inflater, status, err);
		done += piece - stream->avail_out;
		*got += piece - stream->avail_out;
		inflater->ended = status == Z_STREAM_END;
	}
	return 0;
}

/* The place is full: what is left may only be the trailer. */
static int check_end(struct inflater *inflater, uint64_t room, struct err *err)
{
	uint64_t more = 0;
	uint8_t byte;
	int error = inflate_into(inflater, &byte, 1, &more, err);

	if (error == 0 && more > 0)
		return err_set(err, -EFBIG,
			       "boot: %s: it decompresses to more than the %llu bytes that the "
			       "kernel in it says to need: give an intact file",
			       inflater->part->file->path, (unsigned long long)room);
	return error;
}

/* Files may be padded to a block's size; anything else there would be lost without a word. */
static int check_rest(struct inflater *inflater, struct err *err)
{
	z_stream *stream = &inflater->stream;

	for (;;) {
		int error = refill(inflater, err);

		if (error < 0 || stream->avail_in == 0)
			return error;
		for (; stream->avail_in > 0; stream->avail_in--)
			if (*stream->next_in++ != 0)
				return err_set(
					err, -ENOEXEC,
					"boot: %s: something follows the gzip data (a device "
					"tree?): give the compressed kernel alone",
					inflater->part->file->path);
	}
}

int gzip_peek(const struct gzip_part *part, void *buffer, size_t room, size_t *got, struct err *err)
{
	struct inflater *inflater = inflater_create(part, err);
	uint64_t count = 0;
	int error;

	if (inflater == NULL)
		return -ENOMEM;
	error = inflate_into(inflater, buffer, room, &count, err);
	*got = (size_t)count;
	inflater_destroy(inflater);
	return error;
}

int gzip_load(struct loader *loader, const struct gzip_part *part, uint64_t gpa, uint64_t room,
	      uint64_t *size, struct err *err)
{
	uint8_t *host = ram_host(loader->ram, gpa, room);
	struct inflater *inflater;
	int error;

	*size = 0;
	if (host == NULL)
		return err_set(err, -EFAULT, "boot: %s: guest address 0x%llx is not memory",
			       part->file->path, (unsigned long long)gpa);
	inflater = inflater_create(part, err);
	if (inflater == NULL)
		return -ENOMEM;
	error = inflate_into(inflater, host, room, size, err);
	if (error == 0 && !inflater->ended)
		error = check_end(inflater, room, err);
	if (error == 0)
		error = check_rest(inflater, err);
	inflater_destroy(inflater);
	return error;
}
