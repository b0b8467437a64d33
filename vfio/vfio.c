/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything passed through to one VM, from the names given by the user to the last descriptor. */

#include "vfio/vfio.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/dma.h"
#include "vfio/host/claim.h"
#include "vfio/host/memlock.h"
#include "vfio/host/sysfs.h"
#include "vfio/kvm.h"
#include "vfio/pci/bus_reset.h"
#include "vfio/pci/measure.h"
#include "vfio/pci/pci.h"
#include "vfio/tell/describe.h"
#include "vfio/type1/group.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"

struct member {
	struct vfio_group *group;
	unsigned int number;
	bool known_to_kvm;
};

struct entry {
	struct vfio *vfio;
	struct vfio_sysfs_device sysfs;
	struct vfio_group *group; /* NULL once it was left */
	unsigned int number;      /* of the group */
	struct vfio_device_config options;
	struct vfio_rom rom;
	struct vfio_backend *backend; /* opened already, only to be measured; else NULL */
	struct vfio_pci *pci;         /* NULL again when the PCI host has destroyed it */
};

struct vfio {
	char *sysfs, *folder, *proc;
	struct vfio_container *container;
	struct member *groups;
	size_t group_count;
	struct entry **entries;
	size_t count;
	int kvm; /* KVM's VFIO device */
	struct vfio_dma dma;
	struct vfio_peers peers;
	void (*wake)(void *machine);
	void *machine;
};

struct vfio *vfio_create(const struct vfio_settings *settings, struct err *err)
{
	struct vfio *vfio = calloc(1, sizeof(*vfio));

	if (!vfio) {
		err_set(err, -ENOMEM, "passthrough: out of memory");
		return NULL;
	}
	vfio->kvm = -1;
	vfio->sysfs = strdup(settings && settings->sysfs ? settings->sysfs : "/sys");
	vfio->folder = strdup(settings && settings->dev_vfio ? settings->dev_vfio : "/dev/vfio");
	vfio->proc = strdup(settings && settings->proc ? settings->proc : "/proc");
	if (!vfio->sysfs || !vfio->folder || !vfio->proc) {
		err_set(err, -ENOMEM, "passthrough: out of memory");
		vfio_destroy(vfio);
		return NULL;
	}
	return vfio;
}

static struct vfio_group *vfio_group_of(const struct vfio *vfio, unsigned int number)
{
	for (size_t i = 0; i < vfio->group_count; i++)
		if (vfio->groups[i].number == number)
			return vfio->groups[i].group;
	return NULL;
}

/* Opens a group that no earlier device is in and lets it join the container. */
static struct vfio_group *vfio_add_group(struct vfio *vfio, unsigned int number, struct err *err)
{
	struct member *groups =
		realloc(vfio->groups, (vfio->group_count + 1) * sizeof(*vfio->groups));
	struct vfio_group *group;

	if (!groups) {
		err_set(err, -ENOMEM, "IOMMU group %u: out of memory", number);
		return NULL;
	}
	vfio->groups = groups;
	group = vfio_group_open(vfio->sysfs, vfio->folder, number, err);
	if (!group)
		return NULL;
	if (!vfio->container)
		vfio->container = vfio_container_open(vfio->folder, err);
	if (!vfio->container || vfio_group_join(group, vfio->container, err)) {
		vfio_group_close(group);
		return NULL;
	}
	groups[vfio->group_count++] = (struct member){.group = group, .number = number};
	return group;
}

static int vfio_add_entry(struct vfio *vfio, struct entry *entry, const char *path, struct err *err)
{
	struct entry **entries;
	int rc = vfio_sysfs_find(vfio->sysfs, path, &entry->sysfs, &entry->number, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < vfio->count; i++)
		if (strcmp(vfio->entries[i]->sysfs.address, entry->sysfs.address) == 0)
			return err_set(err, -EEXIST,
				       "passthrough device %s: it was given twice: name it once",
				       entry->sysfs.address);
	entries = realloc(vfio->entries, (vfio->count + 1) * sizeof(struct entry *));
	if (!entries)
		return err_set(err, -ENOMEM, "passthrough device %s: out of memory",
			       entry->sysfs.address);
	vfio->entries = entries;
	entry->group = vfio_group_of(vfio, entry->number);
	if (!entry->group)
		entry->group = vfio_add_group(vfio, entry->number, err);
	if (!entry->group) {
		err_prefix(err, "passthrough device %s", entry->sysfs.address);
		return err->code;
	}
	entry->vfio = vfio;
	entries[vfio->count++] = entry;
	return 0;
}

