/* SPDX-License-Identifier: BSD-3-Clause */
/* A debugger's registers by number: the order of the description and of `g` packets. */

#ifndef FERRY_ARCH_AARCH64_DEBUG_REGISTERS_H
#define FERRY_ARCH_AARCH64_DEBUG_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "vmm/base/err.h"
#include "vmm/kvm/vcpu.h"

enum {
	DEBUG_X0 = 0,
	DEBUG_SP = 31,
	DEBUG_PC = 32,
	DEBUG_CPSR = 33,
	DEBUG_V0 = 34,
	DEBUG_FPSR = 66,
	DEBUG_FPCR = 67,
	DEBUG_FIXED = 68,    /* how many every vCPU has */
	DEBUG_SIGNATURE = 4, /* and how many follow where pointers can be signed */
};

/* ARM64_SYS_REG() numbers that more than one file needs. */
#define DEBUG_MMFR0_EL1 ARM64_SYS_REG(3, 0, 0, 7, 0)
#define DEBUG_MMFR1_EL1 ARM64_SYS_REG(3, 0, 0, 7, 1)
#define DEBUG_PFR1_EL1  ARM64_SYS_REG(3, 0, 0, 4, 1)
#define DEBUG_SCTLR_EL1 ARM64_SYS_REG(3, 0, 1, 0, 0)
#define DEBUG_TTBR0_EL1 ARM64_SYS_REG(3, 0, 2, 0, 0)
#define DEBUG_TTBR1_EL1 ARM64_SYS_REG(3, 0, 2, 0, 1)
#define DEBUG_TCR_EL1   ARM64_SYS_REG(3, 0, 2, 0, 2)
#define DEBUG_ESR_EL1   ARM64_SYS_REG(3, 0, 5, 2, 0)
#define DEBUG_VBAR_EL1  ARM64_SYS_REG(3, 0, 12, 0, 0)

/* Bits of PSTATE and of SPSR_EL1. */
enum {
	PSTATE_SP = 1 << 0,
	PSTATE_EL0 = 0,
	PSTATE_EL1T = 4,
	PSTATE_EL1H = 5,
	PSTATE_MODE = 0x1f,
	PSTATE_AARCH32 = 1 << 4,
	PSTATE_F = 1 << 6,
	PSTATE_I = 1 << 7,
	PSTATE_DAIF = 0x3c0,
	PSTATE_SSBS = 1 << 12,
	PSTATE_PAN = 1 << 22,
	PSTATE_DIT = 1 << 24,
	PSTATE_TCO = 1 << 25,
};

struct debug_system_register {
	const char *name;
	uint64_t id; /* KVM_GET_ONE_REG's */
	bool read_only;
};

/* Whether the masks of signed pointers (FEAT_PAuth) are among the registers. */
bool debug_has_signatures(const struct arch_vm *arch);

/* The system register @index that the vCPUs have, NULL beyond the last. */
const struct debug_system_register *debug_system_register(struct arch_vm *arch, unsigned int index);

#endif
