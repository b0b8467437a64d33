/* SPDX-License-Identifier: BSD-3-Clause */
/* What somebody who has taken the monitor over would try, one thing each. */

#ifndef FERRY_WALLS_ATTEMPT_H
#define FERRY_WALLS_ATTEMPT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include "vmm/base/thread.h"

/* What an attempt finds: its prepare() makes of it what it needs. */
struct scene {
	/* Another process, which waits to be killed. */
	pid_t target;
	/* Descriptors from before the walls. */
	int held;
	int other;
	/* A page that may be read and written, of which 32 bits hold the address where the machine
	 * has addresses so low. */
	void *page;
	/* A name below /tmp where there is nothing; what is made there is removed afterwards. */
	char path[64];
};

struct attempt {
	const char *name;
	/*
	 * Without any wall, as root or not; may be NULL. 0 or a negative errno: this machine cannot
	 * have it tried.
	 */
	int (*prepare)(struct scene *scene);
	/* Behind the walls of a kind of thread, or without any. 0: it went through. */
	int (*attempt)(struct scene *scene);
	/*
	 * The kinds of threads that need the very call, by 1 << kind: to them it is let. So it is
	 * to the starter, whose filter all others inherit.
	 */
	unsigned int needed_by;
};

/* Sets of them. */
enum {
	BY_SERVER = 1 << THREAD_SERVER,
	BY_MAIN = 1 << THREAD_MAIN | BY_SERVER,
	BY_VCPU = 1 << THREAD_VCPU,
	BY_MAPPER = 1 << THREAD_MAPPER,
	BY_POPULATE = 1 << THREAD_POPULATE,
	BY_RESET = 1 << THREAD_RESET,
	BY_DEVICE = 1 << THREAD_DEVICE,
	BY_FILES = 1 << THREAD_FILES,
	BY_IO = 1 << THREAD_IO,
	BY_VHOST = 1 << THREAD_VHOST,
	BY_USER = 1 << THREAD_USER,
	BY_STARTER = 1 << THREAD_STARTER,
	BY_ALL = (1 << THREAD_KINDS) - 1,
};

/* One array of each file, which ends with a row without a name. */
extern const struct attempt attempts_on_files[];
extern const struct attempt attempts_on_folders[];
extern const struct attempt attempts_on_processes[];
extern const struct attempt attempts_on_signals[];
extern const struct attempt attempts_on_privileges[];
extern const struct attempt attempts_on_memory[];
extern const struct attempt attempts_on_sockets[];
extern const struct attempt attempts_on_kernel[];
extern const struct attempt attempts_on_devices[];
/* What the monitor itself does all the time. */
extern const struct attempt attempts_of_monitor[];
/* The architecture's own calls. */
extern const struct attempt attempts_of_arch[];

/* What main() is told when an attempt has made a process of it, and the status that shows it. */
#define WALLS_EXECUTED "--executed"
enum { WALLS_STATUS_EXECUTED = 77 };

/* The result of a call as an attempt's own. */
static inline int walls_result(long answer)
{
	return answer < 0 ? -errno : 0;
}

/* The same of one whose harmless form the kernel answers with that error, once it has let it. */
static inline int walls_reached(long answer, int error)
{
	return answer < 0 && errno != error ? -errno : 0;
}

/* scene->target; 0 or a negative errno. */
int scene_begin_target(struct scene *scene);
/* scene->held; 0 or a negative errno. */
int scene_open(struct scene *scene, const char *path, int flags);
/* A page at a multiple of 4 GiB, or NULL. */
void *scene_map_low(void);
/* Mounts, names and System V's objects that are this process's alone. 0 or a negative errno. */
int scene_be_alone(struct scene *scene);

#endif
