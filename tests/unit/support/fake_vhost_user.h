/* SPDX-License-Identifier: BSD-3-Clause */
/* A vhost-user server in a thread of the test's, which may misbehave at one of its answers. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_VHOST_USER_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_VHOST_USER_H

#include <check.h>
#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "devices/virtio/vhost_user_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

enum {
	FAKE_RINGS = 16,
	FAKE_REGIONS = 32,
	FAKE_REQUESTS = 64,
	FAKE_INFLIGHT = 4096,
	FAKE_PAYLOAD_MAX = 512
};

/* What it does in the place of an answer to one kind of request. */
enum fake_fault {
	FAKE_WELL,
	FAKE_LATE,     /* nothing */
	FAKE_DIES,     /* ends the connection */
	FAKE_SHORT,    /* ends it in the middle of the answer */
	FAKE_SMALL,    /* an answer that is too small by a byte */
	FAKE_LARGE,    /* one that is larger than any */
	FAKE_OTHER,    /* the answer to another request */
	FAKE_NO_REPLY, /* no flag that it is one */
	FAKE_VERSION,  /* another version */
	FAKE_FDS,      /* nine descriptors with it */
	FAKE_FAULTS,
};

struct fake_vhost_ring {
	uint32_t size, base, enabled;
	struct vhost_vring_addr addresses;
	int kick, call;
	bool started;
	unsigned int served;
};

struct fake_vhost {
	int fd;       /* its end */
	int listener; /* where that is let in; negative: it is there */
	int backend;  /* where it says what nobody asked for; negative: it has nowhere to */
	pthread_t thread;
	/* Set by the test before it begins. */
	uint64_t features, protocol;
	uint64_t queues, slots;
	uint8_t config[VHOST_USER_CONFIG_MAX];
	uint32_t config_size;
	bool slow_file;       /* its note of requests is in no memory */
	unsigned int slow_ms; /* for the stop of each queue */
	bool says_none;       /* by a size of 0, not without a word */
	bool lies;            /* of which part of the configuration it has sent */
	bool restless;        /* whenever it is asked for it, it first says that it is another */
	enum fake_fault fault;
	enum vhost_user_request at; /* the request at which that is */
	uint64_t refusal;           /* of all that it may refuse, but for its own features */
	/* What it has heard; the test looks at it once it knows that it was heard. */
	pthread_mutex_t lock;
	unsigned int heard[FAKE_REQUESTS];
	uint64_t set_features, set_protocol;
	struct fake_vhost_ring rings[FAKE_RINGS];
	unsigned int region_count;
	struct {
		uint64_t guest, size, user, offset;
	} regions[FAKE_REGIONS];
	uint8_t *mapped[FAKE_REGIONS];
	uint16_t inflight_queues, inflight_size;
	atomic_bool holds; /* chains are not given back */
};

/* As its bytes are on the way. */
struct __attribute__((packed, aligned(4))) fake_vhost_message {
	struct vhost_user_header header;
	union {
		uint64_t u64;
		struct vhost_vring_state state;
		struct vhost_vring_addr addresses;
		uint8_t bytes[FAKE_PAYLOAD_MAX];
	};
	int fds[MESSAGE_FDS_MAX];
	unsigned int fd_count;
};

static inline bool fake_vhost_receive(struct fake_vhost *server, struct fake_vhost_message *message)
{
	char room[CMSG_SPACE(MESSAGE_FDS_MAX * sizeof(int))] __attribute__((aligned(8)));
	struct iovec part = {&message->header, sizeof(message->header)};
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(room),
	};
	struct cmsghdr *control;

	message->fd_count = 0;
	if (recvmsg(server->fd, &header, MSG_CMSG_CLOEXEC | MSG_WAITALL) != sizeof(message->header))
		return false;
	control = CMSG_FIRSTHDR(&header);
	if (control) {
		message->fd_count = (unsigned int)((control->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(message->fds, CMSG_DATA(control), message->fd_count * sizeof(int));
	}
	return !message->header.size || recv(server->fd, message->bytes, message->header.size,
					     MSG_WAITALL) == (ssize_t)message->header.size;
}

static inline void fake_vhost_send(int to, const void *bytes, size_t size, const int *fds,
				   unsigned int fd_count)
{
	char room[CMSG_SPACE((MESSAGE_FDS_MAX + 1) * sizeof(int))]
		__attribute__((aligned(8))) = {0};
	struct iovec part = {(void *)bytes, size};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd_count) {
		header.msg_control = room;
		header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		CMSG_FIRSTHDR(&header)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&header)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&header)->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&header)), fds, fd_count * sizeof(int));
	}
	(void)sendmsg(to, &header, MSG_NOSIGNAL);
}