static int vfio_check_token(const struct vfio_device_config *config, struct err *err)
{
	if (!config->vf_token || vfio_sysfs_is_uuid(config->vf_token))
		return 0;
	return err_set(err, -EINVAL,
		       "passthrough device %s: vf-token=%s: not a UUID such as "
		       "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
		       config->path, config->vf_token);
}

int vfio_add(struct vfio *vfio, const struct vfio_device_config *config, struct err *err)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	int rc;

	if (!entry)
		return err_set(err, -ENOMEM, "passthrough device %s: out of memory", config->path);
	entry->options = *config;
	rc = vfio_check_token(config, err);
	if (!rc && config->rom)
		rc = vfio_rom_load(config->rom, &entry->rom, err);
	if (!rc)
		rc = vfio_add_entry(vfio, entry, config->path, err);
	if (rc) {
		vfio_rom_release(&entry->rom);
		free(entry);
	}
	return rc;
}

size_t vfio_iova_ranges(const struct vfio *vfio, struct ram_range *ranges, size_t room)
{
	const struct vfio_space *space;

	if (!vfio->container)
		return 0;
	space = vfio_container_space(vfio->container);
	return space->ops->ranges(space, ranges, room);
}

/* What BAR @bar takes of a window, with the ROM that the user chose. */
static uint64_t vfio_memory_size(const struct entry *entry, unsigned int bar)
{
	uint64_t size = entry->sysfs.resources[bar].size;

	if (bar == PCI_ROM_BAR && (entry->rom.host || entry->options.no_rom))
		size = entry->rom.size;
	return vfio_sysfs_room(size);
}

void vfio_window_sizes(const struct vfio *vfio, uint64_t *mmio32, uint64_t *mmio64)
{
	*mmio32 = *mmio64 = 0;
	for (size_t i = 0; i < vfio->count; i++)
		for (unsigned int bar = 0; bar < PCI_BAR_COUNT; bar++) {
			const struct vfio_resource *resource =
				&vfio->entries[i]->sysfs.resources[bar];

			if (!resource->io)
				*(resource->wide ? mmio64 : mmio32) +=
					vfio_memory_size(vfio->entries[i], bar);
		}
}

int vfio_check_memlock(struct vfio *vfio, uint64_t ram_size, struct err *err)
{
	return vfio->count ? vfio_memlock_ensure(ram_size, err) : 0;
}

static int vfio_tell_kvm(struct vfio *vfio, struct kvm_vm *vm, struct err *err)
{
	vfio->kvm = vfio_kvm_create(vm, err);
	if (vfio->kvm < 0)
		return vfio->kvm;
	for (size_t i = 0; i < vfio->group_count; i++) {
		struct member *member = &vfio->groups[i];
		int rc = vfio_kvm_add(vfio->kvm, vfio_group_descriptor(member->group),
				      member->number, err);

		if (rc)
			return rc;
		member->known_to_kvm = true;
	}
	return 0;
}

static struct vfio_backend *vfio_open_backend(const struct entry *entry, struct err *err)
{
	return vfio_group_open_device(entry->group, entry->sysfs.address, entry->options.vf_token,
				      err);
}

/*
 * The windows were sized by what sysfs told; the ROM, which VFIO may leave out, has room there too.
 */
