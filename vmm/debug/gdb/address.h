/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the gdb server is to listen, as the command line says it. */

#ifndef FERRY_VMM_DEBUG_GDB_ADDRESS_H
#define FERRY_VMM_DEBUG_GDB_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "vmm/base/err.h"

enum gdb_address_kind { GDB_ADDRESS_TCP, GDB_ADDRESS_UNIX, GDB_ADDRESS_PTY };

struct gdb_address {
	enum gdb_address_kind kind;
	socklen_t size; /* bytes of the one that is meant; 0 for a pseudo-terminal */
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un local;
	};
};

/* Reads what gdb_check_address() allows; -EINVAL with @err saying what it takes. */
int gdb_address_parse(const char *text, struct gdb_address *address,
		      struct err *err) FERRY_MUST_CHECK;

/* Whether only programs of this host can connect. */
bool gdb_address_is_local(const struct gdb_address *address);

enum { GDB_ADDRESS_TEXT = 128 };

/*
 * As gdb's `target remote` takes it. Not for a pseudo-terminal, which has a name once it is open.
 */
void gdb_address_text(const struct gdb_address *address, char text[GDB_ADDRESS_TEXT]);

#endif
