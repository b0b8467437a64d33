/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry devices`: the host's PCI devices and which of them can be handed to a guest. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/host/cdev.h"
#include "vfio/host/host.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/base/text.h"
#include "vmm/tools/bars.h"
#include "vmm/tools/json.h"
#include "vmm/tools/passable.h"
#include "vmm/tools/pci_ids.h"
#include "vmm/tools/socket.h"
#include "vmm/tools/terminal.h"
#include "vmm/tools/tools.h"

static const char help_text[] =
	"Usage: ferry devices [--json] [ADDR|SOCKET]...\n"
	"Lists the host's PCI devices and says which can be handed to a guest; ADDR,\n"
	"such as 0000:01:00.0 or 01:00.0, shows all about one, and SOCKET, a path or\n"
	"socket=PATH, what the vfio-user server that listens there offers.\n"
	"\n"
	"  --json                    prints it as JSON\n"
	"  --help, -h                this text\n"
	"\n"
	"Exit status: 0, 1 a device is not there or a server does not say what it is,\n"
	"2 wrong usage.\n";

/* Where the values stand in what is told of one device. */
enum { VALUE_COLUMN = 15 };

enum devices_option { OPTION_JSON = 256, OPTION_HELP };

static const struct option long_options[] = {
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

/* What is told of one device. */
struct device_entry {
	struct vfio_host_device *members; /* of its group */
	size_t member_count;
	struct vfio_host_device *functions; /* virtual ones of it */
	size_t function_count;
	char node[PATH_MAX]; /* VFIO's character device of it alone; "": it has none */
	struct passable passable;
};

struct device_list {
	struct vfio_host_device *devices;
	struct device_entry *entries;
	struct pci_names *names;
	size_t count;
	bool has_virtual; /* a function whose physical one is told too */
	struct socket_list sockets;
};

/* Without the domain, which both have in common: so short that it is never cut. */
static const char *device_short_physical(const struct vfio_host_device *device)
{
	const char *rest = strchr(device->physical, ':');

	if (!device->physical[0])
		return "-";
	return rest ? rest + 1 : device->physical;
}

static int device_add_row(struct table *table, const struct device_list *list, size_t i)
{
	const struct vfio_host_device *device = &list->devices[i];
	const struct device_entry *entry = &list->entries[i];
	char ids[16], group[40] = "-", name[4 * NAME_SIZE];

	snprintf(ids, sizeof(ids), "%04x:%04x", device->vendor, device->device);
	if (device->has_group && entry->member_count > 1)
		snprintf(group, sizeof(group), "%u (+%zu)", device->group, entry->member_count - 1);
	else if (device->has_group)
		snprintf(group, sizeof(group), "%u", device->group);
	pci_names_format(&list->names[i], name, sizeof(name));
	if (table_add(table, device->sysfs.address) || table_add(table, ids) ||
	    table_add(table, device->driver[0] ? device->driver : "-") || table_add(table, group))
		return -1;
	if (list->has_virtual && table_add(table, device_short_physical(device)))
		return -1;
	if (table_add(table, entry->passable.word))
		return -1;
	return table_add(table, name);
}

static int device_print_table(const struct device_list *list, const struct tool *tool)
{
	enum { VF_OF = 4 };
	static const char *const heads[] = {"ADDRESS", "ID",       "DRIVER", "GROUP",
					    "VF OF",   "PASSABLE", "NAME"};
	struct table table = {.columns = ARRAY_SIZE(heads) - !list->has_virtual};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(heads) && !rc; i++)
		if (i != VF_OF || list->has_virtual)
			rc = table_add(&table, heads[i]);
	for (size_t i = 0; i < list->count && !rc; i++)
		rc = device_add_row(&table, list, i);
	if (rc)
		log_error("devices: out of memory");
	else
		table_print(&table, tool->width, tool->out);
	table_release(&table);
	return rc ? TOOL_FAILED : TOOL_OK;
}

static void device_print_members(const struct vfio_host_device *device,
				 const struct device_entry *entry, FILE *out)
{
	const char *separator = " with ";

	if (!device->has_group) {
		fputs("  IOMMU group  none\n", out);
		return;
	}
	fprintf(out, "  IOMMU group  %u,", device->group);
	for (size_t i = 0; i < entry->member_count; i++) {
		const struct vfio_host_device *member = &entry->members[i];

		if (strcmp(member->sysfs.address, device->sysfs.address) == 0)
			continue;
		text_print(out, "%s%s (%s%s)", separator, member->sysfs.address,
			   member->driver[0] ? member->driver : "no driver",
			   member->bridge ? ", a bridge" : "");
		separator = ", ";
	}
	fputs(*separator == ',' ? "\n" : " alone\n", out);
}

/* Of which physical function it is a virtual one, or which those of a physical one are. */
static void device_print_functions(const struct tool *tool, const struct vfio_host_device *device,
				   const struct device_entry *entry, FILE *out)
{
	struct vfio_host_device physical;

	if (device->physical[0])
		text_print(out, "  VF of        %s (%s)\n", device->physical,
			   !vfio_host_device(tool->sys, device->physical, &physical, NULL) &&
					   physical.driver[0]
				   ? physical.driver
				   : "no driver");
	if (device->most_functions == 0)
		return;
	fprintf(out, "  VFs          %u of %u%s", device->functions, device->most_functions,
		entry->function_count ? ": " : "");
	for (size_t i = 0; i < entry->function_count; i++) {
		const struct vfio_host_device *function = &entry->functions[i];

		text_print(out, "%s%s (%s)", i ? ", " : "", function->sysfs.address,
			   function->driver[0] ? function->driver : "no driver");
	}
	fputs("\n", out);
}

/* Unlike its group's, the kernel numbers it anew each time that VFIO gets the device. */
static void device_print_node(const struct device_entry *entry, FILE *out)
{
	if (entry->node[0])
		text_print(out, "  node         %s\n", entry->node);
}

static void device_print_resets(const struct vfio_host_device *device, FILE *out)
{
	text_print(out, "  resets by    %s\n",
		   device->reset_methods[0] ? device->reset_methods
		   : device->resettable     ? "a method that this kernel does not name"
					    : "nothing");
}

static void device_print_long(const struct tool *tool, const struct device_list *list, FILE *out)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct vfio_host_device *device = &list->devices[i];
		const struct passable *passable = &list->entries[i].passable;
		char name[4 * NAME_SIZE];

		pci_names_format(&list->names[i], name, sizeof(name));
		text_print(out, "%s%s  %s\n", i ? "\n" : "", device->sysfs.address, name);
		fprintf(out,
			"  IDs          %04x:%04x, subsystem %04x:%04x, class %06x, "
			"revision %02x\n",
			device->vendor, device->device, device->subsystem_vendor,
			device->subsystem_device, device->class_code, device->revision);
		text_print(out, "  driver       %s\n", device->driver[0] ? device->driver : "none");
		device_print_members(device, &list->entries[i], out);
		device_print_node(&list->entries[i], out);
		device_print_functions(tool, device, &list->entries[i], out);
		device_print_resets(device, out);
		bars_print(device->sysfs.resources, NULL, out);
		if (passable->kind == PASSABLE_READY)
			fputs("  passable     ready\n", out);
		else if (passable->kind == PASSABLE_NO)
			text_print(out, "  passable     no: %s\n", passable->reason);
		else
			text_print(out, "  passable     after `%s`: %s\n", passable->command,
				   passable->reason);
	}
	for (size_t i = 0; i < list->sockets.count; i++) {
		fputs(i || list->count ? "\n" : "", out);
		socket_print(&list->sockets.entries[i], out);
	}
}

static int device_print_wrapped(const struct device_list *list, const struct tool *tool)
{
	char *text = NULL;
	size_t size;
	FILE *lines = open_memstream(&text, &size);
	int failed = !lines;

	if (lines) {
		device_print_long(tool, list, lines);
		failed = fclose(lines);
	}
	if (failed)
		log_error("devices: out of memory");
	else
		terminal_print(tool->out, text, tool->width, VALUE_COLUMN);
	free(text);
	return failed ? TOOL_FAILED : TOOL_OK;
}

static json_t *device_members_json(const struct device_entry *entry)
{
	json_t *array = json_array();

	for (size_t i = 0; i < entry->member_count; i++)
		json_array_append_new(array, json_pack("{s:s, s:o, s:b}", "address",
						       entry->members[i].sysfs.address, "driver",
						       tool_json_text(entry->members[i].driver),
						       "bridge", entry->members[i].bridge));
	return array;
}

static json_t *device_functions_json(const struct device_entry *entry)
{
	json_t *array = json_array();

	for (size_t i = 0; i < entry->function_count; i++)
		json_array_append_new(array, json_pack("{s:s, s:o}", "address",
						       entry->functions[i].sysfs.address, "driver",
						       tool_json_text(entry->functions[i].driver)));
	return array;
}

static json_t *device_json(const struct vfio_host_device *device, const struct device_entry *entry,
			   const struct pci_names *names)
{
	json_t *object =
		json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "address",
			  device->sysfs.address, "vendor", tool_json_hex(device->vendor, 4),
			  "device", tool_json_hex(device->device, 4), "subsystem_vendor",
			  tool_json_hex(device->subsystem_vendor, 4), "subsystem_device",
			  tool_json_hex(device->subsystem_device, 4), "class",
			  tool_json_hex(device->class_code, 6), "revision",
			  tool_json_hex(device->revision, 2), "vendor_name",
			  tool_json_text(names->vendor_name), "device_name",
			  tool_json_text(names->device_name), "class_name",
			  tool_json_text(names->class_name), "driver",
			  tool_json_text(device->driver));
	json_t *more = json_pack("{s:o, s:o, s:o, s:o, s:o, s:i, s:b, s:o, s:o, s:s, s:o, s:o}",
				 "iommu_group",
				 device->has_group ? json_integer(device->group) : json_null(),
				 "group_members", device_members_json(entry), "node",
				 tool_json_text(entry->node), "physical_function",
				 tool_json_text(device->physical), "virtual_functions",
				 device_functions_json(entry), "most_virtual_functions",
				 (int)device->most_functions, "resettable", device->resettable,
				 "reset_methods", tool_json_words(device->reset_methods), "bars",
				 bars_json(device->sysfs.resources, NULL), "passable",
				 passable_name(entry->passable.kind), "reason",
				 tool_json_text(entry->passable.reason), "command",
				 tool_json_text(entry->passable.command));

	if (json_object_update(object, more)) {
		json_decref(object);
		object = NULL;
	}
	json_decref(more);
	return object;
}

static int device_print_json(const struct device_list *list, FILE *out)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		if (json_array_append_new(array, device_json(&list->devices[i], &list->entries[i],
							     &list->names[i]))) {
			json_decref(array);
			return tool_json_print(NULL, out);
		}
	for (size_t i = 0; i < list->sockets.count; i++)
		json_array_append_new(array, socket_json(&list->sockets.entries[i]));
	return tool_json_print(json_pack("{s:o}", "devices", array), out);
}

static int device_read_entries(const struct tool *tool, struct device_list *list, struct err *err)
{
	list->entries = calloc(list->count + 1, sizeof(*list->entries));
	list->names = calloc(list->count + 1, sizeof(*list->names));
	if (!list->entries || !list->names)
		return err_set(err, -ENOMEM, "devices: out of memory");
	for (size_t i = 0; i < list->count; i++) {
		const struct vfio_host_device *device = &list->devices[i];
		struct device_entry *entry = &list->entries[i];

		if (device->has_group && vfio_host_group(tool->sys, device->group, &entry->members,
							 &entry->member_count, err))
			return err->code;
		if (vfio_host_functions(tool->sys, device, &entry->functions,
					&entry->function_count, err))
			return err->code;
		list->has_virtual |= device->physical[0] != '\0';
		if (vfio_cdev_find(&device->sysfs, tool->dev, entry->node, sizeof(entry->node)))
			entry->node[0] = '\0';
		passable_find(tool, device, entry->members, entry->member_count, &entry->passable);
		list->names[i].vendor = device->vendor;
		list->names[i].device = device->device;
		list->names[i].class_code = device->class_code;
	}
	pci_ids_find(tool->pci_ids, list->names, list->count);
	return 0;
}

static int device_read_devices(const struct tool *tool, char *const *names, size_t count,
			       struct device_list *list, struct err *err)
{
	int rc;

	if (count == 0)
		return vfio_host_devices(tool->sys, &list->devices, &list->count, err);
	list->devices = calloc(count, sizeof(*list->devices));
	if (!list->devices)
		return err_set(err, -ENOMEM, "devices: out of memory");
	for (size_t i = 0; i < count; i++) {
		if (socket_path(names[i]))
			continue;
		rc = vfio_host_device(tool->sys, names[i], &list->devices[list->count], err);
		if (rc)
			return rc;
		list->count++;
	}
	return 0;
}

static void device_release(struct device_list *list)
{
	for (size_t i = 0; list->entries && i < list->count; i++) {
		free(list->entries[i].members);
		free(list->entries[i].functions);
	}
	free(list->entries);
	free(list->names);
	free(list->devices);
	socket_release(&list->sockets);
}

static int device_show(const struct tool *tool, char *const *names, size_t count, bool json)
{
	struct device_list list = {0};
	struct err err = {0};
	int status = TOOL_OK;

	if (device_read_devices(tool, names, count, &list, &err) ||
	    device_read_entries(tool, &list, &err) ||
	    socket_read(tool, names, count, &list.sockets, &err)) {
		status = tool_fail(tool, json, TOOL_FAILED, &err);
	} else if (json) {
		status = device_print_json(&list, tool->out);
	} else if (count) {
		status = device_print_wrapped(&list, tool);
	} else {
		status = device_print_table(&list, tool);
	}
	device_release(&list);
	return status;
}

int tool_devices(const struct tool *tool, int argc, char **argv)
{
	struct err err = {0};
	bool json = false;
	int option;

	for (bool first = true; (option = tool_option(argc, argv, long_options, first, &err)) != -1;
	     first = false) {
		if (option == OPTION_HELP) {
			fputs(help_text, tool->out);
			return TOOL_OK;
		}
		if (option == '?')
			return tool_fail(tool, tool_wants_json(argc, argv), TOOL_USAGE, &err);
		json = true;
	}
	if (socket_check_names(argv + optind, (size_t)(argc - optind), &err))
		return tool_fail(tool, json, TOOL_USAGE, &err);
	return device_show(tool, argv + optind, (size_t)(argc - optind), json);
}
