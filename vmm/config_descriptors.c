/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user asked for by descriptors that are open already: each of its kind, and each once. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "memory/ram_file.h"
#include "vmm/base/activated.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/config_private.h"
#include "vmm/control/control.h"
#include "vmm/debug/gdb/gdb.h"
#include "vmm/listen.h"
#include "vmm/sizes.h"

bool config_is_descriptor(const char *value)
{
	return strncmp(value, "fd=", 3) == 0;
}

static int descriptor_keep(struct config *config, const char *value, int fd, struct err *err)
{
	for (size_t i = 0; i < config->given_count; i++)
		if (config->given[i] == fd)
			return err_set(err, -EINVAL, "%s: it was given already", value);
	if (config->given_count == ARRAY_SIZE(config->given))
		return err_set(err, -EINVAL, "%s: %zu descriptors are the most", value,
			       ARRAY_SIZE(config->given));
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_set(err, -EINVAL,
			       "%s: it is not open: who starts ferry opens it, and lets ferry "
			       "inherit it",
			       value);
	config->given[config->given_count++] = fd;
	return 0;
}

void config_close_descriptor(struct config *config, int *fd)
{
	size_t i = 0;

	while (i < config->given_count && config->given[i] != *fd)
		i++;
	if (i == config->given_count)
		return;
	config->given[i] = config->given[--config->given_count];
	fd_close(fd);
}

/*
 * One which whoever started this process has opened and left to it. That is so only before anything
 * else is opened, so it is looked at here.
 */
static int descriptor_inherit(struct config *config, const char *value, int *fd, struct err *err)
{
	int rc = listen_parse(value, fd, err);

	return rc ? rc : descriptor_keep(config, value, *fd, err);
}

/* Likewise one that is open for @access, as fd_check_access() has it. */
static int descriptor_open_for(struct config *config, const char *value, int access, int *fd,
			       struct err *err)
{
	int rc = descriptor_inherit(config, value, fd, err);

	if (rc)
		return rc;
	rc = fd_check_access(*fd, access, err);
	return rc ? err_prefix(err, "%s", value) : 0;
}

int config_take_descriptor(struct config *config, const char *value, int *fd, struct err *err)
{
	return descriptor_open_for(config, value, O_RDWR, fd, err);
}

int config_take_single(struct config *config, const char *value, int *fd, const char *what,
		       struct err *err)
{
	int taken, rc = config_take_descriptor(config, value, &taken, err);

	if (rc)
		return rc;
	if (*fd)
		return err_set(err, -EINVAL, "given twice: %s", what);
	*fd = taken;
	return 0;
}

int config_take_memory_descriptor(struct config *config, const char *value, struct err *err)
{
	struct ram_file file;
	char text[64];
	int fd, rc = descriptor_inherit(config, value, &fd, err);

	if (rc)
		return rc;
	rc = ram_file_check(fd, &file, err);
	if (rc) {
		err_prefix(err, "%s", value);
		return rc;
	}
	snprintf(text, sizeof(text), "%.16s, %" PRIu64 " KiB", value, file.size / KIB);
	config->memory_fd = fd;
	config->memory = file.size;
	config->page_size = file.page_size;
	return size_check_memory(text, file.size, file.page_size, err);
}

int config_take_image_descriptor(struct config *config, const char *value,
				 struct image_config *image, struct err *err)
{
	if (!config_is_descriptor(value))
		return 0;
	return descriptor_open_for(config, value, image->readonly ? O_RDONLY : O_RDWR, &image->fd,
				   err);
}

/* One of the names in a list, which begins at *@rest and ends before a colon. */
static int descriptor_of_list(struct config *config, const char **rest, int *fd, struct err *err)
{
	size_t length = strcspn(*rest, ":");
	char text[64];

	if (snprintf(text, sizeof(text), "fd=%.*s", (int)length, *rest) >= (int)sizeof(text))
		return err_set(err, -EINVAL, "fd=%s: too long a name", *rest);
	*rest += length + ((*rest)[length] == ':');
	return config_take_descriptor(config, text, fd, err);
}

int config_take_net_descriptors(struct config *config, const char *value, struct net_config *net,
				struct err *err)
{
	const char *rest = value + strlen("fd=");
	int rc = 0;

	if (!config_is_descriptor(value))
		return 0;
	for (unsigned int i = 0; i < net->pairs && !rc; i++)
		rc = descriptor_of_list(config, &rest, &net->fds[i], err);
	return rc;
}

/* "/dev/fd/3" names a descriptor too, and need not be opened anew, which its file may not allow. */
static bool descriptor_of_path(const char *path, int *fd)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
	char text[32];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		if (strncmp(path, folders[i], strlen(folders[i])) != 0)
			continue;
		snprintf(text, sizeof(text), "fd=%s", path + strlen(folders[i]));
		*fd = activated_parse(text);
		/* The standard ones may serve the console as well. */
		return *fd > 2;
	}
	return false;
}

