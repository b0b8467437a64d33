/* SPDX-License-Identifier: BSD-3-Clause */
/* What a function asks of who keeps it: a reset of its bus that spares the others, its release. */

#include <errno.h>

#include "vfio/bus_reset.h"
#include "vfio/host/claim.h"
#include "vfio/vfio_private.h"
#include "vmm/base/log.h"

/* Whether the guest is at work with it. No lock held. */
static bool keeper_is_in_use(struct vfio_pci *pci)
{
	bool used;

	if (!pci->on_bus)
		return false;
	pci_host_lock(&pci->device);
	used = pci->state == VFIO_PCI_ALIVE && pci->used;
	pci_host_unlock(&pci->device);
	return used;
}

static const struct vfio_entry *keeper_find_user(const struct vfio *vfio,
						 const struct vfio_pci *pci,
						 const struct vfio_bus_reset *reset)
{
	for (size_t i = 0; i < vfio->count; i++) {
		const struct vfio_entry *other = vfio->entries[i];

		if (other->pci && other->pci != pci &&
		    vfio_bus_reset_hits(reset, other->sysfs.address) &&
		    keeper_is_in_use(other->pci))
			return other;
	}
	return NULL;
}

static int keeper_check_spares(const struct vfio_entry *entry, const struct vfio_pci *pci,
			       const struct vfio_bus_reset *reset, struct err *err)
{
	const struct vfio_entry *user = keeper_find_user(entry->vfio, pci, reset);

	if (!user)
		return 0;
	return err_set(err, -EBUSY,
		       "passthrough device %s: its bus is not reset: %s is on it, which the guest "
		       "uses",
		       entry->sysfs.address, user->sysfs.address);
}

/* Of one that is open here: it has no driver while the kernel waits for it, and asks for it. */
static bool keeper_host_takes(const struct vfio_entry *entry)
{
	char driver[VFIO_DRIVER_SIZE];

	return entry->sysfs.is_pci && entry->lease &&
	       vfio_sysfs_link(entry->sysfs.path, "driver", driver, sizeof(driver)) == -ENOENT;
}

/* The kernel refuses then: it holds that one's lock. */
static int keeper_check_stay(const struct vfio_entry *entry, const struct vfio_bus_reset *reset,
			     struct err *err)
{
	const struct vfio *vfio = entry->vfio;

	for (size_t i = 0; i < vfio->count; i++) {
		const char *address = vfio->entries[i]->sysfs.address;

		if (vfio_bus_reset_hits(reset, address) && keeper_host_takes(vfio->entries[i]))
			return err_set(err, -EBUSY,
				       "passthrough device %s: its bus is not reset: the host "
				       "takes %s back",
				       entry->sysfs.address, address);
	}
	return 0;
}

static struct vfio_bus_reset *keeper_bus_reset(void *keeper, struct vfio_pci *pci,
					       enum vfio_reset_cause cause, struct err *err)
{
	struct vfio_entry *entry = keeper;
	struct vfio *vfio = entry->vfio;
	struct vfio_bus_reset *reset = vfio_bus_reset_prepare(entry->family->provider, pci->backend,
							      entry->sysfs.address, err);

	if (reset && !keeper_check_stay(entry, reset, err) &&
	    !vfio_bus_reset_check_drivers(reset, vfio->sysfs, entry->sysfs.address, err) &&
	    (!vfio_reset_spares_others(cause) || !keeper_check_spares(entry, pci, reset, err)))
		return reset;
	vfio_bus_reset_free(reset);
	return NULL;
}

/* The guest may have begun to use one since it was found idle. */
static void keeper_spare(struct vfio_pci *pci, bool in_use_too)
{
	bool spared;

	if (pci->on_bus)
		pci_host_lock(&pci->device);
	spared = in_use_too || pci->state != VFIO_PCI_ALIVE || !pci->used;
	if (spared)
		pci->reset.spared = true;
	if (pci->on_bus)
		pci_host_unlock(&pci->device);
	if (!spared)
		log_warn("passthrough device %s: the reset of its bus has hit it as the guest "
			 "began to use it: its driver in the guest must be loaded anew",
			 pci->device.name);
}

static void keeper_bus_was_reset(void *keeper, const struct vfio_pci *pci,
				 const struct vfio_bus_reset *reset)
{
	const struct vfio_entry *entry = keeper;
	const struct vfio *vfio = entry->vfio;
	bool in_use_too = !vfio_reset_spares_others(pci->reset.cause);

	for (size_t i = 0; i < vfio->count; i++) {
		const struct vfio_entry *other = vfio->entries[i];

		if (other->pci && other->pci != pci &&
		    vfio_bus_reset_hits(reset, other->sysfs.address))
			keeper_spare(other->pci, in_use_too);
	}
}

/* On the root bus, where its function stays. Its place goes, so that nothing of it is held. */
static void keeper_let_go(struct vfio_entry *entry)
{
	if (entry->stage == VFIO_THERE)
		vfio_steps_leave(entry);
}

static void keeper_wanted(void *keeper, struct vfio_pci *pci)
{
	struct vfio_entry *entry = keeper;

	if (entry->slot) {
		vfio_slots_wanted(entry);
		return;
	}
	if (!vfio_pci_is_there(pci))
		vfio_pci_tell_lost(pci);
	if (vfio_pci_retire(pci))
		keeper_let_go(entry);
}

static void keeper_retired(void *keeper, struct vfio_pci *pci)
{
	struct vfio_entry *entry = keeper;

	if (entry->slot)
		vfio_wake_up(entry->vfio);
	else if (vfio_pci_retire(pci))
		keeper_let_go(entry);
}

static void keeper_lost(void *keeper, struct vfio_pci *pci)
{
	(void)pci;
	vfio_slots_lost(keeper);
}

static void keeper_tell(void *keeper, enum vfio_news_kind kind)
{
	vfio_tell(keeper, kind);
}

static void keeper_wake(void *keeper)
{
	const struct vfio_entry *entry = keeper;
	const struct vfio_attach *to = &entry->vfio->to;

	if (to->wake)
		to->wake(to->machine);
}

static int keeper_bar_is_held(void *keeper, unsigned int bar, struct err *err)
{
	const struct vfio_entry *entry = keeper;

	return vfio_claim_refuse(entry->vfio->proc, &entry->sysfs, bar, err);
}

const struct vfio_pci_keeper_ops vfio_keeper_ops = {
	.bus_reset = keeper_bus_reset,
	.bus_was_reset = keeper_bus_was_reset,
	.wanted = keeper_wanted,
	.retired = keeper_retired,
	.lost = keeper_lost,
	.tell = keeper_tell,
	.wake = keeper_wake,
	.bar_is_held = keeper_bar_is_held,
};
