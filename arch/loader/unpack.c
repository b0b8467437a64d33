/* SPDX-License-Identifier: BSD-3-Clause */
/* Feeds a file to a decoder by pieces, bounded on both sides, whatever the format. */

#include "arch/loader/unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/loader/gzip.h"
#include "arch/loader/zstd.h"
#include "vmm/base/bits.h"

enum {
	INPUT_PIECE = 64 << 10,
	OUTPUT_PIECE = 1 << 30,
	LOOK_AHEAD = 16, /* tells the next frame from what is none */
};

struct unpacker {
	const struct unpack_part *part;
	void *decoder;
	uint64_t read;     /* bytes of the part that went into the buffer */
	bool between;      /* before a frame: another one, or zeros, or nothing */
	bool begun;        /* the first frame is there */
	bool ended;        /* the last frame has ended */
	const uint8_t *in; /* in @input: what is not consumed */
	size_t in_size;
	uint8_t input[INPUT_PIECE];
};

const struct unpack_format *unpack_find(const uint8_t *bytes, size_t size)
{
	static const struct unpack_format *const formats[] = {&gzip_format, &zstd_format};

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i]->begins(bytes, size))
			return formats[i];
	return NULL;
}

static int unpack_out_of_memory(const struct unpack_part *part, struct err *err)
{
	return err_set(err, -ENOMEM, "boot: %s: out of memory", part->file->path);
}

static struct unpacker *unpack_create(const struct unpack_part *part, struct err *err)
{
	struct unpacker *unpacker = calloc(1, sizeof(*unpacker));

	if (unpacker)
		unpacker->decoder = part->format->create();
	if (!unpacker || !unpacker->decoder) {
		free(unpacker);
		(void)unpack_out_of_memory(part, err);
		return NULL;
	}
	unpacker->part = part;
	unpacker->between = true;
	unpacker->in = unpacker->input;
	return unpacker;
}

static void unpack_destroy(struct unpacker *unpacker)
{
	unpacker->part->format->destroy(unpacker->decoder);
	free(unpacker);
}

/*
 * Makes at least @wanted bytes of input available; at the part's end there are fewer, no error
 * here.
 */
static int unpack_refill(struct unpacker *unpacker, size_t wanted, struct err *err)
{
	const struct unpack_part *part = unpacker->part;
	uint64_t left = part->size - unpacker->read;
	size_t count = INPUT_PIECE - unpacker->in_size;
	int rc;

	if (unpacker->in_size >= wanted || !left)
		return 0;
	if (left < count)
		count = (size_t)left;
	memmove(unpacker->input, unpacker->in, unpacker->in_size);
	unpacker->in = unpacker->input;
	rc = loader_read_header(part->file, part->offset + unpacker->read,
				unpacker->input + unpacker->in_size, count, err);
	if (rc)
		return rc;
	unpacker->read += count;
	unpacker->in_size += count;
	return 0;
}

static int unpack_failed(const struct unpack_part *part, int rc, const char *why, struct err *err)
{
	if (rc == -ENOMEM)
		return unpack_out_of_memory(part, err);
	return err_set(err, rc, "boot: %s: the %s data is corrupt: %s: give an intact file",
		       part->file->path, part->format->name, why);
}

static int unpack_truncated(const struct unpack_part *part, struct err *err)
{
	return err_set(err, -ENODATA,
		       "boot: %s: the %s data is truncated: it ends after %llu bytes: give the "
		       "whole file",
		       part->file->path, part->format->name, (unsigned long long)part->size);
}

/* Is there a frame, or another one? */
static int unpack_look_ahead(struct unpacker *unpacker, struct err *err)
{
	const struct unpack_part *part = unpacker->part;
	int rc = unpack_refill(unpacker, LOOK_AHEAD, err);
	bool begins;

	if (rc)
		return rc;
	begins = part->format->begins(unpacker->in, unpacker->in_size);
	if (!begins && !unpacker->begun)
		return unpacker->in_size
			       ? unpack_failed(part, -ENOEXEC, "its first bytes are others", err)
			       : unpack_truncated(part, err);
	unpacker->begun = true;
	unpacker->between = false;
	unpacker->ended = !begins;
	return 0;
}

