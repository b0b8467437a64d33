/* SPDX-License-Identifier: BSD-3-Clause */
/* KVM_RUN that fails with EFAULT: which mapped slices are trapped for it. And whose exit it is. */

#include <errno.h>
#include <stdlib.h>

#include "tests/unit/support/fake_vcpus.h"
#include "tests/unit/support/suite.h"
#include "vmm/kvm/origin.h"
#include "vmm/machine/run.h"

enum { SLICES = 2 };

static struct kvm_vm *vm;
static struct mem_map *map;
static struct mem_listener listener;
static struct mem_region slices[SLICES];
static bool backed[SLICES];
static struct run *run;
static struct err err;
static atomic_uint failed;

enum arch_exit arch_vcpu_exit(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int *progress)
{
	(void)arch;
	(void)vcpu;
	(void)progress;
	return ARCH_EXIT_UNKNOWN;
}

int arch_vcpu_memory_failed(struct arch_vm *arch, struct kvm_vcpu *vcpu, const void *host,
			    uint64_t *gpa)
{
	(void)arch;
	(void)vcpu;
	(void)host;
	(void)gpa;
	return -ENOENT;
}

void arch_vcpu_describe(struct arch_vm *arch, struct kvm_vcpu *vcpu, char *text, size_t size)
{
	(void)arch;
	(void)vcpu;
	snprintf(text, size, "registers");
}

static struct kvm_origin origin;
static bool has_origin, pc_is_told;

static bool tell_pc(struct kvm_vcpu *vcpu, uint64_t *pc)
{
	*pc = kvm_vcpu_run_page(vcpu)->mmio.phys_addr + 1;
	return pc_is_told;
}

static enum mem_result device_read(void *owner, uint64_t offset, unsigned int size, uint64_t *value)
{
	(void)owner;
	(void)offset;
	(void)size;
	*value = 0x11;
	has_origin = kvm_origin_get(&origin);
	return MEM_DONE;
}

static enum mem_result device_write(void *owner, uint64_t offset, unsigned int size, uint64_t value)
{
	(void)owner;
	(void)offset;
	(void)size;
	(void)value;
	return MEM_DONE;
}

static bool slice_backed(void *owner)
{
	return *(const bool *)owner;
}

static void vcpu_failed(void *machine, bool crashed, const char *report)
{
	(void)machine;
	(void)crashed;
	(void)report;
	atomic_fetch_add(&failed, 1);
}

/* A region that is mapped has slot 1. */
static int give_slot(struct mem_listener *unused, struct mem_region *added, struct err *error)
{
	(void)unused;
	(void)added;
	(void)error;
	return 0;
}

static void take_slot(struct mem_listener *unused, struct mem_region *deleted)
{
	(void)unused;
	(void)deleted;
}

static int tell_slot(const struct mem_listener *unused, const struct mem_region *region)
{
	(void)unused;
	(void)region;
	return 1;
}

static int slot_of(const struct mem_region *region)
{
	struct mem_view view;

	mem_region_view(region, &view);
	return view.slot;
}

/* Two slices, at 2 and 3 * TRAPPED, both mapped and backed. */
static void set_up(void)
{
	static const struct mem_ops ops = {.read = device_read, .write = device_write};
	static uint8_t host[TRAPPED];
	struct run_setup setup = {.cpus = CPUS, .failed = vcpu_failed, .pc = tell_pc};

	fake_kvm_reset();
	fake.vcpu_ioctl = cpu_ioctl;
	setup.vm = vm = kvm_vm_create(NULL, &err);
	setup.mmio = map = mem_map_create("memory", 0, &err);
	listener = (struct mem_listener){.name = "slots",
					 .add = give_slot,
					 .del = take_slot,
					 .slot = tell_slot};
	ck_assert_int_eq(mem_map_listen(map, &listener, &err), 0);
	for (unsigned int i = 0; i < SLICES; i++) {
		slices[i] = (struct mem_region){.name = "slice",
						.kind = MEM_DEVICE,
						.host = host,
						.size = TRAPPED,
						.ops = &ops,
						.owner = &backed[i],
						.backed = slice_backed};
		ck_assert_int_eq(mem_map_add(map, &slices[i], (2 + i) * TRAPPED, &err), 0);
		backed[i] = true;
	}
	run = run_create(&setup, &err);
	ck_assert_ptr_nonnull(run);
	ck_assert_int_eq(run_start(run, &err), 0);
	ck_assert_int_eq(run_call(run, know_job, NULL, &err), 0);
}

static void tear_down(void)
{
	run_destroy(run);
	mem_map_destroy(map);
	kvm_vm_destroy(vm);
}