static int vfio_check_sizes(const struct entry *entry, struct err *err)
{
	for (unsigned int bar = 0; bar < PCI_BARS; bar++) {
		uint64_t size = entry->pci->regions[bar].info.size;
		uint64_t told = entry->sysfs.resources[bar].size;

		if (size > told)
			return err_set(err, -ERANGE,
				       "passthrough device %s: BAR %u: VFIO says 0x%" PRIx64
				       " bytes, sysfs 0x%" PRIx64
				       ": it was changed meanwhile: start again",
				       entry->sysfs.address, bar, size, told);
	}
	return 0;
}

static int vfio_take_sizes(struct entry *entry, struct err *err)
{
	entry->backend = vfio_open_backend(entry, err);
	return entry->backend ? vfio_measure(entry->backend, entry->sysfs.address,
					     entry->sysfs.resources, err)
			      : err->code;
}

int vfio_prepare(struct vfio *vfio, struct kvm_vm *vm, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < vfio->count && !rc; i++) {
		if (vfio->entries[i]->sysfs.is_pci)
			continue;
		if (vfio->kvm < 0)
			rc = vfio_tell_kvm(vfio, vm, err);
		if (!rc)
			rc = vfio_take_sizes(vfio->entries[i], err);
	}
	return rc;
}

static int vfio_find_group_descriptor(void *owner, unsigned int number)
{
	const struct vfio *vfio = owner;
	const struct vfio_group *group = vfio_group_of(vfio, number);

	return group ? vfio_group_descriptor(group) : -ENOENT;
}

/* Whether the guest is at work with it. No lock held. */
static bool vfio_is_in_use(struct vfio_pci *pci)
{
	bool used;

	if (!pci->on_bus)
		return false;
	pci_host_lock(&pci->device);
	used = pci->state == VFIO_PCI_ALIVE && pci->used;
	pci_host_unlock(&pci->device);
	return used;
}

static const struct entry *find_user(const struct vfio *vfio, const struct vfio_pci *pci,
				     const struct vfio_bus_reset *reset)
{
	for (size_t i = 0; i < vfio->count; i++) {
		const struct entry *other = vfio->entries[i];

		if (other->pci && other->pci != pci &&
		    vfio_bus_reset_hits(reset, other->sysfs.address) && vfio_is_in_use(other->pci))
			return other;
	}
	return NULL;
}

static int vfio_check_spares(const struct entry *entry, const struct vfio_pci *pci,
			     const struct vfio_bus_reset *reset, struct err *err)
{
	const struct entry *user = find_user(entry->vfio, pci, reset);

	if (!user)
		return 0;
	return err_set(err, -EBUSY,
		       "passthrough device %s: its bus is not reset: %s is on it, which the guest "
		       "uses",
		       entry->sysfs.address, user->sysfs.address);
}

static struct vfio_bus_reset *vfio_keeper_bus_reset(void *keeper, struct vfio_pci *pci,
						    enum vfio_reset_cause cause, struct err *err)
{
	struct entry *entry = keeper;
	struct vfio_bus_reset *reset =
		vfio_bus_reset_prepare(pci->backend, entry->sysfs.address,
				       vfio_find_group_descriptor, entry->vfio, err);

	if (reset && !vfio_bus_reset_check(reset, entry->vfio->sysfs, entry->sysfs.address, err) &&
	    (!vfio_reset_spares_others(cause) || !vfio_check_spares(entry, pci, reset, err)))
		return reset;
	vfio_bus_reset_free(reset);
	return NULL;
}

/* The guest may have begun to use one since it was found idle. */
static void vfio_spare(struct vfio_pci *pci, bool in_use_too)
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

static void vfio_keeper_bus_was_reset(void *keeper, const struct vfio_pci *pci,
				      const struct vfio_bus_reset *reset)
{
	const struct entry *entry = keeper;
	const struct vfio *vfio = entry->vfio;
	bool in_use_too = !vfio_reset_spares_others(pci->reset.cause);

	for (size_t i = 0; i < vfio->count; i++) {
		const struct entry *other = vfio->entries[i];

		if (other->pci && other->pci != pci &&
		    vfio_bus_reset_hits(reset, other->sysfs.address))
			vfio_spare(other->pci, in_use_too);
	}
}

