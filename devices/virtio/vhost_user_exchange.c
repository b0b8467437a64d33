/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages to a vhost-user server and its answers: whole, in time, and nothing else. */

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "devices/virtio/vhost_user_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/fd.h"
#include "vmm/base/wire.h"

/* For a person. */
static const char *exchange_name(enum vhost_user_request request)
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
struct exchange {
	struct vhost_user *user;
	const char *name;
	int64_t patience_ms, deadline;
	struct err *err;
	bool told; /* in @err, while it waited */
};

/* Why it ends with @rc. */
static int exchange_fail(const struct exchange *exchange, int rc)
{
	const char *name = exchange->name;

	if (exchange->told)
		return rc;
	if (rc == -ECONNRESET || rc == -EPIPE)
		return err_set(exchange->err, rc, "its server has ended the connection (%s)", name);
	if (rc == -ETIMEDOUT)
		return err_set(exchange->err, rc,
			       "its server has not answered %s within %" PRId64
			       " s: look at what it waits for, or start it again",
			       name, exchange->patience_ms / 1000);
	if (rc == -EPROTO)
		return err_set(
			exchange->err, rc,
			"its server has answered %s with descriptors that do not belong there",
			name);
	return err_set(exchange->err, rc, "its server: %s: %s", name, err_text(rc));
}

/*
 * Whoever else is watched is heard meanwhile, and what the server says of its own: it may wait for
 * that before it answers.
 */
static int exchange_wait(void *owner, short events)
{
	struct exchange *exchange = owner;
	struct vhost_user *user = exchange->user;
	const struct vhost_user_watch *watch = &user->watch;
	struct pollfd polled[] = {
		{user->fd, events, 0},
		{watch->heard ? watch->fd : -1, POLLIN, 0},
		{user->backend, POLLIN, 0}, /* one that is negative is left out */
	};
	int64_t left = exchange->deadline - clock_now_ms();

	if (left <= 0)
		return -ETIMEDOUT;
	if (poll(polled, ARRAY_SIZE(polled), (int)left) < 0)
		return errno == EINTR ? 0 : -errno;
	if (polled[1].revents)
		watch->heard(watch->owner);
	if (!polled[2].revents || !vhost_user_hear_backend(user, exchange->err))
		return 0;
	exchange->told = true;
	return exchange->err->code;
}

static int exchange_receive(struct exchange *exchange, void *bytes, size_t size, int *fds,
			    unsigned int room)
{
	const struct wire wire = {exchange->user->fd, exchange_wait, exchange};
	int rc = wire_receive(&wire, bytes, size, fds, room);

	return rc ? exchange_fail(exchange, rc) : 0;
}

static int exchange_check_header(const struct exchange *exchange,
				 const struct vhost_user_header *header,
				 enum vhost_user_request request,
				 const struct vhost_user_answer *answer)
{
	if (header->request != request || !(header->flags & HEADER_REPLY) ||
	    (header->flags & HEADER_VERSION_MASK) != HEADER_VERSION)
		return err_set(exchange->err, -EPROTO,
			       "its server has answered %s with message %" PRIu32
			       ", flags 0x%" PRIx32 ": that is no answer to it",
			       exchange->name, header->request, header->flags);
	if (header->size < answer->least || header->size > answer->size)
		return err_set(exchange->err, -EPROTO,
			       "its server has answered %s with %" PRIu32 " bytes, not %" PRIu32,
			       exchange->name, header->size, answer->size);
	return 0;
}

static int exchange_answer(struct exchange *exchange, enum vhost_user_request request,
			   struct vhost_user_answer *answer)
{
	struct vhost_user_header header;
	int fd = -1;
	int rc = exchange_receive(exchange, &header, sizeof(header), &fd, answer->fd ? 1 : 0);

	if (!rc)
		rc = exchange_check_header(exchange, &header, request, answer);
	if (!rc)
		rc = exchange_receive(exchange, answer->payload, header.size, NULL, 0);
	if (!rc && answer->fd && !fd_is_memory(fd))
		rc = err_set(exchange->err, -EPROTO,
			     "its server has answered %s with no descriptor of a file in memory",
			     exchange->name);
	if (!rc && answer->fd)
		*answer->fd = fd;
	else
		wire_drop(&fd);
	answer->came = rc ? 0 : header.size;
	return rc;
}

static int64_t exchange_patience(const struct vhost_user *user,
				 const struct vhost_user_answer *answer)
{
	if (user->patience_ms)
		return user->patience_ms;
	return answer && answer->patience_ms ? answer->patience_ms : VHOST_USER_WAIT_MS;
}

static int exchange_do(struct vhost_user *user, const struct vhost_user_message *message,
		       uint32_t flags, struct vhost_user_answer *answer, struct err *err)
{
	struct vhost_user_header header = {
		.request = message->request,
		.flags = HEADER_VERSION | flags,
		.size = message->size,
	};
	struct iovec parts[] = {{&header, sizeof(header)},
				{(void *)message->payload, message->size}};
	struct exchange exchange = {
		.user = user,
		.name = exchange_name(message->request),
		.patience_ms = exchange_patience(user, answer),
		.err = err,
	};
	const struct wire wire = {user->fd, exchange_wait, &exchange};
	int rc;

	exchange.deadline =
		answer && answer->until ? answer->until : clock_now_ms() + exchange.patience_ms;
	rc = wire_send(&wire, parts, ARRAY_SIZE(parts), message->fds, message->fd_count);
	if (rc)
		return exchange_fail(&exchange, rc);
	return answer ? exchange_answer(&exchange, message->request, answer) : 0;
}

int vhost_user_talk(struct vhost_user *user, const struct vhost_user_message *message,
		    struct vhost_user_answer *answer, struct err *err)
{
	return exchange_do(user, message, 0, answer, err);
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
		return exchange_do(user, message, 0, NULL, err);
	rc = exchange_do(user, message, HEADER_NEED_REPLY, &answer, err);
	if (rc || !refusal)
		return rc;
	return err_set(err, -EREMOTEIO,
		       "its server has refused %s (%" PRIu64 "): its own messages say why",
		       exchange_name(message->request), refusal);
}

static void exchange_acknowledge(int fd, uint32_t request)
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
		exchange_acknowledge(user->backend, header.request);
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
