/* SPDX-License-Identifier: BSD-3-Clause */
/* What a host tells of its PCI devices and their IOMMU groups without any of them being opened. */

#ifndef FERRY_VFIO_HOST_HOST_H
#define FERRY_VFIO_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/ram.h"
#include "vfio/host/sysfs.h"
#include "vmm/base/err.h"

struct vfio_host_device {
	struct vfio_sysfs_device sysfs;
	bool has_group;
	unsigned int group; /* only with has_group */
	bool unconfined;    /* by any IOMMU: its group is of VFIO's no-IOMMU mode */
	bool group_to_come; /* where a device tree tells of the IOMMU, with the first driver */
	uint16_t vendor, device, subsystem_vendor, subsystem_device;
	uint32_t class_code; /* base class, subclass, interface: 0x010802 */
	uint8_t revision;
	bool bridge;                     /* of its class or its header: never passed through */
	bool boot_vga;                   /* the firmware's display */
	unsigned int functions;          /* virtual functions that are turned on */
	unsigned int most_functions;     /* that it could have */
	char driver[VFIO_DRIVER_SIZE];   /* "": none */
	char physical[VFIO_DRIVER_SIZE]; /* a virtual function's physical one, "": it is none */
	bool resettable;
	char reset_methods[128]; /* as the kernel lists them; "" too before Linux 5.15 */
};

/*
 * Reads device @name (as vfio_sysfs_find() takes it). Only that it is no PCI device is an error;
 * what sysfs lacks or garbles stays zero.
 */
int vfio_host_device(const char *sysfs, const char *name, struct vfio_host_device *device,
		     struct err *err) FERRY_MUST_CHECK;

/* Every PCI device of the host, by address, into *@devices (to be freed). */
int vfio_host_devices(const char *sysfs, struct vfio_host_device **devices, size_t *count,
		      struct err *err) FERRY_MUST_CHECK;

/*
 * The virtual functions of physical one @device that are turned on, by number, into *@members (to
 * be freed).
 */
int vfio_host_functions(const char *sysfs, const struct vfio_host_device *device,
			struct vfio_host_device **members, size_t *count,
			struct err *err) FERRY_MUST_CHECK;

/* Whether its driver lets VFIO have it. */
bool vfio_host_is_bound(const struct vfio_host_device *device);

/* Whether its driver keeps others of its group from being passed through. */
bool vfio_host_is_in_the_way(const struct vfio_host_device *device);

/* The members of IOMMU group @group that are PCI devices, likewise. An unknown group has none. */
int vfio_host_group(const char *sysfs, unsigned int group, struct vfio_host_device **members,
		    size_t *count, struct err *err) FERRY_MUST_CHECK;

/* One line of a group's reserved_regions. */
struct vfio_host_region {
	uint64_t first, last;
	bool relaxed; /* the kernel gives it away all the same */
	bool direct;  /* the firmware wants it mapped 1:1: the kernel keeps such a device */
	bool msi;     /* where a device writes to interrupt */
};

/*
 * The reserved IOVA regions of @group, ascending; how many there are, at most @room being filled.
 */
size_t vfio_host_reserved(const char *sysfs, unsigned int group, struct vfio_host_region *regions,
			  size_t room);

/* Bits of IOVA that the device's IOMMU translates, 64 when sysfs does not say. */
unsigned int vfio_host_iova_bits(const struct vfio_host_device *device);

/* What a device can interrupt with. */
struct vfio_host_interrupts {
	bool complete;     /* all of config space was read, as root may; else only @intx holds */
	unsigned int msix; /* vectors of its table, 0: it has none */
	/* Where MSI-X has its table and its pending bits: BAR and offset. */
	unsigned int table_bar, pba_bar;
	uint32_t table, pba;
	unsigned int msi; /* vectors */
	bool intx;
};

/* By the config space that sysfs shows. */
void vfio_host_interrupts(const struct vfio_host_device *device,
			  struct vfio_host_interrupts *interrupts);

/* Takes [@first, @last] out of the @count @ranges; how many there are then, at most @room. */
size_t vfio_host_exclude(struct ram_range *ranges, size_t count, size_t room, uint64_t first,
			 uint64_t last);

/* Whether interrupts are remapped, as the kernel's list of interrupts tells. */
enum vfio_host_remapping { VFIO_REMAPPING_ON, VFIO_REMAPPING_OFF, VFIO_REMAPPING_UNKNOWN };
enum vfio_host_remapping vfio_host_remapping(const char *sysfs);

/* The first line of @folder/@name without its newline; "" when it cannot be read. */
void vfio_host_line(const char *folder, const char *name, char *text, size_t size);

/* Whether the device at @address (0000:00:02.0) is the display that is part of Intel's chipset. */
bool vfio_host_is_igd(const char *address, uint16_t vendor, uint32_t class_code);

#endif
