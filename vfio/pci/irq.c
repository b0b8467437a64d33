/* SPDX-License-Identifier: BSD-3-Clause */
/* VFIO_DEVICE_SET_IRQS in all its forms, and INTx with its resampling. */

#include "vfio/pci/irq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

/*
 * A positive answer tells how many vectors can be had. Only several eventfds take memory: what
 * turns things off must not fail for the lack of it.
 */
static int irq_set(struct vfio_backend *backend, uint32_t flags, uint32_t index, uint32_t start,
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

int vfio_irq_enable(struct vfio_backend *backend, uint32_t index, uint32_t count,
		    const int *eventfds)
{
	return irq_set(backend, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, index, 0,
		       count, eventfds);
}

int vfio_irq_trigger(struct vfio_backend *backend, uint32_t index, uint32_t start, uint32_t count,
		     const int *eventfds)
{
	int rc = irq_set(backend, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, index,
			 start, count, eventfds);

	return rc > 0 ? -ENOSPC : rc;
}

int vfio_irq_resample(struct vfio_backend *backend, int eventfd)
{
	return irq_set(backend, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK,
		       VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &eventfd);
}

int vfio_irq_disable(struct vfio_backend *backend, uint32_t index)
{
	/* Only a count of 0 disables: DATA_NONE with vectors would fire them. */
	return irq_set(backend, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, index, 0, 0,
		       NULL);
}

int vfio_irq_mask(struct vfio_backend *backend, uint32_t index, uint32_t vector)
{
	return irq_set(backend, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK, index, vector, 1,
		       NULL);
}

int vfio_irq_unmask(struct vfio_backend *backend, uint32_t index, uint32_t vector)
{
	return irq_set(backend, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, index, vector,
		       1, NULL);
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

void vfio_irqs_init(struct vfio_irqs *irqs, struct pci_device *device, struct vfio_backend *backend,
		    struct kvm_irq *kvm)
{
	memset(irqs, 0, sizeof(*irqs));
	irqs->device = device;
	irqs->backend = backend;
	irqs->kvm = kvm;
	irqs->intx.trigger = irqs->intx.resample = -1;
	irqs->intx.device_trigger = irqs->intx.device_resample = -1;
	irqs->has_intx = vfio_irq_count(backend, VFIO_PCI_INTX_IRQ_INDEX, NULL) > 0;
	irqs->msi.irqs = irqs->msix.irqs = irqs;
	irqs->msi.index = VFIO_PCI_MSI_IRQ_INDEX;
	irqs->msix.index = VFIO_PCI_MSIX_IRQ_INDEX;
	irqs->msi.count = vfio_irq_count(backend, VFIO_PCI_MSI_IRQ_INDEX, &irqs->msi.noresize);
	irqs->msix.count = vfio_irq_count(backend, VFIO_PCI_MSIX_IRQ_INDEX, &irqs->msix.noresize);
}

void vfio_irqs_limit_msi(struct vfio_irqs *irqs)
{
	int none[PCI_MSI_VECTORS_MAX], rc;
	uint32_t count = irqs->msi.count;

	if (count < 2 || count > PCI_MSI_VECTORS_MAX)
		return;
	memset(none, 0xff, sizeof(none));
	rc = vfio_irq_enable(irqs->backend, VFIO_PCI_MSI_IRQ_INDEX, count, none);
	if (rc == 0)
		rc = vfio_irq_disable(irqs->backend, VFIO_PCI_MSI_IRQ_INDEX);
	else if (rc > 0 && (uint32_t)rc < count)
		irqs->msi.count = round_down_power_of_2((uint32_t)rc);
	if (rc < 0)
		log_debug("%s: %u MSI vectors cannot be tried: %s", irqs->device->name, count,
			  err_text(rc));
	if (irqs->msi.count < count)
		log_info("%s: the host has %u of its %u MSI vectors: the guest is offered those",
			 irqs->device->name, irqs->msi.count, count);
}

static void irq_disable_intx(struct vfio_irqs *irqs)
{
	int rc = vfio_irq_disable(irqs->backend, VFIO_PCI_INTX_IRQ_INDEX);

	if (rc)
		log_guest(&irqs->limit, LOG_WARN, "%s: INTx cannot be disabled: %s",
			  irqs->device->name, err_text(rc));
}

/* Trigger, mask, resample, irqfd, unmask: masked, no edge is lost between the steps. */
static int irq_connect_intx(struct vfio_irqs *irqs, struct err *err)
{
	const char *name = irqs->device->name;
	struct vfio_intx *intx = &irqs->intx;
	int trigger = vfio_relay_end(intx->device_trigger, intx->trigger);
	int rc;

	rc = vfio_irq_trigger(irqs->backend, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &trigger);
	if (rc)
		return err_set(err, rc, "%s: INTx cannot be enabled: %s", name, err_text(rc));
	rc = vfio_irq_mask(irqs->backend, VFIO_PCI_INTX_IRQ_INDEX, 0);
	if (rc) {
		err_set(err, rc, "%s: INTx cannot be masked: %s", name, err_text(rc));
		goto disable;
	}
	rc = vfio_irq_resample(irqs->backend,
			       vfio_relay_end(intx->device_resample, intx->resample));
	if (rc) {
		err_set(err, rc, "%s: INTx takes no eventfd to unmask it: %s", name, err_text(rc));
		goto disable;
	}
	rc = kvm_irq_attach(irqs->kvm, intx->gsi, intx->trigger, intx->resample);
	if (rc) {
		err_set(err, rc,
			"%s: KVM does not take INTx with resampling at GSI %u: %s: KVM needs its "
			"in-kernel interrupt controllers",
			name, intx->gsi, err_text(rc));
		goto disable;
	}
	rc = vfio_irq_unmask(irqs->backend, VFIO_PCI_INTX_IRQ_INDEX, 0);
	if (!rc)
		return 0;
	err_set(err, rc, "%s: INTx cannot be unmasked: %s", name, err_text(rc));
	kvm_irq_detach(irqs->kvm, intx->gsi, intx->trigger);
disable:
	irq_disable_intx(irqs);
	return rc;
}

static void irq_close_intx(struct vfio_irqs *irqs)
{
	struct vfio_intx *intx = &irqs->intx;

	vfio_relay_close(irqs, &intx->device_trigger);
	/* Watched even where the last of the four was not to be had. */
	if (irqs->trace)
		vfio_relay_close(irqs, &intx->resample);
	fd_close(&intx->device_resample);
	fd_close(&intx->resample);
	fd_close(&intx->trigger);
}

/*
 * With a trace two more, so that the monitor sees the interrupt on its way and its end on the way
 * back.
 */
static int irq_open_intx(struct vfio_irqs *irqs)
{
	struct vfio_intx *intx = &irqs->intx;
	int rc;

	intx->trigger = fd_eventfd();
	if (intx->trigger < 0)
		return intx->trigger;
	intx->resample = fd_eventfd();
	if (intx->resample < 0)
		return intx->resample;
	if (!irqs->trace)
		return 0;
	rc = vfio_relay_open(irqs, &intx->device_trigger, false);
	if (!rc)
		rc = vfio_relay_watch(irqs, intx->resample);
	if (rc)
		return rc;
	intx->device_resample = fd_eventfd();
	return intx->device_resample < 0 ? intx->device_resample : 0;
}

int vfio_intx_start(struct vfio_irqs *irqs, struct err *err)
{
	int gsi = irqs->has_intx ? pci_device_intx_gsi(irqs->device) : -1;
	struct vfio_intx *intx = &irqs->intx;
	int rc;

	if (gsi < 0 || intx->trigger >= 0)
		return 0;
	intx->gsi = (unsigned int)gsi;
	rc = irq_open_intx(irqs);
	if (rc)
		err_set(err, rc, "%s: eventfds for INTx: %s", irqs->device->name, err_text(rc));
	else
		rc = irq_connect_intx(irqs, err);
	if (rc)
		irq_close_intx(irqs);
	return rc;
}

void vfio_intx_stop(struct vfio_irqs *irqs)
{
	struct vfio_intx *intx = &irqs->intx;

	if (intx->trigger < 0)
		return;
	kvm_irq_detach(irqs->kvm, intx->gsi, intx->trigger);
	irq_disable_intx(irqs);
	irq_close_intx(irqs);
}

int vfio_irqs_arm(struct vfio_irqs *irqs, struct err *err)
{
	irqs->armed = true;
	return irqs->active ? 0 : vfio_intx_start(irqs, err);
}

void vfio_irqs_stop(struct vfio_irqs *irqs)
{
	irqs->armed = false;
	vfio_vectors_stop(irqs);
	vfio_intx_stop(irqs);
}

size_t vfio_irqs_descriptors(const struct vfio_irqs *irqs, int *descriptors, size_t room,
			     size_t count)
{
	count = vfio_list(irqs->intx.trigger, descriptors, room, count);
	count = vfio_list(irqs->intx.resample, descriptors, room, count);
	count = vfio_list(irqs->intx.device_trigger, descriptors, room, count);
	count = vfio_list(irqs->intx.device_resample, descriptors, room, count);
	for (unsigned int i = 0; i < irqs->count; i++) {
		count = vfio_list(irqs->vectors[i].eventfd, descriptors, room, count);
		count = vfio_list(irqs->vectors[i].device_eventfd, descriptors, room, count);
	}
	return count;
}
