/* SPDX-License-Identifier: BSD-3-Clause */
/* One device that is passed through: asked for, let into the address space, opened, left again. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio/pci/measure.h"
#include "vfio/vfio_private.h"
#include "vmm/base/log.h"

/* Of what others opened: 0 is none. */
static void entry_close_given(int *fd)
{
	if (*fd)
		close(*fd);
	*fd = 0;
}

void vfio_close_given(struct vfio_device_config *config)
{
	entry_close_given(&config->fd);
	entry_close_given(&config->group_fd);
	entry_close_given(&config->container_fd);
	entry_close_given(&config->iommufd);
}

/* The strings of a config. */
enum { ENTRY_TEXTS = 6 };

static void entry_list_texts(struct vfio_device_config *config, const char **texts[ENTRY_TEXTS])
{
	texts[0] = &config->path;
	texts[1] = &config->id;
	texts[2] = &config->rom;
	texts[3] = &config->vf_token;
	texts[4] = &config->trace;
	texts[5] = &config->names;
}

/* All in one piece. */
static int entry_copy_texts(struct vfio_entry *entry)
{
	const char **texts[ENTRY_TEXTS];
	size_t size = 0;
	char *at;

	entry_list_texts(&entry->options, texts);
	for (size_t i = 0; i < ENTRY_TEXTS; i++)
		size += *texts[i] ? strlen(*texts[i]) + 1 : 0;
	at = entry->texts = malloc(size + 1);
	if (!at)
		return -ENOMEM;
	for (size_t i = 0; i < ENTRY_TEXTS; i++) {
		if (!*texts[i])
			continue;
		size = strlen(*texts[i]) + 1;
		*texts[i] = memcpy(at, *texts[i], size);
		at += size;
	}
	return 0;
}

static int entry_check_token(const struct vfio_device_config *config, struct err *err)
{
	if (!config->vf_token || vfio_sysfs_is_uuid(config->vf_token))
		return 0;
	return err_set(err, -EINVAL,
		       "passthrough device %s: vf-token=%s: not a UUID such as "
		       "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
		       config->path, config->vf_token);
}

struct vfio_entry *vfio_entry_create(struct vfio *vfio, const struct vfio_device_config *config,
				     struct err *err)
{
	struct vfio_entry *entry = calloc(1, sizeof(*entry));
	struct vfio_device_config given = *config;
	int rc;

	if (!entry) {
		vfio_close_given(&given);
		err_set(err, -ENOMEM, "passthrough device %s: out of memory", config->path);
		return NULL;
	}
	entry->vfio = vfio;
	entry->options = given;
	if (entry_copy_texts(entry))
		rc = err_set(err, -ENOMEM, "passthrough device %s: out of memory", config->path);
	else
		rc = entry_check_token(&entry->options, err);
	if (!rc && config->rom)
		rc = vfio_rom_load(config->rom, &entry->rom, err);
	if (!rc)
		return entry;
	vfio_entry_free(entry);
	return NULL;
}

/* What could open none is not tried again, unless the user wants no other. */
static bool entry_is_unfit(const struct vfio *vfio, const struct vfio_device_config *config,
			   const struct vfio_provider_ops *ops)
{
	return ops == vfio->unfit && config->via == VFIO_VIA_ANY;
}

/*
 * The one that earlier devices are had by if it serves this one too, or cannot tell, else the first
 * that does.
 */
static const struct vfio_provider_ops *entry_choose(const struct vfio *vfio,
						    const struct vfio_device_config *config)
{
	const struct vfio_provider_ops *const *row = vfio_providers;
	const struct vfio_provider_ops *present = vfio->provider ? vfio->provider->ops : NULL;

	if (present && present->serves(&vfio->settings, config))
		return present;
	while (row[1] && (row[0] == present || entry_is_unfit(vfio, config, row[0]) ||
			  row[0]->serves(&vfio->settings, config) <= 0))
		row++;
	return *row;
}

/* It comes with the first device, and goes with the last. */
static void entry_borrow_iommufd(struct vfio *vfio, struct vfio_device_config *config)
{
	if (vfio->provider || vfio->settings.iommufd || !config->iommufd)
		return;
	vfio->settings.iommufd = config->iommufd;
	config->iommufd = 0;
	vfio->lent = true;
}

