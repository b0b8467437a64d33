/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that was lost and is to come back: it keeps its slot, and is looked for until it is. */

#include <poll.h>

#include "vfio/vfio_private.h"
#include "vmm/base/clock.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"

enum {
	/* One that is lost sooner than that has failed, as if it had not come. */
	WELL_MS = 10 * 1000,
	/* The pause doubles with each failure, to that unless the user wants a longer one. */
	PAUSE_MOST_MS = 60 * 1000,
	DOUBLED_MOST = 16, /* more make no difference */
	/* So many are left for vectors and clients: a server may have this side lose some. */
	DESCRIPTORS_LEFT = 128,
};

static unsigned int comeback_pause(const struct vfio_entry *entry)
{
	uint64_t pause = entry->options.reconnect_ms;
	uint64_t most = pause > PAUSE_MOST_MS ? pause : PAUSE_MOST_MS;
	unsigned int failures = entry->comeback.failures;

	pause <<= failures < DOUBLED_MOST ? failures : DOUBLED_MOST;
	return (unsigned int)(pause < most ? pause : most);
}

/* Whether the time is over, and nobody has asked for the end. */
static bool comeback_wait(const struct vfio_comeback *comeback, unsigned int time_ms)
{
	struct pollfd polled = {comeback->stop, POLLIN, 0};

	return poll(&polled, 1, (int)time_ms) <= 0 && !fd_is_signalled(comeback->stop);
}

/* A reason is told when it is another than the last. */
static void *comeback_thread(void *argument)
{
	struct vfio_entry *entry = argument;
	struct vfio_comeback *comeback = &entry->comeback;
	unsigned int pause = comeback_pause(entry);
	int last = 0;

	while (comeback->fd < 0 && comeback_wait(comeback, pause)) {
		struct err err = {0};

		comeback->fd = comeback->ops->reach(&entry->options, &err);
		if (comeback->fd < 0 && comeback->fd != last)
			log_guest(&comeback->limit, LOG_INFO, "passthrough device %s: %s: %s",
				  entry->sysfs.address, entry->options.path, err.text);
		last = comeback->fd;
	}
	atomic_store(&comeback->ended, true);
	vfio_wake_up(entry->vfio);
	return NULL;
}

/* Once its thread has ended, or is about to. A second call does nothing. */
static void comeback_join(struct vfio_comeback *comeback)
{
	if (comeback->running)
		pthread_join(comeback->thread, NULL);
	comeback->running = false;
	fd_close(&comeback->stop);
}

/* It is looked for no more. */
static void comeback_give_up(struct vfio_comeback *comeback)
{
	comeback_join(comeback);
	fd_close(&comeback->fd);
}

/* What is wrong with it may be mended before it is tried again. */
static void comeback_count(struct vfio_entry *entry)
{
	struct vfio_comeback *comeback = &entry->comeback;

	if (entry->done && entry->refusal.code)
		log_guest(&comeback->limit, LOG_WARN, "%s", entry->refusal.text);
	if (entry->done || clock_now_ms() - comeback->since < WELL_MS)
		comeback->failures++;
	else
		comeback->failures = 0;
}

/* 0 once a thread looks for it, or a negative errno. */
static int comeback_look(struct vfio_entry *entry)
{
	struct vfio_comeback *comeback = &entry->comeback;
	int rc = fd_check_room(DESCRIPTORS_LEFT);

	if (rc)
		return rc;
	comeback->fd = -1;
	atomic_store(&comeback->ended, false);
	comeback->stop = fd_eventfd();
	if (comeback->stop < 0)
		return comeback->stop;
	rc = thread_create(&comeback->thread, THREAD_VHOST, comeback_thread, entry);
	comeback->running = !rc;
	if (rc)
		fd_close(&comeback->stop);
	return rc;
}

bool vfio_comeback_begin(struct vfio_entry *entry)
{
	int rc;

	if (!entry->returns || entry->asked)
		return false;
	vfio_close_given(&entry->options);
	comeback_count(entry);
	rc = comeback_look(entry);
	if (rc) {
		log_error("passthrough device %s: it does not come back: nothing can look for it: "
			  "%s",
			  entry->sysfs.address, err_text(rc));
		entry->returns = false;
		return false;
	}
	entry->stage = VFIO_AWAY;
	entry->done = NULL;
	entry->lost = false;
	return true;
}

bool vfio_comeback_end(struct vfio_entry *entry)
{
	struct vfio_comeback *comeback = &entry->comeback;

	if (comeback->running && !atomic_load(&comeback->ended)) {
		fd_signal(comeback->stop);
		return false;
	}
	comeback_give_up(comeback);
	return true;
}

static void comeback_done(void *owner, const struct err *err)
{
	struct vfio_entry *entry = owner;

	if (err)
		return;
	entry->comeback.since = clock_now_ms();
	log_guest(&entry->comeback.limit, LOG_WARN, "passthrough device %s: it is back",
		  entry->sysfs.address);
}

/* As one that is added for the first time. */
static void comeback_go(struct vfio_entry *entry)
{
	entry->options.fd = entry->comeback.fd;
	entry->comeback.fd = -1;
	entry->refusal.code = entry->why.code = 0;
	entry->done = comeback_done;
	entry->owner = entry;
	vfio_steps_come(entry);
}

void vfio_comebacks_settle(struct vfio *vfio)
{
	for (size_t i = 0; i < vfio->count; i++) {
		struct vfio_entry *entry = vfio->entries[i];
		struct vfio_comeback *comeback = &entry->comeback;

		if (entry->stage != VFIO_AWAY || entry->slot->removal != VFIO_STAYS ||
		    !atomic_load(&comeback->ended))
			continue;
		comeback_join(comeback);
		if (comeback->fd >= 0)
			comeback_go(entry);
	}
}

void vfio_comebacks_stop(struct vfio *vfio)
{
	for (size_t i = 0; i < vfio->count; i++) {
		struct vfio_entry *entry = vfio->entries[i];

		if (entry->stage == VFIO_AWAY && !vfio_comeback_end(entry))
			comeback_give_up(&entry->comeback);
	}
}
