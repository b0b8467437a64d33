/* SPDX-License-Identifier: BSD-3-Clause */
/* Accesses to the regions of a device of vfio-user: REGION_READ and REGION_WRITE. */

#include <errno.h>
#include <string.h>

#include "vfio/user/device_private.h"

/* In the answer to a read data follows, as much as one message may have. */
enum { ACCESS_PART = 4096 };

struct access_answer {
	struct vfio_user_access access;
	uint8_t data[ACCESS_PART];
};

/* Its number says what an answer is to; of the rest not all servers repeat more than the count. */
static int access_check(struct vfio_user_device *device, const struct vfio_user_access *asked,
			const struct vfio_user_access *answer, enum vfio_user_command command)
{
	if (answer->count == asked->count)
		return 0;
	vfio_user_lose(device->client, "has answered %s of %u bytes with one of %u",
		       vfio_user_name(command), asked->count, answer->count);
	return -EIO;
}

/*
 * What a server says went wrong is nothing that the caller could do something about. One that is
 * lost is as a device that was pulled out: writes vanish.
 */
static int access_result(struct vfio_user_device *device, int rc)
{
	return rc && !vfio_user_is_lost(device->client) ? -EIO : 0;
}

static int access_read(struct vfio_user_device *device, const struct vfio_user_access *access,
		       void *data, int64_t until)
{
	const uint32_t size = (uint32_t)sizeof(*access) + access->count;
	struct access_answer answer;
	struct vfio_user_request request = {
		.command = VFIO_USER_REGION_READ,
		.payload = access,
		.size = sizeof(*access),
		.answer = &answer,
		.least = size,
		.room = size,
		.until = until,
	};
	int rc = vfio_user_ask(device->client, &request);

	if (!rc)
		rc = access_check(device, access, &answer.access, VFIO_USER_REGION_READ);
	if (rc)
		memset(data, 0xff, access->count);
	else
		memcpy(data, answer.data, access->count);
	return access_result(device, rc);
}

static int access_write(struct vfio_user_device *device, const struct vfio_user_access *access,
			const void *data, bool posted, int64_t until)
{
	struct vfio_user_access answer;
	struct vfio_user_request request = {
		.command = VFIO_USER_REGION_WRITE,
		.payload = access,
		.size = sizeof(*access),
		.data = data,
		.data_size = access->count,
		.answer = &answer,
		.least = sizeof(answer),
		.room = sizeof(answer),
		.until = until,
	};
	int rc;

	if (posted)
		return access_result(device, vfio_user_post(device->client, &request));
	rc = vfio_user_ask(device->client, &request);
	if (!rc)
		rc = access_check(device, access, &answer, VFIO_USER_REGION_WRITE);
	return access_result(device, rc);
}

static uint32_t access_part(const struct vfio_user_device *device, unsigned int rest)
{
	uint32_t most = device->client->limits.transfer;

	if (most > ACCESS_PART)
		most = ACCESS_PART;
	return rest < most ? rest : most;
}

int vfio_user_read(struct vfio_backend *backend, const struct vfio_region_info *region,
		   uint64_t offset, void *data, unsigned int size)
{
	struct vfio_user_device *device = vfio_user_of(backend);
	int64_t until = vfio_user_deadline(device->client);
	int rc = 0;

	for (unsigned int done = 0; done < size && !rc;) {
		const struct vfio_user_access access = {
			.offset = offset + done,
			.region = region->index,
			.count = access_part(device, size - done),
		};

		rc = access_read(device, &access, (char *)data + done, until);
		done += access.count;
	}
	return rc;
}

int vfio_user_write(struct vfio_backend *backend, const struct vfio_region_info *region,
		    uint64_t offset, const void *data, unsigned int size)
{
	struct vfio_user_device *device = vfio_user_of(backend);
	bool posted = region->index < VFIO_USER_REGIONS && device->regions[region->index].posted;
	int64_t until = vfio_user_deadline(device->client);
	int rc = 0;

	for (unsigned int done = 0; done < size && !rc;) {
		const struct vfio_user_access access = {
			.offset = offset + done,
			.region = region->index,
			.count = access_part(device, size - done),
		};

		rc = access_write(device, &access, (const char *)data + done, posted, until);
		done += access.count;
	}
	return rc;
}
