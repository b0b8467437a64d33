/* SPDX-License-Identifier: BSD-3-Clause */
/* libzstd behind the loader's idea of a compressed format. */

#include "arch/loader/zstd.h"

#include <errno.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "vmm/base/bits.h"

/*
 * 128 MiB, the most that Linux and zstd's own program take unasked; `zstd -22` makes such frames.
 */
enum { WINDOW_LOG_MAX = 27 };

static bool zstd_begins(const uint8_t *bytes, size_t size)
{
	uint32_t magic = size >= 4 ? load_le32(bytes) : 0;

	return magic == ZSTD_MAGICNUMBER ||
	       (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

static void *zstd_create(void)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();

	if (context)
		ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	return context;
}

static void zstd_destroy(void *decoder)
{
	ZSTD_freeDCtx(decoder);
}

static int zstd_step(void *decoder, struct unpack_io *io, bool *ended, const char **why)
{
	ZSTD_inBuffer in = {io->in, io->in_size, 0};
	ZSTD_outBuffer out = {io->out, io->out_size, 0};
	size_t status = ZSTD_decompressStream(decoder, &out, &in);

	io->in += in.pos;
	io->in_size -= in.pos;
	io->out += out.pos;
	io->out_size -= out.pos;
	*ended = status == 0;
	if (!ZSTD_isError(status))
		return 0;
	switch (ZSTD_getErrorCode(status)) {
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	case ZSTD_error_frameParameter_windowTooLarge:
		*why = "it needs a window of more than 128 MiB";
		return -ENOEXEC;
	default:
		*why = ZSTD_getErrorName(status);
		return -ENOEXEC;
	}
}

const struct unpack_format zstd_format = {
	.name = "zstd",
	.begins = zstd_begins,
	.create = zstd_create,
	.destroy = zstd_destroy,
	.step = zstd_step,
};