/* Whether it goes on. */
static inline bool fake_vhost_answer(struct fake_vhost *server, struct fake_vhost_message *message,
				     uint32_t size, int fd)
{
	enum fake_fault fault = server->at == message->header.request ? server->fault : FAKE_WELL;
	int fds[MESSAGE_FDS_MAX + 1] = {fd};
	size_t whole = sizeof(message->header) + size;

	message->header.flags = HEADER_VERSION | HEADER_REPLY;
	message->header.size = size;
	if (fault == FAKE_LATE)
		return true;
	if (fault == FAKE_SMALL)
		message->header.size--;
	if (fault == FAKE_LARGE)
		message->header.size = UINT32_MAX;
	if (fault == FAKE_OTHER)
		message->header.request = GET_CONFIG + GET_FEATURES - message->header.request;
	if (fault == FAKE_NO_REPLY)
		message->header.flags = HEADER_VERSION;
	if (fault == FAKE_VERSION)
		message->header.flags = 2 | HEADER_REPLY;
	for (unsigned int i = 0; i <= MESSAGE_FDS_MAX && fault == FAKE_FDS; i++)
		fds[i] = fd >= 0 ? fd : STDERR_FILENO;
	if (fault == FAKE_SHORT)
		whole -= size / 2 + 1;
	if (fault != FAKE_DIES)
		fake_vhost_send(server->fd, &message->header, whole, fds,
				fault == FAKE_FDS ? MESSAGE_FDS_MAX + 1
				: fd >= 0         ? 1
						  : 0);
	return fault != FAKE_DIES && fault != FAKE_SHORT;
}

static inline uint8_t *fake_vhost_at(struct fake_vhost *server, uint64_t user)
{
	for (unsigned int i = 0; i < server->region_count; i++)
		if (user >= server->regions[i].user &&
		    user - server->regions[i].user < server->regions[i].size)
			return server->mapped[i] + (user - server->regions[i].user);
	ck_abort_msg("an address outside of all memory");
}

static inline void fake_vhost_add_region(struct fake_vhost *server, const void *bytes, int fd)
{
	unsigned int i = server->region_count++;

	memcpy(&server->regions[i], bytes, sizeof(server->regions[i]));
	server->mapped[i] = mmap(NULL, server->regions[i].size, PROT_READ | PROT_WRITE, MAP_SHARED,
				 fd, (off_t)server->regions[i].offset);
	ck_assert_ptr_ne(server->mapped[i], MAP_FAILED);
}

/* Gives back what is offered, with one byte written to each. */
static inline void fake_vhost_serve(struct fake_vhost *server, struct fake_vhost_ring *ring)
{
	const uint16_t *avail = (void *)fake_vhost_at(server, ring->addresses.avail_user_addr);
	uint8_t *used = fake_vhost_at(server, ring->addresses.used_user_addr);
	uint16_t index = le16toh(__atomic_load_n(&avail[1], __ATOMIC_SEQ_CST));
	bool call = (uint16_t)ring->base != index;

	for (; (uint16_t)ring->base != index && !server->holds; ring->base++) {
		uint8_t *entry = used + 4 + 8 * (ring->base % ring->size);

		store_le32(entry, le16toh(avail[2 + ring->base % ring->size]));
		store_le32(entry + 4, 1);
		__atomic_store_n((uint16_t *)(used + 2), htole16((uint16_t)(ring->base + 1)),
				 __ATOMIC_SEQ_CST);
		ring->served++;
	}
	if (call && !server->holds)
		fd_signal(ring->call);
}

static inline struct fake_vhost_ring *fake_vhost_ring(struct fake_vhost *server, uint64_t index)
{
	ck_assert_uint_lt(index, FAKE_RINGS);
	return &server->rings[index];
}

static inline void fake_vhost_take_fd(int *fd, const struct fake_vhost_message *message)
{
	ck_assert_uint_eq(message->fd_count, 1);
	fd_close(fd);
	*fd = message->fds[0];
}

