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

static void complain(struct vfio_irqs *irqs, const char *what, int error)
{
	log_guest(&irqs->limit, LOG_ERROR, "%s: %s: %s: %s%s", irqs->device->name,
		  irqs->active == &irqs->msi ? "MSI" : "MSI-X", what, err_text(error),
		  error == -EMFILE ? ": raise the limit (ulimit -Hn) and start again" : "");
}

static void touch(struct vfio_irqs *irqs, unsigned int vector)
{
	if (!irqs->touched || vector < irqs->first)
		irqs->first = vector;
	if (!irqs->touched || vector >= irqs->end)
		irqs->end = vector + 1;
	irqs->touched = true;
}

/* The vector that a call of @side's is about; NULL when another mode is in use. */
static struct vfio_vector *find(struct vfio_irq_side *side, unsigned int vector)
{
	struct vfio_irqs *irqs = side->irqs;

	return irqs->active == side && vector < irqs->count ? &irqs->vectors[vector] : NULL;
}

static void detach(struct vfio_irqs *irqs, struct vfio_vector *vector)
{
	if (vector->attached)
		kvm_irq_detach(irqs->kvm, (unsigned int)vector->gsi, vector->eventfd);
	vector->attached = false;
}

void vfio_vectors_stop(struct vfio_irqs *irqs)
{
	int error;

	if (!irqs->active)
		return;
	for (unsigned int i = 0; i < irqs->count; i++)
		detach(irqs, &irqs->vectors[i]);
	error = irqs->span ? vfio_irq_disable(irqs->backend, irqs->active->index) : 0;
	if (error)
		complain(irqs, "vectors cannot be disabled", error);
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
		complain(irqs, "vectors", -ENOMEM);
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
	struct vfio_vector *vector = find(side, index);

	if (!vector)
		return;
	/* A new route costs KVM a whole table: only for a new message. */
	if (vector->message.address != message->address || vector->message.data != message->data ||
	    vector->message.device_id != message->device_id)
		vector->routed = false;
	vector->message = *message;
	vector->wanted = true;
	touch(side->irqs, index);
}

static void vector_mask(void *owner, unsigned int index)
{
	struct vfio_irq_side *side = owner;
	struct vfio_vector *vector = find(side, index);

	if (!vector)
		return;
	vector->wanted = false;
	detach(side->irqs, vector);
}

static bool vector_pending(void *owner, unsigned int index)
{
	struct vfio_vector *vector = find(owner, index);

	if (!vector || vector->attached)
		return false;
	vfio_relay_pass(((struct vfio_irq_side *)owner)->irqs);
	if (vector->eventfd >= 0 && fd_take(vector->eventfd))
		vector->pending = true;
	return vector->pending;
}

static int route(struct vfio_irqs *irqs, struct vfio_vector *vector)
{
	int error;

	if (vector->eventfd < 0)
		vector->eventfd = fd_eventfd_for_guest();
	if (vector->eventfd < 0)
		return vector->eventfd;
	error = vfio_relay_open(irqs, &vector->device_eventfd, true);
	if (error)
		return error;
	if (vector->gsi < 0)
		vector->gsi = kvm_irq_alloc(irqs->kvm);
	if (vector->gsi < 0)
		return vector->gsi;
	kvm_irq_set_msi(irqs->kvm, (unsigned int)vector->gsi, &vector->message);
	vector->routed = true;
	return 0;
}

/* What VFIO is to signal for @vector; -1: nothing yet. */
static int device_end(const struct vfio_vector *vector)
{
	return vfio_relay_end(vector->device_eventfd, vector->eventfd);
}

/* What came in while it was masked is fired after the irqfd is there to see it. */
static int attach(struct vfio_irqs *irqs, struct vfio_vector *vector)
{
	int error;

	if (fd_take(vector->eventfd))
		vector->pending = true;
	error = kvm_irq_attach(irqs->kvm, (unsigned int)vector->gsi, vector->eventfd, -1);
	if (error)
		return error;
	vector->attached = true;
	if (vector->pending)
		fd_signal(vector->eventfd);
	vector->pending = false;
	return 0;
}

static void connect_routes(struct vfio_irqs *irqs)
{
	int error;

	for (unsigned int i = irqs->first; i < irqs->end; i++) {
		struct vfio_vector *vector = &irqs->vectors[i];

		error = vector->wanted && !vector->routed ? route(irqs, vector) : 0;
		if (error)
			complain(irqs, "no route for a vector", error);
	}
	error = kvm_irq_commit(irqs->kvm);
	if (error)
		complain(irqs, "routes cannot be set", error);
	for (unsigned int i = irqs->first; i < irqs->end; i++) {
		struct vfio_vector *vector = &irqs->vectors[i];

		error = vector->wanted && vector->routed && !vector->attached ? attach(irqs, vector)
									      : 0;
		if (error)
			complain(irqs, "KVM takes no irqfd", error);
	}
}

static void drop_vector_0(struct vfio_irqs *irqs)
{
	int none = -1;
	int error = vfio_irq_trigger(irqs->backend, irqs->active->index, 0, 1, &none);

	if (error)
		complain(irqs, "vector 0 cannot be freed", error);
}

