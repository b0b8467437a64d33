/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vCPU threads and the exits they handle, over a fake KVM: parking, waiting, failing, ending.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/support/fake_vcpus.h"
#include "vmm/machine/run.h"

enum { LOG_MAX = 16 };

static struct kvm_vm *vm;
static struct mem_map *map;
static struct mem_region region;
static struct run *run;
static struct err err;

/* The region's side. */
static struct {
	atomic_uint accesses;
	struct {
		uint64_t offset, value;
		unsigned int size;
		bool write;
	} log[LOG_MAX];
	atomic_uint not_yet_from; /* accesses at this offset and above have to wait */
	void (*during)(void);
} device;

/* The machine's side. */
static struct {
	atomic_uint count;
	bool crashed;
	char report[512];
} failed;

static enum arch_exit arch_answer;
static atomic_uint arch_exits;
static unsigned int arch_progress;

enum arch_exit arch_vcpu_exit(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int *progress)
{
	(void)arch;
	(void)vcpu;
	arch_progress = (*progress)++;
	atomic_fetch_add(&arch_exits, 1);
	return arch_answer;
}

void arch_vcpu_describe(struct arch_vm *arch, struct kvm_vcpu *vcpu, char *text, size_t size)
{
	(void)arch;
	snprintf(text, size, "registers of %u\n", kvm_vcpu_id(vcpu));
}

static struct {
	int answer;
	atomic_uintptr_t host;
	atomic_uint count;
} told;

int arch_vcpu_memory_failed(struct arch_vm *arch, struct kvm_vcpu *vcpu, const void *host,
			    uint64_t *gpa)
{
	(void)arch;
	ck_assert_uint_eq(kvm_vcpu_id(vcpu), 1);
	*gpa = 0x1000;
	atomic_store(&told.host, (uintptr_t)host);
	atomic_fetch_add(&told.count, 1);
	return told.answer;
}

static enum mem_result device_access(uint64_t offset, unsigned int size, uint64_t value, bool write)
{
	unsigned int index = atomic_fetch_add(&device.accesses, 1);

	if (index < LOG_MAX) {
		device.log[index].offset = offset;
		device.log[index].size = size;
		device.log[index].value = value;
		device.log[index].write = write;
	}
	if (device.during)
		device.during();
	return offset >= atomic_load(&device.not_yet_from) ? MEM_NOT_YET : MEM_DONE;
}

static enum mem_result device_read(void *owner, uint64_t offset, unsigned int size, uint64_t *value)
{
	(void)owner;
	*value = UINT64_C(0x0807060504030201) >> 8 * offset;
	return device_access(offset, size, 0, false);
}

static enum mem_result device_write(void *owner, uint64_t offset, unsigned int size, uint64_t value)
{
	(void)owner;
	return device_access(offset, size, value, true);
}

static const struct mem_ops device_ops = {.read = device_read, .write = device_write};

static void vcpu_failed(void *machine, bool crashed, const char *report)
{
	(void)machine;
	failed.crashed = crashed;
	snprintf(failed.report, sizeof(failed.report), "%s", report);
	atomic_fetch_add(&failed.count, 1);
}

static struct run *create(const unsigned int *pins)
{
	const struct run_setup setup = {
		.vm = vm, .mmio = map, .cpus = CPUS, .pins = pins, .failed = vcpu_failed};

	struct run *created = run_create(&setup, &err);

	if (created && run_start(created, &err)) {
		run_destroy(created);
		return NULL;
	}
	return created;
}

static void set_up_vm(void)
{
	fake_kvm_reset();
	fake.vcpu_ioctl = cpu_ioctl;
	atomic_store(&device.not_yet_from, TRAPPED);
	vm = kvm_vm_create(NULL, &err);
	map = mem_map_create("memory", 0, &err);
	region = (struct mem_region){.name = "device",
				     .kind = MEM_TRAP,
				     .size = TRAPPED,
				     .ops = &device_ops};
	ck_assert_int_eq(mem_map_add(map, &region, TRAPPED, &err), 0);
}

static void tear_down_vm(void)
{
	mem_map_destroy(map);
	kvm_vm_destroy(vm);
}

static void set_up(void)
{
	set_up_vm();
	run = create(NULL);
	ck_assert_msg(run, "%s", err.text);
	ck_assert_int_eq(run_call(run, know_job, NULL, &err), 0);
}

/* Whatever state a test leaves the threads in, this ends them. */
static void tear_down(void)
{
	run_destroy(run);
	tear_down_vm();
}

