/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host's kernel tells of a device that a guest has: an error, or that it wants it back. */

#include <errno.h>
#include <sys/epoll.h>

#include "vfio/pci/irq.h"
#include "vfio/pci/pci.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"

void vfio_events_recover(struct vfio_pci *pci)
{
	bool tried;

	log_guest(&pci->limit, LOG_ERROR,
		  "passthrough device %s: it reported an uncorrectable error: it is taken out of "
		  "the guest's reach; see the host's kernel log",
		  pci->device.name);
	vfio_pci_tell(pci, VFIO_FAILED);
	pci_host_lock(&pci->device);
	tried = pci->state == VFIO_PCI_ALIVE && !pci->wanted_back;
	pci_host_unlock(&pci->device);
	if (tried)
		vfio_reset_prepare(pci, VFIO_RESET_RECOVERY);
	pci_host_lock(&pci->device);
	if (pci->wanted_back)
		vfio_reset_leave_to_host(pci);
	else if (pci->state == VFIO_PCI_ALIVE)
		vfio_reset_begin(pci, VFIO_RESET_RECOVERY);
	pci_host_unlock(&pci->device);
}

static void event_on_error(void *owner, uint32_t events)
{
	struct vfio_pci *pci = owner;

	(void)events;
	(void)fd_take_shared(pci->error_event);
	pci_host_lock(&pci->device);
	pci->errors++;
	pci_host_unlock(&pci->device);
	if (!vfio_aer_report(pci))
		vfio_events_recover(pci);
}

/* By a back end that watches it itself. */
static bool event_is_loss(const struct vfio_pci *pci)
{
	return pci->backend->ops->is_lost && pci->backend->ops->is_lost(pci->backend);
}

static void event_tell_request(struct vfio_pci *pci)
{
	log_warn("passthrough device %s: the host wants it back%s", pci->device.name,
		 pci->options.port ? "" : ": it is taken from the guest");
	vfio_pci_tell(pci, VFIO_WANTED_BACK);
}

/*
 * The kernel asks again and again. A reset under way is let go to its end: it holds the device's
 * descriptor.
 */
static void event_on_request(void *owner, uint32_t events)
{
	struct vfio_pci *pci = owner;
	const struct vfio_pci_keeper_ops *ops = pci->keeper_ops;

	(void)events;
	fd_take(pci->request_event);
	if (!pci->wanted_back && !event_is_loss(pci))
		event_tell_request(pci);
	pci_host_lock(&pci->device);
	pci->wanted_back = true;
	/* The host's kernel refuses one by now. */
	vfio_reset_hurry(pci);
	pci_host_unlock(&pci->device);
	if (ops && ops->wanted)
		ops->wanted(pci->keeper, pci);
	else if (vfio_pci_retire(pci))
		vfio_pci_release(pci, VFIO_RESET_REMOVAL);
}

static void event_start(struct vfio_pci *pci, uint32_t index, int *event, loop_handler handler)
{
	struct err err = {0};
	int rc;

	if (vfio_irq_count(pci->backend, index, NULL) == 0)
		return;
	*event = fd_eventfd();
	if (*event < 0) {
		rc = *event;
		goto complain;
	}
	rc = vfio_irq_trigger(pci->backend, index, 0, 1, event);
	if (rc)
		goto close_event;
	rc = loop_add(pci->loop, *event, EPOLLIN, handler, pci, &err);
	if (!rc)
		return;
	if (vfio_irq_disable(pci->backend, index))
		log_debug("passthrough device %s: event %u stays set", pci->device.name, index);
close_event:
	fd_close(event);
complain:
	log_warn("passthrough device %s: %s events cannot be had: %s", pci->device.name,
		 index == VFIO_PCI_ERR_IRQ_INDEX ? "error" : "release", err_text(rc));
}

static void event_stop(struct vfio_pci *pci, uint32_t index, int *event)
{
	if (*event < 0)
		return;
	loop_remove(pci->loop, *event);
	if (vfio_irq_disable(pci->backend, index))
		log_debug("passthrough device %s: event %u stays set", pci->device.name, index);
	fd_close(event);
}

void vfio_events_start(struct vfio_pci *pci)
{
	event_start(pci, VFIO_PCI_ERR_IRQ_INDEX, &pci->error_event, event_on_error);
	event_start(pci, VFIO_PCI_REQ_IRQ_INDEX, &pci->request_event, event_on_request);
	vfio_aer_start(pci);
}

void vfio_events_stop(struct vfio_pci *pci)
{
	event_stop(pci, VFIO_PCI_ERR_IRQ_INDEX, &pci->error_event);
	event_stop(pci, VFIO_PCI_REQ_IRQ_INDEX, &pci->request_event);
	vfio_aer_stop(pci);
}
