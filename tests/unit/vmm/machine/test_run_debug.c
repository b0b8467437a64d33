/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vCPU threads under a debugger, over a fake KVM: what they meet, who is held, what is
 * unfinished.
 */

#include <stdlib.h>

#include "tests/unit/support/fake_vcpus.h"
#include "tests/unit/support/suite.h"
#include "vmm/machine/run.h"

static struct kvm_vm *vm;
static struct mem_map *map;
static struct mem_region region;
static struct run *run;
static struct err err;
static atomic_uint told;
static atomic_bool wait_for_it;

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
	(void)text;
	(void)size;
}

static enum mem_result device_read(void *owner, uint64_t offset, unsigned int size, uint64_t *value)
{
	(void)owner;
	(void)offset;
	(void)size;
	*value = 0x11;
	return atomic_load(&wait_for_it) ? MEM_NOT_YET : MEM_DONE;
}

static const struct mem_ops device_ops = {.read = device_read};

static void vcpu_failed(void *machine, bool crashed, const char *report)
{
	(void)machine;
	(void)crashed;
	(void)report;
}

/* As the machine does it: nobody runs on. */
static void vcpu_debugged(void *machine)
{
	(void)machine;
	run_halt(run);
	atomic_fetch_add(&told, 1);
}

static void set_up(void)
{
	struct run_setup setup = {.cpus = CPUS, .failed = vcpu_failed, .debugged = vcpu_debugged};

	fake_kvm_reset();
	fake.vcpu_ioctl = cpu_ioctl;
	setup.vm = vm = kvm_vm_create(NULL, &err);
	setup.mmio = map = mem_map_create("memory", 0, &err);
	region = (struct mem_region){.name = "device",
				     .kind = MEM_TRAP,
				     .size = TRAPPED,
				     .ops = &device_ops};
	ck_assert_int_eq(mem_map_add(map, &region, TRAPPED, &err), 0);
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

START_TEST(what_a_vcpu_met_is_told_once)
{
	struct arch_debug_stop stop;

	GIVE(1, EXIT(KVM_EXIT_DEBUG, 0x1234));
	ck_assert(!run_take_debug(run, 1, &stop));
	run_resume(run);
	until(&told, 1);
	run_park(run);
	for (unsigned int i = 0; i < CPUS; i++)
		ck_assert(run_is_settled(run, i));
	ck_assert(!run_take_debug(run, 0, &stop));
	ck_assert(run_take_debug(run, 1, &stop));
	ck_assert_int_eq(stop.event, ARCH_DEBUG_HARDWARE);
	ck_assert_uint_eq(stop.address, 0x1234);
	ck_assert(!run_take_debug(run, 1, &stop));
	ck_assert_uint_eq(run_count(run), CPUS);
	ck_assert_uint_eq(kvm_vcpu_id(run_vcpu(run, 2)), 2);
}
END_TEST

START_TEST(all_that_meet_something_at_once_are_heard)
{
	struct arch_debug_stop stop;

	for (unsigned int i = 0; i < CPUS; i++) {
		GIVE(i, EXIT(KVM_EXIT_DEBUG, 0x40));
		cpus[i].endless = true;
	}
	for (unsigned int round = 0; round < 200; round++) {
		unsigned int heard = 0;

		atomic_store(&told, 0);
		run_resume(run);
		until(&told, 1);
		run_park(run);
		for (unsigned int i = 0; i < CPUS; i++)
			heard += run_take_debug(run, i, &stop);
		ck_assert_uint_eq(heard, atomic_load(&told));
	}
}
END_TEST

START_TEST(who_is_held_stays)
{
	GIVE(1, EXIT(KVM_EXIT_DEBUG, 1), EXIT(KVM_EXIT_DEBUG, 2));
	run_hold(run, 0, true);
	run_hold(run, 2, true);
	for (unsigned int round = 1; round <= 2; round++) {
		run_resume(run);
		until(&told, round);
		run_park(run);
		ck_assert_uint_eq(atomic_load(&cpus[0].entered), 0);
		ck_assert_uint_eq(atomic_load(&cpus[2].entered), 0);
	}
	run_hold(run, 0, false);
	run_hold(run, 2, false);
	run_resume(run);
	for (unsigned int i = 0; i < CPUS; i++)
		until(&cpus[i].sitting, 1);
	run_park(run);
}
END_TEST

START_TEST(who_is_held_does_its_jobs_and_ends)
{
	run_hold(run, 0, true);
	run_resume(run);
	until(&cpus[1].sitting, 1);
	run_park(run);
	ck_assert_int_eq(run_call(run, know_job, NULL, &err), 0);
	run_resume(run); /* and is destroyed so */
}
END_TEST

/* The step of an instruction that reads from a device ends when KVM completes the access. */
START_TEST(a_step_that_ends_while_parking_is_told)
{
	struct arch_debug_stop stop;
	static const struct step steps[] = {
		{0, KVM_EXIT_MMIO, TRAPPED, 4, false, true},
		EXIT(KVM_EXIT_DEBUG, 0x77),
	};

	atomic_store(&wait_for_it, true);
	give(0, steps, ARRAY_SIZE(steps));
	run_resume(run);
	until(&cpus[0].entered, 1);
	run_park(run);
	ck_assert(!run_is_settled(run, 0));
	ck_assert(run_is_settled(run, 1));
	ck_assert(!run_take_debug(run, 0, &stop));
	atomic_store(&wait_for_it, false);
	run_resume(run);
	until(&told, 1);
	run_park(run);
	ck_assert(run_take_debug(run, 0, &stop));
	ck_assert_uint_eq(stop.address, 0x77);
	ck_assert(run_is_settled(run, 0));
}
END_TEST

START_TEST(a_reset_forgets_what_was_told)
{
	struct arch_debug_stop stop;

	GIVE(0, EXIT(KVM_EXIT_DEBUG, 1));
	run_resume(run);
	until(&told, 1);
	run_park(run);
	run_discard(run);
	ck_assert(!run_take_debug(run, 0, &stop));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, what_a_vcpu_met_is_told_once);
	tcase_add_test(tests, all_that_meet_something_at_once_are_heard);
	tcase_add_test(tests, who_is_held_stays);
	tcase_add_test(tests, who_is_held_does_its_jobs_and_ends);
	tcase_add_test(tests, a_step_that_ends_while_parking_is_told);
	tcase_add_test(tests, a_reset_forgets_what_was_told);
}

int main(void)
{
	return run_suite("run_debug", add_tests);
}
