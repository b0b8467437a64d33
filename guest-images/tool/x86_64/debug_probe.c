/* SPDX-License-Identifier: BSD-3-Clause */
/* debug-probe's code in long mode, and its breakpoints by the debug registers. */

#include <err.h>
#include <sys/ioctl.h>

#include "guest-images/tool/debug_probe.h"

/* nop; nop; mov %eax, (%rbx); mov (%rbx), %eax; hlt */
const uint8_t probe_code[] = {0x90, 0x90, 0x89, 0x03, 0x8b, 0x03, 0xf4};
const size_t probe_code_size = sizeof(probe_code);
const uint64_t probe_offsets[PROBE_INSTRUCTIONS] = {0, 1, 2, 4, 6};
const uint8_t probe_breakpoint[] = {0xcc};
const size_t probe_breakpoint_size = sizeof(probe_breakpoint);

/* Page tables at PROBE_TABLES: the first two mebibytes are where they are. */
void probe_fill(uint8_t *memory)
{
	uint64_t *tables = (uint64_t *)(void *)(memory + PROBE_TABLES);

	tables[0] = (PROBE_TABLES + 0x1000) | 3;
	tables[512] = (PROBE_TABLES + 0x2000) | 3;
	tables[1024] = 0x83;
}

void probe_prepare(int vm, int vcpu, uint64_t pc)
{
	const struct kvm_regs registers = {.rip = pc, .rbx = PROBE_DATA, .rflags = 2};
	const struct kvm_segment code = {.limit = 0xffffffff,
					 .selector = 8,
					 .type = 11,
					 .present = 1,
					 .s = 1,
					 .l = 1,
					 .g = 1};
	struct kvm_mp_state runnable = {.mp_state = KVM_MP_STATE_RUNNABLE};
	struct kvm_sregs special;

	(void)vm;
	if (ioctl(vcpu, KVM_GET_SREGS, &special) < 0)
		err(1, "KVM_GET_SREGS");
	special.cs = code;
	special.ds = special.es = special.ss = code;
	special.ds.type = special.es.type = special.ss.type = 3;
	special.ds.l = special.es.l = special.ss.l = 0;
	special.ds.db = special.es.db = special.ss.db = 1;
	special.ds.selector = special.es.selector = special.ss.selector = 16;
	special.cr0 = 0x80000011; /* PG, ET, PE */
	special.cr3 = PROBE_TABLES;
	special.cr4 = 0x20;   /* PAE */
	special.efer = 0x500; /* LMA, LME */
	if (ioctl(vcpu, KVM_SET_SREGS, &special) < 0 || ioctl(vcpu, KVM_SET_REGS, &registers) < 0)
		err(1, "the vCPU's registers");
	(void)ioctl(vcpu, KVM_SET_MP_STATE,
		    &runnable); /* without an interrupt controller it is none */
}

uint64_t probe_pc(int vcpu)
{
	struct kvm_regs registers;

	if (ioctl(vcpu, KVM_GET_REGS, &registers) < 0)
		err(1, "KVM_GET_REGS");
	return registers.rip;
}

bool probe_ended(const struct kvm_run *run)
{
	return run->exit_reason == KVM_EXIT_HLT;
}

/* DR7: enabled by bit 1, the kind in bits 16 and 17, the length in 18 and 19 (SDM 3B 18.2.4). */
void probe_point(struct kvm_guest_debug *debug, enum probe_kind kind, uint64_t address)
{
	static const uint64_t kinds[] = {
		[PROBE_BREAK] = 0,
		[PROBE_WRITE] = 1 | 3 << 2,
		[PROBE_ACCESS] = 3 | 3 << 2,
	};

	debug->control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
	debug->arch.debugreg[0] = address;
	debug->arch.debugreg[7] = 0x402 | kinds[kind] << 16;
}

bool probe_watched(const struct kvm_run *run, uint64_t address)
{
	(void)address;
	return (run->debug.arch.dr6 & 0xf) == 1;
}
