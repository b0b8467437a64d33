/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of MSI and MSI-X into the guest: eventfds, GSIs and irqfds, changed in batches. */

#include "devices/pci/vectors.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "vmm/base/fd.h"
#include "vmm/base/log.h"

struct pci_vector {
	int eventfd;   /* negative: never unmasked since its mode was enabled, or none to be had */
	int gsi;       /* likewise */
	bool unmasked; /* by the guest */
	bool routed;   /* `message` is staged or committed */
	bool attached; /* by irqfd */
	bool pending; /* is owed to the guest; while it is not attached the eventfd may hold more */
	struct kvm_msi_message message;
};

struct pci_vectors {
	const char *name;
	struct kvm_irq *irq;
	const struct pci_wires_ops *wires;
	void *owner;
	enum pci_vectors_mode mode;
	struct pci_vector *vectors;
	unsigned int count;
	unsigned int first, end; /* touched since the last flush */
	bool touched;
	struct log_limit limit;
};

struct pci_vectors *pci_vectors_create(const char *name, struct kvm_irq *irq,
				       const struct pci_wires_ops *wires, void *owner)
{
	struct pci_vectors *vectors = calloc(1, sizeof(*vectors));

	if (!vectors)
		return NULL;
	vectors->name = name;
	vectors->irq = irq;
	vectors->wires = wires;
	vectors->owner = owner;
	return vectors;
}

void pci_vectors_destroy(struct pci_vectors *vectors)
{
	assert(!vectors || vectors->mode == PCI_VECTORS_OFF);
	free(vectors);
}

void pci_vectors_complain(struct pci_vectors *vectors, const char *what, int rc)
{
	log_guest(&vectors->limit, LOG_ERROR, "%s: %s: %s: %s%s", vectors->name,
		  vectors->mode == PCI_VECTORS_MSI ? "MSI" : "MSI-X", what, err_text(rc),
		  rc == -EMFILE ? ": raise the limit (ulimit -Hn) and start again" : "");
}

static void vectors_touch(struct pci_vectors *vectors, unsigned int vector)
{
	if (!vectors->touched || vector < vectors->first)
		vectors->first = vector;
	if (!vectors->touched || vector >= vectors->end)
		vectors->end = vector + 1;
	vectors->touched = true;
}

/* NULL when another mode is in use. */
static struct pci_vector *vectors_find(struct pci_vectors *vectors, enum pci_vectors_mode mode,
				       unsigned int vector)
{
	return vectors->mode == mode && vector < vectors->count ? &vectors->vectors[vector] : NULL;
}

static void vectors_detach(struct pci_vectors *vectors, struct pci_vector *vector)
{
	if (vector->attached)
		kvm_irq_detach(vectors->irq, (unsigned int)vector->gsi, vector->eventfd);
	vector->attached = false;
}

static void vectors_close(struct pci_vectors *vectors)
{
	for (unsigned int i = 0; i < vectors->count; i++) {
		if (vectors->vectors[i].gsi >= 0)
			kvm_irq_free(vectors->irq, (unsigned int)vectors->vectors[i].gsi);
		fd_close(&vectors->vectors[i].eventfd);
	}
	free(vectors->vectors);
	vectors->vectors = NULL;
	vectors->count = 0;
	vectors->touched = false;
}

/* What the owner answers for the new mode: the number of its vectors, or -errno. */
static int vectors_set_mode(struct pci_vectors *vectors, enum pci_vectors_mode mode,
			    unsigned int count)
{
	int there;

	for (unsigned int i = 0; i < vectors->count; i++)
		vectors_detach(vectors, &vectors->vectors[i]);
	there = vectors->wires->set_mode(vectors->owner, mode, count);
	assert(there < 0 || (unsigned int)there <= count);
	vectors_close(vectors);
	vectors->mode = mode;
	return there;
}

void pci_vectors_enable(struct pci_vectors *vectors, enum pci_vectors_mode mode, unsigned int count)
{
	int there = vectors_set_mode(vectors, mode, count);

	if (there > 0) {
		vectors->vectors = calloc((unsigned int)there, sizeof(*vectors->vectors));
		there = vectors->vectors ? there : -ENOMEM;
	}
	if (there < 0)
		pci_vectors_complain(vectors, "vectors", there);
	else
		vectors->count = (unsigned int)there;
	for (unsigned int i = 0; i < vectors->count; i++)
		vectors->vectors[i].eventfd = vectors->vectors[i].gsi = -1;
	/* Even with nothing unmasked the device is to see itself enabled. */
	vectors->touched = true;
	vectors->first = vectors->end = 0;
}

void pci_vectors_disable(struct pci_vectors *vectors, enum pci_vectors_mode mode)
{
	if (mode != PCI_VECTORS_OFF && vectors->mode == mode)
		(void)vectors_set_mode(vectors, PCI_VECTORS_OFF, 0);
}

void pci_vectors_unmask(struct pci_vectors *vectors, enum pci_vectors_mode mode,
			unsigned int vector, const struct kvm_msi_message *message)
{
	struct pci_vector *found = vectors_find(vectors, mode, vector);

	if (!found)
		return;
	/* A new route costs KVM a whole table: only for a new message. */
	if (found->message.address != message->address || found->message.data != message->data ||
	    found->message.device_id != message->device_id)
		found->routed = false;
	found->message = *message;
	found->unmasked = true;
	vectors_touch(vectors, vector);
}

