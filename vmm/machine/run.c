/* SPDX-License-Identifier: BSD-3-Clause */
/* The vCPU threads: start, work to do in each, run, park, stop; and the loop that handles exits. */

#include "vmm/machine/run.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"
#include "vmm/kvm/origin.h"
#include "vmm/machine/memory_failure.h"

enum command { COMMAND_PARK, COMMAND_GO, COMMAND_QUIT };

struct vcpu_thread {
	struct run *run;
	unsigned int index;
	pthread_t thread;
	pid_t id;              /* of the thread, since all were started; lock */
	struct kvm_vcpu *vcpu; /* used by its own thread once that is there */
	struct exit_state exit;
	struct exit_counts counts;
	struct log_limit limit;      /* of what the host's memory does */
	bool stuck;                  /* reported as failed: never runs again before a reset */
	bool late;                   /* the guest was abandoned before the exit it is at */
	bool held;                   /* lock: not to go with the others */
	bool debugged;               /* lock: `stop` is not taken yet */
	struct arch_debug_stop stop; /* lock */
	bool parked;                 /* lock */
	unsigned int jobs;           /* lock: the last job it did */
	int rc;                      /* lock: of that job */
	struct err err;              /* lock */
};

struct run {
	struct run_setup setup;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* command, job, parked or generation */
	_Atomic enum command command;
	atomic_bool abandoned; /* what the guest is at is not carried out any more */
	run_job job;
	void *job_owner;
	unsigned int jobs;      /* counts run_call()s */
	atomic_uint generation; /* counts run_wake()s */
	unsigned int count;     /* of vCPUs */
	unsigned int started;   /* of them, those that have a thread */
	struct vcpu_thread threads[];
};

static void run_thread_do_job(struct run *run, struct vcpu_thread *thread)
{
	struct err err = {0};
	int rc;

	pthread_mutex_unlock(&run->lock);
	rc = run->job(run->job_owner, thread->vcpu, &err);
	pthread_mutex_lock(&run->lock);
	thread->jobs = run->jobs;
	thread->rc = rc;
	thread->err = err;
	pthread_cond_broadcast(&run->changed);
}

/* Waits, doing jobs, until told to go; false to quit. Nothing of the last exit is unfinished. */
static bool run_thread_park(struct run *run, struct vcpu_thread *thread)
{
	bool go;

	pthread_mutex_lock(&run->lock);
	thread->parked = true;
	pthread_cond_broadcast(&run->changed);
	for (;;) {
		if (thread->jobs != run->jobs)
			run_thread_do_job(run, thread);
		else if (run->command == COMMAND_PARK ||
			 (run->command == COMMAND_GO && (thread->stuck || thread->held)))
			pthread_cond_wait(&run->changed, &run->lock);
		else
			break;
	}
	go = run->command == COMMAND_GO;
	thread->parked = false;
	if (go)
		kvm_vcpu_set_immediate_exit(thread->vcpu, false);
	pthread_mutex_unlock(&run->lock);
	return go;
}

static void run_thread_fail(struct run *run, struct vcpu_thread *thread, bool crashed,
			    const char *why)
{
	char report[4096], registers[3072] = "";

	arch_vcpu_describe(run->setup.arch, thread->vcpu, registers, sizeof(registers));
	snprintf(report, sizeof(report), "vCPU %u: %s\n%s", thread->index, why, registers);
	thread->stuck = true;
	run->setup.failed(run->setup.machine, crashed, report);
}

static void run_thread_debug(struct run *run, struct vcpu_thread *thread)
{
	struct arch_debug_stop stop;

	arch_debug_decode(run->setup.arch, thread->vcpu, &stop);
	pthread_mutex_lock(&run->lock);
	thread->stop = stop;
	thread->debugged = true;
	pthread_mutex_unlock(&run->lock);
	run->setup.debugged(run->setup.machine);
}

/* After MEM_NOT_YET: sleeps until run_wake() or another command. */
static void run_thread_wait(struct run *run, unsigned int seen)
{
	pthread_mutex_lock(&run->lock);
	while (atomic_load(&run->generation) == seen && run->command == COMMAND_GO)
		pthread_cond_wait(&run->changed, &run->lock);
	pthread_mutex_unlock(&run->lock);
}

