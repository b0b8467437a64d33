/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of a vCPU kept from power-on: what is put back, in which order, and what is left out.
 */

#include <check.h>
#include <stdlib.h>

#include "arch/x86_64/state.h"
#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/suite.h"

enum { TSC = 0x10, APIC_BASE = 0x1b, ODD = 0x8b, LAST = 0x277 };

static struct kvm_vm *vm;
static struct kvm_vcpu *vcpu;
static struct kvm_msr_list *list;
static struct err err;
static struct kvm_regs regs;
static unsigned long asked[64], fails;
static size_t asked_count;
static uint32_t msrs_set[64];
static size_t msrs_count;
static uint64_t tsc_offset, tsc_offset_set; /* 0: KVM cannot be asked; was not told */

/* As KVM does: how many went well, before the first that did not. */
static int transfer(const struct kvm_msrs *msrs, bool write)
{
	if (write)
		msrs_count = 0;
	for (uint32_t i = 0; i < msrs->nmsrs; i++) {
		if (msrs->entries[i].index == ODD)
			return (int)i;
		ck_assert_uint_lt(msrs_count, ARRAY_SIZE(msrs_set));
		if (write)
			msrs_set[msrs_count++] = msrs->entries[i].index;
	}
	return (int)msrs->nmsrs;
}

static int attribute(const struct kvm_device_attr *attr, bool write)
{
	uint64_t *value = (void *)(uintptr_t)attr->addr;

	ck_assert_uint_eq(attr->group, KVM_VCPU_TSC_CTRL);
	ck_assert_uint_eq(attr->attr, KVM_VCPU_TSC_OFFSET);
	if (!tsc_offset)
		return -ENXIO;
	if (write)
		tsc_offset_set = *value;
	else
		*value = tsc_offset;
	return 0;
}

static int vcpu_ioctl(int fd, unsigned long request, void *argument)
{
	(void)fd;
	ck_assert_uint_lt(asked_count, ARRAY_SIZE(asked));
	asked[asked_count++] = request;
	if (request == fails)
		return -EINVAL;
	if (request == KVM_GET_REGS)
		memcpy(argument, &regs, sizeof(regs));
	else if (request == KVM_SET_REGS)
		memcpy(&regs, argument, sizeof(regs));
	else if (request == KVM_GET_MSRS || request == KVM_SET_MSRS)
		return transfer(argument, request == KVM_SET_MSRS);
	else if (request == KVM_GET_DEVICE_ATTR || request == KVM_SET_DEVICE_ATTR)
		return attribute(argument, request == KVM_SET_DEVICE_ATTR);
	return 0;
}

static void setup(void)
{
	static const uint32_t indices[] = {TSC, APIC_BASE, ODD, LAST};

	fake_kvm_reset();
	fake.vcpu_ioctl = vcpu_ioctl;
	vm = kvm_vm_create(NULL, &err);
	vcpu = kvm_vcpu_create(vm, 0, &err);
	list = calloc(1, sizeof(*list) + sizeof(indices));
	ck_assert(vm && vcpu && list);
	list->nmsrs = ARRAY_SIZE(indices);
	memcpy(list->indices, indices, sizeof(indices));
	asked_count = 0;
	tsc_offset = tsc_offset_set = 0;
}

static void teardown(void)
{
	free(list);
	kvm_vcpu_destroy(vcpu);
	kvm_vm_destroy(vm);
}

/* Where it was asked for, from 1; 0: it was not. */
static size_t place_of(unsigned long request)
{
	for (size_t i = 0; i < asked_count; i++)
		if (asked[i] == request)
			return i + 1;
	return 0;
}

START_TEST(what_was_is_again)
{
	struct vcpu_state *state;

	regs.rip = 0xfff0;
	state = vcpu_state_save(vm, vcpu, list, &err);
	ck_assert_msg(state, "%s", err.text);
	regs.rip = 0x1234;
	asked_count = 0;
	ck_assert_int_eq(vcpu_state_restore(state, vcpu, &err), 0);
	ck_assert_uint_eq(regs.rip, 0xfff0);
	ck_assert(place_of(KVM_SET_XSAVE) && !place_of(KVM_SET_FPU));
	ck_assert_uint_gt(place_of(KVM_SET_LAPIC), place_of(KVM_SET_SREGS));
	ck_assert_uint_gt(place_of(KVM_SET_MSRS), place_of(KVM_SET_LAPIC));
	ck_assert_uint_gt(place_of(KVM_SET_VCPU_EVENTS), place_of(KVM_SET_MSRS));
	vcpu_state_free(state);
	vcpu_state_free(NULL);
}
END_TEST

