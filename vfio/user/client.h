/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One connection to a vfio-user server: requests with their answers, writes without one, and what
 * the server asks for itself. A server that is late, gone or talks nonsense is lost for good.
 */

#ifndef FERRY_VFIO_USER_CLIENT_H
#define FERRY_VFIO_USER_CLIENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio/user/message.h"
#include "vfio/user/tally.h"
#include "vfio/user/wire.h"
#include "vmm/base/err.h"

/* What the server takes, as it said. */
struct vfio_user_limits {
	unsigned int fds;  /* with one message */
	uint32_t transfer; /* bytes of data in one message */
	uint64_t maps;     /* for DMA, at once */
	uint64_t pages;    /* bit n: those of 2^n bytes */
};

/*
 * How long a guest's thread may wait, in milliseconds; a reset has a thread of its own. Whoever
 * opens a server waits for no more than so many times that in all, however many answers come in
 * time.
 */
enum { VFIO_USER_WAIT_MS = 5000, VFIO_USER_RESET_MS = 10000, VFIO_USER_OPENING_WAITS = 4 };

struct kvm_vm;
struct vfio_user_wait;

struct vfio_user_config {
	const char *name;         /* for a sentence; outlives the client */
	int64_t patience_ms;      /* for an answer; 0: VFIO_USER_WAIT_MS */
	struct kvm_vm *doorbells; /* that it has are asked for, and are this one's; NULL: not */
	/*
	 * Copies @size bytes of what is mapped for DMA out of @address into @data, or into it with
	 * @writes: 0 or a negative errno. The client's thread.
	 */
	int (*copy)(void *owner, uint64_t address, void *data, uint64_t size, bool writes);
	void *owner;
	/* Where it is told why the server is lost, for who asks without a thread; NULL: logged. */
	struct err *lost;
};

struct vfio_user_client {
	struct vfio_user_config config;
	struct vfio_user_wire wire;
	struct vfio_user_wire twin; /* for what the server asks; fd -1: there is none */
	struct vfio_user_limits limits;
	int stop;        /* eventfd: the thread is to end, and nobody waits any more */
	uint8_t *buffer; /* the thread's: VFIO_USER_MESSAGE_MAX bytes */
	pthread_t thread;
	bool started;            /* `sending` is held to change it */
	int64_t opening_ms;      /* that were waited for before; likewise */
	int64_t opening_until;   /* when no more is waited for, of what is asked now; likewise */
	pthread_mutex_t sending; /* whole messages, in order; above `lock` */
	pthread_mutex_t lock;    /* a leaf, of what follows */
	pthread_cond_t changed;
	struct vfio_user_wait *waits;
	uint16_t last;
	bool lost;
	struct vfio_user_tallies tallies; /* since it was opened */
	int lost_event;                   /* somebody else's eventfd, -1: none */
	int64_t resetting; /* until when a reset that is under way may take; 0: none is */
};

/* What is asked. */
struct vfio_user_request {
	enum vfio_user_command command;
	const void *payload;
	uint32_t size;
	const void *data; /* that follows the payload */
	uint32_t data_size;
	const int *fds; /* they stay the caller's */
	unsigned int fd_count;
	/* The answer: @least to @room bytes of it into @answer, how many in *@came. */
	void *answer;
	uint32_t least, room, came;
	/* What came with it, the caller's, and -1 behind that; no more than @fd_room may come. */
	int *answer_fds;
	unsigned int fd_room;
	int64_t patience_ms;
	int64_t until; /* of several requests for one thing (vfio_user_deadline()); 0: its own */
};

/*
 * Takes over @fd, a connected stream socket that does not block, and settles version and limits.
 * NULL with @err set, which does not name the device; @fd is closed then too. Until
 * vfio_user_begin() one thread at a time may ask, and the server is heard only by who asks.
 */
struct vfio_user_client *vfio_user_open(int fd, const struct vfio_user_config *config,
					struct err *err);

/* Starts the thread; a second call does nothing. -errno with @err set, which names nothing. */
int vfio_user_begin(struct vfio_user_client *client, struct err *err) FERRY_MUST_CHECK;

/* Waits for the thread, at most for its last message; nobody asks any more. NULL is allowed. */
void vfio_user_close(struct vfio_user_client *client);

/*
 * Sends it and waits for the answer. 0, the server's negative errno, or -EIO when the server is
 * lost, by this request perhaps. Any thread; a lock of the caller's may be held.
 */
int vfio_user_ask(struct vfio_user_client *client,
		  struct vfio_user_request *request) FERRY_MUST_CHECK;

/* Sends what gets no answer, behind what was sent before. Likewise. */
int vfio_user_post(struct vfio_user_client *client,
		   const struct vfio_user_request *request) FERRY_MUST_CHECK;

/* Until when what a guest does now may keep it waiting, in milliseconds (clock_now_ms()). */
int64_t vfio_user_deadline(const struct vfio_user_client *client);

/* Whether it is lost. */
bool vfio_user_is_lost(struct vfio_user_client *client);

/* Its messages so far, into @tallies. */
void vfio_user_get_tallies(struct vfio_user_client *client, struct vfio_user_tallies *tallies);

/* @event is signalled once it is lost, also when it is so already; -1: no longer. */
void vfio_user_watch(struct vfio_user_client *client, int event);

/* The server is not to be trusted any further: said once, with @why. */
void vfio_user_lose(struct vfio_user_client *client, const char *why, ...) FERRY_PRINTF(2, 3);

/*
 * version.c: the first exchange, before there is a thread: fills in the limits and the twin. -errno
 * with @err set.
 */
int vfio_user_settle(struct vfio_user_client *client, struct err *err) FERRY_MUST_CHECK;

#endif