static uint64_t data_of(unsigned int cpu)
{
	return load_le64(kvm_vcpu_run_page(cpus[cpu].vcpu)->mmio.data);
}

static int failing_job(void *owner, struct kvm_vcpu *vcpu, struct err *job_err)
{
	unsigned int id = kvm_vcpu_id(vcpu);

	(void)owner;
	ck_assert(pthread_equal(cpus[id].thread, pthread_self()));
	ck_assert_int_eq(run_thread_id(run, id), gettid());
	return id == 0 ? 0 : err_set(job_err, -(int)id, "job of %u", id);
}

START_TEST(jobs_run_in_the_vcpus_own_threads)
{
	ck_assert(!pthread_equal(cpus[0].thread, cpus[1].thread));
	ck_assert(!pthread_equal(cpus[0].thread, pthread_self()));
	ck_assert_int_eq(run_call(run, failing_job, NULL, &err), -1);
	ck_assert_str_eq(err.text, "job of 1");
	ck_assert_int_eq(run_call(run, know_job, NULL, &err), 0);
}
END_TEST

static unsigned int jobs_here;

static int job_here(void *owner, struct kvm_vcpu *vcpu, struct err *job_err)
{
	ck_assert_int_eq(gettid(), getpid());
	ck_assert_uint_eq(kvm_vcpu_id(vcpu), jobs_here);
	jobs_here++;
	return owner || job_err->code ? -EIO : 0;
}

START_TEST(before_there_are_threads_jobs_run_in_the_callers)
{
	struct run_setup setup = {.vm = vm, .mmio = map, .cpus = CPUS};
	struct run *young = run_create(&setup, &err);

	ck_assert_ptr_nonnull(young);
	ck_assert_uint_eq(fake.created_count, CPUS);
	for (unsigned int i = 0; i < CPUS; i++)
		ck_assert_uint_eq(fake.created[i], i);
	ck_assert_int_eq(run_call(young, job_here, NULL, &err), 0);
	ck_assert_uint_eq(jobs_here, CPUS);
	run_destroy(young);
}
END_TEST

START_TEST(creation_fails_whole)
{
	static const unsigned int pins[CPUS] = {0, 4000000, 4000000};

	fake.fails_request = KVM_CREATE_VCPU;
	fake.fails_code = -EMFILE;
	fake.fails_after = 2;
	ck_assert_ptr_null(create(NULL));
	ck_assert_int_eq(err.code, -EMFILE);
	fake.fails_request = 0;
	ck_assert_ptr_null(create(pins));
	ck_assert_ptr_nonnull(
		strstr(err.text, "vCPU 1: cannot be pinned to host processor 4000000"));
	run_destroy(NULL);
}
END_TEST

START_TEST(parked_from_inside_the_guest)
{
	run_park(run); /* never ran */
	ck_assert_uint_eq(atomic_load(&cpus[0].entered), 0);
	for (unsigned int round = 1; round <= 3; round++) {
		run_resume(run);
		for (unsigned int i = 0; i < CPUS; i++)
			until(&cpus[i].sitting, round);
		run_park(run);
		run_park(run);
		for (unsigned int i = 0; i < CPUS; i++)
			ck_assert_uint_eq(atomic_load(&cpus[i].entered), round);
	}
	/* Destroyed while they run. */
	run_resume(run);
	until(&cpus[1].sitting, 4);
}
END_TEST

START_TEST(mmio_of_every_length)
{
	GIVE(0, READ(0, 3), READ(4, 4), WRITE(1, 3), WRITE(0, 8), READ(0, 8));
	run_resume(run);
	until(&cpus[0].sitting, 1);
	run_park(run);
	ck_assert_uint_eq(atomic_load(&device.accesses), 9);
	for (unsigned int i = 0; i < 3; i++) {
		ck_assert_uint_eq(device.log[i].offset, i);
		ck_assert_uint_eq(device.log[i].size, 1);
		ck_assert_uint_eq(device.log[4 + i].offset, 1 + i);
		ck_assert_uint_eq(device.log[4 + i].value, 0x11 * (1 + i));
		ck_assert(device.log[4 + i].write);
	}
	ck_assert_uint_eq(device.log[3].size, 4);
	ck_assert_uint_eq(device.log[7].value, UINT64_C(0x8877665544332211));
	ck_assert_uint_eq(data_of(0), UINT64_C(0x0807060504030201));
	ck_assert_uint_eq(atomic_load(&cpus[0].completed), 5);
}
END_TEST

