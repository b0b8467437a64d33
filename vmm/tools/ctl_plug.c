/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `ferry ctl add` and `remove`: opens a device with the caller's rights and has a monitor take it,
 * or has one give it back.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "vfio/host/cdev.h"
#include "vfio/host/sysfs.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/local.h"
#include "vmm/base/text.h"
#include "vmm/suboptions.h"
#include "vmm/tools/ctl_private.h"

/* What is opened here, and by which names and arguments the monitor learns of it. */
enum plug_node {
	NODE_DEVICE,
	NODE_IOMMU,
	NODE_GROUP,
	NODE_CONTAINER,
	NODE_ROM, /* what follows are files of options */
	NODE_TRACE,
	NODE_NAMES,
	NODES,
};

static const struct {
	const char *name, *argument;
	const char *option; /* which has the file's path */
} plug_nodes[NODES] = {
	[NODE_DEVICE] = {"ferry-device", "fd", NULL},
	[NODE_IOMMU] = {"ferry-iommu", "iommufd", NULL},
	[NODE_GROUP] = {"ferry-group", "group-fd", NULL},
	[NODE_CONTAINER] = {"ferry-container", "container-fd", NULL},
	[NODE_ROM] = {"ferry-rom", "rom-fd", "rom"},
	[NODE_TRACE] = {"ferry-trace", "trace-fd", "trace"},
	[NODE_NAMES] = {"ferry-names", "names-fd", "names"},
};

/* One device that is to be added. */
struct addition {
	struct ctl *ctl;
	struct vfio_sysfs_device device;
	const char *socket; /* of a program's server; NULL: it is hardware */
	json_t *before;     /* the status before it was asked for */
	enum vfio_via via;
	bool shared_open; /* the monitor has /dev/iommu or the container open */
	bool by_path;     /* the user gave a path, not an address */
	int nodes[NODES]; /* -1: not opened */
	struct err own;   /* why one could not be opened here; code 0: all could */
};

/*
 * One part behind the address. What the monitor knows by itself, id and bus, is left to it; the
 * rest is the command line's.
 */
static int plug_check_part(struct vfio_device_config *device, const char *name, const char *value,
			   struct err *err)
{
	if (strcmp(name, "id") == 0 || strcmp(name, "bus") == 0)
		return value && *value
			       ? 0
			       : err_set(err, -EINVAL, "'%s%s': a value is missing: it is %s", name,
					 value ? "=" : "",
					 *name == 'i' ? "a name, a letter first, as id=nic"
						      : "a slot, as bus=slot3");
	if (strcmp(name, "port") == 0)
		return err_set(err, -EINVAL,
			       "port: what is added is behind its slot's port: leave it out");
	if (device_option_is_known(name))
		return device_option_take(device, name, value, err);
	return err_set(err, -EINVAL,
		       "'%.80s': unknown part: it takes id=ID, bus=slotN, " DEVICE_OPTION_WORDS,
		       name);
}

/* Where the server of a device that is a program listens; NULL: that is none. */
static const char *plug_socket(const char *first)
{
	static const char word[] = "socket=";

	return strncmp(first, word, strlen(word)) == 0 ? first + strlen(word) : NULL;
}

/* It has one way, and nobody's virtual functions. */
static int plug_check_program(const struct suboptions *options, const char *socket, struct err *err)
{
	struct sockaddr_un address;
	int rc = local_address(socket, &address, err);

	if (rc)
		return err_prefix(err, "socket=");
	for (size_t i = 0; i < options->count; i++)
		if (strcmp(options->item[i].name, "via") == 0 ||
		    strcmp(options->item[i].name, "vf-token") == 0)
			return err_set(err, -EINVAL, "%s: it is not for a device that is a program",
				       options->item[i].name);
	return 0;
}

