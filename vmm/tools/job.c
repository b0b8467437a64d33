/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ferry bind` and `ferry unbind` share: which devices are meant, and how it went. */

#include "vmm/tools/job.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/tools/json.h"
#include "vmm/tools/terminal.h"

int job_parse(struct job_request *request, const struct option *options, int argc, char **argv,
	      struct err *err)
{
	int option;

	*request = (struct job_request){0};
	for (bool first = true; (option = tool_option(argc, argv, options, first, err)) != -1;
	     first = false) {
		if (option == '?')
			return err->code;
		request->group |= option == JOB_GROUP;
		request->force |= option == JOB_FORCE;
		request->json |= option == JOB_JSON;
		request->help |= option == JOB_HELP;
		if (option == JOB_USER)
			request->user = optarg;
	}
	request->addresses = argv + optind;
	request->count = (size_t)(argc - optind);
	if (request->count == 0 && !request->help)
		return err_set(err, -EINVAL, "no ADDR given: see ferry %s --help", argv[0]);
	return request->help ? 0 : tool_check_names(request->addresses, request->count, err);
}

/* Once, however often it is named. */
static int job_add_device(struct tool_job *job, const struct vfio_host_device *host,
			  struct err *err)
{
	struct job_device *devices;

	for (size_t i = 0; i < job->count; i++)
		if (strcmp(job->devices[i].host.sysfs.address, host->sysfs.address) == 0)
			return 0;
	devices = realloc(job->devices, (job->count + 1) * sizeof(*devices));
	if (!devices)
		return err_set(err, -ENOMEM, "%s: out of memory", host->sysfs.address);
	job->devices = devices;
	devices[job->count] = (struct job_device){.host = *host};
	strcpy(devices[job->count++].now, host->driver);
	return 0;
}

static int job_add_group(struct tool_job *job, unsigned int group, struct err *err)
{
	struct vfio_host_device *members;
	size_t count;
	int rc = vfio_host_group(job->tool->sys, group, &members, &count, err);

	for (size_t i = 0; !rc && i < count; i++)
		if (!members[i].bridge)
			rc = job_add_device(job, &members[i], err);
	free(members);
	return rc;
}

int job_collect(struct tool_job *job, struct err *err)
{
	struct vfio_host_device host;
	int rc = 0;

	for (size_t i = 0; i < job->request->count && !rc; i++) {
		rc = vfio_host_device(job->tool->sys, job->request->addresses[i], &host, err);
		if (!rc && host.bridge)
			rc = err_set(err, -EINVAL,
				     "%s: it is a bridge: only what is behind it can be handed "
				     "over",
				     host.sysfs.address);
		if (!rc)
			rc = job_add_device(job, &host, err);
		if (!rc && job->request->group && host.has_group)
			rc = job_add_group(job, host.group, err);
	}
	return rc;
}

void job_refuse(struct tool_job *job, const char *address, bool forceable, const char *format, ...)
{
	struct job_refusal *refusals =
		realloc(job->refusals, (job->refusal_count + 1) * sizeof(*refusals));
	va_list args;

	job->lost |= !refusals;
	if (!refusals)
		return;
	job->refusals = refusals;
	refusals += job->refusal_count++;
	snprintf(refusals->address, sizeof(refusals->address), "%s", address);
	refusals->forceable = forceable;
	va_start(args, format);
	vsnprintf(refusals->text, sizeof(refusals->text), format, args);
	va_end(args);
}

bool job_is_refused(const struct tool_job *job)
{
	bool force = job->request->force, refused = job->lost, forceable = !job->lost;

	if (job->lost)
		log_error("%s: out of memory", job->verb);
	for (size_t i = 0; i < job->refusal_count; i++) {
		refused |= !force || !job->refusals[i].forceable;
		forceable &= job->refusals[i].forceable;
	}
	for (size_t i = 0; i < job->refusal_count; i++) {
		const struct job_refusal *refusal = &job->refusals[i];

		if (force && refusal->forceable)
			log_warn("%s: %s", refusal->address, refusal->text);
		else
			log_error("%s %s: refused: %s%s%s", job->verb, refusal->address,
				  refusal->text, refusal->forceable ? ": stop that first" : "",
				  forceable ? ", or give --force" : "");
	}
	return refused;
}

static json_t *job_devices_json(const struct tool_job *job)
{
	json_t *array = json_array();

	for (size_t i = 0; i < job->count; i++) {
		const struct job_device *device = &job->devices[i];
		const struct vfio_host_device *host = &device->host;

		json_array_append_new(
			array,
			json_pack("{s:s, s:o, s:o, s:o, s:o, s:b, s:b, s:o}", "address",
				  host->sysfs.address, "before", tool_json_text(host->driver),
				  "now", tool_json_text(device->now), "iommu_group",
				  host->has_group ? json_integer(host->group) : json_null(),
				  "owner", device->given ? json_integer(job->user) : json_null(),
				  "changed", strcmp(host->driver, device->now) != 0, "failed",
				  device->failed, "reason", tool_json_text(device->failure.text)));
	}
	return array;
}

static json_t *job_refusals_json(const struct tool_job *job)
{
	json_t *array = json_array();

	for (size_t i = 0; i < job->refusal_count; i++)
		json_array_append_new(array,
				      json_pack("{s:s, s:o, s:b, s:b}", "address",
						job->refusals[i].address, "reason",
						tool_json_text(job->refusals[i].text), "forceable",
						job->refusals[i].forceable, "forced",
						job->refusals[i].forceable && job->request->force));
	return array;
}

static int job_print_table(const struct tool_job *job)
{
	static const char *const heads[] = {"ADDRESS", "BEFORE", "NOW"};
	struct table table = {.columns = ARRAY_SIZE(heads)};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(heads) && !rc; i++)
		rc = table_add(&table, heads[i]);
	for (size_t i = 0; i < job->count && !rc; i++) {
		const struct job_device *device = &job->devices[i];
		const char *before = device->host.driver, *now = device->now;

		rc = table_add(&table, device->host.sysfs.address);
		if (!rc)
			rc = table_add(&table, *before ? before : "-");
		if (!rc)
			rc = table_add(&table, *now ? now : "-");
	}
	if (!rc)
		table_print(&table, job->tool->width, job->tool->out);
	table_release(&table);
	return rc;
}

int job_print(const struct tool_job *job, int status, const struct err *err)
{
	if (!job->request->json)
		return job_print_table(job) ? TOOL_FAILED : status;
	if (tool_json_print(json_pack("{s:b, s:o, s:o, s:o}", "done", status == TOOL_OK, "devices",
				      job_devices_json(job), "refusals", job_refusals_json(job),
				      "error",
				      err->code ? tool_json_error(status, err) : json_null()),
			    job->tool->out))
		return TOOL_FAILED;
	return status;
}

void job_release(struct tool_job *job)
{
	free(job->devices);
	free(job->refusals);
}
