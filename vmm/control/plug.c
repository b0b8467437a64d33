/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands that add and remove devices, and that give passed descriptors their names. */

#include "vmm/control/plug.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vfio/host/sysfs.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/control/line.h"
#include "vmm/device_option.h"
#include "vmm/suboptions.h"

/* How long a guest may take to let a device go, by default; seconds. */
enum { TIMEOUT = 30 };

enum { ID_MAX = 63, SLOT_SIZE = 32 };

/* Of hardware, and of a device that is a program. */
static const char driver[] = "vfio-pci", user_driver[] = "vfio-user-pci";

/* What a request asks for. */
struct control_addition {
	struct vfio_device_config config;
	char path[CONTROL_QUOTE]; /* of a descriptor, for a sentence */
	char slot[SLOT_SIZE];     /* "": any */
};

static const char *plug_word(json_t *arguments, const char *name)
{
	return json_string_value(json_object_get(arguments, name));
}

int control_plug_getfd(const struct control_caller *caller, json_t *arguments, json_t **answer,
		       struct err *err)
{
	(void)answer;
	return control_passed_keep(caller->passed, plug_word(arguments, "fdname"), err);
}

int control_plug_closefd(const struct control_caller *caller, json_t *arguments, json_t **answer,
			 struct err *err)
{
	(void)answer;
	return control_passed_drop(caller->passed, plug_word(arguments, "fdname"), err);
}

/* A letter first, as in QEMU. It may still be a UUID: the layer compares it with the devices'. */
static int plug_check_id(const char *id, struct err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-._";

	if (!id ||
	    (strspn(id, letters) > 0 && strspn(id, rest) == strlen(id) && strlen(id) <= ID_MAX))
		return 0;
	return err_set(err, -EINVAL,
		       "id=%.80s: it takes a letter, then letters, digits, '-', '.' and '_', %d at "
		       "most",
		       control_printable(id).text, ID_MAX);
}

/* The one of @name, open for @access; none where @name is NULL. */
static int plug_find_passed(const struct control_caller *caller, const char *argument,
			    const char *name, int access, int *fd, struct err *err)
{
	int rc, found;

	if (!name)
		return 0;
	found = control_passed_find(caller->passed, name, err);
	if (found < 0)
		return err_prefix(err, "%s", argument);
	*fd = found;
	rc = fd_check_access(found, access, err);
	return rc ? err_prefix(err, "%s=%.80s", argument, control_printable(name).text) : 0;
}

/*
 * A number is of one that this process has inherited and has not taken for anything: what it opens
 * itself is all close-on-exec.
 */
static int plug_find_inherited(const char *value, int *fd, struct err *err)
{
	unsigned int number;
	int flags, rc;

	if (suboptions_parse_number(value, STDERR_FILENO + 1, INT_MAX, &number))
		return err_set(err, -EINVAL,
			       "fd=%.80s: it takes a number from 3 on, or the name of getfd",
			       control_printable(value).text);
	flags = fcntl((int)number, F_GETFD);
	if (flags < 0 || flags & FD_CLOEXEC)
		return err_set(err, -EBADF,
			       "fd=%u: it is none that ferry has inherited and that is free: pass "
			       "one by getfd",
			       number);
	*fd = (int)number;
	rc = fd_check_access(*fd, O_RDWR, err);
	return rc ? err_prefix(err, "fd=%u", number) : 0;
}

static int plug_find_device_fd(const struct control_caller *caller, const char *value,
			       struct control_addition *addition, struct err *err)
{
	snprintf(addition->path, sizeof(addition->path), "fd=%.80s", control_printable(value).text);
	addition->config.path = addition->path;
	if (*value >= '0' && *value <= '9')
		return plug_find_inherited(value, &addition->config.fd, err);
	return plug_find_passed(caller, "fd", value, O_RDWR, &addition->config.fd, err);
}

/* Which device it is: by exactly one of the three. */
static int plug_find_device(const struct control_caller *caller, json_t *arguments,
			    struct control_addition *addition, struct err *err)
{
	const char *host = plug_word(arguments, "host"), *path = plug_word(arguments, "sysfsdev");
	const char *fd = plug_word(arguments, "fd");

	if (!!host + !!path + !!fd != 1)
		return err_set(err, -EINVAL,
			       "which device it is is told by one of host, sysfsdev and fd");
	if (fd)
		return plug_find_device_fd(caller, fd, addition, err);
	addition->config.path = host ? host : path;
	return vfio_sysfs_check_name(addition->config.path, err);
}

/* It has one way, and nothing of the kernel's. */
static int plug_check_program(json_t *arguments, struct err *err)
{
	static const char *const others[] = {"host",         "sysfsdev", "iommufd", "group-fd",
					     "container-fd", "via",      "vf-token"};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (json_object_get(arguments, others[i]))
			return err_set(err, -EINVAL, "%s: it is for %s alone", others[i], driver);
	if (plug_word(arguments, "fd"))
		return 0;
	return err_set(err, -EINVAL,
		       "fd is missing: the name of a socket that is connected to the server");
}

