/* SPDX-License-Identifier: BSD-3-Clause */
/* What is had of a device from the host: it joins, is opened, is closed, leaves; by any thread. */

#include <errno.h>
#include <inttypes.h>

#include "vfio/pci/measure.h"
#include "vfio/vfio_private.h"

void vfio_hold_join(struct vfio_hold *hold, struct vfio_entry *entry,
		    struct vfio_provider *provider)
{
	hold->lease = provider->ops->join(provider, &entry->options, &hold->sysfs, &hold->err);
}

static struct vfio_backend *hold_open(struct vfio_hold *hold, const struct vfio_entry *entry)
{
	return hold->lease->provider->ops->open_device(hold->lease, &hold->sysfs,
						       entry->options.vf_token, &hold->err);
}

static int hold_tell_kvm(struct vfio_hold *hold, struct kvm_vm *vm)
{
	struct vfio_provider *provider = hold->lease->provider;

	return provider->ops->tell_kvm(provider, vm, &hold->err);
}

void vfio_hold_open_early(struct vfio_hold *hold, const struct vfio_entry *entry, struct kvm_vm *vm)
{
	const struct vfio_provider *provider = hold->lease->provider;

	if ((!vfio_sysfs_is_silent(&hold->sysfs) && !provider->ops->opens_early) ||
	    hold_tell_kvm(hold, vm))
		return;
	hold->backend = hold_open(hold, entry);
	hold->no_way = !hold->backend && hold->err.code == -EOPNOTSUPP;
	if (hold->backend && vfio_sysfs_is_silent(&hold->sysfs))
		(void)!vfio_measure(hold->backend, hold->sysfs.address, hold->sysfs.resources,
				    &hold->err);
}

/*
 * The windows were sized by what sysfs told; the ROM, which VFIO may leave out, has room there too.
 */
static void hold_check_sizes(struct vfio_hold *hold)
{
	for (unsigned int bar = 0; bar < PCI_BARS && !hold->err.code; bar++) {
		uint64_t size = hold->pci->regions[bar].info.size;
		uint64_t told = hold->sysfs.resources[bar].size;

		if (size > told)
			err_set(&hold->err, -ERANGE,
				"passthrough device %s: BAR %u: VFIO says 0x%" PRIx64
				" bytes, sysfs 0x%" PRIx64 ": it was changed meanwhile: try again",
				hold->sysfs.address, bar, size, told);
	}
}

void vfio_hold_build(struct vfio_hold *hold, struct vfio_entry *entry)
{
	struct vfio *vfio = entry->vfio;
	const struct vfio_pci_config config = {
		.name = hold->sysfs.address,
		.sysfs = hold->sysfs.is_pci ? vfio->sysfs : NULL,
		.options = &entry->options,
		.rom = entry->rom.host ? &entry->rom : NULL,
		.dma = &entry->family->dma,
		.peers = &entry->family->peers,
		.irq = vfio->to.irq,
		.loop = vfio->to.loop,
		.owner = &entry->pci,
		.keeper_ops = &vfio_keeper_ops,
		.keeper = entry,
	};
	struct vfio_backend *backend = hold->backend;

	if (!backend && !hold_tell_kvm(hold, vfio->to.vm))
		backend = hold_open(hold, entry);
	hold->backend = NULL;
	if (backend)
		hold->pci = vfio_pci_create(backend, &config, &hold->err);
	vfio_close_given(&entry->options);
	if (hold->pci)
		hold_check_sizes(hold);
}

void vfio_hold_begin(struct vfio_hold *hold)
{
	struct vfio_provider *provider = hold->lease->provider;

	if (provider->ops->begin)
		(void)!provider->ops->begin(provider, &hold->err);
}

void vfio_hold_close(struct vfio_hold *hold, struct vfio_family *family)
{
	if (hold->pci)
		vfio_pci_close(hold->pci);
	if (hold->backend)
		hold->backend->ops->close(hold->backend);
	hold->backend = NULL;
	if (hold->last) {
		vfio_dma_abandon(&family->dma);
		vfio_peers_stop(&family->peers);
	}
	if (hold->lease)
		hold->lease->provider->ops->leave(hold->lease);
	hold->lease = NULL;
	if (hold->last)
		hold->last->ops->destroy(hold->last);
	hold->last = NULL;
}
