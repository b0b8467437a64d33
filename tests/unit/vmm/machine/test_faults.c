/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whole machines with every call failing in its turn: as they are built, while the guest drives a
 * device and begins anew, and at the end. Each failure ends the run with a sentence or is done
 * without, and nothing is left.
 */

#include "tests/unit/vmm/machine/test_faults.h"
#include "vmm/machine/hotplug.h"

static void setup_empty(void)
{
	setup();
	mock.config.vfio_count = 0;
	mock.config.gdb = NULL;
	mock.config.slots = 2;
}

static void added(void *owner, const struct err *err)
{
	*(int *)owner = err ? err->code : 0;
	if (err)
		mock.err = *err;
}

/* Without a call that may be struck. */
static void turn(int stopper)
{
	struct err err = {0};

	fd_signal(stopper);
	must(loop_run(mock.machine->loop, &err) == 0);
	fd_take(stopper);
	usleep(100);
}

/* A first device comes, or is refused, and leaves. */
static void come_and_go(const struct fault_plan *how, int stopper)
{
	const struct vfio_device_config config = {.path = FAKE_FIRST};
	struct vfio *vfio = mock.machine->vfio;
	int rc = 1;

	fault_plan = *how;
	hotplug_add(mock.machine, &config, "slot1", added, &rc);
	while (rc > 0)
		turn(stopper);
	mock.status = rc ? STATUS_FAILED : STATUS_POWERED_OFF;
	if (!rc)
		must(hotplug_remove(mock.machine, FAKE_FIRST, 0, &mock.err) == 0);
	while (vfio_device_count(vfio) > 0)
		turn(stopper);
	fault_disarm();
	/* The guest goes on. */
	ck_assert(!mock.machine->outcome.decided);
}

/* As walk(), a machine for each call, into whose empty slot the device comes. */
static unsigned int walk_coming(const struct fault_plan *how)
{
	struct fault_plan plan = *how;
	unsigned int pace = walk_pace();

	for (plan.at = 1;; plan.at += pace) {
		unsigned int struck;
		struct machine *machine;
		int stopper;

		plan.error = how->error ? how->error : errors[plan.at % ARRAY_SIZE(errors)];
		world_create();
		kvm.guest = NULL;
		machine = fake_machine_create();
		ck_assert_msg(machine, "%s", mock.err.text);
		stopper = fd_eventfd();
		must(loop_add(machine->loop, stopper, EPOLLIN, mock_stop_loop, machine->loop,
			      &mock.err) == 0);
		run_resume(machine->run);
		said.text[0] = '\0';
		come_and_go(&plan, stopper);
		struck = fault_plan.struck;
		loop_remove(machine->loop, stopper);
		fd_close(&stopper);
		fake_machine_destroy();
		nothing_is_left(plan.at);
		check_outcome(plan.at);
		fake_machine_close_kernel();
		if (!struck)
			return plan.at - 1;
	}
}

START_TEST(every_call_fails_as_a_device_comes_and_goes)
{
	libc.calls = true;
	ck_assert_uint_gt(walk_coming(&(struct fault_plan){0}), 60);
}
END_TEST

START_TEST(memory_runs_out_as_a_device_comes_and_goes)
{
	libc.memory = true;
	ck_assert_uint_gt(walk_coming(&(struct fault_plan){.only = "memory", .error = -ENOMEM}),
			  15);
}
END_TEST

START_TEST(every_call_fails)
{
	libc.calls = true;
	ck_assert_uint_gt(walk(&(struct fault_plan){0}, 1), 300);
}
END_TEST

START_TEST(every_call_fails_from_one_on)
{
	libc.calls = libc.memory = true;
	walk(&(struct fault_plan){.error = -ENOMEM, .onwards = true}, 3);
}
END_TEST

START_TEST(memory_runs_out_at_every_allocation)
{
	libc.memory = true;
	ck_assert_uint_gt(walk(&(struct fault_plan){.only = "memory", .error = -ENOMEM}, 1), 100);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 240);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, every_call_fails);
	tcase_add_test(tests, every_call_fails_from_one_on);
	tcase_add_test(tests, memory_runs_out_at_every_allocation);
}

static void add_tests_of_slots(TCase *tests)
{
	tcase_set_timeout(tests, 240);
	tcase_add_checked_fixture(tests, setup_empty, teardown);
	tcase_add_test(tests, every_call_fails_as_a_device_comes_and_goes);
	tcase_add_test(tests, memory_runs_out_as_a_device_comes_and_goes);
}

int main(void)
{
	int rc = run_suite("vmm/machine/faults by groups", add_tests);

	rc |= run_suite("vmm/machine/faults of slots by groups", add_tests_of_slots);
	way = BY_IOMMUFD;
	rc |= run_suite("vmm/machine/faults by iommufd", add_tests);
	return run_suite("vmm/machine/faults of slots by iommufd", add_tests_of_slots) || rc;
}
