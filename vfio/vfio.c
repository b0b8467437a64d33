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

size_t vfio_iova_ranges(const struct vfio *vfio, struct ram_range *ranges, size_t room)
{
	const struct vfio_space *space = vfio->provider ? vfio->provider->space : NULL;

	if (!space)
		return 0;
	for (size_t i = 0; i < space->range_count && i < room; i++)
		ranges[i] = space->ranges[i];
	return space->range_count;
}

int vfio_check_memlock(struct vfio *vfio, uint64_t ram_size, struct err *err)
{
	vfio->ram_size = ram_size;
	if (!vfio->provider)
		return 0;
	return vfio->provider->ops->check_memlock(vfio->provider, ram_size, err);
}

/* In *@no_way as vfio_entry_open_early(). */
static int vfio_open_all_early(struct vfio *vfio, struct kvm_vm *vm, bool *no_way, struct err *err)
{
	int rc = 0;

	*no_way = false;
	for (size_t i = 0; i < vfio->count && !rc; i++)
		rc = vfio_entry_open_early(vfio->entries[i], vm, no_way, err);
	return rc;
}

/* What somebody else opened goes one way alone. */
bool vfio_may_change_way(const struct vfio *vfio)
{
	for (size_t i = 0; i < vfio->count; i++) {
		const struct vfio_entry *entry = vfio->entries[i];

		if (entry->lease && (entry->pci || entry->options.via != VFIO_VIA_ANY))
			return false;
	}
	return vfio->provider->ops->opens_early;
}

/* All devices; what they have opened is closed. */
static void vfio_leave_way(struct vfio *vfio)
{
	const struct vfio_provider_ops *unfit = vfio->provider->ops;

	for (size_t i = 0; i < vfio->count; i++)
		vfio_entry_leave(vfio->entries[i]);
	vfio->unfit = unfit;
}

/* All devices leave the way that turned out to be none, and join the next that serves them. */
static int vfio_change_way(struct vfio *vfio, struct err *err)
{
	const struct err why = *err;
	int rc = 0;

	log_info("%s", why.text);
	vfio_leave_way(vfio);
	for (size_t i = 0; i < vfio->count && !rc; i++)
		rc = vfio_entry_join(vfio->entries[i], err);
	if (!rc)
		rc = vfio_check_memlock(vfio, vfio->ram_size, err);
	if (rc)
		log_warn("%s", why.text);
	return rc;
}

int vfio_prepare(struct vfio *vfio, struct kvm_vm *vm, struct err *err)
{
	bool no_way;
	int rc = vfio_open_all_early(vfio, vm, &no_way, err);

	if (!no_way || !vfio_may_change_way(vfio))
		return rc;
	rc = vfio_change_way(vfio, err);
	return rc ? rc : vfio_open_all_early(vfio, vm, &no_way, err);
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
	int rc = vfio->count ? vfio->provider->ops->tell_kvm(vfio->provider, vfio->to.vm, err) : 0;

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
	struct vfio_provider *provider = vfio->provider;

	return provider && provider->ops->begin ? provider->ops->begin(provider, err) : 0;
}

/* The mapper's thread. */
static void vfio_ram_mapped(void *owner, const struct err *err)
{
	struct vfio *vfio = owner;
	vfio_mapped mapped = vfio->mapped;

	vfio->mapped = NULL;
	vfio->unmapped = err ? *err : (struct err){0};
	if (mapped)
		mapped(vfio->machine, err);
	atomic_store(&vfio->map_ended, true);
	vfio_wake_up(vfio);
}

void vfio_wake_up(struct vfio *vfio)
{
	if (vfio->turn >= 0)
		fd_signal(vfio->turn);
}

int vfio_start_mapper(struct vfio *vfio, struct err *err)
{
	const struct vfio_dma_config config = {
		.space = vfio->provider->space,
		.ram = vfio->ram,
		.peers = &vfio->peers,
		.callback = vfio_ram_mapped,
		.machine = vfio,
	};

	int rc = 0;

	/* Behind KVM's listener: the guest loses a BAR after the devices did. */
	if (!vfio->peers.map)
		rc = vfio_peers_start(&vfio->peers, vfio->to.mmio, config.space, err);
	if (rc)
		return rc;
	atomic_store(&vfio->map_ended, false);
	vfio->unmapped.code = 0;
	return vfio_dma_start(&vfio->dma, &config, err);
}

int vfio_map_ram(struct vfio *vfio, struct ram *ram, vfio_mapped done, void *machine,
		 struct err *err)
{
	vfio->ram = ram;
	vfio->mapped = done;
	vfio->machine = machine;
	if (vfio->count > 0)
		return vfio_start_mapper(vfio, err);
	done(machine, NULL);
	vfio->mapped = NULL;
	return 0;
}

/* The worker's, while it gives the provider back. */
void vfio_join_mapper(struct vfio *vfio)
{
	if (vfio->provider)
		vfio_dma_join(&vfio->dma);
}

size_t vfio_descriptors(const struct vfio *vfio, int *descriptors, size_t room)
{
	size_t count = 0;

	count = vfio_list(vfio->kvm, descriptors, room, count);
	count = vfio_list(vfio->turn, descriptors, room, count);
	count = vfio_list(vfio->timer, descriptors, room, count);
	if (vfio->provider)
		count = vfio->provider->ops->descriptors(vfio->provider, descriptors, room, count);
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

static bool vfio_has_joined(const struct vfio *vfio)
{
	bool joined = false;

	for (size_t i = 0; i < vfio->count; i++)
		joined = joined || vfio->entries[i]->lease;
	return joined;
}

enum vfio_via vfio_way(const struct vfio *vfio, bool *open)
{
	/* What came with a device goes with the provider. */
	bool given = vfio->settings.iommufd && (vfio->provider || !vfio->lent);

	*open = given || (vfio->provider && vfio_has_joined(vfio));
	if (vfio->provider)
		return vfio->provider->ops->via;
	return given ? VFIO_VIA_IOMMUFD : VFIO_VIA_ANY;
}

bool vfio_ram_is_mapped(const struct vfio *vfio)
{
	return vfio_dma_mapped(&vfio->dma);
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
	};
	const struct vfio_entry *entry = vfio->entries[index];

	status->id = vfio_entry_id(entry);
	status->host = vfio_entry_name(entry);
	status->stage = stages[entry->stage];
	status->slot = entry->slot ? entry->slot->number : 0;
	status->leaving = entry->slot && entry->slot->removal != VFIO_STAYS;
	status->gone = entry->stage == VFIO_CLOSED && !entry->slot;
	status->unseen = entry->slot && !status->leaving && !vfio_slot_is_shown(entry->slot);
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
	vfio_plug_cancel(vfio);
}

void vfio_destroy(struct vfio *vfio)
{
	if (!vfio)
		return;
	vfio_stop(vfio);
	/* One that is reset at its end looks at the others on its bus. */
	for (size_t i = vfio->count; i-- > 0;)
		vfio_end_function(vfio->entries[i]);
	vfio_dma_stop(&vfio->dma);
	vfio_peers_stop(&vfio->peers);
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
