/* SPDX-License-Identifier: BSD-3-Clause */
/* A tap: opened by its name or by somebody else, and what it is told of its reader. */

#include "devices/virtio/tap.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include "devices/virtio/vhost_sys.h"

static const char tap_node[] = "/dev/net/tun";

static short tap_flags(unsigned int count)
{
	return (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (count > 1 ? IFF_MULTI_QUEUE : 0));
}

static int tap_explain_node(int rc, struct err *err)
{
	return err_set(err, rc, "%s: %s%s", tap_node, err_text(rc),
		       rc == -ENOENT || rc == -ENODEV ? ": modprobe tun"
		       : rc == -EACCES                ? ": this user may not open it"
						      : "");
}

static int tap_explain(int rc, const char *name, unsigned int count, struct err *err)
{
	const char *kind = count > 1 ? " multi_queue" : "";

	switch (rc) {
	case -EPERM:
		return err_set(err, rc,
			       "tap %s: it is another user's: ip tuntap add dev %s mode tap%s user "
			       "NAME makes one for NAME",
			       name, name, kind);
	case -EBUSY:
		return err_set(err, rc, "tap %s: another program has it", name);
	case -EINVAL:
		return err_set(
			err, rc,
			"tap %s: it is no tap of %s: ip tuntap add dev NAME mode tap%s makes "
			"one",
			name, count > 1 ? "several queues" : "one queue", kind);
	default:
		return err_set(err, rc, "tap %s: %s", name, err_text(rc));
	}
}

int tap_open(const char *name, unsigned int count, int *fds, struct err *err)
{
	struct ifreq request = {.ifr_flags = tap_flags(count)};
	int rc = vhost_sys_find_interface(name);

	/* Otherwise the kernel would make one, which leads nowhere. */
	if (rc)
		return err_set(err, rc, "tap %s: %s: ip tuntap add dev %s mode tap%s makes it",
			       name, err_text(rc), name, count > 1 ? " multi_queue" : "");
	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	for (unsigned int i = 0; i < count; i++) {
		fds[i] = vhost_sys_open(tap_node);
		if (fds[i] < 0)
			return tap_explain_node(fds[i], err);
		rc = vhost_sys_ioctl(fds[i], TUNSETIFF, &request);
		if (rc)
			return tap_explain(rc, name, count, err);
	}
	return 0;
}

int tap_check(int fd, unsigned int count, char name[], struct err *err)
{
	const short wanted = tap_flags(count);
	const short relevant = (short)(tap_flags(2) | IFF_TUN | IFF_DETACH_QUEUE);
	struct ifreq request = {0};
	int rc = vhost_sys_ioctl(fd, TUNGETIFF, &request);

	if (rc)
		return err_set(err, -EINVAL, "fd=%d: it is no tap: open /dev/net/tun and TUNSETIFF",
			       fd);
	if ((request.ifr_flags & relevant) != wanted)
		return err_set(err, -EINVAL,
			       "fd=%d: it must be a tap with IFF_NO_PI and IFF_VNET_HDR, %s "
			       "IFF_MULTI_QUEUE, and not detached",
			       fd, count > 1 ? "and with" : "without");
	request.ifr_name[IFNAMSIZ - 1] = '\0';
	if (name[0] && strcmp(name, request.ifr_name) != 0)
		return err_set(
			err, -EINVAL,
			"fd=%d: it is of another tap than the first: give descriptors of one", fd);
	memcpy(name, request.ifr_name, IFNAMSIZ);
	return 0;
}

int tap_set_header(int fd)
{
	int size = sizeof(struct virtio_net_hdr_mrg_rxbuf);

	return vhost_sys_ioctl(fd, TUNSETVNETHDRSZ, &size);
}

int tap_set_offloads(int fd, unsigned int offloads)
{
	return vhost_sys_ioctl(fd, TUNSETOFFLOAD, (void *)(uintptr_t)offloads);
}

int tap_set_queue(int fd, bool on)
{
	struct ifreq request = {
		.ifr_flags = (short)(on ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE),
	};

	return vhost_sys_ioctl(fd, TUNSETQUEUE, &request);
}
