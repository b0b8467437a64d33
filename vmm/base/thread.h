/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads of a known kind, and who starts them; the signals that are the main one's alone. */

#ifndef FERRY_BASE_THREAD_H
#define FERRY_BASE_THREAD_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "vmm/base/err.h"

/* What a thread is for; so many kinds there are of what a thread may ask of the kernel. */
enum thread_kind {
	THREAD_MAIN,     /* the loop, and what helps a command that runs no guest */
	THREAD_VCPU,     /* runs the guest */
	THREAD_MAPPER,   /* maps memory for DMA */
	THREAD_POPULATE, /* has the host provide memory */
	THREAD_RESET,    /* resets a device */
	THREAD_DEVICE,   /* opens and closes devices that come and go */
	THREAD_IO,       /* serves the queues of a virtio device */
	THREAD_VHOST,    /* talks to the server of a virtio device */
	THREAD_USER,     /* hears the server of a passed-through device */
	THREAD_FILES,    /* looks at the host's files, see vmm/base/files.h */
	THREAD_SERVER,   /* the main one of a run that has clients: no thread's own kind */
	THREAD_STARTER,  /* starts all of these, see thread_begin_starter() */
	THREAD_KINDS,
};

/* Those that end a run, SIGCONT and the power button's SIGUSR1. */
void thread_main_signals(sigset_t *signals);

/*
 * pthread_create() with the main thread's signals blocked in the new one, and a stack of 512 KiB:
 * the usual 8 MiB is aligned so that its first touch takes a whole huge page. Beyond those the new
 * thread has the caller's signals and priority. Any lock may be held. 0 or a negative errno.
 */
int thread_create(pthread_t *thread, enum thread_kind kind, void *(*function)(void *),
		  void *argument) FERRY_MUST_CHECK;

/* What a thread has from its first moment; a NULL, and a priority of 0, are its parent's. */
struct thread_place {
	const char *name; /* at most 15 characters */
	const cpu_set_t *cpus;
	int nice; /* of those that it starts, too */
};

/* The same, there; what cannot be is told where debugging is. @place is not needed any more. */
int thread_create_at(pthread_t *thread, enum thread_kind kind, const struct thread_place *place,
		     void *(*function)(void *), void *argument) FERRY_MUST_CHECK;

/*
 * Has a thread of @kind do it, and waits, any lock held; where there is no starter, or the caller
 * is such a thread, the caller. 0 or a negative errno.
 */
int thread_call(enum thread_kind kind, void *(*function)(void *), void *argument) FERRY_MUST_CHECK;

/* Whether thread_call() for @kind would be the caller's own work. */
bool thread_is_called(enum thread_kind kind);

/* The kernel's number of the calling thread, which is the main one or one of these. */
pid_t thread_number(void);

/* The kind of that thread. */
enum thread_kind thread_own_kind(void);

/* The process's number, by no system call once there is a starter. */
pid_t thread_process(void);

/*
 * Sends a signal to the thread of this process with that number, by no other call than tgkill(): C
 * libraries ask for numbers besides, each for its own. Nothing to do for 0. Safe in a handler.
 */
void thread_signal(pid_t number, int signal_number);

/* Has thread_kick() do nothing but interrupt. Main thread, before the sandbox. */
void thread_hear_kicks(void);

/* Has the system call that thread @number of this process stands in return; 0: there is none. */
void thread_kick(pid_t number);

/* The signal by which that is. */
int thread_kick_signal(void);

/*
 * Begins a thread that starts others. @enter is called first in it and in each thread thereafter,
 * with its kind. 0 or a negative errno. Main thread.
 */
int thread_begin_starter(void (*enter)(enum thread_kind kind)) FERRY_MUST_CHECK;

/*
 * From now on that one starts all, so that a thread that calls thread_create() need not be able to;
 * what they inherit is the starter's. Nothing to do where there is none. Main thread.
 */
void thread_use_starter(void);

/* Ends it; nobody starts another meanwhile. Nothing to do where there is none. Main thread. */
void thread_end_starter(void);

#endif
