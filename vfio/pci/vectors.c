/* SPDX-License-Identifier: BSD-3-Clause */
/* The vectors of MSI and MSI-X: routes in KVM, eventfds, and what the kernel allocates for them. */

#include "vfio/pci/irq.h"

#include <errno.h>
#include <stdlib.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

/*
 * Where vectors cannot be added one by one, they are asked for by so many at once, as far as the
 * table has them. A power of two.
 */
enum { VECTOR_BUDGET = 64 };

static void vector_complain(struct vfio_irqs *irqs, const char *what, int rc)
{
	log_guest(&irqs->limit, LOG_ERROR, "%s: %s: %s: %s%s", irqs->device->name,
		  irqs->active == &irqs->msi ? "MSI" : "MSI-X", what, err_text(rc),
		  rc == -EMFILE ? ": raise the limit (ulimit -Hn) and start again" : "");
}

static void vector_touch(struct vfio_irqs *irqs, unsigned int vector)
{
	if (!irqs->touched || vector < irqs->first)
		irqs->first = vector;
	if (!irqs->touched || vector >= irqs->end)
		irqs->end = vector + 1;
	irqs->touched = true;
}

/* The vector that a call of @side's is about; NULL when another mode is in use. */
static struct vfio_vector *vector_find(struct vfio_irq_side *side, unsigned int vector)
{
	struct vfio_irqs *irqs = side->irqs;

	return irqs->active == side && vector < irqs->count ? &irqs->vectors[vector] : NULL;
}

static void vector_detach(struct vfio_irqs *irqs, struct vfio_vector *vector)
{
	if (vector->attached)
		kvm_irq_detach(irqs->kvm, (unsigned int)vector->gsi, vector->eventfd);
	vector->attached = false;
}

void vfio_vectors_stop(struct vfio_irqs *irqs)
{
	int rc;

	if (!irqs->active)
		return;
	for (unsigned int i = 0; i < irqs->count; i++)
		vector_detach(irqs, &irqs->vectors[i]);
	rc = irqs->span ? vfio_irq_disable(irqs->backend, irqs->active->index) : 0;
	if (rc)
		vector_complain(irqs, "vectors cannot be disabled", rc);
	for (unsigned int i = 0; i < irqs->count; i++) {
		if (irqs->vectors[i].gsi >= 0)
			kvm_irq_free(irqs->kvm, (unsigned int)irqs->vectors[i].gsi);
		vfio_relay_close(irqs, &irqs->vectors[i].device_eventfd);
		fd_close(&irqs->vectors[i].eventfd);
	}
	free(irqs->vectors);
	irqs->vectors = NULL;
	irqs->count = irqs->span = 0;
	irqs->touched = false;
	irqs->active = NULL;
}

static void vector_enable(void *owner, unsigned int vectors)
{
	struct vfio_irq_side *side = owner;
	struct vfio_irqs *irqs = side->irqs;

	vfio_vectors_stop(irqs);
	vfio_intx_stop(irqs);
	irqs->active = side;
	irqs->count = vectors < side->count ? vectors : side->count;
	irqs->vectors = calloc(irqs->count ? irqs->count : 1, sizeof(*irqs->vectors));
	if (!irqs->vectors) {
		irqs->count = 0;
		vector_complain(irqs, "vectors", -ENOMEM);
	}
	for (unsigned int i = 0; i < irqs->count; i++)
		irqs->vectors[i].eventfd = irqs->vectors[i].device_eventfd = irqs->vectors[i].gsi =
			-1;
	/* Even with nothing unmasked the device is to see itself enabled. */
	irqs->touched = true;
	irqs->first = irqs->end = 0;
}

static void vector_disable(void *owner)
{
	struct vfio_irq_side *side = owner;
	struct vfio_irqs *irqs = side->irqs;
	struct err err = {0};

	if (irqs->active != side)
		return;
	vfio_vectors_stop(irqs);
	if (irqs->armed && vfio_intx_start(irqs, &err))
		log_guest(&irqs->limit, LOG_ERROR, "%s", err.text);
}

static void vector_unmask(void *owner, unsigned int index, const struct kvm_msi_message *message)
{
	struct vfio_irq_side *side = owner;
	struct vfio_vector *vector = vector_find(side, index);

	if (!vector)
		return;
	/* A new route costs KVM a whole table: only for a new message. */
	if (vector->message.address != message->address || vector->message.data != message->data ||
	    vector->message.device_id != message->device_id)
		vector->routed = false;
	vector->message = *message;
	vector->wanted = true;
	vector_touch(side->irqs, index);
}

