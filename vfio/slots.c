/* SPDX-License-Identifier: BSD-3-Clause */
/* How devices leave their slots while the guest runs: asked for, waited for, taken. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "vfio/vfio_private.h"
#include "vmm/base/clock.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"

/*
 * A slot's removal, with all that is in it.
 *
 *         vfio_unplug(), the host     the guest has switched the
 *         wants it: the button        slot off, or its time is over
 *   STAYS ---------------------> ASKED ---------------------------> GOES ---> STAYS
 *     ^ |                          |                                  ^  no reset holds it and
 *     | |                          |                                  |  the worker has closed
 *     | +--------------------------|----------------------------------+  it: off its bus, freed
 *     |    the guest does not see it, has it off, or it is lost
 *     +----------------------------+
 *       the guest cancelled: its indicator blinked, and is on again
 *
 * What other threads have to say comes by `turn`, and so does what is said in the midst of a reset.
 */

enum {
	/* How long the host's kernel is let wait: it asks again every ten seconds. */
	HOST_TIMEOUT_MS = 10 * 1000,
	/*
	 * So long an indicator is on again before the guest is taken to have cancelled: one that
	 * was still switching the slot on when it was asked ends that first.
	 */
	CANCEL_MS = 1000,
};

/* The first of @slot at or behind *@at, which is left behind that; NULL: there is no other. */
static struct vfio_entry *slots_next(const struct vfio_slot *slot, size_t *at)
{
	const struct vfio *vfio = slot->vfio;

	while (*at < vfio->count) {
		struct vfio_entry *entry = vfio->entries[(*at)++];

		if (entry->slot == slot)
			return entry;
	}
	return NULL;
}

bool vfio_slot_is_shown(const struct vfio_slot *slot)
{
	return pci_port_slot(slot->port).present;
}

/* By the guest's clock. */
static int64_t slots_now(const struct vfio *vfio)
{
	return (vfio->stands_since ? vfio->stands_since : clock_now_ms()) - vfio->stood_ms;
}

static int64_t slots_earlier(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

/* When something is to be done about @slot next, by the monotonic clock; INT64_MAX: never. */
static int64_t slots_next_deadline(const struct vfio_slot *slot)
{
	const struct vfio *vfio = slot->vfio;
	int64_t guest = slots_earlier(slot->deadline, slot->settled ? slot->settled : INT64_MAX);

	if (slot->removal != VFIO_ASKED)
		return INT64_MAX;
	if (vfio->stands_since || guest == INT64_MAX)
		return slot->host_deadline;
	return slots_earlier(guest + vfio->stood_ms, slot->host_deadline);
}

/* To the next deadline of any slot's. */
static void slots_set_timer(const struct vfio *vfio)
{
	struct itimerspec time = {0};
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < vfio->slot_count; i++)
		next = slots_earlier(slots_next_deadline(&vfio->slots[i]), next);
	if (next != INT64_MAX)
		time.it_value = (struct timespec){.tv_sec = next / 1000,
						  .tv_nsec = next % 1000 * 1000000L + 1};
	if (timerfd_settime(vfio->timer, TFD_TIMER_ABSTIME, &time, NULL) < 0)
		log_debug("the deadline of a slot cannot be set: %s", err_text(-errno));
}

static void slots_park(struct vfio *vfio)
{
	if (!vfio->standing && vfio->to.park)
		vfio->to.park(vfio->to.machine);
}

static void slots_unpark(struct vfio *vfio)
{
	if (!vfio->standing && vfio->to.unpark)
		vfio->to.unpark(vfio->to.machine);
}

void vfio_slots_take_off(struct vfio_entry *entry)
{
	if (!entry->pci)
		return;
	if (entry->pci->on_bus)
		pci_port_remove(entry->slot->port, &entry->pci->device);
	entry->pci->on_bus = false;
	vfio_pci_destroy(entry->pci);
	entry->pci = NULL;
}

/*
 * Closed before they leave their bus: the guest does not stand for what takes long, nor for what it
 * never saw.
 */
static void slots_take_all_off(struct vfio_slot *slot)
{
	struct vfio_entry *entry;

	if (slot->shown)
		slots_park(slot->vfio);
	for (size_t i = 0; (entry = slots_next(slot, &i));)
		vfio_slots_take_off(entry);
	if (slot->shown)
		slots_unpark(slot->vfio);
	slot->shown = false;
}