static int plug_check(struct ctl *ctl)
{
	const struct suboptions *options = &ctl->options;
	struct vfio_device_config device = {.path = options->first};
	const char *socket = plug_socket(options->first);
	struct err *err = &ctl->err;
	int rc = socket ? plug_check_program(options, socket, err)
			: vfio_sysfs_check_name(options->first, err);

	for (size_t i = 0; i < options->count && !rc; i++)
		rc = plug_check_part(&device, options->item[i].name, options->item[i].value, err);
	if (socket)
		device.via = VFIO_VIA_USER;
	if (!rc)
		rc = device_option_check(&device, err);
	ctl->via = device.via;
	return rc;
}

int ctl_check_add(struct ctl *ctl)
{
	int rc = suboptions_parse(ctl->word, &ctl->options, &ctl->err);

	if (!rc)
		rc = plug_check(ctl);
	return rc ? err_prefix(&ctl->err, "add") : 0;
}

/*
 * Whether the device's node is this user's to open. /dev/iommu may be the monitor's, where the host
 * has it.
 */
static bool plug_has_node(const struct addition *addition)
{
	const char *dev = addition->ctl->tool->dev;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/iommu", dev);
	return access(path, F_OK) == 0 &&
	       vfio_cdev_find(&addition->device, dev, path, sizeof(path)) == 0 &&
	       tool_may_open(path) == 0;
}

/* By the option, by how the monitor has others, or by what this user may open. */
static void plug_choose_way(struct addition *addition, const json_t *status)
{
	const json_t *passthrough = json_object_get(status, "passthrough");
	const char *via = ctl_string(passthrough, "via");

	addition->shared_open = json_is_true(json_object_get(passthrough, "open"));
	if (addition->via != VFIO_VIA_ANY)
		return;
	if (strcmp(via, "iommufd") == 0)
		addition->via = VFIO_VIA_IOMMUFD;
	else if (strcmp(via, "group") == 0)
		addition->via = VFIO_VIA_GROUP;
	else if (plug_has_node(addition))
		addition->via = VFIO_VIA_IOMMUFD;
	else
		addition->via = VFIO_VIA_GROUP;
}

static void plug_open_node(struct addition *addition, enum plug_node node, const char *path)
{
	addition->nodes[node] = open(path, O_RDWR | O_CLOEXEC);
	if (addition->nodes[node] < 0 && !addition->own.code)
		err_set(&addition->own, -errno, "%s: %s", path, err_text(-errno));
}

static void plug_open_iommufd(struct addition *addition)
{
	const char *dev = addition->ctl->tool->dev;
	char path[PATH_MAX];

	if (vfio_cdev_find(&addition->device, dev, path, sizeof(path)) == 0)
		plug_open_node(addition, NODE_DEVICE, path);
	if (addition->nodes[NODE_DEVICE] < 0 || addition->shared_open)
		return;
	snprintf(path, sizeof(path), "%s/iommu", dev);
	plug_open_node(addition, NODE_IOMMU, path);
}

/* A group that the monitor has for another device opens for nobody else. */
static void plug_open_group(struct addition *addition)
{
	const char *dev = addition->ctl->tool->dev;
	char path[PATH_MAX];
	unsigned int group;
	struct err err = {0};

	if (vfio_sysfs_group(&addition->device, &group, &err) == 0) {
		snprintf(path, sizeof(path), "%s/vfio/%u", dev, group);
		plug_open_node(addition, NODE_GROUP, path);
	}
	if (addition->nodes[NODE_GROUP] < 0 || addition->shared_open)
		return;
	snprintf(path, sizeof(path), "%s/vfio/vfio", dev);
	plug_open_node(addition, NODE_CONTAINER, path);
}

/* By the caller alone. */
static int plug_connect(struct addition *addition)
{
	struct err *err = &addition->ctl->err;
	int rc = local_reach_first(addition->socket, 0, err);

	if (rc < 0)
		return err_prefix(err, "socket=%.200s", addition->socket);
	addition->nodes[NODE_DEVICE] = rc;
	return 0;
}

/*
 * With the caller's rights. What those do not open of hardware is left to the monitor's, which says
 * what it lacks.
 */
static int plug_open(struct addition *addition)
{
	if (addition->socket)
		return plug_connect(addition);
	if (addition->via == VFIO_VIA_IOMMUFD)
		plug_open_iommufd(addition);
	else
		plug_open_group(addition);
	return 0;
}

