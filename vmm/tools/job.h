/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ferry bind` and `ferry unbind` share: which devices are meant, and how it went. */

#ifndef FERRY_VMM_TOOLS_JOB_H
#define FERRY_VMM_TOOLS_JOB_H

#include <sys/types.h>

#include "vfio/host/host.h"
#include "vmm/tools/tools.h"

struct job_request {
	bool group, force, json, help;
	const char *user; /* NULL: nobody is given a node */
	char **addresses;
	size_t count;
};

/* One device on its way. */
struct job_device {
	struct vfio_host_device host; /* as it was found */
	char now[VFIO_DRIVER_SIZE];
	bool recorded; /* what it had, by this command */
	bool given;    /* its nodes, to the job's user */
	bool failed;
	struct err failure; /* why */
};

/* Why a device stays where it is. */
struct job_refusal {
	char address[VFIO_ADDRESS_SIZE];
	char text[400];
	bool forceable;
};

struct tool_job {
	const struct tool *tool;
	const struct job_request *request;
	const char *verb; /* "bind" */
	struct job_device *devices;
	size_t count;
	struct job_refusal *refusals;
	size_t refusal_count;
	uid_t user; /* where one is asked for */
	bool lost;  /* a refusal there was no memory for: it stands all the same */
};

/* Reads a command line by the table @options of its command; -EINVAL with @err set. */
int job_parse(struct job_request *request, const struct option *options, int argc, char **argv,
	      struct err *err) FERRY_MUST_CHECK;

/* The values of the options in both commands' tables. */
enum job_option { JOB_GROUP = 256, JOB_FORCE, JOB_JSON, JOB_USER, JOB_HELP };

/* The devices named, and with --group those of their groups; bridges are left alone. */
int job_collect(struct tool_job *job, struct err *err) FERRY_MUST_CHECK;

void job_refuse(struct tool_job *job, const char *address, bool forceable, const char *format, ...)
	FERRY_PRINTF(4, 5);

/* Says the refusals that stand; whether there is one. */
bool job_is_refused(const struct tool_job *job);

/*
 * The table, or JSON with @err, of how it went; @status, or TOOL_FAILED when it cannot be printed.
 */
int job_print(const struct tool_job *job, int status, const struct err *err);
void job_release(struct tool_job *job);

#endif
