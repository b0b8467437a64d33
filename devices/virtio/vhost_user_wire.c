/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages to a vhost-user server and its answers: whole, in time, and nothing else. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "devices/virtio/vhost_user_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/fd.h"

/* For a person. */
static const char *wire_name(enum vhost_user_request request)
{
	static const char *const names[] = {
		[GET_FEATURES] = "GET_FEATURES",
		[SET_FEATURES] = "SET_FEATURES",
		[SET_OWNER] = "SET_OWNER",
		[SET_MEM_TABLE] = "SET_MEM_TABLE",
		[SET_VRING_NUM] = "SET_VRING_NUM",
		[SET_VRING_ADDR] = "SET_VRING_ADDR",
		[SET_VRING_BASE] = "SET_VRING_BASE",
		[GET_VRING_BASE] = "GET_VRING_BASE",
		[SET_VRING_KICK] = "SET_VRING_KICK",
		[SET_VRING_CALL] = "SET_VRING_CALL",
		[GET_PROTOCOL_FEATURES] = "GET_PROTOCOL_FEATURES",
		[SET_PROTOCOL_FEATURES] = "SET_PROTOCOL_FEATURES",
		[GET_QUEUE_NUM] = "GET_QUEUE_NUM",
		[SET_VRING_ENABLE] = "SET_VRING_ENABLE",
		[SET_BACKEND_REQ_FD] = "SET_BACKEND_REQ_FD",
		[GET_CONFIG] = "GET_CONFIG",
		[GET_INFLIGHT_FD] = "GET_INFLIGHT_FD",
		[SET_INFLIGHT_FD] = "SET_INFLIGHT_FD",
		[RESET_DEVICE] = "RESET_DEVICE",
		[GET_MAX_MEM_SLOTS] = "GET_MAX_MEM_SLOTS",
		[ADD_MEM_REG] = "ADD_MEM_REG",
	};

	return names[request];
}

/* What one exchange is about: when it must be over, and what a person is told it was. */
struct wire {
	struct vhost_user *user;
	const char *name;
	int64_t patience_ms, deadline;
};

static int wire_fail(const struct wire *wire, int rc, struct err *err)
{
	if (rc == -ECONNRESET || rc == -EPIPE)
		return err_set(err, rc, "its server has ended the connection (%s)", wire->name);
	return err_set(err, rc, "its server: %s: %s", wire->name, err_text(rc));
}

/*
 * Whoever else is watched is heard meanwhile, and what the server says of its own: it may wait for
 * that before it answers. Whether there is something of the server's.
 */
static int wire_poll(const struct wire *wire, short events)
{
	const struct vhost_user_watch *watch = &wire->user->watch;
	struct pollfd polled[] = {
		{wire->user->fd, events, 0},
		{watch->heard ? watch->fd : -1, POLLIN, 0},
		{wire->user->backend, POLLIN, 0}, /* one that is negative is left out */
	};
	struct err err = {0};
	int64_t left = wire->deadline - clock_now_ms();

	if (left <= 0)
		return -ETIMEDOUT;
	if (poll(polled, ARRAY_SIZE(polled), (int)left) < 0)
		return errno == EINTR ? 0 : -errno;
	if (polled[1].revents)
		watch->heard(watch->owner);
	if (polled[2].revents && vhost_user_hear_backend(wire->user, &err))
		return err.code;
	return polled[0].revents != 0;
}

static int wire_wait(const struct wire *wire, short events, struct err *err)
{
	int rc;

	do {
		rc = wire_poll(wire, events);
	} while (!rc);
	if (rc == -ETIMEDOUT)
		return err_set(err, rc,
			       "its server has not answered %s within %" PRId64
			       " s: look at what it waits for, or start it again",
			       wire->name, wire->patience_ms / 1000);
	return rc < 0 ? wire_fail(wire, rc, err) : 0;
}

static void wire_add_fds(struct msghdr *header, const int *fds, unsigned int count)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);

	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(control), fds, count * sizeof(int));
}

