/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtual machine of a KVM that is a fake: refusals, capabilities, its type. */

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/kvm/test_vm.h"

/* Nothing is left open either. */
static void expect_refusal(int code, const char *text)
{
	err = (struct err){0};
	ck_assert_ptr_null(kvm_vm_create(NULL, &err));
	ck_assert_str_eq(err.text, text);
	ck_assert_int_eq(err.code, code);
	ck_assert_int_eq(fcntl(fake.system_fd, F_GETFD), -1);
	ck_assert_int_eq(fcntl(fake.vm_fd, F_GETFD), -1);
}

START_TEST(a_node_that_does_not_open_says_what_to_do)
{
	fake.open_fails = -ENOENT;
	expect_refusal(-ENOENT, "KVM: opening /dev/kvm: No such file or directory");
	fake.open_fails = -EACCES;
	expect_refusal(-EACCES, "KVM: opening /dev/kvm: Permission denied: join the group kvm "
				"(usermod -aG kvm USER) and log in again");
	fake.open_fails = -EMFILE;
	expect_refusal(-EMFILE, "KVM: opening /dev/kvm: Too many open files");
}
END_TEST

START_TEST(a_kvm_that_does_not_serve_is_refused)
{
	char text[128];

	fake.version = 11;
	expect_refusal(-EPROTO, "KVM: /dev/kvm: API version 11, not 12: use a newer kernel");
	fake.version = -ENOTTY;
	expect_refusal(-ENOTTY, "KVM: /dev/kvm: it does not answer as KVM does: "
				"Inappropriate ioctl for device");
	fake.version = 12;
	fake.run_size = 16;
	snprintf(text, sizeof(text),
		 "KVM: /dev/kvm: a vCPU's run page of 16 bytes: at least %zu are needed",
		 sizeof(struct kvm_run));
	expect_refusal(-EPROTO, text);
	fake.run_size = -EIO;
	expect_refusal(-EIO, "KVM: /dev/kvm: size of a vCPU's run page: Input/output error");
}
END_TEST

START_TEST(a_node_that_somebody_else_has_opened)
{
	int given = open("/dev/null", O_RDWR | O_CLOEXEC), other = memfd_create("kvm", 0);
	char text[64];
	struct kvm_vm *vm;

	fake.open_fails = -EACCES;
	fake.system_fd = given;
	vm = kvm_vm_create_given(given, NULL, &err);
	ck_assert_msg(vm, "%s", err.text);
	kvm_vm_destroy(vm);
	ck_assert_int_eq(fcntl(given, F_GETFD), -1);
	/* A file is not asked. */
	ck_assert_ptr_null(kvm_vm_create_given(other, NULL, &err));
	snprintf(text, sizeof(text), "KVM: fd=%d: it is not open on /dev/kvm", other);
	ck_assert_str_eq(err.text, text);
	ck_assert_int_eq(fcntl(other, F_GETFD), -1);
	given = open("/dev/null", O_RDWR | O_CLOEXEC);
	fake.system_fd = given;
	fake.version = -ENOTTY;
	ck_assert_ptr_null(kvm_vm_create_given(given, NULL, &err));
	ck_assert_msg(strstr(err.text, ": it does not answer as KVM does"), "%s", err.text);
	ck_assert_int_eq(strncmp(err.text, "KVM: fd=", 8), 0);
	ck_assert_int_eq(fcntl(given, F_GETFD), -1);
}
END_TEST

