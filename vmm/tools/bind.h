/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ferry bind` and `ferry unbind` share: which devices are meant, and how it went. */

#ifndef FERRY_VMM_TOOLS_BIND_H
#define FERRY_VMM_TOOLS_BIND_H

#include "vfio/host/host.h"
#include "vmm/tools/tools.h"

struct bind_request {
	bool group, force, json, help;
	char **addresses;
	size_t count;
};

/* One device on its way. */
struct bind_device {
	struct vfio_host_device host; /* as it was found */
	char now[VFIO_DRIVER_SIZE];
	bool recorded; /* what it had, by this command */
	bool failed;
	struct err failure; /* why */
};

/* Why a device stays where it is. */
struct bind_refusal {
	char address[VFIO_ADDRESS_SIZE];
	char text[400];
	bool forceable;
};

struct bind_job {
	const struct tool *tool;
	const struct bind_request *request;
	const char *verb; /* "bind" */
	struct bind_device *devices;
	size_t count;
	struct bind_refusal *refusals;
	size_t refusal_count;
	bool lost; /* a refusal there was no memory for: it stands all the same */
};

/* Reads the options that the command @has; -EINVAL with @err set. */
int bind_parse(struct bind_request *request, const struct option *options, int argc, char **argv,
	       struct err *err) FERRY_MUST_CHECK;

/* The values of the options, in both commands' tables. */
enum bind_option { BIND_GROUP = 256, BIND_FORCE, BIND_JSON, BIND_HELP };

/* The devices named, and with --group those of their groups; bridges are left alone. */
int bind_collect(struct bind_job *job, struct err *err) FERRY_MUST_CHECK;

void bind_refuse(struct bind_job *job, const char *address, bool forceable, const char *format, ...)
	FERRY_PRINTF(4, 5);

/* Says the refusals that stand; whether there is one. */
bool bind_refused(const struct bind_job *job);

/*
 * The table, or JSON with @err, of how it went; @status, or TOOL_FAILED when it cannot be printed.
 */
int bind_print(const struct bind_job *job, int status, const struct err *err);
void bind_release(struct bind_job *job);

#endif
