/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything passed through to one VM, from the names given by the user to the last descriptor. */

#include "vfio/vfio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "vfio/tell/describe.h"
#include "vfio/vfio_private.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"

static void vfio_close_settings(struct vfio_settings *settings)
{
	struct vfio_device_config given = {.iommufd = settings->iommufd};

	vfio_close_given(&given);
	settings->iommufd = 0;
	vfio_close_lent(settings);
}

static const char *vfio_choose_folder(const char *chosen, const char *usual)
{
	return chosen ? chosen : usual;
}

struct vfio *vfio_create(const struct vfio_settings *settings, struct err *err)
{
	struct vfio_settings given = settings ? *settings : (struct vfio_settings){0};
	struct vfio *vfio = calloc(1, sizeof(*vfio));

	if (!vfio) {
		vfio_close_settings(&given);
		err_set(err, -ENOMEM, "passthrough: out of memory");
		return NULL;
	}
	vfio->kvm = vfio->turn = vfio->timer = -1;
	for (size_t i = 0; i < VFIO_KINDS; i++)
		vfio->families[i].vfio = vfio;
	vfio->settings = given;
	vfio->sysfs = strdup(vfio_choose_folder(vfio->settings.sysfs, "/sys"));
	vfio->dev = strdup(vfio_choose_folder(vfio->settings.dev, "/dev"));
	vfio->proc = strdup(vfio_choose_folder(vfio->settings.proc, "/proc"));
	if (!vfio->sysfs || !vfio->dev || !vfio->proc) {
		err_set(err, -ENOMEM, "passthrough: out of memory");
		vfio_destroy(vfio);
		return NULL;
	}
	vfio->settings.sysfs = vfio->sysfs;
	vfio->settings.dev = vfio->dev;
	vfio->settings.proc = vfio->proc;
	return vfio;
}

int vfio_add(struct vfio *vfio, const struct vfio_device_config *config, struct err *err)
{
	struct vfio_entry *entry = vfio_entry_create(vfio, config, err);

	if (!entry)
		return err->code;
	if (vfio_entry_join(entry, err) || vfio_entry_check_new(entry, err) ||
	    vfio_entry_append(entry, err)) {
		vfio_entry_free(entry);
		return err->code;
	}
	entry->stage = VFIO_THERE;
	return 0;
}

/* A program's space has none. */
size_t vfio_iova_ranges(const struct vfio *vfio, struct ram_range *ranges, size_t room)
{
	const struct vfio_provider *provider = vfio->families[VFIO_HARDWARE].provider;
	const struct vfio_space *space = provider ? provider->space : NULL;

	if (!space)
		return 0;
	for (size_t i = 0; i < space->range_count && i < room; i++)
		ranges[i] = space->ranges[i];
	return space->range_count;
}

int vfio_family_check_memlock(struct vfio_family *family, uint64_t ram_size, struct err *err)
{
	struct vfio_provider *provider = family->provider;

	return provider ? provider->ops->check_memlock(provider, ram_size, err) : 0;
}

int vfio_check_memlock(struct vfio *vfio, uint64_t ram_size, struct err *err)
{
	struct vfio_family *family;
	int rc = 0;

	vfio->ram_size = ram_size;
	for (family = vfio->families; family < vfio->families + VFIO_KINDS; family++)
		rc = rc ? rc : vfio_family_check_memlock(family, ram_size, err);
	return rc;
}

/* In *@without the family of one that the host turned out to have no such way to; or NULL. */
static int vfio_open_all_early(struct vfio *vfio, struct kvm_vm *vm, struct vfio_family **without,
			       struct err *err)
{
	int rc = 0;

	*without = NULL;
	for (size_t i = 0; i < vfio->count && !rc; i++) {
		struct vfio_entry *entry = vfio->entries[i];
		bool no_way;

		rc = vfio_entry_open_early(entry, vm, &no_way, err);
		if (no_way)
			*without = entry->family;
	}
	return rc;
}

