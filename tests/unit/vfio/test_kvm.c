/* SPDX-License-Identifier: BSD-3-Clause */
/* What KVM's VFIO device is told of a guest's devices, and what is said when it refuses. */

#include <check.h>
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "vfio/kvm.h"

/* In the place of the calls on the VM. */
static int created, refusal;
static uint64_t attribute;
static int32_t told;

int kvm_vm_create_device(struct kvm_vm *vm, uint32_t type, const char *name, struct err *err)
{
	(void)vm;
	ck_assert_uint_eq(type, KVM_DEV_TYPE_VFIO);
	if (created < 0)
		return err_set(err, created, "%s refused", name);
	return created;
}

int kvm_device_set_attribute(int device, uint32_t group, uint64_t which, const void *value)
{
	ck_assert_int_eq(device, 5);
	ck_assert_uint_eq(group, KVM_DEV_VFIO_GROUP);
	attribute = which;
	memcpy(&told, value, sizeof(told));
	return refusal;
}

static void hears_of(int descriptor, uint64_t which)
{
	ck_assert_int_eq(told, descriptor);
	ck_assert_uint_eq(attribute, which);
}

START_TEST(it_is_made_or_missed)
{
	struct err err = {0};
	int kvm = -1;

	created = -ENODEV;
	ck_assert_int_eq(vfio_kvm_open(&kvm, NULL, &err), -ENODEV);
	ck_assert_ptr_nonnull(strstr(err.text, "it must be built with CONFIG_KVM_VFIO"));
	created = -EMFILE;
	ck_assert_int_eq(vfio_kvm_open(&kvm, NULL, &err), -EMFILE);
	ck_assert_str_eq(err.text, "VFIO refused");
	ck_assert_int_eq(kvm, -1);
	created = 5;
	ck_assert_int_eq(vfio_kvm_open(&kvm, NULL, &err), 0);
	ck_assert_int_eq(kvm, 5);
	/* A VM has one. */
	created = -EBUSY;
	ck_assert_int_eq(vfio_kvm_open(&kvm, NULL, &err), 0);
	ck_assert_int_eq(kvm, 5);
}
END_TEST

START_TEST(what_comes_and_goes_is_told)
{
	struct err err = {0};

	ck_assert_int_eq(vfio_kvm_add(5, 42, "group 7", &err), 0);
	hears_of(42, KVM_DEV_VFIO_GROUP_ADD);
	vfio_kvm_del(5, 43, "group 7");
	hears_of(43, KVM_DEV_VFIO_GROUP_DEL);
}
END_TEST

START_TEST(a_refusal_is_told)
{
	struct err err = {0};

	refusal = -EEXIST;
	ck_assert_int_eq(vfio_kvm_add(5, 42, "group 7", &err), -EEXIST);
	ck_assert_str_eq(err.text, "KVM's VFIO device: it does not take group 7: File exists");
	refusal = -ENOENT;
	hear();
	vfio_kvm_del(5, 42, "group 7");
	ck_assert_str_eq(heard(), "ferry: warn: KVM's VFIO device: it does not release group 7: No "
				  "such file or directory\n");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, it_is_made_or_missed);
	tcase_add_test(tests, what_comes_and_goes_is_told);
	tcase_add_test(tests, a_refusal_is_told);
}

int main(void)
{
	return run_suite("vfio kvm", add_tests);
}
