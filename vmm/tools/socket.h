/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers of vfio-user among the arguments of a command: asked, and told of as devices are. */

#ifndef FERRY_VMM_TOOLS_SOCKET_H
#define FERRY_VMM_TOOLS_SOCKET_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "vfio/user/offer.h"
#include "vmm/base/text.h"
#include "vmm/tools/pci_ids.h"
#include "vmm/tools/tools.h"

struct socket_entry {
	const char *path;
	struct vfio_user_offer offer;
	struct pci_names names;
};

/* Zero at first. */
struct socket_list {
	struct socket_entry *entries;
	size_t count;
};

/*
 * Where the server listens that @name is of: behind "socket=", or a path of a socket. NULL: it is a
 * device's name.
 */
const char *socket_path(const char *name);

/* As tool_check_names(), with sockets among them, there or not. */
int socket_check_names(char *const *names, size_t count, struct err *err) FERRY_MUST_CHECK;

/* Asks the server of an entry whose `path` is set, and looks up the names. -errno with @err. */
int socket_look(const struct tool *tool, struct socket_entry *entry,
		struct err *err) FERRY_MUST_CHECK;

/* The sockets of @names, all asked; the rest is left out. Released after a failure too. */
int socket_read(const struct tool *tool, char *const *names, size_t count, struct socket_list *list,
		struct err *err) FERRY_MUST_CHECK;
void socket_release(struct socket_list *list);

/* What of one is told: at length, as JSON, and in pieces of a sentence. */
void socket_print(const struct socket_entry *entry, FILE *out);
json_t *socket_json(const struct socket_entry *entry);
void socket_append_interrupts(const struct vfio_user_offer *offer, struct text *text);
/* The least of what is mapped for DMA, in bytes. */
uint64_t socket_page(const struct vfio_user_offer *offer);
void socket_append_limits(const struct vfio_user_offer *offer, struct text *text);
json_t *socket_limits_json(const struct vfio_user_offer *offer);

#endif
