/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vhost-user server that sends anything and then hangs up, while a front end begins with it and
 * asks for all there is. Whatever comes leaves no descriptor open.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "devices/virtio/vhost_user_private.h"
#include "tests/fuzz/input.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

enum { PART_MAX = 600, FDS_MAX = 10, ANSWER_MAX = 255 };

static struct input input;
static int file; /* of memory, which is let in where one is wanted */

/* A part of the input with so many descriptors. */
static void send_part(int fd)
{
	char room[CMSG_SPACE(FDS_MAX * sizeof(int))] __attribute__((aligned(8))) = {0};
	unsigned int fds = take8(&input) % (2 * FDS_MAX);
	uint8_t bytes[PART_MAX];
	struct iovec part = {bytes, take16(&input) % PART_MAX + 1};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	for (size_t i = 0; i < part.iov_len; i++)
		bytes[i] = take8(&input);
	if (fds > 0 && fds <= FDS_MAX) {
		struct cmsghdr *control;

		header.msg_control = room;
		header.msg_controllen = CMSG_SPACE(fds * sizeof(int));
		control = CMSG_FIRSTHDR(&header);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(fds * sizeof(int));
		for (unsigned int i = 0; i < fds; i++)
			memcpy(CMSG_DATA(control) + i * sizeof(int), &file, sizeof(file));
	}
	require(sendmsg(fd, &header, MSG_DONTWAIT) > 0);
}

/* The answer that is wanted, so that what comes behind it is looked at too. */
static void send_answer(int fd)
{
	uint8_t bytes[sizeof(struct vhost_user_header) + ANSWER_MAX] = {0};
	struct vhost_user_header header = {
		.request = take8(&input) % 40,
		.flags = HEADER_VERSION | HEADER_REPLY,
		.size = take8(&input),
	};

	memcpy(bytes, &header, sizeof(header));
	for (uint32_t i = 0; i < header.size; i++)
		bytes[sizeof(header) + i] = take8(&input);
	require(send(fd, bytes, sizeof(header) + header.size, MSG_DONTWAIT) > 0);
}

static int ask_all(struct vhost_user *user, struct err *err)
{
	struct vhost_user_inflight inflight = {.fd = -1};
	const struct vhost_user_queue queue = {.place = {.size = 16}, .kick = 0, .call = 0};
	uint8_t config[VHOST_USER_CONFIG_MAX];
	uint16_t base = 0;
	int rc = vhost_user_get_config(user, config, 60, err);

	if (!rc)
		rc = vhost_user_set_features(user, 0, err);
	if (!rc && vhost_user_tracks(user))
		rc = vhost_user_get_inflight(user, 1, 16, &inflight, err);
	require(rc || !vhost_user_tracks(user) || inflight.fd >= 0);
	if (!rc && vhost_user_tracks(user))
		rc = vhost_user_set_inflight(user, &inflight, err);
	if (!rc)
		rc = vhost_user_start_queue(user, &queue, err);
	if (!rc)
		rc = vhost_user_stop_queue(user, 0, 0, &base, err);
	if (!rc)
		rc = vhost_user_hear(user, err);
	fd_close(&inflight.fd);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vhost_user user = {.fd = -1, .backend = -1, .listens = true};
	struct err err = {0};
	unsigned int descriptors = open_descriptors();
	int ends[2], rc;

	input = (struct input){.bytes = data, .left = size};
	file = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	require(file >= 0 && ftruncate(file, 1 << 16) == 0);
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	for (unsigned int i = 0; i < 32 && input.left > 0; i++) {
		if (take8(&input) % 4 == 0)
			send_part(ends[1]);
		else
			send_answer(ends[1]);
	}
	shutdown(ends[1], SHUT_WR);
	rc = vhost_user_open(&user, ends[0], &err);
	if (!rc)
		rc = ask_all(&user, &err);
	/* In the end there is nobody any more. */
	require(rc < 0 && err.code == rc && err.text[0]);
	vhost_user_close(&user);
	require(user.fd < 0);
	close(ends[1]);
	close(file);
	require(open_descriptors() == descriptors);
	return 0;
}
