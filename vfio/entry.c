/* SPDX-License-Identifier: BSD-3-Clause */
/* One device that is passed through: asked for, let into the address space, opened, left again. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	entry_close_given(&config->rom_fd);
	entry_close_given(&config->trace_fd);
	entry_close_given(&config->names_fd);
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
	entry->comeback.stop = entry->comeback.fd = -1;
	entry->family = &vfio->families[given.via == VFIO_VIA_USER ? VFIO_PROGRAMS : VFIO_HARDWARE];
	entry->options = given;
	entry->options.server_user = (uid_t)-1;
	if (given.via == VFIO_VIA_USER)
		snprintf(entry->options.name, sizeof(entry->options.name), "user%u",
			 vfio->programs++);
	if (entry_copy_texts(entry))
		rc = err_set(err, -ENOMEM, "passthrough device %s: out of memory", config->path);
	else
		rc = entry_check_token(&entry->options, err);
	if (!rc && config->rom)
		rc = vfio_rom_load(config->rom, config->rom_fd, &entry->rom, err);
	if (!rc)
		return entry;
	vfio_entry_free(entry);
	return NULL;
}

/* What could open none is not tried again, unless the user wants no other. */
static bool entry_is_unfit(const struct vfio_entry *entry, const struct vfio_provider_ops *ops)
{
	return ops == entry->family->unfit && entry->options.via == VFIO_VIA_ANY;
}

/* Of a node that a run may not open once its guest runs nobody knows what it would have been. */
static bool entry_may_not_look(const struct vfio_entry *entry)
{
	const struct vfio *vfio = entry->vfio;

	return vfio->settings.sealed && vfio->to.host && entry->options.via == VFIO_VIA_ANY;
}

static int entry_is_served(const struct vfio_entry *entry, const struct vfio_provider_ops *ops)
{
	return ops->serves(&entry->vfio->settings, &entry->options);
}

/*
 * The one that earlier devices of its kind are had by if it serves this one too, or cannot tell,
 * else the first that does.
 */
static const struct vfio_provider_ops *entry_choose(const struct vfio_entry *entry)
{
	const struct vfio_provider_ops *const *row = vfio_providers;
	const struct vfio_provider *provider = entry->family->provider;
	const struct vfio_provider_ops *present = provider ? provider->ops : NULL;

	if (present && (entry_is_served(entry, present) || entry_may_not_look(entry)))
		return present;
	while (row[1] && (row[0] == present || entry_is_unfit(entry, row[0]) ||
			  entry_is_served(entry, row[0]) <= 0))
		row++;
	return *row;
}

/* It comes with the first of the hardware, and goes with the last. */
static void entry_borrow_iommufd(struct vfio *vfio, struct vfio_device_config *config)
{
	if (vfio->families[VFIO_HARDWARE].provider || vfio->settings.iommufd || !config->iommufd)
		return;
	vfio->settings.iommufd = config->iommufd;
	config->iommufd = 0;
	vfio->lent = true;
}

/* One for all devices of a kind, which are to reach the same RAM at the same addresses. */
int vfio_entry_provide(struct vfio_entry *entry, struct err *err)
{
	const struct vfio_provider_ops *ops;
	struct vfio_family *family = entry->family;
	struct vfio *vfio = entry->vfio;

	entry->provided = true;
	entry_borrow_iommufd(vfio, &entry->options);
	vfio_lend(vfio, &entry->options);
	ops = entry_choose(entry);
	if (!family->provider) {
		family->provider = ops->create(&vfio->settings, err);
		if (!family->provider)
			return err->code;
		family->provider->kvm = &vfio->kvm;
	} else if (family->provider->ops != ops) {
		return err_set(err, -EINVAL,
			       "passthrough device %s: it is had by %s, those before it by %s: one "
			       "guest takes devices by one way: give all the same via=",
			       entry->options.path, ops->name, family->provider->ops->name);
	}
	return 0;
}

void vfio_entry_lend(struct vfio_entry *entry)
{
	struct vfio_hold *hold = &entry->hold;

	hold->sysfs = entry->sysfs;
	hold->lease = entry->lease;
	hold->backend = entry->backend;
	hold->pci = entry->pci;
	hold->err.code = 0;
	hold->no_way = false;
	hold->last = NULL;
}