/* Handles the exit in the run page, new or kept. */
static void run_thread_dispatch(struct run *run, struct vcpu_thread *thread)
{
	unsigned int seen = atomic_load(&run->generation);
	char why[256];

	switch (exit_dispatch(&thread->exit, thread->vcpu, why, sizeof(why))) {
	case EXIT_DONE:
		break;
	case EXIT_NOT_YET:
		run_thread_wait(run, seen);
		break;
	case EXIT_DEBUG:
		run_thread_debug(run, thread);
		break;
	case EXIT_CRASHED:
		run_thread_fail(run, thread, true, why);
		break;
	case EXIT_FAILED:
		run_thread_fail(run, thread, false, why);
		break;
	}
}

/* The guest met a page of the host's that has failed: it is told, or else cannot go on. */
static void run_thread_memory_failed(struct run *run, struct vcpu_thread *thread, const void *host)
{
	uint64_t gpa;
	char why[160];
	int rc = arch_vcpu_memory_failed(run->setup.arch, thread->vcpu, host, &gpa);

	if (rc == 0) {
		log_guest(&thread->limit, LOG_WARN,
			  "vCPU %u: the host's memory failed under guest address 0x%llx: the guest "
			  "is told",
			  thread->index, (unsigned long long)gpa);
		return;
	}
	snprintf(why, sizeof(why),
		 "the host's memory failed at %p and the guest cannot be told: %s", host,
		 err_text(rc));
	run_thread_fail(run, thread, false, why);
}

/* Does what the guest wrote before this exit, by which it may have been reset. */
static void run_thread_catch_up(struct run *run, struct vcpu_thread *thread)
{
	if (!run->setup.coalesced)
		return;
	kvm_coalesced_drain(run->setup.coalesced, thread->vcpu);
	/* Whoever did it: a write counts as done only after what came of it. */
	thread->late = atomic_load(&run->abandoned);
}

/* @enter runs the guest, or only retires its exit. */
static int run_thread_enter(struct run *run, struct vcpu_thread *thread,
			    int (*enter)(struct kvm_vcpu *vcpu))
{
	const void *failed;
	int rc;

	memory_failure_expect(true);
	rc = enter(thread->vcpu);
	memory_failure_expect(false);
	run_thread_catch_up(run, thread);
	if (memory_failure_take(&failed))
		run_thread_memory_failed(run, thread, failed);
	return rc;
}

static void run_thread_note_origin(const struct run *run, struct vcpu_thread *thread)
{
	struct kvm_origin origin = {.vcpu = thread->index};

	if (!run->setup.pc)
		return;
	origin.has_pc = run->setup.pc(thread->vcpu, &origin.pc);
	kvm_origin_set(&origin);
}

/* KVM_RUN came back with an exit. */
static void run_thread_begin(const struct run *run, struct vcpu_thread *thread)
{
	run_thread_note_origin(run, thread);
	exit_count(&thread->counts, kvm_vcpu_run_page(thread->vcpu)->exit_reason);
	exit_begin(&thread->exit);
}

/*
 * Retires finished exits so that registers are current; completing one may bring up the next part
 * of a string instruction, which is dispatched in turn. One left unfinished stays for later.
 */
static void run_thread_retire(struct run *run, struct vcpu_thread *thread)
{
	while (!thread->exit.pending && !thread->stuck &&
	       run_thread_enter(run, thread, kvm_vcpu_complete) == -EAGAIN) {
		run_thread_begin(run, thread);
		run_thread_dispatch(run, thread);
	}
}

static void run_thread_loop(struct run *run, struct vcpu_thread *thread)
{
	for (;;) {
		int rc;

		if (atomic_load(&run->command) != COMMAND_GO || thread->stuck) {
			run_thread_retire(run, thread);
			if (!run_thread_park(run, thread))
				return;
			continue;
		}
		if (!thread->exit.pending) {
			rc = run_thread_enter(run, thread, kvm_vcpu_run);
			if (rc)
				exit_count_failure(&thread->counts, rc);
			if (rc == -EINTR || (rc && thread->late))
				continue;
			if (rc == -EFAULT && exit_fault(&thread->exit, thread->vcpu))
				continue;
			if (rc) {
				char why[128];

				snprintf(why, sizeof(why), "KVM_RUN failed: %s", err_text(rc));
				run_thread_fail(run, thread, false, why);
				continue;
			}
			run_thread_begin(run, thread);
			if (thread->late)
				continue;
		}
		run_thread_dispatch(run, thread);
	}
}

static void *run_thread_main(void *argument)
{
	struct vcpu_thread *thread = argument;
	struct run *run = thread->run;
	sigset_t kick;

	sigemptyset(&kick);
	sigaddset(&kick, thread_kick_signal());
	sigaddset(&kick, SIGBUS);
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
	if (run_thread_park(run, thread))
		run_thread_loop(run, thread);
	return NULL;
}

