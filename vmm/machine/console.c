/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a guest's port goes: the terminal, a pseudo-terminal, a file or nowhere. */

#include "vmm/machine/console.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/pty.h"
#include "vmm/base/writer.h"
#include "vmm/machine/terminal.h"

enum {
	ESCAPE_KEY = 0x01,
	INPUT_SIZE = 64 * 1024,
	LOOK_MS = 200,    /* between two looks at what no event tells of */
	DEAF_LOOKS = 5,   /* a guest that takes nothing for so long does not listen */
	PTY_LOOK_MS = 10, /* the kernel moves what is in a pseudo-terminal in its own time */
};

static const char escape_help[] = "\r\n"
				  "Ctrl-A x  quit: end the machine at once\r\n"
				  "Ctrl-A p  press the power button\r\n"
				  "Ctrl-A r  reset the machine\r\n"
				  "Ctrl-A c  start a machine that was started with --paused\r\n"
				  "Ctrl-A a  send Ctrl-A to the guest\r\n"
				  "Ctrl-A h  this help\r\n";

struct console {
	struct loop *loop;
	struct console_owner owner;
	struct console_place place;
	int input; /* -1: none, or at its end */
	int given; /* of fd=; -1: none */
	struct writer output;
	int room;            /* eventfd: the guest's port has room again */
	int look;            /* timerfd */
	bool is_pty;         /* input and output are its master */
	bool watching;       /* input is in the loop */
	atomic_bool refused; /* that output is lost was told */
	atomic_bool spoken;  /* the guest has written something */
	bool beside_log;     /* the log's lines come in between */
	pthread_mutex_t lock;
	struct pty pty; /* lock */
	bool stalled;   /* lock: output is in the loop, somebody waits for it to take more */
	bool soon;      /* lock: the next look is for that alone */
	bool escapes;   /* the input has an escape key */
	bool escaped;
	unsigned int full_looks; /* in a row that found no space, and no guest that took anything */
	size_t at, count;
	uint8_t waiting[INPUT_SIZE]; /* input that the port did not take yet */
};

static void console_look_in(const struct console *console, long milliseconds)
{
	const struct itimerspec time = {.it_value = {.tv_nsec = milliseconds * 1000000L}};

	if (timerfd_settime(console->look, 0, &time, NULL) < 0)
		log_debug("%s: no timer: %s", console->place.port, err_text(-errno));
}

static void console_look_later(const struct console *console)
{
	console_look_in(console, LOOK_MS);
}

static void console_writable(void *owner, uint32_t events)
{
	struct console *console = owner;

	(void)events;
	pthread_mutex_lock(&console->lock);
	loop_remove(console->loop, console->output.fd);
	console->stalled = false;
	pthread_mutex_unlock(&console->lock);
	console->owner.wake(console->owner.machine);
}

/* Lock held; whether the caller may wait for console_writable(). */
static bool console_stall(struct console *console, bool soon)
{
	struct err err = {0};

	if (!console->stalled)
		console->stalled = loop_add(console->loop, console->output.fd, EPOLLOUT,
					    console_writable, console, &err) == 0;
	/* A reader of a pseudo-terminal may leave, of which no event tells. */
	if (console->stalled && console->is_pty) {
		console->soon = soon;
		console_look_in(console, soon ? PTY_LOOK_MS : LOOK_MS);
	}
	return console->stalled;
}

/*
 * Lock held. A full pseudo-terminal that nobody has open loses its oldest output; what there is
 * room for then may take the kernel a moment.
 */
static bool console_make_room(struct console *console)
{
	return console->is_pty && !pty_has_reader(&console->pty) && pty_drop_oldest(&console->pty);
}

static void console_refused(struct console *console, int rc)
{
	/* Nobody is there to hear it: the guest goes on without its audience. */
	if (rc == -EPIPE || console->is_pty || atomic_exchange(&console->refused, true))
		return;
	log_warn("%s: its output cannot be written: %s: it is lost", console->place.port,
		 err_text(rc));
}

/* Whether what goes to @fd and the log's lines come out in one place. */
static bool console_is_beside_log(int fd)
{
	struct stat output, log;

	return fstat(fd, &output) == 0 && fstat(STDERR_FILENO, &log) == 0 &&
	       output.st_dev == log.st_dev && output.st_ino == log.st_ino;
}

