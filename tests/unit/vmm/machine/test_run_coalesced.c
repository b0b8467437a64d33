/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes that KVM kept are done before the exit behind them, and may be the guest's end. */

#include <stdlib.h>

#include "tests/unit/support/fake_ring.h"
#include "tests/unit/support/fake_vcpus.h"
#include "tests/unit/support/suite.h"
#include "vmm/machine/run.h"

enum { LATCH = 0xcf8, HALTS = 0x6 };

static struct kvm_vm *vm;
static struct mem_map *map, *ports;
static struct mem_region region, latch;
static struct kvm_coalesced *coalesced;
static struct run *run;
static struct err err;
static atomic_uint value, written, reads, seen, failures;
static atomic_uint entered;
static atomic_bool held_back;  /* vCPU 0 in the guest */
static const uint32_t *writes; /* that vCPU 0 does before each of its exits; 0: none */

enum arch_exit arch_vcpu_exit(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int *progress)
{
	(void)arch, (void)vcpu, (void)progress;
	return ARCH_EXIT_UNKNOWN;
}

int arch_vcpu_memory_failed(struct arch_vm *arch, struct kvm_vcpu *vcpu, const void *host,
			    uint64_t *gpa)
{
	(void)arch, (void)vcpu, (void)host, (void)gpa;
	return -ENOENT;
}

void arch_vcpu_describe(struct arch_vm *arch, struct kvm_vcpu *vcpu, char *text, size_t size)
{
	(void)arch, (void)vcpu, (void)size;
	*text = '\0';
}

static void vcpu_failed(void *machine, bool crashed, const char *report)
{
	(void)machine, (void)crashed, (void)report;
	atomic_fetch_add(&failures, 1);
}

static enum mem_result nothing_read(void *owner, uint64_t offset, unsigned int size, uint64_t *got)
{
	(void)owner, (void)offset, (void)size;
	*got = atomic_load(&value);
	atomic_store(&seen, atomic_load(&value));
	atomic_fetch_add(&reads, 1);
	return MEM_DONE;
}

static enum mem_result latch_write(void *owner, uint64_t offset, unsigned int size, uint64_t what)
{
	(void)owner, (void)offset, (void)size;
	atomic_store(&value, (unsigned int)what);
	atomic_fetch_add(&written, 1);
	if (what == HALTS)
		run_abandon(run);
	return MEM_DONE;
}

static const struct mem_ops region_ops = {.read = nothing_read};
static const struct mem_ops latch_ops = {.read = nothing_read, .write = latch_write};

/* The guest writes to its latch and goes on, until its next exit. */
static int writing_ioctl(int fd, unsigned long request, void *argument)
{
	struct cpu *cpu = &cpus[0];

	if (fd == cpu->fd && atomic_load(&held_back)) {
		atomic_fetch_add(&entered, 1);
		while (atomic_load(&held_back))
			usleep(1000);
		return take_step(cpu);
	}
	if (fd == cpu->fd && !kicked(cpu) && cpu->next < cpu->count && writes[cpu->next])
		fake_ring_write(cpu->vcpu, LATCH, 4, writes[cpu->next]);
	return cpu_ioctl(fd, request, argument);
}

static void set_up(void)
{
	struct run_setup setup = {.cpus = CPUS, .failed = vcpu_failed};

	fake_kvm_reset();
	fake_ring_offer();
	fake.vcpu_ioctl = writing_ioctl;
	setup.vm = vm = kvm_vm_create(NULL, &err);
	setup.mmio = map = mem_map_create("memory", 0, &err);
	ports = mem_map_create("ports", 0x10000, &err);
	region = (struct mem_region){.name = "device",
				     .kind = MEM_TRAP,
				     .size = TRAPPED,
				     .ops = &region_ops};
	ck_assert_int_eq(mem_map_add(map, &region, TRAPPED, &err), 0);
	latch = (struct mem_region){
		.name = "latch", .kind = MEM_TRAP, .size = 4, .ops = &latch_ops, .latch = 4};
	ck_assert_int_eq(mem_map_add(ports, &latch, LATCH, &err), 0);
	setup.coalesced = coalesced = kvm_coalesced_create(vm, ports, &err);
	run = run_create(&setup, &err);
	ck_assert_ptr_nonnull(run);
	ck_assert_int_eq(run_start(run, &err), 0);
	ck_assert_int_eq(run_call(run, know_job, NULL, &err), 0);
}

static void tear_down(void)
{
	run_destroy(run);
	kvm_coalesced_destroy(coalesced);
	mem_map_destroy(map);
	mem_map_destroy(ports);
	kvm_vm_destroy(vm);
}

START_TEST(an_exit_sees_what_was_written_before_it)
{
	static const uint32_t before[] = {0x11, 0x22, 0, 0x33};

	writes = before;
	GIVE(0, READ(0, 4), READ(0, 4), READ(0, 4), FAULT(-EINTR));
	run_resume(run);
	until(&written, 3);
	ck_assert_uint_eq(atomic_load(&reads), 3);
	ck_assert_uint_eq(atomic_load(&seen), 0x22);
	ck_assert_uint_eq(atomic_load(&value), 0x33);
	run_park(run);
	ck_assert(run_is_settled(run, 0));
}
END_TEST

/* Its exit is that of a guest which is no more; where it goes on after all, it is done then. */
START_TEST(an_exit_after_the_end_waits)
{
	static const uint32_t before[] = {HALTS, 0x22};

	writes = before;
	GIVE(0, READ(0, 4), READ(0, 4));
	run_resume(run);
	until(&written, 1);
	run_park(run);
	ck_assert_uint_eq(atomic_load(&reads), 0);
	ck_assert(!run_is_settled(run, 0));
	run_resume(run);
	until(&reads, 2);
	ck_assert_uint_eq(atomic_load(&seen), 0x22);
}
END_TEST

START_TEST(a_failure_after_the_end_is_none)
{
	static const uint32_t before[] = {HALTS};

	writes = before;
	GIVE(0, FAULT(-EFAULT));
	run_resume(run);
	until(&written, 1);
	run_park(run);
	run_discard(run);
	ck_assert_uint_eq(atomic_load(&failures), 0);
	ck_assert(run_is_settled(run, 0));
}
END_TEST

/* Another thread does the write that ends the guest while this one is on its way out. */
START_TEST(an_end_that_another_thread_did_counts_too)
{
	static const uint32_t before[] = {0};

	writes = before;
	atomic_store(&held_back, true);
	GIVE(0, FAULT(-EINVAL));
	run_resume(run);
	until(&entered, 1);
	fake_ring_write(cpus[0].vcpu, LATCH, 4, HALTS);
	kvm_coalesced_drain(coalesced, cpus[0].vcpu);
	atomic_store(&held_back, false);
	run_park(run);
	ck_assert_uint_eq(atomic_load(&failures), 0);
	run_discard(run);
	GIVE(0, FAULT(-EINVAL));
	ck_assert_uint_eq(atomic_load(&failures), 0);
	run_resume(run);
	until(&failures, 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, an_exit_sees_what_was_written_before_it);
	tcase_add_test(tests, an_exit_after_the_end_waits);
	tcase_add_test(tests, a_failure_after_the_end_is_none);
	tcase_add_test(tests, an_end_that_another_thread_did_counts_too);
}

int main(void)
{
	return run_suite("run_coalesced", add_tests);
}