/* What somebody else opened goes one way alone. */
bool vfio_may_change_way(const struct vfio_family *family)
{
	const struct vfio *vfio = family->vfio;

	for (size_t i = 0; i < vfio->count; i++) {
		const struct vfio_entry *entry = vfio->entries[i];

		if (entry->family == family && entry->lease &&
		    (entry->pci || entry->options.via != VFIO_VIA_ANY))
			return false;
	}
	return family->provider->ops->opens_early;
}

/* All its devices; what they have opened is closed. */
static void vfio_leave_way(struct vfio_family *family)
{
	const struct vfio_provider_ops *unfit = family->provider->ops;
	struct vfio *vfio = family->vfio;

	for (size_t i = 0; i < vfio->count; i++)
		if (vfio->entries[i]->family == family)
			vfio_entry_leave(vfio->entries[i]);
	family->unfit = unfit;
}

/* All its devices leave the way that turned out to be none, and join the next that serves them. */
static int vfio_change_way(struct vfio_family *family, struct err *err)
{
	const struct err why = *err;
	struct vfio *vfio = family->vfio;
	int rc = 0;

	log_info("%s", why.text);
	vfio_leave_way(family);
	for (size_t i = 0; i < vfio->count && !rc; i++)
		if (vfio->entries[i]->family == family)
			rc = vfio_entry_join(vfio->entries[i], err);
	if (!rc)
		rc = vfio_family_check_memlock(family, vfio->ram_size, err);
	if (rc)
		log_warn("%s", why.text);
	return rc;
}

int vfio_prepare(struct vfio *vfio, struct kvm_vm *vm, struct err *err)
{
	struct vfio_family *without;
	int rc = vfio_open_all_early(vfio, vm, &without, err);

	if (!without || !vfio_may_change_way(without))
		return rc;
	rc = vfio_change_way(without, err);
	return rc ? rc : vfio_open_all_early(vfio, vm, &without, err);
}

/* All devices are open by then, so that one reset of a bus is that of all on it. */
static int vfio_reset_before_start(struct vfio_entry *entry, struct err *err)
{
	int rc;

	vfio_reset_prepare(entry->pci, VFIO_RESET_START);
	rc = vfio_reset_first(entry->pci, err);
	vfio_reset_settle(entry->pci);
	return rc;
}

static int vfio_attach_devices(struct vfio *vfio, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < vfio->count && !rc; i++)
		rc = vfio_entry_build(vfio->entries[i], err);
	for (size_t i = 0; i < vfio->count && !rc; i++)
		rc = vfio_reset_before_start(vfio->entries[i], err);
	for (size_t i = 0; i < vfio->count && !rc; i++)
		rc = vfio_place(vfio, vfio->entries[i], err);
	return rc;
}

static void vfio_on_turn(void *owner, uint32_t events)
{
	struct vfio *vfio = owner;

	(void)events;
	fd_take(vfio->turn);
	vfio_slots_settle(vfio);
	vfio_comebacks_settle(vfio);
	vfio_worker_turn(&vfio->worker);
	vfio_plug_advance(vfio);
}

static int vfio_watch(struct vfio *vfio, struct err *err)
{
	if (vfio->turn >= 0)
		return 0;
	vfio->turn = vfio->worker.turn = fd_eventfd();
	if (vfio->turn < 0)
		return err_set(err, vfio->turn, "passthrough: no descriptor for events: %s",
			       err_text(vfio->turn));
	if (loop_add(vfio->to.loop, vfio->turn, EPOLLIN, vfio_on_turn, vfio, err))
		return err_prefix(err, "passthrough");
	return 0;
}

int vfio_attach(struct vfio *vfio, const struct vfio_attach *to, struct err *err)
{
	int rc;

	vfio->to = *to;
	rc = vfio->count || vfio->settings.slots ? vfio_watch(vfio, err) : 0;
	if (!rc)
		rc = vfio_slots_open(vfio, vfio_port_count(vfio), err);
	if (!rc)
		rc = vfio_attach_devices(vfio, err);
	return rc ? rc : vfio_place_empty(vfio, err);
}

