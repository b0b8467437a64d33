/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtual machine of a KVM that is a fake. */

#ifndef FERRY_TESTS_UNIT_VMM_KVM_TEST_VM_H
#define FERRY_TESTS_UNIT_VMM_KVM_TEST_VM_H

#include <check.h>

#include "tests/unit/support/fake_kvm.h"
#include "vmm/kvm/vm.h"

static struct err err;

static inline void set_up(void)
{
	fake_kvm_reset();
	err = (struct err){0};
}

static inline struct kvm_vm *create(void)
{
	struct kvm_vm *vm = kvm_vm_create(NULL, &err);

	ck_assert_msg(vm, "%s", err.text);
	fake.calls = 0;
	return vm;
}

#endif
