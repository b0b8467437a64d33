/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts that the monitor sees: with a trace, what the device signals is told and passed on. */

#include <sys/epoll.h>

#include "vfio/pci/irq.h"
#include "vfio/tell/trace.h"
#include "vmm/base/fd.h"

static void relay_pass_intx(struct vfio_irqs *irqs)
{
	struct vfio_intx *intx = &irqs->intx;

	if (intx->device_trigger >= 0 && fd_take(intx->device_trigger)) {
		vfio_trace_note(irqs->trace, "irq     INTx raised");
		intx->raised++;
		fd_signal(intx->trigger);
	}
	if (intx->device_resample >= 0 && fd_take(intx->resample)) {
		vfio_trace_note(irqs->trace, "irq     INTx end of interrupt: unmasked");
		intx->ended++;
		fd_signal(intx->device_resample);
	}
}

void vfio_relay_pass(struct vfio_irqs *irqs)
{
	relay_pass_intx(irqs);
	for (unsigned int i = 0; i < irqs->count; i++) {
		struct vfio_vector *vector = &irqs->vectors[i];

		if (vector->device_eventfd < 0 || !fd_take(vector->device_eventfd))
			continue;
		vector->signalled++;
		vfio_trace_note(irqs->trace, "irq     %s vector %u%s",
				irqs->active == &irqs->msi ? "MSI" : "MSI-X", i,
				vector->attached ? "" : ", masked: it is pending");
		fd_signal(vector->eventfd);
	}
}

/* The vectors may be others by now: all of them are looked at, under the lock. */
static void relay_on_signal(void *owner, uint32_t events)
{
	struct vfio_irqs *irqs = owner;

	(void)events;
	pthread_mutex_lock(&irqs->device->lock);
	vfio_relay_pass(irqs);
	pthread_mutex_unlock(&irqs->device->lock);
}

int vfio_relay_watch(struct vfio_irqs *irqs, int fd)
{
	struct err err = {0};

	return loop_add(irqs->loop, fd, EPOLLIN, relay_on_signal, irqs, &err);
}

int vfio_relay_open(struct vfio_irqs *irqs, int *fd, bool vector)
{
	int rc;

	if (!irqs->trace || *fd >= 0)
		return 0;
	*fd = vector ? fd_eventfd_for_guest() : fd_eventfd();
	if (*fd < 0)
		return *fd;
	rc = vfio_relay_watch(irqs, *fd);
	if (rc)
		fd_close(fd);
	return rc;
}

void vfio_relay_close(struct vfio_irqs *irqs, int *fd)
{
	if (*fd >= 0)
		loop_remove(irqs->loop, *fd);
	fd_close(fd);
}
