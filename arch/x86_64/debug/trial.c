/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finds out by trying what debugging this host's KVM really does, in a virtual machine of a few
 * instructions.
 */

#include "arch/x86_64/debug/trial.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"

/* What is where in the trial's memory, which is mapped to itself by one page of 2 MiB. */
enum {
	TABLES = 0x1000, /* three, one of each level */
	CODE = 0x4000,
	DATA = 0x5000,
	MEMORY_SIZE = 0x10000,
	PAGE = 0x1000,
};

enum {
	ENTRY_PRESENT_WRITABLE = 3,
	ENTRY_LARGE = 0x80,
	CR0_PE_ET_PG_LOW = 0x11,
	CR4_PAE = 0x20,
	EFER_LME_LMA = 0x500,
	RFLAGS_FIXED = 2,
	DR7_FIXED = 0x400,
	DR7_GLOBAL_0 = 2,
	DR7_WRITE_0 = 1 << 16,
	TRIES = 16, /* of a KVM_RUN that signals interrupt */
};

static const uint64_t cr0_paging = UINT64_C(1) << 31;

/* The instructions end in HLT, which without an interrupt controller leaves KVM_RUN. */
struct trial {
	const char *name;
	uint8_t code[12];
	uint32_t control;
	uint64_t address; /* of a breakpoint in debug register 0 */
	uint64_t dr7;
};

static const struct trial step = {"single step", {0x90, 0x90, 0xf4}, KVM_GUESTDBG_SINGLESTEP, 0, 0};
static const struct trial software = {
	"software breakpoints", {0xcc, 0xf4}, KVM_GUESTDBG_USE_SW_BP, 0, 0};
static const struct trial hardware = {"hardware breakpoints",
				      {0x90, 0x90, 0xf4},
				      KVM_GUESTDBG_USE_HW_BP,
				      CODE + 1,
				      DR7_FIXED | DR7_GLOBAL_0};
static const struct trial watch = {"watchpoints",
				   {0xc6, 0x04, 0x25, 0x00, 0x50, 0x00, 0x00, 0x01, 0x90,
				    0xf4}, /* DATA */
				   KVM_GUESTDBG_USE_HW_BP,
				   DATA,
				   DR7_FIXED | DR7_GLOBAL_0 | DR7_WRITE_0};

static void trial_fill_memory(uint8_t *memory, const struct trial *trial)
{
	store_le64(memory + TABLES, (TABLES + PAGE) | ENTRY_PRESENT_WRITABLE);
	store_le64(memory + TABLES + PAGE, (TABLES + 2 * PAGE) | ENTRY_PRESENT_WRITABLE);
	store_le64(memory + TABLES + 2 * PAGE, ENTRY_LARGE | ENTRY_PRESENT_WRITABLE);
	memcpy(memory + CODE, trial->code, sizeof(trial->code));
}

/* 64-bit mode with paging, as kernels run; an exception finds no table and shuts the trial down. */
static int trial_enter(struct kvm_vcpu *vcpu)
{
	struct kvm_segment code = {.limit = UINT32_MAX,
				   .selector = 8,
				   .type = 11,
				   .present = 1,
				   .s = 1,
				   .l = 1,
				   .g = 1};
	struct kvm_segment data = {.limit = UINT32_MAX,
				   .selector = 16,
				   .type = 3,
				   .present = 1,
				   .s = 1,
				   .db = 1,
				   .g = 1};
	struct kvm_regs regs = {.rip = CODE, .rsp = CODE, .rflags = RFLAGS_FIXED};
	struct kvm_sregs sregs;
	int rc = kvm_vcpu_ioctl(vcpu, KVM_GET_SREGS, &sregs);

	if (rc < 0)
		return rc;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.idt = (struct kvm_dtable){0};
	sregs.cr0 = CR0_PE_ET_PG_LOW | cr0_paging;
	sregs.cr3 = TABLES;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME_LMA;
	rc = kvm_vcpu_ioctl(vcpu, KVM_SET_SREGS, &sregs);
	return rc < 0 ? rc : kvm_vcpu_ioctl(vcpu, KVM_SET_REGS, &regs);
}

static int trial_run(struct kvm_vcpu *vcpu, const struct trial *trial)
{
	struct kvm_guest_debug debug = {
		.control = KVM_GUESTDBG_ENABLE | trial->control,
		.arch.debugreg = {[0] = trial->address, [7] = trial->dr7},
	};
	int rc = trial_enter(vcpu);

	if (rc >= 0)
		rc = kvm_vcpu_ioctl(vcpu, KVM_SET_GUEST_DEBUG, &debug);
	if (rc < 0)
		return rc;
	for (unsigned int i = 0; i < TRIES; i++) {
		rc = kvm_vcpu_run(vcpu);
		if (rc != -EINTR)
			break;
	}
	return rc;
}

/* Each has a vCPU of its own: one that was shut down may keep traces of it. */
static bool trial_works(struct kvm_vm *vm, uint8_t *memory, unsigned int id,
			const struct trial *trial)
{
	struct err err = {0};
	struct kvm_vcpu *vcpu = kvm_vcpu_create(vm, id, &err);
	bool stopped;

	if (!vcpu)
		return false;
	trial_fill_memory(memory, trial);
	stopped = trial_run(vcpu, trial) == 0 &&
		  kvm_vcpu_run_page(vcpu)->exit_reason == KVM_EXIT_DEBUG;
	kvm_vcpu_destroy(vcpu);
	if (!stopped)
		log_debug("gdb: this host's KVM says it has %s, but a trial shows none",
			  trial->name);
	return stopped;
}

static void trial_try_all(struct kvm_vm *vm, uint8_t *memory, struct arch_debug_support *support)
{
	if (support->step && !trial_works(vm, memory, 0, &step))
		support->step = false;
	if (support->software_breakpoints && !trial_works(vm, memory, 1, &software))
		support->software_breakpoints = false;
	if (support->breakpoints && !trial_works(vm, memory, 2, &hardware))
		support->breakpoints = 0;
	if (support->watchpoints && !trial_works(vm, memory, 3, &watch))
		support->watchpoints = 0;
}

void debug_trial(struct arch_debug_support *support)
{
	struct kvm_userspace_memory_region region = {.memory_size = MEMORY_SIZE};
	struct err err = {0};
	struct kvm_vm *vm = kvm_vm_create(NULL, &err);
	void *memory =
		mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	region.userspace_addr = (uintptr_t)memory;
	if (vm && memory != MAP_FAILED &&
	    kvm_vm_ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) >= 0)
		trial_try_all(vm, memory, support);
	kvm_vm_destroy(vm);
	if (memory != MAP_FAILED)
		munmap(memory, MEMORY_SIZE);
}
