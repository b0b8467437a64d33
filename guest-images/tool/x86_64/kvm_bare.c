/* SPDX-License-Identifier: BSD-3-Clause */
/* kvm-bare's guest as a Multiboot kernel, and a machine with KVM's interrupt controllers. */

#include <err.h>
#include <stdlib.h>

#include "guest-images/tool/kvm_bare.h"

enum { CPUID_MAX = 256, PORT_END = 0xf4, IDENTITY_PAGES = 0xfffbc000 };

/*
 * The header with its addresses (Multiboot 0.6.96, 3.1): it and all of the file at 1 MiB. Then
 * mov $0x10, %eax; out %eax, $0xf4; and if that did not end it, hlt; jmp to the hlt.
 */
const uint8_t bare_guest[] = {
	0x02, 0xb0, 0xad, 0x1b, 0x00, 0x00, 0x01, 0x00, 0xfe, 0x4f, 0x51, 0xe4, 0x00, 0x00,
	0x10, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x20, 0x00, 0x10, 0x00, 0xb8, 0x10, 0x00, 0x00, 0x00, 0xe7, 0xf4, 0xf4, 0xeb, 0xfd,
};
const size_t bare_guest_size = sizeof(bare_guest);
const uint64_t bare_ram = 0, bare_load = 0x100000, bare_entry = 32;

void bare_prepare_vm(int vm)
{
	const uint64_t identity = IDENTITY_PAGES;

	bare_ioctl(vm, KVM_SET_IDENTITY_MAP_ADDR, &identity, "KVM_SET_IDENTITY_MAP_ADDR");
	bare_ioctl(vm, KVM_SET_TSS_ADDR, (const void *)(uintptr_t)(IDENTITY_PAGES + 0x1000),
		   "KVM_SET_TSS_ADDR");
	bare_ioctl(vm, KVM_CREATE_IRQCHIP, NULL, "KVM_CREATE_IRQCHIP");
}

void bare_finish_vm(int vm)
{
	(void)vm;
}

static void set_cpuid(int kvm, int vcpu)
{
	struct kvm_cpuid2 *table =
		calloc(1, sizeof(*table) + CPUID_MAX * sizeof(table->entries[0]));

	if (!table)
		err(1, "kvm-bare: CPUID");
	table->nent = CPUID_MAX;
	bare_ioctl(kvm, KVM_GET_SUPPORTED_CPUID, table, "KVM_GET_SUPPORTED_CPUID");
	bare_ioctl(vcpu, KVM_SET_CPUID2, table, "KVM_SET_CPUID2");
	free(table);
}

/* Protected mode with flat segments (Multiboot 0.6.96, 3.2). */
void bare_prepare_vcpu(int kvm, int vm, int vcpu, uint64_t pc)
{
	const struct kvm_regs registers = {.rip = pc, .rflags = 2};
	const struct kvm_segment code = {.limit = 0xffffffff,
					 .selector = 8,
					 .type = 11,
					 .present = 1,
					 .db = 1,
					 .s = 1,
					 .g = 1};
	struct kvm_sregs special;

	(void)vm;
	set_cpuid(kvm, vcpu);
	bare_ioctl(vcpu, KVM_GET_SREGS, &special, "KVM_GET_SREGS");
	special.cs = special.ds = special.es = special.ss = code;
	special.ds.type = special.es.type = special.ss.type = 3;
	special.ds.selector = special.es.selector = special.ss.selector = 16;
	special.cr0 |= 1; /* PE */
	bare_ioctl(vcpu, KVM_SET_SREGS, &special, "KVM_SET_SREGS");
	bare_ioctl(vcpu, KVM_SET_REGS, &registers, "KVM_SET_REGS");
}

bool bare_ended(const struct kvm_run *run)
{
	return run->exit_reason == KVM_EXIT_IO && run->io.port == PORT_END;
}
