/* SPDX-License-Identifier: BSD-3-Clause */
/* How a device comes while the guest runs: refused, with all taken back, or all the way in. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/vfio_private.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"

/*
 * The guest does not see a device before all RAM is mapped for it: it lies behind a port whose slot
 * is empty. How it gets there is drawn in vfio_private.h.
 */

/* What it needs beside its vectors, with some to spare. */
enum { PLUG_DESCRIPTORS = 24 };

/* "slot3" or "slot3.1". */
static int plug_parse_slot(const char *name, unsigned int *number, unsigned int *function)
{
	char rest;
	int fields = sscanf(name, "slot%3u.%1u%c", number, function, &rest);
	char again[VFIO_SLOT_NAME];

	if (fields == 1) {
		*function = 0;
		snprintf(again, sizeof(again), "slot%u", *number);
	} else if (fields == 2) {
		snprintf(again, sizeof(again), "slot%u.%u", *number, *function);
	} else {
		return -EINVAL;
	}
	return strcmp(again, name) == 0 && *function < 8 ? 0 : -EINVAL;
}

/* Who is in @slot at @function, as far as that is asked (-1: at any). */
static const struct vfio_entry *plug_find_tenant(const struct vfio_slot *slot, int function)
{
	const struct vfio *vfio = slot->vfio;

	for (size_t i = 0; i < vfio->count; i++) {
		const struct vfio_entry *entry = vfio->entries[i];

		if (entry->slot == slot &&
		    (function < 0 || entry->function == (unsigned int)function))
			return entry;
	}
	return NULL;
}

/* A function can be put beside others until the guest has seen these. */
static int plug_check_slot(const struct vfio_slot *slot, const struct vfio_entry *entry,
			   struct err *err)
{
	const struct vfio_entry *tenant = plug_find_tenant(slot, -1);

	if (!tenant)
		return 0;
	if (slot->removal != VFIO_STAYS)
		return err_set(err, -EBUSY,
			       "passthrough device %s: slot%u: %s is about to leave it: try again "
			       "later",
			       entry->options.path, slot->number, vfio_entry_name(tenant));
	if (!vfio_slot_is_shown(slot))
		tenant = plug_find_tenant(slot, (int)entry->function);
	if (!tenant)
		return 0;
	return err_set(err, -EBUSY,
		       "passthrough device %s: slot%u: %s is in it: remove that first, or choose "
		       "another",
		       entry->options.path, slot->number, vfio_entry_name(tenant));
}

static int plug_find_slot(struct vfio_entry *entry, const char *name, struct err *err)
{
	struct vfio *vfio = entry->vfio;
	unsigned int number;

	if (plug_parse_slot(name, &number, &entry->function))
		return err_set(
			err, -EINVAL,
			"passthrough device %s: %s: no slot's name: it is as slot3, or slot3.1 "
			"for another function there",
			entry->options.path, name);
	for (size_t i = 0; i < vfio->slot_count; i++)
		if (vfio->slots[i].number == number)
			entry->slot = &vfio->slots[i];
	if (entry->slot)
		return plug_check_slot(entry->slot, entry, err);
	return err_set(err, -ENODEV,
		       "passthrough device %s: slot%u: there is no such slot: they are slot%u to "
		       "slot%u",
		       entry->options.path, number, vfio->slots[0].number,
		       vfio->slots[vfio->slot_count - 1].number);
}

/* The lowest empty one behind the one that it was to have; whether there is any. */
static bool plug_next_slot(struct vfio_entry *entry)
{
	struct vfio *vfio = entry->vfio;
	size_t first = entry->slot ? (size_t)(entry->slot - vfio->slots) + 1 : 0;

	for (size_t i = first; i < vfio->slot_count; i++) {
		if (plug_find_tenant(&vfio->slots[i], -1))
			continue;
		entry->slot = &vfio->slots[i];
		return true;
	}
	return false;
}

