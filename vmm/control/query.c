/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients of the control socket ask about the machine, in the form of QMP's answers. */

#include "vmm/control/query.h"

#include <inttypes.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char *query_status_name(enum control_status status)
{
	switch (status) {
	case CONTROL_RUNNING:
		return "running";
	case CONTROL_PRELAUNCH:
		return "prelaunch";
	case CONTROL_PAUSED:
		return "paused";
	case CONTROL_DEBUG:
		return "debug";
	case CONTROL_PANICKED:
		break;
	}
	return "guest-panicked";
}

json_t *control_query_status(const struct control_target *target)
{
	enum control_status status = target->ops->status(target->machine);

	return json_pack("{s:b, s:s}", "running", status == CONTROL_RUNNING, "status",
			 query_status_name(status));
}

json_t *control_query_cpus(const struct control_target *target)
{
	json_t *list = json_array();
	struct utsname host;

	if (uname(&host))
		host.machine[0] = '\0';
	for (unsigned int i = 0; i < run_count(target->run); i++)
		json_array_append_new(list,
				      json_pack("{s:i, s:o, s:i, s:s, s:{s:i}}", "cpu-index",
						(int)i, "qom-path",
						json_sprintf("/machine/cpu[%u]", i), "thread-id",
						(int)run_thread_id(target->run, i), "target",
						host.machine, "props", "core-id", (int)i));
	return list;
}

json_t *control_query_memory(const struct control_target *target)
{
	return json_pack("{s:I, s:i}", "base-memory", (json_int_t)ram_total(target->ram),
			 "plugged-memory", 0);
}

static uint64_t query_exits(const struct run *run, unsigned int index)
{
	uint64_t counts[EXIT_COUNTS], sum = 0;

	run_count_exits(run, index, counts);
	for (unsigned int i = 0; i < EXIT_COUNTS; i++)
		sum += counts[i];
	return sum;
}

static json_t *query_vcpus(const struct control_target *target)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < run_count(target->run); i++)
		json_array_append_new(list,
				      json_pack("{s:i, s:i, s:o, s:I}", "index", (int)i, "thread",
						(int)run_thread_id(target->run, i), "host_cpu",
						target->pins ? json_integer(target->pins[i])
							     : json_null(),
						"exits", (json_int_t)query_exits(target->run, i)));
	return list;
}

static json_int_t query_uptime(const struct control_target *target)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - target->since.tv_sec - (now.tv_nsec < target->since.tv_nsec);
}

json_t *control_query_all(const struct control_target *target)
{
	enum control_status status = target->ops->status(target->machine);

	return json_pack("{s:s, s:i, s:I, s:b, s:s, s:o, s:I}", "version", FERRY_VERSION, "pid",
			 (int)getpid(), "uptime_seconds", query_uptime(target), "running",
			 status == CONTROL_RUNNING, "status", query_status_name(status), "cpus",
			 query_vcpus(target), "memory_bytes", (json_int_t)ram_total(target->ram));
}
