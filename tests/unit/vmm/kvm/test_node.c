/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine's own /dev/kvm, where it opens: a VM, a vCPU, memslots; skipped by name elsewhere. */

#include <check.h>
#include <errno.h>
#include <stdio.h>

#include "memory/ram.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"
#include "vmm/kvm/vcpu.h"

static const struct ram_range pieces[] = {{0, 2 * MIB}, {4 * GIB, 2 * MIB}};

static int slot_of(const struct mem_region *region)
{
	struct mem_view view;

	mem_region_view(region, &view);
	return view.slot;
}

START_TEST(a_machine_with_memory_and_a_vcpu)
{
	struct err err = {0};
	struct ram_config config = {0};
	struct mem_map *map = mem_map_create("guest", 0, &err);
	struct ram *ram = ram_create(map, pieces, 2, &config, &err);
	struct kvm_vm *vm = kvm_vm_create(NULL, &err);
	struct mem_region clash = {.name = "clash", .kind = MEM_DEVICE, .size = MIB};
	struct kvm_vcpu *vcpu;

	ck_assert_msg(vm && ram, "%s", err.text);
	ck_assert_msg(kvm_vm_listen(vm, map, &err) == 0, "%s", err.text);
	ck_assert_int_eq(slot_of(ram_piece(ram, 0)), 0);
	ck_assert_int_eq(slot_of(ram_piece(ram, 1)), 1);
	/* Memory that is not the user's: KVM itself refuses it, and the slice is trapped. */
	clash.host = (void *)(UINTPTR_MAX - MIB + 1);
	ck_assert_int_eq(
		mem_map_apply(map, &(struct mem_change){.region = &clash, .base = GIB, .add = true},
			      1, MEM_BEST_EFFORT, &err),
		0);
	ck_assert_int_eq(slot_of(&clash), -1);
	mem_map_del(&clash);
	vcpu = kvm_vcpu_create(vm, 0, &err);
	ck_assert_msg(vcpu, "%s", err.text);
	ck_assert_int_eq(kvm_vcpu_complete(vcpu), 0);
	ck_assert_uint_eq(kvm_vcpu_run_page(vcpu)->immediate_exit, 0);
	ck_assert_ptr_null(kvm_vcpu_create(vm, 0, &err));
	ck_assert_int_eq(err.code, -EEXIST);
	kvm_vcpu_destroy(vcpu);
	kvm_vm_unlisten(vm);
	ck_assert_int_eq(slot_of(ram_piece(ram, 1)), -1);
	kvm_vm_destroy(vm);
	ram_destroy(ram);
	mem_map_destroy(map);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_machine_with_memory_and_a_vcpu);
}

int main(void)
{
	struct err err = {0};
	struct kvm_vm *vm = kvm_vm_create(NULL, &err);

	if (!vm) {
		printf("skip: kvm_node: %s\n", err.text);
		return 0;
	}
	kvm_vm_destroy(vm);
	return run_suite("kvm_node", add_tests);
}