START_TEST(every_capability_that_is_needed_is_asked)
{
	static const struct {
		unsigned int capability;
		const char *text;
	} rows[] = {
		{KVM_CAP_USER_MEMORY, "USER_MEMORY"},
		{KVM_CAP_IRQCHIP, "IRQCHIP"},
		{KVM_CAP_IRQFD, "IRQFD"},
		{KVM_CAP_IRQ_ROUTING, "IRQ_ROUTING"},
		{KVM_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		fake.missing = rows[i].capability;
		ck_assert_ptr_null(kvm_vm_create(NULL, &err));
		ck_assert_int_eq(err.code, -EOPNOTSUPP);
		ck_assert_msg(strstr(err.text, rows[i].text), "%s", err.text);
	}
}
END_TEST

START_TEST(a_machine_that_is_refused_says_why)
{
	fake.fails_request = KVM_CREATE_VM;
	fake.fails_code = -EBUSY;
	expect_refusal(-EBUSY, "KVM: /dev/kvm: creating a virtual machine: Device or resource "
			       "busy: stop the other hypervisor that uses the processor");
	fake.fails_code = -ENOMEM;
	expect_refusal(-ENOMEM,
		       "KVM: /dev/kvm: creating a virtual machine: Cannot allocate memory");
}
END_TEST

static unsigned long type_of_ipa(const struct kvm_vm *vm)
{
	return 2 * (unsigned long)kvm_vm_capability(vm, KVM_CAP_ARM_VM_IPA_SIZE);
}

START_TEST(the_machine_s_type_is_the_architecture_s)
{
	fake.ipa_bits = 44;
	kvm_vm_destroy(create());
	ck_assert_uint_eq(fake.vm_type, 0);
	kvm_vm_destroy(kvm_vm_create(type_of_ipa, &err));
	ck_assert_uint_eq(fake.vm_type, 88);
	kvm_vm_destroy(NULL);
}
END_TEST

START_TEST(capabilities_are_the_machine_s_own_where_it_has_them)
{
	struct kvm_vm *vm = create();

	ck_assert_int_eq(kvm_vm_capability(vm, KVM_CAP_NR_MEMSLOTS), 8);
	ck_assert_int_eq(kvm_vm_capability(vm, KVM_CAP_NR_VCPUS), 0);
	ck_assert_uint_eq(fake.on_vm, 0);
	kvm_vm_destroy(vm);
	fake.vm_capabilities = true;
	vm = create();
	ck_assert_int_eq(kvm_vm_capability(vm, KVM_CAP_NR_MEMSLOTS), 8);
	ck_assert_uint_eq(fake.on_vm, 1);
	kvm_vm_destroy(vm);
}
END_TEST

START_TEST(requests_reach_their_descriptor)
{
	struct kvm_vm *vm = create();
	uint32_t value = 5;

	ck_assert_int_eq(kvm_vm_create_device(vm, KVM_DEV_TYPE_VFIO, "VFIO", &err), 77);
	ck_assert_int_eq(kvm_device_set_attribute(77, 1, 2, &value), 0);
	ck_assert_uint_eq(fake.attribute.group, 1);
	ck_assert_uint_eq(fake.attribute.attr, 2);
	ck_assert_uint_eq(fake.attribute.addr, (uintptr_t)&value);
	fake.fails_request = KVM_CREATE_DEVICE;
	fake.fails_code = -ENODEV;
	ck_assert_int_eq(kvm_vm_create_device(vm, KVM_DEV_TYPE_VFIO, "VFIO", &err), -ENODEV);
	ck_assert_str_eq(err.text, "KVM: creating the device VFIO: No such device: use a kernel "
				   "that has it");
	fake.calls = 0;
	ck_assert_int_eq(kvm_vm_system_ioctl(vm, KVM_S390_ENABLE_SIE, NULL), -ENOTTY);
	ck_assert_uint_eq(fake.calls, 0);
	ck_assert_int_eq(kvm_vm_ioctl(vm, KVM_CREATE_IRQCHIP, NULL), -ENOTTY);
	ck_assert_uint_eq(fake.calls, 1);
	kvm_vm_destroy(vm);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, a_node_that_does_not_open_says_what_to_do);
	tcase_add_test(tests, a_kvm_that_does_not_serve_is_refused);
	tcase_add_test(tests, a_node_that_somebody_else_has_opened);
	tcase_add_test(tests, every_capability_that_is_needed_is_asked);
	tcase_add_test(tests, a_machine_that_is_refused_says_why);
	tcase_add_test(tests, the_machine_s_type_is_the_architecture_s);
	tcase_add_test(tests, capabilities_are_the_machine_s_own_where_it_has_them);
	tcase_add_test(tests, requests_reach_their_descriptor);
}

int main(void)
{
	return run_suite("vm", add_tests);
}
