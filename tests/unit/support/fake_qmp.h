/* SPDX-License-Identifier: BSD-3-Clause */
/* A monitor at a control socket that says given lines, one before and one after each it is sent. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_QMP_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_QMP_H

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/support/scratch.h"
#include "vmm/base/fd.h"
#include "vmm/base/local.h"

#define QMP_HELLO "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\n"
#define QMP_DONE  "{\"return\": {}}\n"

static struct {
	char folder[32], path[64];
	int fd;
	pthread_t thread;
	const char *const *said; /* to each client, NULL at the end */
	char heard[4096];
	char passed[256]; /* what the descriptors that came are open on, a blank before each */
	struct local_name name;
} fake_qmp;

static bool fake_qmp_hangs; /* it says the last and does not close */

/* Notes the last part of the name of what was passed. */
static inline void fake_qmp_note(int fd)
{
	char link[64], path[256] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		path[0] = '\0';
	strcat(fake_qmp.passed, " ");
	strcat(fake_qmp.passed, strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	close(fd);
}

/* The next byte, with what came along; false at the end. */
static inline bool fake_qmp_take(int client, char *byte)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = byte, .iov_len = 1};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(client, &message, MSG_CMSG_CLOEXEC) != 1)
		return false;
	if (message.msg_controllen >= CMSG_LEN(sizeof(fd))) {
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
		fake_qmp_note(fd);
	}
	return true;
}

static inline bool fake_qmp_hear_line(int client)
{
	char byte = '\0';

	while (byte != '\n') {
		if (!fake_qmp_take(client, &byte))
			return false;
		strncat(fake_qmp.heard, &byte, 1);
	}
	return true;
}

static inline void fake_qmp_serve(int client)
{
	for (size_t i = 0; fake_qmp.said[i]; i++) {
		if (i > 0 && !fake_qmp_hear_line(client))
			break;
		if (send(client, fake_qmp.said[i], strlen(fake_qmp.said[i]), MSG_NOSIGNAL) < 0)
			break;
	}
	while (fake_qmp_hangs && fake_qmp_hear_line(client))
		;
	close(client);
}

static inline void *fake_qmp_main(void *unused)
{
	int client;

	(void)unused;
	while ((client = accept(fake_qmp.fd, NULL, NULL)) >= 0)
		fake_qmp_serve(client);
	return NULL;
}

static inline void fake_qmp_start(const char *const *said)
{
	struct sockaddr_un address;
	struct err why = {0};

	memset(&fake_qmp, 0, sizeof(fake_qmp));
	fake_qmp.said = said;
	snprintf(fake_qmp.folder, sizeof(fake_qmp.folder), "/tmp/ferry-qmp-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fake_qmp.folder));
	snprintf(fake_qmp.path, sizeof(fake_qmp.path), "%s/socket", fake_qmp.folder);
	fake_qmp.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(local_address(fake_qmp.path, &address, &why), 0);
	ck_assert_int_eq(local_bind(fake_qmp.fd, &address, 4, &fake_qmp.name, &why), 0);
	ck_assert_int_eq(listen(fake_qmp.fd, 4), 0);
	ck_assert_int_eq(pthread_create(&fake_qmp.thread, NULL, fake_qmp_main, NULL), 0);
}

/* The thread ends with the client that is there. */
static inline void fake_qmp_stop(void)
{
	shutdown(fake_qmp.fd, SHUT_RDWR);
	pthread_join(fake_qmp.thread, NULL);
	fd_close(&fake_qmp.fd);
	scratch_remove(fake_qmp.folder);
}

#endif
