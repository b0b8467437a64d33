/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program is tied to the monitor by a terminal that is its alone: whoever hangs up, or dies, ends
 * it. So nobody needs a right to signal it (pty(7), credentials(7)).
 */

#include "vmm/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/base/fd.h"
#include "vmm/base/local.h"
#include "vmm/base/log.h"
#include "vmm/base/text.h"

enum {
	PROGRAM_LINE_MAX = PROGRAM_WORDS_MAX,
	PROGRAM_ARGUMENTS_MAX = 32,
	/* Above what a program keeps, while its own are put in their places. */
	PROGRAM_SPARE = 16,
};

struct program {
	struct loop *loop;
	char name[64], loses[128];
	int terminal; /* the master */
	int output;   /* what it prints; -1: it has ended */
	char line[PROGRAM_LINE_MAX];
	size_t used;
	char last[PROGRAM_LINE_MAX]; /* line */
	const char *stranger, *unfit;
	bool strange;
	struct log_limit limit;
};

/* Whose name is gone before anybody else may know it. */
static int program_meet(const char *folder, int listening, struct err *err)
{
	struct local_name name = {.made = false};
	struct sockaddr_un address;
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "%s/socket", folder);
	rc = local_address(path, &address, err);
	if (!rc)
		rc = local_bind(listening, &address, 1, &name, err);
	if (!rc) {
		rc = local_connect(&address, 0);
		if (rc < 0)
			err_set(err, rc, "%s", err_text(rc));
		local_unbind(&name);
	}
	return rc < 0 ? err_prefix(err, "%s", path) : rc;
}

int program_connect(int *listening, int *connected, struct err *err)
{
	char folder[] = "/tmp/ferry-XXXXXX";

	*connected = -1;
	*listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*listening < 0)
		return err_set(err, -errno, "a socket: %s", err_text(errno));
	if (mkdtemp(folder)) {
		*connected = program_meet(folder, *listening, err);
		rmdir(folder);
	} else {
		err_set(err, -errno, "a folder for its socket in /tmp cannot be made: %s",
			err_text(errno));
	}
	if (*connected >= 0)
		return 0;
	fd_close(listening);
	return err->code;
}

static bool program_is_there(const char *path)
{
	return access(path, X_OK) == 0;
}

/* In the folders of PATH, then where else it may be. */
int program_find(const struct program_config *config, char path[], struct err *err)
{
	const char *folders = config->only_places ? NULL : getenv("PATH");

	while (folders && *folders) {
		size_t length = strcspn(folders, ":");

		if (snprintf(path, PATH_MAX, "%.*s/%s", (int)length, folders, config->name) <
			    PATH_MAX &&
		    length && program_is_there(path))
			return 0;
		folders += length + (folders[length] == ':');
	}
	for (const char *const *place = config->places; place && *place; place++) {
		snprintf(path, PATH_MAX, "%s", *place);
		if (program_is_there(path))
			return 0;
	}
	return err_set(err, -ENOENT, "there is no program %s: Debian's package %s has it",
		       config->name, config->package);
}

static void program_default_signals(void)
{
	sigset_t none;

	for (int number = 1; number < SIGRTMAX; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What the new process has open: each of these as 0 and so on, and nothing else that stays. */
static int program_place_descriptors(const int *fds, int count)
{
	int spare[PROGRAM_SOCKET + 2];

	for (int i = 0; i < count; i++) {
		spare[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, PROGRAM_SPARE);
		if (spare[i] < 0)
			return -errno;
	}
	for (int i = 0; i < count; i++)
		if (dup2(spare[i], i) < 0)
			return -errno;
	/* Before Linux 5.11 what others gave the monitor stays open in it. */
	close_range((unsigned int)count, ~0U, CLOSE_RANGE_CLOEXEC);
	return 0;
}

/* A guest that has it crash has no memory of its own written to the host's disk by that. */
static int program_take_rights(const struct program_config *config)
{
	const struct rlimit no_core = {0, 0};

	if (setrlimit(RLIMIT_CORE, &no_core))
		return -errno;
	return !config->gains_rights && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

/* The new process, which says on the last descriptor why it is none. */
static void program_become(const struct program_config *config, const char *path,
			   char *const *arguments, const int *fds)
{
	int fails = fds[PROGRAM_SOCKET + 1], rc;

	program_default_signals();
	rc = program_take_rights(config);
	if (!rc)
		rc = program_place_descriptors(fds, PROGRAM_SOCKET + 2);
	/* No neighbour of the user's terminal, whose ^C is for the monitor alone. */
	if (!rc) {
		fails = PROGRAM_SOCKET + 1;
		if (setsid() >= 0 && ioctl(STDIN_FILENO, TIOCSCTTY, 0) == 0) {
			fcntl(fails, F_SETFD, FD_CLOEXEC);
			execv(path, arguments);
		}
		rc = -errno;
	}
	if (write(fails, &rc, sizeof(rc)) < 0)
		_exit(126);
	_exit(127);
}

/* What it said last is why it has ended, often. */
static void program_tell_line(struct program *program)
{
	program->line[program->used] = '\0';
	program->used = 0;
	text_make_printable(program->line);
	if (!program->line[0])
		return;
	/* A guest may have it talk. */
	log_guest(&program->limit, LOG_INFO, "%s: %s", program->name, program->line);
	program->strange |= program->stranger && strstr(program->line, program->stranger);
	memcpy(program->last, program->line, sizeof(program->last));
}

static void program_take_output(struct program *program, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] == '\n' || program->used == sizeof(program->line) - 1)
			program_tell_line(program);
		if (bytes[i] != '\n')
			program->line[program->used++] = bytes[i];
	}
}

