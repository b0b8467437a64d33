/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The contract of an architecture for a debugger: registers, addresses, breakpoints, single steps.
 */

#ifndef FERRY_ARCH_DEBUG_H
#define FERRY_ARCH_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/kvm/vcpu.h"

/*
 * Everything here is called on the main thread with every vCPU parked and its finished exits
 * retired, except arch_debug_decode() and arch_debug_reset(). A KVM ioctl that failed is returned
 * as its negative errno.
 */

/*
 * What the architecture keeps of a machine for its debugger: its arch_vm's, NULL until a function
 * of this contract needs it. An architecture without a debugger links arch/no_debug.c instead.
 */
struct arch_debug;

/* NULL is allowed. */
void arch_debug_free(struct arch_debug *debug);

/*
 * The state of vCPU @cpu is that of power-on: what a step under way had changed in it is gone. In
 * the vCPU's thread. NULL is allowed.
 */
void arch_debug_reset(struct arch_debug *debug, unsigned int cpu);

/* What this machine's vCPUs can do; asked of KVM once, by trying where no capability tells. */
struct arch_debug_support {
	bool software_breakpoints;
	bool step;
	unsigned int breakpoints; /* hardware ones at a time; on x86_64 shared with watchpoints */
	unsigned int watchpoints;
};

/* -EOPNOTSUPP: this architecture has no debugger. */
int arch_debug_support(struct arch_vm *arch, struct kvm_vcpu *vcpu,
		       struct arch_debug_support *support) FERRY_MUST_CHECK;

/*
 * The target description's document @annex ("target.xml", which includes the others by name), or
 * NULL (gdb manual, "Target Descriptions"). It stays @arch's, the same as long as the machine
 * exists.
 */
const char *arch_debug_description(struct arch_vm *arch, const char *annex);

enum { ARCH_DEBUG_REGISTER_MAX = 64 }; /* bytes of the widest register */

/*
 * Registers are numbered as the description has them, from 0; the first arch_debug_general_count()
 * are those a debugger gets all at once (the `g` packet): general, floating point and vectors.
 */
unsigned int arch_debug_register_count(struct arch_vm *arch);
unsigned int arch_debug_general_count(struct arch_vm *arch);

/* Bytes of register @number, or 0 when there is no such register. */
size_t arch_debug_register_size(struct arch_vm *arch, unsigned int number);

/*
 * A register as bytes in the guest's order, as many as arch_debug_register_size() says. -ENOENT: no
 * such register; -EACCES: it cannot be written; -ENODATA: the vCPU has no such register at the
 * moment.
 */
int arch_debug_register_read(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int number,
			     uint8_t *bytes) FERRY_MUST_CHECK;
int arch_debug_register_write(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int number,
			      const uint8_t *bytes) FERRY_MUST_CHECK;

/* The address of the instruction that comes next (linear, on x86_64), and its register's number. */
int arch_debug_pc(struct arch_vm *arch, struct kvm_vcpu *vcpu, uint64_t *pc) FERRY_MUST_CHECK;
unsigned int arch_debug_pc_register(struct arch_vm *arch);

/* Where a virtual address is. */
struct arch_translation {
	uint64_t gpa;
	uint64_t page_size; /* bytes of the page it is in, a power of two; all ones: not paged */
	bool writable;
	bool user;
	bool executable;
};

/*
 * Walks the guest's own page tables as @vcpu would at this moment (SDM 3A chapter 4; Arm ARM D8).
 * -EFAULT: not mapped. @steps, unless NULL, gets a line for each table entry looked at, and the
 * reason where the walk ends without a page.
 */
int arch_debug_translate(struct arch_vm *arch, struct kvm_vcpu *vcpu, uint64_t address,
			 struct arch_translation *translation, struct text *steps) FERRY_MUST_CHECK;

enum arch_debug_kind {
	ARCH_DEBUG_BREAK,
	ARCH_DEBUG_WRITE,
	ARCH_DEBUG_READ,
	ARCH_DEBUG_ACCESS,
};

