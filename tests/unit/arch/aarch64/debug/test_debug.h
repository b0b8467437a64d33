/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU of aarch64 that is nothing but its registers, for the tests of debugging it. */

#ifndef FERRY_TESTS_UNIT_ARCH_AARCH64_DEBUG_TEST_DEBUG_H
#define FERRY_TESTS_UNIT_ARCH_AARCH64_DEBUG_TEST_DEBUG_H

#include "arch/aarch64/debug/registers.h"
#include "arch/aarch64/vcpu.h"
#include "arch/aarch64/vm.h"
#include "arch/debug.h"
#include "tests/unit/support/fake_kvm.h"

#define CORE_PC     VCPU_CORE_REGISTER(regs.pc)
#define CORE_PSTATE VCPU_CORE_REGISTER(regs.pstate)
#define CORE_ELR    VCPU_CORE_REGISTER(elr_el1)
#define CORE_SPSR   VCPU_CORE_REGISTER(spsr[KVM_SPSR_EL1])

enum { MACHINE_REGISTERS_MAX = 64, MACHINE_RAM = 8 << 20 };

#define MACHINE_RAM_BASE UINT64_C(0x40000000)

/* The registers that exist, and the last KVM_SET_GUEST_DEBUG. */
static struct {
	struct {
		uint64_t id;
		uint8_t bytes[256];
	} registers[MACHINE_REGISTERS_MAX];
	size_t count;
	unsigned int writes;
	uint64_t refused; /* a register that KVM fails to write */
	uint64_t gone;    /* one that is no longer there */
	unsigned int lists;
	int list_answer;
	struct kvm_guest_debug debug;
	uint32_t mp_state;
} machine;

static struct kvm_vm *vm;
static struct kvm_vcpu *vcpu;
static struct arch_vm *arch;
static struct platform platform;
static struct mem_map *map;
static struct err err;

static uint8_t *machine_find(uint64_t id)
{
	for (size_t i = 0; i < machine.count; i++)
		if (machine.registers[i].id == id)
			return machine.registers[i].bytes;
	return NULL;
}

static void machine_set(uint64_t id, uint64_t value)
{
	uint8_t *bytes = machine_find(id);

	if (!bytes) {
		ck_assert_uint_lt(machine.count, MACHINE_REGISTERS_MAX);
		machine.registers[machine.count].id = id;
		bytes = machine.registers[machine.count++].bytes;
	}
	store_le64(bytes, value);
}

static inline uint64_t machine_get(uint64_t id)
{
	const uint8_t *bytes = machine_find(id);

	ck_assert_ptr_nonnull(bytes);
	return load_le64(bytes);
}