/* All that it has printed; false at its end. */
static bool program_read(struct program *program)
{
	char bytes[512];
	ssize_t size = read(program->output, bytes, sizeof(bytes));

	if (size > 0)
		program_take_output(program, bytes, (size_t)size);
	return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

static void program_forget_output(struct program *program)
{
	loop_remove(program->loop, program->output);
	fd_close(&program->output);
}

static void program_on_output(void *owner, uint32_t events)
{
	struct program *program = owner;

	(void)events;
	if (program_read(program))
		return;
	program_tell_line(program);
	program_forget_output(program);
	log_error("%s has ended%s%s: %s", program->name, program->last[0] ? ": " : "",
		  program->last, program->loses);
}

/* Ours, then what the program gets as 0, 1 or 2, and where it says that it is none. */
struct program_ends {
	int terminal, output, peer, print, fails[2];
};

static int program_open_ends(struct program_ends *ends)
{
	int output[2], fails[2];

	ends->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (ends->terminal < 0 || unlockpt(ends->terminal))
		return -errno;
	ends->peer = ioctl(ends->terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (ends->peer < 0 || pipe2(output, O_CLOEXEC))
		return -errno;
	ends->output = output[0];
	ends->print = output[1];
	if (pipe2(fails, O_CLOEXEC))
		return -errno;
	ends->fails[0] = fails[0];
	ends->fails[1] = fails[1];
	return fcntl(ends->output, F_SETFL, O_NONBLOCK) ? -errno : 0;
}

static void program_close_ends(struct program_ends *ends)
{
	fd_close(&ends->terminal);
	fd_close(&ends->output);
	fd_close(&ends->peer);
	fd_close(&ends->print);
	fd_close(&ends->fails[0]);
	fd_close(&ends->fails[1]);
}

/* It is there once this has nothing to say. Nobody waits for its end later. */
static int program_fork(const struct program_config *config, const char *path,
			struct program_ends *ends)
{
	const char *arguments[PROGRAM_ARGUMENTS_MAX + 2] = {config->name};
	const int fds[] = {ends->peer, ends->print, ends->print, config->socket, ends->fails[1]};
	int rc = 0;
	pid_t child;

	for (size_t i = 0; config->arguments[i] && i < PROGRAM_ARGUMENTS_MAX; i++)
		arguments[i + 1] = config->arguments[i];
	signal(SIGCHLD, SIG_IGN);
	child = fork();
	if (child == 0)
		program_become(config, path, (char *const *)(uintptr_t)arguments, fds);
	if (child < 0)
		return -errno;
	fd_close(&ends->fails[1]);
	while (read(ends->fails[0], &rc, sizeof(rc)) < 0 && errno == EINTR)
		;
	return rc;
}

static struct program *program_alloc(const struct program_config *config, struct loop *loop)
{
	struct program *program = calloc(1, sizeof(*program));

	if (!program)
		return NULL;
	program->loop = loop;
	program->terminal = program->output = -1;
	snprintf(program->name, sizeof(program->name), "%s", config->name);
	snprintf(program->loses, sizeof(program->loses), "%s", config->loses);
	program->stranger = config->stranger;
	program->unfit = config->unfit;
	return program;
}

struct program *program_start(const struct program_config *config, struct loop *loop,
			      struct err *err)
{
	struct program_ends ends = {-1, -1, -1, -1, {-1, -1}};
	struct program *program;
	char path[PATH_MAX];
	int rc;

	if (program_find(config, path, err))
		return NULL;
	program = program_alloc(config, loop);
	rc = program ? program_open_ends(&ends) : -ENOMEM;
	if (!rc)
		rc = program_fork(config, path, &ends);
	if (rc) {
		err_set(err, rc, "%s cannot be started: %s", path, err_text(rc));
	} else {
		rc = loop_add(loop, ends.output, EPOLLIN, program_on_output, program, err);
		if (rc)
			err_prefix(err, "%s", config->name);
	}
	if (rc) {
		program_close_ends(&ends);
		free(program);
		return NULL;
	}
	program->terminal = ends.terminal;
	program->output = ends.output;
	ends.terminal = ends.output = -1;
	program_close_ends(&ends);
	return program;
}

const char *program_name(const struct program *program)
{
	return program->name;
}

/* Until it has ended; false when that takes longer. */
static bool program_await(struct program *program, int patience_ms)
{
	struct pollfd output = {.fd = program->output, .events = POLLIN};
	int64_t end = clock_now_ms() + patience_ms, left = patience_ms;

	do {
		if (poll(&output, 1, (int)left) > 0 && !program_read(program))
			return true;
		left = end - clock_now_ms();
	} while (left > 0);
	return false;
}

void program_last_words(struct program *program, char text[], int patience_ms)
{
	if (program->output >= 0 && program_await(program, patience_ms)) {
		program_tell_line(program);
		program_forget_output(program);
	}
	snprintf(text, PROGRAM_WORDS_MAX, "%s", program->last);
}

bool program_has_ended(const struct program *program)
{
	return program->output < 0;
}

const char *program_why_unfit(const struct program *program)
{
	return program->strange ? program->unfit : NULL;
}

void program_hang_up(struct program *program)
{
	if (program)
		fd_close(&program->terminal);
}

void program_end(struct program *program, int patience_ms)
{
	if (!program)
		return;
	program_hang_up(program);
	if (program->output >= 0) {
		if (!program_await(program, patience_ms))
			log_warn("%s has not ended within %d ms of its end being asked for",
				 program->name, patience_ms);
		program_forget_output(program);
	}
	free(program);
}