void vfio_entry_take(struct vfio_entry *entry)
{
	const struct vfio_hold *hold = &entry->hold;
	bool joined = hold->lease && !entry->lease;

	entry->sysfs = hold->sysfs;
	entry->lease = hold->lease;
	entry->backend = hold->backend;
	entry->pci = hold->pci;
	if (joined)
		entry->comeback.ops = entry->lease->provider->ops;
	if (joined && !entry->options.id)
		entry->options.id = entry->sysfs.address;
	if (joined)
		log_info("passthrough device %s: by %s", entry->sysfs.address,
			 entry->lease->provider->ops->name);
}

/* A step at the start, where nobody waits for it. */
static int entry_end_step(struct vfio_entry *entry, struct err *err)
{
	vfio_entry_take(entry);
	if (entry->hold.err.code)
		*err = entry->hold.err;
	return entry->hold.err.code;
}

int vfio_entry_join(struct vfio_entry *entry, struct err *err)
{
	if (vfio_entry_provide(entry, err))
		return err->code;
	vfio_entry_lend(entry);
	vfio_hold_join(&entry->hold, entry, entry->family->provider);
	return entry_end_step(entry, err);
}

const char *vfio_entry_id(const struct vfio_entry *entry)
{
	return entry->options.id ? entry->options.id : entry->options.path;
}

const char *vfio_entry_name(const struct vfio_entry *entry)
{
	return *entry->sysfs.address ? entry->sysfs.address : entry->options.path;
}

/* A device that was given back to the host may come again. */
int vfio_entry_check_new(const struct vfio_entry *entry, struct err *err)
{
	const struct vfio *vfio = entry->vfio;

	for (size_t i = 0; i < vfio->count; i++) {
		const struct vfio_entry *other = vfio->entries[i];

		if (other == entry || (!other->lease && other->stage != VFIO_AWAY))
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

int vfio_entry_open_early(struct vfio_entry *entry, struct kvm_vm *vm, bool *no_way,
			  struct err *err)
{
	int rc;

	/* As it stays when others change their way. */
	*no_way = false;
	if (entry->backend)
		return 0;
	vfio_entry_lend(entry);
	vfio_hold_open_early(&entry->hold, entry, vm);
	rc = entry_end_step(entry, err);
	*no_way = entry->hold.no_way;
	return rc;
}

int vfio_entry_build(struct vfio_entry *entry, struct err *err)
{
	vfio_entry_lend(entry);
	vfio_hold_build(&entry->hold, entry);
	return entry_end_step(entry, err);
}

/* Whether nobody else of its kind is had from the host. */
static bool entry_is_last(const struct vfio_entry *entry)
{
	const struct vfio *vfio = entry->vfio;

	for (size_t i = 0; i < vfio->count; i++)
		if (vfio->entries[i] != entry && vfio->entries[i]->lease &&
		    vfio->entries[i]->family == entry->family)
			return false;
	return true;
}

void vfio_entry_begin_leave(struct vfio_entry *entry)
{
	struct vfio_family *family = entry->family;

	vfio_entry_lend(entry);
	if (!entry->provided || !entry_is_last(entry))
		return;
	entry->hold.last = family->provider;
	family->provider = NULL;
}

static void entry_return_iommufd(struct vfio *vfio)
{
	if (vfio->lent)
		entry_close_given(&vfio->settings.iommufd);
	vfio->lent = false;
}

void vfio_entry_left(struct vfio_entry *entry)
{
	struct vfio_family *family = entry->family;

	entry->provided = false;
	if (family->provider)
		return;
	family->unfit = NULL;
	family->unmapped.code = 0;
	if (family == &family->vfio->families[VFIO_HARDWARE])
		entry_return_iommufd(family->vfio);
}

void vfio_entry_leave(struct vfio_entry *entry)
{
	vfio_entry_begin_leave(entry);
	vfio_hold_close(&entry->hold, entry->family);
	vfio_entry_take(entry);
	vfio_entry_left(entry);
}

void vfio_entry_free(struct vfio_entry *entry)
{
	if (!entry)
		return;
	if (entry->provided)
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
		.id = vfio_entry_id(entry),
		.host = vfio_entry_name(entry),
		.slot = entry->slot ? slot : NULL,
	};

	if (entry->slot)
		snprintf(slot, sizeof(slot), "slot%u", entry->slot->number);
	if (to->tell)
		to->tell(to->machine, &news);
}
