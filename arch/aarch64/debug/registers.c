/* SPDX-License-Identifier: BSD-3-Clause */
/* A debugger's registers: which there are, and reading and writing them by number. */

#include "arch/aarch64/debug/registers.h"

#include <errno.h>
#include <stdlib.h>

#include "arch/aarch64/debug/debug.h"
#include "arch/aarch64/debug/paging.h"
#include "arch/aarch64/vcpu.h"
#include "arch/aarch64/vm.h"
#include "arch/debug.h"
#include "vmm/base/bits.h"

enum {
	VECTOR = 16,       /* bytes of V0 */
	VECTOR_MOST = 256, /* of Z0, as KVM hands it out: zero beyond what the processor has */
	REGISTERS_GUESS = 512,
};

/* KVM swapped the numbers of the virtual timer's comparator and counter; its names are right. */
static const struct debug_system_register system_registers[] = {
	{"MIDR_EL1", ARM64_SYS_REG(3, 0, 0, 0, 0), true},
	{"MPIDR_EL1", ARM64_SYS_REG(3, 0, 0, 0, 5), true},
	{"REVIDR_EL1", ARM64_SYS_REG(3, 0, 0, 0, 6), true},
	{"ID_AA64PFR0_EL1", ARM64_SYS_REG(3, 0, 0, 4, 0), true},
	{"ID_AA64PFR1_EL1", ARM64_SYS_REG(3, 0, 0, 4, 1), true},
	{"ID_AA64ZFR0_EL1", ARM64_SYS_REG(3, 0, 0, 4, 4), true},
	{"ID_AA64DFR0_EL1", ARM64_SYS_REG(3, 0, 0, 5, 0), true},
	{"ID_AA64ISAR0_EL1", ARM64_SYS_REG(3, 0, 0, 6, 0), true},
	{"ID_AA64ISAR1_EL1", ARM64_SYS_REG(3, 0, 0, 6, 1), true},
	{"ID_AA64ISAR2_EL1", ARM64_SYS_REG(3, 0, 0, 6, 2), true},
	{"ID_AA64MMFR0_EL1", ARM64_SYS_REG(3, 0, 0, 7, 0), true},
	{"ID_AA64MMFR1_EL1", ARM64_SYS_REG(3, 0, 0, 7, 1), true},
	{"ID_AA64MMFR2_EL1", ARM64_SYS_REG(3, 0, 0, 7, 2), true},
	{"ID_AA64MMFR3_EL1", ARM64_SYS_REG(3, 0, 0, 7, 3), true},
	{"CLIDR_EL1", ARM64_SYS_REG(3, 1, 0, 0, 1), true},
	{"CTR_EL0", ARM64_SYS_REG(3, 3, 0, 0, 1), true},
	{"SCTLR_EL1", ARM64_SYS_REG(3, 0, 1, 0, 0), false},
	{"ACTLR_EL1", ARM64_SYS_REG(3, 0, 1, 0, 1), false},
	{"CPACR_EL1", ARM64_SYS_REG(3, 0, 1, 0, 2), false},
	{"ZCR_EL1", ARM64_SYS_REG(3, 0, 1, 2, 0), false},
	{"TTBR0_EL1", ARM64_SYS_REG(3, 0, 2, 0, 0), false},
	{"TTBR1_EL1", ARM64_SYS_REG(3, 0, 2, 0, 1), false},
	{"TCR_EL1", ARM64_SYS_REG(3, 0, 2, 0, 2), false},
	{"TCR2_EL1", ARM64_SYS_REG(3, 0, 2, 0, 3), false},
	{"SPSR_EL1", VCPU_CORE_REGISTER(spsr[KVM_SPSR_EL1]), false},
	{"ELR_EL1", VCPU_CORE_REGISTER(elr_el1), false},
	{"SP_EL0", VCPU_CORE_REGISTER(regs.sp), false},
	{"SP_EL1", VCPU_CORE_REGISTER(sp_el1), false},
	{"AFSR0_EL1", ARM64_SYS_REG(3, 0, 5, 1, 0), false},
	{"AFSR1_EL1", ARM64_SYS_REG(3, 0, 5, 1, 1), false},
	{"ESR_EL1", ARM64_SYS_REG(3, 0, 5, 2, 0), false},
	{"FAR_EL1", ARM64_SYS_REG(3, 0, 6, 0, 0), false},
	{"PAR_EL1", ARM64_SYS_REG(3, 0, 7, 4, 0), false},
	{"MAIR_EL1", ARM64_SYS_REG(3, 0, 10, 2, 0), false},
	{"PIRE0_EL1", ARM64_SYS_REG(3, 0, 10, 2, 2), false},
	{"PIR_EL1", ARM64_SYS_REG(3, 0, 10, 2, 3), false},
	{"AMAIR_EL1", ARM64_SYS_REG(3, 0, 10, 3, 0), false},
	{"VBAR_EL1", ARM64_SYS_REG(3, 0, 12, 0, 0), false},
	{"DISR_EL1", ARM64_SYS_REG(3, 0, 12, 1, 1), false},
	{"CONTEXTIDR_EL1", ARM64_SYS_REG(3, 0, 13, 0, 1), false},
	{"TPIDR_EL1", ARM64_SYS_REG(3, 0, 13, 0, 4), false},
	{"TPIDR_EL0", ARM64_SYS_REG(3, 3, 13, 0, 2), false},
	{"TPIDRRO_EL0", ARM64_SYS_REG(3, 3, 13, 0, 3), false},
	{"CSSELR_EL1", ARM64_SYS_REG(3, 2, 0, 0, 0), false},
	{"MDSCR_EL1", ARM64_SYS_REG(2, 0, 0, 2, 2), false},
	{"MDCCINT_EL1", ARM64_SYS_REG(2, 0, 0, 2, 0), false},
	{"OSLSR_EL1", ARM64_SYS_REG(2, 0, 1, 1, 4), true},
	{"CNTKCTL_EL1", ARM64_SYS_REG(3, 0, 14, 1, 0), false},
	{"PMCR_EL0", ARM64_SYS_REG(3, 3, 9, 12, 0), false},
	{"PMCNTENSET_EL0", ARM64_SYS_REG(3, 3, 9, 12, 1), false},
	{"PMSELR_EL0", ARM64_SYS_REG(3, 3, 9, 12, 5), false},
	{"PMCCNTR_EL0", ARM64_SYS_REG(3, 3, 9, 13, 0), false},
	{"PMUSERENR_EL0", ARM64_SYS_REG(3, 3, 9, 14, 0), false},
	{"PMINTENSET_EL1", ARM64_SYS_REG(3, 0, 9, 14, 1), false},
	{"PMCCFILTR_EL0", ARM64_SYS_REG(3, 3, 14, 15, 7), false},
	{"CNTV_CTL_EL0", KVM_REG_ARM_TIMER_CTL, false},
	{"CNTV_CVAL_EL0", KVM_REG_ARM_TIMER_CVAL, false},
	{"CNTVCT_EL0", KVM_REG_ARM_TIMER_CNT, true},
	{"CNTP_CTL_EL0", KVM_REG_ARM_PTIMER_CTL, false},
	{"CNTP_CVAL_EL0", KVM_REG_ARM_PTIMER_CVAL, false},
	{"CNTPCT_EL0", KVM_REG_ARM_PTIMER_CNT, true},
};

