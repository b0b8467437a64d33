/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The made-up kernel with what the layer needs of KVM, where there is no KVM: its device for VFIO
 * and a GSI table. For the one program including this.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_VFIO_KVM_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_VFIO_KVM_H

#include "tests/unit/support/fake_doorbell.h"
#include "tests/unit/support/fake_irq.h"
#include "tests/unit/support/fake_vfio_kernel.h"

int kvm_vm_create_device(struct kvm_vm *vm, uint32_t type, const char *name, struct err *err)
{
	int fd = kernel_create_kvm_device();

	(void)vm;
	must(type == KVM_DEV_TYPE_VFIO);
	return fd < 0 ? err_set(err, fd, "KVM: %s: %s", name, err_text(fd)) : fd;
}

int kvm_device_set_attribute(int fd, uint32_t group, uint64_t attribute, const void *value)
{
	must(fd >= 0 && group == KVM_DEV_VFIO_GROUP);
	return kernel_tell_kvm(*(const int *)value, attribute == KVM_DEV_VFIO_GROUP_ADD);
}

#endif