static void vector_mask(void *owner, unsigned int index)
{
	struct vfio_irq_side *side = owner;
	struct vfio_vector *vector = vector_find(side, index);

	if (!vector)
		return;
	vector->wanted = false;
	vector_detach(side->irqs, vector);
}

static bool vector_pending(void *owner, unsigned int index)
{
	struct vfio_vector *vector = vector_find(owner, index);

	if (!vector || vector->attached)
		return false;
	vfio_relay_pass(((struct vfio_irq_side *)owner)->irqs);
	if (vector->eventfd >= 0 && fd_take(vector->eventfd))
		vector->pending = true;
	return vector->pending;
}

static int vector_route(struct vfio_irqs *irqs, struct vfio_vector *vector)
{
	int rc;

	if (vector->eventfd < 0)
		vector->eventfd = fd_eventfd_for_guest();
	if (vector->eventfd < 0)
		return vector->eventfd;
	rc = vfio_relay_open(irqs, &vector->device_eventfd, true);
	if (rc)
		return rc;
	if (vector->gsi < 0)
		vector->gsi = kvm_irq_alloc(irqs->kvm);
	if (vector->gsi < 0)
		return vector->gsi;
	kvm_irq_set_msi(irqs->kvm, (unsigned int)vector->gsi, &vector->message);
	vector->routed = true;
	return 0;
}

/* What VFIO is to signal for @vector; -1: nothing yet. */
static int vector_device_end(const struct vfio_vector *vector)
{
	return vfio_relay_end(vector->device_eventfd, vector->eventfd);
}

/* What came in while it was masked is fired after the irqfd is there to see it. */
static int vector_attach(struct vfio_irqs *irqs, struct vfio_vector *vector)
{
	int rc;

	if (fd_take(vector->eventfd))
		vector->pending = true;
	rc = kvm_irq_attach(irqs->kvm, (unsigned int)vector->gsi, vector->eventfd, -1);
	if (rc)
		return rc;
	vector->attached = true;
	if (vector->pending)
		fd_signal(vector->eventfd);
	vector->pending = false;
	return 0;
}

static void vector_connect_routes(struct vfio_irqs *irqs)
{
	int rc;

	for (unsigned int i = irqs->first; i < irqs->end; i++) {
		struct vfio_vector *vector = &irqs->vectors[i];

		rc = vector->wanted && !vector->routed ? vector_route(irqs, vector) : 0;
		if (rc)
			vector_complain(irqs, "no route for a vector", rc);
	}
	rc = kvm_irq_commit(irqs->kvm);
	if (rc)
		vector_complain(irqs, "routes cannot be set", rc);
	for (unsigned int i = irqs->first; i < irqs->end; i++) {
		struct vfio_vector *vector = &irqs->vectors[i];

		rc = vector->wanted && vector->routed && !vector->attached
			     ? vector_attach(irqs, vector)
			     : 0;
		if (rc)
			vector_complain(irqs, "KVM takes no irqfd", rc);
	}
}

static void vector_drop_0(struct vfio_irqs *irqs)
{
	int none = -1;
	int rc = vfio_irq_trigger(irqs->backend, irqs->active->index, 0, 1, &none);

	if (rc)
		vector_complain(irqs, "vector 0 cannot be freed", rc);
}

/*
 * Vectors [0, @span) with the eventfds there are; vector 0 has one while this is done. A positive
 * answer tells how many can be had.
 */
static int vector_enable_span(struct vfio_irqs *irqs, unsigned int span)
{
	int *eventfds = calloc(span, sizeof(*eventfds)), spare = -1, rc;

	if (!eventfds)
		return -ENOMEM;
	for (unsigned int i = 0; i < span; i++)
		eventfds[i] = vector_device_end(&irqs->vectors[i]);
	if (eventfds[0] < 0) {
		spare = fd_eventfd();
		eventfds[0] = spare;
	}
	rc = eventfds[0] < 0 ? eventfds[0]
			     : vfio_irq_enable(irqs->backend, irqs->active->index, span, eventfds);
	if (!rc) {
		irqs->span = span;
		for (unsigned int i = 0; i < span; i++)
			irqs->vectors[i].wired = irqs->vectors[i].eventfd >= 0;
		if (spare >= 0) {
			vector_drop_0(irqs);
			if (fd_take(spare))
				irqs->vectors[0].pending = true;
		}
	}
	fd_close(&spare);
	free(eventfds);
	return rc;
}

/*
 * @need vectors at least; more where later ones could only be had by turning all off. Where the
 * host has not as many, those that it has, and -ENOSPC.
 */
