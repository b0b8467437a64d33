/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes the host provide pages before they are needed, from many threads, near to their users. */

#include "memory/populate.h"

#include <errno.h>
#include <linux/mman.h>
#include <pthread.h>
#include <sys/mman.h>

#include "memory/nodes.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/base/page.h"
#include "vmm/base/thread.h"

static const uint64_t chunk_least = 64 * MIB;

/* What is given at once: a host that must reclaim or compact for it may take long over a chunk. */
static const uint64_t step_least = 4 * MIB;

/* Adding nothing to a byte of each page makes the host give it, whoever else is writing there. */
static void populate_touch_pages(char *start, size_t size)
{
	size_t step = host_page_size();

	for (size_t offset = 0; offset < size; offset += step)
		__atomic_fetch_or((uint8_t *)start + offset, 0, __ATOMIC_RELAXED);
}

/* EINVAL also means memory that cannot be written; a range of no bytes tells which it was. */
static bool populate_knows(char *start)
{
	return madvise(start, 0, MADV_POPULATE_WRITE) == 0;
}

int populate_pages(void *host, size_t size)
{
	size_t before = (uintptr_t)host & (host_page_size() - 1);
	char *start = (char *)host - before;

	if (size == 0)
		return 0;
	size = align_up(size + before, host_page_size());
	while (madvise(start, size, MADV_POPULATE_WRITE) < 0) {
		if (errno == EINTR || errno == EAGAIN)
			continue;
		if (errno != EINVAL || populate_knows(start))
			return -errno;
		populate_touch_pages(start, size);
		break;
	}
	return 0;
}

struct job {
	char *host;
	uint64_t size, chunk, step;
	_Atomic uint64_t next; /* offset of the next chunk that nobody has taken */
	atomic_int error;
	const struct populate_watch *watch;
};

struct worker {
	struct job *job;
	pthread_t thread;
};

static bool populate_is_over(struct job *job)
{
	return atomic_load(&job->error) || (job->watch->stop && atomic_load(job->watch->stop));
}

static int populate_chunk(struct job *job, char *start, uint64_t size)
{
	int rc = 0;

	while (size > 0 && !rc && !populate_is_over(job)) {
		uint64_t step = size < job->step ? size : job->step;

		rc = populate_pages(start, step);
		start += step;
		size -= step;
	}
	return rc;
}

static void populate_work(struct job *job)
{
	for (;;) {
		uint64_t offset = atomic_fetch_add(&job->next, job->chunk), size;
		int rc;

		if (offset >= job->size || populate_is_over(job))
			return;
		size = job->size - offset < job->chunk ? job->size - offset : job->chunk;
		rc = populate_chunk(job, job->host + offset, size);
		if (rc)
			atomic_store(&job->error, rc);
		else if (job->watch->done && !populate_is_over(job))
			job->watch->done(job->watch->owner, size);
	}
}

static void *populate_worker_main(void *argument)
{
	const struct worker *worker = argument;

	populate_work(worker->job);
	return NULL;
}

/* Where threads keep to a node this one, which must not, only waits. */
static void populate_run(struct job *job, const struct nodes *nodes, unsigned int threads)
{
	struct worker workers[POPULATE_THREADS_MAX];
	unsigned int count = nodes->bind ? threads : threads - 1, started = 0;

	for (; started < count; started++) {
		struct worker *worker = &workers[started];
		const struct node *node =
			nodes->bind ? nodes_of_cpu(nodes, started * nodes->cpu_count / threads)
				    : NULL;
		const struct thread_place place = {.cpus = node ? &node->cpus : NULL};

		worker->job = job;
		if (thread_create_at(&worker->thread, THREAD_POPULATE, &place, populate_worker_main,
				     worker))
			break;
	}
	if (!nodes->bind || started == 0)
		populate_work(job);
	while (started > 0)
		pthread_join(workers[--started].thread, NULL);
}

void populate_find_nodes(const struct populate_place *place, struct nodes *nodes)
{
	nodes_read(nodes, place->sysfs ? place->sysfs : "/sys", place->pins, place->pin_count);
}

int populate_spread(const struct populate_place *place, void *host, uint64_t size,
		    uint64_t page_size, const struct populate_watch *watch)
{
	static const struct populate_watch nobody;
	struct job job = {.host = host, .size = size, .watch = watch ? watch : &nobody};
	uint64_t threads;
	const struct nodes *nodes = place->nodes;
	struct nodes found;

	if (size == 0)
		return 0;
	job.chunk = page_size > chunk_least ? page_size : chunk_least;
	job.step = page_size > step_least ? page_size : step_least;
	if (!nodes) {
		populate_find_nodes(place, &found);
		nodes = &found;
	}
	threads = (size - 1) / job.chunk + 1;
	if (threads > nodes->cpu_count)
		threads = nodes->cpu_count;
	if (threads > POPULATE_THREADS_MAX)
		threads = POPULATE_THREADS_MAX;
	populate_run(&job, nodes, (unsigned int)threads);
	return atomic_load(&job.error);
}
