/* SPDX-License-Identifier: BSD-3-Clause */
/* The GSI table of a VM: pins, MSI routes and the eventfds bound to them. */

#include "vmm/kvm/irq.h"

#include <assert.h>
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/log.h"

struct msi_route {
	bool allocated;
	bool routed; /* `message` is staged or committed */
	struct kvm_msi_message message;
};

struct kvm_irq {
	struct kvm_vm *vm;
	bool has_device_id;
	unsigned int first_msi;
	unsigned int limit; /* of entries in the table and of GSIs alike */
	pthread_mutex_t lock;
	struct kvm_irq_routing_entry *pins;
	unsigned int pin_count;
	struct msi_route *msis; /* by GSI from first_msi */
	unsigned int msi_count; /* allocated */
	unsigned int msi_end;   /* one past the highest ever allocated */
	struct kvm_irq_routing *committed;
};

static struct kvm_irq_routing *irq_routing_alloc(unsigned int count)
{
	struct kvm_irq_routing *routing;

	return calloc(1, sizeof(*routing) + count * sizeof(routing->entries[0]));
}

struct kvm_irq *kvm_irq_create(struct kvm_vm *vm, unsigned int first_msi, struct err *err)
{
	struct kvm_irq *irq;
	int limit = kvm_vm_capability(vm, KVM_CAP_IRQ_ROUTING);

	if (limit <= 0 || first_msi >= (unsigned int)limit) {
		err_set(err, -ENOSPC,
			"KVM: interrupt routes: the kernel has %d, pins alone take %u", limit,
			first_msi);
		return NULL;
	}
	irq = calloc(1, sizeof(*irq));
	if (!irq)
		goto out_of_memory;
	pthread_mutex_init(&irq->lock, NULL);
	irq->vm = vm;
	irq->has_device_id = kvm_vm_capability(vm, KVM_CAP_MSI_DEVID) > 0;
	irq->first_msi = first_msi;
	irq->limit = (unsigned int)limit;
	irq->msi_end = first_msi;
	irq->pins = calloc(irq->limit, sizeof(*irq->pins));
	irq->msis = calloc(irq->limit - first_msi, sizeof(*irq->msis));
	irq->committed = irq_routing_alloc(0);
	if (irq->pins && irq->msis && irq->committed)
		return irq;
	kvm_irq_destroy(irq);
out_of_memory:
	err_set(err, -ENOMEM, "KVM: interrupt routes: out of memory");
	return NULL;
}

void kvm_irq_destroy(struct kvm_irq *irq)
{
	if (!irq)
		return;
	free(irq->committed);
	free(irq->msis);
	free(irq->pins);
	pthread_mutex_destroy(&irq->lock);
	free(irq);
}

int kvm_irq_add_pin(struct kvm_irq *irq, unsigned int gsi, unsigned int chip, unsigned int pin)
{
	int rc = 0;

	if (gsi >= irq->first_msi)
		return -EINVAL;
	pthread_mutex_lock(&irq->lock);
	if (irq->pin_count + irq->msi_count == irq->limit)
		rc = -ENOSPC;
	else
		irq->pins[irq->pin_count++] = (struct kvm_irq_routing_entry){
			.gsi = gsi,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = {.irqchip = chip, .pin = pin},
		};
	pthread_mutex_unlock(&irq->lock);
	return rc;
}

int kvm_irq_alloc(struct kvm_irq *irq)
{
	unsigned int gsi = irq->first_msi;
	int rc = -ENOSPC;

	pthread_mutex_lock(&irq->lock);
	while (gsi < irq->limit && irq->msis[gsi - irq->first_msi].allocated)
		gsi++;
	if (gsi < irq->limit && irq->pin_count + irq->msi_count < irq->limit) {
		irq->msis[gsi - irq->first_msi] = (struct msi_route){.allocated = true};
		irq->msi_count++;
		if (gsi >= irq->msi_end)
			irq->msi_end = gsi + 1;
		rc = (int)gsi;
	}
	pthread_mutex_unlock(&irq->lock);
	return rc;
}

/* The route of a GSI that kvm_irq_alloc() gave out and nobody has given back. */
static struct msi_route *irq_route_of(struct kvm_irq *irq, unsigned int gsi)
{
	assert(gsi >= irq->first_msi && gsi < irq->limit);
	assert(irq->msis[gsi - irq->first_msi].allocated);
	return &irq->msis[gsi - irq->first_msi];
}

void kvm_irq_free(struct kvm_irq *irq, unsigned int gsi)
{
	pthread_mutex_lock(&irq->lock);
	*irq_route_of(irq, gsi) = (struct msi_route){0};
	irq->msi_count--;
	pthread_mutex_unlock(&irq->lock);
}

void kvm_irq_set_msi(struct kvm_irq *irq, unsigned int gsi, const struct kvm_msi_message *message)
{
	struct msi_route *route;

	pthread_mutex_lock(&irq->lock);
	route = irq_route_of(irq, gsi);
	route->routed = true;
	route->message = *message;
	pthread_mutex_unlock(&irq->lock);
}

