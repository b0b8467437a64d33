/* SPDX-License-Identifier: BSD-3-Clause */
/* Single MSRs: read, changed in part, and done without where there are none. */

#include <check.h>

#include "arch/x86_64/msr.h"
#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/suite.h"

enum { KNOWN = 0x1a0 };

static struct kvm_vm *vm;
static struct kvm_vcpu *vcpu;
static uint64_t kept;
static unsigned int written;
static int failure;

static int vcpu_ioctl(int fd, unsigned long request, void *argument)
{
	struct kvm_msrs *msrs = argument;

	(void)fd;
	if (request != KVM_GET_MSRS && request != KVM_SET_MSRS)
		return 0;
	ck_assert_uint_eq(msrs->nmsrs, 1);
	if (failure)
		return failure;
	if (msrs->entries[0].index != KNOWN)
		return 0;
	if (request == KVM_GET_MSRS)
		msrs->entries[0].data = kept;
	else
		kept = msrs->entries[0].data;
	written += request == KVM_SET_MSRS;
	return 1;
}

static void setup(void)
{
	struct err err = {0};

	fake_kvm_reset();
	fake.vcpu_ioctl = vcpu_ioctl;
	vm = kvm_vm_create(NULL, &err);
	vcpu = kvm_vcpu_create(vm, 0, &err);
	ck_assert_msg(vm && vcpu, "%s", err.text);
	kept = 0xff00ff00ff00ff00;
}

static void teardown(void)
{
	kvm_vcpu_destroy(vcpu);
	kvm_vm_destroy(vm);
}

START_TEST(one_is_read)
{
	uint64_t value = 0;

	ck_assert_int_eq(msr_read(vcpu, KNOWN, &value), 0);
	ck_assert_uint_eq(value, 0xff00ff00ff00ff00);
	ck_assert_int_eq(msr_read(vcpu, KNOWN + 1, &value), -ENOENT);
	failure = -EIO;
	ck_assert_int_eq(msr_read(vcpu, KNOWN, &value), -EIO);
}
END_TEST

START_TEST(bits_outside_the_mask_stay)
{
	ck_assert_int_eq(msr_set_bits(vcpu, KNOWN, 0xffff, 0x0ff0), 0);
	ck_assert_uint_eq(kept, 0xff00ff00ff000ff0);
	ck_assert_uint_eq(written, 1);
}
END_TEST

START_TEST(one_that_is_not_there_is_left_out)
{
	ck_assert_int_eq(msr_set_bits(vcpu, KNOWN + 1, 1, 1), 0);
	ck_assert_uint_eq(written, 0);
	failure = -EIO;
	ck_assert_int_eq(msr_set_bits(vcpu, KNOWN, 1, 1), -EIO);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, one_is_read);
	tcase_add_test(tests, bits_outside_the_mask_stay);
	tcase_add_test(tests, one_that_is_not_there_is_left_out);
}

int main(void)
{
	return run_suite("x86_64 msr", add_tests);
}
