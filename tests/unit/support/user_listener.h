/* SPDX-License-Identifier: BSD-3-Clause */
/* A server of vfio-user that listens at a path, for one client, in a thread of a test's. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_USER_LISTENER_H
#define FERRY_TESTS_UNIT_SUPPORT_USER_LISTENER_H

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/user-server/server.h"
#include "tests/unit/support/fake_sysfs.h"

/* An NVMe controller's numbers; BAR 0 is by messages, BAR 4 a file whose second half is mapped. */
enum { LISTENER_REGISTERS = 0x1000, LISTENER_FILE = 0x4000 };

static struct {
	struct user_model model;
	struct user_server server;
	uint8_t registers[LISTENER_FILE];
	struct sockaddr_un address;
	int socket, file;
	pthread_t thread;
	bool running;
} listener;

static inline int listener_read(void *owner, uint64_t offset, void *data, uint32_t size)
{
	(void)owner;
	memcpy(data, listener.registers + offset, size);
	return 0;
}

static inline int listener_write(void *owner, uint64_t offset, const void *data, uint32_t size)
{
	(void)owner;
	memcpy(listener.registers + offset, data, size);
	return 0;
}

/* It listens at the made-up tree's `a.sock` and has taken nobody yet. */
static inline const char *listener_set_up(void)
{
	struct user_region region = {
		.size = LISTENER_REGISTERS,
		.read = listener_read,
		.write = listener_write,
	};

	memset(&listener, 0, sizeof(listener));
	user_model_identify(&listener.model, 0x144d, 0xa808, 0x01080201);
	user_model_add_bar(&listener.model, 0, USER_BAR_32, &region);
	region.size = LISTENER_FILE;
	region.fd = listener.file = memfd_create("file", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(listener.file, LISTENER_FILE), 0);
	region.area_count = 1;
	region.areas[0].offset = region.areas[0].size = LISTENER_FILE / 2;
	user_model_add_bar(&listener.model, 4, USER_BAR_64, &region);
	user_model_add_express(&listener.model);
	user_model_add_msix(&listener.model, 5, 0, 0x400, 0x800);
	user_server_init(&listener.server, &listener.model);
	listener.address.sun_family = AF_UNIX;
	snprintf(listener.address.sun_path, sizeof(listener.address.sun_path), "%s",
		 fake_tree_path("a.sock"));
	listener.socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener.socket, (struct sockaddr *)&listener.address,
			      sizeof(listener.address)),
			 0);
	ck_assert_int_eq(listen(listener.socket, 1), 0);
	return listener.address.sun_path;
}

static inline void *listener_main(void *argument)
{
	(void)argument;
	user_server_run(&listener.server, accept4(listener.socket, NULL, NULL, SOCK_CLOEXEC));
	return NULL;
}

/* It takes the next client. */
static inline void listener_begin(void)
{
	ck_assert_int_eq(pthread_create(&listener.thread, NULL, listener_main, NULL), 0);
	listener.running = true;
}

/* Its client has gone. */
static inline void listener_end(void)
{
	if (listener.running)
		pthread_join(listener.thread, NULL);
	listener.running = false;
}

static inline void listener_tear_down(void)
{
	listener_end();
	close(listener.socket);
	close(listener.file);
}

#endif
