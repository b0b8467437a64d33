/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtio devices whose server the monitor starts itself: which program, and what it is told. */

#ifndef FERRY_VMM_SERVICE_H
#define FERRY_VMM_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/virtio/vhost_user_device.h"
#include "vmm/base/err.h"
#include "vmm/base/loop.h"
#include "vmm/program.h"
#include "vmm/suboptions.h"

enum service_kind {
	SERVICE_NONE,    /* somebody else has started it */
	SERVICE_FOLDER,  /* --share: virtiofsd */
	SERVICE_IMAGE,   /* --disk with a format: qemu-storage-daemon */
	SERVICE_NETWORK, /* --net user: passt */
};

enum { SERVICE_FORWARDS_MAX = 8, SERVICE_SPEC_MAX = 64 };

/* A port of the host's whose connections, or packets, are the guest's. */
struct service_forward {
	bool udp;
	uint8_t address[16]; /* of the host's: of IPv6, or one of IPv4 mapped to it (RFC 4291) */
	unsigned int port;
	char spec[SERVICE_SPEC_MAX]; /* "127.0.0.1/8080:80", as the program wants it */
};

struct service {
	enum service_kind kind;
	const char *path; /* the folder, the image */
	bool readonly;
	const char *format;      /* of an image */
	unsigned int block_size; /* of an image; 0: the program's own choice */
	struct service_forward forwards[SERVICE_FORWARDS_MAX]; /* of a network */
	unsigned int forward_count;
	const char *host; /* where a network has the host's loopback address; NULL: nowhere */
};

/* The option that asks for it, for a person. */
const char *service_option(enum service_kind kind);

/* The formats of images that have a server, "qcow2, vmdk" and so on, for a person. */
const char *service_formats(void);

/*
 * The parts of --share, of a --disk with format=, or of --net user, into @service and @device,
 * which has no connection yet; the strings stay those of @options. -EINVAL with @err saying what
 * there is.
 */
int service_parse_share(struct service *service, struct vhost_user_config *device,
			const struct suboptions *options, struct err *err) FERRY_MUST_CHECK;
int service_parse_image(struct service *service, struct vhost_user_config *device,
			const struct suboptions *options, struct err *err) FERRY_MUST_CHECK;
int service_parse_network(struct service *service, struct vhost_user_config *device,
			  const struct suboptions *options, struct err *err) FERRY_MUST_CHECK;

/*
 * -EINVAL with @err when forward @index of @service needs a port that one of @other's has, or one
 * before it where both are the same.
 */
int service_check_forward(const struct service *service, unsigned int index,
			  const struct service *other, struct err *err) FERRY_MUST_CHECK;

/* Where the program of such a device is, @path of PATH_MAX bytes. -ENOENT with @err. */
int service_find(enum service_kind kind, char path[], struct err *err) FERRY_MUST_CHECK;

/*
 * Starts the program, and has @device's `fd` be a connection to it; see program_start(). NULL with
 * @err.
 */
struct program *service_start(const struct service *service, struct vhost_user_config *device,
			      struct loop *loop, struct err *err);

#endif