/* Whoever waits for it hears of it. */
static void slots_tell_end(struct vfio_entry *entry)
{
	struct err *refusal = &entry->refusal;
	bool came = !entry->done;

	if (!came) {
		if (!refusal->code)
			err_set(refusal, -ECANCELED,
				"passthrough device %s: it was taken back before the guest had it",
				vfio_entry_name(entry));
		entry->done(entry->owner, refusal);
	}
	if (came || entry->asked)
		vfio_tell(entry, VFIO_REMOVED);
}

static void slots_forget(const struct vfio_slot *slot)
{
	struct vfio_entry *entry;

	for (size_t i = 0; (entry = slots_next(slot, &i));) {
		if (vfio_comeback_begin(entry))
			continue;
		log_info(entry->done ? "passthrough device %s: it does not come into slot%u"
				     : "passthrough device %s: slot%u has it no longer",
			 vfio_entry_name(entry), slot->number);
		vfio_entry_remove(entry);
		slots_tell_end(entry);
		vfio_entry_free(entry);
		i--;
	}
}

/* Whether it is behind its port, and nobody is at work with it but resets. */
static bool slots_is_in(const struct vfio_entry *entry)
{
	return entry->stage == VFIO_COMES || entry->stage == VFIO_THERE;
}

/* All end for the guest before the first is reset, which may be by a bus they share. */
static bool slots_retire(const struct vfio_slot *slot)
{
	struct vfio_entry *entry;
	bool ready = true;

	for (size_t i = 0; (entry = slots_next(slot, &i));)
		ready = (!slots_is_in(entry) || vfio_pci_retire(entry->pci)) && ready;
	for (size_t i = 0; ready && (entry = slots_next(slot, &i));)
		ready = !slots_is_in(entry) || vfio_pci_clean(entry->pci);
	return ready;
}

/* Whether the host has all again. One that waits to be opened is not. */
static bool slots_close(const struct vfio_slot *slot)
{
	struct vfio_entry *entry;
	bool closed = true;

	for (size_t i = 0; (entry = slots_next(slot, &i));) {
		if (slots_is_in(entry))
			vfio_steps_leave(entry);
		else if (entry->stage == VFIO_QUEUED &&
			 vfio_worker_drop(&slot->vfio->worker, &entry->work))
			entry->stage = VFIO_CLOSED;
		else if (entry->stage == VFIO_AWAY && vfio_comeback_end(entry))
			entry->stage = VFIO_CLOSED;
		closed = closed && entry->stage == VFIO_CLOSED;
	}
	return closed;
}

/* All that is in it is out of the guest's reach: it goes as far as it can. */
static void slots_continue(struct vfio_slot *slot)
{
	if (!slots_retire(slot) || !slots_close(slot))
		return;
	slots_take_all_off(slot);
	slot->removal = VFIO_STAYS;
	slots_forget(slot);
}

void vfio_slot_empty(struct vfio_slot *slot)
{
	const struct vfio_attach *to = &slot->vfio->to;

	slot->removal = VFIO_GOES;
	slot->settled = 0;
	slots_set_timer(slot->vfio);
	pci_port_eject(slot->port);
	if (to->wake)
		to->wake(to->machine);
	slots_continue(slot);
}

static void slots_press(struct vfio_slot *slot, const struct pci_slot_state *state)
{
	slot->noticed = false;
	slot->settled = 0;
	slot->switched_off = state->switched_off;
	pci_port_press(slot->port);
	log_info("slot%u: the guest is asked to let go of what is in it", slot->number);
}

/* @forced: whatever the guest says to that; one that has cancelled is asked again. */
static void slots_ask(struct vfio_slot *slot, unsigned int timeout_ms, bool forced)
{
	struct pci_slot_state state = pci_port_slot(slot->port);

	if (slot->removal == VFIO_GOES)
		return;
	if (!state.present || !state.powered || timeout_ms == 0) {
		vfio_slot_empty(slot);
		return;
	}
	slot->forced = forced || (slot->removal == VFIO_ASKED && slot->forced);
	if (slot->removal == VFIO_STAYS)
		slot->deadline = slot->host_deadline = INT64_MAX;
	if (forced)
		slot->host_deadline =
			slots_earlier(clock_now_ms() + timeout_ms, slot->host_deadline);
	else
		slot->deadline = slots_earlier(slots_now(slot->vfio) + timeout_ms, slot->deadline);
	if (slot->removal == VFIO_STAYS || (forced && slot->noticed && !state.blinking))
		slots_press(slot, &state);
	slot->removal = VFIO_ASKED;
	slots_set_timer(slot->vfio);
}

