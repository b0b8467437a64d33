/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel's iommufd (linux/iommufd.h) and VFIO's character devices (linux/vfio.h) speak, of
 * which the headers that Ferry is built with may know nothing yet: they are from 6.2 and 6.6 on.
 */

#ifndef FERRY_VFIO_IOMMUFD_ABI_H
#define FERRY_VFIO_IOMMUFD_ABI_H

#include <linux/ioctl.h>
#include <linux/vfio.h>
#include <stdint.h>

/* Of /dev/iommu. The kernel takes a longer struct than it knows when the rest is zero. */
enum {
	IOMMUFD_DESTROY = _IO(';', 0x80),
	IOMMUFD_IOAS_ALLOC = _IO(';', 0x81),
	IOMMUFD_IOAS_IOVA_RANGES = _IO(';', 0x84),
	IOMMUFD_IOAS_MAP = _IO(';', 0x85),
	IOMMUFD_IOAS_UNMAP = _IO(';', 0x86),
	IOMMUFD_OPTION = _IO(';', 0x87),
	IOMMUFD_IOAS_MAP_FILE = _IO(';', 0x8f), /* from 6.13 on; a dma-buf from 6.19 on */
};

struct iommufd_destroy {
	uint32_t size, id;
};

struct iommufd_ioas_alloc {
	uint32_t size, flags;
	uint32_t out_ioas_id;
};

struct iommufd_iova_range {
	uint64_t start, last; /* @last belongs to it */
};

/* -EMSGSIZE: there are more than fit, of which as many as fit are told. */
struct iommufd_ioas_iova_ranges {
	uint32_t size, ioas_id;
	uint32_t num_iovas, reserved;
	uint64_t allowed_iovas; /* where struct iommufd_iova_range[] is */
	uint64_t out_iova_alignment;
};

enum {
	IOMMUFD_MAP_FIXED_IOVA = 1 << 0,
	IOMMUFD_MAP_WRITEABLE = 1 << 1,
	IOMMUFD_MAP_READABLE = 1 << 2,
};

struct iommufd_ioas_map {
	uint32_t size, flags;
	uint32_t ioas_id, reserved;
	uint64_t user_va, length, iova;
};

struct iommufd_ioas_map_file {
	uint32_t size, flags;
	uint32_t ioas_id;
	int32_t fd;
	uint64_t start, length, iova;
};

/* Whole maps only; @length tells how much was unmapped. */
struct iommufd_ioas_unmap {
	uint32_t size, ioas_id;
	uint64_t iova, length;
};

/* For whom it counts what is pinned: 0 for the user, 1 for the process. */
enum { IOMMUFD_OPTION_RLIMIT_MODE = 0 };

enum { IOMMUFD_OPTION_GET = 1 };

struct iommufd_option {
	uint32_t size, option_id;
	uint16_t op, reserved;
	uint32_t object_id; /* 0: of the iommufd itself */
	uint64_t val64;
};

/* Of /dev/vfio/devices/vfioN. */
enum {
	IOMMUFD_DEVICE_BIND = _IO(VFIO_TYPE, VFIO_BASE + 18),
	IOMMUFD_DEVICE_ATTACH = _IO(VFIO_TYPE, VFIO_BASE + 19),
	IOMMUFD_DEVICE_DETACH = _IO(VFIO_TYPE, VFIO_BASE + 20),
};

enum { IOMMUFD_BIND_TOKEN = 1 << 0 }; /* from 6.17 on */

struct iommufd_device_bind {
	uint32_t argsz, flags;
	int32_t iommufd;
	uint32_t out_devid;
	uint64_t token; /* where its 16 bytes are; only with that flag */
};

struct iommufd_device_attach {
	uint32_t argsz, flags;
	uint32_t pt_id;
};

struct iommufd_device_detach {
	uint32_t argsz, flags;
};

/*
 * VFIO_DEVICE_FEATURE that gives a descriptor, a dma-buf of a slice of BAR @region, from 6.19 on.
 * It is dead while the BAR does not decode, and so is what was mapped by it.
 */
enum { IOMMUFD_FEATURE_DMA_BUF = 11 };

struct iommufd_feature_dma_buf {
	uint32_t argsz, flags;
	uint32_t region, open_flags;
	uint32_t reserved, ranges;
	uint64_t offset, length; /* of the one range */
};

/*
 * What VFIO_DEVICE_GET_PCI_HOT_RESET_INFO tells in the place of a group's number, to who came by
 * the character device: a bound device's number, 0 where its group is had by another of its
 * members, or that it is a stranger's.
 */
#define IOMMUFD_DEVID_NOT_OWNED UINT32_MAX

#endif
