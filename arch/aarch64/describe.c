/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU's registers as text, for the report of a crash. */

#include "arch/aarch64/vcpu.h"
#include "arch/aarch64/vm.h"
#include "vmm/base/bits.h"
#include "vmm/base/text.h"

enum { GENERAL_REGISTERS = 31, PER_LINE = 4 };

static void describe_register(struct text *text, struct kvm_vcpu *vcpu, const char *name,
			      uint64_t number)
{
	uint64_t value;

	if (vcpu_get_register(vcpu, number, &value) == 0)
		text_append(text, "%-10s %016llx\n", name, (unsigned long long)value);
	else
		text_append(text, "%-10s cannot be read\n", name);
}

static void describe_general(struct text *text, struct kvm_vcpu *vcpu)
{
	/* Registers are numbered in units of 32 bits. */
	uint64_t number = VCPU_CORE_REGISTER(regs.regs[0]);

	for (unsigned int i = 0; i < GENERAL_REGISTERS; i++) {
		uint64_t value = 0;
		int rc = vcpu_get_register(vcpu, number + 2 * i, &value);

		text_append(text, "x%-2u %016llx%s%s", i, (unsigned long long)value,
			    rc ? " (cannot be read)" : "",
			    i % PER_LINE == PER_LINE - 1 ? "\n" : "  ");
	}
	text_append(text, "\n");
}

void arch_vcpu_describe(struct arch_vm *arch, struct kvm_vcpu *vcpu, char *buffer, size_t size)
{
	const struct {
		const char *name;
		uint64_t number;
	} registers[] = {
		{"pc", VCPU_CORE_REGISTER(regs.pc)},
		{"pstate", VCPU_CORE_REGISTER(regs.pstate)},
		{"sp_el0", VCPU_CORE_REGISTER(regs.sp)},
		{"sp_el1", VCPU_CORE_REGISTER(sp_el1)},
		{"elr_el1", VCPU_CORE_REGISTER(elr_el1)},
		{"spsr_el1", VCPU_CORE_REGISTER(spsr[KVM_SPSR_EL1])},
		{"esr_el1", ARM64_SYS_REG(3, 0, 5, 2, 0)},
		{"far_el1", ARM64_SYS_REG(3, 0, 6, 0, 0)},
		{"vbar_el1", ARM64_SYS_REG(3, 0, 12, 0, 0)},
		{"sctlr_el1", ARM64_SYS_REG(3, 0, 1, 0, 0)},
		{"ttbr0_el1", ARM64_SYS_REG(3, 0, 2, 0, 0)},
		{"ttbr1_el1", ARM64_SYS_REG(3, 0, 2, 0, 1)},
		{"tcr_el1", ARM64_SYS_REG(3, 0, 2, 0, 2)},
	};
	struct text text = {.next = buffer, .room = size};

	(void)arch;
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		describe_register(&text, vcpu, registers[i].name, registers[i].number);
	describe_general(&text, vcpu);
}
