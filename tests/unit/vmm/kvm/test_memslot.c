/* SPDX-License-Identifier: BSD-3-Clause */
/* The listener that gives a map's regions to KVM: memslots, what is trapped, refusals. */

#include <check.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/kvm/test_vm.h"

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
	tcase_add_test(tests, regions_become_memslots);
	tcase_add_test(tests, what_kvm_cannot_map_is_trapped);
	tcase_add_test(tests, a_refused_memslot);
	tcase_add_test(tests, memslots_run_out);
	tcase_add_test(tests, a_refused_replay_leaves_nothing);
}

int main(void)
{
	return run_suite("memslot", add_tests);
}