_Static_assert(ARRAY_SIZE(system_registers) <= DEBUG_SYSTEM_MAX, "each has a place");

static const uint64_t general_id = VCPU_CORE_REGISTER(regs.regs[0]);
static const uint64_t pstate_id = VCPU_CORE_REGISTER(regs.pstate);

bool debug_has_signatures(const struct arch_vm *arch)
{
	return vcpu_has_feature(arch, KVM_ARM_VCPU_PTRAUTH_ADDRESS);
}

/* The numbers that a vCPU of the machine has; NULL when KVM does not tell. The caller frees it. */
static struct kvm_reg_list *register_list(struct kvm_vcpu *vcpu)
{
	uint64_t room = REGISTERS_GUESS;

	/* Asked with too little room, KVM says how much it takes. */
	for (int tries = 0; tries < 2; tries++) {
		struct kvm_reg_list *list = calloc(1 + room, sizeof(uint64_t));
		int rc;

		if (!list)
			return NULL;
		list->n = room;
		rc = kvm_vcpu_ioctl(vcpu, KVM_GET_REG_LIST, list);
		if (rc >= 0)
			return list;
		room = list->n;
		free(list);
		if (rc != -E2BIG || room > UINT16_MAX)
			return NULL;
	}
	return NULL;
}

static bool register_has(const struct kvm_reg_list *list, uint64_t id)
{
	for (uint64_t i = 0; i < list->n; i++)
		if (list->reg[i] == id)
			return true;
	return false;
}