static void slots_refused(struct vfio_slot *slot)
{
	struct vfio_entry *entry;

	slot->removal = VFIO_STAYS;
	for (size_t i = 0; (entry = slots_next(slot, &i));) {
		if (!entry->asked)
			continue;
		entry->asked = false;
		log_warn("passthrough device %s: the guest keeps it: it cancelled its removal",
			 entry->sysfs.address);
		vfio_tell(entry, VFIO_REMOVAL_REFUSED);
	}
}

/* What the guest has made of it by now. */
static void slots_look(struct vfio_slot *slot)
{
	struct pci_slot_state state = pci_port_slot(slot->port);

	if (!state.powered || state.switched_off != slot->switched_off) {
		vfio_slot_empty(slot);
		return;
	}
	if (state.blinking) {
		slot->noticed = true;
		slot->settled = 0;
	} else if (slot->noticed && !slot->forced && !slot->settled) {
		slot->settled = slots_now(slot->vfio) + CANCEL_MS;
	}
	slots_set_timer(slot->vfio);
}

void vfio_slots_changed(struct vfio *vfio)
{
	for (size_t i = 0; i < vfio->slot_count; i++)
		if (vfio->slots[i].removal == VFIO_ASKED)
			slots_look(&vfio->slots[i]);
}

static void slots_expire(struct vfio_slot *slot)
{
	int64_t now = slots_now(slot->vfio);

	if (slot->deadline <= now || slot->host_deadline <= clock_now_ms()) {
		log_warn("slot%u: the guest has not let go of what is in it: it is told that it is "
			 "gone",
			 slot->number);
		vfio_slot_empty(slot);
	} else if (slot->settled && slot->settled <= now) {
		slots_refused(slot);
	}
}

void vfio_stand(struct vfio *vfio, bool stands)
{
	if (stands == (vfio->stands_since != 0))
		return;
	if (!stands)
		vfio->stood_ms += clock_now_ms() - vfio->stands_since;
	vfio->stands_since = stands ? clock_now_ms() : 0;
	if (vfio->timer >= 0)
		slots_set_timer(vfio);
}

static void slots_on_timer(void *owner, uint32_t events)
{
	struct vfio *vfio = owner;

	(void)events;
	if (!fd_take(vfio->timer))
		return;
	for (size_t i = 0; i < vfio->slot_count; i++)
		if (vfio->slots[i].removal == VFIO_ASKED)
			slots_expire(&vfio->slots[i]);
	slots_set_timer(vfio);
}

/*
 * One that was found lost may have come back since, by a reset of the machine or another one of the
 * guest's; of one that is being reset its end tells.
 */
static bool slots_came_back(struct vfio_pci *pci)
{
	bool back;

	pci_host_lock(&pci->device);
	back = pci->state == VFIO_PCI_RESETTING ||
	       (pci->state == VFIO_PCI_ALIVE && vfio_pci_responds(pci));
	pci_host_unlock(&pci->device);
	return back;
}

/* Those that were found lost are told of, each once; whether there are any. */
static bool slots_tell_lost(const struct vfio_slot *slot)
{
	struct vfio_entry *entry;
	bool lost = false;

	for (size_t i = 0; (entry = slots_next(slot, &i));) {
		if (!entry->lost)
			continue;
		entry->lost = false;
		if (slots_came_back(entry->pci)) {
			log_info("passthrough device %s: it answers again, or is reset again: it "
				 "stays",
				 entry->sysfs.address);
			continue;
		}
		lost = true;
		entry->returns = entry->options.reconnect_ms > 0;
		if (!entry->done)
			vfio_tell(entry, VFIO_LOST);
	}
	return lost;
}