/* All @size bytes; the descriptors go with the first of them. */
static int wire_send(const struct wire *wire, const void *bytes, size_t size, const int *fds,
		     unsigned int fd_count, struct err *err)
{
	char room[CMSG_SPACE(MESSAGE_FDS_MAX * sizeof(int))] __attribute__((aligned(8))) = {0};
	size_t sent = 0;

	while (sent < size) {
		struct iovec rest = {(char *)bytes + sent, size - sent};
		struct msghdr header = {.msg_iov = &rest, .msg_iovlen = 1};
		ssize_t n;

		if (fd_count && !sent) {
			header.msg_control = room;
			header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
			wire_add_fds(&header, fds, fd_count);
		}
		n = sendmsg(wire->user->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			sent += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return wire_fail(wire, n ? -errno : -EPIPE, err);
		else if (wire_wait(wire, POLLOUT, err))
			return err->code;
	}
	return 0;
}

/* The one that came with a message, or -1. */
static int wire_take_fd(struct msghdr *header)
{
	const struct cmsghdr *control = CMSG_FIRSTHDR(header);
	int fd;

	if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS ||
	    control->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -1;
	memcpy(&fd, CMSG_DATA(control), sizeof(fd));
	return fd;
}

/*
 * All @size bytes, and a descriptor with the first of them into *@fd; NULL: none is let in. What
 * came would have to be closed, which may take as long as its own file system likes: what there is
 * no room for the kernel drops.
 */
static int wire_receive(const struct wire *wire, void *bytes, size_t size, int *fd, struct err *err)
{
	char room[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	size_t received = 0;

	while (received < size) {
		bool takes = fd && !received;
		struct iovec rest = {(char *)bytes + received, size - received};
		struct msghdr header = {
			.msg_iov = &rest,
			.msg_iovlen = 1,
			.msg_control = takes ? room : NULL,
			.msg_controllen = takes ? CMSG_LEN(sizeof(int)) : 0,
		};
		ssize_t n = recvmsg(wire->user->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n >= 0 && takes)
			*fd = wire_take_fd(&header);
		if (n >= 0 && header.msg_flags & MSG_CTRUNC)
			return err_set(err, -EPROTO,
				       "its server has answered %s with descriptors, not %d",
				       wire->name, fd ? 1 : 0);
		if (n > 0)
			received += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return wire_fail(wire, n ? -errno : -ECONNRESET, err);
		else if (wire_wait(wire, POLLIN, err))
			return err->code;
	}
	return 0;
}

static int wire_check_header(const struct wire *wire, const struct vhost_user_header *header,
			     enum vhost_user_request request,
			     const struct vhost_user_answer *answer, struct err *err)
{
	if (header->request != request || !(header->flags & HEADER_REPLY) ||
	    (header->flags & HEADER_VERSION_MASK) != HEADER_VERSION)
		return err_set(err, -EPROTO,
			       "its server has answered %s with message %" PRIu32
			       ", flags 0x%" PRIx32 ": that is no answer to it",
			       wire->name, header->request, header->flags);
	if (header->size < answer->least || header->size > answer->size)
		return err_set(err, -EPROTO,
			       "its server has answered %s with %" PRIu32 " bytes, not %" PRIu32,
			       wire->name, header->size, answer->size);
	return 0;
}

/* Or of tmpfs or hugetlbfs (fcntl(2)). */
static bool wire_is_memory(int fd)
{
	return fd >= 0 && fcntl(fd, F_GET_SEALS) >= 0;
}

static int wire_answer(const struct wire *wire, enum vhost_user_request request,
		       struct vhost_user_answer *answer, struct err *err)
{
	struct vhost_user_header header;
	int fd = -1;
	int rc = wire_receive(wire, &header, sizeof(header), answer->fd ? &fd : NULL, err);

	if (!rc)
		rc = wire_check_header(wire, &header, request, answer, err);
	if (!rc)
		rc = wire_receive(wire, answer->payload, header.size, NULL, err);
	if (!rc && answer->fd && !wire_is_memory(fd))
		rc = err_set(err, -EPROTO,
			     "its server has answered %s with no descriptor of a file in memory",
			     wire->name);
	if (!rc && answer->fd)
		*answer->fd = fd;
	/* One of another kind stays open, see wire_receive(). */
	else if (wire_is_memory(fd))
		fd_close(&fd);
	answer->came = rc ? 0 : header.size;
	return rc;
}

static int wire_exchange(struct vhost_user *user, const struct vhost_user_message *message,
			 uint32_t flags, struct vhost_user_answer *answer, struct err *err)
{
	const struct vhost_user_header header = {
		.request = message->request,
		.flags = HEADER_VERSION | flags,
		.size = message->size,
	};
	struct wire wire = {
		.user = user,
		.name = wire_name(message->request),
		.patience_ms = user->patience_ms,
	};
	char bytes[sizeof(header) + MESSAGE_MAX];
	int rc;

	if (!wire.patience_ms)
		wire.patience_ms =
			answer && answer->patience_ms ? answer->patience_ms : VHOST_USER_WAIT_MS;
	wire.deadline = answer && answer->until ? answer->until : clock_now_ms() + wire.patience_ms;
	memcpy(bytes, &header, sizeof(header));
	if (message->size)
		memcpy(bytes + sizeof(header), message->payload, message->size);
	rc = wire_send(&wire, bytes, sizeof(header) + message->size, message->fds,
		       message->fd_count, err);
	return rc || !answer ? rc : wire_answer(&wire, message->request, answer, err);
}

int vhost_user_talk(struct vhost_user *user, const struct vhost_user_message *message,
		    struct vhost_user_answer *answer, struct err *err)
{
	return wire_exchange(user, message, 0, answer, err);
}

int vhost_user_tell(struct vhost_user *user, const struct vhost_user_message *message,
		    struct err *err)
{
	uint64_t refusal = 0;
	struct vhost_user_answer answer = {
		.payload = &refusal,
		.least = sizeof(refusal),
		.size = sizeof(refusal),
	};
	int rc;

	if (!vhost_user_has(user, PROTOCOL_REPLY_ACK))
		return wire_exchange(user, message, 0, NULL, err);
	rc = wire_exchange(user, message, HEADER_NEED_REPLY, &answer, err);
	if (rc || !refusal)
		return rc;
	return err_set(err, -EREMOTEIO,
		       "its server has refused %s (%" PRIu64 "): its own messages say why",
		       wire_name(message->request), refusal);
}

static void wire_acknowledge(int fd, uint32_t request)
{
	struct __attribute__((packed)) {
		struct vhost_user_header header;
		uint64_t refusal;
	} answer = {
		.header = {request, HEADER_VERSION | HEADER_REPLY, sizeof(uint64_t)},
	};
	struct iovec part = {&answer, sizeof(answer)};
	const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	/* One that does not read its answers does without. */
	if (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

int vhost_user_hear_backend(struct vhost_user *user, struct err *err)
{
	struct vhost_user_header header = {0};
	struct iovec part = {&header, sizeof(header)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n = recvmsg(user->backend, &message, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	/* It has nothing more to say. */
	if (n <= 0) {
		fd_close(&user->backend);
		return 0;
	}
	if (n != sizeof(header) || message.msg_flags & MSG_CTRUNC ||
	    (header.flags & HEADER_VERSION_MASK) != HEADER_VERSION ||
	    header.request != BACKEND_CONFIG_CHANGE || header.size)
		return err_set(err, -EPROTO,
			       "its server has asked for what nobody offers (message %" PRIu32 ")",
			       header.request);
	user->changed = true;
	if (header.flags & HEADER_NEED_REPLY)
		wire_acknowledge(user->backend, header.request);
	return 0;
}

int vhost_user_hear(struct vhost_user *user, struct err *err)
{
	char byte;
	struct iovec part = {&byte, sizeof(byte)};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n = recvmsg(user->fd, &header, MSG_DONTWAIT);

	if (n > 0)
		return err_set(err, -EPROTO, "its server has sent what nobody asked for");
	if (n < 0 && errno != ECONNRESET)
		return err_set(err, -errno, "its server: %s", err_text(errno));
	return err_set(err, -ECONNRESET, "its server has ended the connection");
}
