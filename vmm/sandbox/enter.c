/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread enters the filter of its kind; and what becomes of the calls that it refuses. */

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/owner.h"
#include "vmm/sandbox/filter.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/sandbox/table/row.h"
#include "vmm/sandbox/trap.h"
#include "vmm/sandbox/variant.h"

enum { FILTER_MOST = 1024, TOLD_MAX = 64 };

/* The kernel's SYS_SECCOMP, which the C library's headers do not have. */
enum { CODE_SECCOMP = 1 };

/* Of the process, as its filters are: what SIGSYS's handler, which is told nothing, needs. */
static struct {
	bool log, begun, clients;
	int wake; /* an eventfd */
	/* The first that was refused: its number, which `noted` claims and `told` publishes. */
	atomic_bool noted;
	atomic_bool told;
	int call;
	unsigned long request;
	enum thread_kind kind;
	atomic_ulong seen[TOLD_MAX]; /* what was told, so that it is once */
} sandbox = {.wake = -1};

/* "ioctl 0x3b71" */
static void enter_name(int call, unsigned long request, char *text, size_t size)
{
	const char *name = sandbox_call_name((unsigned int)call);

	if (call == SYS_ioctl)
		snprintf(text, size, "%s 0x%x", name, (unsigned int)request);
	else
		snprintf(text, size, "%s", name);
}

/* Whether it is the first time; what there is no room for is told each time. */
static bool enter_is_new(int call, unsigned long request)
{
	unsigned long key = (unsigned long)call << 40 |
			    (unsigned long)(thread_own_kind() + 1) << 32 |
			    (call == SYS_ioctl ? (uint32_t)request : 0);

	for (size_t i = 0; i < TOLD_MAX; i++) {
		unsigned long free = 0;

		if (atomic_compare_exchange_strong(&sandbox.seen[i], &free, key))
			return true;
		if (free == key)
			return false;
	}
	return true;
}

/*
 * From a signal's handler: neither the log nor its locks may be touched. What nobody reads is lost,
 * as whoever waited would do so for ever.
 */
static void enter_tell(int call, unsigned long request, const char *what)
{
	struct pollfd errors = {.fd = STDERR_FILENO, .events = POLLOUT};
	char name[64], line[192];
	int length;

	enter_name(call, request, name, sizeof(name));
	length = snprintf(line, sizeof(line), "ferry: sandbox: %s thread: %s %s\n",
			  sandbox_filters[thread_own_kind()].kind, name, what);
	if (poll(&errors, 1, 0) == 1 && write(STDERR_FILENO, line, (size_t)length) < 0)
		return;
}

static void enter_note(int call, unsigned long request)
{
	if (atomic_exchange(&sandbox.noted, true))
		return;
	sandbox.call = call;
	sandbox.request = request;
	sandbox.kind = thread_own_kind();
	atomic_store(&sandbox.told, true);
	fd_signal(sandbox.wake);
}

static void enter_end_at_once(void)
{
	signal(SIGSYS, SIG_DFL);
	raise(SIGSYS);
}

static void enter_trapped(int number, siginfo_t *info, void *context)
{
	unsigned long request = trap_argument(context, 1);
	int saved = errno, call = info->si_syscall;

	(void)number;
	if (info->si_code != CODE_SECCOMP) {
		enter_end_at_once();
	} else if (sandbox.log) {
		if (enter_is_new(call, request))
			enter_tell(call, request, "would be refused");
		trap_answer(context, trap_repeat(context, call));
	} else if (variant_ends_at_once()) {
		enter_tell(call, request, "is refused");
		enter_end_at_once();
	} else {
		enter_note(call, request);
		trap_answer(context, -EPERM);
	}
	errno = saved;
}

static size_t enter_let_repeats(struct sock_filter *code)
{
	uint64_t at = (uintptr_t)trap_made;
	const struct sock_filter prologue[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)at, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, instruction_pointer) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(at >> 32), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	memcpy(code, prologue, sizeof(prologue));
	return ARRAY_SIZE(prologue);
}

static bool enter_compares_self(const struct sock_filter *code)
{
	return code->code == (BPF_JMP | BPF_JEQ | BPF_K) && code->k == SANDBOX_SELF;
}

/* The calling thread enters the filter of @kind; what it starts itself inherits that. */
static void enter(enum thread_kind kind)
{
	const struct sandbox_filter *filter = &sandbox_filters[kind];
	struct sock_filter code[FILTER_MOST];
	struct sock_fprog program = {.filter = code};
	size_t count = sandbox.log ? enter_let_repeats(code) : 0;

	for (size_t i = 0; i < filter->length && count < FILTER_MOST; i++) {
		code[count] = filter->code[i];
		if (enter_compares_self(&code[count]))
			code[count].k = (uint32_t)thread_process();
		count++;
	}
	program.len = (unsigned short)count;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
		return;
	/* A thread without is none to go on with, and the kernel has no memory left. */
	log_error("sandbox: the %s thread's filter of system calls cannot be entered: %s",
		  filter->kind, err_text(errno));
	abort();
}

static void enter_watch_traps(void)
{
	struct sigaction action = {.sa_sigaction = enter_trapped, .sa_flags = SA_SIGINFO};
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, SIGSYS);
	sigaction(SIGSYS, &action, NULL);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}

int sandbox_begin(const struct sandbox_settings *settings, struct err *err)
{
	int rc;

	if (settings->mode == SANDBOX_OFF)
		return 0;
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) {
		log_info("sandbox: without filters of system calls: the host's kernel has no "
			 "seccomp");
		return 0;
	}
	sandbox.log = settings->mode == SANDBOX_LOG;
	sandbox.wake = settings->wake;
	sandbox.clients = settings->clients;
	/* What threads may not ask any more. */
	fd_note_limit();
	owner_note();
	enter_watch_traps();
	rc = thread_begin_starter(enter);
	if (rc)
		return err_set(err, rc, "sandbox: no thread to start others: %s", err_text(rc));
	sandbox.begun = true;
	return 0;
}

void sandbox_close(void)
{
	thread_use_starter();
	if (sandbox.begun)
		enter(sandbox.clients ? THREAD_SERVER : THREAD_MAIN);
}

int sandbox_refused(struct err *err)
{
	char name[64];

	if (!atomic_load(&sandbox.told))
		return 0;
	enter_name(sandbox.call, sandbox.request, name, sizeof(name));
	return err_set(
		err, -EPERM,
		"sandbox: the %s thread made a system call that is none of its work, %s: the "
		"run is ended: if nobody has taken it over, --sandbox log shows what else is "
		"refused",
		sandbox_filters[sandbox.kind].kind, name);
}
