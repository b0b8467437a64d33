/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user asked for of passed-through devices that are programs. */

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "vmm/base/local.h"
#include "vmm/config_private.h"
#include "vmm/device_option.h"
#include "vmm/suboptions.h"

enum { RECONNECT_MAX = 3600 };

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

static int config_take_reconnect(struct vfio_device_config *device, const char *value,
				 struct err *err)
{
	unsigned int seconds;

	if (!value || suboptions_parse_number(value, 1, RECONNECT_MAX, &seconds))
		return err_set(err, -EINVAL,
			       "reconnect=%s: it is reconnect=SECONDS, from 1 to %d, between two "
			       "looks for a server that was lost",
			       value ? value : "", RECONNECT_MAX);
	device->reconnect_ms = seconds * 1000;
	return 0;
}

/* What it says together with the other parts. */
static int config_check_parts(const struct vfio_device_config *device, struct err *err)
{
	if (!device->reconnect_ms)
		return 0;
	if (device->fd)
		return err_set(err, -EINVAL,
			       "reconnect: nobody knows where the server of a connection listens: "
			       "give socket=PATH");
	if (!device->port)
		return err_set(err, -EINVAL,
			       "reconnect: on the root bus nothing comes back: add port");
	if (device->trace)
		return err_set(err, -EINVAL,
			       "reconnect: a trace ends with its device: leave trace or reconnect "
			       "out");
	return 0;
}

/* It has no other way and nobody's virtual functions. */
static int config_take_part(struct vfio_device_config *device, const char *name, const char *value,
			    struct err *err)
{
	if (strcmp(name, "via") == 0 || strcmp(name, "vf-token") == 0)
		return err_set(err, -EINVAL, "%s: it is for --vfio alone", name);
	if (strcmp(name, "ioeventfd") == 0 && !value) {
		device->ioeventfd = true;
		return 0;
	}
	if (strcmp(name, "reconnect") == 0)
		return config_take_reconnect(device, value, err);
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
		rc = config_check_parts(device, err);
	if (!rc)
		rc = config_take_device_files(config, device, err);
	if (!rc)
		config->vfio_count++;
	return rc;
}

int config_check_reconnect(const struct config *config, struct err *err)
{
	for (size_t i = 0; i < config->vfio_count && config->user.uid; i++)
		if (config->vfio[i].reconnect_ms)
			return err_set(
				err, -EINVAL,
				"--vfio-user socket=%s: reconnect: a run with --user reaches "
				"no socket once its guest runs: leave one of both out",
				config->vfio[i].path);
	return 0;
}