/* One call of the decoder, which has room for output; *@out moves behind what came. */
static int unpack_step(struct unpacker *unpacker, uint8_t **out, uint64_t room, struct err *err)
{
	const struct unpack_part *part = unpacker->part;
	struct unpack_io io = {
		.out = *out,
		.out_size = room < OUTPUT_PIECE ? (size_t)room : OUTPUT_PIECE,
	};
	const char *why = "";
	size_t before;
	int rc = unpack_refill(unpacker, 1, err);

	if (rc)
		return rc;
	io.in = unpacker->in;
	io.in_size = before = unpacker->in_size;
	rc = part->format->step(unpacker->decoder, &io, &unpacker->between, &why);
	if (rc)
		return unpack_failed(part, rc, why, err);
	if (io.out == *out && io.in_size == before && !unpacker->between)
		return unpack_truncated(part, err);
	unpacker->in = io.in;
	unpacker->in_size = io.in_size;
	*out = io.out;
	return 0;
}

/* Decompresses until @out is full or the last frame ends; *@got is what came. */
static int unpack_into(struct unpacker *unpacker, uint8_t *out, uint64_t room, uint64_t *got,
		       struct err *err)
{
	uint8_t *at = out;
	int rc = 0;

	while (!rc && (uint64_t)(at - out) < room && !unpacker->ended)
		rc = unpacker->between
			     ? unpack_look_ahead(unpacker, err)
			     : unpack_step(unpacker, &at, room - (uint64_t)(at - out), err);
	*got = (uint64_t)(at - out);
	return rc;
}

/* The place is full: what is left may only be ends of frames. */
static int unpack_check_end(struct unpacker *unpacker, uint64_t room, struct err *err)
{
	uint64_t more = 0;
	uint8_t byte;
	int rc = unpack_into(unpacker, &byte, 1, &more, err);

	if (!rc && more)
		return err_set(err, -EFBIG,
			       "boot: %s: it decompresses to more than the %llu bytes that the "
			       "kernel in it says to need: give an intact file",
			       unpacker->part->file->path, (unsigned long long)room);
	return rc;
}

/* Files may be padded to a block's size; anything else there would be lost without a word. */
static int unpack_check_rest(struct unpacker *unpacker, struct err *err)
{
	for (;;) {
		int rc = unpack_refill(unpacker, 1, err);

		if (rc || !unpacker->in_size)
			return rc;
		for (; unpacker->in_size; unpacker->in_size--)
			if (*unpacker->in++)
				return err_set(err, -ENOEXEC,
					       "boot: %s: something follows the %s data (a device "
					       "tree?): give the compressed kernel alone",
					       unpacker->part->file->path,
					       unpacker->part->format->name);
	}
}

int unpack_peek(const struct unpack_part *part, void *buffer, size_t room, size_t *got,
		struct err *err)
{
	struct unpacker *unpacker = unpack_create(part, err);
	uint64_t count = 0;
	int rc;

	if (!unpacker)
		return -ENOMEM;
	rc = unpack_into(unpacker, buffer, room, &count, err);
	*got = (size_t)count;
	unpack_destroy(unpacker);
	return rc;
}

int unpack_load(struct loader *loader, const struct unpack_part *part, uint64_t gpa, uint64_t room,
		uint64_t *size, struct err *err)
{
	uint8_t *host = ram_host(loader->ram, gpa, room);
	struct unpacker *unpacker;
	int rc;

	*size = 0;
	if (!host)
		return err_set(err, -EFAULT, "boot: %s: guest address 0x%llx is not memory",
			       part->file->path, (unsigned long long)gpa);
	unpacker = unpack_create(part, err);
	if (!unpacker)
		return -ENOMEM;
	rc = unpack_into(unpacker, host, room, size, err);
	if (!rc && !unpacker->ended)
		rc = unpack_check_end(unpacker, room, err);
	if (!rc)
		rc = unpack_check_rest(unpacker, err);
	unpack_destroy(unpacker);
	return rc;
}