static int plug_choose_slot(struct vfio_entry *entry, const char *name, struct err *err)
{
	struct vfio *vfio = entry->vfio;

	if (vfio->slot_count == 0)
		return err_set(err, -ENOSPC,
			       "passthrough device %s: the guest has no slots: start it with "
			       "--hotplug N",
			       entry->options.path);
	if (name)
		return plug_find_slot(entry, name, err);
	entry->anywhere = true;
	if (plug_next_slot(entry))
		return 0;
	return err_set(
		err, -ENOSPC,
		"passthrough device %s: no slot is free: remove a device first, or start the "
		"guest with more (--hotplug N)",
		entry->options.path);
}

/* Its traces would run into each other. */
static int plug_check_trace(const struct vfio_entry *entry, struct err *err)
{
	const struct vfio *vfio = entry->vfio;
	const char *trace = entry->options.trace;

	for (size_t i = 0; i < vfio->count && trace; i++) {
		const struct vfio_entry *other = vfio->entries[i];

		if (other->stage != VFIO_CLOSED && other->options.trace &&
		    strcmp(other->options.trace, trace) == 0)
			return err_set(err, -EEXIST,
				       "passthrough device %s: trace=%s: it is the trace of %s: "
				       "choose another file",
				       entry->options.path, trace, vfio_entry_name(other));
	}
	return 0;
}

static int plug_check_descriptors(const struct vfio_entry *entry, struct err *err)
{
	int rc = fd_check_room(PLUG_DESCRIPTORS);

	if (!rc)
		return 0;
	return err_set(
		err, rc,
		"passthrough device %s: too few descriptors are left for it: start the guest "
		"with a higher limit (ulimit -Hn), or remove a device first",
		entry->options.path);
}

/* What can be told without the host's devices. */
static int plug_check(struct vfio_entry *entry, const char *slot, struct err *err)
{
	int rc = plug_choose_slot(entry, slot, err);

	if (!rc)
		rc = plug_check_trace(entry, err);
	return rc ? rc : plug_check_descriptors(entry, err);
}

/* The first address of [@at, @end) that no range has; @end: all have one. */
static uint64_t plug_find_unusable(const struct vfio_space *space, uint64_t at, uint64_t end)
{
	for (size_t i = 0; i < space->range_count && at < end; i++) {
		const struct ram_range *range = &space->ranges[i];

		if (at >= range->base && at - range->base < range->size)
			at = range->size > end - range->base ? end : range->base + range->size;
	}
	return at < end ? at : end;
}

/* RAM was laid out before the device came. */
static int plug_check_ranges(const struct vfio_entry *entry, struct err *err)
{
	const struct vfio *vfio = entry->vfio;
	const struct vfio_space *space = entry->family->provider->space;

	for (size_t i = 0; i < ram_piece_count(vfio->ram) && space->range_count > 0; i++) {
		const struct mem_region *piece = ram_piece(vfio->ram, i);
		uint64_t end = piece->base + piece->size;
		uint64_t at = plug_find_unusable(space, piece->base, end);

		if (at < end)
			return err_set(err, -ERANGE,
				       "passthrough device %s: guest RAM at 0x%" PRIx64
				       " is where its IOMMU maps nothing: start the guest with the "
				       "device, so that its RAM is laid out around that",
				       entry->sysfs.address, at);
	}
	return 0;
}

/* The kinds that what sysfs tells are of, each as large as it is placed. */
static struct pci_bar plug_bar(const struct vfio_entry *entry, unsigned int index)
{
	const struct vfio_resource *resource = &entry->sysfs.resources[index];
	uint64_t size = vfio_place_size(entry, index);
	struct pci_bar bar = {.prefetchable = resource->prefetchable, .size = size};

	if (size == 0)
		return bar;
	bar.size = round_up_power_of_2(size);
	bar.kind = index == PCI_ROM_BAR ? PCI_BAR_ROM
		   : resource->io       ? PCI_BAR_IO
		   : resource->wide     ? PCI_BAR_MEM64
					: PCI_BAR_MEM32;
	return bar;
}

