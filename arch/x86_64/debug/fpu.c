/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads and writes the vector and floating point state by KVM_GET_XSAVE, or KVM_GET_FPU without it.
 */

#include "arch/x86_64/debug/fpu.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"

enum {
	X87_REGISTERS = 8,
	XMM_SIZE = 16 * 16,
	XSTATE_BV = 512, /* in the area: which components are not in their initial state */
	XSTATE_X87 = 1 << 0,
	XSTATE_SSE = 1 << 1,
	XSTATE_AVX = 1 << 2,
	INITIAL_CONTROL = 0x37f,
	TAG_VALID = 0,
	TAG_ZERO = 1,
	TAG_SPECIAL = 2,
	TAG_EMPTY = 3,
};

int debug_fpu_init(struct debug_fpu *fpu, const struct kvm_vm *vm, size_t ymm_offset)
{
	int extended = kvm_vm_capability(vm, KVM_CAP_XSAVE2);

	*fpu = (struct debug_fpu){.size = sizeof(struct kvm_xsave)};
	fpu->xsave = kvm_vm_capability(vm, KVM_CAP_XSAVE) > 0;
	if (extended > 0 && (size_t)extended > fpu->size)
		fpu->size = (size_t)extended;
	fpu->large = fpu->size > sizeof(struct kvm_xsave);
	if (fpu->xsave && ymm_offset >= XSTATE_BV + 64 &&
	    range_fits(ymm_offset, XMM_SIZE, fpu->size))
		fpu->ymm_offset = ymm_offset;
	fpu->area = calloc(1, fpu->size);
	return !fpu->area ? -ENOMEM : 0;
}

void debug_fpu_free(struct debug_fpu *fpu)
{
	free(fpu->area);
	fpu->area = NULL;
}

/* A component in its initial state may have anything in the area (SDM 1, 13.6). */
static void fpu_write_out_initial(struct debug_fpu *fpu)
{
	uint64_t present = load_le64(fpu->area + XSTATE_BV);

	if (!(present & XSTATE_X87)) {
		memset(fpu->area, 0, FXSAVE_MXCSR);
		memset(fpu->area + FXSAVE_ST, 0, FXSAVE_XMM - FXSAVE_ST);
		store_le16(fpu->area + FXSAVE_CONTROL, INITIAL_CONTROL);
	}
	if (!(present & XSTATE_SSE))
		memset(fpu->area + FXSAVE_XMM, 0, XMM_SIZE);
	if (!(present & XSTATE_AVX) && fpu->ymm_offset != 0)
		memset(fpu->area + fpu->ymm_offset, 0, XMM_SIZE);
}

static int fpu_read(struct debug_fpu *fpu, struct kvm_vcpu *vcpu)
{
	uint8_t *area = fpu->area;
	struct kvm_fpu state = {0};
	int rc = kvm_vcpu_ioctl(vcpu, KVM_GET_FPU, &state);

	if (rc < 0)
		return rc;
	store_le16(area + FXSAVE_CONTROL, state.fcw);
	store_le16(area + FXSAVE_STATUS, state.fsw);
	area[FXSAVE_TAG] = state.ftwx;
	store_le16(area + FXSAVE_OPCODE, state.last_opcode);
	store_le64(area + FXSAVE_INSTRUCTION, state.last_ip);
	store_le64(area + FXSAVE_OPERAND, state.last_dp);
	store_le32(area + FXSAVE_MXCSR, state.mxcsr);
	memcpy(area + FXSAVE_ST, state.fpr, sizeof(state.fpr));
	memcpy(area + FXSAVE_XMM, state.xmm, sizeof(state.xmm));
	return 0;
}

static int fpu_write(const struct debug_fpu *fpu, struct kvm_vcpu *vcpu)
{
	const uint8_t *area = fpu->area;
	struct kvm_fpu state = {
		.fcw = load_le16(area + FXSAVE_CONTROL),
		.fsw = load_le16(area + FXSAVE_STATUS),
		.ftwx = area[FXSAVE_TAG],
		.last_opcode = load_le16(area + FXSAVE_OPCODE),
		.last_ip = load_le64(area + FXSAVE_INSTRUCTION),
		.last_dp = load_le64(area + FXSAVE_OPERAND),
		.mxcsr = load_le32(area + FXSAVE_MXCSR),
	};

	memcpy(state.fpr, area + FXSAVE_ST, sizeof(state.fpr));
	memcpy(state.xmm, area + FXSAVE_XMM, sizeof(state.xmm));
	return kvm_vcpu_ioctl(vcpu, KVM_SET_FPU, &state);
}

int debug_fpu_read(struct debug_fpu *fpu, struct kvm_vcpu *vcpu)
{
	int rc;

	if (!fpu->xsave)
		return fpu_read(fpu, vcpu);
	rc = kvm_vcpu_ioctl(vcpu, fpu->large ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, fpu->area);
	if (rc < 0)
		return rc;
	fpu_write_out_initial(fpu);
	return 0;
}

int debug_fpu_write(struct debug_fpu *fpu, struct kvm_vcpu *vcpu)
{
	uint64_t present;

	if (!fpu->xsave)
		return fpu_write(fpu, vcpu);
	present = load_le64(fpu->area + XSTATE_BV) | XSTATE_X87 | XSTATE_SSE;
	if (fpu->ymm_offset != 0)
		present |= XSTATE_AVX;
	store_le64(fpu->area + XSTATE_BV, present);
	return kvm_vcpu_ioctl(vcpu, KVM_SET_XSAVE, fpu->area);
}

/* What FSAVE would say of a register that is not empty (SDM 1, 8.1.7). */
static unsigned int fpu_classify(const uint8_t *value)
{
	uint64_t mantissa = load_le64(value);
	unsigned int exponent = load_le16(value + 8) & 0x7fff;

	if (exponent == 0 && mantissa == 0)
		return TAG_ZERO;
	return exponent == 0 || exponent == 0x7fff || !(mantissa >> 63) ? TAG_SPECIAL : TAG_VALID;
}

/* The tags are those of the registers themselves, what is stored goes by the top of the stack. */
uint16_t debug_fpu_tag(const uint8_t *fxsave)
{
	unsigned int top = load_le16(fxsave + FXSAVE_STATUS) >> 11 & 7;
	unsigned int tag = 0;

	for (unsigned int i = 0; i < X87_REGISTERS; i++) {
		unsigned int stack = (i - top) & 7;

		if (fxsave[FXSAVE_TAG] & 1U << i)
			tag |= fpu_classify(fxsave + FXSAVE_ST + 16 * stack) << 2 * i;
		else
			tag |= (unsigned int)TAG_EMPTY << 2 * i;
	}
	return (uint16_t)tag;
}

void debug_fpu_set_tag(uint8_t *fxsave, uint16_t tag)
{
	unsigned int present = 0;

	for (unsigned int i = 0; i < X87_REGISTERS; i++)
		if ((tag >> 2 * i & 3) != TAG_EMPTY)
			present |= 1U << i;
	fxsave[FXSAVE_TAG] = (uint8_t)present;
}
