/* SPDX-License-Identifier: BSD-3-Clause */
/* What a way to devices offers, such as that by IOMMU groups (vfio/type1). */

#ifndef FERRY_VFIO_PROVIDER_H
#define FERRY_VFIO_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio/backend.h"
#include "vfio/bus_reset.h"
#include "vfio/host/sysfs.h"
#include "vfio/space.h"
#include "vfio/vfio.h"
#include "vmm/kvm/vm.h"

struct vfio_provider_ops;

/*
 * One way, for all the devices of a guest that are of one kind (vfio_private.h). Embedded first in
 * the provider's own struct.
 */
struct vfio_provider {
	const struct vfio_provider_ops *ops;
	struct vfio_space *space; /* of every device that joined; NULL before the first */
	/*
	 * The descriptor of KVM's VFIO device, -1 before the first device. The layer's: a VM has
	 * one for all its providers, and it outlives them.
	 */
	int *kvm;
};

/*
 * That a device has joined; several devices may have the same. Embedded first in the provider's own
 * struct.
 */
struct vfio_lease {
	struct vfio_provider *provider;
};

/*
 * In the order in which they are called, without a lock but for bus_reset(). What fails has set
 * @err and returns its negative errno or NULL. On the main thread, or while the guest runs on
 * another one at a time (worker.h): join(), tell_kvm(), open_device(), begin(), a device's close,
 * leave() and destroy(). The main thread may call bus_reset() beside these.
 */
struct vfio_provider_ops {
	const char *name; /* for a sentence */
	enum vfio_via via;
	/* Ranges or sizes are known of open devices alone: they are opened before the layout. */
	bool opens_early;
	/*
	 * Whether it is the way for that device, 1 or 0; a negative errno when that cannot be told.
	 * The one that earlier devices of its kind are had by then gets it, or the last in the
	 * table, whose join() says why; the last gets what none serves, too.
	 */
	int (*serves)(const struct vfio_settings *settings,
		      const struct vfio_device_config *config);
	/* Opens nothing yet. @settings outlive it. */
	struct vfio_provider *(*create)(const struct vfio_settings *settings, struct err *err);
	/*
	 * Finds the device, tells in @device who it is, and lets it into the space. It is not
	 * opened. Of the descriptors that @config may have those that it takes, and closes in
	 * time, are 0 there at the return, also of a failure; it outlives the lease, which ends
	 * with leave(). The guest may be running, with RAM mapped or being mapped for others.
	 */
	struct vfio_lease *(*join)(struct vfio_provider *provider,
				   struct vfio_device_config *config,
				   struct vfio_sysfs_device *device, struct err *err);
	/* Whether @ram_size bytes may be locked, with the limit raised where that helps. */
	int (*check_memlock)(struct vfio_provider *provider, uint64_t ram_size, struct err *err);
	/* Tells KVM of what joined since it was last told, before any of it is opened. */
	int (*tell_kvm)(struct vfio_provider *provider, struct kvm_vm *vm, struct err *err);
	/*
	 * Opens @device, with @token unless that is NULL. The caller closes it before leave().
	 * -EOPNOTSUPP, of one that opens early: the host has no such way to it after all.
	 */
	struct vfio_backend *(*open_device)(struct vfio_lease *lease,
					    const struct vfio_sysfs_device *device,
					    const char *token, struct err *err);
	/*
	 * All are open and the guest is about to run, or one was opened while it does: threads
	 * begin that stay, of those devices that have none yet, which are told of what is mapped
	 * from then on. NULL: there are none.
	 */
	int (*begin)(struct vfio_provider *provider, struct err *err);
	/*
	 * Shows that everyone whom @reset hits is the guest's: puts descriptors of its own into the
	 * request (vfio_bus_reset_show()), or none where the kernel knows without. @name is of the
	 * device that is to be reset, whose locks may be held. -EPERM names one that is not the
	 * guest's. NULL where no device's hot_reset_info() ever answers.
	 */
	int (*bus_reset)(struct vfio_provider *provider, struct vfio_bus_reset *reset,
			 const char *name, struct err *err);
	/* Lists what a sandbox must keep of it behind @count others, as vfio_list(). */
	size_t (*descriptors)(const struct vfio_provider *provider, int *descriptors, size_t room,
			      size_t count);
	/*
	 * A device that joined is closed, or was never opened: KVM forgets it, the space lets it
	 * go, so that nothing of it is held from the host. A group goes with its last device. What
	 * is mapped for others stays, and somebody may be mapping for them. With the last of all
	 * the mappings may go, and nobody is mapping by then: destroy() follows.
	 */
	void (*leave)(struct vfio_lease *lease);
	/*
	 * Looks once for a device that was lost, by what it was asked for: a descriptor for
	 * vfio_device_config.fd, or a negative errno. A thread that may connect sockets. NULL: none
	 * is asked to come back.
	 */
	int (*reach)(struct vfio_device_config *config, struct err *err);
	/* All have left. A device that comes later may have another provider. */
	void (*destroy)(struct vfio_provider *provider);
};

/* Every way there is, by which the first that serves a device is taken; NULL behind the last. */
extern const struct vfio_provider_ops *const vfio_providers[];

#endif
