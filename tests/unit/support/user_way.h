/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest with a device that is a program, whose server listens at a path; for one program. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_USER_WAY_H
#define FERRY_TESTS_UNIT_SUPPORT_USER_WAY_H

#include <stdio.h>
#include <sys/un.h>

#include "tests/unit/support/fake_user.h"
#include "tests/unit/support/host.h"
#include "tests/unit/support/vfio_slots.h"

enum { USER_ID = 0x56781234 };

static char path[sizeof((struct sockaddr_un){0}.sun_path)];
static int listener;

static inline void way_set_up(void)
{
	fake_user_set_up();
	setup();
	snprintf(path, sizeof(path), "%s", fake_tree_path("server"));
}

/* The server ends with the guest. */
static inline void way_tear_down(void)
{
	vfio_stop(bench.vfio);
	pci_host_destroy(bench.host);
	vfio_destroy(bench.vfio);
	bench.host = NULL;
	bench.vfio = NULL;
	fake_user_close();
	ram_destroy(guest.ram);
	guest.ram = NULL;
	no_leaks();
	teardown();
	close(fake.file);
}

/* A socket that listens at @at. */
static inline int listen_at(const char *at)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, at, strlen(at) + 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

/* One client of @fd, which is closed then. */
static inline void serve_one(struct user_server *server, int fd)
{
	user_server_run(server, accept4(fd, NULL, NULL, SOCK_CLOEXEC));
	close(fd);
}

static inline void *listen_main(void *argument)
{
	serve_one(&fake.server, *(const int *)argument);
	return NULL;
}

/* A server that listens at the path. */
static inline void listen_there(void)
{
	listener = listen_at(path);
	ck_assert_int_eq(pthread_create(&fake.thread, NULL, listen_main, &listener), 0);
	fake.running = true;
}

static inline void wait_for_text(const char *text)
{
	for (int i = 0; i < 10000 && !strstr(guest.news, text); i++) {
		turn();
		usleep(1000);
	}
	ck_assert_msg(strstr(guest.news, text), "%s", guest.news);
}

#endif
