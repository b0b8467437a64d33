/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An architecture made of nothing for the debugger's side of the machine: takes arch/debug.h's
 * place.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_DEBUG_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_DEBUG_H

#include <check.h>
#include <errno.h>
#include <string.h>

#include "arch/debug.h"
#include "vmm/base/bits.h"

enum {
	FAKE_OFFSET = 0x70000000, /* virtual addresses are so much above physical ones */
	FAKE_MAPPED = 0x8000,     /* bytes of RAM that the guest has mapped */
	FAKE_REGISTERS = 4,
	FAKE_CPUS = 3,
};

static const uint8_t fake_breakpoint[] = {0xcc, 0xdd};

static struct fake_debug {
	struct arch_debug_support support;
	int support_fails;
	bool unmapped; /* no page is there */
	uint64_t registers[FAKE_CPUS][FAKE_REGISTERS];
	struct arch_debug_control control[FAKE_CPUS];
	struct arch_debug_point points[FAKE_CPUS][ARCH_DEBUG_POINTS_MAX];
	unsigned int controls;
	int control_fails;
	unsigned int stepped, reinjected;
} fake_debug;

static inline unsigned int fake_cpu(struct kvm_vcpu *vcpu)
{
	return (unsigned int)((uintptr_t)vcpu - 1);
}

static inline struct kvm_vcpu *fake_vcpu(unsigned int cpu)
{
	return (struct kvm_vcpu *)(uintptr_t)(cpu + 1);
}

int arch_debug_support(struct arch_vm *arch, struct kvm_vcpu *vcpu,
		       struct arch_debug_support *support)
{
	(void)arch;
	(void)vcpu;
	*support = fake_debug.support;
	return fake_debug.support_fails;
}

const char *arch_debug_description(struct arch_vm *arch, const char *annex)
{
	(void)arch;
	return strcmp(annex, "target.xml") == 0 ? "<target/>" : NULL;
}

unsigned int arch_debug_register_count(struct arch_vm *arch)
{
	(void)arch;
	return FAKE_REGISTERS;
}

unsigned int arch_debug_general_count(struct arch_vm *arch)
{
	(void)arch;
	return FAKE_REGISTERS - 1;
}

size_t arch_debug_register_size(struct arch_vm *arch, unsigned int number)
{
	(void)arch;
	return number < FAKE_REGISTERS ? 8 : 0;
}

int arch_debug_register_read(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int number,
			     uint8_t *bytes)
{
	(void)arch;
	if (number >= FAKE_REGISTERS)
		return -ENOENT;
	store_le64(bytes, fake_debug.registers[fake_cpu(vcpu)][number]);
	return 0;
}

int arch_debug_register_write(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int number,
			      const uint8_t *bytes)
{
	(void)arch;
	if (number >= FAKE_REGISTERS)
		return -ENOENT;
	fake_debug.registers[fake_cpu(vcpu)][number] = load_le64(bytes);
	return 0;
}

unsigned int arch_debug_pc_register(struct arch_vm *arch)
{
	(void)arch;
	return 0;
}

int arch_debug_translate(struct arch_vm *arch, struct kvm_vcpu *vcpu, uint64_t address,
			 struct arch_translation *translation, struct text *steps)
{
	(void)arch;
	(void)vcpu;
	(void)steps;
	if (fake_debug.unmapped || address < FAKE_OFFSET || address - FAKE_OFFSET >= FAKE_MAPPED)
		return -EFAULT;
	*translation = (struct arch_translation){.gpa = address - FAKE_OFFSET, .page_size = 4096};
	return 0;
}

int arch_debug_check_points(const struct arch_debug_support *support,
			    const struct arch_debug_point *points, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (points[i].kind == ARCH_DEBUG_READ)
			return -EOPNOTSUPP;
		if (points[i].kind == ARCH_DEBUG_BREAK && !support->breakpoints)
			return -EOPNOTSUPP;
	}
	return count > support->breakpoints ? -ENOSPC : 0;
}

int arch_debug_control(struct arch_vm *arch, struct kvm_vcpu *vcpu,
		       const struct arch_debug_control *control)
{
	unsigned int cpu = fake_cpu(vcpu);

	(void)arch;
	if (fake_debug.control_fails)
		return fake_debug.control_fails;
	fake_debug.controls++;
	fake_debug.control[cpu] = *control;
	memcpy(fake_debug.points[cpu], control->points, control->count * sizeof(*control->points));
	return 0;
}

int arch_debug_stepped(struct arch_vm *arch, struct kvm_vcpu *vcpu)
{
	(void)arch;
	(void)vcpu;
	fake_debug.stepped++;
	return 0;
}

const uint8_t *arch_debug_breakpoint(uint64_t length, size_t *size)
{
	*size = sizeof(fake_breakpoint);
	return length == sizeof(fake_breakpoint) ? fake_breakpoint : NULL;
}

int arch_debug_reinject(struct arch_vm *arch, struct kvm_vcpu *vcpu)
{
	(void)arch;
	(void)vcpu;
	fake_debug.reinjected++;
	return 0;
}

#endif
