/* SPDX-License-Identifier: BSD-3-Clause */
/* Which processes have a device node open, known by its number: a name is anybody's to choose. */

#ifndef FERRY_VFIO_HOST_OPENERS_H
#define FERRY_VFIO_HOST_OPENERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct vfio_node {
	bool block;
	unsigned int major, minor, last_minor; /* a range of them */
};

struct vfio_opener {
	unsigned int process;
	size_t node;   /* index of the first that it has open */
	char name[64]; /* as the process calls itself */
};

/* The node at @path, as it is now; false when there is no device node. */
bool vfio_node_at(const char *path, struct vfio_node *node);

/*
 * The processes that have any of @nodes open, by the descriptors in @proc that this user may look
 * at; how many there are, at most @room being filled. A descriptor that only names its file
 * (O_PATH), which takes no permission to get, does not count.
 */
size_t vfio_openers(const char *proc, const struct vfio_node *nodes, size_t count,
		    struct vfio_opener *openers, size_t room);

/* The first of those that have the node at @path open; false when none is seen. */
bool vfio_node_opener(const char *proc, const char *path, struct vfio_opener *opener);

#endif
