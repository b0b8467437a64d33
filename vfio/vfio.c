/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything passed through to one VM, from the names given by the user to the last descriptor. */

#include "vfio/vfio.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio/pci/measure.h"
#include "vfio/tell/describe.h"
#include "vfio/vfio_private.h"
#include "vmm/base/log.h"

/* Of what others opened: 0 is none. */
static void vfio_close_given(int fd)
{
	if (fd)
		close(fd);
}

struct vfio *vfio_create(const struct vfio_settings *settings, struct err *err)
{
	struct vfio *vfio = calloc(1, sizeof(*vfio));

	if (!vfio) {
		vfio_close_given(settings ? settings->iommufd : 0);
		err_set(err, -ENOMEM, "passthrough: out of memory");
		return NULL;
	}
	vfio->settings.iommufd = settings ? settings->iommufd : 0;
	vfio->sysfs = strdup(settings && settings->sysfs ? settings->sysfs : "/sys");
	vfio->dev = strdup(settings && settings->dev ? settings->dev : "/dev");
	vfio->proc = strdup(settings && settings->proc ? settings->proc : "/proc");
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

/*
 * The one that earlier devices are had by if it serves this one too, or cannot tell, else the first
 * that does.
 */
static const struct vfio_provider_ops *vfio_choose(const struct vfio *vfio,
						   const struct vfio_device_config *config)
{
	const struct vfio_provider_ops *const *row = vfio_providers;
	const struct vfio_provider_ops *present = vfio->provider ? vfio->provider->ops : NULL;

	if (present && present->serves(&vfio->settings, config))
		return present;
	while (row[1] && (row[0] == present || row[0] == vfio->unfit ||
			  row[0]->serves(&vfio->settings, config) <= 0))
		row++;
	return *row;
}

/* One for all devices, which are to reach the same RAM at the same addresses. */
static struct vfio_provider *vfio_provide(struct vfio *vfio,
					  const struct vfio_device_config *config, struct err *err)
{
	const struct vfio_provider_ops *ops = vfio_choose(vfio, config);

	if (!vfio->provider)
		vfio->provider = ops->create(&vfio->settings, err);
	else if (vfio->provider->ops != ops) {
		err_set(err, -EINVAL,
			"passthrough device %s: it is had by %s, those before it by %s: one guest "
			"takes devices by one way: give all the same via=",
			config->path, ops->name, vfio->provider->ops->name);
		return NULL;
	}
	return vfio->provider;
}

static bool vfio_was_given(const struct vfio *vfio, const char *address)
{
	for (size_t i = 0; i < vfio->count; i++)
		if (strcmp(vfio->entries[i]->sysfs.address, address) == 0)
			return true;
	return false;
}

/* By the way that serves it. */
static int vfio_join(struct vfio *vfio, struct vfio_entry *entry, struct err *err)
{
	struct vfio_provider *provider = vfio_provide(vfio, &entry->options, err);

	if (provider)
		entry->lease = provider->ops->join(provider, &entry->options, &entry->sysfs, err);
	if (!entry->lease)
		return err->code;
	entry->options.fd = 0; /* the lease's */
	log_info("passthrough device %s: by %s", entry->sysfs.address, provider->ops->name);
	return 0;
}

static int vfio_add_entry(struct vfio *vfio, struct vfio_entry *entry, struct err *err)
{
	struct vfio_entry **entries;
	int rc = vfio_join(vfio, entry, err);

	if (rc)
		return rc;
	if (vfio_was_given(vfio, entry->sysfs.address))
		return err_set(err, -EEXIST,
			       "passthrough device %s: it was given twice: name it once",
			       entry->sysfs.address);
	entries = realloc(vfio->entries, (vfio->count + 1) * sizeof(struct vfio_entry *));
	if (!entries)
		return err_set(err, -ENOMEM, "passthrough device %s: out of memory",
			       entry->sysfs.address);
	vfio->entries = entries;
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

static void vfio_free_entry(struct vfio_entry *entry)
{
	if (entry->lease)
		entry->lease->provider->ops->leave(entry->lease);
	vfio_close_given(entry->options.fd);
	vfio_rom_release(&entry->rom);
	free(entry);
}

int vfio_add(struct vfio *vfio, const struct vfio_device_config *config, struct err *err)
{
	struct vfio_entry *entry = calloc(1, sizeof(*entry));
	int rc;

	if (!entry) {
		vfio_close_given(config->fd);
		return err_set(err, -ENOMEM, "passthrough device %s: out of memory", config->path);
	}
	entry->options = *config;
	rc = vfio_check_token(config, err);
	if (!rc && config->rom)
		rc = vfio_rom_load(config->rom, &entry->rom, err);
	if (!rc)
		rc = vfio_add_entry(vfio, entry, err);
	if (rc)
		vfio_free_entry(entry);
	return rc;
}

size_t vfio_iova_ranges(const struct vfio *vfio, struct ram_range *ranges, size_t room)
{
	const struct vfio_space *space = vfio->count ? vfio->provider->space : NULL;

	if (!space)
		return 0;
	for (size_t i = 0; i < space->range_count && i < room; i++)
		ranges[i] = space->ranges[i];
	return space->range_count;
}

int vfio_check_memlock(struct vfio *vfio, uint64_t ram_size, struct err *err)
{
	vfio->ram_size = ram_size;
	if (vfio->count == 0)
		return 0;
	return vfio->provider->ops->check_memlock(vfio->provider, ram_size, err);
}

static struct vfio_backend *vfio_open_backend(const struct vfio_entry *entry, struct err *err)
{
	return entry->lease->provider->ops->open_device(entry->lease, &entry->sysfs,
							entry->options.vf_token, err);
}

/*
 * The windows were sized by what sysfs told; the ROM, which VFIO may leave out, has room there too.
 */
static int vfio_check_sizes(const struct vfio_entry *entry, struct err *err)
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

/* What sysfs tells no sizes of is measured. */
static int vfio_open_early(struct vfio_entry *entry, bool *no_way, struct err *err)
{
	entry->backend = vfio_open_backend(entry, err);
	*no_way = !entry->backend && err->code == -EOPNOTSUPP;
	if (!entry->backend)
		return err->code;
	return entry->sysfs.is_pci ? 0
				   : vfio_measure(entry->backend, entry->sysfs.address,
						  entry->sysfs.resources, err);
}

static int vfio_tell_kvm(const struct vfio *vfio, struct kvm_vm *vm, struct err *err)
{
	return vfio->provider->ops->tell_kvm(vfio->provider, vm, err);
}

/* In *@no_way whether it failed because the host has no such way to a device. */
static int vfio_open_all_early(struct vfio *vfio, struct kvm_vm *vm, bool *no_way, struct err *err)
{
	int rc = 0;

	*no_way = false;
	for (size_t i = 0; i < vfio->count && !rc; i++) {
		if (vfio->entries[i]->sysfs.is_pci && !vfio->provider->ops->opens_early)
			continue;
		rc = vfio_tell_kvm(vfio, vm, err);
		if (!rc)
			rc = vfio_open_early(vfio->entries[i], no_way, err);
	}
	return rc;
}

/* Whether the user left it open how each is had. What somebody else opened goes one way alone. */
static bool vfio_may_change_way(const struct vfio *vfio)
{
	for (size_t i = 0; i < vfio->count; i++)
		if (vfio->entries[i]->options.via != VFIO_VIA_ANY)
			return false;
	return vfio->provider->ops->opens_early;
}

/* All devices leave the way that turned out to be none, and join the next that serves them. */
static int vfio_change_way(struct vfio *vfio, struct err *err)
{
	struct vfio_provider *unfit = vfio->provider;
	const struct err why = *err;
	int rc = 0;

	log_info("%s", why.text);
	for (size_t i = 0; i < vfio->count; i++) {
		struct vfio_entry *entry = vfio->entries[i];

		if (entry->backend)
			entry->backend->ops->close(entry->backend);
		entry->backend = NULL;
		unfit->ops->leave(entry->lease);
		entry->lease = NULL;
	}
	vfio->unfit = unfit->ops;
	vfio->provider = NULL;
	unfit->ops->destroy(unfit);
	for (size_t i = 0; i < vfio->count && !rc; i++)
		rc = vfio_join(vfio, vfio->entries[i], err);
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

static int vfio_open_device(struct vfio *vfio, struct vfio_entry *entry,
			    const struct vfio_attach *to, struct err *err)
{
	const struct vfio_pci_config config = {
		.name = entry->sysfs.address,
		.options = &entry->options,
		.rom = entry->rom.host ? &entry->rom : NULL,
		.dma = &vfio->dma,
		.irq = to->irq,
		.loop = to->loop,
		.owner = &entry->pci,
		.keeper_ops = &vfio_keeper_ops,
		.keeper = entry,
	};
	struct vfio_backend *backend =
		entry->backend ? entry->backend : vfio_open_backend(entry, err);

	entry->backend = NULL;
	if (backend)
		entry->pci = vfio_pci_create(backend, &config, err);
	return entry->pci ? vfio_check_sizes(entry, err) : err->code;
}

/* All devices are open by then, so that one reset of a bus is that of all on it. */
static int vfio_reset_before_start(struct vfio_entry *entry, struct err *err)
{
	int rc = vfio_reset_first(entry->pci, err);

	vfio_reset_settle(entry->pci);
	return rc;
}

int vfio_attach(struct vfio *vfio, const struct vfio_attach *to, struct err *err)
{
	int rc = vfio->count ? vfio_tell_kvm(vfio, to->vm, err) : 0;

	vfio->wake = to->wake;
	vfio->machine = to->machine;
	/* Behind KVM's listener: the guest loses a BAR after the other devices did. */
	if (vfio->count > 1 && !rc)
		rc = vfio_peers_start(&vfio->peers, to->mmio, vfio->provider->space, err);
	for (size_t i = 0; i < vfio->count && !rc; i++)
		rc = vfio_open_device(vfio, vfio->entries[i], to, err);
	for (size_t i = 0; i < vfio->count && !rc; i++)
		rc = vfio_reset_before_start(vfio->entries[i], err);
	for (size_t i = 0; i < vfio->count && !rc; i++)
		rc = vfio_place(vfio, vfio->entries[i], to, err);
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
	config.space = vfio->provider->space;
	return vfio_dma_start(&vfio->dma, &config, err);
}

void vfio_join_mapper(struct vfio *vfio)
{
	vfio_dma_join(&vfio->dma);
}

size_t vfio_descriptors(const struct vfio *vfio, int *descriptors, size_t room)
{
	size_t count = 0;

	if (vfio->provider)
		count = vfio->provider->ops->descriptors(vfio->provider, descriptors, room, 0);
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

/* A function that is still on its host stays there, dead, and is freed with it. */
static void vfio_release_entry(struct vfio_entry *entry)
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

void vfio_destroy(struct vfio *vfio)
{
	if (!vfio)
		return;
	/* One that is reset at its end looks at the others on its bus. */
	for (size_t i = vfio->count; i-- > 0;)
		vfio_release_entry(vfio->entries[i]);
	vfio_dma_stop(&vfio->dma);
	vfio_peers_stop(&vfio->peers);
	while (vfio->count > 0)
		vfio_free_entry(vfio->entries[--vfio->count]);
	if (vfio->provider)
		vfio->provider->ops->destroy(vfio->provider);
	vfio_close_given(vfio->settings.iommufd);
	free(vfio->entries);
	free(vfio->sysfs);
	free(vfio->dev);
	free(vfio->proc);
	free(vfio);
}
