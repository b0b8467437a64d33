/* SPDX-License-Identifier: BSD-3-Clause */
/* The first exchange with a vfio-user server: the version, and what each side takes. */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "vfio/user/client.h"
#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/fd.h"
#include "vmm/base/wire.h"

/* Of the JSON of a version. */
enum { VERSION_TEXT_MAX = 4096 };

struct version_message {
	struct vfio_user_header header;
	struct vfio_user_version version;
	char text[VERSION_TEXT_MAX + 1]; /* the answer's, always ended */
};

/* What this side takes: VFIO_USER_FDS descriptors with a message, and usual transfers. */
static const char version_offer[] = "{\"capabilities\":{\"max_msg_fds\":16,"
				    "\"max_data_xfer_size\":1048576,"
				    "\"twin_socket\":{\"supported\":true}}}";

static int version_fail(const struct vfio_user_client *client, int rc, struct err *err)
{
	switch (rc) {
	case -ETIMEDOUT:
		return err_set(err, rc,
			       "its server has not answered VERSION within %lld ms: is it one of "
			       "vfio-user, and has no other client?",
			       (long long)client->config.patience_ms);
	case -EPIPE:
	case -ECONNRESET:
		return err_set(err, rc,
			       "its server has ended the connection at VERSION: it does not speak "
			       "version %d.%d of vfio-user, or its own messages say why",
			       VFIO_USER_MAJOR, VFIO_USER_MINOR);
	default:
		return err_set(err, rc, "its server: VERSION: %s", err_text(rc));
	}
}

static int version_refuse(struct err *err, const char *what)
{
	return err_set(err, -EPROTO, "its server has answered VERSION with %s", what);
}

static int version_check_header(const struct vfio_user_header *header, struct err *err)
{
	const uint32_t least = sizeof(*header) + sizeof(struct vfio_user_version);

	if (header->command != VFIO_USER_VERSION || header->id != 0 ||
	    (header->flags & VFIO_USER_TYPE_MASK) != VFIO_USER_REPLY)
		return version_refuse(err, "a message that is no answer to it");
	if (header->flags & VFIO_USER_ERROR)
		return err_set(err, -EPROTONOSUPPORT,
			       "its server refuses version %d.%d of vfio-user: %s", VFIO_USER_MAJOR,
			       VFIO_USER_MINOR, err_text(vfio_user_error(header)));
	if (header->size < least || header->size > least + VERSION_TEXT_MAX)
		return version_refuse(err, "a message of a size that no answer has");
	return 0;
}

/* *@value, unless @object says another from @least to @most; what is no number is refused. */
static int version_number(const json_t *object, const char *key, uint64_t least, uint64_t most,
			  uint64_t *value)
{
	const json_t *number = json_object_get(object, key);
	json_int_t given = json_integer_value(number);

	if (!number)
		return 0;
	if (!json_is_integer(number) || given < 0 || (uint64_t)given < least)
		return -EPROTO;
	*value = (uint64_t)given < most ? (uint64_t)given : most;
	return 0;
}

static int version_take_limits(struct vfio_user_client *client, const json_t *capabilities)
{
	uint64_t fds = VFIO_USER_USUAL_FDS, transfer = VFIO_USER_USUAL_TRANSFER;
	uint64_t maps = VFIO_USER_USUAL_MAPS, pages = VFIO_USER_USUAL_PAGES;

	/* An access of eight bytes goes in one message. */
	if (version_number(capabilities, "max_msg_fds", 0, WIRE_FDS_MAX, &fds) ||
	    version_number(capabilities, "max_data_xfer_size", 8, VFIO_USER_USUAL_TRANSFER,
			   &transfer) ||
	    version_number(capabilities, "max_dma_maps", 1, UINT32_MAX, &maps) ||
	    version_number(capabilities, "pgsizes", 1, INT64_MAX, &pages))
		return -EPROTO;
	client->limits = (struct vfio_user_limits){
		.fds = (unsigned int)fds,
		.transfer = (uint32_t)transfer,
		.maps = maps,
		.pages = pages,
	};
	return 0;
}

/* No file system is asked, and its end waits for nobody's data. */
static bool version_is_local(int fd)
{
	int domain;
	socklen_t size = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

/* A second socket for what the server asks, which came as *@fd. */
static int version_take_twin(struct vfio_user_client *client, const json_t *capabilities, int *fd)
{
	const json_t *twin = json_object_get(capabilities, "twin_socket");
	const json_t *index = json_object_get(twin, "fd_index");

	if (!json_is_true(json_object_get(twin, "supported")))
		return *fd < 0 ? 0 : -EPROTO;
	if (!json_is_integer(index) || json_integer_value(index) != 0 || *fd < 0)
		return -EPROTO;
	/* It need not be one that does not block: the calls ask for that. */
	if (!version_is_local(*fd))
		return -EPROTO;
	client->twin.fd = *fd;
	*fd = -1;
	return 0;
}

static int version_take(struct vfio_user_client *client, const struct version_message *answer,
			int *fd, struct err *err)
{
	size_t length = answer->header.size - offsetof(struct version_message, text);
	json_t *root, *capabilities;
	int rc;

	if (answer->version.major != VFIO_USER_MAJOR || answer->version.minor > VFIO_USER_MINOR)
		return err_set(err, -EPROTONOSUPPORT,
			       "its server speaks version %u.%u of vfio-user, Ferry %d.%d: take "
			       "another server",
			       answer->version.major, answer->version.minor, VFIO_USER_MAJOR,
			       VFIO_USER_MINOR);
	if (length && answer->text[length - 1] != '\0')
		return version_refuse(err, "text that does not end");
	root = length > 1 ? json_loads(answer->text, JSON_REJECT_DUPLICATES, NULL) : json_object();
	capabilities = json_object_get(root, "capabilities");
	rc = !json_is_object(root) || (capabilities && !json_is_object(capabilities)) ? -EPROTO : 0;
	if (!rc)
		rc = version_take_limits(client, capabilities);
	if (!rc)
		rc = version_take_twin(client, capabilities, fd);
	json_decref(root);
	return rc ? version_refuse(err, "capabilities that are none") : 0;
}

static int version_send(struct vfio_user_client *client, int64_t deadline)
{
	struct vfio_user_version version = {.major = VFIO_USER_MAJOR, .minor = VFIO_USER_MINOR};
	struct vfio_user_header header = {
		.command = VFIO_USER_VERSION,
		.size = sizeof(header) + sizeof(version) + sizeof(version_offer),
	};
	struct iovec parts[] = {
		{&header, sizeof(header)},
		{&version, sizeof(version)},
		{(void *)version_offer, sizeof(version_offer)},
	};

	return vfio_user_wire_send(&client->wire, parts, ARRAY_SIZE(parts), NULL, 0, deadline);
}

int vfio_user_settle(struct vfio_user_client *client, struct err *err)
{
	int64_t deadline = clock_now_ms() + client->config.patience_ms;
	struct version_message answer = {.header = {0}};
	int fd = -1, rc = version_send(client, deadline);

	if (!rc)
		rc = vfio_user_wire_receive(&client->wire, &answer.header, sizeof(answer.header),
					    &fd, 1, deadline);
	if (rc)
		return version_fail(client, rc, err);
	rc = version_check_header(&answer.header, err);
	if (!rc) {
		rc = vfio_user_wire_receive(&client->wire, (char *)&answer + sizeof(answer.header),
					    answer.header.size - sizeof(answer.header), NULL, 0,
					    deadline);
		rc = rc ? version_fail(client, rc, err) : version_take(client, &answer, &fd, err);
	}
	wire_drop(&fd);
	return rc;
}