static bool run_find_pin(const struct run *run, unsigned int index, cpu_set_t *set)
{
	CPU_ZERO(set);
	if (!run->setup.pins)
		return false;
	if (run->setup.pins[index] < CPU_SETSIZE)
		CPU_SET(run->setup.pins[index], set);
	return true;
}

/* On the processor that it is pinned to, so that what KVM keeps of it is in that one's memory. */
static int run_create_vcpu(struct run *run, unsigned int index, struct err *err)
{
	struct vcpu_thread *thread = &run->threads[index];
	cpu_set_t before, own;
	bool pinned = run_find_pin(run, index, &own);

	if (pinned && (sched_getaffinity(0, sizeof(before), &before) ||
		       sched_setaffinity(0, sizeof(own), &own)))
		return err_set(err, -errno,
			       "vCPU %u: cannot be pinned to host processor %u: %s: choose among "
			       "those in /sys/devices/system/cpu/online that this process may use",
			       index, run->setup.pins[index], err_text(errno));
	*thread = (struct vcpu_thread){.run = run, .index = index};
	exit_init(&thread->exit, run->setup.arch, run->setup.mmio);
	thread->vcpu = kvm_vcpu_create(run->setup.vm, index, err);
	if (pinned && sched_setaffinity(0, sizeof(before), &before))
		log_debug("the main thread stays on host processor %u", run->setup.pins[index]);
	if (!thread->vcpu)
		return err->code;
	run->count++;
	return 0;
}

/*
 * vCPUs are created in the order of their numbers, or KVM gives them other indices than ids.
 * Kernels before 6.7 take one for the other on arm64, and a vCPU's timer interrupt goes to another
 * one (arch/arm64/kvm/vgic/vgic.c, kvm_vgic_inject_irq()).
 */
struct run *run_create(const struct run_setup *setup, struct err *err)
{
	struct run *run = calloc(1, sizeof(*run) + setup->cpus * sizeof(run->threads[0]));

	if (!run) {
		err_set(err, -ENOMEM, "vCPU threads: out of memory");
		return NULL;
	}
	run->setup = *setup;
	pthread_mutex_init(&run->lock, NULL);
	pthread_cond_init(&run->changed, NULL);
	thread_hear_kicks();
	memory_failure_watch();
	for (unsigned int i = 0; i < setup->cpus; i++) {
		if (run_create_vcpu(run, i, err)) {
			run_destroy(run);
			return NULL;
		}
	}
	return run;
}

static int run_number_job(void *owner, struct kvm_vcpu *vcpu, struct err *err)
{
	struct run *run = owner;

	(void)err;
	pthread_mutex_lock(&run->lock);
	run->threads[kvm_vcpu_id(vcpu)].id = thread_number();
	pthread_mutex_unlock(&run->lock);
	return 0;
}

static int run_start_thread(struct run *run, unsigned int index)
{
	struct vcpu_thread *thread = &run->threads[index];
	struct thread_place place = {0};
	cpu_set_t own;
	char name[16];

	snprintf(name, sizeof(name), "vcpu %u", index);
	place.name = name;
	if (run_find_pin(run, index, &own))
		place.cpus = &own;
	return thread_create_at(&thread->thread, THREAD_VCPU, &place, run_thread_main, thread);
}

int run_start(struct run *run, struct err *err)
{
	for (unsigned int i = 0; i < run->count; i++) {
		int rc = run_start_thread(run, i);

		if (rc)
			return err_set(err, rc, "vCPU %u: no thread for it: %s", i, err_text(rc));
		run->started++;
	}
	return run_call(run, run_number_job, run, err);
}

/* A thread without a number yet has not run the guest, and looks at the command before it does. */
static void run_command(struct run *run, enum command command)
{
	pthread_mutex_lock(&run->lock);
	if (run->command != COMMAND_QUIT)
		atomic_store(&run->command, command);
	for (unsigned int i = 0; i < run->started; i++) {
		struct vcpu_thread *thread = &run->threads[i];

		if (command != COMMAND_GO && !thread->parked) {
			kvm_vcpu_set_immediate_exit(thread->vcpu, true);
			thread_kick(thread->id);
		}
	}
	pthread_cond_broadcast(&run->changed);
	pthread_mutex_unlock(&run->lock);
}