/* Every vCPU has the same ones: the first stands for all. */
static struct arch_debug *register_find(struct arch_vm *arch)
{
	struct arch_debug *debug = debug_get(arch);
	struct kvm_reg_list *list;

	if (!debug || debug->asked || !arch->vcpus[0])
		return debug;
	debug->asked = true;
	list = register_list(arch->vcpus[0]);
	for (size_t i = 0; list && i < ARRAY_SIZE(system_registers); i++)
		if (register_has(list, system_registers[i].id))
			debug->system[debug->system_count++] = (uint8_t)i;
	free(list);
	return debug;
}

const struct debug_system_register *debug_system_register(struct arch_vm *arch, unsigned int index)
{
	const struct arch_debug *debug = register_find(arch);

	if (!debug || index >= debug->system_count)
		return NULL;
	return &system_registers[debug->system[index]];
}

unsigned int arch_debug_general_count(struct arch_vm *arch)
{
	return DEBUG_FIXED + (debug_has_signatures(arch) ? DEBUG_SIGNATURE : 0);
}

unsigned int arch_debug_register_count(struct arch_vm *arch)
{
	const struct arch_debug *debug = register_find(arch);

	return arch_debug_general_count(arch) + (debug ? debug->system_count : 0);
}

size_t arch_debug_register_size(struct arch_vm *arch, unsigned int number)
{
	if (number >= arch_debug_register_count(arch))
		return 0;
	if (number == DEBUG_CPSR || number == DEBUG_FPSR || number == DEBUG_FPCR)
		return sizeof(uint32_t);
	return number >= DEBUG_V0 && number < DEBUG_FPSR ? VECTOR : sizeof(uint64_t);
}

unsigned int arch_debug_pc_register(struct arch_vm *arch)
{
	(void)arch;
	return DEBUG_PC;
}

int arch_debug_pc(struct arch_vm *arch, struct kvm_vcpu *vcpu, uint64_t *pc)
{
	(void)arch;
	return vcpu_get_register(vcpu, VCPU_CORE_REGISTER(regs.pc), pc);
}

static int register_one(struct kvm_vcpu *vcpu, unsigned long request, uint64_t id, void *bytes)
{
	struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)bytes};
	int rc = kvm_vcpu_ioctl(vcpu, request, &reg);

	return rc < 0 ? rc : 0;
}

/* Where vCPUs have SVE, KVM has only the longer registers whose low part V0 to V31 are. */
static int register_read_vector(const struct arch_vm *arch, struct kvm_vcpu *vcpu,
				unsigned int index, uint8_t *bytes)
{
	uint64_t id = KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |
		      (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4 * index);
	uint8_t longer[VECTOR_MOST] = {0};
	int rc;

	if (!vcpu_has_feature(arch, KVM_ARM_VCPU_SVE))
		return register_one(vcpu, KVM_GET_ONE_REG, id, bytes);
	rc = register_one(vcpu, KVM_GET_ONE_REG, KVM_REG_ARM64_SVE_ZREG(index, 0), longer);
	memcpy(bytes, longer, VECTOR);
	return rc;
}

/* The part beyond V0 stays as it was. */
static int register_write_vector(const struct arch_vm *arch, struct kvm_vcpu *vcpu,
				 unsigned int index, const uint8_t *bytes)
{
	uint64_t id = KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |
		      (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4 * index);
	uint64_t longer_id = KVM_REG_ARM64_SVE_ZREG(index, 0);
	uint8_t longer[VECTOR_MOST] = {0};
	int rc;

	if (!vcpu_has_feature(arch, KVM_ARM_VCPU_SVE)) {
		memcpy(longer, bytes, VECTOR);
		return register_one(vcpu, KVM_SET_ONE_REG, id, longer);
	}
	rc = register_one(vcpu, KVM_GET_ONE_REG, longer_id, longer);
	if (rc < 0)
		return rc;
	memcpy(longer, bytes, VECTOR);
	return register_one(vcpu, KVM_SET_ONE_REG, longer_id, longer);
}