int config_take_boot_file(struct config *config, const char *value, int *fd, struct err *err)
{
	int rc;

	*fd = 0;
	if (*value == '\0')
		return err_set(err, -EINVAL, "empty: it takes a file");
	if (config_is_descriptor(value))
		return descriptor_open_for(config, value, O_RDONLY, fd, err);
	if (!descriptor_of_path(value, fd))
		return *fd = 0;
	rc = descriptor_keep(config, value, *fd, err);
	if (rc)
		return rc;
	rc = fd_check_access(*fd, O_RDONLY, err);
	return rc ? err_prefix(err, "%s", value) : 0;
}

/* One of those that are either read or written. */
static int descriptor_take_file(struct config *config, const char *option, const char *value,
				int access, int *fd, struct err *err)
{
	int rc;

	if (!value || !config_is_descriptor(value))
		return 0;
	rc = descriptor_open_for(config, value, access, fd, err);
	return rc ? err_prefix(err, "%s", option) : 0;
}

int config_take_device_files(struct config *config, struct vfio_device_config *device,
			     struct err *err)
{
	int rc = descriptor_take_file(config, "rom", device->rom, O_RDONLY, &device->rom_fd, err);

	if (!rc)
		rc = descriptor_take_file(config, "trace", device->trace, O_WRONLY,
					  &device->trace_fd, err);
	if (!rc)
		rc = descriptor_take_file(config, "names", device->names, O_RDONLY,
					  &device->names_fd, err);
	return rc;
}

int config_take_serial_descriptor(struct config *config, const char *value, struct err *err)
{
	int rc = descriptor_open_for(config, value, O_WRONLY, &config->serial_fd, err);

	if (rc)
		return rc;
	rc = activated_check_connection(config->serial_fd, err);
	return rc ? err_prefix(err, "%s", value) : 0;
}

int config_take_connection(struct config *config, const char *value, int *fd, struct err *err)
{
	struct stat status;
	int rc = descriptor_open_for(config, value, O_RDWR, fd, err);

	if (rc)
		return rc;
	if (fstat(*fd, &status) || !S_ISSOCK(status.st_mode))
		return err_set(err, -EINVAL,
			       "%s: it is no socket: it takes one that is connected to a server",
			       value);
	rc = activated_check_connection(*fd, err);
	return rc ? err_prefix(err, "%s", value) : 0;
}

/*
 * Where to listen, into *@address, in the place of one that came before. That of a descriptor is
 * told by its number from here on, in @text.
 */
static int descriptor_listen(struct config *config, const char *value, const char **address,
			     char text[CONFIG_FD_TEXT], struct err *err)
{
	int fd, before = *address ? activated_parse(*address) : 0;

	*address = value;
	if (config_is_descriptor(value)) {
		int rc = descriptor_inherit(config, value, &fd, err);

		if (rc)
			return rc;
		snprintf(text, CONFIG_FD_TEXT, "fd=%d", fd);
		*address = text;
	}
	config_close_descriptor(config, &before);
	return 0;
}

int config_take_gdb(struct config *config, const char *value, struct err *err)
{
	int rc = descriptor_listen(config, value, &config->gdb, config->gdb_fd, err);

	return rc ? rc : gdb_check_address(config->gdb, err);
}

int config_take_control(struct config *config, const char *value, struct err *err)
{
	int rc = descriptor_listen(config, value, &config->control, config->control_fd, err);

	return rc ? rc : control_check_address(config->control, err);
}

int config_take_group(struct config *config, const char *value, struct err *err)
{
	int fd, rc = config_take_descriptor(config, value, &fd, err);

	if (rc)
		return rc;
	if (config->group_count == VFIO_GROUPS_MAX)
		return err_set(err, -EINVAL, "given too often: %d groups are the most",
			       VFIO_GROUPS_MAX);
	config->groups[config->group_count++] = fd;
	return 0;
}

/* The option that settles which way it is, and that way. NULL: each device is left its own. */
static const char *descriptor_way(const struct config *config, enum vfio_via *via)
{
	*via = config->iommufd ? VFIO_VIA_IOMMUFD : VFIO_VIA_GROUP;
	if (config->iommufd)
		return "--iommufd";
	if (config->group_count)
		return "--vfio-group";
	return config->container ? "--vfio-container" : NULL;
}

int config_spread_way(struct config *config, struct err *err)
{
	enum vfio_via via;
	const char *option = descriptor_way(config, &via);

	if (config->iommufd && (config->group_count || config->container))
		return err_set(err, -EINVAL,
			       "--iommufd: --vfio-group and --vfio-container are of another way: "
			       "leave them or it out");
	if (option && !config_pins_memory(config) && config->slots == 0)
		return err_set(err, -EINVAL,
			       "%s: it is for the devices of --vfio and --hotplug, neither of "
			       "which is given",
			       option);
	for (size_t i = 0; i < config->vfio_count && option; i++) {
		if (config->vfio[i].via == VFIO_VIA_USER)
			continue;
		if (config->vfio[i].via != VFIO_VIA_ANY && config->vfio[i].via != via)
			return err_set(err, -EINVAL,
				       "%s: --vfio %s asks for %s: leave one of both out", option,
				       config->vfio[i].path,
				       config->vfio[i].fd      ? "iommufd"
				       : via == VFIO_VIA_GROUP ? "via=iommufd"
							       : "via=group");
		config->vfio[i].via = via;
	}
	return 0;
}