START_TEST(what_waits_is_dispatched_again_where_it_was)
{
	GIVE(0, READ(0, 3));
	atomic_store(&device.not_yet_from, 1);
	run_resume(run);
	until(&device.accesses, 2);
	usleep(20000);
	ck_assert_uint_eq(atomic_load(&device.accesses), 2); /* it sleeps */
	run_wake(run);
	until(&device.accesses, 3);
	atomic_store(&device.not_yet_from, TRAPPED);
	run_wake(run);
	until(&cpus[0].sitting, 1);
	run_park(run);
	ck_assert_uint_eq(atomic_load(&device.accesses), 5);
	ck_assert_uint_eq(device.log[2].offset, 1);
	ck_assert_uint_eq(device.log[3].offset, 1);
	ck_assert_uint_eq(device.log[4].offset, 2);
	ck_assert_uint_eq(data_of(0) & 0xffffff, 0x030201);
}
END_TEST

static void wake_at_once(void)
{
	run_wake(run);
	atomic_store(&device.not_yet_from, TRAPPED);
}

START_TEST(a_wake_during_the_dispatch_is_not_lost)
{
	GIVE(0, READ(0, 4));
	atomic_store(&device.not_yet_from, 0);
	device.during = wake_at_once;
	run_resume(run);
	until(&cpus[0].sitting, 1);
	ck_assert_uint_eq(atomic_load(&cpus[0].completed), 1);
}
END_TEST

START_TEST(what_waits_is_kept_while_parked)
{
	GIVE(0, READ(0, 4));
	arch_answer = ARCH_EXIT_NOT_YET;
	GIVE(1, EXIT(KVM_EXIT_IO, 0));
	atomic_store(&device.not_yet_from, 0);
	run_resume(run);
	until(&device.accesses, 1);
	until(&arch_exits, 1);
	run_park(run);
	run_wake(run); /* changes nothing while parked */
	ck_assert_int_eq(run_call(run, know_job, NULL, &err), 0);
	ck_assert_uint_eq(atomic_load(&cpus[0].completed), 0);
	ck_assert_uint_eq(atomic_load(&device.accesses), 1);
	atomic_store(&device.not_yet_from, TRAPPED);
	arch_answer = ARCH_EXIT_HANDLED;
	run_resume(run);
	until(&cpus[0].sitting, 1);
	until(&cpus[1].sitting, 1);
	ck_assert_uint_eq(atomic_load(&device.accesses), 2);
	ck_assert_uint_eq(arch_progress, 1);
	ck_assert_uint_eq(atomic_load(&cpus[0].completed), 1);
}
END_TEST

START_TEST(what_waits_is_discarded_before_a_reset)
{
	GIVE(0, READ(0, 4));
	atomic_store(&device.not_yet_from, 0);
	run_resume(run);
	until(&device.accesses, 1);
	run_park(run);
	run_discard(run);
	ck_assert_uint_eq(atomic_load(&cpus[0].completed), 1);
	run_resume(run);
	until(&cpus[0].sitting, 1);
	ck_assert_uint_eq(atomic_load(&device.accesses), 1);
}
END_TEST

START_TEST(destroyed_while_waiting)
{
	GIVE(0, READ(0, 4));
	atomic_store(&device.not_yet_from, 0);
	run_resume(run);
	until(&device.accesses, 1);
}
END_TEST

static void take_time(void)
{
	usleep(50000);
}

START_TEST(destroyed_inside_a_handler)
{
	GIVE(0, READ(0, 4));
	device.during = take_time;
	run_resume(run);
	until(&device.accesses, 1);
}
END_TEST

static void halt_now(void)
{
	run_halt(run);
}

START_TEST(who_halts_executes_nothing_more)
{
	GIVE(0, WRITE(0, 4), WRITE(4, 4));
	device.during = halt_now;
	run_resume(run);
	until(&cpus[0].completed, 1);
	run_park(run);
	ck_assert_uint_eq(atomic_load(&cpus[0].entered), 1);
	ck_assert_uint_eq(atomic_load(&device.accesses), 1);
	device.during = NULL;
	run_resume(run);
	until(&cpus[0].sitting, 1);
	ck_assert_uint_eq(atomic_load(&device.accesses), 2);
}
END_TEST

