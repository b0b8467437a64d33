/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads of a known kind, and who starts them; the signals that are the main one's alone. */

#include "vmm/base/thread.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/log.h"

static const size_t stack_size = 512 * 1024;

/* What a new thread is to be and do; it frees it. */
struct thread_start {
	void *(*function)(void *argument);
	void *argument;
	enum thread_kind kind;
	void (*enter)(enum thread_kind kind);
	sigset_t signals;
	char name[16];
	bool pinned;
	cpu_set_t cpus;
	int nice;
};

/* What the starter is asked for; one at a time. */
struct thread_request {
	pthread_t *thread;
	struct thread_start *start;
	int rc;
	bool done;
};

/* The process has one, as it has one main thread. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	void (*enter)(enum thread_kind kind);
	struct thread_request *request; /* lock */
	bool there;                     /* lock */
	bool used;                      /* lock */
	pid_t process;                  /* 0: there was no starter yet */
} starter = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

static _Thread_local struct {
	enum thread_kind kind;
	pid_t number;
	int nice;
} own;

void thread_main_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGHUP);
	sigaddset(signals, SIGCONT);
	sigaddset(signals, SIGUSR1);
}

pid_t thread_process(void)
{
	return starter.process ? starter.process : getpid();
}

pid_t thread_number(void)
{
	return own.number ? own.number : thread_process();
}

enum thread_kind thread_own_kind(void)
{
	return own.kind;
}

void thread_signal(pid_t number, int signal_number)
{
	if (number)
		syscall(SYS_tgkill, thread_process(), number, signal_number);
}

int thread_kick_signal(void)
{
	return SIGRTMIN;
}

static void thread_kicked(int signal_number)
{
	(void)signal_number;
}

void thread_hear_kicks(void)
{
	const struct sigaction action = {.sa_handler = thread_kicked};

	sigaction(thread_kick_signal(), &action, NULL);
}

void thread_kick(pid_t number)
{
	thread_signal(number, thread_kick_signal());
}

/* A thread that is elsewhere, or sooner there, does its work all the same. */
static void thread_settle(const struct thread_start *start)
{
	own.kind = start->kind;
	own.number = gettid();
	own.nice = start->nice;
	if (start->name[0])
		pthread_setname_np(pthread_self(), start->name);
	if (start->pinned && sched_setaffinity(0, sizeof(start->cpus), &start->cpus))
		log_debug("a thread cannot keep to its processors: %s", err_text(errno));
	if (start->nice && setpriority(PRIO_PROCESS, 0, start->nice))
		log_debug("a thread has the guest's own priority: %s", err_text(errno));
}

static void *thread_main(void *argument)
{
	struct thread_start start = *(struct thread_start *)argument;

	free(argument);
	pthread_sigmask(SIG_SETMASK, &start.signals, NULL);
	thread_settle(&start);
	if (start.enter)
		start.enter(start.kind);
	return start.function(start.argument);
}

/* With all signals blocked until it has its own. */
static int thread_start(pthread_t *thread, struct thread_start *start)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int rc = pthread_attr_init(&attributes);

	if (rc)
		return -rc;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_attr_setstacksize(&attributes, stack_size);
	if (!rc)
		rc = pthread_create(thread, &attributes, thread_main, start);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -rc;
}

/* Those who ask take turns. Starter's lock held; it may have ended meanwhile. */
static int thread_ask_starter(pthread_t *thread, struct thread_start *start)
{
	struct thread_request request = {.thread = thread, .start = start};

	while (starter.request)
		pthread_cond_wait(&starter.changed, &starter.lock);
	if (!starter.there)
		return -ESRCH;
	starter.request = &request;
	pthread_cond_broadcast(&starter.changed);
	while (!request.done)
		pthread_cond_wait(&starter.changed, &starter.lock);
	return request.rc;
}

