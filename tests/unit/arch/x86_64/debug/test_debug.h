/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU whose registers are in a struct, for the tests of what a debugger sees of one. */

#ifndef FERRY_TESTS_UNIT_ARCH_X86_64_DEBUG_TEST_DEBUG_H
#define FERRY_TESTS_UNIT_ARCH_X86_64_DEBUG_TEST_DEBUG_H

#include "arch/debug.h"
#include "arch/x86_64/debug/debug.h"
#include "arch/x86_64/debug/trial.h"
#include "arch/x86_64/vm.h"
#include "tests/unit/support/fake_kvm.h"

enum {
	RAM_SIZE = 4 * 1024 * 1024,
	VCPU = 3,
	YMM_OFFSET = 0x240,
	XSTATE_BV = 512,
	ALL_FLAGS = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP |
		    KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_BP | KVM_GUESTDBG_BLOCKIRQ,
};

static struct kvm_vm *vm;
static struct kvm_vcpu *vcpu;
static struct mem_map *map;
static struct arch_vm arch;
static struct err err;

static struct {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_fpu fpu;
	struct kvm_xcrs xcrs;
	uint8_t fpu_area[2 * sizeof(struct kvm_xsave)];
	size_t area_size;
	uint64_t msr;
	uint32_t msr_index;
	struct kvm_guest_debug debug;
	struct kvm_debugregs debugregs;
	struct kvm_mp_state mp;
	unsigned long refused; /* every request of this number */
	uint32_t missing_msr;
	unsigned int sets;
} state;

/* The trial has tests of its own. */
static unsigned int trials;

void debug_trial(struct arch_debug_support *support)
{
	(void)support;
	trials++;
}

/* Copies to or from the ioctl's argument. */
static inline int fake_transfer(bool set, void *kept, void *argument, size_t size)
{
	memcpy(set ? kept : argument, set ? argument : kept, size);
	state.sets += set;
	return 0;
}

static inline int fake_msrs(bool set, void *argument)
{
	struct kvm_msrs *msrs = argument;

	ck_assert_uint_eq(msrs->nmsrs, 1);
	if (msrs->entries[0].index == state.missing_msr)
		return 0;
	state.msr_index = msrs->entries[0].index;
	fake_transfer(set, &state.msr, &msrs->entries[0].data, sizeof(state.msr));
	return 1;
}

static int debug_vcpu_ioctl(int fd, unsigned long request, void *argument)
{
	(void)fd;
	if (request == state.refused)
		return -EINVAL;
	switch (request) {
	case KVM_GET_REGS:
	case KVM_SET_REGS:
		return fake_transfer(request == KVM_SET_REGS, &state.regs, argument,
				     sizeof(state.regs));
	case KVM_GET_SREGS:
	case KVM_SET_SREGS:
		return fake_transfer(request == KVM_SET_SREGS, &state.sregs, argument,
				     sizeof(state.sregs));
	case KVM_GET_FPU:
	case KVM_SET_FPU:
		return fake_transfer(request == KVM_SET_FPU, &state.fpu, argument,
				     sizeof(state.fpu));
	case KVM_GET_XCRS:
	case KVM_SET_XCRS:
		return fake_transfer(request == KVM_SET_XCRS, &state.xcrs, argument,
				     sizeof(state.xcrs));
	case KVM_GET_XSAVE:
	case KVM_GET_XSAVE2:
		ck_assert_int_eq(request == KVM_GET_XSAVE2,
				 state.area_size > sizeof(struct kvm_xsave));
		return fake_transfer(false, state.fpu_area, argument, state.area_size);
	case KVM_SET_XSAVE:
		return fake_transfer(true, state.fpu_area, argument, state.area_size);
	case KVM_GET_MSRS:
	case KVM_SET_MSRS:
		return fake_msrs(request == KVM_SET_MSRS, argument);
	case KVM_GET_DEBUGREGS:
	case KVM_SET_DEBUGREGS:
		return fake_transfer(request == KVM_SET_DEBUGREGS, &state.debugregs, argument,
				     sizeof(state.debugregs));
	case KVM_GET_MP_STATE:
	case KVM_SET_MP_STATE:
		return fake_transfer(request == KVM_SET_MP_STATE, &state.mp, argument,
				     sizeof(state.mp));
	case KVM_SET_GUEST_DEBUG:
		return fake_transfer(true, &state.debug, argument, sizeof(state.debug));
	default:
		ck_abort_msg("request 0x%lx", request);
	}
}

static inline void add_cpuid(uint32_t function, uint32_t index, struct kvm_cpuid_entry2 values)
{
	values.function = function;
	values.index = index;
	values.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	arch.cpuid.entries[arch.cpuid.count++] = values;
}

static inline void set_up(void)
{
	static const struct ram_range piece = {0, RAM_SIZE};
	static const struct ram_config config = {0};

	fake_kvm_reset();
	fake.vcpu_ioctl = debug_vcpu_ioctl;
	fake.guest_debug = ALL_FLAGS;
	memset(&state, 0, sizeof(state));
	memset(&arch, 0, sizeof(arch));
	state.area_size = sizeof(struct kvm_xsave);
	vm = kvm_vm_create(NULL, &err);
	vcpu = kvm_vcpu_create(vm, VCPU, &err);
	ck_assert_ptr_nonnull(vcpu);
	map = mem_map_create("memory", 0, &err);
	arch.setup.vm = vm;
	arch.setup.ram = ram_create(map, &piece, 1, &config, &err);
	ck_assert_ptr_nonnull(arch.setup.ram);
	add_cpuid(1, 0, (struct kvm_cpuid_entry2){.ecx = 1 << 28});
	add_cpuid(0xd, 0, (struct kvm_cpuid_entry2){.eax = 7});
	add_cpuid(0xd, 2, (struct kvm_cpuid_entry2){.eax = 256, .ebx = YMM_OFFSET});
	state.xcrs.nr_xcrs = 1;
}

static inline void tear_down(void)
{
	arch_debug_free(arch.debug);
	ram_destroy(arch.setup.ram);
	mem_map_destroy(map);
	kvm_vcpu_destroy(vcpu);
	kvm_vm_destroy(vm);
}

#endif