/* Registers are current only when no part of the instruction is left. */
START_TEST(a_string_instruction_is_completed_before_parking)
{
	GIVE(0, {0, KVM_EXIT_MMIO, TRAPPED, 4, true, true},
	     {0, KVM_EXIT_MMIO, TRAPPED + 4, 4, true, true}, WRITE(8, 4), WRITE(12, 4));
	device.during = halt_now;
	run_resume(run);
	until(&device.accesses, 1);
	run_park(run);
	ck_assert_uint_eq(atomic_load(&cpus[0].entered), 1);
	ck_assert_uint_eq(atomic_load(&device.accesses), 3);
	ck_assert_uint_eq(atomic_load(&cpus[0].completed), 3);
}
END_TEST

static int accept_region(struct mem_listener *listener, struct mem_region *added,
			 struct err *unused)
{
	(void)listener;
	(void)added;
	(void)unused;
	return 0;
}

static void lose_region(struct mem_listener *listener, struct mem_region *deleted)
{
	(void)listener;
	(void)deleted;
}

START_TEST(a_slice_that_faults_is_trapped)
{
	static struct mem_listener listener = {.name = "slots",
					       .add = accept_region,
					       .del = lose_region};
	static uint8_t host[TRAPPED];
	struct mem_region slice = {.name = "slice",
				   .kind = MEM_DEVICE,
				   .host = host,
				   .size = TRAPPED,
				   .ops = &device_ops};

	ck_assert_int_eq(mem_map_listen(map, &listener, &err), 0);
	ck_assert_int_eq(mem_map_add(map, &slice, 2 * TRAPPED, &err), 0);
	GIVE(0, FAULT(-EFAULT), {0, KVM_EXIT_MMIO, 2 * TRAPPED, 4, false, false}, FAULT(-EFAULT));
	run_resume(run);
	until(&cpus[0].sitting, 1);
	run_park(run);
	ck_assert_uint_eq(atomic_load(&device.accesses), 1);
	/* Nothing was left to demote the second time: another vCPU could have been faster. */
	ck_assert_uint_eq(atomic_load(&failed.count), 0);
	GIVE(0, FAULT(-EFAULT), FAULT(-EFAULT));
	run_resume(run);
	until(&failed.count, 1);
	ck_assert_str_eq(failed.report, "vCPU 0: KVM_RUN failed: Bad address\nregisters of 0\n");
	run_park(run);
	mem_map_del(&slice);
	mem_map_unlisten(map, &listener);
}
END_TEST

/* And it runs on, or says why not. */
START_TEST(the_guest_is_told_of_failed_memory)
{
	if (!memory_failures_are_told("the_guest_is_told_of_failed_memory"))
		return;
	GIVE(1, {-EHWPOISON, 0, 0x123000, 0, false, false}, READ(0, 4));
	run_resume(run);
	until(&cpus[1].sitting, 1);
	ck_assert_uint_eq(atomic_load(&told.count), 1);
	ck_assert_uint_eq(atomic_load(&told.host), 0x123000);
	ck_assert_uint_eq(atomic_load(&device.accesses), 1);
	ck_assert_uint_eq(atomic_load(&failed.count), 0);
	run_park(run);
	told.answer = -ENOENT;
	GIVE(1, {-EHWPOISON, 0, 0x124000, 0, false, false});
	run_resume(run);
	until(&failed.count, 1);
	ck_assert_str_eq(failed.report,
			 "vCPU 1: the host's memory failed at 0x124000 and the guest "
			 "cannot be told: No such file or directory\nregisters of 1\n");
	ck_assert(!failed.crashed);
}
END_TEST

static const struct {
	struct step step;
	enum arch_exit answer;
	bool crashed;
	const char *report;
} failures[] = {
	{EXIT(KVM_EXIT_INTERNAL_ERROR, 0), ARCH_EXIT_HANDLED, true,
	 "vCPU 1: KVM internal error 0: unknown\n"},
	{EXIT(KVM_EXIT_INTERNAL_ERROR, UINT32_MAX), ARCH_EXIT_HANDLED, true,
	 "vCPU 1: KVM internal error 4294967295: unknown\n"},
	{EXIT(KVM_EXIT_INTERNAL_ERROR, KVM_INTERNAL_ERROR_DELIVERY_EV), ARCH_EXIT_HANDLED, true,
	 "vCPU 1: KVM internal error 3: an exit while an event was delivered, data 0x80 0x81\n"},
	{EXIT(KVM_EXIT_FAIL_ENTRY, 0x80000021), ARCH_EXIT_CRASHED, true,
	 "vCPU 1: the processor refused to enter the guest, reason 0x80000021\n"},
	{EXIT(KVM_EXIT_FAIL_ENTRY, 7), ARCH_EXIT_UNKNOWN, false,
	 "vCPU 1: the processor refused to enter the guest, reason 0x7\n"},
	{EXIT(KVM_EXIT_UNKNOWN, 66), ARCH_EXIT_UNKNOWN, true,
	 "vCPU 1: an exit that KVM does not know, reason 0x42\n"},
	{EXIT(77, 0), ARCH_EXIT_UNKNOWN, true, "vCPU 1: unhandled exit, reason 77\n"},
	{EXIT(KVM_EXIT_SHUTDOWN, 0), ARCH_EXIT_CRASHED, true, "vCPU 1: triple fault\n"},
	{FAULT(-EIO), ARCH_EXIT_HANDLED, false, "vCPU 1: KVM_RUN failed: Input/output error\n"},
};