/* The whole table as it is staged: pins as they were added, then MSI routes by GSI. */
static struct kvm_irq_routing *irq_routing_build(const struct kvm_irq *irq)
{
	struct kvm_irq_routing *routing = irq_routing_alloc(irq->pin_count + irq->msi_count);

	if (!routing)
		return NULL;
	for (unsigned int i = 0; i < irq->pin_count; i++)
		routing->entries[routing->nr++] = irq->pins[i];
	for (unsigned int gsi = irq->first_msi; gsi < irq->msi_end; gsi++) {
		const struct msi_route *route = &irq->msis[gsi - irq->first_msi];
		struct kvm_irq_routing_entry *entry;

		if (!route->routed)
			continue;
		entry = &routing->entries[routing->nr++];
		entry->gsi = gsi;
		entry->type = KVM_IRQ_ROUTING_MSI;
		entry->u.msi.address_lo = (uint32_t)route->message.address;
		entry->u.msi.address_hi = (uint32_t)(route->message.address >> 32);
		entry->u.msi.data = route->message.data;
		if (irq->has_device_id) {
			entry->flags = KVM_MSI_VALID_DEVID;
			entry->u.msi.devid = route->message.device_id;
		}
	}
	return routing;
}

static bool irq_routing_equal(const struct kvm_irq_routing *a, const struct kvm_irq_routing *b)
{
	return a->nr == b->nr && memcmp(a->entries, b->entries, a->nr * sizeof(a->entries[0])) == 0;
}

int kvm_irq_commit(struct kvm_irq *irq)
{
	struct kvm_irq_routing *routing;
	int rc = 0;

	pthread_mutex_lock(&irq->lock);
	routing = irq_routing_build(irq);
	if (!routing) {
		rc = -ENOMEM;
	} else if (!irq_routing_equal(routing, irq->committed)) {
		rc = kvm_vm_ioctl(irq->vm, KVM_SET_GSI_ROUTING, routing);
		if (rc >= 0) {
			struct kvm_irq_routing *old = irq->committed;

			irq->committed = routing;
			routing = old;
			rc = 0;
		}
	}
	free(routing);
	pthread_mutex_unlock(&irq->lock);
	return rc;
}

static int irq_list_locked(const struct kvm_irq *irq, struct kvm_irq_route *routes)
{
	int count = 0;

	for (unsigned int i = 0; i < irq->pin_count; i++)
		routes[count++] = (struct kvm_irq_route){
			.gsi = irq->pins[i].gsi,
			.chip = irq->pins[i].u.irqchip.irqchip,
			.pin = irq->pins[i].u.irqchip.pin,
		};
	for (unsigned int gsi = irq->first_msi; gsi < irq->msi_end; gsi++) {
		const struct msi_route *route = &irq->msis[gsi - irq->first_msi];

		if (route->allocated)
			routes[count++] = (struct kvm_irq_route){
				.gsi = gsi,
				.msi = true,
				.routed = route->routed,
				.message = route->message,
			};
	}
	return count;
}

int kvm_irq_list(struct kvm_irq *irq, struct kvm_irq_route **routes)
{
	int count = -ENOMEM;

	pthread_mutex_lock(&irq->lock);
	*routes = calloc(irq->pin_count + irq->msi_count + 1, sizeof(**routes));
	if (*routes)
		count = irq_list_locked(irq, *routes);
	pthread_mutex_unlock(&irq->lock);
	return count;
}

int kvm_irq_attach(struct kvm_irq *irq, unsigned int gsi, int eventfd, int resample)
{
	struct kvm_irqfd irqfd = {.fd = (uint32_t)eventfd, .gsi = gsi};
	int rc;

	if (resample >= 0) {
		irqfd.flags = KVM_IRQFD_FLAG_RESAMPLE;
		irqfd.resamplefd = (uint32_t)resample;
	}
	rc = kvm_vm_ioctl(irq->vm, KVM_IRQFD, &irqfd);
	return rc < 0 ? rc : 0;
}

void kvm_irq_detach(struct kvm_irq *irq, unsigned int gsi, int eventfd)
{
	struct kvm_irqfd irqfd = {
		.fd = (uint32_t)eventfd,
		.gsi = gsi,
		.flags = KVM_IRQFD_FLAG_DEASSIGN,
	};
	/* The kernel waits for an injection under way before it answers. */
	int rc = kvm_vm_ioctl(irq->vm, KVM_IRQFD, &irqfd);

	if (rc < 0)
		log_error("KVM: taking an eventfd off GSI %u: %s", gsi, err_text(rc));
}

int kvm_irq_set_level(struct kvm_irq *irq, uint32_t line, bool level)
{
	struct kvm_irq_level change = {.irq = line, .level = level};
	int rc = kvm_vm_ioctl(irq->vm, KVM_IRQ_LINE, &change);

	return rc < 0 ? rc : 0;
}
