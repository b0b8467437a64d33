/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tries the walls that a running monitor is behind: what goes through without them is refused with
 * them, to every kind of thread. Each attempt is made in a process of its own.
 *
 * usage: walls [--plain | --starter]
 *   --plain     only tells what goes through without walls
 *   --starter   what no thread needs only the starter tries, whose walls are before all others'
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/walls/attempt.h"
#include "vmm/base/bits.h"
#include "vmm/sandbox/sandbox.h"

/* What became of one. */
enum end {
	UNPREPARED,   /* this machine cannot have it tried */
	WENT_THROUGH, /* it did what it was to do */
	REFUSED,      /* as a wall does it: EPERM, EACCES, ENOSYS, SIGSYS */
	ANSWERED,     /* somebody else answered */
	BROKE,        /* its process is gone, by no wall */
};

/* What the process of an attempt writes down, in memory that both have. */
struct report {
	bool prepared;
	bool behind; /* the walls are there */
	bool tried;
	int rc; /* of the step after the last of these */
	pid_t target;
};

/* Who tries. */
enum who {
	EACH,         /* each kind of thread */
	WHO_MAY_HAVE, /* the starter, and all others where any of them needs it */
	NO_THREAD,
};

struct count {
	unsigned int passed;
	unsigned int failed;
	unsigned int skipped;
};

/* In the place of a kind of thread: no walls at all. */
enum { NOWHERE = -1 };

static const struct attempt *const lists[] = {
	attempts_on_files,      attempts_on_folders, attempts_on_processes, attempts_on_signals,
	attempts_on_privileges, attempts_on_memory,  attempts_on_sockets,   attempts_on_kernel,
	attempts_on_devices,    attempts_of_monitor, attempts_of_arch,
};

static const char *const kind_names[THREAD_KINDS] = {
	[THREAD_MAIN] = "main",         [THREAD_VCPU] = "vcpu",     [THREAD_MAPPER] = "mapper",
	[THREAD_POPULATE] = "populate", [THREAD_RESET] = "reset",   [THREAD_DEVICE] = "device",
	[THREAD_FILES] = "files",       [THREAD_SERVER] = "server", [THREAD_IO] = "io",
	[THREAD_VHOST] = "vhost",       [THREAD_USER] = "user",     [THREAD_STARTER] = "starter",
};

/* So many go through at least where there are no walls: fewer would show too little. */
static const unsigned int floor_of_root = 120, floor_of_others = 60;

static struct report *report;

/* In the monitor's order: its vCPUs begin before the main thread has given up. */
static int walls_raise(int kind)
{
	const struct sandbox_settings settings = {.mode = SANDBOX_ON,
						  .wake = -1,
						  .clients = kind == THREAD_SERVER};
	struct err err = {0};
	int rc = sandbox_drop(&settings, &err);

	if (!rc)
		rc = sandbox_begin(&settings, &err);
	if (!rc && kind != THREAD_VCPU)
		sandbox_close();
	return rc;
}

struct task {
	const struct attempt *attempt;
	struct scene *scene;
};

static void *walls_try(void *argument)
{
	const struct task *task = argument;

	report->rc = task->attempt->attempt(task->scene);
	report->tried = true;
	return NULL;
}

/* The same in a thread that is begun as the monitor begins one. */
static void walls_try_in_thread(enum thread_kind kind, struct task *task)
{
	pthread_t thread;
	int rc = thread_create(&thread, kind, walls_try, task);

	/* What the thread has written down stays. */
	if (rc)
		report->rc = rc;
	else
		pthread_join(thread, NULL);
}

static void walls_child(struct task *task, int kind)
{
	if (task->attempt->prepare) {
		report->rc = task->attempt->prepare(task->scene);
		report->target = task->scene->target;
		if (report->rc)
			return;
	}
	report->prepared = true;
	alarm(20);
	report->rc = kind == NOWHERE ? 0 : walls_raise(kind);
	if (report->rc)
		return;
	report->behind = true;
	if (kind == NOWHERE || kind == THREAD_MAIN || kind == THREAD_SERVER)
		walls_try(task);
	else
		walls_try_in_thread((enum thread_kind)kind, task);
}

/* Of a process with that status. */
static enum end walls_judge(int status)
{
	if (!report->prepared)
		return UNPREPARED;
	if (WIFEXITED(status) && WEXITSTATUS(status) == WALLS_STATUS_EXECUTED)
		return WENT_THROUGH;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS && report->behind)
		return REFUSED;
	if (!WIFEXITED(status) || !report->tried)
		return BROKE;
	switch (report->rc) {
	case 0:
		return WENT_THROUGH;
	case -EPERM:
	case -EACCES:
	case -ENOSYS:
		return REFUSED;
	default:
		return ANSWERED;
	}
}