void pci_vectors_mask(struct pci_vectors *vectors, enum pci_vectors_mode mode, unsigned int vector)
{
	struct pci_vector *found = vectors_find(vectors, mode, vector);

	if (!found)
		return;
	found->unmasked = false;
	vectors_detach(vectors, found);
}

bool pci_vectors_pending(struct pci_vectors *vectors, enum pci_vectors_mode mode,
			 unsigned int vector)
{
	struct pci_vector *found = vectors_find(vectors, mode, vector);

	if (!found || found->attached)
		return false;
	vectors->wires->pass(vectors->owner);
	return found->pending || (found->eventfd >= 0 && fd_is_signalled(found->eventfd));
}

static int vectors_route(struct pci_vectors *vectors, struct pci_vector *vector)
{
	if (vector->eventfd < 0)
		vector->eventfd = fd_eventfd_for_guest();
	if (vector->eventfd < 0)
		return vector->eventfd;
	if (vector->gsi < 0)
		vector->gsi = kvm_irq_alloc(vectors->irq);
	if (vector->gsi < 0)
		return vector->gsi;
	kvm_irq_set_msi(vectors->irq, (unsigned int)vector->gsi, &vector->message);
	vector->routed = true;
	return 0;
}

/*
 * By an eventfd of its own: that of the vector a server may have too (fd_signal()). KVM looks
 * whether one is signalled as it takes it, and has fired it by the time that it lets it go.
 */
static int vectors_fire(struct pci_vectors *vectors, struct pci_vector *vector)
{
	int own = fd_eventfd(), rc;

	if (own < 0)
		return own;
	fd_signal(own);
	rc = kvm_irq_attach(vectors->irq, (unsigned int)vector->gsi, own, -1);
	if (!rc)
		kvm_irq_detach(vectors->irq, (unsigned int)vector->gsi, own);
	fd_close(&own);
	vector->pending = rc;
	return rc;
}

/*
 * What came in while it was masked is fired by KVM, which looks for it in the eventfd. That is
 * emptied then: what comes between the two is fired as well.
 */
static int vectors_attach(struct pci_vectors *vectors, struct pci_vector *vector)
{
	int rc = kvm_irq_attach(vectors->irq, (unsigned int)vector->gsi, vector->eventfd, -1);

	if (rc)
		return rc;
	vector->attached = true;
	if (fd_take_shared(vector->eventfd))
		vector->pending = false;
	return vector->pending ? vectors_fire(vectors, vector) : 0;
}

static void vectors_deliver(struct pci_vectors *vectors)
{
	int rc;

	for (unsigned int i = vectors->first; i < vectors->end; i++) {
		struct pci_vector *vector = &vectors->vectors[i];

		rc = vector->unmasked && !vector->routed ? vectors_route(vectors, vector) : 0;
		if (rc)
			pci_vectors_complain(vectors, "no route for a vector", rc);
	}
	rc = kvm_irq_commit(vectors->irq);
	if (rc)
		pci_vectors_complain(vectors, "routes cannot be set", rc);
	for (unsigned int i = vectors->first; i < vectors->end; i++) {
		struct pci_vector *vector = &vectors->vectors[i];

		rc = vector->unmasked && vector->routed && !vector->attached
			     ? vectors_attach(vectors, vector)
			     : 0;
		if (rc)
			pci_vectors_complain(vectors, "KVM takes no irqfd", rc);
	}
}

void pci_vectors_flush(struct pci_vectors *vectors, enum pci_vectors_mode mode)
{
	int rc;

	if (vectors->mode != PCI_VECTORS_OFF && vectors->mode != mode)
		return;
	if (!vectors->touched) {
		/* Routes freed by a disable. */
		if (kvm_irq_commit(vectors->irq))
			log_guest(&vectors->limit, LOG_ERROR, "%s: routes cannot be set",
				  vectors->name);
		return;
	}
	vectors_deliver(vectors);
	rc = vectors->wires->connect(vectors->owner, vectors->first, vectors->end);
	if (rc)
		pci_vectors_complain(vectors, "vectors cannot be enabled", rc);
	vectors->touched = false;
}

enum pci_vectors_mode pci_vectors_mode(const struct pci_vectors *vectors)
{
	return vectors->mode;
}

unsigned int pci_vectors_count(const struct pci_vectors *vectors)
{
	return vectors->count;
}

int pci_vectors_eventfd(const struct pci_vectors *vectors, unsigned int vector)
{
	return vectors->vectors[vector].eventfd;
}

void pci_vectors_signal(struct pci_vectors *vectors, unsigned int vector)
{
	struct pci_vector *signalled = &vectors->vectors[vector];

	if (signalled->eventfd >= 0)
		fd_signal(signalled->eventfd);
	else
		signalled->pending = true;
}

void pci_vectors_raise(struct pci_vectors *vectors, unsigned int vector)
{
	struct pci_vector *raised = &vectors->vectors[vector];
	int rc;

	raised->pending = true;
	rc = raised->attached ? vectors_fire(vectors, raised) : 0;
	if (rc)
		pci_vectors_complain(vectors, "a vector cannot be raised", rc);
}

struct pci_vector_state pci_vectors_state(const struct pci_vectors *vectors, unsigned int vector)
{
	const struct pci_vector *from = &vectors->vectors[vector];

	return (struct pci_vector_state){
		.gsi = from->gsi,
		.unmasked = from->unmasked,
		.attached = from->attached,
		.message = from->message,
	};
}
