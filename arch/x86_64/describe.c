/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU's registers as text, for the report of a crash. */

#include <string.h>

#include "arch/x86_64/vm.h"
#include "vmm/base/bits.h"
#include "vmm/base/text.h"

enum {
	CODE_BYTES = 16,
	RESET_IP = 0xfff0,
	RESET_CS = 0xf000,
	CR0_PE = 1 << 0,
};

#define RESET_CS_BASE 0xffff0000u

static void describe_registers(struct text *text, const struct kvm_regs *regs)
{
	text_append(text, "rip %016llx  rflags %016llx\n", regs->rip, regs->rflags);
	text_append(text, "rax %016llx  rbx %016llx  rcx %016llx  rdx %016llx\n", regs->rax,
		    regs->rbx, regs->rcx, regs->rdx);
	text_append(text, "rsi %016llx  rdi %016llx  rbp %016llx  rsp %016llx\n", regs->rsi,
		    regs->rdi, regs->rbp, regs->rsp);
	text_append(text, "r8  %016llx  r9  %016llx  r10 %016llx  r11 %016llx\n", regs->r8,
		    regs->r9, regs->r10, regs->r11);
	text_append(text, "r12 %016llx  r13 %016llx  r14 %016llx  r15 %016llx\n", regs->r12,
		    regs->r13, regs->r14, regs->r15);
}

static void describe_system(struct text *text, const struct kvm_sregs *sregs)
{
	const struct {
		const char *name;
		const struct kvm_segment *segment;
	} segments[] = {
		{"cs", &sregs->cs}, {"ss", &sregs->ss}, {"ds", &sregs->ds},   {"es", &sregs->es},
		{"fs", &sregs->fs}, {"gs", &sregs->gs}, {"ldt", &sregs->ldt}, {"tr", &sregs->tr},
	};

	for (size_t i = 0; i < ARRAY_SIZE(segments); i++) {
		const struct kvm_segment *segment = segments[i].segment;

		text_append(text, "%-3s %04x base %016llx limit %08x type %x dpl %u%s%s%s\n",
			    segments[i].name, segment->selector, (unsigned long long)segment->base,
			    segment->limit, segment->type, segment->dpl,
			    segment->l ? " 64-bit" : "", segment->db ? " 32-bit" : "",
			    segment->present ? "" : " absent");
	}
	text_append(text, "gdt base %016llx limit %04x  idt base %016llx limit %04x\n",
		    (unsigned long long)sregs->gdt.base, sregs->gdt.limit,
		    (unsigned long long)sregs->idt.base, sregs->idt.limit);
	text_append(text, "cr0 %08llx  cr2 %016llx  cr3 %016llx  cr4 %08llx  efer %04llx\n",
		    (unsigned long long)sregs->cr0, (unsigned long long)sregs->cr2,
		    (unsigned long long)sregs->cr3, (unsigned long long)sregs->cr4,
		    (unsigned long long)sregs->efer);
}

/* One byte at a time, as the next may be on another page. */
static bool describe_read_code(const struct ram *ram, struct kvm_vcpu *vcpu, uint64_t address,
			       uint8_t *byte)
{
	struct kvm_translation translation = {.linear_address = address};

	return kvm_vcpu_ioctl(vcpu, KVM_TRANSLATE, &translation) >= 0 && translation.valid &&
	       ram_read(ram, translation.physical_address, byte, 1) == 0;
}

static void describe_code(struct text *text, const struct ram *ram, struct kvm_vcpu *vcpu,
			  uint64_t address)
{
	unsigned int count = 0;
	uint8_t byte;

	text_append(text, "code at rip");
	for (; count < CODE_BYTES && describe_read_code(ram, vcpu, address + count, &byte); count++)
		text_append(text, " %02x", byte);
	text_append(text, "%s\n", count == 0 ? " is not in memory" : "");
}

/*
 * Where the processor leaves nothing behind at a shutdown (AMD's; APM 2, 15.14.3), KVM makes an
 * INIT of it before the exit is seen.
 */
static bool describe_was_reset(struct kvm_vcpu *vcpu, const struct kvm_regs *regs,
			       const struct kvm_sregs *sregs)
{
	return kvm_vcpu_run_page(vcpu)->exit_reason == KVM_EXIT_SHUTDOWN && regs->rip == RESET_IP &&
	       sregs->cs.selector == RESET_CS && sregs->cs.base == RESET_CS_BASE &&
	       !(sregs->cr0 & CR0_PE);
}

void arch_vcpu_describe(struct arch_vm *arch, struct kvm_vcpu *vcpu, char *buffer, size_t size)
{
	struct text text = {.next = buffer, .room = size};
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	if (kvm_vcpu_ioctl(vcpu, KVM_GET_REGS, &regs) < 0 ||
	    kvm_vcpu_ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0) {
		text_append(&text, "its registers cannot be read\n");
		return;
	}
	if (describe_was_reset(vcpu, &regs, &sregs)) {
		text_append(&text, "KVM on AMD has reset the processor: the registers at the fault "
				   "are lost\n");
		return;
	}
	describe_registers(&text, &regs);
	describe_system(&text, &sregs);
	/* In 64-bit mode the base of the code segment does not count (SDM 3A, 3.4.4). */
	describe_code(&text, arch->setup.ram, vcpu, regs.rip + (sregs.cs.l ? 0 : sregs.cs.base));
}