static int plug_find_others(const struct control_caller *caller, json_t *arguments,
			    struct vfio_device_config *config, struct err *err)
{
	int rc = plug_find_passed(caller, "iommufd", plug_word(arguments, "iommufd"), O_RDWR,
				  &config->iommufd, err);

	if (!rc)
		rc = plug_find_passed(caller, "group-fd", plug_word(arguments, "group-fd"), O_RDWR,
				      &config->group_fd, err);
	if (!rc)
		rc = plug_find_passed(caller, "container-fd", plug_word(arguments, "container-fd"),
				      O_RDWR, &config->container_fd, err);
	return rc;
}

/*
 * A file that came along: what its option says of it is its name. One that says nothing is called
 * by that of the descriptor.
 */
static int plug_find_file(const struct control_caller *caller, json_t *arguments,
			  const char *argument, int access, int *fd, const char **option,
			  struct err *err)
{
	const char *name = plug_word(arguments, argument);
	int rc = plug_find_passed(caller, argument, name, access, fd, err);

	if (!rc && name && !*option)
		*option = name;
	return rc;
}

static int plug_find_files(const struct control_caller *caller, json_t *arguments,
			   struct vfio_device_config *config, struct err *err)
{
	int rc = plug_find_file(caller, arguments, "rom-fd", O_RDONLY, &config->rom_fd,
				&config->rom, err);

	if (!rc)
		rc = plug_find_file(caller, arguments, "trace-fd", O_WRONLY, &config->trace_fd,
				    &config->trace, err);
	if (!rc)
		rc = plug_find_file(caller, arguments, "names-fd", O_RDONLY, &config->names_fd,
				    &config->names, err);
	if (!rc && config->rom_fd && config->no_rom)
		rc = err_set(err, -EINVAL, "rom-fd: rom=off: leave one of both out");
	return rc;
}

/* Ferry's own, in the words of the command line. */
static int plug_take_options(json_t *arguments, struct vfio_device_config *config, struct err *err)
{
	static const char *const options[] = {"rom", "mmap", "via", "vf-token", "trace", "names"};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(options) && !rc; i++) {
		const char *value = plug_word(arguments, options[i]);

		if (value)
			rc = device_option_take(config, options[i], value, err);
	}
	return rc;
}

/* In QEMU's words: a file, or "" for none; and whether there is one. */
static int plug_take_rom(json_t *arguments, struct vfio_device_config *config, struct err *err)
{
	const char *file = plug_word(arguments, "romfile");
	const json_t *bar = json_object_get(arguments, "rombar");

	if (bar && json_integer_value(bar) != 0 && json_integer_value(bar) != 1)
		return err_set(err, -EINVAL, "rombar: it takes 0 or 1");
	if (!file && (!bar || json_integer_value(bar) == 1))
		return 0;
	if (json_object_get(arguments, "rom"))
		return err_set(err, -EINVAL,
			       "rom says what romfile and rombar do: leave one of both out");
	config->rom = file && *file ? file : NULL;
	if (bar && json_integer_value(bar) == 0)
		config->rom = NULL;
	config->no_rom = !config->rom;
	return 0;
}

/* QEMU's place on the bus, "SLOT" or "SLOT.FUNCTION" in hexadecimal, behind a port: slot 0. */
static int plug_parse_place(const char *place, unsigned int *function)
{
	static const char digits[] = "0123456789abcdefABCDEFx.";
	unsigned int slot;
	int end = 0, fields;

	*function = 0;
	if (place[strspn(place, digits)] != '\0')
		return -EINVAL;
	fields = sscanf(place, "%4x%n.%4x%n", &slot, &end, function, &end);
	return fields < 1 || place[end] != '\0' || slot != 0 || *function > 7 ? -EINVAL : 0;
}

/* Where it goes, by Ferry's "slot3.1", or by "slot3" and the place there. */
static int plug_take_slot(json_t *arguments, struct control_addition *addition, struct err *err)
{
	const char *bus = plug_word(arguments, "bus"), *place = plug_word(arguments, "addr");
	unsigned int function = 0;
	int size;

	if (place && plug_parse_place(place, &function))
		return err_set(err, -EINVAL,
			       "addr=%.80s: behind a slot's port it is 0, or 0.1 for function 1",
			       control_printable(place).text);
	if (bus && !*bus)
		return err_set(err, -EINVAL, "bus=: it is empty: it takes a slot such as slot3");
	if (function && (!bus || strchr(bus, '.')))
		return err_set(err, -EINVAL,
			       "addr=%.80s: a function beside others: name their slot by bus, as "
			       "slot3",
			       control_printable(place).text);
	if (function)
		size = snprintf(addition->slot, SLOT_SIZE, "%s.%u", bus, function);
	else
		size = snprintf(addition->slot, SLOT_SIZE, "%s", bus ? bus : "");
	return size < SLOT_SIZE
		       ? 0
		       : err_set(err, -EINVAL,
				 "bus=%.80s: no slot's name: it is as slot3, or slot3.1 for "
				 "another function there",
				 control_printable(bus).text);
}