/*
 * Vectors [0, @span) with the eventfds there are; vector 0 has one while this is done. A positive
 * answer tells how many can be had.
 */
static int enable_span(struct vfio_irqs *irqs, unsigned int span)
{
	int *eventfds = calloc(span, sizeof(*eventfds)), spare = -1, error;

	if (!eventfds)
		return -ENOMEM;
	for (unsigned int i = 0; i < span; i++)
		eventfds[i] = device_end(&irqs->vectors[i]);
	if (eventfds[0] < 0) {
		spare = fd_eventfd();
		eventfds[0] = spare;
	}
	error = eventfds[0] < 0
			? eventfds[0]
			: vfio_irq_enable(irqs->backend, irqs->active->index, span, eventfds);
	if (!error) {
		irqs->span = span;
		for (unsigned int i = 0; i < span; i++)
			irqs->vectors[i].wired = irqs->vectors[i].eventfd >= 0;
		if (spare >= 0) {
			drop_vector_0(irqs);
			if (fd_take(spare))
				irqs->vectors[0].pending = true;
		}
	}
	fd_close(&spare);
	free(eventfds);
	return error;
}

/*
 * @need vectors at least; more where later ones could only be had by turning all off. Where the
 * host has not as many, those that it has, and -ENOSPC.
 */
static int enable_vectors(struct vfio_irqs *irqs, unsigned int need)
{
	unsigned int span = irqs->count;
	int result;

	if (!irqs->active->noresize)
		span = need = 1;
	else if (irqs->active == &irqs->msix && align_up(need, VECTOR_BUDGET) < span)
		span = (unsigned int)align_up(need, VECTOR_BUDGET);
	result = enable_span(irqs, span);
	if (result && need < span && irqs->active == &irqs->msix)
		result = enable_span(irqs, need);
	if (result <= 0)
		return result;
	if ((unsigned int)result < span)
		(void)!enable_span(irqs, irqs->active == &irqs->msix
						 ? (unsigned int)result
						 : round_down_power_of_2((unsigned int)result));
	return -ENOSPC;
}

/*
 * All off and on again with more, or as before when more cannot be had; a signal that fell in
 * between is made up for by a spurious one.
 */
static int grow(struct vfio_irqs *irqs, unsigned int need)
{
	unsigned int before = irqs->span;
	int error = vfio_irq_disable(irqs->backend, irqs->active->index);

	if (error)
		return error;
	irqs->span = 0;
	for (unsigned int i = 0; i < irqs->count; i++)
		irqs->vectors[i].wired = false;
	error = enable_vectors(irqs, need);
	if (error && irqs->span == 0 && enable_span(irqs, before))
		complain(irqs, "the vectors there were are lost", error);
	for (unsigned int i = 0; i < irqs->count; i++)
		if (irqs->vectors[i].eventfd >= 0)
			fd_signal(irqs->vectors[i].eventfd);
	return error;
}

static int wire_run(struct vfio_irqs *irqs, unsigned int first, unsigned int count)
{
	int eventfds[VECTOR_BUDGET] = {0}, error;

	for (unsigned int i = 0; i < count; i++)
		eventfds[i] = device_end(&irqs->vectors[first + i]);
	error = vfio_irq_trigger(irqs->backend, irqs->active->index, first, count, eventfds);
	for (unsigned int i = 0; i < count && !error; i++)
		irqs->vectors[first + i].wired = true;
	return error;
}

/*
 * One call for each run of neighbours that are newly in use; one that cannot be had costs no other.
 */
static int wire_runs(struct vfio_irqs *irqs)
{
	unsigned int end =
		irqs->active->noresize && irqs->span < irqs->end ? irqs->span : irqs->end;
	int error = 0;

	for (unsigned int i = irqs->first; i < end;) {
		unsigned int run = 0;
		int refused;

		while (i + run < end && run < VECTOR_BUDGET &&
		       irqs->vectors[i + run].eventfd >= 0 && !irqs->vectors[i + run].wired)
			run++;
		refused = run ? wire_run(irqs, i, run) : 0;
		if (refused)
			error = refused;
		for (unsigned int j = 0; refused && run > 1 && j < run; j++)
			(void)!wire_run(irqs, i + j, 1);
		i += run ? run : 1;
	}
	return error;
}

static int wire(struct vfio_irqs *irqs)
{
	unsigned int need = 1;
	int error = 0, refused;

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
		error = enable_vectors(irqs, need);
	else if (irqs->active == &irqs->msix && irqs->active->noresize && need > irqs->span)
		error = grow(irqs, need);
	refused = irqs->span ? wire_runs(irqs) : 0;
	return error ? error : refused;
}

static void vector_flush(void *owner)
{
	struct vfio_irq_side *side = owner;
	struct vfio_irqs *irqs = side->irqs;
	int error;

	if (irqs->active && irqs->active != side)
		return;
	if (!irqs->active || !irqs->touched) {
		/* Routes freed by a disable. */
		if (kvm_irq_commit(irqs->kvm))
			log_guest(&irqs->limit, LOG_ERROR, "%s: routes cannot be set",
				  irqs->device->name);
		return;
	}
	connect_routes(irqs);
	error = wire(irqs);
	if (error)
		complain(irqs, "vectors cannot be enabled", error);
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
