/* SPDX-License-Identifier: BSD-3-Clause */
/* Telling KVM what VFIO gave the guest: some drivers need it at open, and KVM for cacheability. */

#include "vfio/kvm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdint.h>

#include "vmm/base/log.h"

int vfio_kvm_open(int *kvm, struct kvm_vm *vm, struct err *err)
{
	int fd = *kvm >= 0 ? *kvm : kvm_vm_create_device(vm, KVM_DEV_TYPE_VFIO, "VFIO", err);

	if (fd == -ENODEV)
		return err_set(
			err, fd,
			"KVM's VFIO device: this kernel's KVM has none: it must be built with "
			"CONFIG_KVM_VFIO");
	if (fd < 0)
		return fd;
	*kvm = fd;
	return 0;
}

int vfio_kvm_add(int kvm, int descriptor, const char *name, struct err *err)
{
	int32_t fd = descriptor;
	int rc = kvm_device_set_attribute(kvm, KVM_DEV_VFIO_GROUP, KVM_DEV_VFIO_GROUP_ADD, &fd);

	if (rc)
		return err_set(err, rc, "KVM's VFIO device: it does not take %s: %s", name,
			       err_text(rc));
	return 0;
}

void vfio_kvm_del(int kvm, int descriptor, const char *name)
{
	int32_t fd = descriptor;
	int rc = kvm_device_set_attribute(kvm, KVM_DEV_VFIO_GROUP, KVM_DEV_VFIO_GROUP_DEL, &fd);

	if (rc)
		log_warn("KVM's VFIO device: it does not release %s: %s", name, err_text(rc));
}