void run_destroy(struct run *run)
{
	if (!run)
		return;
	run_command(run, COMMAND_QUIT);
	for (unsigned int i = 0; i < run->started; i++)
		pthread_join(run->threads[i].thread, NULL);
	for (unsigned int i = 0; i < run->count; i++)
		kvm_vcpu_destroy(run->threads[i].vcpu);
	pthread_cond_destroy(&run->changed);
	pthread_mutex_destroy(&run->lock);
	free(run);
}

/* One vCPU after the other, before they have threads. */
static int run_call_here(struct run *run, run_job job, void *owner, struct err *err)
{
	int rc = 0;

	for (unsigned int i = 0; i < run->count && !rc; i++)
		rc = job(owner, run->threads[i].vcpu, err);
	return rc;
}

static int run_call_threads(struct run *run, run_job job, void *owner, struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&run->lock);
	run->job = job;
	run->job_owner = owner;
	run->jobs++;
	pthread_cond_broadcast(&run->changed);
	for (unsigned int i = 0; i < run->started; i++) {
		while (run->threads[i].jobs != run->jobs)
			pthread_cond_wait(&run->changed, &run->lock);
		if (run->threads[i].rc && !rc) {
			rc = run->threads[i].rc;
			if (err)
				*err = run->threads[i].err;
		}
	}
	pthread_mutex_unlock(&run->lock);
	return rc;
}

int run_call(struct run *run, run_job job, void *owner, struct err *err)
{
	return run->started ? run_call_threads(run, job, owner, err)
			    : run_call_here(run, job, owner, err);
}

void run_resume(struct run *run)
{
	run_command(run, COMMAND_GO);
}

void run_halt(struct run *run)
{
	run_command(run, COMMAND_PARK);
}

void run_abandon(struct run *run)
{
	atomic_store(&run->abandoned, true);
	run_halt(run);
}

void run_park(struct run *run)
{
	run_command(run, COMMAND_PARK);
	pthread_mutex_lock(&run->lock);
	for (unsigned int i = 0; i < run->started; i++) {
		while (!run->threads[i].parked)
			pthread_cond_wait(&run->changed, &run->lock);
	}
	pthread_mutex_unlock(&run->lock);
}

static int run_discard_job(void *owner, struct kvm_vcpu *vcpu, struct err *err)
{
	(void)owner;
	(void)err;
	/*
	 * What the guest would have read does not matter any more, only that KVM forgets the exit.
	 */
	while (kvm_vcpu_complete(vcpu) == -EAGAIN)
		;
	return 0;
}

void run_discard(struct run *run)
{
	struct err err = {0};

	if (run_call(run, run_discard_job, NULL, &err))
		return;
	pthread_mutex_lock(&run->lock);
	for (unsigned int i = 0; i < run->count; i++) {
		exit_forget(&run->threads[i].exit);
		run->threads[i].stuck = false;
		run->threads[i].debugged = false;
	}
	pthread_mutex_unlock(&run->lock);
	atomic_store(&run->abandoned, false);
}

unsigned int run_count(const struct run *run)
{
	return run->count;
}

pid_t run_thread_id(const struct run *run, unsigned int index)
{
	return run->threads[index].id;
}

struct kvm_vcpu *run_vcpu(const struct run *run, unsigned int index)
{
	return run->threads[index].vcpu;
}

bool run_is_settled(const struct run *run, unsigned int index)
{
	const struct vcpu_thread *thread = &run->threads[index];

	return !thread->exit.pending && !thread->stuck;
}

void run_hold(struct run *run, unsigned int index, bool held)
{
	pthread_mutex_lock(&run->lock);
	run->threads[index].held = held;
	pthread_mutex_unlock(&run->lock);
}

bool run_take_debug(struct run *run, unsigned int index, struct arch_debug_stop *stop)
{
	struct vcpu_thread *thread = &run->threads[index];
	bool debugged;

	pthread_mutex_lock(&run->lock);
	debugged = thread->debugged;
	thread->debugged = false;
	*stop = thread->stop;
	pthread_mutex_unlock(&run->lock);
	return debugged;
}

void run_wake(struct run *run)
{
	pthread_mutex_lock(&run->lock);
	atomic_fetch_add(&run->generation, 1);
	pthread_cond_broadcast(&run->changed);
	pthread_mutex_unlock(&run->lock);
}

void run_count_exits(const struct run *run, unsigned int index, uint64_t counts[EXIT_COUNTS])
{
	for (unsigned int i = 0; i < EXIT_COUNTS; i++)
		counts[i] = atomic_load_explicit(&run->threads[index].counts.count[i],
						 memory_order_relaxed);
}
