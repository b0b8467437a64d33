/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU of a fake KVM: refusals, running, completing an exit without losing a kick. */

#include <check.h>
#include <fcntl.h>
#include <pthread.h>

#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/suite.h"
#include "vmm/kvm/vcpu.h"

static struct kvm_vm *vm;
static struct kvm_vcpu *vcpu;
static struct err err;

static void set_up(void)
{
	fake_kvm_reset();
	err = (struct err){0};
	vm = kvm_vm_create(NULL, &err);
	vcpu = kvm_vcpu_create(vm, 3, &err);
	ck_assert_msg(vcpu, "%s", err.text);
	fake.run = kvm_vcpu_run_page(vcpu);
}

static void tear_down(void)
{
	kvm_vcpu_destroy(vcpu);
	ck_assert_int_eq(fcntl(fake.vcpu_fd, F_GETFD), -1);
	kvm_vm_destroy(vm);
}

START_TEST(refusals_name_the_vcpu)
{
	fake.fails_request = KVM_CREATE_VCPU;
	fake.fails_code = -EINVAL;
	ck_assert_ptr_null(kvm_vcpu_create(vm, 4, &err));
	ck_assert_str_eq(err.text, "KVM: creating vCPU 4: this kernel has 4 at most: ask for fewer "
				   "with --cpus");
	ck_assert_ptr_null(kvm_vcpu_create(vm, 1, &err));
	ck_assert_str_eq(err.text, "KVM: creating vCPU 1: Invalid argument");
	fake.fails_code = -EEXIST;
	ck_assert_ptr_null(kvm_vcpu_create(vm, 3, &err));
	ck_assert_int_eq(err.code, -EEXIST);
	kvm_vcpu_destroy(NULL);
}
END_TEST

START_TEST(it_runs_and_reports)
{
	ck_assert_uint_eq(kvm_vcpu_id(vcpu), 3);
	ck_assert_int_eq(kvm_vcpu_fd(vcpu), fake.vcpu_fd);
	ck_assert_int_eq(kvm_vcpu_run(vcpu), 0);
	ck_assert(!fake.run_saw_immediate);
	fake.run_result = -EFAULT;
	ck_assert_int_eq(kvm_vcpu_run(vcpu), -EFAULT);
	fake.run_result = -EINTR;
	ck_assert_int_eq(kvm_vcpu_run(vcpu), -EINTR);
	fake.run_result = -EAGAIN;
	ck_assert_int_eq(kvm_vcpu_run(vcpu), -EINTR);
	ck_assert_int_eq(kvm_vcpu_ioctl(vcpu, KVM_NMI, NULL), -ENOTTY);
}
END_TEST

START_TEST(completing_runs_without_entering_the_guest)
{
	fake.run_result = -EINTR;
	ck_assert_int_eq(kvm_vcpu_complete(vcpu), 0);
	ck_assert(fake.run_saw_immediate);
	ck_assert_uint_eq(fake.run->immediate_exit, 0);
	fake.run_result = 0;
	ck_assert_int_eq(kvm_vcpu_complete(vcpu), -EAGAIN);
	ck_assert_uint_eq(fake.run->immediate_exit, 0);
	fake.run_result = -EFAULT;
	ck_assert_int_eq(kvm_vcpu_complete(vcpu), -EFAULT);
}
END_TEST

static void kick(void)
{
	kvm_vcpu_set_immediate_exit(vcpu, true);
}

START_TEST(a_kick_is_not_lost)
{
	fake.run_result = -EINTR;
	kick();
	ck_assert_int_eq(kvm_vcpu_complete(vcpu), 0);
	ck_assert_uint_eq(fake.run->immediate_exit, 1);
	kvm_vcpu_set_immediate_exit(vcpu, false);
	ck_assert_uint_eq(fake.run->immediate_exit, 0);
	fake.during_run = kick;
	ck_assert_int_eq(kvm_vcpu_complete(vcpu), 0);
	ck_assert_uint_eq(fake.run->immediate_exit, 1);
}
END_TEST

static void *kick_from_aside(void *owner)
{
	kvm_vcpu_set_immediate_exit(owner, true);
	return NULL;
}

START_TEST(a_kick_from_another_thread_is_not_lost)
{
	pthread_t kicker;

	fake.run_result = -EINTR;
	for (unsigned int i = 0; i < 500; i++) {
		ck_assert_int_eq(pthread_create(&kicker, NULL, kick_from_aside, vcpu), 0);
		for (unsigned int j = 0; j < i % 50; j++)
			ck_assert_int_eq(kvm_vcpu_complete(vcpu), 0);
		pthread_join(kicker, NULL);
		ck_assert_uint_eq(fake.run->immediate_exit, 1);
		kvm_vcpu_set_immediate_exit(vcpu, false);
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, refusals_name_the_vcpu);
	tcase_add_test(tests, it_runs_and_reports);
	tcase_add_test(tests, completing_runs_without_entering_the_guest);
	tcase_add_test(tests, a_kick_is_not_lost);
	tcase_add_test(tests, a_kick_from_another_thread_is_not_lost);
}

int main(void)
{
	return run_suite("kvm_vcpu", add_tests);
}
