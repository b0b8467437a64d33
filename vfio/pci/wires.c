/* SPDX-License-Identifier: BSD-3-Clause */
/* What VFIO is asked for so that interrupts reach their eventfds; and INTx as a whole. */

#include "vfio/pci/wires.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "devices/pci/msi.h"
#include "vfio/pci/irq.h"
#include "vfio/tell/trace.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

/*
 * Where vectors cannot be added one by one, they are asked for by so many at once, as far as the
 * table has them. A power of two.
 */
enum { WIRES_BUDGET = 64 };

/*
 * With a trace the monitor sees the interrupts: VFIO signals a relay, and the loop passes it on to
 * the eventfd that KVM has.
 */

static void wires_pass_intx(struct vfio_wires *wires)
{
	struct vfio_intx *intx = &wires->intx;

	if (intx->device_trigger >= 0 && fd_take_shared(intx->device_trigger)) {
		vfio_trace_note(wires->trace, "irq     INTx raised");
		intx->raised++;
		fd_signal(intx->trigger);
	}
	if (intx->device_resample >= 0 && fd_take(intx->resample)) {
		vfio_trace_note(wires->trace, "irq     INTx end of interrupt: unmasked");
		intx->ended++;
		fd_signal(intx->device_resample);
	}
}

static void wires_pass(void *owner)
{
	struct vfio_wires *wires = owner;
	const struct pci_vectors *vectors = wires->vectors;

	wires_pass_intx(wires);
	for (unsigned int i = 0; i < pci_vectors_count(vectors); i++) {
		struct vfio_wire *wire = &wires->wire[i];

		if (wire->relay < 0 || !fd_take_shared(wire->relay))
			continue;
		wire->signalled++;
		vfio_trace_note(wires->trace, "irq     %s vector %u%s",
				pci_vectors_mode(vectors) == PCI_VECTORS_MSI ? "MSI" : "MSI-X", i,
				pci_vectors_state(vectors, i).attached ? ""
								       : ", masked: it is pending");
		pci_vectors_signal(wires->vectors, i);
	}
}

/* The vectors may be others by now: all of them are looked at, under the lock. */
static void wires_on_signal(void *owner, uint32_t events)
{
	struct vfio_wires *wires = owner;

	(void)events;
	pthread_mutex_lock(&wires->device->lock);
	wires_pass(wires);
	pthread_mutex_unlock(&wires->device->lock);
}

static int wires_watch(struct vfio_wires *wires, int fd)
{
	struct err err = {0};

	return loop_add(wires->loop, fd, EPOLLIN, wires_on_signal, wires, &err);
}

static int wires_watch_opened(struct vfio_wires *wires, int *fd)
{
	int rc = *fd < 0 ? *fd : wires_watch(wires, *fd);

	if (rc && *fd >= 0)
		fd_close(fd);
	return rc;
}

static void wires_close_relay(struct vfio_wires *wires, int *fd)
{
	if (*fd >= 0)
		loop_remove(wires->loop, *fd);
	fd_close(fd);
}

/* INTx. */

static int wires_set_intx(struct vfio_wires *wires, uint32_t action)
{
	return vfio_irq_set(wires->backend, VFIO_IRQ_SET_DATA_NONE | action,
			    VFIO_PCI_INTX_IRQ_INDEX, 0, 1, NULL);
}

static void wires_disable_intx(struct vfio_wires *wires)
{
	int rc = vfio_irq_disable(wires->backend, VFIO_PCI_INTX_IRQ_INDEX);

	if (rc)
		log_guest(&wires->limit, LOG_WARN, "%s: INTx cannot be disabled: %s",
			  wires->device->name, err_text(rc));
}

/* What VFIO is given: the relay where there is one. */
static int wires_relay_or(int relay, int eventfd)
{
	return relay >= 0 ? relay : eventfd;
}

