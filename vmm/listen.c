/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors that systemd, or who starts services as it does, hands over by names. */

#include "vmm/listen.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/suboptions.h"

/* They are these and those behind it, in the order of their names. */
enum { LISTEN_FIRST = STDERR_FILENO + 1, LISTEN_MANY = 1024 };

/* How many, which must be for this process: the environment goes on to others. */
static int listen_count(unsigned int *count, struct err *err)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	unsigned int number;

	if (!pid || !fds)
		return err_set(
			err, -EINVAL,
			"no descriptors with names were handed over (LISTEN_PID and LISTEN_FDS "
			"are not set): have the service open it, by OpenFile=PATH:NAME, or "
			"give a number");
	if (suboptions_parse_number(pid, 1, INT_MAX, &number))
		return err_set(err, -EINVAL, "LISTEN_PID=%.80s: no number of a process", pid);
	if (number != (unsigned int)getpid())
		return err_set(
			err, -EINVAL,
			"the descriptors with names are for process %u (LISTEN_PID), not for "
			"this one, %d: let that one become ferry (exec), or give a number",
			number, (int)getpid());
	if (suboptions_parse_number(fds, 0, LISTEN_MANY, count))
		return err_set(err, -EINVAL, "LISTEN_FDS=%.80s: not a number up to %d", fds,
			       LISTEN_MANY);
	return 0;
}

/* The position of @name in the list @names, A:B:C, from @from on and below @count, or -1. */
static int listen_position(const char *names, const char *name, unsigned int from,
			   unsigned int count)
{
	size_t length = strlen(name);

	for (unsigned int at = 0; at < count; at++) {
		size_t size = strcspn(names, ":");

		if (at >= from && size == length && strncmp(names, name, length) == 0)
			return (int)at;
		if (names[size] == '\0')
			return -1;
		names += size + 1;
	}
	return -1;
}

/* The descriptor whose name is @name; -EINVAL with @err saying why there is none. */
static int listen_find(const char *name, struct err *err)
{
	const char *names = getenv("LISTEN_FDNAMES");
	unsigned int count;
	int first, second, rc = listen_count(&count, err);

	if (rc)
		return rc;
	names = names ? names : "";
	first = listen_position(names, name, 0, count);
	if (first < 0)
		return err_set(err, -EINVAL,
			       "no descriptor of this name was handed over: LISTEN_FDNAMES has "
			       "'%.200s', LISTEN_FDS %u",
			       names, count);
	second = listen_position(names, name, (unsigned int)first + 1, count);
	if (second > 0)
		return err_set(
			err, -EINVAL,
			"descriptors %d and %d both have this name: give each one of its own, "
			"or a number",
			LISTEN_FIRST + first, LISTEN_FIRST + second);
	return LISTEN_FIRST + first;
}

int listen_parse(const char *value, int *fd, struct err *err)
{
	const char *name;
	unsigned int number;
	int named;

	if (strncmp(value, "fd=", 3) != 0 || value[3] == '\0')
		return err_set(err, -EINVAL,
			       "'%s': it takes fd=N, an open descriptor from 3 on, or fd=NAME",
			       value);
	name = value + 3;
	if (strspn(name, "-0123456789") == strlen(name)) {
		if (suboptions_parse_number(name, LISTEN_FIRST, INT_MAX, &number))
			return err_set(err, -EINVAL,
				       "'%s': it takes fd=N, an open descriptor from 3 on", value);
		*fd = (int)number;
		return 0;
	}
	named = listen_find(name, err);
	if (named < 0)
		return err_prefix(err, "%s", value);
	*fd = named;
	return 0;
}
