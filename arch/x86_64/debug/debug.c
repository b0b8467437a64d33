/* SPDX-License-Identifier: BSD-3-Clause */
/* Breakpoints and single steps by KVM_SET_GUEST_DEBUG, and where a vCPU is. */

#include "arch/x86_64/debug/debug.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/debug.h"
#include "arch/x86_64/debug/trial.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"

#define EFER_LMA   (UINT64_C(1) << 10)
#define DR6_BREAKS UINT64_C(0xf)

enum {
	LEAF1_ECX_AVX = 1 << 28,
	LEAF_XSAVE = 0xd,
	XCR0_AVX = 1 << 2,
	EXCEPTION_BREAKPOINT = 3,
};

/* KVM has no interface to it before 5.12; since then it tells which flags there are. */
static const uint32_t flags_of_old = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP |
				     KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW_BP;

/* Where XSAVE puts the upper halves of the vector registers; 0: a vCPU of this machine has none. */
static size_t debug_find_ymm(struct cpuid_table *cpuid)
{
	const struct kvm_cpuid_entry2 *features = cpuid_find(cpuid, 1, 0);
	const struct kvm_cpuid_entry2 *component = cpuid_find(cpuid, LEAF_XSAVE, 2);

	if (!features || !component || !(features->ecx & LEAF1_ECX_AVX) ||
	    !(cpuid_xcr0(cpuid) & XCR0_AVX))
		return 0;
	return component->ebx;
}

struct arch_debug *debug_get(struct arch_vm *arch)
{
	struct arch_debug *debug = arch->debug;
	int flags;

	if (debug)
		return debug;
	debug = calloc(1, sizeof(*debug));
	if (!debug)
		return NULL;
	if (debug_fpu_init(&debug->fpu, arch->setup.vm, debug_find_ymm(&arch->cpuid)) < 0) {
		free(debug);
		return NULL;
	}
	flags = kvm_vm_capability(arch->setup.vm, KVM_CAP_SET_GUEST_DEBUG2);
	debug->flags = flags > 0 ? (uint32_t)flags : flags_of_old;
	debug_description_fill(&debug->description, debug->fpu.ymm_offset != 0);
	arch->debug = debug;
	return debug;
}

void arch_debug_free(struct arch_debug *debug)
{
	if (debug)
		debug_fpu_free(&debug->fpu);
	free(debug);
}

void arch_debug_reset(struct arch_debug *debug, unsigned int cpu)
{
	if (debug)
		debug->vcpus[cpu].step.pushes_flags = false;
}

/* Where KVM's own vCPUs cannot be debugged, as those whose memory is encrypted, the ioctl fails. */
int arch_debug_support(struct arch_vm *arch, struct kvm_vcpu *vcpu,
		       struct arch_debug_support *support)
{
	struct kvm_guest_debug none = {0};
	struct kvm_guest_debug some = {.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP};
	const struct arch_debug *debug = debug_get(arch);

	*support = (struct arch_debug_support){0};
	if (!debug)
		return -ENOMEM;
	if (kvm_vm_capability(arch->setup.vm, KVM_CAP_SET_GUEST_DEBUG) <= 0 ||
	    kvm_vcpu_ioctl(vcpu, KVM_SET_GUEST_DEBUG, &some) < 0 ||
	    kvm_vcpu_ioctl(vcpu, KVM_SET_GUEST_DEBUG, &none) < 0)
		return 0;
	support->software_breakpoints = debug->flags & KVM_GUESTDBG_USE_SW_BP;
	support->step = debug->flags & KVM_GUESTDBG_SINGLESTEP;
	if (debug->flags & KVM_GUESTDBG_USE_HW_BP) {
		support->breakpoints = DEBUG_SLOTS;
		support->watchpoints = DEBUG_SLOTS;
	}
	debug_trial(support);
	return 0;
}