/* The time stamp counter runs on, and one that KVM refuses costs none of the others. */
START_TEST(msrs_are_put_back_but_for_some)
{
	struct vcpu_state *state = vcpu_state_save(vm, vcpu, list, &err);

	ck_assert_ptr_nonnull(state);
	ck_assert_int_eq(vcpu_state_restore(state, vcpu, &err), 0);
	ck_assert(msrs_set[0] == APIC_BASE && msrs_set[1] == LAST);
	vcpu_state_free(state);
}
END_TEST

/* KVM's list does not have them; a guest may have left them otherwise than firmware does. */
START_TEST(memory_types_are_put_back)
{
	static const uint32_t wanted[] = {0x200, 0x20f, 0x250, 0x258, 0x259, 0x268, 0x26f, 0x2ff};
	struct vcpu_state *state;

	state = vcpu_state_save(vm, vcpu, list, &err);
	ck_assert_ptr_nonnull(state);
	ck_assert_int_eq(vcpu_state_restore(state, vcpu, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		unsigned int times = 0;

		for (size_t n = 0; n < msrs_count; n++)
			times += msrs_set[n] == wanted[i];
		ck_assert_uint_eq(times, 1);
	}
	ck_assert_uint_eq(msrs_count, 2 + 28);
	vcpu_state_free(state);
}
END_TEST

/* After a triple fault KVM on AMD goes by an offset that the processor does not have. */
START_TEST(the_processor_gets_the_offset_that_kvm_has)
{
	struct vcpu_state *state = vcpu_state_save(vm, vcpu, list, &err);

	ck_assert_ptr_nonnull(state);
	ck_assert_int_eq(vcpu_state_restore(state, vcpu, &err), 0);
	ck_assert_uint_eq(place_of(KVM_SET_DEVICE_ATTR), 0);
	tsc_offset = 0xfffffff123456789;
	ck_assert_int_eq(vcpu_state_restore(state, vcpu, &err), 0);
	ck_assert_uint_eq(tsc_offset_set, tsc_offset);
	fails = KVM_SET_DEVICE_ATTR;
	ck_assert_int_eq(vcpu_state_restore(state, vcpu, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "processor state: vCPU 0: KVM_VCPU_TSC_OFFSET: Invalid argument");
	vcpu_state_free(state);
}
END_TEST

START_TEST(what_kvm_has_not_is_left_out)
{
	struct vcpu_state *state;

	fake.missing = KVM_CAP_XSAVE;
	state = vcpu_state_save(vm, vcpu, list, &err);
	ck_assert_ptr_nonnull(state);
	ck_assert(place_of(KVM_GET_FPU) && !place_of(KVM_GET_XSAVE));
	ck_assert_int_eq(vcpu_state_restore(state, vcpu, &err), 0);
	ck_assert(place_of(KVM_SET_FPU) && !place_of(KVM_SET_XSAVE));
	vcpu_state_free(state);
}
END_TEST

START_TEST(a_refusal_is_named)
{
	struct vcpu_state *state;

	fails = KVM_GET_LAPIC;
	ck_assert_ptr_null(vcpu_state_save(vm, vcpu, list, &err));
	ck_assert_str_eq(err.text, "processor state: vCPU 0: KVM_GET_LAPIC: Invalid argument");
	fails = 0;
	state = vcpu_state_save(vm, vcpu, list, &err);
	fails = KVM_SET_MSRS;
	ck_assert_int_eq(vcpu_state_restore(state, vcpu, &err), -EINVAL);
	ck_assert_str_eq(err.text, "processor state: vCPU 0: KVM_SET_MSRS: Invalid argument");
	vcpu_state_free(state);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_was_is_again);
	tcase_add_test(tests, msrs_are_put_back_but_for_some);
	tcase_add_test(tests, memory_types_are_put_back);
	tcase_add_test(tests, the_processor_gets_the_offset_that_kvm_has);
	tcase_add_test(tests, what_kvm_has_not_is_left_out);
	tcase_add_test(tests, a_refusal_is_named);
}

int main(void)
{
	return run_suite("x86_64 state", add_tests);
}
