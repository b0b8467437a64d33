/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of a server of vfio-user, as they should be, and as a test wants them. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/support/user-server/server_private.h"

enum { WIRE_FDS = SERVER_FDS + 4 };

static void wire_take_fds(struct msghdr *header, struct server_message *message)
{
	const struct cmsghdr *control = CMSG_FIRSTHDR(header);

	message->fd_count = 0;
	if (!control || control->cmsg_type != SCM_RIGHTS)
		return;
	message->fd_count = (unsigned int)((control->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(message->fds, CMSG_DATA(control), message->fd_count * sizeof(int));
}

bool server_receive(int socket, struct server_message *message)
{
	char room[CMSG_SPACE(SERVER_FDS * sizeof(int))] __attribute__((aligned(8)));
	struct iovec part = {&message->header, sizeof(message->header)};
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = CMSG_LEN(SERVER_FDS * sizeof(int)),
	};

	if (recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_WAITALL) !=
	    (ssize_t)sizeof(message->header))
		return false;
	wire_take_fds(&header, message);
	message->size = message->header.size - (uint32_t)sizeof(message->header);
	if (message->header.size < sizeof(message->header) || message->size > SERVER_PAYLOAD)
		return false;
	return !message->size ||
	       recv(socket, message->payload, message->size, MSG_WAITALL) == (ssize_t)message->size;
}

static bool wire_send(int socket, struct iovec *parts, size_t count, const int *fds,
		      unsigned int fd_count)
{
	char room[CMSG_SPACE(WIRE_FDS * sizeof(int))] __attribute__((aligned(8))) = {0};
	struct msghdr header = {.msg_iov = parts, .msg_iovlen = count};
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		size += parts[i].iov_len;
	if (fd_count) {
		struct cmsghdr *control;

		header.msg_control = room;
		header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		control = CMSG_FIRSTHDR(&header);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(control), fds, fd_count * sizeof(int));
	}
	return sendmsg(socket, &header, MSG_NOSIGNAL) == (ssize_t)size;
}

bool server_send(int socket, const struct server_header *header, const struct server_answer *answer)
{
	struct iovec parts[] = {
		{(void *)header, sizeof(*header)},
		{(void *)answer->head, answer->head_size},
		{(void *)answer->data, answer->data_size},
	};

	return wire_send(socket, parts, 3, answer->fds, answer->fd_count);
}

void server_close_fds(struct server_message *message)
{
	for (unsigned int i = 0; i < message->fd_count; i++)
		if (message->fds[i] >= 0)
			close(message->fds[i]);
	message->fd_count = 0;
}

bool server_is_at(const struct user_server *server, const struct server_message *message,
		  enum user_fault fault)
{
	unsigned int command = message->header.command;

	return server->fault == fault && command == server->at &&
	       atomic_load(&server->heard[command]) > server->skip;
}

/* Whether the connection goes on. */
static bool wire_end_early(struct user_server *server, const struct server_header *header)
{
	struct iovec part = {(void *)header, sizeof(*header) / 2};

	if (server->fault == USER_FAULT_SHORT)
		(void)!wire_send(server->socket, &part, 1, NULL, 0);
	return server->fault == USER_FAULT_LATE;
}

static bool wire_send_unasked(struct user_server *server)
{
	const struct server_header header = {
		.id = 9,
		.command = 99,
		.size = sizeof(header),
		.flags = FLAG_NO_REPLY,
	};

	return server_send(server->socket, &header, &(struct server_answer){0});
}

/* As the fault would have it, but for the bytes that come after it. */
static void wire_spoil(const struct user_server *server, struct server_header *header,
		       struct server_answer *answer)
{
	static const char more[SERVER_DATA + 1];

	switch (server->fault) {
	case USER_FAULT_ID:
		header->id ^= 0x100;
		break;
	case USER_FAULT_COMMAND:
		header->command = header->command == COMMAND_READ ? COMMAND_WRITE : COMMAND_READ;
		break;
	case USER_FAULT_SMALL:
		header->size--;
		if (answer->data_size)
			answer->data_size--;
		else
			answer->head_size--;
		break;
	case USER_FAULT_LARGE:
		header->size++;
		answer->data = more;
		answer->data_size++;
		break;
	case USER_FAULT_HUGE:
		header->size = UINT32_MAX;
		break;
	case USER_FAULT_TINY:
		header->size = 8;
		break;
	case USER_FAULT_NO_FD:
		answer->fd_count = 0;
		break;
	case USER_FAULT_ERROR_DATA:
		header->flags |= FLAG_ERROR;
		header->error = EINVAL;
		answer->fd_count = 0;
		break;
	default:
		break;
	}
}

/* With descriptors that do not belong there. */
static bool wire_send_fds(const struct user_server *server, const struct server_header *header,
			  struct server_answer *answer)
{
	unsigned int count = server->fault == USER_FAULT_FDS ? 3 : 1;
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool sent;

	for (unsigned int i = 0; i < count; i++)
		answer->fds[i] = fd;
	answer->fd_count = count;
	sent = server_send(server->socket, header, answer);
	close(fd);
	return sent;
}

/* What it does in the place of the answer, or as it. */
static bool wire_misbehave(struct user_server *server, struct server_header *header,
			   struct server_answer *answer)
{
	switch (server->fault) {
	case USER_FAULT_LATE:
	case USER_FAULT_SHORT:
	case USER_FAULT_DIES:
		return wire_end_early(server, header);
	case USER_FAULT_FDS:
	case USER_FAULT_FD:
		return wire_send_fds(server, header, answer);
	case USER_FAULT_DEVICE:
		return answer->fd_count ? wire_send_fds(server, header, answer)
					: server_send(server->socket, header, answer);
	case USER_FAULT_TWICE:
		return server_send(server->socket, header, answer) &&
		       server_send(server->socket, header, answer);
	case USER_FAULT_TALKS:
		while (wire_send_unasked(server))
			continue;
		return false;
	case USER_FAULT_UNASKED:
		return wire_send_unasked(server) && server_send(server->socket, header, answer);
	default:
		wire_spoil(server, header, answer);
		return server_send(server->socket, header, answer);
	}
}

bool server_answer(struct user_server *server, const struct server_message *message, int rc,
		   struct server_answer *answer)
{
	struct server_header header = {
		.id = message->header.id,
		.command = message->header.command,
		.flags = FLAG_REPLY,
	};
	bool bad = server_is_at(server, message, server->fault) && server->fault != USER_FAULT_NONE;

	if (message->header.flags & FLAG_NO_REPLY && !bad)
		return true;
	usleep(1000 * server->slow_ms);
	if (rc) {
		header.flags |= FLAG_ERROR;
		header.error = (uint32_t)-rc;
		*answer = (struct server_answer){0};
	}
	header.size = (uint32_t)sizeof(header) + answer->head_size + answer->data_size;
	return bad ? wire_misbehave(server, &header, answer)
		   : server_send(server->socket, &header, answer);
}
