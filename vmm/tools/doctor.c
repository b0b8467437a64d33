/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry doctor`: whether a guest with these devices and this memory would start. */

#include "vmm/tools/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/config.h"
#include "vmm/sizes.h"

static const char help_text[] =
	"Usage: ferry doctor [OPTION]... [ADDR]...\n"
	"Says whether `ferry run` would start with the PCI devices at ADDR, such as\n"
	"0000:01:00.0 or 01:00.0, and if not what mends it. Opens no device and changes\n"
	"nothing; asks /dev/kvm.\n"
	"Without ADDR it looks at the host alone.\n"
	"\n"
	"  --memory SIZE             the guest's RAM with K, M, G or T of 1024 (512M)\n"
	"  --hugepages 2M|1G         it is to come from the host's reserved huge pages\n"
	"  --json                    prints what it found as JSON\n"
	"  --help, -h                this text\n"
	"\n"
	"Exit status: 0 the guest would start, 1 it would not, 2 wrong usage.\n";

enum option_id { OPTION_MEMORY = 256, OPTION_HUGEPAGES, OPTION_JSON, OPTION_HELP };

static const struct option long_options[] = {
	{"memory", required_argument, NULL, OPTION_MEMORY},
	{"hugepages", required_argument, NULL, OPTION_HUGEPAGES},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

struct request {
	const char *memory_text;
	uint64_t memory, page_size;
	bool json, help;
};

static int doctor_take_option(struct request *request, int option, struct err *err)
{
	switch (option) {
	case OPTION_MEMORY:
		request->memory_text = optarg;
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
static int doctor_check_ram(const struct request *request, struct err *err)
{
	if (size_check_memory(request->memory_text, request->memory, request->page_size, err))
		return err_prefix(err, "--memory");
	return 0;
}

static int doctor_parse(struct request *request, int argc, char **argv, struct err *err)
{
	int option;

	*request = (struct request){.memory_text = "512M", .memory = 512 * MIB};
	for (bool first = true; (option = tool_option(argc, argv, long_options, first, err)) != -1;
	     first = false)
		if (doctor_take_option(request, option, err))
			return err->code;
	if (argc - optind > CONFIG_VFIO_MAX)
		return err_set(err, -EINVAL, "%d devices: %d are the most", argc - optind,
			       CONFIG_VFIO_MAX);
	if (request->help)
		return 0;
	if (tool_check_names(argv + optind, (size_t)(argc - optind), err))
		return err->code;
	return doctor_check_ram(request, err);
}

/* One that is not there, or that is not PCI's, as a mediated device. */
static void doctor_tell_stranger(struct doctor *doctor, struct vfio_host_device *device,
				 const struct err *err)
{
	struct findings *findings = &doctor->findings;
	const char *address = device->sysfs.address;

	if (err->code == -ENODEV && !device->sysfs.is_pci &&
	    vfio_sysfs_group(&device->sysfs, NULL) == 0) {
		findings_add(findings, FINDING_WARNING, "device", address,
			     "it is no PCI device: whether VFIO serves it only a run can tell");
		return;
	}
	if (err->code != -ENOENT) {
		findings_add(findings, FINDING_FAILURE, "device", "", "%s", err->text);
		return;
	}
	findings_add(findings, FINDING_FAILURE, "device", address, "this host has none there");
	if (device->sysfs.is_pci)
		findings_mend(findings, "ferry devices (lists those that are)");
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
			findings_add(&doctor->findings, FINDING_FAILURE, "device",
				     device->sysfs.address, "it was given twice: name it once");
			return;
		}
	doctor->count++;
}

static int doctor_examine(struct doctor *doctor, char *const *addresses, size_t count, bool json)
{
	struct err err = {0};
	int status;

	doctor->devices = calloc(count + 1, sizeof(*doctor->devices));
	if (!doctor->devices) {
		err_set(&err, -ENOMEM, "doctor: out of memory");
		return tool_fail(doctor->tool, json, TOOL_FAILED, &err);
	}
	doctor->asked = count;
	for (size_t i = 0; i < count; i++)
		doctor_find_device(doctor, addresses[i]);
	doctor_check_host(doctor);
	doctor_check_memory(doctor);
	doctor_check_devices(doctor);
	doctor_check_interrupts(doctor);
	doctor_check_layout(doctor);
	status = doctor->findings.failures ? TOOL_FAILED : TOOL_OK;
	if (json ? findings_print_json(&doctor->findings, doctor->tool->out)
		 : findings_print(&doctor->findings, doctor->tool->width, doctor->tool->out))
		status = TOOL_FAILED;
	findings_release(&doctor->findings);
	free(doctor->devices);
	return status;
}

int tool_doctor(const struct tool *tool, int argc, char **argv)
{
	struct request request;
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
