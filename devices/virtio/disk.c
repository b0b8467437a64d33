/* SPDX-License-Identifier: BSD-3-Clause */
/* A disk (VIRTIO 1.2 5.2) over a raw image: what it offers, its life. */

#include "devices/virtio/disk.h"

#include <assert.h>
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/disk_private.h"
#include "vmm/base/bits.h"

enum { DISK_CLASS = 0x018000 }; /* mass storage, other */

static struct disk *disk_of(struct virtio_device *device)
{
	return container_of(device, struct disk, device);
}

/* VIRTIO 1.2 5.2.4; sectors are of 512 bytes, whatever a block is. */
static void disk_set_config(struct disk *disk)
{
	uint32_t block = disk->image.block_size, physical = disk->image.physical_block_size;
	const struct virtio_blk_config config = {
		.capacity = htole64(disk->image.size / DISK_SECTOR),
		.seg_max = htole32(DISK_SEGMENTS),
		.blk_size = htole32(block),
		.physical_block_exp =
			physical > block ? (uint8_t)__builtin_ctz(physical / block) : 0,
		.num_queues = htole16((uint16_t)disk->device.queue_count),
		.max_discard_sectors = htole32(DISK_RANGE_MAX / DISK_SECTOR),
		.max_discard_seg = htole32(1),
		.discard_sector_alignment =
			htole32((physical > block ? physical : block) / DISK_SECTOR),
		.max_write_zeroes_sectors = htole32(DISK_ZEROS_MAX / DISK_SECTOR),
		.max_write_zeroes_seg = htole32(1),
		.write_zeroes_may_unmap = disk->discard,
	};

	/* Newer headers know of more behind that. */
	disk->device.config_size = offsetof(struct virtio_blk_config, unused1) + 3;
	memcpy(disk->device.config, &config, disk->device.config_size);
}

static uint64_t disk_features(const struct disk *disk)
{
	uint64_t features = VIRTIO_FEATURES_QUEUES | UINT64_C(1) << VIRTIO_BLK_F_SEG_MAX |
			    UINT64_C(1) << VIRTIO_BLK_F_BLK_SIZE |
			    UINT64_C(1) << VIRTIO_BLK_F_TOPOLOGY |
			    UINT64_C(1) << VIRTIO_BLK_F_FLUSH | UINT64_C(1) << VIRTIO_BLK_F_MQ;

	if (disk->readonly)
		return features | UINT64_C(1) << VIRTIO_BLK_F_RO;
	features |= UINT64_C(1) << VIRTIO_BLK_F_WRITE_ZEROES;
	return disk->discard ? features | UINT64_C(1) << VIRTIO_BLK_F_DISCARD : features;
}

static int disk_attach(struct virtio_device *device, const struct virtio_attach *attach,
		       struct err *err)
{
	return worker_attach(&disk_of(device)->worker, attach, err);
}

static int disk_begin(struct virtio_device *device, struct err *err)
{
	return worker_begin(&disk_of(device)->worker, device->name, err);
}

static int disk_start(struct virtio_device *device, uint64_t features,
		      const struct virtio_queue_place *places, struct err *err)
{
	return worker_start(&disk_of(device)->worker, features, places, err);
}

static bool disk_stop(struct virtio_device *device)
{
	return worker_stop(&disk_of(device)->worker);
}

static bool disk_stop_queue(struct virtio_device *device, unsigned int queue)
{
	return worker_stop_queue(&disk_of(device)->worker, queue);
}

static int disk_start_queue(struct virtio_device *device, unsigned int queue,
			    const struct virtio_queue_place *place, struct err *err)
{
	return worker_start_queue(&disk_of(device)->worker, queue, place, err);
}

static bool disk_pause(struct virtio_device *device)
{
	return worker_pause(&disk_of(device)->worker);
}

static void disk_resume(struct virtio_device *device)
{
	worker_resume(&disk_of(device)->worker);
}

static bool disk_look(struct virtio_device *device, unsigned int queue,
		      struct virtio_queue_state *state)
{
	return worker_look(&disk_of(device)->worker, queue, state);
}

static void disk_wait(struct virtio_device *device)
{
	worker_wait(&disk_of(device)->worker);
}

static void disk_destroy(struct virtio_device *device)
{
	struct disk *disk = disk_of(device);

	worker_end(&disk->worker);
	image_close(&disk->image);
	free(disk);
}

static const struct virtio_device_ops disk_ops = {
	.attach = disk_attach,
	.begin = disk_begin,
	.start = disk_start,
	.stop = disk_stop,
	.stop_queue = disk_stop_queue,
	.start_queue = disk_start_queue,
	.pause = disk_pause,
	.resume = disk_resume,
	.look = disk_look,
	.wait = disk_wait,
	.destroy = disk_destroy,
};

static int disk_set_up(struct disk *disk, const struct disk_config *config, struct err *err)
{
	static const uint8_t operations[] = {IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC,
					     IORING_OP_FALLOCATE};
	const int files[] = {[DISK_PLAIN] = disk->image.fd, [DISK_DIRECT] = disk->image.direct_fd};
	const struct worker_setup setup = {
		.ops = &disk_worker_ops,
		.operations = operations,
		/* What is only read needs no others. */
		.operation_count = config->image.readonly ? 1 : ARRAY_SIZE(operations),
		.files = {files[DISK_PLAIN], files[DISK_DIRECT]},
		.file_count = disk->image.direct_fd >= 0 ? 2 : 1,
	};

	assert(config->queues >= 1 && config->queues <= DISK_QUEUES_MAX);
	disk->device.ops = &disk_ops;
	disk->device.id = VIRTIO_ID_BLOCK;
	disk->device.class_code = DISK_CLASS;
	disk->device.features = disk_features(disk);
	disk->device.queue_count = config->queues;
	disk->device.queue_size = 256;
	disk_set_config(disk);
	return worker_init(&disk->worker, &disk->device, &setup, err);
}

struct virtio_device *disk_create(const struct disk_config *config, unsigned int index,
				  struct err *err)
{
	struct disk *disk = calloc(1, sizeof(*disk));

	if (!disk) {
		err_set(err, -ENOMEM, "disk %s: out of memory", config->image.path);
		return NULL;
	}
	snprintf(disk->device.name, sizeof(disk->device.name), "disk%u", index);
	disk->readonly = config->image.readonly;
	disk->discard = config->discard;
	if (config->serial)
		memcpy(disk->serial, config->serial, strnlen(config->serial, DISK_SERIAL_MAX));
	if (image_open(&disk->image, &config->image, err)) {
		free(disk);
		return NULL;
	}
	if (!disk_set_up(disk, config, err))
		return &disk->device;
	disk_destroy(&disk->device);
	return NULL;
}