/*
 * A reader who takes nothing holds the guest up, but not the monitor; one who is gone does neither.
 * How many of @count bytes are taken or lost; 0: the owner will be woken.
 */
static size_t console_send_some(struct console *console, const uint8_t *bytes, size_t count)
{
	bool stalled = false;
	ssize_t n;

	if (console->output.fd < 0)
		return count;
	n = writer_write(&console->output, bytes, count);
	if (n == -EAGAIN) {
		bool dropped;

		pthread_mutex_lock(&console->lock);
		dropped = console_make_room(console);
		if (dropped)
			n = writer_write(&console->output, bytes, count);
		stalled = n == -EAGAIN && console_stall(console, dropped);
		pthread_mutex_unlock(&console->lock);
	}
	if (n < 0 && n != -EAGAIN)
		console_refused(console, (int)n);
	if (n > 0 && console->beside_log)
		log_note_neighbour(bytes[n - 1]);
	if (n > 0)
		return (size_t)n;
	return stalled ? 0 : count;
}

/* As console_write(), of what is the monitor's own as well. */
static size_t console_send(struct console *console, const uint8_t *bytes, size_t count)
{
	size_t done = 0, taken;

	do {
		taken = console_send_some(console, bytes + done, count - done);
		done += taken;
	} while (taken > 0 && done < count);
	return done;
}

size_t console_write(struct console *console, const uint8_t *bytes, size_t count)
{
	atomic_store_explicit(&console->spoken, true, memory_order_relaxed);
	return console_send(console, bytes, count);
}

static bool console_output_of_guest(void *owner, uint8_t byte)
{
	return console_write(owner, &byte, 1) == 1;
}

void console_size(const struct console *console, uint16_t *columns, uint16_t *rows)
{
	struct winsize size = {0};

	if (console->output.fd >= 0)
		(void)ioctl(console->output.fd, TIOCGWINSZ, &size);
	*columns = size.ws_col;
	*rows = size.ws_row;
}

bool console_has_output(const struct console *console)
{
	return atomic_load(&console->spoken);
}

void console_room(void *owner)
{
	struct console *console = owner;

	fd_signal(console->room);
}

struct arch_console console_port(struct console *console)
{
	return (struct arch_console){.output = console_output_of_guest,
				     .room = console_room,
				     .console = console};
}

static void console_escape(struct console *console, uint8_t key)
{
	const struct console_owner *owner = &console->owner;

	switch (key) {
	case 'x':
		owner->request(owner->machine, CONSOLE_QUIT);
		break;
	case 'p':
		owner->request(owner->machine, CONSOLE_POWER_BUTTON);
		break;
	case 'r':
		owner->request(owner->machine, CONSOLE_RESET);
		break;
	case 'c':
		owner->request(owner->machine, CONSOLE_CONTINUE);
		break;
	default:
		(void)console_send(console, (const uint8_t *)escape_help, strlen(escape_help));
	}
}

static size_t console_space(const struct console *console)
{
	return sizeof(console->waiting) - console->count;
}

static void console_put(struct console *console, uint8_t key)
{
	if (console_space(console) == 0)
		return;
	if (console->at + console->count == sizeof(console->waiting)) {
		memmove(console->waiting, console->waiting + console->at, console->count);
		console->at = 0;
	}
	console->waiting[console->at + console->count++] = key;
}

/* Nothing more fits, and has not for a while. */
static bool console_is_deaf(const struct console *console)
{
	return console->escapes && console->full_looks >= DEAF_LOOKS;
}

/* One byte that was read: for the guest, or part of an escape sequence. */
static void console_take(struct console *console, uint8_t key)
{
	if (console->escapes && !console->escaped && key == ESCAPE_KEY) {
		console->escaped = true;
		return;
	}
	if (console->escaped && key != 'a' && key != ESCAPE_KEY)
		console_escape(console, key);
	else
		console_put(console, console->escaped ? ESCAPE_KEY : key);
	console->escaped = false;
}

static void console_ready(void *owner, uint32_t events);

