/* SPDX-License-Identifier: BSD-3-Clause */
/* A character device's way into iommufd's address space, and out of it. */

#include "vfio/iommufd/bind.h"

#include <errno.h>
#include <stddef.h>

#include "vfio/iommufd/abi.h"
#include "vfio/sys.h"
#include "vfio/token.h"

static int bind_refuse(const struct vfio_bind *device, const char *what, int rc, struct err *err)
{
	if (rc == -EPERM)
		return err_set(err, rc,
			       "passthrough device %s: %s: not permitted: the host cannot remap "
			       "interrupts: turn interrupt remapping on, or trust the guest with "
			       "iommufd.allow_unsafe_interrupts=1",
			       device->address, what);
	if (rc == -EBUSY)
		return err_set(err, rc,
			       "passthrough device %s: %s: it, or another member of its group, is "
			       "in use by another process: stop that first",
			       device->address, what);
	if (rc == -EADDRINUSE)
		return err_set(err, rc,
			       "passthrough device %s: %s: its IOMMU does not map where guest RAM "
			       "is: start the guest with the device",
			       device->address, what);
	return err_set(err, rc, "passthrough device %s: %s: %s", device->address, what,
		       err_text(rc));
}

static int bind_attach(const struct vfio_bind *device, uint32_t ioas)
{
	struct iommufd_device_attach attach = {.argsz = sizeof(attach), .pt_id = ioas};
	int rc = vfio_sys_ioctl(device->fd, IOMMUFD_DEVICE_ATTACH, &attach);

	if (rc < 0)
		return rc;
	*device->attached = true;
	return 0;
}

/*
 * A device whose IOMMU cannot walk the page tables of those before gets others in the same address
 * space, which the kernel fills alike: that is why there is one. What it refuses here it would
 * refuse in another as well.
 */
static int bind_join(const struct vfio_bind *device, const struct vfio_ioas *ioas, struct err *err)
{
	int rc = bind_attach(device, ioas->id);

	return rc ? bind_refuse(device, "it cannot join the guest's address space", rc, err) : 0;
}

static int bind_refuse_foreign(const struct vfio_bind *device, struct err *err)
{
	return err_set(err, -EINVAL,
		       "passthrough device %s: who opened it has bound it to another iommufd than "
		       "the one of --iommufd, or has another member of its group attached "
		       "elsewhere: hand over that iommufd and both, or the device unbound",
		       device->address);
}

/* A bound device is attached, from what it was attached to before. */
static int bind_move(const struct vfio_bind *device, const struct vfio_ioas *ioas, struct err *err)
{
	int rc = bind_attach(device, ioas->id);

	if (rc == -ENOENT || rc == -EINVAL)
		return bind_refuse_foreign(device, err);
	return rc ? bind_refuse(device,
				"it cannot be moved to the guest's address space of iommufd", rc,
				err)
		  : 0;
}

/*
 * The kernel does not tell what a device is bound to, and numbers address spaces anew in each
 * iommufd: an attachment that works may be to a stranger's of the same number. @trial is in ours,
 * and cannot be destroyed when the device is really there. Otherwise it is destroyed.
 */
static int bind_try(const struct vfio_bind *device, const struct vfio_ioas *trial, struct err *err)
{
	int rc = bind_move(device, trial, err);
	int destroyed = vfio_ioas_destroy(trial);

	if (rc || destroyed == -EBUSY)
		return rc;
	return destroyed ? bind_refuse(device, "iommufd does not tell whether it is bound to it",
				       destroyed, err)
			 : bind_refuse_foreign(device, err);
}

/*
 * To the guest's address space first, which others of its group may be attached to: one that is not
 * attached can join them alone, and then takes all along.
 */
static int bind_adopt(const struct vfio_bind *device, const struct vfio_ioas *ioas, struct err *err)
{
	struct vfio_ioas trial = {0};
	int rc, destroyed;

	if (!device->iommufd_given)
		return err_set(err, -EINVAL,
			       "passthrough device %s: who opened it has bound it to an iommufd: "
			       "hand over that one too, with --iommufd fd=N, or the device unbound",
			       device->address);
	rc = bind_move(device, ioas, err);
	if (rc)
		return rc;
	rc = vfio_ioas_create(&trial, ioas->iommufd, NULL, err);
	if (rc)
		return err_prefix(err, "passthrough device %s", device->address);
	rc = bind_try(device, &trial, err);
	if (rc)
		return rc;
	rc = bind_move(device, ioas, err);
	if (rc)
		vfio_unbind(device->fd);
	destroyed = vfio_ioas_destroy(&trial);
	if (!rc && destroyed)
		return bind_refuse(device, "iommufd keeps an empty address space", destroyed, err);
	return rc;
}

/* Of one that is not bound the kernel tells nothing. */
static int bind_is_bound(const struct vfio_bind *device)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	int rc = vfio_sys_ioctl(device->fd, VFIO_DEVICE_GET_INFO, &info);

	if (rc == -EINVAL)
		return 0;
	return rc < 0 ? rc : 1;
}

/* With @token, VFIO_TOKEN_SIZE bytes, when it has one: kernels that know none do not take more. */
static int bind_ask(const struct vfio_bind *device, int iommufd, const uint8_t *token)
{
	struct iommufd_device_bind bind = {
		.argsz = offsetof(struct iommufd_device_bind, token),
		.iommufd = iommufd,
	};
	int rc;

	if (device->token) {
		bind.argsz = sizeof(bind);
		bind.flags = IOMMUFD_BIND_TOKEN;
		bind.token = (uintptr_t)token;
	}
	rc = vfio_sys_ioctl(device->fd, IOMMUFD_DEVICE_BIND, &bind);
	return rc < 0 ? rc : 0;
}

/* -EINVAL may be about the token, or be a kernel's that knows none: that one does not read it. */
static int bind_refuse_token(const struct vfio_bind *device, int iommufd, int rc, struct err *err)
{
	if (rc == -EINVAL && device->token && bind_ask(device, iommufd, NULL) != -EFAULT)
		return err_set(
			err, -EOPNOTSUPP,
			"passthrough device %s: vf-token=%s: by iommufd none is taken, by the "
			"device or by a host's kernel before Linux 6.17: %s",
			device->address, device->token,
			device->given ? "leave it out, or hand over no descriptor"
				      : "take the device by its group: via=group");
	if (rc != -EINVAL && rc != -EACCES)
		return 0;
	return vfio_token_refuse(device->address, device->token, rc, err);
}

int vfio_bind(const struct vfio_ioas *ioas, const struct vfio_bind *device, struct err *err)
{
	uint8_t token[VFIO_TOKEN_SIZE];
	int rc, told;

	if (device->token)
		vfio_token_parse(device->token, token);
	rc = bind_ask(device, ioas->iommufd, token);
	if (rc == -EINVAL && device->given) {
		int bound = bind_is_bound(device);

		if (bound > 0)
			return bind_adopt(device, ioas, err);
		rc = bound < 0 ? bound : rc;
	}
	if (!rc)
		return bind_join(device, ioas, err);
	told = bind_refuse_token(device, ioas->iommufd, rc, err);
	return told ? told : bind_refuse(device, "iommufd does not take it", rc, err);
}

void vfio_unbind(int fd)
{
	struct iommufd_device_detach detach = {.argsz = sizeof(detach)};

	(void)!vfio_sys_ioctl(fd, IOMMUFD_DEVICE_DETACH, &detach);
}