int arch_debug_check_points(const struct arch_debug_support *support,
			    const struct arch_debug_point *points, size_t count)
{
	struct debug_slots slots;

	for (size_t i = 0; i < count; i++) {
		if (points[i].kind == ARCH_DEBUG_BREAK ? !support->breakpoints
						       : !support->watchpoints)
			return -EOPNOTSUPP;
	}
	return debug_slots_place(points, count, &slots);
}

int debug_wake(struct kvm_vcpu *vcpu)
{
	struct kvm_mp_state state;
	int rc = kvm_vcpu_ioctl(vcpu, KVM_GET_MP_STATE, &state);

	if (rc < 0 || state.mp_state != KVM_MP_STATE_HALTED)
		return 0;
	state.mp_state = KVM_MP_STATE_RUNNABLE;
	return kvm_vcpu_ioctl(vcpu, KVM_SET_MP_STATE, &state);
}

/*
 * Interrupts are held back only by KVM_GUESTDBG_BLOCKIRQ. Without it a step may end in a handler:
 * an interrupt shadow does not last under VMX, and a cleared IF would be seen by the instruction
 * itself.
 */
int arch_debug_control(struct arch_vm *arch, struct kvm_vcpu *vcpu,
		       const struct arch_debug_control *control)
{
	struct arch_debug *debug = debug_get(arch);
	struct x86_debug_vcpu *state;
	int rc;

	if (!debug)
		return -ENOMEM;
	state = &debug->vcpus[kvm_vcpu_id(vcpu)];
	memset(state, 0, sizeof(*state));
	rc = debug_slots_place(control->points, control->count, &state->slots);
	if (rc < 0)
		return rc;
	if (control->software)
		state->control.control |= KVM_GUESTDBG_USE_SW_BP;
	if (control->step) {
		debug_step_begin(arch, vcpu, &state->step);
		state->control.control |=
			KVM_GUESTDBG_SINGLESTEP | (debug->flags & KVM_GUESTDBG_BLOCKIRQ);
	}
	if (state->slots.count > 0) {
		state->control.control |= KVM_GUESTDBG_USE_HW_BP;
		debug_slots_encode(&state->slots, (uint64_t *)state->control.arch.debugreg);
	}
	if (state->control.control != 0)
		state->control.control |= KVM_GUESTDBG_ENABLE;
	rc = kvm_vcpu_ioctl(vcpu, KVM_SET_GUEST_DEBUG, &state->control);
	if (rc >= 0 && control->step)
		rc = debug_wake(vcpu);
	return rc < 0 ? rc : 0;
}

int arch_debug_stepped(struct arch_vm *arch, struct kvm_vcpu *vcpu)
{
	struct arch_debug *debug = debug_get(arch);

	if (!debug)
		return -ENOMEM;
	return debug_step_end(arch, vcpu, &debug->vcpus[kvm_vcpu_id(vcpu)].step);
}

/*
 * #BP is met before the breakpoint instruction is over, #DB before an instruction with a breakpoint
 * and after one that was stepped or touched data: `pc` is the next one's in every case, under SVM
 * and VMX. A #DB that is none of ours, of the guest's own TF or INT1, counts as a step that nobody
 * asked for.
 */
void arch_debug_decode(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct arch_debug_stop *stop)
{
	const struct kvm_debug_exit_arch *exit = &kvm_vcpu_run_page(vcpu)->debug.arch;
	const struct debug_slot *slot;
	struct x86_debug_vcpu *state;

	*stop = (struct arch_debug_stop){.event = ARCH_DEBUG_STEPPED, .address = exit->pc};
	if (!arch->debug)
		return;
	state = &arch->debug->vcpus[kvm_vcpu_id(vcpu)];
	state->own_dr6 = 0;
	slot = debug_slots_hit(&state->slots, exit->dr6 & DR6_BREAKS);
	if (exit->exception == EXCEPTION_BREAKPOINT) {
		stop->event = ARCH_DEBUG_SOFTWARE;
	} else if (!slot) {
		state->own_dr6 = exit->dr6;
	} else if (slot->kind == ARCH_DEBUG_BREAK) {
		stop->event = ARCH_DEBUG_HARDWARE;
	} else {
		stop->event = ARCH_DEBUG_WATCH;
		stop->address = slot->address;
		stop->kind = slot->kind;
	}
}

