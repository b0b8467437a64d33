/* SPDX-License-Identifier: BSD-3-Clause */
/* A small NVMe controller (NVM Express 1.2) with one namespace, whose Linux driver is `nvme`. */

#ifndef FERRY_TESTS_SUPPORT_USER_SERVER_NVME_H
#define FERRY_TESTS_SUPPORT_USER_SERVER_NVME_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/user-server/server.h"

/* Queue 0 is that of commands about the controller. */
enum { NVME_QUEUES = 5, NVME_ENTRIES = 256 };

struct nvme_queue {
	uint64_t address; /* 0: there is none */
	uint32_t size, head, tail;
	uint16_t completion; /* of a submission queue: the other one */
	uint16_t vector;     /* of a completion queue */
	uint16_t phase;
};

struct nvme {
	struct user_model model;
	struct user_server *server;
	uint8_t *blocks; /* of 512 bytes */
	uint64_t count;
	int doorbells;      /* a file that clients map, -1: they are registers like others */
	uint32_t *doorbell; /* that page, or one of our own */
	uint32_t cc, csts, aqa, masked;
	uint64_t asq, acq;
	struct nvme_queue submissions[NVME_QUEUES], completions[NVME_QUEUES];
	uint64_t writes; /* blocks */
	/* Where the driver has its doorbells in memory, and hears which it still is to ring; 0. */
	uint64_t shadow, awaited;
	int rung;   /* an eventfd, -1: none */
	bool times; /* it tells on standard error how soon interrupts are answered */
	uint64_t asked_ns, answered_ns; /* since the first not answered, 0; in all of the last */
	unsigned int asking;            /* the queue that it is of */
	unsigned int answers;
};

/* How the guest rings its doorbells. */
enum nvme_bells {
	NVME_BY_MESSAGE,
	NVME_MAPPED,     /* in a page that it maps, which is polled */
	NVME_BY_EVENTFD, /* by an eventfd, with their values in memory (NVM Express 1.3, 7.13) */
};

/*
 * A controller over @bytes of memory at @blocks, served by @server. 0 or a negative errno.
 */
int nvme_init(struct nvme *nvme, struct user_server *server, void *blocks, uint64_t bytes,
	      enum nvme_bells bells);

#endif
