/* SPDX-License-Identifier: BSD-3-Clause */
/* VFIO_DEVICE_GET_IRQ_INFO and VFIO_DEVICE_SET_IRQS in all their forms. */

#include "vfio/pci/irq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Only several eventfds take memory: what turns things off must not fail for the lack of it.
 */
int vfio_irq_set(struct vfio_backend *backend, uint32_t flags, uint32_t index, uint32_t start,
		 uint32_t count, const int *eventfds)
{
	_Alignas(struct vfio_irq_set) char small[sizeof(struct vfio_irq_set) + sizeof(int)];
	size_t data = eventfds ? count * sizeof(*eventfds) : 0;
	struct vfio_irq_set *set = (void *)small;
	int rc;

	if (data > sizeof(int))
		set = malloc(sizeof(*set) + data);
	if (!set)
		return -ENOMEM;
	*set = (struct vfio_irq_set){
		.argsz = (uint32_t)(sizeof(*set) + data),
		.flags = flags,
		.index = index,
		.start = start,
		.count = count,
	};
	if (data)
		memcpy(set->data, eventfds, data);
	rc = backend->ops->set_irqs(backend, set);
	if (set != (void *)small)
		free(set);
	return rc;
}

int vfio_irq_trigger(struct vfio_backend *backend, uint32_t index, uint32_t start, uint32_t count,
		     const int *eventfds)
{
	int rc = vfio_irq_set(backend, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			      index, start, count, eventfds);

	return rc > 0 ? -ENOSPC : rc;
}

int vfio_irq_disable(struct vfio_backend *backend, uint32_t index)
{
	/* Only a count of 0 disables: DATA_NONE with vectors would fire them. */
	return vfio_irq_set(backend, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, index, 0,
			    0, NULL);
}

uint32_t vfio_irq_count(struct vfio_backend *backend, uint32_t index, bool *noresize)
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = index};

	if (backend->ops->irq_info(backend, &info) < 0 || !(info.flags & VFIO_IRQ_INFO_EVENTFD))
		return 0;
	if (noresize)
		*noresize = info.flags & VFIO_IRQ_INFO_NORESIZE;
	return info.count;
}