/* What was mapped below 4 GiB, or anywhere where there is nothing so low. */
static void *walls_page(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap((void *)0x10000000UL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

/*
 * Its end, and that of all it began: they become this process's children, of which one that was
 * traced may be left standing. A thread that had itself traced has this process as its tracer.
 */
static int walls_wait(pid_t pid)
{
	int status = 0, ended_with = 0;
	pid_t ended;

	for (;;) {
		ended = waitpid(-1, &status, __WALL);
		if (ended < 0 && errno != EINTR)
			return ended_with;
		if (ended != pid)
			continue;
		ended_with = status;
		if (report->target > 0)
			kill(report->target, SIGKILL);
	}
}

/* One attempt; why it ended so is in *why. */
static enum end walls_run(const struct attempt *attempt, int kind, const char **why)
{
	struct scene scene = {.held = -1, .other = -1, .page = walls_page()};
	struct task task = {attempt, &scene};
	int status;
	pid_t pid;

	(void)snprintf(scene.path, sizeof(scene.path), "/tmp/ferry-walls.XXXXXX");
	/* A name that no run before this one has left anything at. */
	if (mkdtemp(scene.path))
		(void)rmdir(scene.path);
	memset(report, 0, sizeof(*report));
	pid = fork();
	if (pid == 0) {
		walls_child(&task, kind);
		_exit(0);
	}
	status = walls_wait(pid);
	/* A file, a folder or neither. */
	if (unlink(scene.path))
		(void)rmdir(scene.path);
	munmap(scene.page, (size_t)sysconf(_SC_PAGESIZE));
	*why = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : strerror(-report->rc);
	return walls_judge(status);
}

/* Who needs it, and the starter with them. */
static bool walls_needs(const struct attempt *attempt, enum thread_kind kind)
{
	return attempt->needed_by & (kind == THREAD_STARTER ? BY_ALL : 1U << kind);
}

/* Whether that kind of thread is refused it, or let where it needs it. */
static bool walls_hold(const struct attempt *attempt, enum thread_kind kind, bool plain)
{
	static const char *const words[] = {
		[UNPREPARED] = "it could not be prepared",
		[WENT_THROUGH] = "it went through",
		[REFUSED] = "it needs it, and is refused",
		[ANSWERED] = "it was not refused, but answered",
		[BROKE] = "its process is gone",
	};
	const char *why;
	enum end end = walls_run(attempt, kind, &why);

	/* What the machine itself refuses may be refused in its own words. */
	if (!plain && (end == ANSWERED || end == UNPREPARED))
		return true;
	if (end == (plain && walls_needs(attempt, kind) ? WENT_THROUGH : REFUSED))
		return true;
	printf("FAIL %s: %s thread: %s: %s\n", attempt->name, kind_names[kind], words[end], why);
	return false;
}

static bool walls_has(enum who who, const struct attempt *attempt, int kind)
{
	if (who == WHO_MAY_HAVE)
		return attempt->needed_by || kind == THREAD_STARTER;
	return who == EACH;
}

static void walls_attempt(const struct attempt *attempt, enum who who, struct count *count)
{
	const char *why;
	enum end end = walls_run(attempt, NOWHERE, &why);
	bool plain = end == WENT_THROUGH, held = true;

	for (int kind = 0; kind < THREAD_KINDS; kind++)
		if (walls_has(who, attempt, kind))
			held &= walls_hold(attempt, (enum thread_kind)kind, plain);
	if (!held) {
		count->failed++;
	} else if (plain) {
		printf("ok   %s\n", attempt->name);
		count->passed++;
	} else {
		printf("skip %s: without walls too this machine says: %s\n", attempt->name, why);
		count->skipped++;
	}
}

static int walls_tell(const struct count *count)
{
	unsigned int least = geteuid() ? floor_of_others : floor_of_root;
	unsigned int failed = count->failed;

	if (count->passed + count->failed < least) {
		printf("FAIL walls: too few attempts go through without them: %u of %u\n",
		       count->passed, least);
		failed++;
	}
	printf("%u passed, %u failed, %u skipped\n", count->passed, failed, count->skipped);
	return failed ? 1 : 0;
}

int main(int argc, char *argv[])
{
	const char *word = argc == 2 ? argv[1] : "";
	struct count count = {0};
	enum who who = EACH;

	if (!strcmp(word, WALLS_EXECUTED))
		return WALLS_STATUS_EXECUTED;
	if (!strcmp(word, "--plain"))
		who = NO_THREAD;
	else if (!strcmp(word, "--starter"))
		who = WHO_MAY_HAVE;
	setvbuf(stdout, NULL, _IOLBF, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (report == MAP_FAILED) {
		printf("FAIL walls: no memory\n0 passed, 1 failed\n");
		return 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (const struct attempt *attempt = lists[i]; attempt->name; attempt++)
			walls_attempt(attempt, who, &count);
	return walls_tell(&count);
}
