/* SPDX-License-Identifier: BSD-3-Clause */
/* A made-up host with a disk and a network card, and what binding them is seen to do. */

#ifndef FERRY_TESTS_UNIT_VMM_TOOLS_TEST_BIND_H
#define FERRY_TESTS_UNIT_VMM_TOOLS_TEST_BIND_H

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/fake_drivers.h"
#include "tests/unit/support/tools.h"

#define NVME  "0000:01:00.0"
#define SOUND "0000:01:00.1"
#define NIC   "0000:02:00.0"

static inline void setup(void)
{
	fake = (struct fake_drivers){0};
	tools_setup();
	fake_tree_folder("bus/pci/drivers/vfio-pci");
	fake_tree_folder("module/vfio_iommu_type1");
	tools_add(NVME, 7, "nvme", "144d:a808", "010802");
	tools_add(NIC, 8, "e1000e", "8086:10d3", "020000");
}

static inline int bind(const char *first, const char *second, const char *third)
{
	return tools_run(tool_bind, "bind", first, second, third, NULL);
}

static inline int unbind(const char *first, const char *second, const char *third)
{
	return tools_run(tool_unbind, "unbind", first, second, third, NULL);
}

/* Which driver a device has; "" for none; static. */
static inline const char *driver_of(const char *address)
{
	static char target[PATH_MAX];
	char path[256];
	ssize_t length;

	snprintf(path, sizeof(path), "bus/pci/devices/%s/driver", address);
	length = readlink(fake_tree_path(path), target, sizeof(target) - 1);
	target[length < 0 ? 0 : length] = '\0';
	return length < 0 ? "" : strrchr(target, '/') + 1;
}

static inline const char *override_of(const char *address)
{
	static char text[64];
	char path[256];

	snprintf(path, sizeof(path), "bus/pci/devices/%s/driver_override", address);
	fake_read(path, text, sizeof(text));
	return text;
}

static inline bool recorded(const char *address)
{
	char path[256];

	snprintf(path, sizeof(path), "run/ferry/%s", address);
	return access(fake_tree_path(path), F_OK) == 0;
}

/* Refused, and nothing written anywhere. */
static inline void refused(const char *address, const char *sentence)
{
	fake.log[0] = '\0';
	ck_assert_int_eq(bind(address, NULL, NULL), TOOL_FAILED);
	has(tools_errors, sentence);
	ck_assert_str_eq(fake.log, "");
	ck_assert(!recorded(address));
	ck_assert_str_eq(tools_out, "");
}

/* The same, but --force goes on. */
static inline void refused_unless_forced(const char *address, const char *sentence)
{
	refused(address, sentence);
	has(tools_errors, "or give --force");
	ck_assert_msg(bind("--force", address, NULL) == TOOL_OK, "%s", tools_errors);
	has(tools_errors, sentence);
	ck_assert_str_eq(driver_of(address), "vfio-pci");
	ck_assert_int_eq(unbind(address, NULL, NULL), TOOL_OK);
}

#endif