/* Whose option @name=@value names a file, or NODES. */
static enum plug_node plug_node_of(const char *name, const char *value)
{
	enum plug_node node = NODE_ROM;

	if (strcmp(name, "rom") == 0 && strcmp(value, "off") == 0)
		return NODES;
	while (node < NODES && strcmp(plug_nodes[node].option, name) != 0)
		node++;
	return node;
}

/* By the caller alone: what the monitor may open is not known here. A trace is made or emptied. */
static int plug_open_files(struct addition *addition)
{
	const struct suboptions *options = &addition->ctl->options;

	for (size_t i = 0; i < options->count; i++) {
		const char *path = options->item[i].value;
		enum plug_node node = path ? plug_node_of(options->item[i].name, path) : NODES;
		bool output;
		int fd;

		if (node == NODES)
			continue;
		output = node == NODE_TRACE;
		fd = output ? fd_open_output(path, 0) : fd_open_input(path, 0);
		if (fd < 0)
			return err_set(&addition->ctl->err, fd, "%s=%.200s: %s",
				       plug_nodes[node].option, path,
				       output ? fd_output_text(fd) : err_text(fd));
		addition->nodes[node] = fd;
	}
	return 0;
}

static int plug_pass(struct addition *addition, enum plug_node node)
{
	struct ctl *ctl = addition->ctl;
	json_t *answer;
	int rc;

	if (addition->nodes[node] < 0)
		return 0;
	rc = qmp_execute_with(&ctl->qmp, "getfd",
			      json_pack("{s:s}", "fdname", plug_nodes[node].name),
			      addition->nodes[node], &answer, &ctl->err);
	if (!rc)
		json_decref(answer);
	return rc;
}

/* A file's name is of this folder here, and would be of another in the monitor. */
static json_t *plug_file(const char *name)
{
	char folder[PATH_MAX];

	if (*name == '/' || !getcwd(folder, sizeof(folder)))
		return json_string(name);
	return json_sprintf("%s/%s", folder, name);
}

/* A path is told as it is: the monitor may know another by the last part of it. */
static void plug_name_device(const struct addition *addition, json_t *arguments)
{
	char path[PATH_MAX];

	if (addition->nodes[NODE_DEVICE] >= 0)
		return;
	if (addition->by_path && realpath(addition->device.path, path))
		json_object_set_new(arguments, "sysfsdev", json_string(path));
	else
		json_object_set_new(arguments, "host", json_string(addition->device.address));
}

static int plug_set_option(json_t *arguments, const char *name, const char *value, struct err *err)
{
	bool file = plug_node_of(name, value) < NODES;
	json_t *text = file ? plug_file(value) : json_string(value);

	if (text)
		return json_object_set_new(arguments, name, text);
	return err_set(err, -EILSEQ, "%s=%.80s: %s is not UTF-8, which QMP cannot carry", name,
		       value, file ? "the name with its folder" : "it");
}

/* What device_add is asked; each option has a value. NULL with the error set. */
static json_t *plug_arguments(const struct addition *addition)
{
	const struct suboptions *options = &addition->ctl->options;
	json_t *arguments =
		json_pack("{s:s}", "driver", addition->socket ? "vfio-user-pci" : "vfio-pci");

	plug_name_device(addition, arguments);
	for (size_t i = 0; i < NODES; i++)
		if (addition->nodes[i] >= 0)
			json_object_set_new(arguments, plug_nodes[i].argument,
					    json_string(plug_nodes[i].name));
	for (size_t i = 0; i < options->count; i++)
		if (plug_set_option(arguments, options->item[i].name, options->item[i].value,
				    &addition->ctl->err)) {
			json_decref(arguments);
			return NULL;
		}
	return arguments;
}

static bool plug_is_named(const json_t *device, const char *name)
{
	return strcmp(ctl_string(device, "id"), name) == 0 ||
	       strcmp(ctl_string(device, "host"), name) == 0 ||
	       (json_is_string(json_object_get(device, "slot")) &&
		strcmp(ctl_string(device, "slot"), name) == 0);
}

