/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker's steps of a device that comes or goes: what the thread does, and what follows. */

#include "vfio/vfio_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"

static struct vfio_entry *steps_entry(struct vfio_work *work)
{
	return container_of(work, struct vfio_entry, work);
}

/* The thread's. */
static void steps_carry_out(struct vfio_work *work)
{
	struct vfio_entry *entry = steps_entry(work);
	struct vfio_hold *hold = &entry->hold;

	switch (entry->stage) {
	case VFIO_JOINS:
		vfio_hold_join(hold, entry, entry->family->provider);
		break;
	case VFIO_OPENS:
		vfio_hold_open_early(hold, entry, entry->vfio->to.vm);
		if (!hold->err.code)
			vfio_hold_build(hold, entry);
		if (!hold->err.code)
			vfio_hold_begin(hold);
		break;
	case VFIO_RESETS:
		(void)!vfio_reset_first(hold->pci, &hold->err);
		break;
	default:
		vfio_hold_close(hold, entry->family);
		break;
	}
}

bool vfio_steps_close(struct vfio_entry *entry)
{
	entry->stage = VFIO_CLOSES;
	vfio_entry_begin_leave(entry);
	return true;
}

/* Who waits for its slot goes on, or who asked for it is told. */
static void steps_closed(struct vfio_entry *entry)
{
	entry->stage = VFIO_CLOSED;
	vfio_entry_left(entry);
	if (!entry->slot)
		vfio_tell(entry, VFIO_REMOVED);
	else if (entry->slot->removal == VFIO_GOES)
		vfio_wake_up(entry->vfio);
	else
		vfio_plug_refused(entry);
}

static bool steps_advance(struct vfio_work *work)
{
	struct vfio_entry *entry = steps_entry(work);

	if (entry->stage != VFIO_QUEUED && entry->stage != VFIO_LEAVES)
		vfio_entry_take(entry);
	/* Between two steps the space that it joins or leaves is nobody's. */
	vfio_plug_advance(entry->vfio);
	if (entry->stage == VFIO_LEAVES)
		return vfio_steps_close(entry);
	if (entry->stage != VFIO_CLOSES)
		return vfio_plug_step(entry);
	steps_closed(entry);
	return false;
}

static void steps_add(struct vfio_entry *entry)
{
	entry->work.advance = steps_advance;
	entry->work.carry_out = steps_carry_out;
	vfio_worker_add(&entry->vfio->worker, &entry->work);
}

void vfio_steps_come(struct vfio_entry *entry)
{
	entry->stage = VFIO_QUEUED;
	steps_add(entry);
}

void vfio_steps_leave(struct vfio_entry *entry)
{
	vfio_pci_unwatch(entry->pci);
	entry->stage = VFIO_LEAVES;
	steps_add(entry);
}

/* Nothing ends a call of the kernel's but the kernel, or a signal that ends the process. */
static void steps_tell_wait(const struct vfio_worker *worker)
{
	const struct vfio_entry *entry;

	if (!worker->current || atomic_load(&worker->ended))
		return;
	entry = steps_entry(worker->current);
	if (entry->family == &entry->vfio->families[VFIO_PROGRAMS]) {
		log_notice("passthrough device %s: its server is being asked: the run ends when "
			   "it has answered, or its time is over",
			   vfio_entry_name(entry));
		return;
	}
	log_notice("passthrough device %s: the host's kernel is still %s it: the run ends when "
		   "that has",
		   vfio_entry_name(entry), entry->stage == VFIO_CLOSES ? "closing" : "opening");
}

void vfio_steps_stop(struct vfio *vfio)
{
	struct vfio_work *work;

	steps_tell_wait(&vfio->worker);
	work = vfio_worker_stop(&vfio->worker);

	if (work)
		vfio_entry_take(steps_entry(work));
}