int vfio_begin(struct vfio *vfio, struct err *err)
{
	const struct vfio_family *family;
	int rc = 0;

	for (family = vfio->families; family < vfio->families + VFIO_KINDS; family++)
		if (family->provider && family->provider->ops->begin && !rc)
			rc = family->provider->ops->begin(family->provider, err);
	return rc;
}

/*
 * Once: at the last that is awaited, or the first that fails; of two threads one comes to it. A
 * guest that waits for the first of two kinds does not wait for the other as well.
 */
static void vfio_tell_mapped(struct vfio *vfio, const struct err *err)
{
	const struct vfio_attach *to = &vfio->to;

	if (err ? atomic_exchange(&vfio->awaits, 0) > 0 : atomic_fetch_sub(&vfio->awaits, 1) == 1)
		vfio->mapped(vfio->machine, err);
	else if (!err && to->wake)
		to->wake(to->machine);
}

/* The mapper's thread. */
static void vfio_ram_mapped(void *owner, const struct err *err)
{
	struct vfio_family *family = owner;

	family->unmapped = err ? *err : (struct err){0};
	if (family->awaited)
		vfio_tell_mapped(family->vfio, err);
	atomic_store(&family->map_ended, true);
	vfio_wake_up(family->vfio);
}

void vfio_wake_up(struct vfio *vfio)
{
	if (vfio->turn >= 0)
		fd_signal(vfio->turn);
}

int vfio_start_mapper(struct vfio_family *family, struct err *err)
{
	const struct vfio_dma_config config = {
		.space = family->provider->space,
		.ram = family->vfio->ram,
		.peers = &family->peers,
		.callback = vfio_ram_mapped,
		.machine = family,
	};

	int rc = 0;

	/* Behind KVM's listener: the guest loses a BAR after the devices did. */
	if (!family->peers.map)
		rc = vfio_peers_start(&family->peers, family->vfio->to.mmio, config.space, err);
	if (rc)
		return rc;
	atomic_store(&family->map_ended, false);
	family->unmapped.code = 0;
	return vfio_dma_start(&family->dma, &config, err);
}

int vfio_map_ram(struct vfio *vfio, struct ram *ram, vfio_mapped done, void *machine,
		 struct err *err)
{
	struct vfio_family *family;
	int awaits = 0, rc = 0;

	vfio->ram = ram;
	vfio->mapped = done;
	vfio->machine = machine;
	for (family = vfio->families; family < vfio->families + VFIO_KINDS; family++) {
		family->awaited = family->provider;
		awaits += family->awaited;
	}
	/* All are counted before the first may end. */
	atomic_store(&vfio->awaits, awaits);
	for (family = vfio->families; family < vfio->families + VFIO_KINDS; family++)
		if (family->awaited && !rc)
			rc = vfio_start_mapper(family, err);
	if (!awaits)
		done(machine, NULL);
	/* Who is told by the return is not told of the one that has begun. */
	if (rc)
		atomic_store(&vfio->awaits, 0);
	return rc;
}

/* Without a provider: the worker's, while it gives that back. */
void vfio_join_mapper(struct vfio *vfio)
{
	struct vfio_family *family;

	for (family = vfio->families; family < vfio->families + VFIO_KINDS; family++)
		if (family->provider && family->awaited)
			vfio_dma_join(&family->dma);
}