static int thread_start_somehow(pthread_t *thread, struct thread_start *start)
{
	bool asked;
	int rc = 0;

	pthread_mutex_lock(&starter.lock);
	start->enter = starter.enter;
	asked = starter.used;
	if (asked)
		rc = thread_ask_starter(thread, start);
	pthread_mutex_unlock(&starter.lock);
	return asked ? rc : thread_start(thread, start);
}

int thread_create_at(pthread_t *thread, enum thread_kind kind, const struct thread_place *place,
		     void *(*function)(void *), void *argument)
{
	struct thread_start *start = calloc(1, sizeof(*start));
	sigset_t mains;
	int rc;

	if (!start)
		return -ENOMEM;
	start->function = function;
	start->argument = argument;
	start->kind = kind;
	start->nice = place->nice ? place->nice : own.nice;
	if (place->name)
		snprintf(start->name, sizeof(start->name), "%s", place->name);
	start->pinned = place->cpus;
	if (place->cpus)
		start->cpus = *place->cpus;
	thread_main_signals(&mains);
	pthread_sigmask(SIG_BLOCK, NULL, &start->signals);
	sigorset(&start->signals, &start->signals, &mains);
	/* Who blocks that and is refused a system call is ended by the kernel. */
	sigdelset(&start->signals, SIGSYS);
	rc = thread_start_somehow(thread, start);
	if (rc)
		free(start);
	return rc;
}

int thread_create(pthread_t *thread, enum thread_kind kind, void *(*function)(void *),
		  void *argument)
{
	static const struct thread_place anywhere;

	return thread_create_at(thread, kind, &anywhere, function, argument);
}

bool thread_is_called(enum thread_kind kind)
{
	bool here;

	pthread_mutex_lock(&starter.lock);
	here = !starter.used || own.kind == kind;
	pthread_mutex_unlock(&starter.lock);
	return here;
}

int thread_call(enum thread_kind kind, void *(*function)(void *), void *argument)
{
	pthread_t thread;
	int rc;

	if (thread_is_called(kind)) {
		function(argument);
		return 0;
	}
	rc = thread_create(&thread, kind, function, argument);
	if (!rc)
		pthread_join(thread, NULL);
	return rc;
}

static void *thread_starter(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&starter.lock);
	/* Who has asked when it ends waits for the answer. */
	while (starter.there || starter.request) {
		struct thread_request *request = starter.request;

		if (!request) {
			pthread_cond_wait(&starter.changed, &starter.lock);
			continue;
		}
		request->rc = thread_start(request->thread, request->start);
		request->done = true;
		starter.request = NULL;
		pthread_cond_broadcast(&starter.changed);
	}
	pthread_mutex_unlock(&starter.lock);
	return NULL;
}

int thread_begin_starter(void (*enter)(enum thread_kind kind))
{
	struct thread_start *start = calloc(1, sizeof(*start));
	int rc;

	if (!start)
		return -ENOMEM;
	start->function = thread_starter;
	start->kind = THREAD_STARTER;
	start->enter = enter;
	snprintf(start->name, sizeof(start->name), "starter");
	sigfillset(&start->signals);
	sigdelset(&start->signals, SIGSYS);
	pthread_mutex_lock(&starter.lock);
	starter.enter = enter;
	starter.process = getpid();
	rc = thread_start(&starter.thread, start);
	starter.there = !rc;
	pthread_mutex_unlock(&starter.lock);
	if (rc)
		free(start);
	return rc;
}

void thread_use_starter(void)
{
	pthread_mutex_lock(&starter.lock);
	starter.used = starter.there;
	pthread_mutex_unlock(&starter.lock);
}

void thread_end_starter(void)
{
	bool there;

	pthread_mutex_lock(&starter.lock);
	there = starter.there;
	starter.there = starter.used = false;
	starter.enter = NULL;
	pthread_cond_broadcast(&starter.changed);
	pthread_mutex_unlock(&starter.lock);
	if (there)
		pthread_join(starter.thread, NULL);
}
