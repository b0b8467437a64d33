/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of --vhost-user. */

#include "vmm/vhost_user_option.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "vmm/base/local.h"

static int option_take_socket(struct vhost_user_config *device, const char *value, struct err *err)
{
	struct sockaddr_un address;
	int rc = local_address(value, &address, err);

	device->path = value;
	return rc ? err_prefix(err, "socket=%s", value) : 0;
}

int vhost_user_option_take_tag(struct vhost_user_config *device, const char *value, struct err *err)
{
	if (!device->kind->tagged)
		return err_set(err, -EINVAL, "tag=%s: a file system (fs) has one alone", value);
	if (*value == '\0' || strlen(value) > VHOST_USER_TAG_MAX)
		return err_set(err, -EINVAL, "tag=%s: it takes 1 to %d bytes", value,
			       VHOST_USER_TAG_MAX);
	device->choice.tag = value;
	return 0;
}

static int option_take_queues(struct vhost_user_config *device, const char *value, struct err *err)
{
	unsigned int most = device->kind->most;

	if (!most)
		return err_set(err, -EINVAL,
			       "queues=%s: such a device has as many as it has: leave it out",
			       value);
	if (suboptions_parse_number(value, 1, most, &device->choice.queues))
		return err_set(err, -EINVAL, "queues=%s: it takes a number from 1 to %u", value,
			       most);
	return 0;
}

static int option_take(struct vhost_user_config *device, const char *name, const char *value,
		       const char **given, struct err *err)
{
	if (value && strcmp(name, "socket") == 0)
		return option_take_socket(device, value, err);
	if (value && strcmp(name, "tag") == 0)
		return vhost_user_option_take_tag(device, value, err);
	if (value && strcmp(name, "queues") == 0)
		return option_take_queues(device, value, err);
	if (value && strcmp(name, "fd") == 0) {
		*given = value;
		return 0;
	}
	return err_set(err, -EINVAL,
		       "'%s%s': unknown part: it takes socket=PATH or fd=N, tag=TEXT and queues=N",
		       name, value ? "=" : "");
}

static int option_check(const struct vhost_user_config *device, const char *given, struct err *err)
{
	if (!device->path == !given)
		return err_set(err, -EINVAL,
			       "it takes one of socket=PATH, where its server listens, and fd=N, "
			       "connected to it already");
	if (device->kind->tagged && !device->choice.tag)
		return err_set(err, -EINVAL,
			       "a file system needs tag=TEXT, by which the guest mounts it");
	return 0;
}

int vhost_user_option_parse(struct vhost_user_config *device, const struct suboptions *options,
			    const char **given, struct err *err)
{
	int rc = 0;

	*given = NULL;
	*device = (struct vhost_user_config){.fd = -1};
	device->kind = vhost_user_find_kind(options->first, &device->numbered);
	if (!device->kind)
		return err_set(err, -EINVAL, "'%s': it takes %s", options->first,
			       vhost_user_kind_names());
	for (size_t i = 0; i < options->count && !rc; i++)
		rc = option_take(device, options->item[i].name, options->item[i].value, given, err);
	return rc ? rc : option_check(device, *given, err);
}