enum { PLUG_FDS = 7 };

static void plug_list_fds(const struct vfio_device_config *config, int fds[PLUG_FDS])
{
	const int all[PLUG_FDS] = {config->fd,           config->iommufd, config->group_fd,
				   config->container_fd, config->rom_fd,  config->trace_fd,
				   config->names_fd};

	memcpy(fds, all, sizeof(all));
}

/* Descriptors of one way are none of the other's, and each is for one thing. */
static int plug_check_way(struct vfio_device_config *config, struct err *err)
{
	bool group = config->group_fd || config->container_fd;
	int fds[PLUG_FDS];

	plug_list_fds(config, fds);
	for (size_t i = 0; i < PLUG_FDS; i++)
		for (size_t other = 0; other < i; other++)
			if (fds[i] && fds[i] == fds[other])
				return err_set(err, -EINVAL,
					       "one descriptor is given for two things");
	if (group && (config->fd || config->iommufd || config->via == VFIO_VIA_IOMMUFD))
		return err_set(err, -EINVAL,
			       "group-fd and container-fd are for a device by its group: leave "
			       "them or what is for iommufd out");
	if (config->iommufd && config->via == VFIO_VIA_GROUP)
		return err_set(err, -EINVAL, "iommufd: via=group: leave one of both out");
	if (group)
		config->via = VFIO_VIA_GROUP;
	if (config->iommufd)
		config->via = VFIO_VIA_IOMMUFD;
	return 0;
}

static int plug_read(const struct control_caller *caller, json_t *arguments,
		     struct control_addition *addition, struct err *err)
{
	const char *wanted = plug_word(arguments, "driver");
	int rc;

	*addition = (struct control_addition){
		.config = {.id = plug_word(arguments, "id"), .port = true}};
	if (strcmp(wanted, user_driver) == 0)
		addition->config.via = VFIO_VIA_USER;
	else if (strcmp(wanted, driver) != 0)
		return err_set(err, -EINVAL, "driver '%.80s': devices are added by %s and %s alone",
			       control_printable(wanted).text, driver, user_driver);
	rc = plug_check_id(addition->config.id, err);
	if (!rc && addition->config.via == VFIO_VIA_USER)
		rc = plug_check_program(arguments, err);
	if (!rc)
		rc = plug_find_device(caller, arguments, addition, err);
	if (!rc)
		rc = plug_find_others(caller, arguments, &addition->config, err);
	if (!rc)
		rc = plug_take_options(arguments, &addition->config, err);
	if (!rc)
		rc = plug_take_rom(arguments, &addition->config, err);
	if (!rc)
		rc = plug_find_files(caller, arguments, &addition->config, err);
	if (!rc)
		rc = plug_take_slot(arguments, addition, err);
	if (!rc)
		rc = device_option_check(&addition->config, err);
	return rc ? rc : plug_check_way(&addition->config, err);
}

/* They are the machine's from here on, whatever comes of it. */
static void plug_give(const struct control_caller *caller, const struct vfio_device_config *config)
{
	int fds[PLUG_FDS];

	plug_list_fds(config, fds);
	for (size_t i = 0; i < PLUG_FDS; i++)
		if (fds[i])
			control_passed_give(caller->passed, fds[i]);
	if (config->fd)
		fcntl(config->fd, F_SETFD, FD_CLOEXEC);
}

int control_plug_add(const struct control_caller *caller, json_t *arguments, json_t **answer,
		     struct err *err)
{
	const struct control_target *target = caller->target;
	struct control_addition addition;
	int rc = plug_read(caller, arguments, &addition, err);
	void *owner;

	(void)answer;
	if (rc) {
		err_prefix(err, "device_add");
		return rc;
	}
	owner = caller->defer(caller->owner);
	if (!owner)
		return err_set(err, -ENOMEM, "device_add: out of memory");
	plug_give(caller, &addition.config);
	target->ops->add(target->machine, &addition.config, *addition.slot ? addition.slot : NULL,
			 caller->done, owner);
	return CONTROL_LATER;
}

int control_plug_delete(const struct control_caller *caller, json_t *arguments, json_t **answer,
			struct err *err)
{
	const struct control_target *target = caller->target;
	const json_t *given = json_object_get(arguments, "timeout");
	json_int_t timeout = given ? json_integer_value(given) : TIMEOUT;
	const char *id = plug_word(arguments, "id");
	int rc;

	(void)answer;
	if (timeout < 0 || timeout > DEVICE_TIMEOUT_MAX)
		return err_set(err, -EINVAL,
			       "device_del: timeout: it takes seconds, 0 to %d; 0 takes the device "
			       "away at once",
			       DEVICE_TIMEOUT_MAX);
	if (strncmp(id, CONTROL_QOM_FOLDER, strlen(CONTROL_QOM_FOLDER)) == 0)
		id += strlen(CONTROL_QOM_FOLDER);
	rc = target->ops->remove(target->machine, id, (unsigned int)timeout * 1000, err);
	return rc == -ENOENT ? CONTROL_NO_DEVICE : rc;
}
