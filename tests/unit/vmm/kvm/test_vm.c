/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtual machine of a KVM that is a fake: refusals, capabilities, memslots. */

#include <check.h>
#include <fcntl.h>
#include <stdio.h>

#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/suite.h"
#include "vmm/kvm/vm.h"

static struct err err;

static void set_up(void)
{
	fake_kvm_reset();
	err = (struct err){0};
}

static struct kvm_vm *create(void)
{
	struct kvm_vm *vm = kvm_vm_create(NULL, &err);

	ck_assert_msg(vm, "%s", err.text);
	fake.calls = 0;
	return vm;
}

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

static char memory[16 * 4096] __attribute__((aligned(4096)));

static struct mem_region region(enum mem_kind kind, size_t offset)
{
	return (struct mem_region){.name = "region",
				   .kind = kind,
				   .size = 4096,
				   .host = memory + offset};
}

/* The number of the memslot, -1 without one. */
static int slot_of(const struct mem_region *of)
{
	struct mem_view view;

	mem_region_view(of, &view);
	return view.slot;
}

static void expect_memory(uint32_t slot, uint64_t base, uint64_t size, uint32_t flags)
{
	ck_assert_uint_eq(fake.calls, 1);
	ck_assert_uint_eq(fake.memory.slot, slot);
	ck_assert_uint_eq(fake.memory.guest_phys_addr, base);
	ck_assert_uint_eq(fake.memory.memory_size, size);
	ck_assert_uint_eq(fake.memory.flags, flags);
	fake.calls = 0;
}

START_TEST(regions_become_memslots)
{
	struct mem_map *map = mem_map_create("guest", 0, &err);
	struct mem_region ram = region(MEM_RAM, 0), rom = region(MEM_ROM, 4096);
	struct mem_region device = region(MEM_DEVICE, 8192), again = region(MEM_DEVICE, 4096);
	struct kvm_vm *vm = create();

	ck_assert_int_eq(mem_map_add(map, &ram, 0x10000, &err), 0);
	ck_assert_int_eq(kvm_vm_listen(vm, map, &err), 0);
	expect_memory(0, 0x10000, 4096, 0);
	ck_assert_uint_eq(fake.memory.userspace_addr, (uintptr_t)memory);
	ck_assert_int_eq(mem_map_add(map, &rom, 0x20000, &err), 0);
	expect_memory(1, 0x20000, 4096, KVM_MEM_READONLY);
	ck_assert_int_eq(mem_map_add(map, &device, 0x30000, &err), 0);
	expect_memory(2, 0x30000, 4096, 0);
	ck_assert_int_eq(slot_of(&device), 2);
	mem_map_del(&rom);
	expect_memory(1, 0x20000, 0, 0);
	ck_assert_int_eq(mem_map_add(map, &again, 0x40000, &err), 0);
	expect_memory(1, 0x40000, 4096, 0);
	ck_assert_uint_eq(mem_map_demote(map, 0x30800, 0x30fff), 1);
	expect_memory(2, 0x30000, 0, 0);
	ck_assert_int_eq(slot_of(&device), -1);
	kvm_vm_unlisten(vm);
	ck_assert_uint_eq(fake.calls, 2);
	kvm_vm_unlisten(vm);
	kvm_vm_destroy(vm);
	mem_map_destroy(map);
}
END_TEST