/* Trigger, mask, resample, irqfd, unmask: masked, no edge is lost between the steps. */
static int wires_connect_intx(struct vfio_wires *wires, struct err *err)
{
	const char *name = wires->device->name;
	struct vfio_intx *intx = &wires->intx;
	int trigger = wires_relay_or(intx->device_trigger, intx->trigger);
	int resample = wires_relay_or(intx->device_resample, intx->resample);
	int rc;

	rc = vfio_irq_trigger(wires->backend, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &trigger);
	if (rc)
		return err_set(err, rc, "%s: INTx cannot be enabled: %s", name, err_text(rc));
	rc = wires_set_intx(wires, VFIO_IRQ_SET_ACTION_MASK);
	if (rc) {
		err_set(err, rc, "%s: INTx cannot be masked: %s", name, err_text(rc));
		goto disable;
	}
	rc = vfio_irq_set(wires->backend, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK,
			  VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &resample);
	if (rc) {
		err_set(err, rc, "%s: INTx takes no eventfd to unmask it: %s", name, err_text(rc));
		goto disable;
	}
	rc = kvm_irq_attach(wires->kvm, intx->gsi, intx->trigger, intx->resample);
	if (rc) {
		err_set(err, rc,
			"%s: KVM does not take INTx with resampling at GSI %u: %s: KVM needs its "
			"in-kernel interrupt controllers",
			name, intx->gsi, err_text(rc));
		goto disable;
	}
	rc = wires_set_intx(wires, VFIO_IRQ_SET_ACTION_UNMASK);
	if (!rc)
		return 0;
	err_set(err, rc, "%s: INTx cannot be unmasked: %s", name, err_text(rc));
	kvm_irq_detach(wires->kvm, intx->gsi, intx->trigger);
disable:
	wires_disable_intx(wires);
	return rc;
}

static void wires_close_intx(struct vfio_wires *wires)
{
	struct vfio_intx *intx = &wires->intx;

	wires_close_relay(wires, &intx->device_trigger);
	/* Watched even where the last of the four was not to be had. */
	if (wires->trace)
		wires_close_relay(wires, &intx->resample);
	fd_close(&intx->device_resample);
	fd_close(&intx->resample);
	fd_close(&intx->trigger);
}

/*
 * With a trace two more, so that the monitor sees the interrupt on its way and its end on the way
 * back. The latter not where a server would have its eventfd too (fd_signal()): KVM signals that.
 */
static int wires_open_intx(struct vfio_wires *wires)
{
	struct vfio_intx *intx = &wires->intx;
	int rc;

	intx->trigger = fd_eventfd();
	if (intx->trigger < 0)
		return intx->trigger;
	intx->resample = fd_eventfd();
	if (intx->resample < 0)
		return intx->resample;
	if (!wires->trace)
		return 0;
	intx->device_trigger = fd_eventfd();
	rc = wires_watch_opened(wires, &intx->device_trigger);
	if (!rc && wires->backend->ops->is_shared)
		return 0;
	if (!rc)
		rc = wires_watch(wires, intx->resample);
	if (rc)
		return rc;
	intx->device_resample = fd_eventfd();
	return intx->device_resample < 0 ? intx->device_resample : 0;
}

static int wires_start_intx(struct vfio_wires *wires, struct err *err)
{
	int gsi = wires->has_intx ? pci_device_intx_gsi(wires->device) : -1;
	struct vfio_intx *intx = &wires->intx;
	int rc;

	if (gsi < 0 || intx->trigger >= 0)
		return 0;
	intx->gsi = (unsigned int)gsi;
	rc = wires_open_intx(wires);
	if (rc)
		err_set(err, rc, "%s: eventfds for INTx: %s", wires->device->name, err_text(rc));
	else
		rc = wires_connect_intx(wires, err);
	if (rc)
		wires_close_intx(wires);
	return rc;
}

static void wires_stop_intx(struct vfio_wires *wires)
{
	struct vfio_intx *intx = &wires->intx;

	if (intx->trigger < 0)
		return;
	kvm_irq_detach(wires->kvm, intx->gsi, intx->trigger);
	wires_disable_intx(wires);
	wires_close_intx(wires);
}

/* MSI and MSI-X. */