static int machine_one_reg(unsigned long request, const struct kvm_one_reg *reg)
{
	size_t size = (size_t)1 << ((reg->id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);
	uint8_t *bytes = machine_find(reg->id);

	ck_assert_uint_le(size, 256);
	if (!bytes || reg->id == machine.gone)
		return -ENOENT;
	if (request == KVM_GET_ONE_REG) {
		memcpy((void *)(uintptr_t)reg->addr, bytes, size);
		return 0;
	}
	if (reg->id == machine.refused)
		return -EINVAL;
	machine.writes++;
	memcpy(bytes, (void *)(uintptr_t)reg->addr, size);
	return 0;
}

static int machine_list(struct kvm_reg_list *list)
{
	size_t room = list->n;

	machine.lists++;
	if (machine.list_answer < 0)
		return machine.list_answer;
	list->n = machine.count;
	if (room < machine.count)
		return -E2BIG;
	for (size_t i = 0; i < machine.count; i++)
		list->reg[i] = machine.registers[i].id;
	return 0;
}

static int machine_vcpu_ioctl(int fd, unsigned long request, void *argument)
{
	(void)fd;
	switch (request) {
	case KVM_GET_ONE_REG:
	case KVM_SET_ONE_REG:
		return machine_one_reg(request, argument);
	case KVM_GET_REG_LIST:
		return machine_list(argument);
	case KVM_SET_GUEST_DEBUG:
		memcpy(&machine.debug, argument, sizeof(machine.debug));
		return 0;
	case KVM_GET_MP_STATE:
		((struct kvm_mp_state *)argument)->mp_state = machine.mp_state;
		return 0;
	case KVM_ARM_VCPU_INIT:
		return 0;
	default:
		return -ENOTTY;
	}
}

static int machine_vm_ioctl(unsigned long request, void *argument)
{
	if (request == KVM_ARM_PREFERRED_TARGET)
		*(struct kvm_vcpu_init *)argument = (struct kvm_vcpu_init){.target = 5};
	return request == KVM_ARM_PREFERRED_TARGET || request == KVM_ENABLE_CAP ? 0 : -ENOTTY;
}

static void machine_set_up(void)
{
	static const struct ram_config config = {0};
	const struct ram_range piece = {MACHINE_RAM_BASE, MACHINE_RAM};
	struct arch_setup setup = {.platform = &platform};

	fake_kvm_reset();
	memset(&machine, 0, sizeof(machine));
	vm = kvm_vm_create(NULL, &err);
	ck_assert_msg(vm, "%s", err.text);
	fake.vm_ioctl = machine_vm_ioctl;
	map = mem_map_create("mmio", 0, &err);
	setup.vm = vm;
	setup.ram = ram_create(map, &piece, 1, &config, &err);
	ck_assert_msg(setup.ram, "%s", err.text);
	vcpu = kvm_vcpu_create(vm, 0, &err);
	ck_assert_ptr_nonnull(vcpu);
	fake.vcpu_ioctl = machine_vcpu_ioctl;
	/* Without SVE and signatures, until a test says otherwise. */
	arch = arch_vm_create(&setup, &err);
	ck_assert_msg(arch, "%s", err.text);
	arch->init = (struct kvm_vcpu_init){0};
	arch->vcpus[0] = vcpu;
	for (unsigned int i = 0; i < 31; i++)
		machine_set(VCPU_CORE_REGISTER(regs.regs[0]) + 2 * i, 0x100 + i);
	machine_set(CORE_PC, 0x40200000);
	machine_set(CORE_PSTATE, PSTATE_EL1H);
	machine_set(CORE_ELR, 0);
	machine_set(CORE_SPSR, 0);
	machine_set(VCPU_CORE_REGISTER(regs.sp), 0x5e10);
	machine_set(VCPU_CORE_REGISTER(sp_el1), 0x5e11);
	machine_set(DEBUG_SCTLR_EL1, 0);
	machine_set(DEBUG_TCR_EL1, 0);
	machine_set(DEBUG_TTBR0_EL1, 0);
	machine_set(DEBUG_TTBR1_EL1, 0);
	machine_set(DEBUG_MMFR0_EL1, 5);
	machine_set(DEBUG_ESR_EL1, 0);
	machine_set(DEBUG_VBAR_EL1, 0x40300000);
}

static void machine_tear_down(void)
{
	struct ram *ram = arch->setup.ram;

	arch_vm_destroy(arch);
	ram_destroy(ram);
	mem_map_destroy(map);
	kvm_vcpu_destroy(vcpu);
	kvm_vm_destroy(vm);
}

enum {
	NOP = (int)0xd503201f,
	STEPPED_PC = 0x40200000,
	VECTORS = 0x40300000,
};

static inline int control(const struct arch_debug_control *what)
{
	return arch_debug_control(arch, vcpu, what);
}

static inline struct arch_debug_stop stop_with(uint32_t syndrome, uint64_t far)
{
	struct kvm_run *run = kvm_vcpu_run_page(vcpu);
	struct arch_debug_stop stop;

	run->exit_reason = KVM_EXIT_DEBUG;
	run->debug.arch.hsr = syndrome;
	run->debug.arch.far = far;
	arch_debug_decode(arch, vcpu, &stop);
	return stop;
}

#endif
