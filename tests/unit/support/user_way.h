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
	snprintf(path, sizeof(path), "/tmp/ferry-test-way-%d", getpid());
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
	unlink(path);
}

static inline void *listen_main(void *argument)
{
	(void)argument;
	user_server_run(&fake.server, accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	close(listener);
	return NULL;
}

/* A server that listens at the path. */
static inline void listen_there(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, path, sizeof(path));
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(pthread_create(&fake.thread, NULL, listen_main, NULL), 0);
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
