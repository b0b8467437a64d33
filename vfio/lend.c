/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups and a container that others have opened for a whole run: which device gets which. */

#include <errno.h>
#include <unistd.h>

#include "vfio/host/cdev.h"
#include "vfio/vfio_private.h"

static int lend_out(int *kept)
{
	int fd = *kept;

	*kept = 0;
	return fd;
}

/* What is open on no group is left for vfio_check_lent(). */
static int lend_group(struct vfio_settings *settings, unsigned int number)
{
	unsigned int its;

	for (size_t i = 0; i < settings->group_count; i++)
		if (settings->groups[i] &&
		    vfio_cdev_group(settings->sysfs, settings->groups[i], &its) == 0 &&
		    its == number)
			return lend_out(&settings->groups[i]);
	return 0;
}

void vfio_lend(struct vfio *vfio, struct vfio_device_config *config)
{
	struct vfio_settings *settings = &vfio->settings;
	struct vfio_sysfs_device device;
	unsigned int number;
	struct err ignored;

	if (config->via == VFIO_VIA_USER || (!settings->group_count && !settings->container))
		return;
	if (!config->group_fd &&
	    vfio_sysfs_find(settings->sysfs, config->path, &device, &number, &ignored) == 0)
		config->group_fd = lend_group(settings, number);
	if (!config->container_fd && !vfio->families[VFIO_HARDWARE].provider)
		config->container_fd = lend_out(&settings->container);
}

int vfio_check_lent(const struct vfio *vfio, struct err *err)
{
	const struct vfio_settings *settings = &vfio->settings;
	unsigned int number;

	for (size_t i = 0; i < settings->group_count; i++) {
		int fd = settings->groups[i];
		int rc = fd ? vfio_cdev_group(settings->sysfs, fd, &number) : 0;

		if (rc && rc != -ENODEV)
			return err_set(err, rc,
				       "--vfio-group fd=%d: which group it is cannot be found: "
				       "%s",
				       fd, err_text(rc));
		if (rc)
			return err_set(err, rc,
				       "--vfio-group fd=%d: it is not open on a group, as "
				       "/dev/vfio/12 is",
				       fd);
		if (fd && !settings->slots)
			return err_set(err, -EINVAL,
				       "--vfio-group fd=%d: no device of --vfio is in IOMMU group "
				       "%u: leave it out",
				       fd, number);
	}
	return 0;
}

void vfio_close_lent(struct vfio_settings *settings)
{
	for (size_t i = 0; i < settings->group_count; i++)
		if (settings->groups[i])
			close(lend_out(&settings->groups[i]));
	if (settings->container)
		close(lend_out(&settings->container));
}
