/* SPDX-License-Identifier: BSD-3-Clause */
/* A made-up host with a disk and a network card, and `ferry devices` over it. */

#ifndef FERRY_TESTS_UNIT_VMM_TOOLS_TEST_DEVICES_H
#define FERRY_TESTS_UNIT_VMM_TOOLS_TEST_DEVICES_H

#include <check.h>
#include <sys/ioctl.h>

#include "tests/unit/support/tools.h"

#define NVME "0000:01:00.0"
#define NIC  "0000:02:00.0"

static const char ids_file[] = "# a comment\n"
			       "144d  Samsung Electronics Co Ltd\n"
			       "\ta808  NVMe SSD Controller SM981\n"
			       "\t\t144d a801  SSD 970 EVO\n"
			       "8086  Intel Corporation\n"
			       "\t10d3  82574L Gigabit Network Connection\n"
			       "C 01  Mass storage controller\n"
			       "\t08  Non-Volatile memory controller\n"
			       "\t\t02  NVM Express\n"
			       "C 02  Network controller\n";

static inline void setup(void)
{
	tools_setup();
	fake_tree_write("pci.ids", ids_file);
	tools_add(NVME, 7, "nvme", "144d:a808", "010802");
	tools_file(NVME, "reset_method", "flr bus\n");
	tools_file(NVME, "reset", "");
	tools_add(NIC, 8, "vfio-pci", "8086:10d3", "020000");
}

static inline int devices(const char *first, const char *second)
{
	return tools_run(tool_devices, "devices", first, second, NULL);
}

#endif