/* A hardware breakpoint or watchpoint: @length bytes at virtual @address (1 for a breakpoint). */
struct arch_debug_point {
	enum arch_debug_kind kind;
	uint64_t address;
	uint64_t length;
};

enum { ARCH_DEBUG_POINTS_MAX = 32 };

/*
 * Whether these can be watched at the same time. -ENOSPC: too many; -EINVAL: a length or alignment
 * the processor cannot watch; -EOPNOTSUPP: a kind it does not have.
 */
int arch_debug_check_points(const struct arch_debug_support *support,
			    const struct arch_debug_point *points, size_t count) FERRY_MUST_CHECK;

/*
 * What a vCPU is to stop for when it runs next. All zeroes: nothing, the guest owns its registers.
 */
struct arch_debug_control {
	bool software; /* software breakpoints are the debugger's */
	bool step;     /* one instruction, interrupts held back where that is possible */
	const struct arch_debug_point *points;
	size_t count; /* arch_debug_check_points() allowed them */
};

/* KVM_SET_GUEST_DEBUG. A step that is asked for begins here and ends in arch_debug_stepped(). */
int arch_debug_control(struct arch_vm *arch, struct kvm_vcpu *vcpu,
		       const struct arch_debug_control *control) FERRY_MUST_CHECK;

/*
 * After a vCPU for which a step was asked has parked, whether or not it took it: undoes what
 * arch_debug_control() changed in the guest's state to keep interrupts away.
 */
int arch_debug_stepped(struct arch_vm *arch, struct kvm_vcpu *vcpu) FERRY_MUST_CHECK;

enum arch_debug_event {
	ARCH_DEBUG_STEPPED,
	ARCH_DEBUG_SOFTWARE, /* a breakpoint instruction, the debugger's or the guest's own */
	ARCH_DEBUG_HARDWARE,
	ARCH_DEBUG_WATCH,
};

struct arch_debug_stop {
	enum arch_debug_event event;
	uint64_t address; /* of the instruction; for ARCH_DEBUG_WATCH of the data, within a point */
	enum arch_debug_kind kind; /* for ARCH_DEBUG_WATCH */
};

/*
 * What the KVM_EXIT_DEBUG in the run page of @vcpu was. In the vCPU's own thread. The points are
 * those of the last arch_debug_control().
 */
void arch_debug_decode(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct arch_debug_stop *stop);

/*
 * The breakpoint instruction that fits into @length bytes of code (gdb's "kind"), or NULL with
 * -EINVAL's meaning; *@size is its size in bytes. Whoever writes code into guest memory through the
 * host's mapping calls __builtin___clear_cache() on what was written: an arm64 host may else run
 * the old bytes.
 */
const uint8_t *arch_debug_breakpoint(uint64_t length, size_t *size);

/*
 * What arch_debug_decode() told last was the guest's own, a breakpoint instruction or a step that
 * no debugger asked for: the guest gets its exception (#BP, #DB, BRK).
 */
int arch_debug_reinject(struct arch_vm *arch, struct kvm_vcpu *vcpu) FERRY_MUST_CHECK;

/* Where a Linux kernel is, and where it was linked to be. */
struct arch_kernel_place {
	uint64_t runtime;    /* virtual address of its first byte (_text) */
	uint64_t linked;     /* the same in vmlinux; 0: not known */
	bool percpu_at_zero; /* vmlinux has the data of each processor at 0, which did not move */
};

/*
 * Finds the kernel that @vcpu is in by the guest's page tables, memory and the kernel file's
 * header. -ENOENT with @err saying why it cannot be found (not Linux, not yet paging).
 */
int arch_debug_find_kernel(struct arch_vm *arch, struct kvm_vcpu *vcpu,
			   const struct boot_source *source, struct arch_kernel_place *place,
			   struct err *err) FERRY_MUST_CHECK;

#endif