static int vector_enable_vectors(struct vfio_irqs *irqs, unsigned int need)
{
	unsigned int span = irqs->count;
	int rc;

	if (!irqs->active->noresize)
		span = need = 1;
	else if (irqs->active == &irqs->msix && align_up(need, VECTOR_BUDGET) < span)
		span = (unsigned int)align_up(need, VECTOR_BUDGET);
	rc = vector_enable_span(irqs, span);
	if (rc && need < span && irqs->active == &irqs->msix)
		rc = vector_enable_span(irqs, need);
	if (rc <= 0)
		return rc;
	if ((unsigned int)rc < span)
		(void)!vector_enable_span(irqs, irqs->active == &irqs->msix
							? (unsigned int)rc
							: round_down_power_of_2((unsigned int)rc));
	return -ENOSPC;
}

/*
 * All off and on again with more, or as before when more cannot be had; a signal that fell in
 * between is made up for by a spurious one.
 */
static int vector_grow(struct vfio_irqs *irqs, unsigned int need)
{
	unsigned int before = irqs->span;
	int rc = vfio_irq_disable(irqs->backend, irqs->active->index);

	if (rc)
		return rc;
	irqs->span = 0;
	for (unsigned int i = 0; i < irqs->count; i++)
		irqs->vectors[i].wired = false;
	rc = vector_enable_vectors(irqs, need);
	if (rc && irqs->span == 0 && vector_enable_span(irqs, before))
		vector_complain(irqs, "the vectors there were are lost", rc);
	for (unsigned int i = 0; i < irqs->count; i++)
		if (irqs->vectors[i].eventfd >= 0)
			fd_signal(irqs->vectors[i].eventfd);
	return rc;
}

static int vector_wire_run(struct vfio_irqs *irqs, unsigned int first, unsigned int count)
{
	int eventfds[VECTOR_BUDGET] = {0}, rc;

	for (unsigned int i = 0; i < count; i++)
		eventfds[i] = vector_device_end(&irqs->vectors[first + i]);
	rc = vfio_irq_trigger(irqs->backend, irqs->active->index, first, count, eventfds);
	for (unsigned int i = 0; i < count && !rc; i++)
		irqs->vectors[first + i].wired = true;
	return rc;
}

/*
 * One call for each run of neighbours that are newly in use; one that cannot be had costs no other.
 */
static int vector_wire_runs(struct vfio_irqs *irqs)
{
	unsigned int end =
		irqs->active->noresize && irqs->span < irqs->end ? irqs->span : irqs->end;
	int rc = 0;

	for (unsigned int i = irqs->first; i < end;) {
		unsigned int run = 0;
		int refused;

		while (i + run < end && run < VECTOR_BUDGET &&
		       irqs->vectors[i + run].eventfd >= 0 && !irqs->vectors[i + run].wired)
			run++;
		refused = run ? vector_wire_run(irqs, i, run) : 0;
		if (refused)
			rc = refused;
		for (unsigned int j = 0; refused && run > 1 && j < run; j++)
			(void)!vector_wire_run(irqs, i + j, 1);
		i += run ? run : 1;
	}
	return rc;
}

static int vector_wire(struct vfio_irqs *irqs)
{
	unsigned int need = 1;
	int rc = 0, refused;

	if (irqs->count == 0)
		return -ENOSPC;
	if (irqs->span == 0) {
		irqs->first = 0;
		irqs->end = irqs->count;
	}
	for (unsigned int i = irqs->first; i < irqs->end; i++)
		if (irqs->vectors[i].eventfd >= 0)
			need = i + 1;
	if (irqs->span == 0)
		rc = vector_enable_vectors(irqs, need);
	else if (irqs->active == &irqs->msix && irqs->active->noresize && need > irqs->span)
		rc = vector_grow(irqs, need);
	refused = irqs->span ? vector_wire_runs(irqs) : 0;
	return rc ? rc : refused;
}

static void vector_flush(void *owner)
{
	struct vfio_irq_side *side = owner;
	struct vfio_irqs *irqs = side->irqs;
	int rc;

	if (irqs->active && irqs->active != side)
		return;
	if (!irqs->active || !irqs->touched) {
		/* Routes freed by a disable. */
		if (kvm_irq_commit(irqs->kvm))
			log_guest(&irqs->limit, LOG_ERROR, "%s: routes cannot be set",
				  irqs->device->name);
		return;
	}
	vector_connect_routes(irqs);
	rc = vector_wire(irqs);
	if (rc)
		vector_complain(irqs, "vectors cannot be enabled", rc);
	irqs->touched = false;
}

const struct pci_msi_ops vfio_vector_ops = {
	.enable = vector_enable,
	.disable = vector_disable,
	.unmask = vector_unmask,
	.mask = vector_mask,
	.pending = vector_pending,
	.flush = vector_flush,
};