START_TEST(what_kvm_cannot_map_is_trapped)
{
	struct mem_map *map = mem_map_create("guest", 0, &err);
	struct mem_region inside = region(MEM_DEVICE, 256), small = region(MEM_DEVICE, 0);
	struct mem_region crooked = region(MEM_DEVICE, 0), rom = region(MEM_ROM, 0);
	struct mem_change changes[] = {
		{.region = &inside, .base = 0x10000, .add = true},
		{.region = &small, .base = 0x20000, .add = true},
		{.region = &crooked, .base = 0x30100, .add = true},
		{.region = &rom, .base = 0x40000, .add = true},
	};
	struct kvm_vm *vm;

	small.size = 256;
	fake.missing = KVM_CAP_READONLY_MEM;
	vm = create();
	ck_assert_int_eq(kvm_vm_listen(vm, map, &err), 0);
	ck_assert_int_eq(mem_map_apply(map, changes, 4, MEM_ALL_OR_NOTHING, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		ck_assert_int_eq(slot_of(changes[i].region), -1);
		mem_map_del(changes[i].region);
	}
	ck_assert_uint_eq(fake.calls, 0);
	kvm_vm_unlisten(vm);
	kvm_vm_destroy(vm);
	mem_map_destroy(map);
}
END_TEST

START_TEST(a_refused_memslot)
{
	struct mem_map *map = mem_map_create("guest", 0, &err);
	struct mem_region ram = region(MEM_RAM, 0), device = region(MEM_DEVICE, 4096);
	struct mem_change change = {.region = &device, .base = 0x20000, .add = true};
	struct kvm_vm *vm = create();

	ck_assert_int_eq(kvm_vm_listen(vm, map, &err), 0);
	fake.fails_request = KVM_SET_USER_MEMORY_REGION;
	fake.fails_code = -EEXIST;
	ck_assert_int_eq(mem_map_add(map, &ram, 0x10000, &err), -EEXIST);
	ck_assert_str_eq(err.text, "KVM: memslot for region at 0x10000, 0x1000 bytes: File exists");
	ck_assert_ptr_null(ram.map);
	ck_assert_int_eq(mem_map_apply(map, &change, 1, MEM_BEST_EFFORT, &err), 0);
	ck_assert_ptr_eq(device.map, map);
	ck_assert_int_eq(slot_of(&device), -1);
	fake.fails_request = 0;
	fake.calls = 0;
	mem_map_del(&device);
	ck_assert_uint_eq(fake.calls, 0);
	/* Its slot was not used up. */
	ck_assert_int_eq(mem_map_add(map, &ram, 0x10000, &err), 0);
	expect_memory(0, 0x10000, 4096, 0);
	kvm_vm_unlisten(vm);
	kvm_vm_destroy(vm);
	mem_map_destroy(map);
}
END_TEST

START_TEST(memslots_run_out)
{
	struct mem_map *map = mem_map_create("guest", 0, &err);
	struct mem_region regions[9];
	struct kvm_vm *vm = create();

	ck_assert_int_eq(kvm_vm_listen(vm, map, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(regions); i++)
		regions[i] = region(MEM_RAM, i * 4096);
	for (size_t i = 0; i < 8; i++)
		ck_assert_int_eq(mem_map_add(map, &regions[i], i * 4096, &err), 0);
	fake.calls = 0;
	ck_assert_int_eq(mem_map_add(map, &regions[8], 8 * 4096, &err), -ENOSPC);
	ck_assert_str_eq(err.text, "KVM: memslot for region at 0x8000: all 8 that this kernel has "
				   "are in use");
	ck_assert_uint_eq(fake.calls, 0);
	mem_map_del(&regions[5]);
	ck_assert_int_eq(mem_map_add(map, &regions[8], 8 * 4096, &err), 0);
	ck_assert_int_eq(slot_of(&regions[8]), 5);
	kvm_vm_unlisten(vm);
	kvm_vm_destroy(vm);
	mem_map_destroy(map);
}
END_TEST

START_TEST(a_refused_replay_leaves_nothing)
{
	struct mem_map *map = mem_map_create("guest", 0, &err);
	struct mem_region first = region(MEM_RAM, 0), second = region(MEM_RAM, 4096);
	struct kvm_vm *vm = create();

	ck_assert_int_eq(mem_map_add(map, &first, 0x10000, &err), 0);
	ck_assert_int_eq(mem_map_add(map, &second, 0x20000, &err), 0);
	fake.slots = 1;
	ck_assert_int_eq(kvm_vm_listen(vm, map, &err), -ENOSPC);
	ck_assert_uint_eq(fake.memory.memory_size, 0);
	ck_assert_uint_eq(fake.memory.guest_phys_addr, 0x10000);
	ck_assert_int_eq(slot_of(&first), -1);
	fake.slots = 0; /* an old kernel that does not say has 32 */
	ck_assert_int_eq(kvm_vm_listen(vm, map, &err), 0);
	kvm_vm_unlisten(vm);
	kvm_vm_destroy(vm);
	mem_map_destroy(map);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, a_node_that_does_not_open_says_what_to_do);
	tcase_add_test(tests, a_kvm_that_does_not_serve_is_refused);
	tcase_add_test(tests, every_capability_that_is_needed_is_asked);
	tcase_add_test(tests, a_machine_that_is_refused_says_why);
	tcase_add_test(tests, the_machine_s_type_is_the_architecture_s);
	tcase_add_test(tests, capabilities_are_the_machine_s_own_where_it_has_them);
	tcase_add_test(tests, requests_reach_their_descriptor);
	tcase_add_test(tests, regions_become_memslots);
	tcase_add_test(tests, what_kvm_cannot_map_is_trapped);
	tcase_add_test(tests, a_refused_memslot);
	tcase_add_test(tests, memslots_run_out);
	tcase_add_test(tests, a_refused_replay_leaves_nothing);
}

int main(void)
{
	return run_suite("kvm_vm", add_tests);
}
