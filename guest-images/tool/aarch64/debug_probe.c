/* SPDX-License-Identifier: BSD-3-Clause */
/* debug-probe's code at EL1 with the MMU off, and its breakpoints by the debug registers. */

#include <err.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "guest-images/tool/debug_probe.h"

/* nop; nop; str w1, [x0]; ldr w1, [x0]; str w1, [x2] */
const uint8_t probe_code[] = {0x1f, 0x20, 0x03, 0xd5, 0x1f, 0x20, 0x03, 0xd5, 0x01, 0x00,
			      0x00, 0xb9, 0x01, 0x00, 0x40, 0xb9, 0x41, 0x00, 0x00, 0xb9};
const size_t probe_code_size = sizeof(probe_code);
const uint64_t probe_offsets[PROBE_INSTRUCTIONS] = {0, 4, 8, 12, 16};
const uint8_t probe_breakpoint[] = {0x00, 0x00, 0x20, 0xd4}; /* brk #0 */
const size_t probe_breakpoint_size = sizeof(probe_breakpoint);

static uint64_t register_id(size_t offset)
{
	return KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | offset / sizeof(uint32_t);
}

static void set_register(int vcpu, size_t offset, uint64_t value)
{
	const struct kvm_one_reg reg = {.id = register_id(offset), .addr = (uintptr_t)&value};

	if (ioctl(vcpu, KVM_SET_ONE_REG, &reg) < 0)
		err(1, "KVM_SET_ONE_REG %#zx", offset);
}

void probe_fill(uint8_t *memory)
{
	(void)memory;
}

void probe_prepare(int vm, int vcpu, uint64_t pc)
{
	struct kvm_vcpu_init init;

	if (ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init) < 0 ||
	    ioctl(vcpu, KVM_ARM_VCPU_INIT, &init) < 0)
		err(1, "KVM_ARM_VCPU_INIT");
	set_register(vcpu, offsetof(struct kvm_regs, regs.regs[0]), PROBE_DATA);
	set_register(vcpu, offsetof(struct kvm_regs, regs.regs[2]), PROBE_OUTSIDE);
	set_register(vcpu, offsetof(struct kvm_regs, regs.pc), pc);
	set_register(vcpu, offsetof(struct kvm_regs, regs.pstate),
		     0x3c5); /* EL1h, nothing unmasked */
}

uint64_t probe_pc(int vcpu)
{
	uint64_t value;
	const struct kvm_one_reg reg = {.id = register_id(offsetof(struct kvm_regs, regs.pc)),
					.addr = (uintptr_t)&value};

	if (ioctl(vcpu, KVM_GET_ONE_REG, &reg) < 0)
		err(1, "KVM_GET_ONE_REG");
	return value;
}

bool probe_ended(const struct kvm_run *run)
{
	return run->exit_reason == KVM_EXIT_MMIO && run->mmio.phys_addr == PROBE_OUTSIDE;
}

/* DBGBCR: E, EL1 and EL0, four bytes; DBGWCR: with load, store (Arm ARM D19.3). */
void probe_point(struct kvm_guest_debug *debug, enum probe_kind kind, uint64_t address)
{
	const uint64_t enabled = 1 | 3 << 1 | 0xf << 5;

	debug->control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW;
	if (kind == PROBE_BREAK) {
		debug->arch.dbg_bvr[0] = address;
		debug->arch.dbg_bcr[0] = enabled;
	} else {
		debug->arch.dbg_wvr[0] = address;
		debug->arch.dbg_wcr[0] = enabled | (kind == PROBE_WRITE ? 2U : 3U) << 3;
	}
}

bool probe_watched(const struct kvm_run *run, uint64_t address)
{
	return run->debug.arch.far == address;
}