static void console_watch(struct console *console, bool watch)
{
	struct err err = {0};

	if (console->watching == watch || console->input < 0)
		return;
	if (!watch)
		loop_remove(console->loop, console->input);
	else if (loop_add(console->loop, console->input, EPOLLIN, console_ready, console, &err)) {
		/* A regular file is always ready, and is read when the port has room. */
		if (err.code != -EPERM)
			log_error("%s: what is typed does not arrive: %s", console->place.port,
				  err.text);
		return;
	}
	console->watching = watch;
}

/*
 * Input is read while there is space for it, or none of it is kept but the escape key is looked
 * for.
 */
static void console_watch_as_needed(struct console *console)
{
	bool full = console_space(console) == 0;

	console_watch(console, !full || console_is_deaf(console));
	if (full && console->escapes && !console_is_deaf(console))
		console_look_later(console);
}

/* Nobody has the other end, and our own hold was not to be had. */
static void console_hung_up(struct console *console)
{
	bool held;

	pthread_mutex_lock(&console->lock);
	held = pty_hold(&console->pty);
	pthread_mutex_unlock(&console->lock);
	if (held)
		return;
	console_watch(console, false);
	console_look_later(console);
}

/* Reads once; false when there is nothing (more) to read now. */
static bool console_fill(struct console *console)
{
	uint8_t bytes[256];
	size_t room = console_space(console);
	ssize_t n;

	if (console->input < 0)
		return false;
	if (console_is_deaf(console) || room > sizeof(bytes))
		room = sizeof(bytes);
	n = read(console->input, bytes, room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0 && console->is_pty) {
		console_hung_up(console);
		return false;
	}
	if (n <= 0) {
		console_watch(console, false);
		if (!console->is_pty)
			console->input = -1;
		return false;
	}
	for (ssize_t i = 0; i < n; i++)
		console_take(console, bytes[i]);
	return true;
}

/* Gives the port what is waiting. */
static void console_pump(struct console *console)
{
	const struct console_owner *owner = &console->owner;
	size_t taken = owner->input(owner->machine, console->waiting + console->at, console->count);

	console->at += taken;
	console->count -= taken;
	if (taken > 0 || console_space(console) > 0)
		console->full_looks = 0;
	console_watch_as_needed(console);
}

/* A guest that does not listen must not keep the user from quitting. */
static void console_look_at_input(struct console *console)
{
	if (!console->escapes || console_space(console) > 0 || console_is_deaf(console))
		return;
	if (++console->full_looks == DEAF_LOOKS)
		log_warn("%s: the guest does not take what is typed: more than %d KiB of it are "
			 "lost",
			 console->place.port, INPUT_SIZE / 1024);
	console_watch_as_needed(console);
}

static void console_look(void *owner, uint32_t events)
{
	struct console *console = owner;
	bool stalled, soon;

	(void)events;
	fd_take(console->look);
	pthread_mutex_lock(&console->lock);
	stalled = console->stalled;
	soon = console->soon;
	console->soon = false;
	pthread_mutex_unlock(&console->lock);
	if (soon)
		console_watch_as_needed(console);
	else
		console_look_at_input(console);
	if (!console->is_pty)
		return;
	if (stalled)
		console_writable(console, 0);
	if (!console->watching && console_space(console) > 0) {
		console_watch(console, true);
		console_hung_up(console);
	}
}

static void console_ready(void *owner, uint32_t events)
{
	struct console *console = owner;

	(void)events;
	if (console_fill(console))
		console_pump(console);
}

static void console_has_room(void *owner, uint32_t events)
{
	struct console *console = owner;

	(void)events;
	fd_take(console->room);
	console_pump(console);
	while (!console->watching && console_space(console) > 0 && console_fill(console))
		console_pump(console);
}

static int console_open_pty(struct console *console, struct err *err)
{
	int output;

	if (pty_open(&console->pty, err))
		return err_prefix(err, "%s pty", console->place.option);
	console->is_pty = true;
	console->input = console->pty.master;
	/* The loop has one watch for each descriptor. */
	output = fcntl(console->input, F_DUPFD_CLOEXEC, 0);
	if (output < 0)
		return err_set(err, -errno, "%s pty: %s", console->place.option, err_text(errno));
	writer_take(&console->output, output);
	log_say("the %s is at %s", console->place.port, console->pty.name);
	return 0;
}