/* By a function with the device's BARs and nothing else. */
static int plug_check_room(struct vfio_entry *entry, struct err *err)
{
	static const struct pci_device_ops none = {0};
	struct pci_device *shape = calloc(1, sizeof(*shape));
	int rc;

	if (!shape)
		return err_set(err, -ENOMEM, "passthrough device %s: out of memory",
			       entry->sysfs.address);
	pci_device_init(shape, &none, PCI_CONFIG_SIZE, entry->sysfs.address);
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++)
		shape->bars[i] = plug_bar(entry, i);
	do
		rc = pci_port_check_room(entry->slot->port, shape, err);
	while (rc && entry->anywhere && plug_next_slot(entry));
	if (!rc)
		err->code = 0;
	pci_device_release(shape);
	free(shape);
	return rc;
}

static bool plug_ram_is_pinned(const struct vfio_family *family)
{
	return vfio_dma_mapped(&family->dma) || family->dma.running;
}

/* The first device has all RAM pinned. */
static int plug_check_memory(struct vfio_family *family, struct err *err)
{
	struct vfio *vfio = family->vfio;
	int rc;

	if (family->provider->space->ops->unpinned || plug_ram_is_pinned(family))
		return 0;
	vfio->ram_size = ram_total(vfio->ram);
	rc = vfio_family_check_memlock(family, vfio->ram_size, err);
	return rc || !vfio->to.check_memory ? rc : vfio->to.check_memory(vfio->to.machine, err);
}

/* It is refused, or its slot is emptied: all is taken back at once. Nobody has used it. */
static bool plug_take_back(struct vfio_entry *entry, const struct err *err)
{
	if (err->code)
		entry->refusal = *err;
	if (err->code == -EACCES && entry->vfio->settings.sealed)
		err_set(&entry->refusal, err->code,
			"passthrough device %s: a run opens nothing by name once its guest runs: "
			"add it with ferry ctl add, which does, or pass descriptors with getfd",
			entry->options.path);
	if (entry->pci && vfio_pci_retire(entry->pci))
		vfio_pci_unwatch(entry->pci);
	return vfio_steps_close(entry);
}

static bool plug_go_on(struct vfio_entry *entry, enum vfio_stage stage)
{
	vfio_entry_lend(entry);
	entry->stage = stage;
	return true;
}

/* Whether it has joined and may be opened. */
static bool plug_joined(struct vfio_entry *entry, struct err *err)
{
	*err = entry->hold.err;
	return !err->code && !vfio_entry_check_new(entry, err) &&
	       !(entry->sysfs.is_pci && plug_check_room(entry, err)) &&
	       !plug_check_ranges(entry, err) && !plug_check_memory(entry->family, err);
}

/* Ranges and sizes may be those of open devices alone. */
static bool plug_opened(struct vfio_entry *entry, struct err *err)
{
	*err = entry->hold.err;
	return !err->code && !plug_check_ranges(entry, err) &&
	       !(vfio_sysfs_is_silent(&entry->sysfs) && plug_check_room(entry, err));
}

/* Nobody else has joined what turned out to be no way: it goes with this device. */
static bool plug_change_way(struct vfio_entry *entry)
{
	entry->family->unfit = entry->family->provider->ops;
	entry->why = entry->hold.err;
	log_info("%s", entry->why.text);
	vfio_entry_begin_leave(entry);
	entry->stage = VFIO_CHANGES;
	return true;
}

static bool plug_begin(struct vfio_entry *entry)
{
	struct err err = {0};

	return vfio_entry_provide(entry, &err) ? plug_take_back(entry, &err)
					       : plug_go_on(entry, VFIO_JOINS);
}

/* Behind its port, unseen. */
static bool plug_attach(struct vfio_entry *entry)
{
	struct err err = {0};

	if (vfio_pci_attach_below(entry->pci, entry->slot->port, entry->function, &err))
		return plug_take_back(entry, &err);
	entry->stage = VFIO_COMES;
	vfio_plug_advance(entry->vfio);
	return false;
}

