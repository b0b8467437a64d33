/* SPDX-License-Identifier: BSD-3-Clause */
/* The regions of a device of vfio-user, with what of their files may be mapped. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vfio/pci/region.h"
#include "vfio/user/device_private.h"
#include "vmm/base/fd.h"
#include "vmm/base/files.h"
#include "vmm/base/log.h"
#include "vmm/base/wire.h"

/* With capabilities; more sparse areas than fit here no device has. */
enum { REGION_INFO_MAX = 16 * 1024 };

static int region_ask(struct vfio_user_device *device, uint32_t index,
		      struct vfio_region_info *info, uint32_t room, int *fd, uint32_t *came)
{
	const struct vfio_region_info asked = {.argsz = room, .index = index};
	struct vfio_user_request request = {
		.command = VFIO_USER_GET_REGION_INFO,
		.payload = &asked,
		.size = sizeof(asked),
		.answer = info,
		.least = sizeof(*info),
		.room = room,
		.answer_fds = fd,
		.fd_room = 1,
	};
	int rc = vfio_user_ask(device->client, &request);

	*came = request.came;
	return rc;
}

/* What its server says of it must fit together. */
static int region_check(const struct vfio_region_info *info, uint32_t index, uint32_t came, int fd,
			struct err *err)
{
	bool mapped = info->flags & VFIO_REGION_INFO_FLAG_MMAP && info->size;

	if (info->index != index || info->argsz < sizeof(*info) || info->argsz > REGION_INFO_MAX)
		return err_set(err, -EPROTO,
			       "its server has answered for region %u with one of %u, "
			       "%u bytes",
			       index, info->index, info->argsz);
	if (info->argsz > came)
		return err_set(err, -EPROTO, "its server has told %u of %u bytes of region %u",
			       came, info->argsz, index);
	if (!range_fits(info->offset, info->size, INT64_MAX))
		return err_set(err, -ERANGE,
			       "its server has told of region %u at 0x%llx with "
			       "0x%llx bytes, which is absurd",
			       index, info->offset, info->size);
	if (mapped != (fd >= 0))
		return err_set(err, -EPROTO,
			       "its server has sent %s descriptor with region %u, "
			       "which %s",
			       fd >= 0 ? "a" : "no", index,
			       mapped ? "can be mapped" : "cannot be mapped");
	return 0;
}

/* A page of another file may never come, and whoever touches it waits. */
static void region_refuse_file(struct vfio_user_device *device, uint32_t index)
{
	struct vfio_user_region *region = &device->regions[index];

	if (region->fd < 0 || fd_is_memory(region->fd))
		return;
	log_notice("passthrough device %s: region %u: its server has sent a descriptor that is no "
		   "file of memory (memfd, or of tmpfs or hugetlbfs): it is reached by messages",
		   device->name, index);
	wire_drop(&region->fd);
	region->info->flags &= ~(uint32_t)(VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS);
	region->info->argsz = sizeof(*region->info);
	region->info->cap_offset = 0;
}

/* No area reaches beyond the file, where the guest's accesses would end the run. */
static int region_check_file(struct vfio_user_device *device, uint32_t index, struct err *err)
{
	const struct vfio_user_region *region = &device->regions[index];
	struct vfio_region parsed;
	struct stat file;
	int rc = vfio_region_load(&device->backend, index, &parsed, err);

	if (rc)
		return rc;
	rc = files_stat(region->fd, &file);
	if (rc)
		return err_set(err, rc, "region %u: its file: %s", index, err_text(rc));
	for (size_t i = 0; i < (parsed.sparse ? parsed.area_count : 1); i++) {
		uint64_t offset = parsed.sparse ? parsed.areas[i].offset : 0;
		uint64_t size = parsed.sparse ? parsed.areas[i].size : parsed.info.size;

		if (!range_fits(parsed.info.offset + offset, size, (uint64_t)file.st_size))
			return err_set(err, -ERANGE,
				       "its server would have region %u mapped from 0x%" PRIx64
				       " on, 0x%" PRIx64 " bytes, of a file of 0x%" PRIx64,
				       index, (uint64_t)parsed.info.offset + offset, size,
				       (uint64_t)file.st_size);
	}
	return 0;
}

static int region_load(struct vfio_user_device *device, uint32_t index, struct err *err)
{
	struct vfio_user_region *region = &device->regions[index];
	struct vfio_region_info *info = calloc(1, REGION_INFO_MAX);
	uint32_t came;
	int rc;

	if (!info)
		return err_set(err, -ENOMEM, "out of memory");
	region->info = info;
	if (index >= device->info.regions) {
		*info = (struct vfio_region_info){.argsz = sizeof(*info), .index = index};
		return 0;
	}
	rc = region_ask(device, index, info, REGION_INFO_MAX, &region->fd, &came);
	/* An index that it has not. */
	if (rc == -EINVAL && index != VFIO_PCI_CONFIG_REGION_INDEX) {
		*info = (struct vfio_region_info){.argsz = sizeof(*info), .index = index};
		return 0;
	}
	if (rc)
		return err_set(err, rc, "its server tells nothing of region %u: %s", index,
			       err_text(rc));
	rc = region_check(info, index, came, region->fd, err);
	if (!rc)
		region_refuse_file(device, index);
	if (!rc && region->fd >= 0)
		rc = region_check_file(device, index, err);
	if (rc)
		wire_drop(&region->fd);
	return rc;
}

/* Memory's are posted (PCI 3.0 3.2.5), those of ports and config space are not. */
static void region_find_posted(struct vfio_user_device *device)
{
	const struct vfio_region_info *config = device->regions[VFIO_PCI_CONFIG_REGION_INDEX].info;

	for (unsigned int bar = 0; bar <= VFIO_PCI_BAR5_REGION_INDEX; bar++) {
		uint8_t bytes[4];

		if (device->regions[bar].info->size &&
		    !vfio_user_read(&device->backend, config, 0x10 + 4 * bar, bytes, 4))
			device->regions[bar].posted = !(bytes[0] & 1);
	}
}

int vfio_user_load_regions(struct vfio_user_device *device, struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < VFIO_USER_REGIONS; i++)
		device->regions[i].fd = -1;
	for (uint32_t i = 0; i < VFIO_USER_REGIONS && !rc; i++)
		rc = region_load(device, i, err);
	if (!rc)
		region_find_posted(device);
	return rc;
}

void vfio_user_release_regions(struct vfio_user_device *device)
{
	for (unsigned int i = 0; i < VFIO_USER_REGIONS; i++) {
		/* What is left is memory, whose end waits for nobody. */
		if (device->regions[i].info)
			fd_close(&device->regions[i].fd);
		free(device->regions[i].info);
	}
}