/* It is heard before the answer, which is waited for by then. */
static inline void fake_vhost_say_changed(struct fake_vhost *server)
{
	const struct vhost_user_header changed = {BACKEND_CONFIG_CHANGE, HEADER_VERSION, 0};

	fake_vhost_send(server->backend, &changed, sizeof(changed), NULL, 0);
	usleep(10000);
}

/* Sets what is set; whether there is an answer of its own, how large, with which descriptor. */
static inline bool fake_vhost_do(struct fake_vhost *server, struct fake_vhost_message *message,
				 uint32_t *size, int *fd)
{
	struct fake_vhost_ring *ring;

	*size = sizeof(message->u64);
	switch (message->header.request) {
	case GET_FEATURES:
		message->u64 = server->features;
		return true;
	case GET_PROTOCOL_FEATURES:
		message->u64 = server->protocol;
		return true;
	case GET_QUEUE_NUM:
		message->u64 = server->queues;
		return true;
	case GET_MAX_MEM_SLOTS:
		message->u64 = server->slots;
		return true;
	case GET_CONFIG:
		if (server->restless)
			fake_vhost_say_changed(server);
		*size = message->header.size;
		if (message->header.size - 12 > server->config_size) {
			*size = server->says_none ? 12 : 0;
			message->state.num = 0; /* where the size is */
		} else {
			memcpy(message->bytes + 12, server->config, message->header.size - 12);
		}
		message->state.index += server->lies;
		return true;
	case SET_FEATURES:
		server->set_features = message->u64;
		break;
	case SET_PROTOCOL_FEATURES:
		server->set_protocol = message->u64;
		break;
	case SET_MEM_TABLE:
		server->region_count = 0;
		ck_assert_uint_eq(message->state.index, message->fd_count);
		for (unsigned int i = 0; i < message->fd_count; i++)
			fake_vhost_add_region(server, message->bytes + 8 + 32 * (size_t)i,
					      message->fds[i]);
		for (unsigned int i = 0; i < message->fd_count; i++)
			fd_close(&message->fds[i]);
		break;
	case ADD_MEM_REG:
		ck_assert_uint_eq(message->fd_count, 1);
		fake_vhost_add_region(server, message->bytes + 8, message->fds[0]);
		fd_close(&message->fds[0]);
		break;
	case SET_VRING_NUM:
		fake_vhost_ring(server, message->state.index)->size = message->state.num;
		break;
	case SET_VRING_BASE:
		fake_vhost_ring(server, message->state.index)->base = message->state.num;
		break;
	case SET_VRING_ADDR:
		fake_vhost_ring(server, message->addresses.index)->addresses = message->addresses;
		break;
	case SET_VRING_CALL:
		fake_vhost_take_fd(&fake_vhost_ring(server, message->u64)->call, message);
		break;
	case SET_VRING_KICK:
		fake_vhost_take_fd(&fake_vhost_ring(server, message->u64)->kick, message);
		fake_vhost_ring(server, message->u64)->started = true;
		break;
	case SET_VRING_ENABLE:
		fake_vhost_ring(server, message->state.index)->enabled = message->state.num;
		break;
	case GET_VRING_BASE:
		ring = fake_vhost_ring(server, message->state.index);
		message->state.num = ring->base;
		ring->started = false;
		usleep(server->slow_ms * 1000);
		return true;
	case GET_INFLIGHT_FD:
		memcpy(&server->inflight_queues, message->bytes + 16, 2);
		memcpy(&server->inflight_size, message->bytes + 18, 2);
		store_le64(message->bytes, FAKE_INFLIGHT);
		*fd = server->slow_file ? dup(STDERR_FILENO)
					: memfd_create("inflight", MFD_CLOEXEC);
		ck_assert(server->slow_file || ftruncate(*fd, FAKE_INFLIGHT) == 0);
		*size = 24;
		return true;
	case SET_BACKEND_REQ_FD:
		fake_vhost_take_fd(&server->backend, message);
		break;
	case SET_INFLIGHT_FD:
		ck_assert_uint_eq(message->fd_count, 1);
		fd_close(&message->fds[0]);
		break;
	}
	message->u64 = message->header.request == SET_PROTOCOL_FEATURES ? 0 : server->refusal;
	return message->header.flags & HEADER_NEED_REPLY;
}

