/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU's registers as text, for the report of a crash. */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arch/arch.h"
#include "vmm/base/bits.h"

struct text {
	char *next;
	size_t room;
};

static void append(struct text *text, const char *format, ...) FERRY_PRINTF(2, 3);

static void append(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text->next, text->room, format, arguments);
	va_end(arguments);
	if (length < 0 || text->room == 0)
		return;
	if ((size_t)length >= text->room)
		length = (int)text->room - 1;
	text->next += length;
	text->room -= (size_t)length;
}

static void describe_registers(struct text *text, const struct kvm_regs *regs)
{
	append(text, "rip %016llx  rflags %016llx\n", regs->rip, regs->rflags);
	append(text, "rax %016llx  rbx %016llx  rcx %016llx  rdx %016llx\n", regs->rax, regs->rbx,
	       regs->rcx, regs->rdx);
	append(text, "rsi %016llx  rdi %016llx  rbp %016llx  rsp %016llx\n", regs->rsi, regs->rdi,
	       regs->rbp, regs->rsp);
	append(text, "r8  %016llx  r9  %016llx  r10 %016llx  r11 %016llx\n", regs->r8, regs->r9,
	       regs->r10, regs->r11);
	append(text, "r12 %016llx  r13 %016llx  r14 %016llx  r15 %016llx\n", regs->r12, regs->r13,
	       regs->r14, regs->r15);
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

		append(text, "%-3s %04x base %016llx limit %08x type %x dpl %u%s%s%s\n",
		       segments[i].name, segment->selector, (unsigned long long)segment->base,
		       segment->limit, segment->type, segment->dpl, segment->l ? " 64-bit" : "",
		       segment->db ? " 32-bit" : "", segment->present ? "" : " absent");
	}
	append(text, "gdt base %016llx limit %04x  idt base %016llx limit %04x\n",
	       (unsigned long long)sregs->gdt.base, sregs->gdt.limit,
	       (unsigned long long)sregs->idt.base, sregs->idt.limit);
	append(text, "cr0 %08llx  cr2 %016llx  cr3 %016llx  cr4 %08llx  efer %04llx\n",
	       (unsigned long long)sregs->cr0, (unsigned long long)sregs->cr2,
	       (unsigned long long)sregs->cr3, (unsigned long long)sregs->cr4,
	       (unsigned long long)sregs->efer);
}

/* KVM copies the bytes into the exit when it could not emulate the instruction. */
static void describe_instruction(struct text *text, const struct kvm_run *run)
{
	size_t count = run->emulation_failure.insn_size;

	if (run->exit_reason != KVM_EXIT_INTERNAL_ERROR ||
	    run->emulation_failure.suberror != KVM_INTERNAL_ERROR_EMULATION ||
	    run->emulation_failure.ndata < 1 ||
	    !(run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) ||
	    count > sizeof(run->emulation_failure.insn_bytes))
		return;
	append(text, "code at rip");
	for (size_t i = 0; i < count; i++)
		append(text, " %02x", run->emulation_failure.insn_bytes[i]);
	append(text, "\n");
}

void arch_vcpu_describe(struct kvm_vcpu *vcpu, char *buffer, size_t size)
{
	struct text text = {.next = buffer, .room = size};
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	append(&text, "vCPU %u\n", kvm_vcpu_id(vcpu));
	if (kvm_vcpu_ioctl(vcpu, KVM_GET_REGS, &regs) >= 0)
		describe_registers(&text, &regs);
	if (kvm_vcpu_ioctl(vcpu, KVM_GET_SREGS, &sregs) >= 0)
		describe_system(&text, &sregs);
	describe_instruction(&text, kvm_vcpu_run_page(vcpu));
}
