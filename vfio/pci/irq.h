/* SPDX-License-Identifier: BSD-3-Clause */
/* VFIO_DEVICE_GET_IRQ_INFO and VFIO_DEVICE_SET_IRQS in all their forms. */

#ifndef FERRY_VFIO_PCI_IRQ_H
#define FERRY_VFIO_PCI_IRQ_H

#include <stdbool.h>
#include <stdint.h>

#include "vfio/backend.h"
#include "vmm/base/err.h"

/*
 * VFIO_DEVICE_SET_IRQS of vectors [@start, @start + @count) of @index, with VFIO_IRQ_SET_* @flags
 * and, with DATA_EVENTFD, as many @eventfds (-1: none). 0 or -errno. A positive answer: nothing was
 * done, only so many vectors can be had.
 */
int vfio_irq_set(struct vfio_backend *backend, uint32_t flags, uint32_t index, uint32_t start,
		 uint32_t count, const int *eventfds) FERRY_MUST_CHECK;
/*
 * @eventfds[i] (-1: none) is signalled by vector @start + i of @index. Any range. 0 or -errno,
 * -ENOSPC where not as many are to be had.
 */
int vfio_irq_trigger(struct vfio_backend *backend, uint32_t index, uint32_t start, uint32_t count,
		     const int *eventfds) FERRY_MUST_CHECK;
/* Turns every vector of @index off. */
int vfio_irq_disable(struct vfio_backend *backend, uint32_t index) FERRY_MUST_CHECK;
/* How many vectors @index has, 0 when absent; @noresize as VFIO_IRQ_INFO_NORESIZE (may be NULL). */
uint32_t vfio_irq_count(struct vfio_backend *backend, uint32_t index, bool *noresize);

#endif