static bool plug_find_reset(struct vfio_entry *entry)
{
	vfio_reset_prepare(entry->pci, VFIO_RESET_START);
	return entry->pci->reset.bus ? plug_go_on(entry, VFIO_RESETS) : plug_attach(entry);
}

static bool plug_was_reset(struct vfio_entry *entry)
{
	vfio_reset_settle(entry->pci);
	return entry->hold.err.code ? plug_take_back(entry, &entry->hold.err) : plug_attach(entry);
}

bool vfio_plug_step(struct vfio_entry *entry)
{
	struct err err = {0};

	if (entry->slot->removal == VFIO_GOES)
		return plug_take_back(entry, &err);
	switch (entry->stage) {
	case VFIO_JOINS:
		return plug_joined(entry, &err) ? plug_go_on(entry, VFIO_OPENS)
						: plug_take_back(entry, &err);
	case VFIO_OPENS:
		if (entry->hold.no_way && vfio_may_change_way(entry->family))
			return plug_change_way(entry);
		return plug_opened(entry, &err) ? plug_find_reset(entry)
						: plug_take_back(entry, &err);
	case VFIO_RESETS:
		return plug_was_reset(entry);
	default:
		return plug_begin(entry);
	}
}

/* It never was where anybody could see it. */
void vfio_plug_refused(struct vfio_entry *entry)
{
	vfio_added done = entry->done;

	if (entry->why.code)
		log_warn("%s", entry->why.text);
	vfio_slots_take_off(entry);
	if (vfio_comeback_begin(entry))
		return;
	vfio_entry_remove(entry);
	done(entry->owner, &entry->refusal);
	vfio_entry_free(entry);
}

void vfio_plug(struct vfio *vfio, const struct vfio_device_config *config, const char *slot,
	       vfio_added done, void *owner)
{
	struct vfio_device_config copy = *config;
	struct err err = {0};
	struct vfio_entry *entry;

	copy.port = true;
	entry = vfio_entry_create(vfio, &copy, &err);
	if (!entry || plug_check(entry, slot, &err) || vfio_entry_append(entry, &err)) {
		vfio_entry_free(entry);
		done(owner, &err);
		return;
	}
	entry->done = done;
	entry->owner = owner;
	vfio_steps_come(entry);
}

static struct vfio_entry *plug_next_coming(const struct vfio_family *family, size_t *at)
{
	const struct vfio *vfio = family->vfio;

	while (*at < vfio->count) {
		struct vfio_entry *entry = vfio->entries[(*at)++];

		if (entry->family == family && entry->stage == VFIO_COMES &&
		    entry->slot->removal == VFIO_STAYS)
			return entry;
	}
	return NULL;
}

/* Whether a thread is at work that has yet to say how it ended. */
static bool plug_is_mapping(struct vfio_family *family)
{
	if (family->dma.running && !atomic_load(&family->map_ended))
		return true;
	vfio_dma_join(&family->dma);
	return false;
}

/* Whether all RAM is mapped for it, and nobody is at work on that. */
static bool plug_is_mapped(const struct vfio_entry *entry)
{
	return !plug_is_mapping(entry->family) && vfio_dma_mapped(&entry->family->dma);
}

static struct vfio_entry *plug_next_mapped(const struct vfio *vfio, size_t *at)
{
	while (*at < vfio->count) {
		struct vfio_entry *entry = vfio->entries[(*at)++];

		if (entry->stage == VFIO_COMES && entry->slot->removal == VFIO_STAYS &&
		    plug_is_mapped(entry))
			return entry;
	}
	return NULL;
}

/* All of them that come have the same reason not to. */
static void plug_refuse_all(const struct vfio_family *family, const struct err *why)
{
	struct vfio_entry *entry;

	for (size_t i = 0; (entry = plug_next_coming(family, &i));) {
		entry->refusal = *why;
		err_prefix(&entry->refusal, "passthrough device %s", entry->sysfs.address);
	}
	for (size_t i = 0; (entry = plug_next_coming(family, &i)); i = 0)
		vfio_slot_empty(entry->slot);
}

