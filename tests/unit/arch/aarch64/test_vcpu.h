/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine whose KVM is a fake, which writes down what is asked of vCPUs and of the GIC. */

#ifndef FERRY_TESTS_UNIT_ARCH_AARCH64_TEST_VCPU_H
#define FERRY_TESTS_UNIT_ARCH_AARCH64_TEST_VCPU_H

#include "arch/aarch64/vcpu.h"
#include "arch/aarch64/vm.h"
#include "tests/unit/support/fake_kvm.h"

enum { CALLS_MAX = 4096 };

/* The attributes set, in order, and what the fake vCPU was told. */
static struct {
	struct {
		uint32_t group;
		uint64_t attribute;
		uint64_t value;
	} calls[CALLS_MAX];
	unsigned int count;
	uint32_t refused_group;
	uint64_t refused_attribute;
	uint64_t control; /* ICC_CTLR_EL1 */
	uint64_t affinity;
	struct kvm_vcpu_init init;
	unsigned int inits, finalized;
	uint64_t pc, x0, pstate, counter;
	bool abort_pending;
	unsigned int enabled;          /* the capability */
	unsigned int routings_at_init; /* routes set before the GIC was initialised */
} seen;

static struct kvm_vm *vm;
static struct kvm_vcpu *vcpu;
static struct arch_vm *arch;
static struct platform platform;
static struct err err;
static int event;

static inline int set_attribute(const struct kvm_device_attr *attr)
{
	/*
	 * The PMU, whose group has the number of VGIC_GRP_ADDR, takes an int; its attribute is 0.
	 */
	bool wide = (attr->group == KVM_DEV_ARM_VGIC_GRP_ADDR && attr->attr != 0) ||
		    attr->group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS;
	uint64_t value = 0;

	if (attr->addr)
		memcpy(&value, (void *)(uintptr_t)attr->addr, wide ? 8 : 4);
	if (attr->group == KVM_DEV_ARM_VGIC_GRP_CTRL && attr->attr == KVM_DEV_ARM_VGIC_CTRL_INIT)
		seen.routings_at_init += fake.routing_calls;
	ck_assert_uint_lt(seen.count, CALLS_MAX);
	seen.calls[seen.count].group = attr->group;
	seen.calls[seen.count].attribute = attr->attr;
	seen.calls[seen.count++].value = value;
	if (attr->group == seen.refused_group && attr->attr == seen.refused_attribute)
		return -ENXIO;
	return 0;
}

static inline int one_reg(unsigned long request, const struct kvm_one_reg *reg)
{
	uint64_t *value = (uint64_t *)(uintptr_t)reg->addr, *place = NULL;

	if (reg->id == ARM64_SYS_REG(3, 0, 0, 0, 5))
		place = &seen.affinity;
	else if (reg->id == VCPU_CORE_REGISTER(regs.pc))
		place = &seen.pc;
	else if (reg->id == VCPU_CORE_REGISTER(regs.regs[0]))
		place = &seen.x0;
	else if (reg->id == KVM_REG_ARM_TIMER_CNT)
		place = &seen.counter;
	else if (reg->id == VCPU_CORE_REGISTER(regs.pstate))
		place = &seen.pstate;
	if (!place)
		return request == KVM_GET_ONE_REG ? -ENOENT : -EINVAL;
	if (request == KVM_GET_ONE_REG)
		*value = *place;
	else
		*place = *value;
	return 0;
}

static inline int other_ioctl(int fd, unsigned long request, void *argument)
{
	struct kvm_vcpu_events *events = argument;

	(void)fd;
	switch (request) {
	case KVM_SET_DEVICE_ATTR:
		return set_attribute(argument);
	case KVM_GET_DEVICE_ATTR:
		memcpy((void *)(uintptr_t)((struct kvm_device_attr *)argument)->addr, &seen.control,
		       8);
		return 0;
	case KVM_ARM_VCPU_INIT:
		memcpy(&seen.init, argument, sizeof(seen.init));
		seen.inits++;
		return 0;
	case KVM_ARM_VCPU_FINALIZE:
		ck_assert_int_eq(*(int *)argument, KVM_ARM_VCPU_SVE);
		seen.finalized++;
		return 0;
	case KVM_GET_VCPU_EVENTS:
		*events = (struct kvm_vcpu_events){0};
		return 0;
	case KVM_SET_VCPU_EVENTS:
		seen.abort_pending = events->exception.ext_dabt_pending;
		return 0;
	default:
		return one_reg(request, argument);
	}
}

static inline int vm_ioctl(unsigned long request, void *argument)
{
	if (request == KVM_ENABLE_CAP) {
		seen.enabled = ((struct kvm_enable_cap *)argument)->cap;
		return 0;
	}
	ck_assert_uint_eq(request, KVM_ARM_PREFERRED_TARGET);
	*(struct kvm_vcpu_init *)argument = (struct kvm_vcpu_init){.target = 5};
	return 0;
}

static inline void machine_event(void *machine, enum machine_event which, uint32_t argument)
{
	ck_assert_ptr_eq(machine, &event);
	ck_assert_uint_eq(argument, 0);
	event = (int)which;
}

static inline void create(unsigned int id)
{
	const struct arch_setup setup = {
		.vm = vm,
		.platform = &platform,
		.sink = {.event = machine_event, .machine = &event},
	};

	vcpu = kvm_vcpu_create(vm, id, &err);
	ck_assert_ptr_nonnull(vcpu);
	arch = arch_vm_create(&setup, &err);
	ck_assert_msg(arch, "%s", err.text);
}

static inline void set_up(void)
{
	fake_kvm_reset();
	memset(&seen, 0, sizeof(seen));
	seen.refused_group = UINT32_MAX;
	event = -1;
	platform = (struct platform){.cpus = 1};
	fake.vcpu_ioctl = other_ioctl;
	fake.vm_ioctl = vm_ioctl;
	vm = kvm_vm_create(arch_vm_type, &err);
	ck_assert_ptr_nonnull(vm);
}

static inline void tear_down(void)
{
	arch_vm_destroy(arch);
	kvm_vcpu_destroy(vcpu);
	kvm_vm_destroy(vm);
	arch = NULL;
	vcpu = NULL;
}

#endif
