/* SPDX-License-Identifier: BSD-3-Clause */
/* Gives a guest the exception of its own breakpoint instruction, as the processor would. */

#include "arch/aarch64/debug/exception.h"

#include <errno.h>

#include "arch/aarch64/debug/debug.h"
#include "arch/aarch64/debug/registers.h"
#include "arch/aarch64/vcpu.h"
#include "arch/aarch64/vm.h"
#include "arch/debug.h"
#include "vmm/base/bits.h"

enum { MTE_WITH_TAGS = 2 };

#define SCTLR_SPAN  (UINT64_C(1) << 23)
#define SCTLR_DSSBS (UINT64_C(1) << 44)
#define FLAGS_NZCV  UINT64_C(0xf0000000)

uint64_t exception_offset(uint64_t pstate)
{
	if (pstate & PSTATE_AARCH32)
		return 0x600;
	switch (pstate & PSTATE_MODE) {
	case PSTATE_EL1T:
		return 0;
	case PSTATE_EL1H:
		return 0x200;
	default:
		return 0x400;
	}
}

uint64_t exception_pstate(uint64_t pstate, uint64_t sctlr, uint64_t mmfr1, uint64_t pfr1)
{
	uint64_t next = PSTATE_EL1H | PSTATE_DAIF;
	bool has_pan = (mmfr1 >> 20 & 15) != 0;

	next |= pstate & (FLAGS_NZCV | PSTATE_DIT | PSTATE_PAN);
	if (has_pan && !(sctlr & SCTLR_SPAN))
		next |= PSTATE_PAN;
	if (sctlr & SCTLR_DSSBS)
		next |= PSTATE_SSBS;
	if ((pfr1 >> 8 & 15) >= MTE_WITH_TAGS)
		next |= PSTATE_TCO;
	return next;
}

/* A register that older kernels do not hand out reads as zero. */
static int exception_get_optional(struct kvm_vcpu *vcpu, uint64_t id, uint64_t *value)
{
	int rc = vcpu_get_register(vcpu, id, value);

	if (rc != -ENOENT)
		return rc;
	*value = 0;
	return 0;
}

int arch_debug_reinject(struct arch_vm *arch, struct kvm_vcpu *vcpu)
{
	struct debug_vcpu *debug = arch->debug ? &arch->debug->vcpus[kvm_vcpu_id(vcpu)] : NULL;
	uint64_t syndrome = debug ? debug->syndrome : 0;
	uint64_t pc, pstate, vbar, sctlr, mmfr1 = 0, pfr1 = 0;
	int rc = vcpu_get_register(vcpu, VCPU_CORE_REGISTER(regs.pc), &pc);

	if (syndrome == 0)
		return -EINVAL;
	if (!rc)
		rc = vcpu_get_register(vcpu, VCPU_CORE_REGISTER(regs.pstate), &pstate);
	if (!rc)
		rc = vcpu_get_register(vcpu, DEBUG_VBAR_EL1, &vbar);
	if (!rc)
		rc = vcpu_get_register(vcpu, DEBUG_SCTLR_EL1, &sctlr);
	if (!rc)
		rc = exception_get_optional(vcpu, DEBUG_MMFR1_EL1, &mmfr1);
	if (!rc)
		rc = exception_get_optional(vcpu, DEBUG_PFR1_EL1, &pfr1);
	if (rc)
		return rc;

	const struct {
		uint64_t id;
		uint64_t value;
	} taken[] = {
		{DEBUG_ESR_EL1, syndrome},
		{VCPU_CORE_REGISTER(elr_el1), pc},
		{VCPU_CORE_REGISTER(spsr[KVM_SPSR_EL1]), pstate},
		{VCPU_CORE_REGISTER(regs.pstate), exception_pstate(pstate, sctlr, mmfr1, pfr1)},
		{VCPU_CORE_REGISTER(regs.pc), vbar + exception_offset(pstate)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(taken) && !rc; i++)
		rc = vcpu_set_register(vcpu, taken[i].id, taken[i].value);
	if (!rc)
		debug->syndrome = 0;
	return rc;
}