static void vfio_leave_group(struct vfio *vfio, struct member *member)
{
	if (member->known_to_kvm)
		vfio_kvm_del(vfio->kvm, vfio_group_descriptor(member->group), member->number);
	vfio_group_close(member->group);
	*member = vfio->groups[--vfio->group_count];
}

/* With its last device a group goes too, so that nothing of it is held from the host. */
static void vfio_keeper_released(void *keeper, struct vfio_pci *pci)
{
	struct entry *entry = keeper;
	struct vfio *vfio = entry->vfio;
	struct vfio_group *group = entry->group;

	(void)pci;
	entry->group = NULL;
	for (size_t i = 0; i < vfio->count; i++)
		if (vfio->entries[i]->group == group)
			return;
	if (vfio->group_count == 1)
		vfio_dma_abandon(&vfio->dma);
	for (size_t i = 0; i < vfio->group_count; i++)
		if (vfio->groups[i].group == group)
			vfio_leave_group(vfio, &vfio->groups[i]);
}

static void vfio_keeper_wake(void *keeper)
{
	const struct entry *entry = keeper;

	if (entry->vfio->wake)
		entry->vfio->wake(entry->vfio->machine);
}

static int vfio_keeper_bar_is_held(void *keeper, unsigned int bar, struct err *err)
{
	const struct entry *entry = keeper;

	return vfio_claim_refuse(entry->vfio->proc, &entry->sysfs, bar, err);
}

static const struct vfio_pci_keeper_ops keeper_ops = {
	.bus_reset = vfio_keeper_bus_reset,
	.bus_was_reset = vfio_keeper_bus_was_reset,
	.released = vfio_keeper_released,
	.wake = vfio_keeper_wake,
	.bar_is_held = vfio_keeper_bar_is_held,
};

static int vfio_open_device(struct vfio *vfio, struct entry *entry, const struct vfio_attach *to,
			    struct err *err)
{
	const struct vfio_pci_config config = {
		.name = entry->sysfs.address,
		.options = &entry->options,
		.rom = entry->rom.host ? &entry->rom : NULL,
		.dma = &vfio->dma,
		.irq = to->irq,
		.loop = to->loop,
		.owner = &entry->pci,
		.keeper_ops = &keeper_ops,
		.keeper = entry,
	};
	struct vfio_backend *backend =
		entry->backend ? entry->backend : vfio_open_backend(entry, err);

	entry->backend = NULL;
	if (backend)
		entry->pci = vfio_pci_create(backend, &config, err);
	return entry->pci ? vfio_check_sizes(entry, err) : err->code;
}

static struct entry *vfio_find_function_0(const struct vfio *vfio, uint64_t slot)
{
	for (size_t i = 0; i < vfio->count; i++)
		if (vfio->entries[i]->sysfs.is_pci && vfio->entries[i]->sysfs.slot == slot &&
		    vfio->entries[i]->sysfs.function == 0)
			return vfio->entries[i];
	return NULL;
}

/*
 * Functions of one host device stay functions of one guest device, so that a driver that looks for
 * its siblings finds them; without function 0 a slot cannot be found, so each gets one of its own.
 */
static int vfio_place(const struct vfio *vfio, struct entry *entry, struct pci_host *host,
		      struct err *err)
{
	struct entry *first = vfio_find_function_0(vfio, entry->sysfs.slot);
	int rc;

	if (entry->pci->on_bus)
		return 0;
	if (!entry->sysfs.is_pci || !first || first == entry)
		return vfio_pci_attach(entry->pci, host, -1, 0, err);
	if (!first->pci->on_bus) {
		rc = vfio_pci_attach(first->pci, host, -1, 0, err);
		if (rc)
			return rc;
	}
	return vfio_pci_attach(entry->pci, host, first->pci->device.devfn >> 3,
			       entry->sysfs.function, err);
}

/* All devices are open by then, so that one reset of a bus is that of all on it. */
static int vfio_reset_before_start(struct entry *entry, struct err *err)
{
	int rc = vfio_reset_first(entry->pci, err);

	vfio_reset_settle(entry->pci);
	return rc;
}

