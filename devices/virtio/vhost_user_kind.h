/* SPDX-License-Identifier: BSD-3-Clause */
/* Kinds of devices that a vhost-user server can be: what the front end must know of each. */

#ifndef FERRY_DEVICES_VIRTIO_VHOST_USER_KIND_H
#define FERRY_DEVICES_VIRTIO_VHOST_USER_KIND_H

#include "devices/virtio/device.h"

enum { VHOST_USER_TAG_MAX = 36 };

/* What the user has asked for. */
struct vhost_user_choice {
	const char *tag;     /* of file systems, at most VHOST_USER_TAG_MAX bytes; NULL: none */
	unsigned int queues; /* of those that can be several; 0: one */
	bool has_mac;        /* a network card's address is `mac`; otherwise the driver's choice */
	uint8_t mac[6];
	unsigned int mtu; /* of a network card; 0: it is not told of one */
};

struct vhost_user_kind {
	const char *name;         /* NULL: by its number alone */
	uint16_t id;              /* VIRTIO 1.2 5 */
	uint32_t class_code;      /* of the PCI function */
	unsigned int queues;      /* that it has in any case */
	unsigned int most;        /* of those besides that the user may have; 0: none */
	unsigned int config_size; /* bytes */
	bool asks;                /* the server is asked for them; otherwise they are made here */
	bool tagged;
	uint64_t withheld; /* features that need more of a front end than this one is */
	/* What is this end's: in the configuration, and features that no server knows of. */
	void (*fill)(struct virtio_device *device, const struct vhost_user_choice *choice);
};

/* The kind of that name, or of that number in decimal into *@numbered; NULL: there is none. */
const struct vhost_user_kind *vhost_user_find_kind(const char *name,
						   struct vhost_user_kind *numbered);

/* Of all queues with these many of the user's choice. */
unsigned int vhost_user_count_queues(const struct vhost_user_kind *kind, unsigned int chosen);

/* "blk, fs, net" and so on, for a person. */
const char *vhost_user_kind_names(void);

#endif