/* One for all devices, which are to reach the same RAM at the same addresses. */
static struct vfio_provider *entry_provide(struct vfio_entry *entry, struct err *err)
{
	const struct vfio_provider_ops *ops;
	struct vfio *vfio = entry->vfio;

	entry_borrow_iommufd(vfio, &entry->options);
	ops = entry_choose(vfio, &entry->options);
	if (!vfio->provider) {
		vfio->provider = ops->create(&vfio->settings, err);
		if (vfio->provider)
			vfio->provider->kvm = &vfio->kvm;
	} else if (vfio->provider->ops != ops) {
		err_set(err, -EINVAL,
			"passthrough device %s: it is had by %s, those before it by %s: one guest "
			"takes devices by one way: give all the same via=",
			entry->options.path, ops->name, vfio->provider->ops->name);
		return NULL;
	}
	return vfio->provider;
}

int vfio_entry_join(struct vfio_entry *entry, struct err *err)
{
	struct vfio_provider *provider = entry_provide(entry, err);

	if (provider)
		entry->lease = provider->ops->join(provider, &entry->options, &entry->sysfs, err);
	if (!entry->lease)
		return err->code;
	if (!entry->options.id)
		entry->options.id = entry->sysfs.address;
	log_info("passthrough device %s: by %s", entry->sysfs.address, provider->ops->name);
	return 0;
}

/* A device that was given back to the host may come again. */
int vfio_entry_check_new(const struct vfio_entry *entry, struct err *err)
{
	const struct vfio *vfio = entry->vfio;

	for (size_t i = 0; i < vfio->count; i++) {
		const struct vfio_entry *other = vfio->entries[i];

		if (other == entry || !other->lease)
			continue;
		if (strcmp(other->sysfs.address, entry->sysfs.address) == 0)
			return err_set(
				err, -EEXIST,
				"passthrough device %s: the guest has it already: name it once",
				entry->sysfs.address);
		if (strcmp(other->options.id, entry->sysfs.address) == 0)
			return err_set(err, -EEXIST,
				       "passthrough device %s: its address is the id of %s: remove "
				       "that first",
				       entry->sysfs.address, other->sysfs.address);
		if (strcmp(other->options.id, entry->options.id) == 0 ||
		    strcmp(other->sysfs.address, entry->options.id) == 0)
			return err_set(err, -EEXIST,
				       "passthrough device %s: id %s is that of %s: choose another",
				       entry->sysfs.address, entry->options.id,
				       other->sysfs.address);
	}
	return 0;
}

int vfio_entry_append(struct vfio_entry *entry, struct err *err)
{
	struct vfio *vfio = entry->vfio;
	struct vfio_entry **entries =
		realloc(vfio->entries, (vfio->count + 1) * sizeof(struct vfio_entry *));

	if (!entries)
		return err_set(err, -ENOMEM, "passthrough device %s: out of memory",
			       entry->sysfs.address);
	vfio->entries = entries;
	entries[vfio->count++] = entry;
	return 0;
}

void vfio_entry_remove(struct vfio_entry *entry)
{
	struct vfio *vfio = entry->vfio;
	size_t i = 0;

	while (i < vfio->count && vfio->entries[i] != entry)
		i++;
	if (i == vfio->count)
		return;
	vfio->count--;
	memmove(&vfio->entries[i], &vfio->entries[i + 1],
		(vfio->count - i) * sizeof(struct vfio_entry *));
}

static struct vfio_backend *entry_open(const struct vfio_entry *entry, struct err *err)
{
	return entry->lease->provider->ops->open_device(entry->lease, &entry->sysfs,
							entry->options.vf_token, err);
}

int vfio_entry_open_early(struct vfio_entry *entry, struct kvm_vm *vm, bool *no_way,
			  struct err *err)
{
	struct vfio_provider *provider = entry->vfio->provider;
	int rc;

