/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers by number, read and written where KVM keeps them. */

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "arch/debug.h"
#include "arch/x86_64/debug/debug.h"
#include "vmm/base/bits.h"

/* Laid out as struct kvm_msrs with one entry. */
struct one_msr {
	uint32_t count;
	uint32_t padding;
	struct kvm_msr_entry entry;
};

/* Room for what one ioctl carries. */
union kept {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_xcrs xcrs;
	struct one_msr msr;
};

static const struct debug_register *find(struct arch_vm *arch, unsigned int number)
{
	const struct debug *debug = debug_get(arch);

	if (debug == NULL || number >= debug->description.count)
		return NULL;
	return &debug->description.registers[number];
}

const char *arch_debug_description(struct arch_vm *arch, const char *annex)
{
	const struct debug *debug = debug_get(arch);

	return debug == NULL || strcmp(annex, "target.xml") != 0 ? NULL : debug->description.text;
}

unsigned int arch_debug_register_count(struct arch_vm *arch)
{
	const struct debug *debug = debug_get(arch);

	return debug == NULL ? 0 : debug->description.count;
}

unsigned int arch_debug_general_count(struct arch_vm *arch)
{
	const struct debug *debug = debug_get(arch);

	return debug == NULL ? 0 : debug->description.general;
}

size_t arch_debug_register_size(struct arch_vm *arch, unsigned int number)
{
	const struct debug_register *reg = find(arch, number);

	return reg == NULL ? 0 : reg->size;
}

unsigned int arch_debug_pc_register(struct arch_vm *arch)
{
	(void)arch;
	return DEBUG_NUMBER_RIP;
}

/* An ioctl for one register or for one among others; XCR0 and MSRs may be missing. */
static int transfer(struct arch_vm *arch, struct kvm_vcpu *vcpu, const struct debug_register *reg,
		    bool write, union kept *kept)
{
	int result;

	switch (reg->source) {
	case DEBUG_REGS:
		return kvm_vcpu_ioctl(vcpu, write ? KVM_SET_REGS : KVM_GET_REGS, kept);
	case DEBUG_SREGS:
	case DEBUG_SELECTOR:
		return kvm_vcpu_ioctl(vcpu, write ? KVM_SET_SREGS : KVM_GET_SREGS, kept);
	case DEBUG_XCR0:
		if (kvm_vm_capability(arch->setup.vm, KVM_CAP_XCRS) <= 0)
			return -ENODATA;
		result = kvm_vcpu_ioctl(vcpu, write ? KVM_SET_XCRS : KVM_GET_XCRS, kept);
		return result >= 0 && kept->xcrs.nr_xcrs == 0 ? -ENODATA : result;
	default:
		kept->msr.count = 1;
		kept->msr.entry.index = reg->where;
		result = kvm_vcpu_ioctl(vcpu, write ? KVM_SET_MSRS : KVM_GET_MSRS, kept);
		if (result == 0)
			return write ? -EACCES : -ENODATA;
		return result;
	}
}

/* Where in what transfer() brought the register's bytes are. */
static uint8_t *locate(const struct debug_register *reg, union kept *kept)
{
	switch (reg->source) {
	case DEBUG_XCR0:
		return (uint8_t *)&kept->xcrs.xcrs[0].value;
	case DEBUG_MSR:
		return (uint8_t *)&kept->msr.entry.data;
	default:
		return (uint8_t *)kept + reg->where;
	}
}

static bool in_fpu(const struct debug_register *reg)
{
	return reg->source == DEBUG_FXSAVE || reg->source == DEBUG_FXSAVE_TAG ||
	       reg->source == DEBUG_YMM_HIGH;
}

static int read_fpu(struct debug *debug, struct kvm_vcpu *vcpu, const struct debug_register *reg,
		    uint8_t *bytes)
{
	uint32_t where = reg->where;
	int result = debug_fpu_read(&debug->fpu, vcpu);

	if (result < 0)
		return result;
	if (reg->source == DEBUG_FXSAVE_TAG) {
		store_le16(bytes, debug_fpu_tag(debug->fpu.area));
		return 0;
	}
	if (reg->source == DEBUG_YMM_HIGH)
		where += (uint32_t)debug->fpu.ymm_offset;
	memcpy(bytes, debug->fpu.area + where, reg->width);
	return 0;
}

static int write_fpu(struct debug *debug, struct kvm_vcpu *vcpu, const struct debug_register *reg,
		     const uint8_t *bytes)
{
	uint32_t where = reg->where;
	int result = debug_fpu_read(&debug->fpu, vcpu);

	if (result < 0)
		return result;
	if (reg->source == DEBUG_YMM_HIGH)
		where += (uint32_t)debug->fpu.ymm_offset;
	if (reg->source == DEBUG_FXSAVE_TAG)
		debug_fpu_set_tag(debug->fpu.area, load_le16(bytes));
	else
		memcpy(debug->fpu.area + where, bytes, reg->width);
	return debug_fpu_write(&debug->fpu, vcpu);
}

int arch_debug_register_read(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int number,
			     uint8_t *bytes)
{
	const struct debug_register *reg = find(arch, number);
	union kept kept = {0};
	int result;

	if (reg == NULL)
		return -ENOENT;
	memset(bytes, 0, reg->size);
	if (in_fpu(reg))
		return read_fpu(arch->debug, vcpu, reg, bytes);
	result = transfer(arch, vcpu, reg, false, &kept);
	if (result < 0)
		return result;
	memcpy(bytes, locate(reg, &kept), reg->width);
	return 0;
}

/* The upper bytes, which the register does not have, must be zero. */
static bool fits(const struct debug_register *reg, const uint8_t *bytes)
{
	for (unsigned int i = reg->width; i < reg->size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

int arch_debug_register_write(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int number,
			      const uint8_t *bytes)
{
	const struct debug_register *reg = find(arch, number);
	union kept kept = {0};
	int result;

	if (reg == NULL)
		return -ENOENT;
	if (!fits(reg, bytes))
		return -EINVAL;
	if (in_fpu(reg))
		return write_fpu(arch->debug, vcpu, reg, bytes);
	result = transfer(arch, vcpu, reg, false, &kept);
	/*
	 * A debugger that writes all registers writes what was there: no reason to touch the vCPU.
	 */
	if (result < 0 || memcmp(locate(reg, &kept), bytes, reg->width) == 0)
		return result < 0 ? result : 0;
	/* A selector alone, without the descriptor that it selects, would make no segment. */
	if (reg->source == DEBUG_SELECTOR)
		return -EACCES;
	memcpy(locate(reg, &kept), bytes, reg->width);
	result = transfer(arch, vcpu, reg, true, &kept);
	if (result >= 0 && number == DEBUG_NUMBER_RIP)
		result = debug_wake(vcpu);
	return result < 0 ? result : 0;
}
