/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker's ring of the kernel's: opened with its files, walled, waited for, reaped. */

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "devices/virtio/worker_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

/* Who an operation is of: a request's index, or one of the eventfds behind those. */
enum { RING_OF_COMMAND = WORKER_REQUESTS, RING_OF_KICKS };

enum { RING_RESTRICTIONS_MAX = 16 };

/* Each request has one operation at a time, and each eventfd. */
static unsigned int ring_entries(const struct virtio_worker *worker)
{
	return WORKER_REQUESTS + 1 + worker->device->queue_count;
}

static int ring_give_files(struct virtio_worker *worker)
{
	const struct worker_setup *setup = &worker->setup;
	int files[WORKER_FILES_MAX + 1 + VIRTIO_QUEUES_MAX];
	unsigned int count = 0;

	for (size_t i = 0; i < setup->file_count; i++)
		files[count++] = setup->files[i];
	files[count++] = worker->command;
	worker->first_kick = count;
	for (unsigned int i = 0; i < worker->device->queue_count; i++)
		files[count++] = worker->attach.kicks[i];
	return io_uring_register_files(&worker->ring, files, count);
}

/* From here on it takes these operations on fixed files, and nothing can be registered any more. */
static int ring_wall(struct virtio_worker *worker)
{
	struct io_uring_restriction restrictions[RING_RESTRICTIONS_MAX] = {
		{.opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE},
		{.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READ},
	};
	unsigned int count = 2;
	int rc;

	for (size_t i = 0; i < worker->setup.operation_count; i++)
		restrictions[count++] = (struct io_uring_restriction){
			.opcode = IORING_RESTRICTION_SQE_OP,
			.sqe_op = worker->setup.operations[i],
		};
	rc = io_uring_register_restrictions(&worker->ring, restrictions, count);
	return rc < 0 ? rc : io_uring_enable_rings(&worker->ring);
}

static void ring_read(struct virtio_worker *worker, unsigned int file, void *count, uint64_t of)
{
	struct io_uring_sqe *sqe = worker_sqe(worker);

	io_uring_prep_read(sqe, (int)file, count, sizeof(uint64_t), 0);
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->user_data = of;
}

static void ring_read_command(struct virtio_worker *worker)
{
	ring_read(worker, worker->first_kick - 1, &worker->commands, RING_OF_COMMAND);
}

static void ring_read_kick(struct virtio_worker *worker, unsigned int queue)
{
	ring_read(worker, worker->first_kick + queue, &worker->queues[queue].count,
		  RING_OF_KICKS + queue);
}

int worker_ring_open(struct virtio_worker *worker, struct err *err)
{
	struct io_uring_params params = {.flags = IORING_SETUP_R_DISABLED};
	int rc;

	/* The ring waits for it, where nobody else does. */
	worker->command = eventfd(0, EFD_CLOEXEC);
	if (worker->command < 0)
		return err_set(err, -errno, "%s: no descriptor: %s", worker->device->name,
			       err_text(errno));
	rc = io_uring_queue_init_params(ring_entries(worker), &worker->ring, &params);
	if (rc < 0)
		return err_set(err, rc, "%s: io_uring: %s%s", worker->device->name, err_text(rc),
			       rc == -EPERM || rc == -ENOSYS
				       ? ": the host's kernel must let it (sysctl "
					 "kernel.io_uring_disabled=0)"
				       : "");
	worker->ready = true;
	rc = ring_give_files(worker);
	if (!rc)
		rc = ring_wall(worker);
	if (rc)
		return err_set(err, rc, "%s: io_uring: its files and limits: %s",
			       worker->device->name, err_text(rc));
	ring_read_command(worker);
	for (unsigned int i = 0; i < worker->device->queue_count; i++)
		ring_read_kick(worker, i);
	return 0;
}

void worker_ring_close(struct virtio_worker *worker)
{
	if (worker->ready)
		io_uring_queue_exit(&worker->ring);
	worker->ready = false;
}

struct io_uring_sqe *worker_sqe(struct virtio_worker *worker)
{
	return io_uring_get_sqe(&worker->ring);
}

void worker_submit(struct io_uring_sqe *sqe, struct worker_request *request)
{
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->user_data = request->index;
}

/* What is short of memory, or has more done than is reaped, is asked again. */
int worker_ring_wait(struct virtio_worker *worker, bool wait)
{
	int rc = io_uring_submit_and_wait(&worker->ring, wait);

	return rc >= 0 || rc == -EINTR || rc == -EAGAIN || rc == -EBUSY ? 0 : rc;
}

static void ring_hand_on(struct virtio_worker *worker, uint64_t of, int rc)
{
	if (of < RING_OF_COMMAND) {
		worker_completed(worker, &worker->requests[of], rc);
	} else if (rc < 0 && rc != -EINTR && rc != -EAGAIN) {
		worker_deaf(worker, rc);
	} else if (of == RING_OF_COMMAND) {
		ring_read_command(worker);
	} else {
		worker_kicked(worker, (unsigned int)(of - RING_OF_KICKS));
		ring_read_kick(worker, (unsigned int)(of - RING_OF_KICKS));
	}
}

void worker_ring_reap(struct virtio_worker *worker)
{
	struct io_uring_cqe *cqe;

	while (io_uring_peek_cqe(&worker->ring, &cqe) == 0) {
		uint64_t of = cqe->user_data;
		int rc = cqe->res;

		io_uring_cqe_seen(&worker->ring, cqe);
		ring_hand_on(worker, of, rc);
	}
}
