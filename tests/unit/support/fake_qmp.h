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
	char heard[1024];
	struct local_name name;
} fake_qmp;

static bool fake_qmp_hangs; /* it says the last and does not close */

static inline void fake_qmp_serve(int client)
{
	FILE *in = fdopen(client, "r");
	char line[256];

	for (size_t i = 0; fake_qmp.said[i]; i++) {
		if (i > 0) {
			if (!fgets(line, sizeof(line), in))
				break;
			strcat(fake_qmp.heard, line);
		}
		if (send(client, fake_qmp.said[i], strlen(fake_qmp.said[i]), MSG_NOSIGNAL) < 0)
			break;
	}
	while (fake_qmp_hangs && fgets(line, sizeof(line), in))
		;
	fclose(in);
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