/* The one of two stack pointers that instructions use. */
static int register_stack_pointer(struct kvm_vcpu *vcpu, uint64_t *id)
{
	uint64_t pstate;
	int rc = vcpu_get_register(vcpu, pstate_id, &pstate);

	*id = !rc && (pstate & PSTATE_MODE) == PSTATE_EL1H ? VCPU_CORE_REGISTER(sp_el1)
							   : VCPU_CORE_REGISTER(regs.sp);
	return rc;
}

/* KVM's number of a register with 64 bits or fewer. */
static int register_plain_id(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int number,
			     uint64_t *id)
{
	switch (number) {
	case DEBUG_SP:
		return register_stack_pointer(vcpu, id);
	case DEBUG_PC:
		*id = VCPU_CORE_REGISTER(regs.pc);
		return 0;
	case DEBUG_CPSR:
		*id = pstate_id;
		return 0;
	case DEBUG_FPSR:
	case DEBUG_FPCR:
		*id = KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE |
		      (number == DEBUG_FPSR ? KVM_REG_ARM_CORE_REG(fp_regs.fpsr)
					    : KVM_REG_ARM_CORE_REG(fp_regs.fpcr));
		return 0;
	default:
		break;
	}
	if (number < DEBUG_SP)
		*id = general_id + 2 * number; /* in units of 32 bits */
	else
		*id = debug_system_register(arch, number - arch_debug_general_count(arch))->id;
	return 0;
}

static bool register_is_vector(unsigned int number)
{
	return number >= DEBUG_V0 && number < DEBUG_FPSR;
}

static bool register_is_signature(struct arch_vm *arch, unsigned int number)
{
	return number >= DEBUG_FIXED && number < arch_debug_general_count(arch);
}

/* For data and code of the lower half, then of the upper. */
static int register_read_signature(struct kvm_vcpu *vcpu, unsigned int index, uint64_t *mask)
{
	uint64_t tcr;
	int rc = vcpu_get_register(vcpu, DEBUG_TCR_EL1, &tcr);

	if (!rc)
		*mask = paging_signature_mask(tcr, index >= 2, index % 2 != 0);
	return rc;
}

int arch_debug_register_read(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int number,
			     uint8_t *bytes)
{
	size_t size = arch_debug_register_size(arch, number);
	uint64_t id, value = 0;
	int rc;

	if (size == 0)
		return -ENOENT;
	if (register_is_vector(number))
		return register_read_vector(arch, vcpu, number - DEBUG_V0, bytes);
	if (register_is_signature(arch, number)) {
		rc = register_read_signature(vcpu, number - DEBUG_FIXED, &value);
	} else {
		rc = register_plain_id(arch, vcpu, number, &id);
		if (rc == 0)
			rc = register_one(vcpu, KVM_GET_ONE_REG, id, &value);
	}
	if (rc < 0)
		return rc == -ENOENT ? -ENODATA : rc;
	store_le(bytes, (unsigned int)size, value);
	return 0;
}

/* A debugger has the low half of PSTATE. */
static int register_write_pstate(struct kvm_vcpu *vcpu, uint32_t value)
{
	uint64_t pstate;
	int rc = vcpu_get_register(vcpu, pstate_id, &pstate);

	if (rc)
		return rc;
	return vcpu_set_register(vcpu, pstate_id, (pstate & ~UINT64_C(0xffffffff)) | value);
}

static bool register_is_read_only(struct arch_vm *arch, unsigned int number)
{
	unsigned int general = arch_debug_general_count(arch);

	if (number < general)
		return register_is_signature(arch, number);
	return debug_system_register(arch, number - general)->read_only;
}

int arch_debug_register_write(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int number,
			      const uint8_t *bytes)
{
	size_t size = arch_debug_register_size(arch, number);
	uint64_t id, value;
	int rc;

	if (size == 0)
		return -ENOENT;
	if (register_is_vector(number))
		return register_write_vector(arch, vcpu, number - DEBUG_V0, bytes);
	if (register_is_read_only(arch, number))
		return -EACCES;
	value = load_le(bytes, (unsigned int)size);
	if (number == DEBUG_CPSR)
		return register_write_pstate(vcpu, (uint32_t)value);
	rc = register_plain_id(arch, vcpu, number, &id);
	if (rc == 0)
		rc = register_one(vcpu, KVM_SET_ONE_REG, id, &value);
	return rc == -ENOENT ? -ENODATA : rc;
}
