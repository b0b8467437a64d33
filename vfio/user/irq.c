/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts of a device of vfio-user: its server is given eventfds and signals them itself. */

#include <errno.h>
#include <string.h>

#include "vfio/user/device_private.h"
#include "vmm/base/wire.h"

/* The event by which the kernel would ask for a device: this side signals it, of a lost one. */
static bool irq_is_own(uint32_t index)
{
	return index == VFIO_PCI_REQ_IRQ_INDEX;
}

int vfio_user_irq_info(struct vfio_backend *backend, struct vfio_irq_info *info)
{
	struct vfio_user_device *device = vfio_user_of(backend);
	const struct vfio_irq_info asked = {.argsz = sizeof(asked), .index = info->index};
	struct vfio_irq_info answer;
	struct vfio_user_request request = {
		.command = VFIO_USER_GET_IRQ_INFO,
		.payload = &asked,
		.size = sizeof(asked),
		.answer = &answer,
		.least = sizeof(answer),
		.room = sizeof(answer),
	};
	int rc;

	info->flags = irq_is_own(info->index) ? VFIO_IRQ_INFO_EVENTFD : 0;
	info->count = irq_is_own(info->index);
	if (irq_is_own(info->index) || info->index >= device->info.irqs)
		return 0;
	rc = vfio_user_ask(device->client, &request);
	if (rc)
		return rc;
	if (answer.index != info->index) {
		vfio_user_lose(device->client, "has answered for interrupts %u with those of %u",
			       info->index, answer.index);
		return -EIO;
	}
	info->flags = answer.flags;
	info->count = answer.count;
	return 0;
}

static int irq_tell(struct vfio_user_device *device, const struct vfio_irq_set *set, uint32_t start,
		    uint32_t count, const void *data, uint32_t size, const int *fds,
		    unsigned int fd_count, int64_t until)
{
	struct vfio_irq_set head = *set;
	struct vfio_user_request request = {
		.command = VFIO_USER_SET_IRQS,
		.payload = &head,
		.size = sizeof(head),
		.data = data,
		.data_size = size,
		.fds = fds,
		.fd_count = fd_count,
		.until = until,
	};

	head.argsz = (uint32_t)sizeof(head) + size;
	head.start = start;
	head.count = count;
	return vfio_user_ask(device->client, &request);
}

/* From @first on: those with a descriptor, as many as a message takes, or those without. */
static uint32_t irq_run(const struct vfio_user_device *device, const int *fds, uint32_t first,
			uint32_t count)
{
	uint32_t most = device->client->limits.fds, run = 1;

	if (most > WIRE_FDS_MAX)
		most = WIRE_FDS_MAX;
	if (fds[first] < 0)
		most = count;
	while (first + run < count && run < most && (fds[first + run] < 0) == (fds[first] < 0))
		run++;
	return run;
}

/* Without a descriptor an interrupt is not told of any more. */
static int irq_tell_eventfds(struct vfio_user_device *device, const struct vfio_irq_set *set)
{
	int64_t until = vfio_user_deadline(device->client);
	int fds[WIRE_FDS_MAX], rc = 0;
	const int *all = (const int *)(const void *)set->data;

	if (!device->client->limits.fds)
		return -EOPNOTSUPP;
	for (uint32_t i = 0; i < set->count && !rc;) {
		uint32_t run = irq_run(device, all, i, set->count);
		bool given = all[i] >= 0;

		if (given)
			memcpy(fds, all + i, run * sizeof(*fds));
		rc = irq_tell(device, set, set->start + i, run, NULL, 0, fds, given ? run : 0,
			      until);
		i += run;
	}
	return rc;
}

static int irq_set_own(struct vfio_user_device *device, const struct vfio_irq_set *set)
{
	int fd = -1;

	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD && set->count)
		memcpy(&fd, set->data, sizeof(fd));
	vfio_user_watch(device->client, fd);
	return 0;
}

int vfio_user_set_irqs(struct vfio_backend *backend, struct vfio_irq_set *set)
{
	struct vfio_user_device *device = vfio_user_of(backend);
	int rc;

	if (irq_is_own(set->index))
		return irq_set_own(device, set);
	if (set->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return irq_tell_eventfds(device, set);
	rc = irq_tell(device, set, set->start, set->count, set->data,
		      set->argsz - (uint32_t)sizeof(*set), NULL, 0, 0);
	/* One that is lost has none that could be turned off. */
	return rc && !set->count && vfio_user_is_lost(device->client) ? 0 : rc;
}