const uint8_t *arch_debug_breakpoint(uint64_t length, size_t *size)
{
	static const uint8_t int3[] = {0xcc};

	if (length < sizeof(int3))
		return NULL;
	*size = sizeof(int3);
	return int3;
}

/* The guest's handler asks DR6 why it was called, which KVM has told the debugger alone. */
static int debug_set_dr6(struct kvm_vcpu *vcpu, uint64_t dr6)
{
	struct kvm_debugregs registers;
	int rc = kvm_vcpu_ioctl(vcpu, KVM_GET_DEBUGREGS, &registers);

	if (rc < 0)
		return rc;
	registers.dr6 = dr6;
	return kvm_vcpu_ioctl(vcpu, KVM_SET_DEBUGREGS, &registers);
}

/* The other flags stay: KVM takes them all anew at each call. */
int arch_debug_reinject(struct arch_vm *arch, struct kvm_vcpu *vcpu)
{
	const struct arch_debug *debug = debug_get(arch);
	const struct x86_debug_vcpu *state;
	struct kvm_guest_debug control;
	int rc = 0;

	if (!debug)
		return -ENOMEM;
	state = &debug->vcpus[kvm_vcpu_id(vcpu)];
	control = state->control;
	control.control |= KVM_GUESTDBG_ENABLE |
			   (state->own_dr6 ? KVM_GUESTDBG_INJECT_DB : KVM_GUESTDBG_INJECT_BP);
	if (state->own_dr6)
		rc = debug_set_dr6(vcpu, state->own_dr6);
	if (rc >= 0)
		rc = kvm_vcpu_ioctl(vcpu, KVM_SET_GUEST_DEBUG, &control);
	return rc < 0 ? rc : 0;
}

/* Outside 64-bit mode a linear address has 32 bits (SDM 3A, 3.4.4 and 20.1.1). */
int arch_debug_pc(struct arch_vm *arch, struct kvm_vcpu *vcpu, uint64_t *pc)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	int rc = kvm_vcpu_ioctl(vcpu, KVM_GET_REGS, &regs);

	(void)arch;
	if (rc >= 0)
		rc = kvm_vcpu_ioctl(vcpu, KVM_GET_SREGS, &sregs);
	if (rc < 0)
		return rc;
	if ((sregs.efer & EFER_LMA) && sregs.cs.l)
		*pc = regs.rip;
	else
		*pc = (sregs.cs.base + regs.rip) & UINT32_MAX;
	return 0;
}

static int debug_read_memory(const void *memory, uint64_t gpa, unsigned int size, uint64_t *value)
{
	uint8_t bytes[8];
	int rc = ram_read(memory, gpa, bytes, size);

	if (!rc)
		*value = load_le(bytes, size);
	return rc;
}

int debug_paging(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct x86_paging *paging)
{
	struct kvm_sregs sregs;
	int rc = kvm_vcpu_ioctl(vcpu, KVM_GET_SREGS, &sregs);

	if (rc < 0)
		return rc;
	*paging = (struct x86_paging){
		.cr0 = sregs.cr0,
		.cr3 = sregs.cr3,
		.cr4 = sregs.cr4,
		.efer = sregs.efer,
		.physical_bits = cpuid_physical_bits(&arch->cpuid),
		.read = debug_read_memory,
		.memory = arch->setup.ram,
	};
	return 0;
}

int arch_debug_translate(struct arch_vm *arch, struct kvm_vcpu *vcpu, uint64_t address,
			 struct arch_translation *translation, struct text *steps)
{
	struct x86_paging paging;
	int rc = debug_paging(arch, vcpu, &paging);

	return rc ? rc : paging_walk(&paging, address, translation, steps);
}
