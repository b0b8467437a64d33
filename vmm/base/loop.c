/* SPDX-License-Identifier: BSD-3-Clause */
/* The main thread's one epoll loop: descriptors in, callbacks out. */

#include "vmm/base/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "vmm/base/fd.h"

struct watch {
	struct watch *next;
	uint64_t number; /* what an event names, which may outlive it; never used again */
	int fd;
	loop_handler handler;
	void *owner;
};

struct loop {
	pthread_mutex_t lock; /* watches and the fields of each */
	struct watch *watches;
	uint64_t last; /* watch's number; the loop's own wake has 0 */
	int epoll;
	int wake;
	atomic_bool stopping;
};

struct loop *loop_create(struct err *err)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop) {
		err_set(err, -ENOMEM, "event loop: out of memory");
		return NULL;
	}
	pthread_mutex_init(&loop->lock, NULL);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->wake = fd_eventfd();
	if (loop->epoll >= 0 && loop->wake >= 0) {
		struct epoll_event event = {.events = EPOLLIN};

		if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &event) == 0)
			return loop;
	}
	err_set(err, -errno, "event loop: cannot be created: %s", err_text(errno));
	loop_destroy(loop);
	return NULL;
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	while (loop->watches) {
		struct watch *watch = loop->watches;

		loop->watches = watch->next;
		free(watch);
	}
	fd_close(&loop->wake);
	fd_close(&loop->epoll);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

int loop_add(struct loop *loop, int fd, uint32_t events, loop_handler handler, void *owner,
	     struct err *err)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	struct epoll_event event = {.events = events};
	int rc = 0;

	if (!watch)
		return err_set(err, -ENOMEM, "event loop: out of memory");
	*watch = (struct watch){.fd = fd, .handler = handler, .owner = owner};
	pthread_mutex_lock(&loop->lock);
	watch->number = event.data.u64 = ++loop->last;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0) {
		watch->next = loop->watches;
		loop->watches = watch;
		watch = NULL;
	} else {
		rc = err_set(err, -errno, "event loop: cannot watch descriptor %d: %s", fd,
			     err_text(errno));
	}
	pthread_mutex_unlock(&loop->lock);
	free(watch);
	return rc;
}

void loop_remove(struct loop *loop, int fd)
{
	if (fd < 0)
		return;
	pthread_mutex_lock(&loop->lock);
	for (struct watch **link = &loop->watches; *link; link = &(*link)->next) {
		struct watch *watch = *link;

		if (watch->fd != fd)
			continue;
		epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
		*link = watch->next;
		free(watch);
		break;
	}
	pthread_mutex_unlock(&loop->lock);
}

static void loop_dispatch(struct loop *loop, struct epoll_event *event)
{
	loop_handler handler = NULL;
	void *owner = NULL;

	if (event->data.u64 == 0) {
		fd_take(loop->wake);
		return;
	}
	pthread_mutex_lock(&loop->lock);
	for (struct watch *watch = loop->watches; watch; watch = watch->next) {
		if (watch->number == event->data.u64) {
			handler = watch->handler;
			owner = watch->owner;
			break;
		}
	}
	pthread_mutex_unlock(&loop->lock);
	if (handler)
		handler(owner, event->events);
}

int loop_run(struct loop *loop, struct err *err)
{
	struct epoll_event events[16];

	while (!atomic_load(&loop->stopping)) {
		int ready = epoll_wait(loop->epoll, events, 16, -1);

		if (ready < 0 && errno != EINTR)
			return err_set(err, -errno, "event loop: %s", err_text(errno));
		for (int i = 0; i < ready; i++)
			loop_dispatch(loop, &events[i]);
	}
	atomic_store(&loop->stopping, false);
	return 0;
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->stopping, true);
	fd_signal(loop->wake);
}
