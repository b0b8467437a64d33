/* SPDX-License-Identifier: BSD-3-Clause */
/* Readies virtual functions of an NVMe disk, through the driver of its physical function. */

#include <err.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "guest-images/tool/labtool.h"

/* NVMe 1.4 5.21 and 5.12: Virtualization Management and Namespace Attachment. */
enum {
	NAMESPACE_ATTACHMENT = 0x15,
	VIRTUALIZATION_MANAGEMENT = 0x1c,
	SECONDARY_OFFLINE = 7,
	SECONDARY_ASSIGN = 8,
	SECONDARY_ONLINE = 9,
	QUEUES = 0,
	INTERRUPTS = 1,
	PAGE = 4096,
};

/* A positive result is the status that the device gave. */
static void nvme_admin(int fd, struct nvme_admin_cmd *command, const char *what)
{
	int rc = ioctl(fd, NVME_IOCTL_ADMIN_CMD, command);

	if (rc < 0)
		err(1, "%s", what);
	if (rc > 0)
		errx(1, "%s: status 0x%x", what, rc);
}

static void nvme_manage(int fd, unsigned int controller, unsigned int action, unsigned int resource,
			unsigned int count, const char *what)
{
	struct nvme_admin_cmd command = {
		.opcode = VIRTUALIZATION_MANAGEMENT,
		.cdw10 = controller << 16 | resource << 8 | action,
		.cdw11 = count,
	};

	nvme_admin(fd, &command, what);
}

/* The list of controllers to attach it to: how many, then each. */
static void nvme_attach(int fd, unsigned int space, unsigned int controller)
{
	uint16_t *list = buffer_alloc(PAGE);
	struct nvme_admin_cmd command = {
		.opcode = NAMESPACE_ATTACHMENT,
		.nsid = space,
		.addr = (uintptr_t)list,
		.data_len = PAGE,
	};

	list[0] = 1;
	list[1] = (uint16_t)controller;
	nvme_admin(fd, &command, "attaching the namespace");
}

/*
 * Gives a secondary controller so many queues, the one for administration among them, and
 * interrupts, a namespace unless that is 0 (it may have it already), and turns it on.
 */
int nvme_function_main(int argc, char **argv)
{
	unsigned int controller, count, space;
	int fd;

	if (argc != 5)
		errx(2, "nvme-function: DISK CONTROLLER QUEUES NAMESPACE");
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", argv[1]);
	controller = (unsigned int)strtoul(argv[2], NULL, 0);
	count = (unsigned int)strtoul(argv[3], NULL, 0);
	space = (unsigned int)strtoul(argv[4], NULL, 0);
	nvme_manage(fd, controller, SECONDARY_OFFLINE, 0, 0, "turning it off");
	nvme_manage(fd, controller, SECONDARY_ASSIGN, QUEUES, count, "assigning queues");
	nvme_manage(fd, controller, SECONDARY_ASSIGN, INTERRUPTS, count, "assigning interrupts");
	if (space)
		nvme_attach(fd, space, controller);
	nvme_manage(fd, controller, SECONDARY_ONLINE, 0, 0, "turning it on");
	return 0;
}
