/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests to a disk (VIRTIO 1.2 5.2.6): what they ask, what the host makes of it. */

#include <errno.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <string.h>

#include "devices/virtio/disk_private.h"
#include "vmm/base/bits.h"

/* RWF_DSYNC is the kernel's, which C libraries have in other places. */
enum { REQUEST_DSYNC = 2 };

/* Never written, so it takes no memory. */
static uint8_t request_zeros[DISK_ZEROS] __attribute__((aligned(4096)));

struct request_header {
	uint32_t type, reserved;
	uint64_t sector;
};

static struct disk *request_disk(struct virtio_worker *worker)
{
	return container_of(worker, struct disk, worker);
}

/* Copies @size bytes out of the front of @iov; they are there. */
static void request_copy_out(const struct iovec *iov, void *to, size_t size)
{
	uint8_t *at = to;

	for (; size > 0; iov++) {
		size_t part = iov->iov_len < size ? iov->iov_len : size;

		memcpy(at, iov->iov_base, part);
		at += part;
		size -= part;
	}
}

/* Takes @size bytes off the front of what is left. */
static void request_advance(struct disk_request *request, uint64_t size)
{
	request->left -= size;
	while (size > 0) {
		struct iovec *iov = request->iov;
		size_t part = iov->iov_len < size ? iov->iov_len : size;

		iov->iov_base = (uint8_t *)iov->iov_base + part;
		iov->iov_len -= part;
		size -= part;
		if (iov->iov_len == 0) {
			request->iov++;
			request->iov_count--;
		}
	}
}

/* The status is the last byte that the device writes, wherever that lies. */
static void request_take_status(struct disk_request *request, struct virtio_chain *chain)
{
	struct iovec *last = &chain->iov[chain->out_count + chain->in_count - 1];

	request->status = (uint8_t *)last->iov_base + --last->iov_len;
	chain->in_size--;
	chain->in_count -= last->iov_len == 0;
}

static enum worker_state request_end(struct disk_request *request, struct worker_request *of,
				     unsigned int answer)
{
	*request->status = (uint8_t)answer;
	/* What was written from the beginning on; the status, if all before it was. */
	of->written = request->left == 0 || request->type != VIRTIO_BLK_T_IN ? request->done + 1
									     : request->done;
	return WORKER_DONE;
}

/* Direct I/O is of whole blocks, in memory too: all else goes by the page cache, which agrees. */
static bool request_is_aligned(const struct disk *disk, const struct disk_request *request)
{
	uint64_t bits = request->offset;

	for (unsigned int i = 0; i < request->iov_count; i++)
		bits |= (uintptr_t)request->iov[i].iov_base | request->iov[i].iov_len;
	return is_aligned(bits, disk->image.alignment);
}

/* Of a write whose data are zeros there is always more. */
static void request_take_zeros(struct disk_request *request)
{
	request->zeros.iov_base = request_zeros;
	request->zeros.iov_len = request->left < DISK_ZEROS ? request->left : DISK_ZEROS;
	request->iov = &request->zeros;
	request->iov_count = 1;
}

static enum worker_state request_move(struct disk *disk, struct disk_request *request,
				      struct worker_request *of)
{
	struct io_uring_sqe *sqe = worker_sqe(&disk->worker);
	int file;

	if (request->iov_count == 0)
		request_take_zeros(request);
	file = disk->image.direct_fd >= 0 && request_is_aligned(disk, request) ? DISK_DIRECT
									       : DISK_PLAIN;

	if (request->type == VIRTIO_BLK_T_IN) {
		io_uring_prep_readv(sqe, file, request->iov, request->iov_count, request->offset);
	} else {
		io_uring_prep_writev(sqe, file, request->iov, request->iov_count, request->offset);
		sqe->rw_flags = disk->through ? REQUEST_DSYNC : 0;
	}
	worker_submit(sqe, of);
	return WORKER_SUBMITTED;
}

static enum worker_state request_flush(struct disk *disk, struct worker_request *of)
{
	struct io_uring_sqe *sqe = worker_sqe(&disk->worker);

	io_uring_prep_fsync(sqe, DISK_PLAIN, IORING_FSYNC_DATASYNC);
	worker_submit(sqe, of);
	return WORKER_SUBMITTED;
}

static enum worker_state request_allocate(struct disk *disk, struct disk_request *request,
					  struct worker_request *of)
{
	struct io_uring_sqe *sqe = worker_sqe(&disk->worker);

