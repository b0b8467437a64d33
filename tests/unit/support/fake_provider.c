/* SPDX-License-Identifier: BSD-3-Clause */
/* The provider made of nothing: it notes what it is asked for and serves the test's devices. */

#include "tests/unit/support/fake_provider.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/bits.h"

struct fake_provider fake_provider = {.provider.ops = &fake_provider_ops};

static void happened(const char *what)
{
	size_t used = strlen(fake_provider.events);

	snprintf(fake_provider.events + used, sizeof(fake_provider.events) - used, "%s ", what);
}

/* All but what a test calls foreign. */
static int serves(const struct vfio_settings *settings, const struct vfio_device_config *config)
{
	(void)settings;
	return strncmp(config->path, "foreign", 7) != 0;
}

static struct vfio_provider *create(const struct vfio_settings *settings, struct err *err)
{
	(void)settings;
	(void)err;
	happened("create");
	fake_vfio_space_init(&fake_provider.space);
	fake_provider.provider.space = NULL;
	fake_provider.lease.provider = &fake_provider.provider;
	return &fake_provider.provider;
}

/* Function 0 of a device for each name, with the fake's BARs. */
static struct vfio_lease *join(struct vfio_provider *provider, struct vfio_device_config *config,
			       struct vfio_sysfs_device *device, struct err *err)
{
	if (strlen(config->path) >= sizeof(device->address)) {
		err_set(err, -ENAMETOOLONG, "%s: too long", config->path);
		return NULL;
	}
	happened("join");
	provider->space = &fake_provider.space.space;
	strcpy(device->address, config->path);
	device->is_pci = fake_provider.is_pci;
	for (unsigned int i = 0; device->is_pci && i < PCI_BAR_COUNT; i++)
		device->resources[i].size = fake_provider.devices[0]->regions[i].size;
	return &fake_provider.lease;
}

static int tell_kvm(struct vfio_provider *provider, struct kvm_vm *vm, struct err *err)
{
	(void)provider;
	(void)vm;
	(void)err;
	happened("kvm");
	return 0;
}

static int check_memlock(struct vfio_provider *provider, uint64_t ram_size, struct err *err)
{
	(void)provider;
	return ram_size > GIB ? err_set(err, -ENOMEM, "more than a GiB cannot be locked") : 0;
}

static struct vfio_backend *open_device(struct vfio_lease *lease,
					const struct vfio_sysfs_device *device, const char *token,
					struct err *err)
{
	if (fake_provider.opened == FAKE_PROVIDER_DEVICES || token) {
		err_set(err, -ENODEV, "passthrough device %s: it does not open", device->address);
		return NULL;
	}
	(void)lease;
	happened("open");
	return &fake_provider.devices[fake_provider.opened++]->backend;
}

static int bus_reset(struct vfio_provider *provider, struct vfio_bus_reset *reset, const char *name,
		     struct err *err)
{
	(void)provider;
	for (uint32_t i = 0; i < reset->info->count; i++) {
		char address[VFIO_ADDRESS_SIZE];

		vfio_bus_reset_address(reset, i, address, sizeof(address));
		if (reset->info->devices[i].group_id % 2 == 0)
			return err_set(err, -EPERM, "passthrough device %s: %s is not ours", name,
				       address);
	}
	happened("bus");
	return fake_provider.proof < 0 ? 0 : vfio_bus_reset_show(reset, fake_provider.proof);
}

static size_t descriptors(const struct vfio_provider *provider, int *descriptors, size_t room,
			  size_t count)
{
	(void)provider;
	return vfio_list(fake_provider.proof, descriptors, room, count);
}

static void leave(struct vfio_lease *lease)
{
	(void)lease;
	happened("leave");
}

static void destroy(struct vfio_provider *provider)
{
	(void)provider;
	happened("destroy");
}

const struct vfio_provider_ops fake_provider_ops = {
	.name = "the test",
	.opens_early = true,
	.serves = serves,
	.create = create,
	.join = join,
	.tell_kvm = tell_kvm,
	.check_memlock = check_memlock,
	.open_device = open_device,
	.bus_reset = bus_reset,
	.descriptors = descriptors,
	.leave = leave,
	.destroy = destroy,
};