static void run_to_the_end(void)
{
	unsigned int before = atomic_load(&cpus[0].sitting);

	run_resume(run);
	until(&cpus[0].sitting, before + 1);
	run_park(run);
	ck_assert_uint_eq(atomic_load(&failed), 0);
}

static void mapped(bool first, bool second)
{
	ck_assert_int_eq(slot_of(&slices[0]), first ? 1 : -1);
	ck_assert_int_eq(slot_of(&slices[1]), second ? 1 : -1);
}

START_TEST(the_slice_that_kvm_names_is_trapped)
{
	/* What the devices say does not matter then. */
	backed[0] = false;
	GIVE(0, {-EFAULT, MEMORY_FAULT, 3 * TRAPPED + 0x800, 0x100, false, false});
	run_to_the_end();
	mapped(true, false);
	/* Another processor met it too and comes late: nothing else goes. */
	GIVE(0, {-EFAULT, MEMORY_FAULT, 3 * TRAPPED, 0, false, false});
	run_to_the_end();
	mapped(true, false);
	/* It is back once it decodes anew. */
	mem_map_del(&slices[1]);
	ck_assert_int_eq(mem_map_add(map, &slices[1], 3 * TRAPPED, &err), 0);
	mapped(true, true);
}
END_TEST

START_TEST(a_range_that_kvm_names_takes_all_in_it)
{
	GIVE(0, {-EFAULT, MEMORY_FAULT, 2 * TRAPPED + 8, TRAPPED, false, false});
	run_to_the_end();
	mapped(false, false);
}
END_TEST

/* As when memory of the guest's fails. */
START_TEST(an_address_elsewhere_traps_nothing)
{
	GIVE(0, {-EFAULT, MEMORY_FAULT, 8 * TRAPPED, TRAPPED, false, false},
	     {-EFAULT, MEMORY_FAULT, 8 * TRAPPED, TRAPPED, false, false});
	run_resume(run);
	until(&failed, 1);
	run_park(run);
	mapped(true, true);
}
END_TEST

START_TEST(without_an_address_the_devices_are_asked)
{
	backed[1] = false;
	/* The reason that an exit before left in the page is not this one's. */
	GIVE(0, {-EFAULT, MEMORY_FAULT, 8 * TRAPPED, 0, false, false}, FAULT(-EFAULT));
	run_to_the_end();
	mapped(true, false);
}
END_TEST

/* It may have been on its way back; when it faults again, any slice may be the one. */
START_TEST(when_all_say_that_they_are_there_the_second_fault_counts)
{
	GIVE(0, FAULT(-EFAULT));
	run_to_the_end();
	mapped(true, true);
	GIVE(0, {0, KVM_EXIT_MMIO, 8 * TRAPPED, 4, false, false}, FAULT(-EFAULT));
	run_to_the_end();
	mapped(true, true);
	GIVE(0, FAULT(-EFAULT), FAULT(-EFAULT));
	run_to_the_end();
	mapped(false, false);
}
END_TEST

/* Far below, who handles an access can say whose it is. */
START_TEST(an_access_has_an_origin)
{
	unsigned int before;

	take_slot(NULL, &slices[0]);
	GIVE(2, {0, KVM_EXIT_MMIO, 2 * TRAPPED + 8, 4, false, false});
	run_resume(run);
	until(&cpus[2].sitting, 1);
	run_park(run);
	ck_assert(has_origin && !origin.has_pc);
	ck_assert_uint_eq(origin.vcpu, 2);
	pc_is_told = true;
	before = atomic_load(&cpus[1].sitting);
	GIVE(1, {0, KVM_EXIT_MMIO, 2 * TRAPPED + 8, 4, false, false});
	run_resume(run);
	until(&cpus[1].sitting, before + 1);
	run_park(run);
	ck_assert(has_origin && origin.has_pc);
	ck_assert_uint_eq(origin.vcpu, 1);
	ck_assert_uint_eq(origin.pc, 2 * TRAPPED + 9);
	ck_assert(!kvm_origin_get(&origin));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, an_access_has_an_origin);
	tcase_add_test(tests, the_slice_that_kvm_names_is_trapped);
	tcase_add_test(tests, a_range_that_kvm_names_takes_all_in_it);
	tcase_add_test(tests, an_address_elsewhere_traps_nothing);
	tcase_add_test(tests, without_an_address_the_devices_are_asked);
	tcase_add_test(tests, when_all_say_that_they_are_there_the_second_fault_counts);
}

int main(void)
{
	return run_suite("run faults", add_tests);
}
