/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user asked for of passed-through devices that are programs. */

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "vmm/base/local.h"
#include "vmm/config_private.h"
#include "vmm/device_option.h"

/* Where its server listens, or a connection to it that is there already. */
static int config_take_server(struct config *config, const char *value,
			      struct vfio_device_config *device, struct err *err)
{
	static const char socket[] = "socket=";
	struct sockaddr_un address;
	int rc;

	device->path = value;
	if (config_is_descriptor(value))
		return config_take_connection(config, value, &device->fd, err);
	if (strncmp(value, socket, strlen(socket)) != 0)
		return err_set(err, -EINVAL,
			       "'%s': it begins with socket=PATH, where its server listens, or "
			       "fd=N, connected to it already",
			       value);
	device->path = value + strlen(socket);
	rc = local_address(device->path, &address, err);
	return rc ? err_prefix(err, "%s", value) : 0;
}

/* It has no other way and nobody's virtual functions. */
static int config_take_part(struct vfio_device_config *device, const char *name, const char *value,
			    struct err *err)
{
	if (strcmp(name, "via") == 0 || strcmp(name, "vf-token") == 0)
		return err_set(err, -EINVAL, "%s: it is for --vfio alone", name);
	return device_option_take(device, name, value, err);
}

int config_take_vfio_user(struct config *config, const char *value, struct err *err)
{
	struct vfio_device_config *device = &config->vfio[config->vfio_count];
	const struct suboptions *options;
	int rc;

	if (config->vfio_count == CONFIG_VFIO_MAX)
		return err_set(err, -EINVAL, "given too often: %d devices are the most",
			       CONFIG_VFIO_MAX);
	options = config_split(config, value, err);
	if (!options)
		return err->code;
	*device = (struct vfio_device_config){.via = VFIO_VIA_USER};
	rc = config_take_server(config, options->first, device, err);
	for (size_t i = 0; i < options->count && !rc; i++)
		rc = config_take_part(device, options->item[i].name, options->item[i].value, err);
	if (!rc)
		rc = device_option_check(device, err);
	if (!rc)
		rc = config_take_device_files(config, device, err);
	if (!rc)
		config->vfio_count++;
	return rc;
}