/* What was left for later. */
static void slots_settle(struct vfio_slot *slot)
{
	bool lost = slots_tell_lost(slot);

	if (slot->removal == VFIO_GOES)
		slots_continue(slot);
	else if (lost)
		vfio_slot_empty(slot);
}

void vfio_slots_settle(struct vfio *vfio)
{
	for (size_t i = 0; i < vfio->slot_count; i++)
		slots_settle(&vfio->slots[i]);
}

void vfio_slots_lost(struct vfio_entry *entry)
{
	entry->lost = true;
	vfio_wake_up(entry->vfio);
}

void vfio_slots_wanted(struct vfio_entry *entry)
{
	if (vfio_pci_is_there(entry->pci))
		slots_ask(entry->slot, HOST_TIMEOUT_MS, true);
	else
		vfio_slots_lost(entry);
}

static struct vfio_entry *slots_find(const struct vfio *vfio, const char *id)
{
	struct vfio_entry *found = NULL;

	/* One that was given back from the root bus may have come again. */
	for (size_t i = 0; i < vfio->count; i++) {
		struct vfio_entry *entry = vfio->entries[i];

		if ((strcmp(vfio_entry_id(entry), id) == 0 ||
		     strcmp(entry->sysfs.address, id) == 0) &&
		    (!found || entry->stage != VFIO_CLOSED))
			found = entry;
	}
	return found;
}

int vfio_unplug(struct vfio *vfio, const char *id, unsigned int timeout_ms, struct err *err)
{
	struct vfio_entry *entry = slots_find(vfio, id);

	if (!entry)
		return err_set(err, -ENOENT, "device %s: the guest has none of that id", id);
	if (!entry->slot)
		return err_set(err, -EOPNOTSUPP,
			       "device %s: it is on the root bus, where none can be removed: only "
			       "one behind a port can, see --vfio PATH,port and --hotplug",
			       id);
	if (entry->slot->removal == VFIO_GOES || (entry->asked && timeout_ms > 0))
		return err_set(err, -EBUSY, "device %s: its removal is under way", id);
	entry->asked = true;
	slots_ask(entry->slot, timeout_ms, false);
	return 0;
}

void vfio_restart(struct vfio *vfio)
{
	vfio->standing = true;
	for (size_t i = 0; i < vfio->slot_count; i++) {
		slots_settle(&vfio->slots[i]);
		if (vfio->slots[i].removal == VFIO_ASKED)
			vfio_slot_empty(&vfio->slots[i]);
	}
	vfio->standing = false;
}

struct vfio_slot *vfio_slots_add(struct vfio *vfio, struct pci_port *port)
{
	struct vfio_slot *slot = &vfio->slots[vfio->slot_count++];

	*slot = (struct vfio_slot){
		.vfio = vfio,
		.port = port,
		.number = pci_port_number(port),
	};
	return slot;
}

int vfio_slots_open(struct vfio *vfio, size_t count, struct err *err)
{
	if (count == 0)
		return 0;
	vfio->slots = calloc(count, sizeof(*vfio->slots));
	if (!vfio->slots)
		return err_set(err, -ENOMEM, "slots for devices: out of memory");
	vfio->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (vfio->timer < 0)
		return err_set(err, -errno, "slots for devices: no descriptor for their timer: %s",
			       err_text(-errno));
	if (loop_add(vfio->to.loop, vfio->timer, EPOLLIN, slots_on_timer, vfio, err))
		return err_prefix(err, "slots for devices");
	return 0;
}

void vfio_slots_close(struct vfio *vfio)
{
	if (vfio->to.loop)
		loop_remove(vfio->to.loop, vfio->timer);
	fd_close(&vfio->timer);
	free(vfio->slots);
}

size_t vfio_slot_count(const struct vfio *vfio)
{
	return vfio->slot_count;
}

bool vfio_get_slot(struct vfio *vfio, size_t index, struct vfio_slot_status *status)
{
	struct pci_slot_state state;
	size_t at = 0;

	if (index >= vfio->slot_count)
		return false;
	state = pci_port_slot(vfio->slots[index].port);
	*status = (struct vfio_slot_status){
		.number = vfio->slots[index].number,
		.taken = slots_next(&vfio->slots[index], &at),
		.present = state.present,
		.powered = state.powered,
	};
	return true;
}