	io_uring_prep_fallocate(sqe, DISK_PLAIN, request->mode, (off_t)request->offset,
				(off_t)request->left);
	worker_submit(sqe, of);
	return WORKER_SUBMITTED;
}

/* What is left of the request, again or for the first time. */
static enum worker_state request_submit(struct disk *disk, struct disk_request *request,
					struct worker_request *of)
{
	switch (request->type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		return request_move(disk, request, of);
	case VIRTIO_BLK_T_FLUSH:
		return request_flush(disk, of);
	default:
		return request_allocate(disk, request, of);
	}
}

/* Whether @size bytes from @sector on are the disk's. */
static bool request_is_inside(const struct disk *disk, uint64_t sector, uint64_t size)
{
	return sector <= disk->image.size / DISK_SECTOR &&
	       range_fits(sector * DISK_SECTOR, size, disk->image.size);
}

static enum worker_state request_begin_move(struct disk *disk, struct disk_request *request,
					    struct worker_request *of, uint64_t sector)
{
	bool writes = request->type == VIRTIO_BLK_T_OUT;

	if ((writes && disk->readonly) || !is_aligned(request->left, DISK_SECTOR) ||
	    request->iov_count > IOV_MAX || !request_is_inside(disk, sector, request->left))
		return request_end(request, of, VIRTIO_BLK_S_IOERR);
	if (request->left == 0)
		return request_end(request, of, VIRTIO_BLK_S_OK);
	request->offset = sector * DISK_SECTOR;
	return request_move(disk, request, of);
}

/* It has no data of its own: it is a write of zeros from here on, like all else. */
static enum worker_state request_write_zeros(struct disk *disk, struct disk_request *request,
					     struct worker_request *of)
{
	request->type = VIRTIO_BLK_T_OUT;
	request->iov_count = 0;
	return request_move(disk, request, of);
}

/* What is discarded, or may be, becomes a hole. */
static enum worker_state request_change_range(struct disk *disk, struct disk_request *request,
					      struct worker_request *of, bool unmap)
{
	bool discards = request->type == VIRTIO_BLK_T_DISCARD;

	/* What is made otherwise is not kept before a flush. */
	if (!discards && (disk->through || (disk->writes_zeros && !unmap)))
		return request_write_zeros(disk, request, of);
	request->mode = FALLOC_FL_KEEP_SIZE |
			(discards || unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE);
	return request_allocate(disk, request, of);
}

/* VIRTIO 1.2 5.2.6.2: one range, as the config space says. */
static enum worker_state request_begin_range(struct disk *disk, struct disk_request *request,
					     struct worker_request *of)
{
	bool discards = request->type == VIRTIO_BLK_T_DISCARD;
	struct virtio_blk_discard_write_zeroes range;
	uint32_t flags, known = discards ? 0 : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	uint64_t sector, size;

	if (disk->readonly || (discards && !disk->discard))
		return request_end(request, of, VIRTIO_BLK_S_UNSUPP);
	if (request->left != sizeof(range))
		return request_end(request, of, VIRTIO_BLK_S_IOERR);
	request_copy_out(request->iov, &range, sizeof(range));
	flags = le32toh(range.flags);
	sector = le64toh(range.sector);
	size = (uint64_t)le32toh(range.num_sectors) * DISK_SECTOR;
	if (flags & ~known)
		return request_end(request, of, VIRTIO_BLK_S_UNSUPP);
	if (size > (discards ? DISK_RANGE_MAX : DISK_ZEROS_MAX) ||
	    !request_is_inside(disk, sector, size))
		return request_end(request, of, VIRTIO_BLK_S_IOERR);
	if (size == 0)
		return request_end(request, of, VIRTIO_BLK_S_OK);
	request->offset = sector * DISK_SECTOR;
	request->left = size;
	return request_change_range(disk, request, of, flags && disk->discard);
}

static enum worker_state request_identify(struct disk *disk, struct disk_request *request,
					  struct worker_request *of)
{
	size_t size = request->left < DISK_SERIAL_MAX ? request->left : DISK_SERIAL_MAX;

	for (size_t done = 0; done < size;) {
		size_t part =
			request->iov->iov_len < size - done ? request->iov->iov_len : size - done;

		memcpy(request->iov->iov_base, disk->serial + done, part);
		request_advance(request, part);
		done += part;
	}
	request->done = (uint32_t)size;
	return request_end(request, of, VIRTIO_BLK_S_OK);
}