/*
 * The one of @status that is called @name: by its id, its address on the host or its slot. One that
 * was given back may have come again.
 */
static const json_t *plug_find(const json_t *status, const char *name)
{
	const json_t *devices = json_object_get(status, "devices");

	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *device = json_array_get(devices, i);

		if (!json_is_true(json_object_get(device, "gone")) && plug_is_named(device, name))
			return device;
	}
	return NULL;
}

/* A program is called by the monitor: it is the last of those that were not there before. */
static const json_t *plug_find_program(const struct addition *addition, const json_t *status)
{
	const json_t *devices = json_object_get(status, "devices"), *found = NULL;

	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *device = json_array_get(devices, i);
		const char *host = ctl_string(device, "host");

		if (strncmp(host, "user", 4) == 0 && !plug_find(addition->before, host))
			found = device;
	}
	return found;
}

static int plug_tell(const struct addition *addition)
{
	struct ctl *ctl = addition->ctl;
	const char *host = addition->socket ? addition->socket : addition->device.address, *id;
	const char *unseen = "";
	const json_t *device;
	json_t *status;
	int rc = qmp_execute(&ctl->qmp, "x-ferry-status", &status, &ctl->err);

	if (rc)
		return rc;
	device = addition->socket ? plug_find_program(addition, status) : plug_find(status, host);
	if (device)
		host = ctl_string(device, "host");
	id = ctl_string(device, "id");
	if (json_is_true(json_object_get(device, "unseen")))
		unseen = ": the guest sees it once function 0 is there too";
	if (ctl->json)
		rc = ctl_print_line(ctl, device ? json_deep_copy(device) : json_null());
	else if (!device)
		text_print(ctl->tool->out, "%s was in, and has left\n", host);
	else if (strcmp(id, host) == 0)
		text_print(ctl->tool->out, "%s is in %s%s\n", host, ctl_string(device, "slot"),
			   unseen);
	else
		text_print(ctl->tool->out, "%s is in %s, with the id %s%s\n", host,
			   ctl_string(device, "slot"), id, unseen);
	json_decref(status);
	return rc;
}

/* Where it was refused, why it had to be the monitor's rights comes first. */
static int plug_ask(struct addition *addition, const struct ctl_command *command)
{
	struct ctl *ctl = addition->ctl;
	json_t *arguments = plug_arguments(addition), *answer;
	int rc;

	if (!arguments)
		return ctl->err.code;
	rc = qmp_execute_with(&ctl->qmp, command->execute, arguments, -1, &answer, &ctl->err);
	if (!rc)
		json_decref(answer);
	else if (addition->own.code)
		err_prefix(&ctl->err, "%s; by the monitor's rights", addition->own.text);
	return rc;
}

static int plug_add(struct addition *addition, const struct ctl_command *command)
{
	struct ctl *ctl = addition->ctl;
	int rc = qmp_execute(&ctl->qmp, "x-ferry-status", &addition->before, &ctl->err);

	if (rc)
		return rc;
	plug_choose_way(addition, addition->before);
	rc = plug_open(addition);
	if (!rc)
		rc = plug_open_files(addition);
	for (enum plug_node node = 0; node < NODES && !rc; node++)
		rc = plug_pass(addition, node);
	if (!rc)
		rc = plug_ask(addition, command);
	for (size_t i = 0; i < NODES; i++)
		fd_close(&addition->nodes[i]);
	if (!rc)
		rc = plug_tell(addition);
	json_decref(addition->before);
	return rc;
}

int ctl_add(struct ctl *ctl, const struct ctl_command *command)
{
	struct addition addition = {.ctl = ctl,
				    .socket = plug_socket(ctl->options.first),
				    .via = ctl->via,
				    .by_path = strchr(ctl->options.first, '/'),
				    .nodes = {-1, -1, -1, -1, -1, -1, -1}};
	int rc = 0;

	if (!addition.socket)
		rc = vfio_sysfs_find(ctl->tool->sys, ctl->options.first, &addition.device, NULL,
				     &ctl->err);
	return rc ? rc : plug_add(&addition, command);
}

