/* SPDX-License-Identifier: BSD-3-Clause */
/* Saves and restores a vCPU through KVM's get and set calls. */

#include "arch/x86_64/state.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"

enum { MSR_IA32_TSC = 0x10 };

/*
 * Those of memory types (SDM 3 12.11), which KVM has and KVM_GET_MSR_INDEX_LIST does not name:
 * eight variable ranges of two each, the fixed ones, the default.
 */
static const uint32_t unlisted[] = {
	0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207, 0x208, 0x209,
	0x20a, 0x20b, 0x20c, 0x20d, 0x20e, 0x20f, 0x250, 0x258, 0x259, 0x268,
	0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f, 0x2ff,
};

struct vcpu_state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_fpu fpu;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_lapic_state lapic;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp_state;
	void *xsave; /* NULL: KVM has none, the FPU serves */
	bool large_xsave;
	bool has_xcrs;
	bool has_debugregs;
	bool has_events;
	struct kvm_msrs *msrs;
};

struct call {
	const char *name;
	unsigned long request;
	void *argument;
	bool skip;
};

static int state_make_calls(struct kvm_vcpu *vcpu, const struct call *calls, size_t count,
			    struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		int rc;

		if (calls[i].skip)
			continue;
		rc = kvm_vcpu_ioctl(vcpu, calls[i].request, calls[i].argument);
		if (rc < 0)
			return err_set(err, rc, "processor state: vCPU %u: %s: %s",
				       kvm_vcpu_id(vcpu), calls[i].name, err_text(rc));
	}
	return 0;
}

/*
 * KVM_GET_MSRS and KVM_SET_MSRS stop at the first MSR that they refuse: take that one out for good
 * and start again, so that the rest is not lost.
 */
static int state_transfer_msrs(struct kvm_vcpu *vcpu, unsigned long request, struct kvm_msrs *msrs)
{
	while (msrs->nmsrs > 0) {
		int count = kvm_vcpu_ioctl(vcpu, request, msrs);

		if (count < 0)
			return count;
		if ((uint32_t)count >= msrs->nmsrs)
			return 0;
		log_debug("vCPU %u: MSR 0x%x is left out of a reset", kvm_vcpu_id(vcpu),
			  msrs->entries[count].index);
		msrs->nmsrs--;
		memmove(&msrs->entries[count], &msrs->entries[count + 1],
			(msrs->nmsrs - (uint32_t)count) * sizeof(msrs->entries[0]));
	}
	return 0;
}

static int state_save_msrs(struct vcpu_state *state, struct kvm_vcpu *vcpu,
			   const struct kvm_msr_list *list, struct err *err)
{
	int rc;

	state->msrs = calloc(1, sizeof(*state->msrs) + (list->nmsrs + ARRAY_SIZE(unlisted)) *
							       sizeof(state->msrs->entries[0]));
	if (!state->msrs)
		return err_set(err, -ENOMEM, "processor state: out of memory");
	/* A time stamp counter that is written may no longer agree with the other vCPUs'. */
	for (uint32_t i = 0; i < list->nmsrs; i++)
		if (list->indices[i] != MSR_IA32_TSC)
			state->msrs->entries[state->msrs->nmsrs++].index = list->indices[i];
	for (size_t i = 0; i < ARRAY_SIZE(unlisted); i++)
		state->msrs->entries[state->msrs->nmsrs++].index = unlisted[i];
	rc = state_transfer_msrs(vcpu, KVM_GET_MSRS, state->msrs);
	if (rc < 0)
		return err_set(err, rc, "processor state: vCPU %u: KVM_GET_MSRS: %s",
			       kvm_vcpu_id(vcpu), err_text(rc));
	return 0;
}

/* KVM_CAP_XSAVE2 gives the size of a state that is larger than struct kvm_xsave. */
static int state_allocate_xsave(struct vcpu_state *state, const struct kvm_vm *vm)
{
	size_t size = sizeof(struct kvm_xsave);
	int extended = kvm_vm_capability(vm, KVM_CAP_XSAVE2);

	if (kvm_vm_capability(vm, KVM_CAP_XSAVE) == 0)
		return 0;
	if (extended > 0 && (size_t)extended > size)
		size = (size_t)extended;
	state->large_xsave = size > sizeof(struct kvm_xsave);
	state->xsave = calloc(1, size);
	return !state->xsave ? -ENOMEM : 0;
}