static const struct vfio_wires_mode *wires_mode(const struct vfio_wires *wires)
{
	return &wires->modes[pci_vectors_mode(wires->vectors)];
}

static bool wires_is_msix(const struct vfio_wires *wires)
{
	return pci_vectors_mode(wires->vectors) == PCI_VECTORS_MSIX;
}

/* What VFIO is to signal for @vector; -1: nothing yet. */
static int wires_device_end(const struct vfio_wires *wires, unsigned int vector)
{
	return wires->trace ? wires->wire[vector].relay
			    : pci_vectors_eventfd(wires->vectors, vector);
}

static void wires_turn_off(struct vfio_wires *wires)
{
	unsigned int count = pci_vectors_count(wires->vectors);
	int rc = wires->span ? vfio_irq_disable(wires->backend, wires_mode(wires)->index) : 0;

	if (rc)
		pci_vectors_complain(wires->vectors, "vectors cannot be disabled", rc);
	for (unsigned int i = 0; i < count; i++)
		wires_close_relay(wires, &wires->wire[i].relay);
	free(wires->wire);
	wires->wire = NULL;
	wires->span = 0;
}

static int wires_set_mode(void *owner, enum pci_vectors_mode mode, unsigned int count)
{
	struct vfio_wires *wires = owner;
	struct err err = {0};

	wires_turn_off(wires);
	if (mode == PCI_VECTORS_OFF) {
		if (wires->armed && wires_start_intx(wires, &err))
			log_guest(&wires->limit, LOG_ERROR, "%s", err.text);
		return 0;
	}
	wires_stop_intx(wires);
	if (count > wires->modes[mode].count)
		count = wires->modes[mode].count;
	wires->wire = calloc(count ? count : 1, sizeof(*wires->wire));
	if (!wires->wire)
		return -ENOMEM;
	for (unsigned int i = 0; i < count; i++)
		wires->wire[i].relay = -1;
	return (int)count;
}

static void wires_drop_0(struct vfio_wires *wires)
{
	int none = -1;
	int rc = vfio_irq_trigger(wires->backend, wires_mode(wires)->index, 0, 1, &none);

	if (rc)
		pci_vectors_complain(wires->vectors, "vector 0 cannot be freed", rc);
}

static int wires_enable(struct vfio_backend *backend, uint32_t index, uint32_t count,
			const int *eventfds)
{
	return vfio_irq_set(backend, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, index,
			    0, count, eventfds);
}

/*
 * Vectors [0, @span) with the eventfds there are; vector 0 has one while this is done. A positive
 * answer tells how many can be had.
 */