static int request_begin(struct virtio_worker *worker, struct worker_request *of, struct err *err)
{
	struct disk *disk = request_disk(worker);
	struct disk_request *request = &disk->requests[of->index];
	struct virtio_chain *chain = &of->chain;
	struct request_header header;

	if (chain->out_size < sizeof(header) || chain->in_size < 1)
		return err_set(err, -EBADMSG, "a request without a header or a status");
	request_copy_out(chain->iov, &header, sizeof(header));
	*request = (struct disk_request){
		.type = le32toh(header.type),
		.iov = chain->iov,
		.iov_count = chain->out_count,
		.left = chain->out_size,
	};
	request_take_status(request, chain);
	if (request->type == VIRTIO_BLK_T_IN || request->type == VIRTIO_BLK_T_GET_ID) {
		request->iov = chain->iov + chain->out_count;
		request->iov_count = chain->in_count;
		request->left = chain->in_size;
	} else {
		request_advance(request, sizeof(header));
	}
	switch (request->type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		return (int)request_begin_move(disk, request, of, le64toh(header.sector));
	case VIRTIO_BLK_T_FLUSH:
		return (int)(disk->readonly ? request_end(request, of, VIRTIO_BLK_S_OK)
					    : request_flush(disk, of));
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return (int)request_begin_range(disk, request, of);
	case VIRTIO_BLK_T_GET_ID:
		return (int)request_identify(disk, request, of);
	default:
		return (int)request_end(request, of, VIRTIO_BLK_S_UNSUPP);
	}
}

/* Less than was asked for is gone on with. Nothing at all: the file has become shorter. */
static enum worker_state request_moved(struct disk *disk, struct disk_request *request,
				       struct worker_request *of, int rc)
{
	if (rc <= 0 || (uint64_t)rc > request->left)
		return request_end(request, of, VIRTIO_BLK_S_IOERR);
	request_advance(request, (uint64_t)rc);
	request->offset += (uint64_t)rc;
	request->tries = 0;
	if (request->type == VIRTIO_BLK_T_IN)
		request->done += (uint32_t)rc;
	if (request->left == 0)
		return request_end(request, of, VIRTIO_BLK_S_OK);
	/* A reset waits for what is under way, and nobody reads the answer. */
	if (disk->worker.phase != WORKER_RUNNING)
		return request_end(request, of, VIRTIO_BLK_S_IOERR);
	return request_move(disk, request, of);
}

/*
 * tmpfs, NFS and others know no such operation; a block device makes neither holes nor zeros of
 * less than its own blocks. Zeros are written then, like all else.
 */
static enum worker_state request_do_without(struct disk *disk, struct disk_request *request,
					    struct worker_request *of, int rc)
{
	const int zeros = FALLOC_FL_KEEP_SIZE | FALLOC_FL_ZERO_RANGE;

	if (request->type == VIRTIO_BLK_T_DISCARD)
		return request_end(request, of,
				   rc == -EINVAL ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_UNSUPP);
	request->tries = 0;
	if (request->mode != zeros && rc == -EOPNOTSUPP && !disk->writes_zeros) {
		request->mode = zeros;
		return request_allocate(disk, request, of);
	}
	disk->writes_zeros |= rc == -EOPNOTSUPP;
	return request_write_zeros(disk, request, of);
}

static enum worker_state request_go_on(struct virtio_worker *worker, struct worker_request *of,
				       int rc)
{
	struct disk *disk = request_disk(worker);
	struct disk_request *request = &disk->requests[of->index];

	if ((rc == -EINTR || rc == -EAGAIN) && ++request->tries < DISK_TRIES)
		return request_submit(disk, request, of);
	if (request->type == VIRTIO_BLK_T_IN || request->type == VIRTIO_BLK_T_OUT)
		return request_moved(disk, request, of, rc);
	if (request->type != VIRTIO_BLK_T_FLUSH && (rc == -EOPNOTSUPP || rc == -EINVAL))
		return request_do_without(disk, request, of, rc);
	if (rc < 0)
		return request_end(request, of, VIRTIO_BLK_S_IOERR);
	return request_end(request, of, VIRTIO_BLK_S_OK);
}

/* VIRTIO 1.2 5.2.5: without a flush a write is kept once it is done. */
static void request_start(struct virtio_worker *worker, uint64_t features)
{
	request_disk(worker)->through = !(features >> VIRTIO_BLK_F_FLUSH & 1);
}

const struct worker_ops disk_worker_ops = {
	.begin = request_begin,
	.go_on = request_go_on,
	.start = request_start,
};
