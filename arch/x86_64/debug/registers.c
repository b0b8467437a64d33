/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers by number, read and written where KVM keeps them. */

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "arch/debug.h"
#include "arch/x86_64/debug/debug.h"
#include "arch/x86_64/msr.h"
#include "vmm/base/bits.h"

/* Room for what one ioctl carries. */
union kept {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_xcrs xcrs;
	struct one_msr msr;
};

static const struct x86_register *register_find(struct arch_vm *arch, unsigned int number)
{
	const struct arch_debug *debug = debug_get(arch);

	if (!debug || number >= debug->description.count)
		return NULL;
	return &debug->description.registers[number];
}

const char *arch_debug_description(struct arch_vm *arch, const char *annex)
{
	const struct arch_debug *debug = debug_get(arch);

	return !debug || strcmp(annex, "target.xml") != 0 ? NULL : debug->description.text;
}

unsigned int arch_debug_register_count(struct arch_vm *arch)
{
	const struct arch_debug *debug = debug_get(arch);

	return !debug ? 0 : debug->description.count;
}

unsigned int arch_debug_general_count(struct arch_vm *arch)
{
	const struct arch_debug *debug = debug_get(arch);

	return !debug ? 0 : debug->description.general;
}

size_t arch_debug_register_size(struct arch_vm *arch, unsigned int number)
{
	const struct x86_register *reg = register_find(arch, number);

	return !reg ? 0 : reg->size;
}

unsigned int arch_debug_pc_register(struct arch_vm *arch)
{
	(void)arch;
	return DEBUG_NUMBER_RIP;
}

/* An ioctl for one register or for one among others; XCR0 and MSRs may be missing. */
static int register_transfer(struct arch_vm *arch, struct kvm_vcpu *vcpu,
			     const struct x86_register *reg, bool write, union kept *kept)
{
	int rc;

	switch (reg->source) {
	case DEBUG_REGS:
		return kvm_vcpu_ioctl(vcpu, write ? KVM_SET_REGS : KVM_GET_REGS, kept);
	case DEBUG_SREGS:
	case DEBUG_SELECTOR:
		return kvm_vcpu_ioctl(vcpu, write ? KVM_SET_SREGS : KVM_GET_SREGS, kept);
	case DEBUG_XCR0:
		if (kvm_vm_capability(arch->setup.vm, KVM_CAP_XCRS) <= 0)
			return -ENODATA;
		rc = kvm_vcpu_ioctl(vcpu, write ? KVM_SET_XCRS : KVM_GET_XCRS, kept);
		return rc >= 0 && kept->xcrs.nr_xcrs == 0 ? -ENODATA : rc;
	default:
		kept->msr.count = 1;
		kept->msr.entry.index = reg->where;
		rc = kvm_vcpu_ioctl(vcpu, write ? KVM_SET_MSRS : KVM_GET_MSRS, kept);
		if (rc == 0)
			return write ? -EACCES : -ENODATA;
		return rc;
	}
}

/* Where in what register_transfer() brought the register's bytes are. */
static uint8_t *register_locate(const struct x86_register *reg, union kept *kept)
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

static bool register_in_fpu(const struct x86_register *reg)
{
	return reg->source == DEBUG_FXSAVE || reg->source == DEBUG_FXSAVE_TAG ||
	       reg->source == DEBUG_YMM_HIGH;
}

static int register_read_fpu(struct arch_debug *debug, struct kvm_vcpu *vcpu,
			     const struct x86_register *reg, uint8_t *bytes)
{
	uint32_t where = reg->where;
	int rc = debug_fpu_read(&debug->fpu, vcpu);

	if (rc < 0)
		return rc;
	if (reg->source == DEBUG_FXSAVE_TAG) {
		store_le16(bytes, debug_fpu_tag(debug->fpu.area));
		return 0;
	}
	if (reg->source == DEBUG_YMM_HIGH)
		where += (uint32_t)debug->fpu.ymm_offset;
	memcpy(bytes, debug->fpu.area + where, reg->width);
	return 0;
}

static int register_write_fpu(struct arch_debug *debug, struct kvm_vcpu *vcpu,
			      const struct x86_register *reg, const uint8_t *bytes)
{
	uint32_t where = reg->where;
	int rc = debug_fpu_read(&debug->fpu, vcpu);

	if (rc < 0)
		return rc;
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
	const struct x86_register *reg = register_find(arch, number);
	union kept kept = {0};
	int rc;

	if (!reg)
		return -ENOENT;
	memset(bytes, 0, reg->size);
	if (register_in_fpu(reg))
		return register_read_fpu(arch->debug, vcpu, reg, bytes);
	rc = register_transfer(arch, vcpu, reg, false, &kept);
	if (rc < 0)
		return rc;
	memcpy(bytes, register_locate(reg, &kept), reg->width);
	return 0;
}

/* The upper bytes, which the register does not have, must be zero. */
static bool register_fits(const struct x86_register *reg, const uint8_t *bytes)
{
	for (unsigned int i = reg->width; i < reg->size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

int arch_debug_register_write(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int number,
			      const uint8_t *bytes)
{
	const struct x86_register *reg = register_find(arch, number);
	union kept kept = {0};
	int rc;

	if (!reg)
		return -ENOENT;
	if (!register_fits(reg, bytes))
		return -EINVAL;
	if (register_in_fpu(reg))
		return register_write_fpu(arch->debug, vcpu, reg, bytes);
	rc = register_transfer(arch, vcpu, reg, false, &kept);
	/*
	 * A debugger that writes all registers writes what was there: no reason to touch the vCPU.
	 */
	if (rc < 0 || memcmp(register_locate(reg, &kept), bytes, reg->width) == 0)
		return rc < 0 ? rc : 0;
	/* A selector alone, without the descriptor that it selects, would make no segment. */
	if (reg->source == DEBUG_SELECTOR)
		return -EACCES;
	memcpy(register_locate(reg, &kept), bytes, reg->width);
	rc = register_transfer(arch, vcpu, reg, true, &kept);
	if (rc >= 0 && number == DEBUG_NUMBER_RIP)
		rc = debug_wake(vcpu);
	return rc < 0 ? rc : 0;
}