int vfio_attach(struct vfio *vfio, const struct vfio_attach *to, struct err *err)
{
	int rc = vfio->count && vfio->kvm < 0 ? vfio_tell_kvm(vfio, to->vm, err) : 0;

	vfio->wake = to->wake;
	vfio->machine = to->machine;
	/* Behind KVM's listener: the guest loses a BAR after the other devices did. */
	if (vfio->count > 1 && !rc)
		rc = vfio_peers_start(&vfio->peers, to->mmio, vfio_container_space(vfio->container),
				      err);
	for (size_t i = 0; i < vfio->count && !rc; i++)
		rc = vfio_open_device(vfio, vfio->entries[i], to, err);
	for (size_t i = 0; i < vfio->count && !rc; i++)
		rc = vfio_reset_before_start(vfio->entries[i], err);
	for (size_t i = 0; i < vfio->count && !rc; i++)
		rc = vfio_place(vfio, vfio->entries[i], to->host, err);
	return rc;
}

int vfio_map_ram(struct vfio *vfio, struct ram *ram, vfio_mapped done, void *machine,
		 struct err *err)
{
	struct vfio_dma_config config = {
		.ram = ram,
		.peers = &vfio->peers,
		.callback = done,
		.machine = machine,
	};

	if (vfio->count == 0) {
		done(machine, NULL);
		return 0;
	}
	config.space = vfio_container_space(vfio->container);
	return vfio_dma_start(&vfio->dma, &config, err);
}

size_t vfio_descriptors(const struct vfio *vfio, int *descriptors, size_t room)
{
	size_t count = vfio_list(vfio->kvm, descriptors, room, 0);

	if (vfio->container)
		count = vfio_list(vfio_container_descriptor(vfio->container), descriptors, room,
				  count);
	for (size_t i = 0; i < vfio->group_count; i++)
		count = vfio_list(vfio_group_descriptor(vfio->groups[i].group), descriptors, room,
				  count);
	for (size_t i = 0; i < vfio->count; i++)
		if (vfio->entries[i]->pci)
			count = vfio_pci_descriptors(vfio->entries[i]->pci, descriptors, room,
						     count);
	return count;
}

size_t vfio_device_count(const struct vfio *vfio)
{
	return vfio->count;
}

struct vfio_pci *vfio_device(struct vfio *vfio, size_t index,
			     const struct vfio_sysfs_device **sysfs)
{
	*sysfs = &vfio->entries[index]->sysfs;
	return vfio->entries[index]->pci;
}

/* A function that is still on its host stays there, dead, and is freed with it. */
static void vfio_release_entry(struct entry *entry)
{
	if (entry->pci && entry->pci->on_bus) {
		vfio_pci_release(entry->pci, true);
		entry->pci->owner = NULL;
	} else {
		vfio_pci_destroy(entry->pci);
	}
	entry->pci = NULL;
	if (entry->backend)
		entry->backend->ops->close(entry->backend);
}

static void vfio_free_entry(struct entry *entry)
{
	vfio_rom_release(&entry->rom);
	free(entry);
}

void vfio_destroy(struct vfio *vfio)
{
	if (!vfio)
		return;
	/* One that is reset at its end looks at the others on its bus. */
	for (size_t i = vfio->count; i-- > 0;)
		vfio_release_entry(vfio->entries[i]);
	vfio_dma_stop(&vfio->dma);
	vfio_peers_stop(&vfio->peers);
	while (vfio->group_count > 0)
		vfio_leave_group(vfio, &vfio->groups[vfio->group_count - 1]);
	vfio_container_close(vfio->container);
	fd_close(&vfio->kvm);
	for (size_t i = 0; i < vfio->count; i++)
		vfio_free_entry(vfio->entries[i]);
	free(vfio->groups);
	free(vfio->entries);
	free(vfio->sysfs);
	free(vfio->folder);
	free(vfio->proc);
	free(vfio);
}
