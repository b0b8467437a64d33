/* SPDX-License-Identifier: BSD-3-Clause */
/* Holding interrupts back while one instruction is stepped: KVM has no way of its own on arm64. */

#include "arch/aarch64/debug/step.h"

#include "arch/aarch64/debug/exception.h"
#include "arch/aarch64/debug/registers.h"
#include "arch/aarch64/vcpu.h"
#include "arch/aarch64/vm.h"
#include "arch/debug.h"
#include "vmm/base/bits.h"

static const uint64_t pc_id = VCPU_CORE_REGISTER(regs.pc);
static const uint64_t pstate_id = VCPU_CORE_REGISTER(regs.pstate);
static const uint64_t saved_id = VCPU_CORE_REGISTER(spsr[KVM_SPSR_EL1]);

bool debug_step_can_mask(uint32_t instruction)
{
	/* Arm ARM C4.1, "Branches, exception generating and system instructions". */
	static const struct {
		uint32_t mask, value;
	} excluded[] = {
		{0xff000000, 0xd4000000}, /* SVC, HVC, SMC, BRK, HLT, DCPS */
		{0xffdff000, 0xd69f0000}, /* ERET, ERETAA, ERETAB, DRPS */
		{0xffffffdf, 0xd503205f}, /* WFE, WFI */
		{0xfffff000, 0xd5031000}, /* WFET, WFIT */
		{0xffdfffe0, 0xd51b4220}, /* MSR and MRS of DAIF */
		{0xfffff0df, 0xd50340df}, /* MSR DAIFSet, DAIFClr */
	};

	for (size_t i = 0; i < ARRAY_SIZE(excluded); i++)
		if ((instruction & excluded[i].mask) == excluded[i].value)
			return false;
	return true;
}

/* Where no instruction can be read, the step is an exception and cannot be interrupted either. */
static bool step_read_instruction(struct arch_vm *arch, struct kvm_vcpu *vcpu, uint64_t pc,
				  uint32_t *instruction)
{
	struct arch_translation translation;
	uint8_t bytes[sizeof(*instruction)];

	if (arch_debug_translate(arch, vcpu, pc, &translation, NULL) < 0 ||
	    ram_read(arch->setup.ram, translation.gpa, bytes, sizeof(bytes)) < 0)
		return false;
	*instruction = load_le32(bytes);
	return true;
}

/* One that PSCI is to start gets another state when that happens. */
static bool step_is_off(struct kvm_vcpu *vcpu)
{
	struct kvm_mp_state state;

	return kvm_vcpu_ioctl(vcpu, KVM_GET_MP_STATE, &state) >= 0 &&
	       state.mp_state == KVM_MP_STATE_STOPPED;
}

int debug_step_begin(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct debug_vcpu *debug)
{
	uint64_t pc, pstate, bits;
	uint32_t instruction;
	int rc = arch_debug_stepped(arch, vcpu);

	if (!rc)
		rc = vcpu_get_register(vcpu, pstate_id, &pstate);
	if (!rc)
		rc = vcpu_get_register(vcpu, pc_id, &pc);
	if (rc)
		return rc;
	bits = ~pstate & (PSTATE_I | PSTATE_F);
	/* What 32-bit programs run is not decoded here. */
	if (bits == 0 || (pstate & PSTATE_AARCH32) || step_is_off(vcpu) ||
	    !step_read_instruction(arch, vcpu, pc, &instruction) ||
	    !debug_step_can_mask(instruction))
		return 0;
	rc = vcpu_set_register(vcpu, pstate_id, pstate | bits);
	if (rc)
		return rc;
	debug->masked = true;
	debug->step_pc = pc;
	debug->step_pstate = pstate;
	debug->step_bits = bits;
	return 0;
}

/*
 * Whether the vCPU is at a vector because the instruction raised an exception (or an SError came,
 * which is not held back) and so saved PSTATE with the masks. No instruction goes to the first one
 * of a vector by itself, and with another's address in ELR_EL1 this was a step inside the guest's
 * own handler.
 */
static int step_took_exception(struct kvm_vcpu *vcpu, const struct debug_vcpu *debug,
			       uint64_t pstate, bool *taken)
{
	uint64_t pc, vbar, elr, offset;
	int rc = vcpu_get_register(vcpu, pc_id, &pc);

	*taken = false;
	if (!rc)
		rc = vcpu_get_register(vcpu, DEBUG_VBAR_EL1, &vbar);
	if (!rc)
		rc = vcpu_get_register(vcpu, VCPU_CORE_REGISTER(elr_el1), &elr);
	if (rc)
		return rc;
	offset = pc - vbar - exception_offset(debug->step_pstate);
	*taken = (pstate & PSTATE_MODE) == PSTATE_EL1H && (pstate & PSTATE_DAIF) == PSTATE_DAIF &&
		 is_aligned(offset, EXCEPTION_VECTOR_SIZE) &&
		 offset < EXCEPTION_VECTORS * EXCEPTION_VECTOR_SIZE &&
		 (offset != 0 || elr == debug->step_pc);
	return 0;
}

static int step_clear_bits(struct kvm_vcpu *vcpu, uint64_t id, uint64_t bits)
{
	uint64_t value;
	int rc = vcpu_get_register(vcpu, id, &value);

	if (rc)
		return rc;
	return vcpu_set_register(vcpu, id, value & ~bits);
}

int arch_debug_stepped(struct arch_vm *arch, struct kvm_vcpu *vcpu)
{
	struct debug_vcpu *debug;
	uint64_t pstate;
	bool taken;
	int rc;

	if (!arch->debug)
		return 0;
	debug = &arch->debug->vcpus[kvm_vcpu_id(vcpu)];
	if (!debug->masked)
		return 0;
	rc = vcpu_get_register(vcpu, pstate_id, &pstate);
	if (!rc)
		rc = step_took_exception(vcpu, debug, pstate, &taken);
	if (!rc)
		rc = step_clear_bits(vcpu, taken ? saved_id : pstate_id, debug->step_bits);
	if (!rc)
		debug->masked = false;
	return rc;
}
