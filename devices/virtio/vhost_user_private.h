/* SPDX-License-Identifier: BSD-3-Clause */
/* The messages of vhost-user as its sources share them (QEMU, docs/interop/vhost-user.rst). */

#ifndef FERRY_DEVICES_VIRTIO_VHOST_USER_PRIVATE_H
#define FERRY_DEVICES_VIRTIO_VHOST_USER_PRIVATE_H

#include "devices/virtio/vhost_user.h"

/* Of a front end. */
enum vhost_user_request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
	SET_BACKEND_REQ_FD = 21,
	GET_CONFIG = 24,
	GET_INFLIGHT_FD = 31,
	SET_INFLIGHT_FD = 32,
	RESET_DEVICE = 34,
	GET_MAX_MEM_SLOTS = 36,
	ADD_MEM_REG = 37,
};

/* Of a server, on the connection that is for these. */
enum { BACKEND_CONFIG_CHANGE = 2 };

/* Bits of the protocol's own features. */
enum {
	PROTOCOL_MQ = 0,
	PROTOCOL_REPLY_ACK = 3,
	PROTOCOL_BACKEND_REQUESTS = 5,
	PROTOCOL_CONFIG = 9,
	PROTOCOL_INFLIGHT = 12,
	PROTOCOL_RESET_DEVICE = 13,
	PROTOCOL_MEMORY_SLOTS = 15,
};

/* Among VIRTIO's features: those of the protocol can be asked for. */
enum { FEATURE_PROTOCOL = 30 };

enum { MESSAGE_FDS_MAX = 8 };

/* Numbers are in the machine's own byte order. */
struct vhost_user_header {
	uint32_t request, flags, size;
};

enum { HEADER_VERSION = 1, HEADER_VERSION_MASK = 3, HEADER_REPLY = 4, HEADER_NEED_REPLY = 8 };

/* What is sent. */
struct vhost_user_message {
	enum vhost_user_request request;
	const void *payload;
	uint32_t size;
	int fds[MESSAGE_FDS_MAX];
	unsigned int fd_count;
};

/* What is to come back: into @payload, @least to @size bytes; how many in *@came. */
struct vhost_user_answer {
	void *payload;
	uint32_t least, size, came;
	int *fd; /* NULL: no descriptor is to come with it */
	int64_t patience_ms;
	int64_t until; /* clock_now_ms(), before it is over; 0: by `patience_ms` alone */
};

/* Whether both ends have this feature of the protocol. */
static inline bool vhost_user_has(const struct vhost_user *user, unsigned int feature)
{
	return user->protocol >> feature & 1;
}

/* vhost_user_exchange.c: one message there, and the answer to it where there is one (not NULL). */
int vhost_user_talk(struct vhost_user *user, const struct vhost_user_message *message,
		    struct vhost_user_answer *answer, struct err *err) FERRY_MUST_CHECK;

/* Likewise one that is only said; a server that can tells whether it did it. */
int vhost_user_tell(struct vhost_user *user, const struct vhost_user_message *message,
		    struct err *err) FERRY_MUST_CHECK;

#endif