static int wires_enable_span(struct vfio_wires *wires, unsigned int span)
{
	int *eventfds = calloc(span, sizeof(*eventfds)), spare = -1, rc;

	if (!eventfds)
		return -ENOMEM;
	for (unsigned int i = 0; i < span; i++)
		eventfds[i] = wires_device_end(wires, i);
	if (eventfds[0] < 0) {
		spare = fd_eventfd();
		eventfds[0] = spare;
	}
	rc = eventfds[0] < 0
		     ? eventfds[0]
		     : wires_enable(wires->backend, wires_mode(wires)->index, span, eventfds);
	if (!rc) {
		wires->span = span;
		for (unsigned int i = 0; i < span; i++)
			wires->wire[i].connected = wires_device_end(wires, i) >= 0;
		if (spare >= 0) {
			wires_drop_0(wires);
			if (fd_take_shared(spare))
				pci_vectors_signal(wires->vectors, 0);
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
static int wires_enable_vectors(struct vfio_wires *wires, unsigned int need)
{
	unsigned int span = pci_vectors_count(wires->vectors);
	int rc;

	if (!wires_mode(wires)->noresize)
		span = need = 1;
	else if (wires_is_msix(wires) && align_up(need, WIRES_BUDGET) < span)
		span = (unsigned int)align_up(need, WIRES_BUDGET);
	rc = wires_enable_span(wires, span);
	if (rc && need < span && wires_is_msix(wires))
		rc = wires_enable_span(wires, need);
	if (rc <= 0)
		return rc;
	if ((unsigned int)rc < span)
		(void)!wires_enable_span(wires, wires_is_msix(wires)
							? (unsigned int)rc
							: round_down_power_of_2((unsigned int)rc));
	return -ENOSPC;
}

/*
 * All off and on again with more, or as before when more cannot be had; a signal that fell in
 * between is made up for by a spurious one.
 */
static int wires_grow(struct vfio_wires *wires, unsigned int need)
{
	unsigned int before = wires->span, count = pci_vectors_count(wires->vectors);
	int rc = vfio_irq_disable(wires->backend, wires_mode(wires)->index);

	if (rc)
		return rc;
	wires->span = 0;
	for (unsigned int i = 0; i < count; i++)
		wires->wire[i].connected = false;
	rc = wires_enable_vectors(wires, need);
	if (rc && wires->span == 0 && wires_enable_span(wires, before))
		pci_vectors_complain(wires->vectors, "the vectors there were are lost", rc);
	for (unsigned int i = 0; i < count; i++)
		if (pci_vectors_eventfd(wires->vectors, i) >= 0)
			pci_vectors_raise(wires->vectors, i);
	return rc;
}

static int wires_connect_run(struct vfio_wires *wires, unsigned int first, unsigned int count)
{
	int eventfds[WIRES_BUDGET] = {0}, rc;

	for (unsigned int i = 0; i < count; i++)
		eventfds[i] = wires_device_end(wires, first + i);
	rc = vfio_irq_trigger(wires->backend, wires_mode(wires)->index, first, count, eventfds);
	for (unsigned int i = 0; i < count && !rc; i++)
		wires->wire[first + i].connected = true;
	return rc;
}

/*
 * One call for each run of neighbours that are newly in use; one that cannot be had costs no other.
 */
static int wires_connect_runs(struct vfio_wires *wires, unsigned int first, unsigned int end)
{
	int rc = 0;

	if (wires_mode(wires)->noresize && wires->span < end)
		end = wires->span;
	for (unsigned int i = first; i < end;) {
		unsigned int run = 0;
		int refused;

		while (i + run < end && run < WIRES_BUDGET &&
		       wires_device_end(wires, i + run) >= 0 && !wires->wire[i + run].connected)
			run++;
		refused = run ? wires_connect_run(wires, i, run) : 0;
		if (refused)
			rc = refused;
		for (unsigned int j = 0; refused && run > 1 && j < run; j++)
			(void)!wires_connect_run(wires, i + j, 1);
		i += run ? run : 1;
	}
	return rc;
}

/* Relays for the vectors that have an eventfd; one that cannot be had leaves its vector without. */
static int wires_open_relays(struct vfio_wires *wires, unsigned int first, unsigned int end)
{
	int rc = 0;

	for (unsigned int i = first; i < end && wires->trace; i++) {
		int *relay = &wires->wire[i].relay, refused;

		if (*relay >= 0 || pci_vectors_eventfd(wires->vectors, i) < 0)
			continue;
		*relay = fd_eventfd_for_guest();
		refused = wires_watch_opened(wires, relay);
		if (refused) {
			*relay = -1;
			rc = refused;
		}
	}
	return rc;
}

static int wires_connect(void *owner, unsigned int first, unsigned int end)
{
	struct vfio_wires *wires = owner;
	unsigned int need = 1;
	int rc, refused, unseen;

	if (pci_vectors_count(wires->vectors) == 0)
		return -ENOSPC;
	if (wires->span == 0) {
		first = 0;
		end = pci_vectors_count(wires->vectors);
	}
	unseen = wires_open_relays(wires, first, end);
	for (unsigned int i = first; i < end; i++)
		if (wires_device_end(wires, i) >= 0)
			need = i + 1;
	rc = 0;
	if (wires->span == 0)
		rc = wires_enable_vectors(wires, need);
	else if (wires_is_msix(wires) && wires_mode(wires)->noresize && need > wires->span)
		rc = wires_grow(wires, need);
	refused = wires->span ? wires_connect_runs(wires, first, end) : 0;
	return rc ? rc : refused ? refused : unseen;
}

static const struct pci_wires_ops wires_ops = {
	.set_mode = wires_set_mode,
	.connect = wires_connect,
	.pass = wires_pass,
};

/* All of them. */

int vfio_wires_init(struct vfio_wires *wires, struct pci_device *device,
		    struct vfio_backend *backend, struct kvm_irq *kvm)
{
	struct vfio_wires_mode *msi = &wires->modes[PCI_VECTORS_MSI];
	struct vfio_wires_mode *msix = &wires->modes[PCI_VECTORS_MSIX];

	memset(wires, 0, sizeof(*wires));
	wires->device = device;
	wires->backend = backend;
	wires->kvm = kvm;
	wires->intx.trigger = wires->intx.resample = -1;
	wires->intx.device_trigger = wires->intx.device_resample = -1;
	wires->vectors = pci_vectors_create(device->name, kvm, &wires_ops, wires);
	if (!wires->vectors)
		return -ENOMEM;
	wires->has_intx = vfio_irq_count(backend, VFIO_PCI_INTX_IRQ_INDEX, NULL) > 0;
	msi->index = VFIO_PCI_MSI_IRQ_INDEX;
	msi->count = vfio_irq_count(backend, VFIO_PCI_MSI_IRQ_INDEX, &msi->noresize);
	msix->index = VFIO_PCI_MSIX_IRQ_INDEX;
	msix->count = vfio_irq_count(backend, VFIO_PCI_MSIX_IRQ_INDEX, &msix->noresize);
	return 0;
}

void vfio_wires_release(struct vfio_wires *wires)
{
	pci_vectors_destroy(wires->vectors);
	wires->vectors = NULL;
}

void vfio_wires_limit_msi(struct vfio_wires *wires)
{
	uint32_t count = wires->modes[PCI_VECTORS_MSI].count, there = count;
	int none[PCI_MSI_VECTORS_MAX], rc;

	if (count < 2 || count > PCI_MSI_VECTORS_MAX)
		return;
	memset(none, 0xff, sizeof(none));
	rc = wires_enable(wires->backend, VFIO_PCI_MSI_IRQ_INDEX, count, none);
	if (rc == 0)
		rc = vfio_irq_disable(wires->backend, VFIO_PCI_MSI_IRQ_INDEX);
	else if (rc > 0 && (uint32_t)rc < count)
		there = round_down_power_of_2((uint32_t)rc);
	if (rc < 0)
		log_debug("%s: %u MSI vectors cannot be tried: %s", wires->device->name, count,
			  err_text(rc));
	if (there < count)
		log_info("%s: the host has %u of its %u MSI vectors: the guest is offered those",
			 wires->device->name, there, count);
	wires->modes[PCI_VECTORS_MSI].count = there;
}

int vfio_wires_arm(struct vfio_wires *wires, struct err *err)
{
	wires->armed = true;
	return pci_vectors_mode(wires->vectors) == PCI_VECTORS_OFF ? wires_start_intx(wires, err)
								   : 0;
}

void vfio_wires_stop(struct vfio_wires *wires)
{
	wires->armed = false;
	pci_vectors_disable(wires->vectors, pci_vectors_mode(wires->vectors));
	wires_stop_intx(wires);
}

size_t vfio_wires_descriptors(const struct vfio_wires *wires, int *descriptors, size_t room,
			      size_t count)
{
	count = vfio_list(wires->intx.trigger, descriptors, room, count);
	count = vfio_list(wires->intx.resample, descriptors, room, count);
	count = vfio_list(wires->intx.device_trigger, descriptors, room, count);
	count = vfio_list(wires->intx.device_resample, descriptors, room, count);
	for (unsigned int i = 0; i < pci_vectors_count(wires->vectors); i++) {
		count = vfio_list(pci_vectors_eventfd(wires->vectors, i), descriptors, room, count);
		count = vfio_list(wires->wire[i].relay, descriptors, room, count);
	}
	return count;
}
