/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry bind`: takes devices from the host's drivers, unless the host cannot do without. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio/host/claim.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/tools/give.h"
#include "vmm/tools/inuse.h"
#include "vmm/tools/job.h"
#include "vmm/tools/rebind.h"

static const char help_text[] =
	"Usage: ferry bind [OPTION]... ADDR...\n"
	"Takes the PCI devices at ADDR, such as 0000:01:00.0 or 01:00.0, from the host's\n"
	"drivers and binds them to vfio-pci. Refuses when the host would lose a mounted\n"
	"disk, its swap, a part of an array or a network address or route, when a process\n"
	"has a node of the device open, or when the host holds a BAR itself, as the\n"
	"framebuffer of its start does.\n"
	"\n"
	"  --group                   all devices of their IOMMU groups, but for bridges\n"
	"  --force                   binds them whatever the host loses\n"
	"  --user NAME               makes that user, or UID, the owner of their nodes\n"
	"  --json                    prints how it went as JSON\n"
	"  --help, -h                this text\n"
	"\n"
	"Exit status: 0 all are bound, 1 refused or failed (all are as before), 2 wrong\n"
	"usage.\n";

static const struct option long_options[] = {
	{"group", no_argument, NULL, JOB_GROUP},     {"force", no_argument, NULL, JOB_FORCE},
	{"user", required_argument, NULL, JOB_USER}, {"json", no_argument, NULL, JOB_JSON},
	{"help", no_argument, NULL, JOB_HELP},       {NULL, 0, NULL, 0},
};

/* What else is bound needs nothing more; this would be good for no guest. */
static void bind_check_confined(struct tool_job *job, const struct vfio_host_device *host)
{
	if (host->unconfined)
		job_refuse(job, host->sysfs.address, false,
			   "no IOMMU confines it, VFIO's no-IOMMU mode has it: `ferry doctor %s` "
			   "says what to do",
			   host->sysfs.address);
}

/* Whoever gives a virtual function what it works with is the driver of its physical one. */
static void bind_check_physical(const struct tool_job *job, const struct vfio_host_device *host)
{
	struct vfio_host_device physical;

	if (host->physical[0] &&
	    vfio_host_device(job->tool->sys, host->physical, &physical, NULL) == 0 &&
	    !physical.driver[0])
		log_warn("%s: its physical function %s has no driver, without which it may not "
			 "work",
			 host->sysfs.address, host->physical);
}

static void bind_check_device(struct tool_job *job, const struct vfio_host_device *host)
{
	const char *address = host->sysfs.address;
	char path[PATH_MAX + 32], text[160], mend[256];
	struct vfio_claim claim;

	snprintf(path, sizeof(path), "%s/driver_override", host->sysfs.path);
	if (!host->has_group && !host->group_to_come)
		job_refuse(job, address, false,
			   "it is in no IOMMU group: `ferry doctor %s` says what to do", address);
	else if (access(path, W_OK) < 0)
		job_refuse(job, address, false, "%s: %s: be root", path, err_text(errno));
	if (host->functions)
		job_refuse(job, address, false,
			   "%u virtual functions of it are on, and vfio-pci takes it without them "
			   "only: echo 0 > /sys/bus/pci/devices/%s/sriov_numvfs",
			   host->functions, address);
	if (vfio_claim_find(job->tool->proc, &host->sysfs, host->driver, &claim)) {
		vfio_claim_tell(&claim, text, sizeof(text));
		vfio_claim_mend(&claim, mend, sizeof(mend));
		job_refuse(job, address, true, "%s, so that VFIO would not get it: %s", text, mend);
	}
	bind_check_physical(job, host);
	if (inuse_as_display(job->tool, host))
		log_warn("%s: the host's console is on this display and will freeze", address);
}

/* Everything is looked at before anything is touched. */
static int bind_check(struct tool_job *job, struct err *err)
{
	struct vfio_host_device *hosts = calloc(job->count + 1, sizeof(*hosts));
	struct inuse inuse;
	size_t count = 0;

	if (!hosts)
		return err_set(err, -ENOMEM, "bind: out of memory");
	for (size_t i = 0; i < job->count; i++) {
		bind_check_confined(job, &job->devices[i].host);
		if (vfio_host_is_bound(&job->devices[i].host))
			continue;
		hosts[count++] = job->devices[i].host;
		bind_check_device(job, &job->devices[i].host);
	}
	if (count) {
		inuse_find(job->tool, hosts, count, true, &inuse);
		for (size_t i = 0; i < inuse.count && i < INUSE_MAX; i++)
			job_refuse(job, hosts[inuse.reasons[i].device].sysfs.address, true, "%s",
				   inuse.reasons[i].text);
	}
	free(hosts);
	return job_is_refused(job) ? -EBUSY : 0;
}

/*
 * The first @touched devices back to what they had, the last one first; what was recorded is void.
 */
static void bind_undo(struct tool_job *job, size_t touched)
{
	for (size_t i = job->count; i-- > 0;) {
		struct job_device *device = &job->devices[i];
		const char *address = device->host.sysfs.address;
		struct record record;
		struct err err = {0};

		if (vfio_host_is_bound(&device->host) || (i >= touched && !device->recorded))
			continue;
		if (record_load(job->tool->run, &device->host, &record))
			rebind_describe(&device->host, &record);
		if (i < touched && rebind_back(job->tool, address, &record, device->now, &err)) {
			log_error("%s: ferry unbind %s", err.text, address);
			continue;
		}
		device->given = false;
		if (record_remove(job->tool->run, address))
			log_warn("%s: %s/ferry/%s cannot be removed", address, job->tool->run,
				 address);
	}
}

/*
 * What was recorded before the host's driver was taken knows more than what the device has now;
 * once a driver has it back, it does not.
 */
static int bind_remember_device(const struct tool *tool, struct job_device *device, struct err *err)
{
	const struct vfio_host_device *host = &device->host;
	struct record record;
	int rc;

	if ((!host->driver[0] || rebind_is_marked(host)) &&
	    record_load(tool->run, host, &record) == 0)
		return 0;
	rebind_describe(host, &record);
	rc = record_save(tool->run, host->sysfs.address, &record, err);
	device->recorded = !rc;
	return rc;
}

/* What they had is on record before the first is touched. */
static int bind_remember(struct tool_job *job, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < job->count && !rc; i++)
		if (!vfio_host_is_bound(&job->devices[i].host))
			rc = bind_remember_device(job->tool, &job->devices[i], err);
	return rc;
}

/* A device whose group was to come with a driver: without one it can be handed to nobody. */
static int bind_find_group(const struct tool_job *job, struct job_device *device, struct err *err)
{
	struct vfio_host_device now;
	int rc;

	if (device->host.has_group)
		return 0;
	rc = vfio_host_device(job->tool->sys, device->host.sysfs.address, &now, err);
	if (rc)
		return rc;
	if (!now.has_group || now.unconfined)
		return err_set(err, -ENODEV,
			       "%s: it is in no IOMMU group with vfio-pci either: the host's IOMMU "
			       "does not serve it",
			       device->host.sysfs.address);
	device->host.has_group = true;
	device->host.group = now.group;
	return 0;
}

/* How it went with @device; returns @rc. */
static int bind_note(struct job_device *device, int rc, const struct err *err)
{
	device->failed = rc != 0;
	if (rc)
		device->failure = *err;
	return rc;
}

/* Binds the first @touched. */
static int bind_take(struct tool_job *job, size_t *touched, struct err *err)
{
	int rc = rebind_prepare(job->tool, err);

	if (!rc)
		rc = bind_remember(job, err);
	for (; *touched < job->count && !rc; (*touched)++) {
		struct job_device *device = &job->devices[*touched];

		if (vfio_host_is_bound(&device->host))
			continue;
		rc = rebind_to_vfio(job->tool, &device->host, err);
		if (!rc)
			rc = bind_find_group(job, device, err);
		if (!bind_note(device, rc, err))
			strcpy(device->now, "vfio-pci");
	}
	return rc;
}

/*
 * Whoever is to have the nodes gets those of devices that were bound before as well. What those
 * were given before cannot be undone, so all are looked for first.
 */
static int bind_give(struct tool_job *job, struct err *err)
{
	int rc = 0;

	if (!job->request->user)
		return 0;
	for (size_t i = 0; i < job->count && !rc; i++)
		rc = bind_note(&job->devices[i],
			       give_check_nodes(job->tool, &job->devices[i].host, err), err);
	for (size_t i = 0; i < job->count && !rc; i++) {
		struct job_device *device = &job->devices[i];

		rc = bind_note(device, give_nodes(job->tool, &device->host, job->user, err), err);
		device->given = !rc;
	}
	return rc;
}

static int bind_take_and_give(struct tool_job *job, struct err *err)
{
	size_t touched = 0;
	int rc = bind_take(job, &touched, err);

	if (!rc)
		rc = bind_give(job, err);
	if (rc)
		bind_undo(job, touched);
	return rc;
}

/* A group is given away whole; what still is in the way is said now rather than at the run. */
static void bind_tell_rest(const struct tool_job *job)
{
	for (size_t i = 0; i < job->count; i++) {
		const struct vfio_host_device *host = &job->devices[i].host;
		struct vfio_host_device *members = NULL;
		size_t count = 0;

		if (vfio_host_group(job->tool->sys, host->group, &members, &count, NULL))
			continue;
		for (size_t j = 0; j < count; j++)
			if (vfio_host_is_in_the_way(&members[j])) {
				log_warn("IOMMU group %u is not free yet: %s has driver %s: "
					 "ferry bind --group %s",
					 host->group, members[j].sysfs.address, members[j].driver,
					 host->sysfs.address);
				break;
			}
		free(members);
	}
}

int tool_bind(const struct tool *tool, int argc, char **argv)
{
	struct job_request request;
	struct tool_job job = {.tool = tool, .request = &request, .verb = "bind"};
	struct err err = {0};
	int status, lock;

	if (job_parse(&request, long_options, argc, argv, &err))
		return tool_fail(tool, tool_wants_json(argc, argv), TOOL_USAGE, &err);
	if (request.help) {
		fputs(help_text, tool->out);
		return TOOL_OK;
	}
	if (request.user && give_find_user(tool, request.user, &job.user, &err))
		return tool_fail(tool, request.json, TOOL_USAGE, &err);
	lock = record_lock(tool->run, &err);
	status = lock < 0 || job_collect(&job, &err) || bind_check(&job, &err) ||
				 bind_take_and_give(&job, &err)
			 ? TOOL_FAILED
			 : TOOL_OK;
	fd_close(&lock);
	if (err.code)
		log_error("%s", err.text);
	if (status == TOOL_OK)
		bind_tell_rest(&job);
	if (status == TOOL_OK || request.json)
		status = job_print(&job, status, &err);
	job_release(&job);
	return status;
}
