/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of a device that another process serves share: servers, the device, its driver. */

#ifndef FERRY_TESTS_UNIT_DEVICES_VIRTIO_TEST_VHOST_USER_DEVICE_H
#define FERRY_TESTS_UNIT_DEVICES_VIRTIO_TEST_VHOST_USER_DEVICE_H

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <stdio.h>
#include <sys/un.h>

#include "devices/virtio/vhost_user_device_private.h"
#include "tests/unit/support/fake_vhost_user.h"
#include "tests/unit/support/fake_virtio.h"
#include "tests/unit/support/host.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"

enum { RING_SIZE = 16 };

static const uint64_t offered = UINT64_C(1) << VIRTIO_F_VERSION_1 |
				UINT64_C(1) << FEATURE_PROTOCOL | UINT64_C(1) << VIRTIO_BLK_F_MQ |
				UINT64_C(1) << VIRTIO_BLK_F_FLUSH;

static char folder[] = "/tmp/ferry-vhost-XXXXXX";
static char path[sizeof(folder) + 8];
static struct fake_vhost server, next_server;
static struct vhost_user_config config;
static struct virtio_bench *bench;
static struct err err;

static inline void choose(const char *kind)
{
	config.kind = vhost_user_find_kind(kind, &config.numbered);
	ck_assert_ptr_nonnull(config.kind);
}

static inline void set_up(void)
{
	err = (struct err){0};
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sock", folder);
	fake_vhost_init(&server);
	fake_vhost_init(&next_server);
	server.features = next_server.features = offered;
	config = (struct vhost_user_config){.fd = -1};
	choose("blk");
}

static inline void tear_down(void)
{
	if (bench)
		virtio_bench_destroy(bench);
	bench = NULL;
	fake_vhost_end(&server);
	fake_vhost_end(&next_server);
	unlink(path);
	rmdir(folder);
}

static inline int listen_there(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	unlink(path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

/* Of each answer; 0: as it is. */
static int64_t patience_ms;

static inline void begin_device(void)
{
	struct virtio_device *device = vhost_user_create(&config, 3, &err);

	ck_assert_msg(device, "%s", err.text);
	container_of(device, struct vhost_user_device, device)->user.patience_ms = patience_ms;
	bench = virtio_bench_create(device);
	ck_assert_msg(device->ops->begin(device, &err) == 0, "%s", err.text);
}

/* With a connection that somebody else has made, or by its name. */
static inline void begin(void)
{
	config.fd = fake_vhost_begin(&server);
	begin_device();
}

static inline void begin_by_name(void)
{
	fake_vhost_begin_at(&server, listen_there());
	config.path = path;
	begin_device();
}

static inline void drive(void)
{
	virtio_drive(bench, virtio_offered(bench), RING_SIZE);
}

/* Offers a chain of one buffer, which the server gives back as it is. */
static inline void send_chain(unsigned int queue, unsigned int head)
{
	driver_describe(&bench->queues[queue], head, DRIVER_TABLES, 16, VRING_DESC_F_WRITE, 0);
	driver_offer(&bench->queues[queue], head);
	virtio_kick(bench, queue);
}

static inline void is_served(unsigned int queue, unsigned int head)
{
	uint32_t written;

	send_chain(queue, head);
	ck_assert_uint_eq(virtio_await(bench, queue, &written), head);
	ck_assert_uint_eq(written, 1);
}

static inline bool needs_reset(void)
{
	return virtio_status(bench) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static inline struct vhost_user_device *of_bench(void)
{
	return container_of(bench->device, struct vhost_user_device, device);
}

static inline bool is_gone(void)
{
	return atomic_load(&bench->device->gone);
}

static inline void await_need(void)
{
	for (unsigned int i = 0; !needs_reset(); i++) {
		ck_assert_uint_lt(i, VIRTIO_WAIT_MS);
		usleep(1000);
	}
}

/* Whether the server has heard that so often, in a while. */
static inline void await_heard(struct fake_vhost *of, enum vhost_user_request request,
			       unsigned int count)
{
	for (unsigned int i = 0; fake_vhost_heard(of, request) < count; i++) {
		ck_assert_uint_lt(i, VIRTIO_WAIT_MS);
		usleep(1000);
	}
}

#endif