int ctl_check_remove(struct ctl *ctl)
{
	unsigned int seconds;

	if (!ctl->timeout ||
	    suboptions_parse_number(ctl->timeout, 0, DEVICE_TIMEOUT_MAX, &seconds) == 0)
		return 0;
	return err_set(&ctl->err, -EINVAL, "--timeout %.80s: it takes seconds, 0 to %d",
		       ctl->timeout, DEVICE_TIMEOUT_MAX);
}

/* As "it has nic and 0000:02:00.0", of those that are there. */
static int plug_refuse(struct ctl *ctl, const json_t *status)
{
	const json_t *devices = json_object_get(status, "devices");
	char names[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *device = json_array_get(devices, i);

		if (json_is_true(json_object_get(device, "gone")) || used >= sizeof(names))
			continue;
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
					 used ? ", " : "", ctl_string(device, "id"));
	}
	return err_set(&ctl->err, -ENOENT, "the guest has no device %.80s: it has %s", ctl->word,
		       used ? names : "none");
}

/* What the user may have meant by @word; each of them is tried. */
static const json_t *plug_find_word(const json_t *status, const char *word)
{
	char name[PATH_MAX];
	const json_t *device = plug_find(status, word);
	size_t length;

	if (device)
		return device;
	snprintf(name, sizeof(name), "0000:%s", word);
	device = plug_find(status, name);
	if (device || !strchr(word, '/'))
		return device;
	snprintf(name, sizeof(name), "%s", word);
	length = strlen(name);
	while (length > 1 && name[length - 1] == '/')
		name[--length] = '\0';
	return plug_find(status, strrchr(name, '/') + 1);
}

/* The id that the monitor has for what the user calls by that, its address, path or slot. */
static int plug_find_id(struct ctl *ctl, char *id, size_t size)
{
	const json_t *device;
	json_t *status;
	int rc = qmp_execute(&ctl->qmp, "x-ferry-status", &status, &ctl->err);

	if (rc)
		return rc;
	device = plug_find_word(status, ctl->word);
	if (device)
		snprintf(id, size, "%s", ctl_string(device, "id"));
	else
		rc = plug_refuse(ctl, status);
	json_decref(status);
	return rc;
}

/* What came of it, once @event is about that device: 1 when it is not. */
static int plug_end_remove(struct ctl *ctl, const char *id, json_t *event)
{
	const char *name = ctl_string(event, "event");

	if (strcmp(ctl_string(json_object_get(event, "data"), "device"), id) != 0)
		return 1;
	if (strcmp(name, "DEVICE_UNPLUG_GUEST_ERROR") == 0)
		return err_set(&ctl->err, -EPERM,
			       "the guest keeps it: --timeout 0 takes it away all the same");
	if (strcmp(name, "DEVICE_DELETED") != 0)
		return 1;
	if (ctl->json)
		return ctl_print_line(ctl, json_incref(event));
	text_print(ctl->tool->out, "%s is given back to the host\n", id);
	return 0;
}

int ctl_remove(struct ctl *ctl, const struct ctl_command *command)
{
	json_t *answer, *event, *arguments;
	char id[256];
	int rc = plug_find_id(ctl, id, sizeof(id));

	if (rc)
		return rc;
	arguments = json_pack("{s:s}", "id", id);
	if (ctl->timeout)
		json_object_set_new(arguments, "timeout", json_integer(atoll(ctl->timeout)));
	ctl->qmp.keeps_events = true;
	rc = qmp_execute_with(&ctl->qmp, command->execute, arguments, -1, &answer, &ctl->err);
	if (rc)
		return rc;
	json_decref(answer);
	do {
		rc = qmp_next_event(&ctl->qmp, &event, &ctl->err);
		if (rc)
			break;
		rc = plug_end_remove(ctl, id, event);
		json_decref(event);
	} while (rc == 1);
	return rc;
}
