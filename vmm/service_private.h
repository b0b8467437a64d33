/* SPDX-License-Identifier: BSD-3-Clause */
/* What the programs that a run starts have in common: what each is told, and how it begins. */

#ifndef FERRY_VMM_SERVICE_PRIVATE_H
#define FERRY_VMM_SERVICE_PRIVATE_H

#include <limits.h>

#include "vmm/service.h"

/* Of a path whose every byte takes two. */
enum { SERVICE_TEXT_MAX = 2 * PATH_MAX, SERVICE_ARGUMENTS_MAX = 24 };

/* What a program is told; zero: nothing yet. */
struct service_words {
	char texts[2 * SERVICE_TEXT_MAX];
	size_t used;
	const char *list[SERVICE_ARGUMENTS_MAX + 1];
	size_t count;
};

/* One argument more, of SERVICE_TEXT_MAX bytes at most. */
void service_say(struct service_words *words, const char *format, ...) FERRY_PRINTF(2, 3);

/* Starts @program with these words, and @socket as its PROGRAM_SOCKET. NULL with @err. */
struct program *service_begin(const struct program_config *program, struct service_words *words,
			      int socket, struct loop *loop, struct err *err);

/* service_network.c: where the program of --net user is; starts it, as service_start() has it. */
int service_find_network(char path[], struct err *err) FERRY_MUST_CHECK;
struct program *service_start_network(const struct service *service,
				      struct vhost_user_config *device, struct loop *loop,
				      struct err *err);

#endif
