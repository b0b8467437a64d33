/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the guest's serial port goes: the terminal, a pseudo-terminal, a file or nowhere. */

#include "vmm/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <termios.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/terminal.h"

enum { ESCAPE_KEY = 0x01, INPUT_SIZE = 4096 };

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
	int input;  /* -1: none, or at its end */
	int output; /* -1: none */
	int room;   /* eventfd: the guest's port has room again */
	int peer;   /* our own hold on a pseudo-terminal's other end, so that it never hangs up */
	bool owns_files; /* input and output are ours to close (one descriptor) */
	bool drops;      /* output that cannot go out at once is dropped: nobody may be reading */
	bool watching;   /* input is in the loop */
	pthread_mutex_t lock;
	bool stalled; /* lock: output is in the loop, somebody waits for it to take more */
	bool escapes; /* the input has an escape key */
	bool escaped;
	size_t count;
	uint8_t waiting[INPUT_SIZE]; /* input that the port did not take yet */
};

static void console_writable(void *owner, uint32_t events)
{
	struct console *console = owner;

	(void)events;
	pthread_mutex_lock(&console->lock);
	loop_remove(console->loop, console->output);
	console->stalled = false;
	pthread_mutex_unlock(&console->lock);
	console->owner.wake(console->owner.machine);
}

/* Whether the caller may wait for console_writable(). */
static bool console_stall(struct console *console)
{
	struct err err = {0};
	bool stalled;

	pthread_mutex_lock(&console->lock);
	if (!console->stalled)
		console->stalled = loop_add(console->loop, console->output, EPOLLOUT,
					    console_writable, console, &err) == 0;
	stalled = console->stalled;
	pthread_mutex_unlock(&console->lock);
	return stalled;
}

/* A reader who takes nothing holds the guest up, but not the monitor; one who is gone does neither. */
static bool console_output(void *owner, uint8_t byte)
{
	struct console *console = owner;
	struct pollfd output = {.fd = console->output, .events = POLLOUT};
	ssize_t n;

	if (console->output < 0)
		return true;
	if (!console->drops && poll(&output, 1, 0) == 0 && console_stall(console))
		return false;
	n = write(console->output, &byte, 1);
	(void)n; /* closed or full: the guest goes on without its audience */
	return true;
}

static void console_room(void *owner)
{
	struct console *console = owner;

	fd_signal(console->room);
}

struct arch_console console_port(struct console *console)
{
	return (struct arch_console){.output = console_output,
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
		for (const char *at = escape_help; *at; at++)
			console_output(console, (uint8_t)*at);
	}
}

static size_t console_space(const struct console *console)
{
	return sizeof(console->waiting) - console->count;
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
	else if (console_space(console) > 0)
		console->waiting[console->count++] = console->escaped ? ESCAPE_KEY : key;
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
	else if (loop_add(console->loop, console->input, EPOLLIN, console_ready, console, &err))
		return; /* a regular file: it is always ready, and read when the port has room */
	console->watching = watch;
}

/*
 * Reads once; false when there is nothing (more) to read now. From a terminal with an escape key also
 * when nothing fits any more: a guest that does not listen must not keep the user from quitting.
 */
static bool console_fill(struct console *console)
{
	uint8_t bytes[256];
	size_t room = console_space(console);
	ssize_t n;

	if (console->input < 0)
		return false;
	if (console->escapes || room > sizeof(bytes))
		room = sizeof(bytes);
	n = read(console->input, bytes, room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		console_watch(console, false);
		if (!console->owns_files)
			console->input = -1;
		return false;
	}
	for (ssize_t i = 0; i < n; i++)
		console_take(console, bytes[i]);
	return true;
}

/* Gives the port what is waiting; without an escape key, input waits while nothing more fits. */
static void console_pump(struct console *console)
{
	const struct console_owner *owner = &console->owner;
	size_t taken = owner->input(owner->machine, console->waiting, console->count);

	console->count -= taken;
	memmove(console->waiting, console->waiting + taken, console->count);
	console_watch(console, console->escapes || console_space(console) > 0);
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
	struct termios mode;
	const char *name;

	console->owns_files = true;
	console->drops = true;
	console->input = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	console->output = console->input;
	if (console->input < 0 || grantpt(console->input) || unlockpt(console->input) ||
	    !(name = ptsname(console->input)))
		return err_set(err, -errno, "--serial pty: no pseudo-terminal: %s",
			       err_text(errno));
	console->peer = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (console->peer < 0 || tcgetattr(console->peer, &mode))
		return err_set(err, -errno, "--serial pty: %s: %s", name, err_text(errno));
	cfmakeraw(&mode);
	tcsetattr(console->peer, TCSANOW, &mode);
	log_say("the serial port is at %s", name);
	return 0;
}

static int console_open(struct console *console, const struct config *config, struct err *err)
{
	switch (config->serial) {
	case SERIAL_STDIO:
		console->input = STDIN_FILENO;
		console->output = STDOUT_FILENO;
		return 0;
	case SERIAL_PTY:
		return console_open_pty(console, err);
	case SERIAL_FILE:
		console->owns_files = true;
		console->output = fd_open_output(config->serial_path, O_APPEND);
		if (console->output < 0)
			return err_set(err, console->output,
				       "--serial file: %s: cannot be written: %s",
				       config->serial_path, fd_output_text(console->output));
		return 0;
	case SERIAL_NONE:
		break;
	}
	return 0;
}

struct console *console_create(const struct config *config, struct loop *loop,
			       const struct console_owner *owner, struct err *err)
{
	struct console *console = calloc(1, sizeof(*console));

	if (!console) {
		err_set(err, -ENOMEM, "serial port: out of memory");
		return NULL;
	}
	pthread_mutex_init(&console->lock, NULL);
	console->loop = loop;
	console->owner = *owner;
	console->input = -1;
	console->output = -1;
	console->peer = -1;
	console->room = fd_eventfd();
	if (console->room < 0)
		err_set(err, console->room, "serial port: %s", err_text(console->room));
	else if (console_open(console, config, err) == 0 &&
		 loop_add(loop, console->room, EPOLLIN, console_has_room, console, err) == 0)
		return console;
	console_destroy(console);
	return NULL;
}

void console_start(struct console *console)
{
	if (console->input < 0)
		return;
	if (console->input == STDIN_FILENO && isatty(STDIN_FILENO)) {
		/* In the background the terminal is somebody else's: reading it would stop us. */
		console->escapes = terminal_make_raw();
		console_watch(console, console->escapes);
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
		loop_remove(console->loop, console->output);
	if (console->room >= 0)
		loop_remove(console->loop, console->room);
	fd_close(&console->room);
	fd_close(&console->peer);
	if (console->owns_files)
		fd_close(&console->output);
	pthread_mutex_destroy(&console->lock);
	free(console);
}