START_TEST(failures_are_reported_and_stay)
{
	char report[sizeof(failed.report)];

	arch_answer = failures[_i].answer;
	give(1, &failures[_i].step, 1);
	run_resume(run);
	until(&failed.count, 1);
	until(&cpus[0].sitting, 1);
	snprintf(report, sizeof(report), "%sregisters of 1\n", failures[_i].report);
	ck_assert_str_eq(failed.report, report);
	ck_assert_int_eq(failed.crashed, failures[_i].crashed);
	/* It does not run again, but it can be parked. */
	run_park(run);
	run_resume(run);
	until(&cpus[0].sitting, 2);
	run_park(run);
	ck_assert_uint_eq(atomic_load(&cpus[1].entered), 1);
	ck_assert_uint_eq(atomic_load(&failed.count), 1);
	/* Before a reset makes a new machine of it. */
	run_discard(run);
	run_resume(run);
	until(&cpus[1].sitting, 1);
}
END_TEST

static void *disturb(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < 2000; i++) {
		run_wake(run);
		if (i % 16 == 0)
			run_halt(run);
	}
	return NULL;
}

START_TEST(parking_in_the_middle_of_everything)
{
	pthread_t other;

	for (unsigned int i = 0; i < CPUS; i++) {
		GIVE(i, READ(0, 3), WRITE(0, 8), FAULT(-EINTR), EXIT(KVM_EXIT_INTR, 0));
		cpus[i].endless = true;
	}
	ck_assert_int_eq(pthread_create(&other, NULL, disturb, NULL), 0);
	for (unsigned int i = 0; i < 500; i++) {
		unsigned int accesses;

		atomic_store(&device.not_yet_from, i % 3 ? TRAPPED : 1);
		run_resume(run);
		if (i % 8 == 0)
			usleep(100);
		run_park(run);
		accesses = atomic_load(&device.accesses);
		ck_assert_int_eq(run_call(run, know_job, NULL, &err), 0);
		ck_assert_uint_eq(atomic_load(&device.accesses), accesses);
		if (i % 32 == 0)
			run_discard(run);
	}
	pthread_join(other, NULL);
	ck_assert_uint_eq(atomic_load(&failed.count), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("run");
	TCase *tests = tcase_create("run");
	TCase *creation = tcase_create("creation");
	SRunner *runner;
	int bad;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_checked_fixture(creation, set_up_vm, tear_down_vm);
	tcase_add_test(creation, before_there_are_threads_jobs_run_in_the_callers);
	tcase_add_test(creation, creation_fails_whole);
	tcase_add_test(tests, jobs_run_in_the_vcpus_own_threads);
	tcase_add_test(tests, parked_from_inside_the_guest);
	tcase_add_test(tests, mmio_of_every_length);
	tcase_add_test(tests, what_waits_is_dispatched_again_where_it_was);
	tcase_add_test(tests, a_wake_during_the_dispatch_is_not_lost);
	tcase_add_test(tests, what_waits_is_kept_while_parked);
	tcase_add_test(tests, what_waits_is_discarded_before_a_reset);
	tcase_add_test(tests, destroyed_while_waiting);
	tcase_add_test(tests, destroyed_inside_a_handler);
	tcase_add_test(tests, who_halts_executes_nothing_more);
	tcase_add_test(tests, a_string_instruction_is_completed_before_parking);
	tcase_add_test(tests, a_slice_that_faults_is_trapped);
	tcase_add_test(tests, the_guest_is_told_of_failed_memory);
	tcase_add_loop_test(tests, failures_are_reported_and_stay, 0, ARRAY_SIZE(failures));
	tcase_add_test(tests, parking_in_the_middle_of_everything);
	suite_add_tcase(suite, creation);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	bad = srunner_ntests_failed(runner);
	srunner_free(runner);
	return bad ? 1 : 0;
}
