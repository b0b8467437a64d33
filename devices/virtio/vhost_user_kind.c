/* SPDX-License-Identifier: BSD-3-Clause */
/* Kinds of devices that a vhost-user server can be: what the front end must know of each. */

#include "devices/virtio/vhost_user_kind.h"

#include <endian.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <linux/virtio_scsi.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"

#define BIT(number) (UINT64_C(1) << (number))

/* VIRTIO 1.2 5 has no more numbers than these; what Linux calls transports' is none of them. */
enum { KIND_ID_MAX = 63, KIND_QUEUES_MOST = 16 };

/* VIRTIO 1.2 5.2.4. */
static void kind_fill_blk(struct virtio_device *device, const struct vhost_user_choice *choice)
{
	(void)choice;
	store_le16(device->config + offsetof(struct virtio_blk_config, num_queues),
		   (uint16_t)device->queue_count);
}

/* VIRTIO 1.2 5.11.4. */
static void kind_fill_fs(struct virtio_device *device, const struct vhost_user_choice *choice)
{
	memset(device->config, 0, device->config_size);
	if (choice->tag)
		memcpy(device->config, choice->tag, strnlen(choice->tag, VHOST_USER_TAG_MAX));
	store_le32(device->config + offsetof(struct virtio_fs_config, num_request_queues),
		   device->queue_count - 1);
}

/* VIRTIO 1.2 5.1.4. */
static void kind_fill_net(struct virtio_device *device, const struct vhost_user_choice *choice)
{
	struct virtio_net_config config = {.mtu = htole16((uint16_t)choice->mtu)};

	memcpy(config.mac, choice->mac, sizeof(config.mac));
	memcpy(device->config, &config, device->config_size);
	if (choice->has_mac)
		device->features |= BIT(VIRTIO_NET_F_MAC);
	if (choice->mtu)
		device->features |= BIT(VIRTIO_NET_F_MTU);
}

/* VIRTIO 1.2 5.6.4: what Linux has for a target without limits of its own. */
static void kind_fill_scsi(struct virtio_device *device, const struct vhost_user_choice *choice)
{
	const struct virtio_scsi_config config = {
		.num_queues = htole32(device->queue_count - 2),
		.seg_max = htole32(126),
		.max_sectors = htole32(0xffff),
		.cmd_per_lun = htole32(128),
		.event_info_size = htole32(sizeof(struct virtio_scsi_event)),
		.sense_size = htole32(VIRTIO_SCSI_SENSE_DEFAULT_SIZE),
		.cdb_size = htole32(VIRTIO_SCSI_CDB_DEFAULT_SIZE),
		.max_target = htole16(255),
		.max_lun = htole32(16383),
	};

	(void)choice;
	memcpy(device->config, &config, sizeof(config));
}

/*
 * Class codes are those that drivers look for. Withheld is what the server's part would not be
 * enough for: a control queue of the front end's, a configuration that the driver changes or that
 * the server changes while it runs.
 */
static const struct vhost_user_kind kinds[] = {
	{
		.name = "blk",
		.id = VIRTIO_ID_BLOCK,
		.class_code = 0x018000,
		.most = KIND_QUEUES_MOST,
		.config_size = 60,
		.asks = true,
		.withheld = BIT(VIRTIO_BLK_F_CONFIG_WCE) | BIT(15) | BIT(16) | BIT(17),
		.fill = kind_fill_blk,
	},
	{
		.name = "fs",
		.id = VIRTIO_ID_FS,
		.class_code = 0x018000,
		.queues = 1,
		.most = KIND_QUEUES_MOST - 1,
		.config_size = sizeof(struct virtio_fs_config),
		.tagged = true,
		.withheld = BIT(0),
		.fill = kind_fill_fs,
	},
	{
		.name = "net",
		.id = VIRTIO_ID_NET,
		.class_code = 0x020000,
		.queues = 2,
		.config_size = offsetof(struct virtio_net_config, mtu) + sizeof(uint16_t),
		.fill = kind_fill_net,
		.withheld = BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) | BIT(VIRTIO_NET_F_MTU) |
			    BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_STATUS) |
			    BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_CTRL_RX) |
			    BIT(VIRTIO_NET_F_CTRL_VLAN) | BIT(VIRTIO_NET_F_GUEST_ANNOUNCE) |
			    BIT(VIRTIO_NET_F_MQ) | BIT(VIRTIO_NET_F_CTRL_MAC_ADDR) |
			    BIT(VIRTIO_NET_F_HASH_REPORT) | BIT(VIRTIO_NET_F_RSS) |
			    BIT(VIRTIO_NET_F_STANDBY) | BIT(VIRTIO_NET_F_SPEED_DUPLEX),
	},
	{
		.name = "scsi",
		.id = VIRTIO_ID_SCSI,
		.class_code = 0x010000,
		.queues = 2,
		.most = KIND_QUEUES_MOST - 2,
		.config_size = sizeof(struct virtio_scsi_config),
		.fill = kind_fill_scsi,
	},
	{
		.name = "vsock",
		.id = VIRTIO_ID_VSOCK,
		.class_code = 0x078000,
		.queues = 3,
		.config_size = 8,
		.asks = true,
	},
	{.name = "i2c", .id = 34, .class_code = 0xff0000, .queues = 1},
	{
		.name = "gpio",
		.id = 41,
		.class_code = 0xff0000,
		.queues = 2,
		.config_size = 8,
		.asks = true,
	},
	{
		.name = "snd",
		.id = VIRTIO_ID_SOUND,
		.class_code = 0x040100,
		.queues = 4,
		.config_size = 12,
		.asks = true,
	},
};

const char *vhost_user_kind_names(void)
{
	return "blk, fs, net, scsi, vsock, i2c, gpio, snd or the number of a kind of device";
}

const struct vhost_user_kind *vhost_user_find_kind(const char *name,
						   struct vhost_user_kind *numbered)
{
	char *end;
	unsigned long id = strtoul(name, &end, 10);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	if (*name < '1' || *name > '9' || *end || id > KIND_ID_MAX)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].id == id)
			return &kinds[i];
	*numbered = (struct vhost_user_kind){
		.id = (uint16_t)id,
		.class_code = 0xff0000,
		.most = KIND_QUEUES_MOST,
		.config_size = VIRTIO_CONFIG_MAX,
		.asks = true,
	};
	return numbered;
}

unsigned int vhost_user_count_queues(const struct vhost_user_kind *kind, unsigned int chosen)
{
	return kind->queues + (kind->most ? (chosen ? chosen : 1) : 0);
}