size_t vfio_descriptors(const struct vfio *vfio, int *descriptors, size_t room)
{
	const struct vfio_family *family;
	size_t count = 0;

	count = vfio_list(vfio->kvm, descriptors, room, count);
	count = vfio_list(vfio->turn, descriptors, room, count);
	count = vfio_list(vfio->timer, descriptors, room, count);
	for (family = vfio->families; family < vfio->families + VFIO_KINDS; family++)
		if (family->provider)
			count = family->provider->ops->descriptors(family->provider, descriptors,
								   room, count);
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

static bool vfio_has_joined(const struct vfio_family *family)
{
	const struct vfio *vfio = family->vfio;
	bool joined = false;

	for (size_t i = 0; i < vfio->count; i++)
		joined = joined || (vfio->entries[i]->lease && vfio->entries[i]->family == family);
	return joined;
}

enum vfio_via vfio_way(const struct vfio *vfio, bool *open)
{
	const struct vfio_family *family = &vfio->families[VFIO_HARDWARE];
	/* What came with a device goes with the provider. */
	bool given = vfio->settings.iommufd && (family->provider || !vfio->lent);

	*open = given || (family->provider && vfio_has_joined(family));
	if (family->provider)
		return family->provider->ops->via;
	return given ? VFIO_VIA_IOMMUFD : VFIO_VIA_ANY;
}

bool vfio_ram_is_pinned(const struct vfio *vfio)
{
	return vfio_dma_mapped(&vfio->families[VFIO_HARDWARE].dma);
}

struct vfio_pci *vfio_device(struct vfio *vfio, size_t index,
			     const struct vfio_sysfs_device **sysfs)
{
	*sysfs = &vfio->entries[index]->sysfs;
	return vfio->entries[index]->pci;
}

void vfio_fill_placement(struct vfio *vfio, size_t index, struct vfio_status *status)
{
	static const char *const stages[] = {
		[VFIO_QUEUED] = "waits to be opened", [VFIO_JOINS] = "being opened",
		[VFIO_OPENS] = "being opened",        [VFIO_CHANGES] = "being opened",
		[VFIO_RESETS] = "being opened",       [VFIO_LEAVES] = "being given back",
		[VFIO_CLOSES] = "being given back",   [VFIO_CLOSED] = NULL,
		[VFIO_AWAY] = "lost, and looked for",
	};
	const struct vfio_entry *entry = vfio->entries[index];

	status->id = vfio_entry_id(entry);
	status->host = vfio_entry_name(entry);
	status->stage = stages[entry->stage];
	status->slot = entry->slot ? entry->slot->number : 0;
	status->leaving = entry->slot && entry->slot->removal != VFIO_STAYS;
	status->gone = entry->stage == VFIO_CLOSED && !entry->slot;
	status->unseen = entry->slot && !status->leaving && entry->stage != VFIO_AWAY &&
			 !vfio_slot_is_shown(entry->slot);
	status->program = entry->family == &vfio->families[VFIO_PROGRAMS];
}

/* A function that is still on its host stays there, dead, and is freed with it. */
static void vfio_end_function(struct vfio_entry *entry)
{
	if (entry->pci && entry->pci->on_bus) {
		vfio_pci_release(entry->pci, VFIO_RESET_END);
		entry->pci->owner = NULL;
	} else {
		vfio_pci_destroy(entry->pci);
	}
	entry->pci = NULL;
}

void vfio_stop(struct vfio *vfio)
{
	if (!vfio)
		return;
	vfio_steps_stop(vfio);
	vfio_comebacks_stop(vfio);
	vfio_plug_cancel(vfio);
}

void vfio_destroy(struct vfio *vfio)
{
	struct vfio_family *family;

	if (!vfio)
		return;
	vfio_stop(vfio);
	/* One that is reset at its end looks at the others on its bus. */
	for (size_t i = vfio->count; i-- > 0;)
		vfio_end_function(vfio->entries[i]);
	for (family = vfio->families; family < vfio->families + VFIO_KINDS; family++) {
		vfio_dma_stop(&family->dma);
		vfio_peers_stop(&family->peers);
	}
	while (vfio->count > 0)
		vfio_entry_free(vfio->entries[--vfio->count]);
	vfio_slots_close(vfio);
	if (vfio->to.loop)
		loop_remove(vfio->to.loop, vfio->turn);
	fd_close(&vfio->turn);
	vfio_close_settings(&vfio->settings);
	fd_close(&vfio->kvm);
	free(vfio->entries);
	free(vfio->sysfs);
	free(vfio->dev);
	free(vfio->proc);
	free(vfio);
}