	*no_way = false;
	if (entry->sysfs.is_pci && !provider->ops->opens_early)
		return 0;
	rc = provider->ops->tell_kvm(provider, vm, err);
	if (rc)
		return rc;
	entry->backend = entry_open(entry, err);
	*no_way = !entry->backend && err->code == -EOPNOTSUPP;
	if (!entry->backend)
		return err->code;
	/* What sysfs tells no sizes of is measured. */
	return entry->sysfs.is_pci ? 0
				   : vfio_measure(entry->backend, entry->sysfs.address,
						  entry->sysfs.resources, err);
}

/*
 * The windows were sized by what sysfs told; the ROM, which VFIO may leave out, has room there too.
 */
static int entry_check_sizes(const struct vfio_entry *entry, struct err *err)
{
	for (unsigned int bar = 0; bar < PCI_BARS; bar++) {
		uint64_t size = entry->pci->regions[bar].info.size;
		uint64_t told = entry->sysfs.resources[bar].size;

		if (size > told)
			return err_set(err, -ERANGE,
				       "passthrough device %s: BAR %u: VFIO says 0x%" PRIx64
				       " bytes, sysfs 0x%" PRIx64
				       ": it was changed meanwhile: try again",
				       entry->sysfs.address, bar, size, told);
	}
	return 0;
}

int vfio_entry_build(struct vfio_entry *entry, struct err *err)
{
	struct vfio *vfio = entry->vfio;
	const struct vfio_pci_config config = {
		.name = entry->sysfs.address,
		.sysfs = entry->sysfs.is_pci ? vfio->sysfs : NULL,
		.options = &entry->options,
		.rom = entry->rom.host ? &entry->rom : NULL,
		.dma = &vfio->dma,
		.irq = vfio->to.irq,
		.loop = vfio->to.loop,
		.owner = &entry->pci,
		.keeper_ops = &vfio_keeper_ops,
		.keeper = entry,
	};
	struct vfio_backend *backend = entry->backend ? entry->backend : entry_open(entry, err);

	entry->backend = NULL;
	if (backend)
		entry->pci = vfio_pci_create(backend, &config, err);
	vfio_close_given(&entry->options);
	return entry->pci ? entry_check_sizes(entry, err) : err->code;
}

size_t vfio_count_leases(const struct vfio *vfio)
{
	size_t count = 0;

	for (size_t i = 0; i < vfio->count; i++)
		count += !!vfio->entries[i]->lease;
	return count;
}

static void entry_drop_provider(struct vfio *vfio)
{
	if (vfio->provider)
		vfio->provider->ops->destroy(vfio->provider);
	vfio->provider = NULL;
	vfio->unfit = NULL;
	if (vfio->lent)
		entry_close_given(&vfio->settings.iommufd);
	vfio->lent = false;
}

void vfio_entry_leave(struct vfio_entry *entry)
{
	struct vfio *vfio = entry->vfio;
	struct vfio_lease *lease = entry->lease;

	entry->lease = NULL;
	if (vfio_count_leases(vfio) > 0) {
		if (lease)
			lease->provider->ops->leave(lease);
		return;
	}
	if (lease) {
		vfio_dma_abandon(&vfio->dma);
		vfio->unmapped.code = 0;
		vfio_peers_stop(&vfio->peers);
		lease->provider->ops->leave(lease);
	}
	entry_drop_provider(vfio);
}

void vfio_entry_free(struct vfio_entry *entry)
{
	if (!entry)
		return;
	if (entry->backend)
		entry->backend->ops->close(entry->backend);
	vfio_entry_leave(entry);
	vfio_close_given(&entry->options);
	vfio_rom_release(&entry->rom);
	free(entry->texts);
	free(entry);
}

void vfio_tell(const struct vfio_entry *entry, enum vfio_news_kind kind)
{
	const struct vfio_attach *to = &entry->vfio->to;
	char slot[VFIO_SLOT_NAME];
	const struct vfio_news news = {
		.kind = kind,
		.id = entry->options.id,
		.host = entry->sysfs.address,
		.slot = entry->slot ? slot : NULL,
	};

	if (entry->slot)
		snprintf(slot, sizeof(slot), "slot%u", entry->slot->number);
	if (to->tell)
		to->tell(to->machine, &news);
}
