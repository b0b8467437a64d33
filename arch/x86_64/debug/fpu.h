/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU's x87, SSE and AVX state, however KVM keeps it, in the form of XSAVE. */

#ifndef FERRY_ARCH_X86_64_DEBUG_FPU_H
#define FERRY_ARCH_X86_64_DEBUG_FPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/kvm/vcpu.h"

/* Offsets in the area of FXSAVE, in its 64-bit form (SDM 1, table 10-2). */
enum {
	FXSAVE_CONTROL = 0,
	FXSAVE_STATUS = 2,
	FXSAVE_TAG = 4, /* one bit for each register, not empty */
	FXSAVE_OPCODE = 6,
	FXSAVE_INSTRUCTION = 8,
	FXSAVE_OPERAND = 16,
	FXSAVE_MXCSR = 24,
	FXSAVE_ST = 32,
	FXSAVE_XMM = 160,
	FXSAVE_SIZE = 512,
};

/* How a machine's vCPUs keep it, and room for one. Zeroes: KVM_GET_FPU, no AVX. */
struct debug_fpu {
	size_t ymm_offset; /* of the upper halves in the area of XSAVE; 0: no AVX */
	bool xsave;
	bool large; /* KVM_GET_XSAVE2: more than struct kvm_xsave */
	uint8_t *area;
	size_t size;
};

/*
 * Chooses by what KVM can; @ymm_offset is CPUID's, and used if the area has it. -ENOMEM; then, and
 * before it, debug_fpu_free() may be called.
 */
int debug_fpu_init(struct debug_fpu *fpu, const struct kvm_vm *vm,
		   size_t ymm_offset) FERRY_MUST_CHECK;
void debug_fpu_free(struct debug_fpu *fpu);

/*
 * Reads @vcpu's into @fpu->area, what is in its initial state written out. 0 or the ioctl's errno.
 */
int debug_fpu_read(struct debug_fpu *fpu, struct kvm_vcpu *vcpu) FERRY_MUST_CHECK;

/* Gives @fpu->area, changed after debug_fpu_read(), back to @vcpu. */
int debug_fpu_write(struct debug_fpu *fpu, struct kvm_vcpu *vcpu) FERRY_MUST_CHECK;

/* The tag word of FSAVE, two bits for each register, from an area of FXSAVE, and back. */
uint16_t debug_fpu_tag(const uint8_t *fxsave);
void debug_fpu_set_tag(uint8_t *fxsave, uint16_t tag);

#endif
