/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user asked for of virtio devices. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/vsock.h"
#include "vmm/config_private.h"
#include "vmm/disk_option.h"
#include "vmm/net_option.h"
#include "vmm/vhost_user_option.h"

/* fd=, and as many characters as systemd lets a descriptor's name have. */
enum { NAME_ROOM = 3 + 255 + 1 };

/* Room for one more that another process serves; NULL with @err. */
static struct config_vhost_user *config_add_served(struct config *config, struct err *err)
{
	if (config->vhost_user_count == CONFIG_VHOST_USER_MAX) {
		err_set(err, -EINVAL, "given too often: %d such devices are the most",
			CONFIG_VHOST_USER_MAX);
		return NULL;
	}
	if (!config->vhost_user)
		config->vhost_user = calloc(CONFIG_VHOST_USER_MAX, sizeof(*config->vhost_user));
	if (!config->vhost_user) {
		err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	return &config->vhost_user[config->vhost_user_count++];
}

/* Whether such an image is another program's to read. */
static bool config_has_format(const struct suboptions *options)
{
	for (size_t i = 0; i < options->count; i++)
		if (strcmp(options->item[i].name, "format") == 0)
			return !options->item[i].value ||
			       strcmp(options->item[i].value, "raw") != 0;
	return false;
}

static int config_take_image(struct config *config, struct suboptions *text, struct err *err)
{
	struct config_vhost_user *image = config_add_served(config, err);

	if (!image) {
		suboptions_release(text);
		return err->code;
	}
	image->text = *text;
	if (config_is_descriptor(text->first))
		return err_set(err, -EINVAL,
			       "%s: with format= it is qemu-storage-daemon's to open: give its "
			       "path",
			       text->first);
	return service_parse_image(&image->service, &image->device, &image->text, err);
}

int config_take_disk(struct config *config, const char *value, struct err *err)
{
	struct config_disk *disk;
	struct suboptions text;
	int rc = suboptions_parse(value, &text, err);

	if (rc)
		return rc;
	if (config_has_format(&text))
		return config_take_image(config, &text, err);
	if (!config->disks)
		config->disks = calloc(CONFIG_DISKS_MAX, sizeof(*config->disks));
	if (!config->disks || config->disk_count == CONFIG_DISKS_MAX) {
		suboptions_release(&text);
		return config->disks
			       ? err_set(err, -EINVAL, "given too often: %d disks are the most",
					 CONFIG_DISKS_MAX)
			       : err_set(err, -ENOMEM, "out of memory");
	}
	disk = &config->disks[config->disk_count++];
	disk->text = text;
	rc = disk_option_parse(&disk->disk, &disk->text, err);
	return rc ? rc
		  : config_take_image_descriptor(config, disk->text.first, &disk->disk.image, err);
}

/* Room for one more; NULL with @err. */
static struct config_net *config_add_net(struct config *config, struct err *err)
{
	if (config->net_count == CONFIG_NETS_MAX) {
		err_set(err, -EINVAL, "given too often: %d cards are the most", CONFIG_NETS_MAX);
		return NULL;
	}
	if (!config->nets)
		config->nets = calloc(CONFIG_NETS_MAX, sizeof(*config->nets));
	if (!config->nets) {
		err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	return &config->nets[config->net_count++];
}

/* A port of the host's is one card's; those of @one are the last to come. */
static int config_check_forwards(const struct config *config, const struct config_vhost_user *one,
				 struct err *err)
{
	int rc = 0;

	for (size_t i = 0; &config->vhost_user[i] != one; i++)
		for (unsigned int n = 0; n < one->service.forward_count && !rc; n++)
			rc = service_check_forward(&one->service, n, &config->vhost_user[i].service,
						   err);
	return rc;
}

/* One that a program is, which keeps @text. */
static int config_take_user_net(struct config *config, struct suboptions *text, struct err *err)
{
	struct config_vhost_user *one = config_add_served(config, err);
	int rc;

	if (!one) {
		suboptions_release(text);
		return err->code;
	}
	one->text = *text;
	rc = service_parse_network(&one->service, &one->device, &one->text, err);
	return rc ? rc : config_check_forwards(config, one, err);
}

/* The host would share a tap's packets out among the cards; @one is the last to come. */
static int config_check_tap(const struct config *config, const struct config_net *one,
			    struct err *err)
{
	const char *tap = one->net.tap;

	for (size_t i = 0; tap && &config->nets[i] != one; i++) {
		const char *other = config->nets[i].net.tap;

		if (other && strcmp(other, tap) == 0)
			return err_set(err, -EINVAL,
				       "tap=%s: another card has it: give this one its own", tap);
	}
	return 0;
}

int config_take_net(struct config *config, const char *value, struct err *err)
{
	struct suboptions text;
	struct config_net *net;
	int rc = suboptions_parse_often(value, "forward", &text, err);

	if (rc)
		return rc;
	if (strcmp(text.first, "user") == 0)
		return config_take_user_net(config, &text, err);

	net = config_add_net(config, err);
	if (!net) {
		suboptions_release(&text);
		return err->code;
	}
	net->text = text;
	rc = net_option_parse(&net->net, &net->text, err);
	if (!rc)
		rc = config_check_tap(config, net, err);
	return rc ? rc : config_take_net_descriptors(config, net->text.first, &net->net, err);
}

int config_take_vsock(struct config *config, const char *value, struct err *err)
{
	if (suboptions_parse_number(value, VSOCK_CID_MIN, VSOCK_CID_MAX, &config->vsock))
		return err_set(err, -EINVAL, "'%s': not a CID from %u to %u", value, VSOCK_CID_MIN,
			       VSOCK_CID_MAX);
	return 0;
}

/* What a guest mounts a folder by is one folder's; that of @one is the last to come. */
static int config_check_tag(const struct config *config, const struct config_vhost_user *one,
			    struct err *err)
{
	const char *tag = one->device.choice.tag;

	for (size_t i = 0; tag && &config->vhost_user[i] != one; i++) {
		const char *other = config->vhost_user[i].device.choice.tag;

		if (other && strcmp(other, tag) == 0)
			return err_set(err, -EINVAL,
				       "tag=%s: another folder has it: give this one its own", tag);
	}
	return 0;
}

int config_take_vhost_user(struct config *config, const char *value, struct err *err)
{
	struct config_vhost_user *one = config_add_served(config, err);
	const char *given = NULL;
	char text[NAME_ROOM];
	int rc = one ? suboptions_parse(value, &one->text, err) : err->code;

	if (!rc)
		rc = vhost_user_option_parse(&one->device, &one->text, &given, err);
	if (!rc)
		rc = config_check_tag(config, one, err);
	if (rc || !given)
		return rc;
	if (snprintf(text, sizeof(text), "fd=%s", given) >= (int)sizeof(text))
		return err_set(err, -EINVAL, "fd=%.40s...: no descriptor has so long a name",
			       given);
	return config_take_connection(config, text, &one->device.fd, err);
}

int config_take_share(struct config *config, const char *value, struct err *err)
{
	struct config_vhost_user *one = config_add_served(config, err);
	int rc = one ? suboptions_parse(value, &one->text, err) : err->code;

	if (!rc)
		rc = service_parse_share(&one->service, &one->device, &one->text, err);
	return rc ? rc : config_check_tag(config, one, err);
}

int config_take_rng(struct config *config, const char *value, struct err *err)
{
	config->rng = strcmp(value, "on") == 0 ? RNG_ON : RNG_OFF;
	if (!config->rng && strcmp(value, "off") != 0)
		return err_set(err, -EINVAL, "'%s': it takes on or off", value);
	return 0;
}