struct vcpu_state *vcpu_state_save(const struct kvm_vm *vm, struct kvm_vcpu *vcpu,
				   const struct kvm_msr_list *msrs, struct err *err)
{
	struct vcpu_state *state = calloc(1, sizeof(*state));

	if (!state || state_allocate_xsave(state, vm) < 0) {
		err_set(err, -ENOMEM, "processor state: out of memory");
		goto fail;
	}
	state->has_xcrs = kvm_vm_capability(vm, KVM_CAP_XCRS) > 0;
	state->has_debugregs = kvm_vm_capability(vm, KVM_CAP_DEBUGREGS) > 0;
	state->has_events = kvm_vm_capability(vm, KVM_CAP_VCPU_EVENTS) > 0;

	const struct call calls[] = {
		{"KVM_GET_REGS", KVM_GET_REGS, &state->regs, false},
		{"KVM_GET_SREGS", KVM_GET_SREGS, &state->sregs, false},
		{"KVM_GET_FPU", KVM_GET_FPU, &state->fpu, state->xsave},
		{"KVM_GET_XSAVE", state->large_xsave ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, state->xsave,
		 !state->xsave},
		{"KVM_GET_XCRS", KVM_GET_XCRS, &state->xcrs, !state->has_xcrs},
		{"KVM_GET_DEBUGREGS", KVM_GET_DEBUGREGS, &state->debugregs, !state->has_debugregs},
		{"KVM_GET_LAPIC", KVM_GET_LAPIC, &state->lapic, false},
		{"KVM_GET_VCPU_EVENTS", KVM_GET_VCPU_EVENTS, &state->events, !state->has_events},
		{"KVM_GET_MP_STATE", KVM_GET_MP_STATE, &state->mp_state, false},
	};

	if (state_make_calls(vcpu, calls, ARRAY_SIZE(calls), err) < 0 ||
	    state_save_msrs(state, vcpu, msrs, err) < 0)
		goto fail;
	return state;
fail:
	vcpu_state_free(state);
	return NULL;
}

/*
 * KVM on AMD makes a processor's control block anew after a triple fault, and forgets the offset of
 * its time stamp counter there, which it goes by all the same (arch/x86/kvm/svm/svm.c,
 * shutdown_interception()): every timer of the guest's would be late by as much. So KVM gets the
 * offset that it holds, which has the block filled in. Before Linux 5.16 it cannot be asked.
 */
static int state_rewrite_tsc_offset(struct kvm_vcpu *vcpu, struct err *err)
{
	int fd = kvm_vcpu_fd(vcpu), rc;
	uint64_t offset;

	if (kvm_device_get_attribute(fd, KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET, &offset))
		return 0;
	rc = kvm_device_set_attribute(fd, KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET, &offset);
	if (rc)
		return err_set(err, rc, "processor state: vCPU %u: KVM_VCPU_TSC_OFFSET: %s",
			       kvm_vcpu_id(vcpu), err_text(rc));
	return 0;
}

int vcpu_state_restore(struct vcpu_state *state, struct kvm_vcpu *vcpu, struct err *err)
{
	/*
	 * The APIC base in the special registers decides how the LAPIC's page is read: it is first.
	 */
	const struct call calls[] = {
		{"KVM_SET_MP_STATE", KVM_SET_MP_STATE, &state->mp_state, false},
		{"KVM_SET_SREGS", KVM_SET_SREGS, &state->sregs, false},
		{"KVM_SET_REGS", KVM_SET_REGS, &state->regs, false},
		{"KVM_SET_XCRS", KVM_SET_XCRS, &state->xcrs, !state->has_xcrs},
		{"KVM_SET_XSAVE", KVM_SET_XSAVE, state->xsave, !state->xsave},
		{"KVM_SET_FPU", KVM_SET_FPU, &state->fpu, state->xsave},
		{"KVM_SET_DEBUGREGS", KVM_SET_DEBUGREGS, &state->debugregs, !state->has_debugregs},
		{"KVM_SET_LAPIC", KVM_SET_LAPIC, &state->lapic, false},
	};
	const struct call events = {"KVM_SET_VCPU_EVENTS", KVM_SET_VCPU_EVENTS, &state->events,
				    !state->has_events};
	int rc = state_make_calls(vcpu, calls, ARRAY_SIZE(calls), err);

	if (rc < 0)
		return rc;
	rc = state_transfer_msrs(vcpu, KVM_SET_MSRS, state->msrs);
	if (rc < 0)
		return err_set(err, rc, "processor state: vCPU %u: KVM_SET_MSRS: %s",
			       kvm_vcpu_id(vcpu), err_text(rc));
	rc = state_make_calls(vcpu, &events, 1, err);
	return rc ? rc : state_rewrite_tsc_offset(vcpu, err);
}

void vcpu_state_free(struct vcpu_state *state)
{
	if (!state)
		return;
	free(state->msrs);
	free(state->xsave);
	free(state);
}