static int console_open_file(struct console *console, const char *path, struct err *err)
{
	int fd = fd_open_output(path, O_APPEND);

	if (fd < 0)
		return err_set(err, fd, "%s file: %s: cannot be written: %s", console->place.option,
			       path, fd_output_text(fd));
	writer_take(&console->output, fd);
	return 0;
}

/*
 * What somebody else has opened. A terminal's other users keep its flags and modes; what is no
 * terminal is read without waiting. A file is only written to.
 */
static int console_open_given(struct console *console, int fd, struct err *err)
{
	int flags = fcntl(fd, F_GETFL), output = -1;
	struct stat status;

	console->given = fd;
	if (flags >= 0 && fstat(fd, &status) == 0)
		output = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (output < 0)
		return err_set(err, -errno, "%s fd=%d: %s", console->place.option, fd,
			       err_text(errno));
	if (!isatty(fd))
		(void)!fd_do_not_block(fd);
	writer_share(&console->output, output);
	if (console->output.fd == output)
		console->output.owned = true;
	else
		fd_close(&output);
	if ((flags & O_ACCMODE) == O_RDWR && !S_ISREG(status.st_mode))
		console->input = fd;
	console->beside_log = console_is_beside_log(fd);
	return 0;
}

static int console_open(struct console *console, struct err *err)
{
	switch (console->place.kind) {
	case SERIAL_STDIO:
		if (isatty(STDIN_FILENO))
			terminal_prepare();
		console->input = STDIN_FILENO;
		writer_share(&console->output, STDOUT_FILENO);
		console->beside_log = console_is_beside_log(STDOUT_FILENO);
		return 0;
	case SERIAL_PTY:
		return console_open_pty(console, err);
	case SERIAL_FILE:
		return console_open_file(console, console->place.path, err);
	case SERIAL_FD:
		return console_open_given(console, console->place.fd, err);
	case SERIAL_NONE:
		break;
	}
	return 0;
}

static int console_watch_events(struct console *console, struct err *err)
{
	int rc = loop_add(console->loop, console->look, EPOLLIN, console_look, console, err);

	if (!rc)
		rc = loop_add(console->loop, console->room, EPOLLIN, console_has_room, console,
			      err);
	return rc ? err_prefix(err, "%s", console->place.port) : 0;
}

struct console *console_create(const struct console_place *place, struct loop *loop,
			       const struct console_owner *owner, struct err *err)
{
	struct console *console = calloc(1, sizeof(*console));

	if (!console) {
		err_set(err, -ENOMEM, "%s: out of memory", place->port);
		return NULL;
	}
	pthread_mutex_init(&console->lock, NULL);
	console->loop = loop;
	console->owner = *owner;
	console->place = *place;
	console->input = console->given = -1;
	console->output.fd = console->pty.master = console->pty.peer = -1;
	console->look = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	console->room = fd_eventfd();
	if (console->room < 0 || console->look < 0)
		err_set(err, -errno, "%s: no descriptor for events: %s", place->port,
			err_text(errno));
	else if (console_open(console, err) == 0 && console_watch_events(console, err) == 0)
		return console;
	console_destroy(console);
	return NULL;
}

void console_start(struct console *console)
{
	if (!console || console->input < 0)
		return;
	if (console->input == STDIN_FILENO && isatty(STDIN_FILENO)) {
		/* In the background the terminal is somebody else's: reading it would stop us. */
		console->escapes = terminal_make_raw();
		if (console->escapes)
			console_watch_as_needed(console);
		else
			console_watch(console, false);
		return;
	}
	console_watch(console, true);
	if (!console->watching)
		console_room(console);
}

void console_destroy(struct console *console)
{
	if (!console)
		return;
	terminal_restore();
	console_watch(console, false);
	if (console->stalled)
		loop_remove(console->loop, console->output.fd);
	loop_remove(console->loop, console->room);
	loop_remove(console->loop, console->look);
	fd_close(&console->room);
	fd_close(&console->look);
	fd_close(&console->given);
	pty_close(&console->pty);
	writer_close(&console->output);
	pthread_mutex_destroy(&console->lock);
	free(console);
}
