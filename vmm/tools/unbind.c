/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry unbind`: gives devices back to the drivers that they had. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vfio/host/openers.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/tools/inuse.h"
#include "vmm/tools/job.h"
#include "vmm/tools/rebind.h"

static const char help_text[] =
	"Usage: ferry unbind [OPTION]... ADDR...\n"
	"Gives the PCI devices at ADDR, such as 0000:01:00.0 or 01:00.0, back to the\n"
	"drivers that they had before `ferry bind`; where that is not known, the kernel\n"
	"chooses.\n"
	"\n"
	"  --group                   all devices of their IOMMU groups, but for bridges\n"
	"  --force                   takes them from a guest too: one in a slot is asked\n"
	"                            for first, for ten seconds\n"
	"  --json                    prints how it went as JSON\n"
	"  --help, -h                this text\n"
	"\n"
	"Exit status: 0 all are given back, 1 refused or failed, 2 wrong usage.\n";

static const struct option long_options[] = {
	{"group", no_argument, NULL, JOB_GROUP},
	{"force", no_argument, NULL, JOB_FORCE},
	{"json", no_argument, NULL, JOB_JSON},
	{"help", no_argument, NULL, JOB_HELP},
	{NULL, 0, NULL, 0},
};

/* What was taken and not given back: VFIO has it, nobody, or it is on record still. */
static bool unbind_is_away(const struct tool *tool, const struct vfio_host_device *host)
{
	struct record record;

	return vfio_host_is_bound(host) || (!host->driver[0] && rebind_is_marked(host)) ||
	       record_load(tool->run, host, &record) == 0;
}

/*
 * Who uses the device by its group's node, or by one of its own. The kernel asks them for it, and
 * waits: Ferry lets go of it whatever its guest does, other monitors may not.
 */
static void unbind_refuse_users(struct tool_job *job, const struct vfio_host_device *host)
{
	struct vfio_opener opener;
	struct inuse inuse = {0};
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/vfio/%u", job->tool->dev, host->group);
	if (host->has_group && vfio_node_opener(job->tool->proc, path, &opener))
		job_refuse(job, host->sysfs.address, true, "process %u (%s) uses its IOMMU group",
			   opener.process, opener.name);
	if (vfio_host_is_bound(host))
		inuse_find_openers(job->tool, host, 1, &inuse);
	for (size_t i = 0; i < inuse.count && i < INUSE_MAX; i++)
		job_refuse(job, host->sysfs.address, true, "%s", inuse.reasons[i].text);
}

static int unbind_check(struct tool_job *job)
{
	for (size_t i = 0; i < job->count; i++) {
		const struct vfio_host_device *host = &job->devices[i].host;
		char path[PATH_MAX + 32];

		if (!unbind_is_away(job->tool, host))
			continue;
		snprintf(path, sizeof(path), "%s/driver_override", host->sysfs.path);
		if (access(path, W_OK) < 0)
			job_refuse(job, host->sysfs.address, false, "%s: %s: be root", path,
				   err_text(errno));
		unbind_refuse_users(job, host);
	}
	return job_is_refused(job) ? -EBUSY : 0;
}

/*
 * What is to be done is on record before it begins, so that it can be gone on with. Where nothing
 * can be written it is done all the same; whether it is on record.
 */
static bool unbind_recall(const struct tool *tool, const struct vfio_host_device *host,
			  struct record *record)
{
	const char *address = host->sysfs.address;
	int rc = record_load(tool->run, host, record);
	struct err err = {0};

	if (!rc)
		return true;
	if (rc != -ENOENT)
		log_warn("%s: what %s/ferry/%s says is not used: %s", address, tool->run, address,
			 err_text(rc));
	*record = (struct record){.any = true, .vendor = host->vendor, .device = host->device};
	rc = record_save(tool->run, address, record, &err);
	if (rc)
		log_debug("%s", err.text);
	return !rc;
}

static int unbind_give_back(struct tool_job *job, struct job_device *device, struct err *err)
{
	const char *address = device->host.sysfs.address;
	struct record record;
	bool recorded = unbind_recall(job->tool, &device->host, &record);
	int rc = rebind_back(job->tool, address, &record, device->now, err);

	if (rc)
		return rc;
	rc = recorded ? record_remove(job->tool->run, address) : 0;
	if (rc)
		return err_set(err, rc, "%s: it is back, but %s/ferry/%s cannot be removed: %s",
			       address, job->tool->run, address, err_text(rc));
	if (!device->now[0] && record.any)
		log_warn("%s: no driver of the host took it", address);
	return 0;
}

/* One that fails keeps none of the others. */
static int unbind_give_all_back(struct tool_job *job)
{
	int failed = 0;

	for (size_t i = 0; i < job->count; i++) {
		struct job_device *device = &job->devices[i];
		struct err own = {0};

		if (!unbind_is_away(job->tool, &device->host) ||
		    unbind_give_back(job, device, &own) == 0)
			continue;
		log_error("%s", own.text);
		device->failed = true;
		device->failure = own;
		failed = own.code;
	}
	return failed;
}

int tool_unbind(const struct tool *tool, int argc, char **argv)
{
	struct job_request request;
	struct tool_job job = {.tool = tool, .request = &request, .verb = "unbind"};
	struct err err = {0};
	int status, lock;

	if (job_parse(&request, long_options, argc, argv, &err))
		return tool_fail(tool, tool_wants_json(argc, argv), TOOL_USAGE, &err);
	if (request.help) {
		fputs(help_text, tool->out);
		return TOOL_OK;
	}
	/* Nothing keeps a device from its owner: not even a folder that is not to be trusted. */
	lock = record_lock(tool->run, &err);
	if (lock < 0)
		log_warn("%s", err.text);
	err = (struct err){0};
	status = job_collect(&job, &err) || unbind_check(&job) || unbind_give_all_back(&job)
			 ? TOOL_FAILED
			 : TOOL_OK;
	fd_close(&lock);
	if (err.code)
		log_error("%s", err.text);
	if (status == TOOL_OK || request.json)
		status = job_print(&job, status, &err);
	job_release(&job);
	return status;
}