static inline bool fake_vhost_hear(struct fake_vhost *server)
{
	struct fake_vhost_message message;
	uint32_t size;
	int fd = -1;
	bool on = true;

	if (!fake_vhost_receive(server, &message))
		return false;
	pthread_mutex_lock(&server->lock);
	ck_assert_uint_lt(message.header.request, FAKE_REQUESTS);
	ck_assert_uint_eq(message.header.flags & HEADER_VERSION_MASK, HEADER_VERSION);
	server->heard[message.header.request]++;
	if (fake_vhost_do(server, &message, &size, &fd))
		on = fake_vhost_answer(server, &message, size, fd);
	fd_close(&fd);
	pthread_mutex_unlock(&server->lock);
	return on;
}

static inline void *fake_vhost_main(void *argument)
{
	struct fake_vhost *server = argument;
	bool on = true;

	if (server->listener >= 0) {
		int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

		pthread_mutex_lock(&server->lock);
		server->fd = fd;
		on = fd >= 0;
		pthread_mutex_unlock(&server->lock);
	}
	while (on) {
		struct pollfd polled[1 + FAKE_RINGS] = {{server->fd, POLLIN, 0}};

		for (unsigned int i = 0; i < FAKE_RINGS; i++)
			polled[1 + i] =
				(struct pollfd){server->rings[i].started ? server->rings[i].kick
									 : -1,
						POLLIN, 0};
		ck_assert_int_gt(poll(polled, 1 + FAKE_RINGS, -1), 0);
		for (unsigned int i = 0; i < FAKE_RINGS; i++)
			if (polled[1 + i].revents && fd_take(server->rings[i].kick)) {
				pthread_mutex_lock(&server->lock);
				fake_vhost_serve(server, &server->rings[i]);
				pthread_mutex_unlock(&server->lock);
			}
		if (polled[0].revents)
			on = fake_vhost_hear(server);
	}
	shutdown(server->fd, SHUT_RDWR);
	return NULL;
}

/* What a server of these days is. */
static inline void fake_vhost_init(struct fake_vhost *server)
{
	*server = (struct fake_vhost){
		.fd = -1,
		.listener = -1,
		.backend = -1,
		.features = UINT64_C(1) << VIRTIO_F_VERSION_1 | UINT64_C(1) << FEATURE_PROTOCOL,
		.protocol = UINT64_C(1) << PROTOCOL_MQ | UINT64_C(1) << PROTOCOL_REPLY_ACK |
			    UINT64_C(1) << PROTOCOL_CONFIG,
		.queues = 4,
		.slots = FAKE_REGIONS,
		.config_size = 60,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	for (unsigned int i = 0; i < FAKE_RINGS; i++)
		server->rings[i].kick = server->rings[i].call = -1;
}

/* Serves @fd, which is its own from then on. */
static inline void fake_vhost_serve_fd(struct fake_vhost *server, int fd)
{
	server->fd = fd;
	ck_assert_int_eq(pthread_create(&server->thread, NULL, fake_vhost_main, server), 0);
}

/* Begins it; the other end of its connection. */
static inline int fake_vhost_begin(struct fake_vhost *server)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	fake_vhost_serve_fd(server, ends[1]);
	return ends[0];
}

/* Begins it at @listener, which is its own from then on; nobody has connected yet. */
static inline void fake_vhost_begin_at(struct fake_vhost *server, int listener)
{
	server->listener = listener;
	fake_vhost_serve_fd(server, -1);
}

/* It dies, if it has not by itself. What it knew stays to be looked at. */
static inline void fake_vhost_end(struct fake_vhost *server)
{
	bool began;

	pthread_mutex_lock(&server->lock);
	began = server->fd >= 0 || server->listener >= 0;
	if (server->listener >= 0)
		shutdown(server->listener, SHUT_RDWR);
	if (server->fd >= 0)
		shutdown(server->fd, SHUT_RDWR);
	pthread_mutex_unlock(&server->lock);
	if (!began)
		return;
	pthread_join(server->thread, NULL);
	fd_close(&server->listener);
	fd_close(&server->backend);
	fd_close(&server->fd);
	for (unsigned int i = 0; i < FAKE_RINGS; i++) {
		fd_close(&server->rings[i].kick);
		fd_close(&server->rings[i].call);
	}
	for (unsigned int i = 0; i < server->region_count; i++)
		munmap(server->mapped[i], server->regions[i].size);
	server->region_count = 0;
}

static inline unsigned int fake_vhost_heard(struct fake_vhost *server,
					    enum vhost_user_request request)
{
	unsigned int count;

	pthread_mutex_lock(&server->lock);
	count = server->heard[request];
	pthread_mutex_unlock(&server->lock);
	return count;
}

#endif
