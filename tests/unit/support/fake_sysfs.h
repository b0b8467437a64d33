/* SPDX-License-Identifier: BSD-3-Clause */
/* A made-up sysfs and /dev/vfio in a temporary folder. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_SYSFS_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_SYSFS_H

/* One tree for each test process; every path below is from its root. */
void fake_tree_create(void);
void fake_tree_remove(void);

/* The full path, valid until the fourth call after this one. */
const char *fake_tree_path(const char *path);

void fake_tree_folder(const char *path); /* with its parents */
void fake_tree_write(const char *path, const char *text);
void fake_tree_link(const char *path, const char *target);
void fake_tree_unlink(const char *path);

/* A PCI device with the fake's BARs in IOMMU group @group, bound to @driver (NULL: to none). */
void fake_tree_add_device(const char *address, unsigned int group, const char *driver);

/* Its character device, vfio@number, with the node, which holds the address, and /dev/iommu. */
void fake_tree_add_cdev(const char *address, unsigned int number);

/*
 * Opens @node, any character device of the host's, whose number is that of @folder from then on:
 * what somebody else has opened. The caller closes it.
 */
int fake_tree_open_as(const char *folder, const char *node);

#endif