/* Those are there for the guest from now on that came before function 0 did. */
static void plug_tell_shown(const struct vfio_slot *slot, const struct vfio_entry *first)
{
	const struct vfio *vfio = slot->vfio;

	for (size_t i = 0; i < vfio->count; i++)
		if (vfio->entries[i]->slot == slot && vfio->entries[i] != first &&
		    !vfio->entries[i]->done)
			vfio_tell(vfio->entries[i], VFIO_ADDED);
}

static void plug_accept(struct vfio_entry *entry)
{
	struct pci_link link = vfio_pci_link(entry->pci);
	vfio_added done = entry->done;

	entry->done = NULL;
	entry->returns = false;
	entry->stage = VFIO_THERE;
	if (entry->function == 0) {
		entry->slot->shown = true;
		pci_port_insert(entry->slot->port, &link);
	}
	log_info("passthrough device %s: it is in slot%u%s", entry->sysfs.address,
		 entry->slot->number,
		 entry->function == 0 ? "" : ", where the guest finds it with function 0");
	done(entry->owner, NULL);
	if (vfio_slot_is_shown(entry->slot))
		vfio_tell(entry, VFIO_ADDED);
	if (entry->function == 0)
		plug_tell_shown(entry->slot, entry);
}

/* Whether another that was asked for is still on its way into the slot of @entry. */
static bool plug_has_late_neighbour(const struct vfio_entry *entry)
{
	const struct vfio *vfio = entry->vfio;
	bool late = false;

	for (size_t i = 0; i < vfio->count; i++) {
		const struct vfio_entry *other = vfio->entries[i];

		late = late || (other->slot == entry->slot &&
				(other->stage < VFIO_COMES ||
				 (other->stage == VFIO_COMES && !plug_is_mapped(other))));
	}
	return late;
}

/* Function 0 last, which has the guest look, once. */
static void plug_accept_all(struct vfio *vfio)
{
	struct vfio_entry *entry;

	for (size_t i = 0; (entry = plug_next_mapped(vfio, &i));)
		if (entry->function != 0)
			plug_accept(entry);
	for (size_t i = 0; (entry = plug_next_mapped(vfio, &i));)
		if (!plug_has_late_neighbour(entry))
			plug_accept(entry);
}

/* For the first device, unless that was done. */
static void plug_start_mapping(struct vfio_family *family, struct err *err)
{
	if (vfio_dma_mapped(&family->dma))
		return;
	family->awaited = false;
	(void)!vfio_start_mapper(family, err);
}

/* Those of its devices that come have RAM mapped, or are refused. */
static void plug_advance(struct vfio_family *family)
{
	struct err err;
	size_t first = 0;

	if (!plug_next_coming(family, &first) || plug_is_mapping(family))
		return;
	err = family->unmapped;
	family->unmapped.code = 0;
	if (!err.code)
		plug_start_mapping(family, &err);
	if (err.code)
		plug_refuse_all(family, &err);
}

void vfio_plug_advance(struct vfio *vfio)
{
	struct vfio_family *family;

	if (vfio_worker_is_busy(&vfio->worker))
		return;
	for (family = vfio->families; family < vfio->families + VFIO_KINDS; family++)
		plug_advance(family);
	plug_accept_all(vfio);
}

void vfio_plug_cancel(struct vfio *vfio)
{
	for (size_t i = 0; i < vfio->count; i++) {
		struct vfio_entry *entry = vfio->entries[i];
		vfio_added done = entry->done;

		entry->done = NULL;
		if (!done)
			continue;
		err_set(&entry->refusal, -ECANCELED,
			"passthrough device %s: the run ended before the guest had it",
			vfio_entry_name(entry));
		done(entry->owner, &entry->refusal);
	}
}
