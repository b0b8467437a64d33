/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest that says nothing because its command line names no console: that is told, once. */

#include "vmm/machine/silence.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "vmm/base/fd.h"
#include "vmm/base/log.h"

/* Linux's first line comes well within a second, where it is to come at all. */
enum { SILENCE_SECONDS = 5 };

static bool silence_begins_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* The name less its number: which of them it is matters less than that one is meant. */
bool silence_has_console(const char *cmdline, const char *name, bool is_default)
{
	size_t length = strcspn(name, "0123456789");

	while (*cmdline) {
		const char *value = silence_begins_with(cmdline, "console=") ? cmdline + 8 : NULL;

		if (value &&
		    (strncmp(value, name, length) == 0 || silence_begins_with(value, "uart")))
			return true;
		/* One that is elsewhere. */
		if (value)
			is_default = false;
		if (silence_begins_with(cmdline, "earlycon") ||
		    silence_begins_with(cmdline, "earlyprintk"))
			return true;
		cmdline += strcspn(cmdline, " ");
		cmdline += strspn(cmdline, " ");
	}
	return is_default;
}

static void silence_over(void *owner, uint32_t events)
{
	struct silence *silence = owner;

	(void)events;
	if (!console_has_output(silence->console))
		log_warn("serial port: the guest has written nothing in %d s, and --cmdline names "
			 "no console there: add console=%s, or give --serial none",
			 SILENCE_SECONDS, silence->name);
	silence_end(silence);
}

void silence_begin(struct silence *silence, struct loop *loop, const struct console *console,
		   const char *name)
{
	const struct itimerspec time = {.it_value = {.tv_sec = SILENCE_SECONDS}};
	struct err err = {0};
	int timer = silence->spare ? silence->spare
				   : timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	*silence = (struct silence){.loop = loop, .console = console, .name = name, .timer = -1};
	if (timer < 0 || timerfd_settime(timer, 0, &time, NULL) < 0 ||
	    loop_add(loop, timer, EPOLLIN, silence_over, silence, &err)) {
		log_debug("serial port: whether it stays silent is not watched");
		fd_close(&timer);
		return;
	}
	silence->timer = timer;
}

void silence_end(struct silence *silence)
{
	if (silence->timer < 0)
		return;
	loop_remove(silence->loop, silence->timer);
	fd_close(&silence->timer);
}
