/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry doctor`: whether a guest with these devices and this memory would start. */

#include "vmm/tools/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/text.h"
#include "vmm/config.h"
#include "vmm/sizes.h"
#include "vmm/tools/json.h"
#include "vmm/tools/terminal.h"

static const char help_text[] =
	"Usage: ferry doctor [OPTION]... [ADDR|SOCKET]...\n"
	"Says whether `ferry run` would start with the PCI devices at ADDR, such as\n"
	"0000:01:00.0 or 01:00.0, and with those of the vfio-user servers at SOCKET, a\n"
	"path or socket=PATH, and if not what mends it. Opens no device and changes\n"
	"nothing; asks /dev/kvm, and each server what it offers.\n"
	"Without ADDR it looks at the host alone.\n"
	"\n"
	"  --memory SIZE             the guest's RAM with K, M, G or T of 1024 (512M)\n"
	"  --hugepages 2M|1G         it is to come from the host's reserved huge pages\n"
	"  --json                    prints what it found as JSON\n"
	"  --help, -h                this text\n"
	"\n"
	"Exit status: 0 the guest would start, 1 it would not, 2 wrong usage.\n";

/* Where the sentences begin. */
enum { TEXT_COLUMN = 9 };

static const char *const finding_names[] = {"ok", "warning", "failure"};

enum doctor_option { OPTION_MEMORY = 256, OPTION_HUGEPAGES, OPTION_JSON, OPTION_HELP };

static const struct option long_options[] = {
	{"memory", required_argument, NULL, OPTION_MEMORY},
	{"hugepages", required_argument, NULL, OPTION_HUGEPAGES},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

struct doctor_request {
	const char *memory_text;
	uint64_t memory, page_size;
	bool json, help;
};

static int doctor_take_option(struct doctor_request *request, int option, struct err *err)
{
	switch (option) {
	case OPTION_MEMORY:
		request->memory_text = optarg;
		if (strchr(optarg, ','))
			return err_set(err, -EINVAL,
				       "--memory: '%.40s': it takes a size alone; huge pages are "
				       "--hugepages 2M (or 1G)",
				       optarg);
		if (size_parse(optarg, &request->memory, err))
			return err_prefix(err, "--memory");
		return 0;
	case OPTION_HUGEPAGES:
		if (size_parse_huge_page(optarg, &request->page_size, err))
			return err_prefix(err, "--hugepages");
		return 0;
	case OPTION_JSON:
		request->json = true;
		return 0;
	case OPTION_HELP:
		request->help = true;
		return 0;
	default:
		return err->code; /* told already */
	}
}

/* As `ferry run` does; it is wrong usage there too. */
static int doctor_check_ram(const struct doctor_request *request, struct err *err)
{
	if (size_check_memory(request->memory_text, request->memory, request->page_size, err))
		return err_prefix(err, "--memory");
	return 0;
}

static int doctor_parse(struct doctor_request *request, int argc, char **argv, struct err *err)
{
	int option;

	*request = (struct doctor_request){.memory_text = "512M", .memory = 512 * MIB};
	for (bool first = true; (option = tool_option(argc, argv, long_options, first, err)) != -1;
	     first = false)
		if (doctor_take_option(request, option, err))
			return err->code;
	if (argc - optind > CONFIG_VFIO_MAX)
		return err_set(err, -EINVAL, "%d devices: %d are the most", argc - optind,
			       CONFIG_VFIO_MAX);
	if (request->help)
		return 0;
	if (socket_check_names(argv + optind, (size_t)(argc - optind), err))
		return err->code;
	return doctor_check_ram(request, err);
}

void doctor_tell(struct doctor *doctor, enum finding_status status, const char *check,
		 const char *device, const char *format, ...)
{
	struct finding *list =
		realloc(doctor->findings, (doctor->finding_count + 1) * sizeof(*list));
	struct finding *finding;
	va_list args;

	doctor->failures += status == FINDING_FAILURE || !list;
	doctor->warnings += status == FINDING_WARNING;
	if (!list)
		return;
	doctor->findings = list;
	finding = &list[doctor->finding_count++];
	*finding = (struct finding){.status = status, .check = check, .facts = json_object()};
	snprintf(finding->device, sizeof(finding->device), "%s", device);
	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	text_make_printable(finding->text);
}

/* NULL: there was no memory for any. */
static struct finding *doctor_last(struct doctor *doctor)
{
	return doctor->finding_count ? &doctor->findings[doctor->finding_count - 1] : NULL;
}

/* @rest goes on after a command; NULL: it is a sentence. */
static void doctor_vmend(struct doctor *doctor, const char *rest, const char *format, va_list args)
{
	struct finding *finding = doctor_last(doctor);

	if (!finding)
		return;
	vsnprintf(finding->mend, sizeof(finding->mend), format, args);
	text_make_printable(finding->mend);
	if (!rest)
		return;
	finding->command = strlen(finding->mend);
	snprintf(finding->mend + finding->command, sizeof(finding->mend) - finding->command, "%s",
		 rest);
}

void doctor_mend(struct doctor *doctor, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	doctor_vmend(doctor, NULL, format, args);
	va_end(args);
}

void doctor_mend_by(struct doctor *doctor, const char *rest, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	doctor_vmend(doctor, rest, format, args);
	va_end(args);
}

void doctor_fact(struct doctor *doctor, const char *key, json_t *value)
{
	struct finding *finding = doctor_last(doctor);

	if (finding)
		json_object_set_new(finding->facts, key, value);
	else
		json_decref(value);
}

void doctor_fact_number(struct doctor *doctor, const char *key, uint64_t value)
{
	doctor_fact(doctor, key, json_integer((json_int_t)value));
}

void doctor_fact_text(struct doctor *doctor, const char *key, const char *value)
{
	doctor_fact(doctor, key, tool_json_text(value));
}

/* A command is copied as a whole: it has a line of its own where it has no room. */
static void doctor_print_mend(const struct tool *tool, const struct finding *finding)
{
	static const char begin[] = "mend it:";
	const char *rest = finding->mend + finding->command;
	size_t end = TEXT_COLUMN + sizeof(begin) + finding->command + strcspn(rest, " ");
	char line[FINDING_MEND + 32];

	if (!finding->command || !tool->width || end <= tool->width) {
		snprintf(line, sizeof(line), "%*s%s %s\n", TEXT_COLUMN, "", begin, finding->mend);
		terminal_print(tool->out, line, tool->width, TEXT_COLUMN);
		return;
	}
	fprintf(tool->out, "%*s%s\n%*s%.*s\n", TEXT_COLUMN, "", begin, TEXT_COLUMN, "",
		(int)finding->command, finding->mend);
	rest += strspn(rest, ", ");
	snprintf(line, sizeof(line), "%*s%s\n", TEXT_COLUMN, "", rest);
	if (*rest)
		terminal_print(tool->out, line, tool->width, TEXT_COLUMN);
}

static void doctor_print(const struct doctor *doctor)
{
	const struct tool *tool = doctor->tool;
	char line[FINDING_TEXT + FINDING_DEVICE + 64];

	for (size_t i = 0; i < doctor->finding_count; i++) {
		const struct finding *finding = &doctor->findings[i];

		snprintf(line, sizeof(line), "%-7s  %s%s%s: %s\n", finding_names[finding->status],
			 finding->device, *finding->device ? " " : "", finding->check,
			 finding->text);
		terminal_print(tool->out, line, tool->width, TEXT_COLUMN);
		if (*finding->mend)
			doctor_print_mend(tool, finding);
	}
	snprintf(line, sizeof(line), "ferry run would %sstart (failures: %zu, warnings: %zu)\n",
		 doctor->failures ? "not " : "", doctor->failures, doctor->warnings);
	terminal_print(tool->out, line, tool->width, TEXT_COLUMN);
}

static int doctor_print_json(const struct doctor *doctor)
{
	json_t *array = json_array();

	for (size_t i = 0; i < doctor->finding_count; i++) {
		const struct finding *finding = &doctor->findings[i];

		json_array_append_new(array, json_pack("{s:s, s:s, s:o, s:o, s:o, s:O}", "status",
						       finding_names[finding->status], "check",
						       finding->check, "device",
						       tool_json_text(finding->device), "text",
						       tool_json_text(finding->text), "mend",
						       tool_json_text(finding->mend), "facts",
						       finding->facts));
	}
	return tool_json_print(json_pack("{s:b, s:I, s:I, s:o}", "would_start",
					 doctor->failures == 0, "failures",
					 (json_int_t)doctor->failures, "warnings",
					 (json_int_t)doctor->warnings, "findings", array),
			       doctor->tool->out);
}

static void doctor_release(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->finding_count; i++)
		json_decref(doctor->findings[i].facts);
	free(doctor->findings);
	free(doctor->devices);
	socket_release(&doctor->sockets);
}

/* One that is not there, or that is not PCI's, as a mediated device. */
static void doctor_tell_stranger(struct doctor *doctor, struct vfio_host_device *device,
				 const struct err *err)
{
	const char *address = device->sysfs.address;
	unsigned int group;

	if (err->code == -ENODEV && !device->sysfs.is_pci &&
	    vfio_sysfs_group(&device->sysfs, &group, NULL) == 0) {
		doctor_tell(doctor, FINDING_WARNING, "device", address,
			    "it is no PCI device: whether VFIO serves it only a run can tell");
		return;
	}
	if (err->code != -ENOENT) {
		doctor_tell(doctor, FINDING_FAILURE, "device", "", "%s", err->text);
		return;
	}
	doctor_tell(doctor, FINDING_FAILURE, "device", address, "this host has none there");
	if (device->sysfs.is_pci)
		doctor_mend_by(doctor, " (lists those that are)", "ferry devices");
}

static void doctor_find_device(struct doctor *doctor, const char *name)
{
	struct vfio_host_device *device = &doctor->devices[doctor->count];
	struct err err = {0};

	if (vfio_host_device(doctor->tool->sys, name, device, &err)) {
		doctor_tell_stranger(doctor, device, &err);
		return;
	}
	for (size_t i = 0; i < doctor->count; i++)
		if (strcmp(doctor->devices[i].sysfs.address, device->sysfs.address) == 0) {
			doctor_tell(doctor, FINDING_FAILURE, "device", device->sysfs.address,
				    "it was given twice: name it once");
			return;
		}
	doctor->count++;
}

static int doctor_allocate(struct doctor *doctor, size_t count, struct err *err)
{
	doctor->devices = calloc(count + 1, sizeof(*doctor->devices));
	doctor->sockets.entries = calloc(count + 1, sizeof(*doctor->sockets.entries));
	return doctor->devices && doctor->sockets.entries
		       ? 0
		       : err_set(err, -ENOMEM, "doctor: out of memory");
}

static int doctor_examine(struct doctor *doctor, char *const *names, size_t count, bool json)
{
	struct err err = {0};
	int status;

	if (doctor_allocate(doctor, count, &err)) {
		doctor_release(doctor);
		return tool_fail(doctor->tool, json, TOOL_FAILED, &err);
	}
	for (size_t i = 0; i < count; i++)
		if (!socket_path(names[i])) {
			doctor->asked++;
			doctor_find_device(doctor, names[i]);
		}
	doctor_check_host(doctor);
	for (size_t i = 0; i < count; i++)
		if (socket_path(names[i]))
			doctor_check_socket(doctor, socket_path(names[i]));
	doctor_check_devices(doctor);
	status = doctor->failures ? TOOL_FAILED : TOOL_OK;
	if (!json)
		doctor_print(doctor);
	else if (doctor_print_json(doctor))
		status = TOOL_FAILED;
	doctor_release(doctor);
	return status;
}

int tool_doctor(const struct tool *tool, int argc, char **argv)
{
	struct doctor_request request;
	struct err err = {0};
	struct doctor doctor = {.tool = tool};

	if (doctor_parse(&request, argc, argv, &err))
		return tool_fail(tool, tool_wants_json(argc, argv), TOOL_USAGE, &err);
	if (request.help) {
		fputs(help_text, tool->out);
		return TOOL_OK;
	}
	doctor.memory = request.memory;
	doctor.page_size = request.page_size;
	return doctor_examine(&doctor, argv + optind, (size_t)(argc - optind), request.json);
}
