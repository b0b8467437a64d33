/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets over the fake peer: the guest's own, at a restart, after errors, at the end; and REQ
 * meanwhile.
 */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_busy.h"

START_TEST(the_guests_reset_waits_for_the_device)
{
	start_busy();
	/* The processor waits; meanwhile nobody reaches the device. */
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), UINT32_MAX);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_uint_eq(wakes, 1);
	ck_assert_uint_eq(bench.fake.resets, 1);
	/* Tried again, the same write is done, and resets nothing. */
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
	ck_assert_uint_eq(bench.fake.resets, 1);
	is_as_after_power_on();
	ck_assert_uint_eq(config_read(PCI_BASE_ADDRESS_0, 4), 0);
	ck_assert_uint_eq(config_read(0xa8, 2) & PCI_EXP_DEVCTL_BCR_FLR, 0);
	/* The driver sets it up anew. */
	config_write(PCI_BASE_ADDRESS_0, 4, WINDOW32);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 2);
	stop_busy();
}
END_TEST

START_TEST(a_reset_by_the_advanced_capability_is_one_too)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0xa1, 1, 0xe0);
	fake_vfio_poke(&bench.fake, CONFIG, 0xe0, 4, 0x03060013);
	start_busy();
	ck_assert_int_eq(config_write(0xe4, 1, PCI_AF_CTRL_FLR), MEM_NOT_YET);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_int_eq(config_write(0xe4, 1, PCI_AF_CTRL_FLR), MEM_DONE);
	is_as_after_power_on();
	stop_busy();
}
END_TEST

START_TEST(a_reset_that_the_device_does_not_have_is_none)
{
	bench.fake.info.flags = VFIO_DEVICE_FLAGS_PCI;
	start_busy();
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
	ck_assert_uint_eq(bench.mapped_count, 3);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0xa8, 2), 0);
	ck_assert_uint_eq(config_read(0xa4, 4) & PCI_EXP_DEVCAP_FLR, 0);
	stop_busy();
}
END_TEST

START_TEST(a_device_lost_in_the_guests_reset_stays_away)
{
	start_busy();
	bench.fake.dies_in_reset = true;
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), UINT32_MAX);
	stop_busy();
}
END_TEST

/* The processor of the write is let go; the device comes back when it does. */
START_TEST(a_reset_that_takes_too_long_is_not_waited_for)
{
	start_busy();
	hold_resets();
	bench.pci->reset.deadline_ms = 50;
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	for (int i = 0; i < 60000 && wakes == 0; i++) {
		run_loop_once();
		usleep(1000);
	}
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_RESETTING);
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), UINT32_MAX);
	/* Nor is another one begun, or waited for, meanwhile. */
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
	let_resets_go();
	run_loop_while(VFIO_PCI_RESETTING);
	is_as_after_power_on();
	ck_assert_uint_eq(bench.fake.resets, 1);
	/* The next one is as good as any. */
	bench.pci->reset.deadline_ms = 60000;
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
	ck_assert_uint_eq(bench.fake.resets, 2);
	stop_busy();
}
END_TEST

/* The next guest's first reset is its own, whether the last one's has ended or not. */
START_TEST(a_restart_forgets_the_write_that_waited)
{
	start_busy();
	hold_resets();
	bench.pci->reset.deadline_ms = 20;
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	restart();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_RESETTING);
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
	let_resets_go();
	run_loop_while(VFIO_PCI_RESETTING);
	is_as_after_power_on();
	bench.pci->reset.deadline_ms = 60000;
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
	ck_assert_uint_eq(bench.fake.resets, 2);
	stop_busy();
}
END_TEST

static void is_readable(int fd)
{
	struct pollfd event = {.fd = fd, .events = POLLIN};

	ck_assert_int_eq(poll(&event, 1, 30000), 1);
}

/* Deadline and end are seen in one round of the loop: the write is answered once, by the end. */
START_TEST(a_deadline_at_the_end_is_none)
{
	start_busy();
	bench.fake.reset_ms = 20;
	bench.pci->reset.deadline_ms = 20;
	for (unsigned int i = 1; i <= 20; i++) {
		ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
		is_readable(bench.pci->reset.done);
		is_readable(bench.pci->reset.deadline);
		run_loop_once();
		ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
		ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
		ck_assert_uint_eq(bench.fake.resets, i);
	}
	stop_busy();
}
END_TEST

static void *reset_often(void *argument)
{
	atomic_bool *done = argument;

	for (unsigned int i = 0; i < 200; i++)
		while (config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR) == MEM_NOT_YET)
			sched_yield();
	atomic_store(done, true);
	return NULL;
}

/* The end of a reset may be seen before the processor that began it gets any further. */
START_TEST(a_processor_and_the_loop_meet_in_a_reset)
{
	atomic_bool done = false;
	pthread_t processor;

	start_busy();
	ck_assert_int_eq(pthread_create(&processor, NULL, reset_often, &done), 0);
	while (!atomic_load(&done))
		run_loop_once();
	pthread_join(processor, NULL);
	ck_assert_uint_eq(bench.fake.resets, 200);
	ck_assert_int_eq(bench.pci->reset.phase, VFIO_RESET_IDLE);
	is_as_after_power_on();
	stop_busy();
}
END_TEST

/* Its own reset comes with the recovery, for which no processor waits. */
START_TEST(a_reset_asked_for_while_it_recovers_does_not_wait)
{
	static const int pauses_ms[] = {50, 0};
	uint64_t address;

	start_busy();
	address = bar(0);
	bench.pci->reset.pauses_ms = pauses_ms;
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_ERR_IRQ_INDEX, 0));
	run_loop_once();
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
	run_loop_while(VFIO_PCI_RESETTING);
	is_as_after_recovery(address);
	stop_busy();
}
END_TEST

START_TEST(a_device_that_recovers_comes_back_reset)
{
	uint64_t address;

	start_busy();
	address = bar(0);
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_ERR_IRQ_INDEX, 0));
	run_loop_once();
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_uint_eq(bench.fake.resets, 1);
	/* A processor that reached a BAR which decodes no more would have all of them trapped. */
	ck_assert_uint_eq(bench.left_late, 0);
	is_as_after_recovery(address);
	stop_busy();
	/* In use again, it is reset at the end again. */
	ck_assert_uint_eq(bench.fake.resets, 2);
}
END_TEST

/*
 * A driver that does not know yet turns bus mastering off in what it reads, or restores what was.
 */
START_TEST(what_is_written_meanwhile_goes_nowhere)
{
	uint64_t address;

	start_busy();
	address = bar(0);
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_ERR_IRQ_INDEX, 0));
	run_loop_once();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_RESETTING);
	config_write(PCI_BASE_ADDRESS_0, 4, WINDOW32 + 64 * MIB);
	config_write(PCI_COMMAND, 2, 0xfffb);
	config_write(0x72, 2, 0x8000);
	run_loop_while(VFIO_PCI_RESETTING);
	is_as_after_recovery(address);
	stop_busy();
}
END_TEST

START_TEST(a_device_reset_asleep_masters_no_more)
{
	start_busy();
	config_write(0x44, 2, 3);
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0x44, 1), 0);
	is_as_after_power_on();
	stop_busy();
}
END_TEST

/*
 * What is raised before the reset of the interrupt controllers is lost, and a level is raised once.
 */
START_TEST(a_device_interrupts_when_the_controllers_are_reset)
{
	start_busy();
	pci_host_reset(bench.host);
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_INTX_IRQ_INDEX], 0);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	ck_assert_uint_eq(bench.irq.attached, 0);
	pci_host_start(bench.host);
	is_as_after_power_on();
	ck_assert_uint_eq(bench.irq.attached, 1);
	/* One that is lost stays silent. */
	bench.fake.dies_in_reset = true;
	restart();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	ck_assert_uint_eq(bench.irq.attached, 0);
	stop_busy();
}
END_TEST

/* The fake does not let the interrupts of one asleep be changed. */
START_TEST(a_device_asleep_is_woken_before_its_interrupts_end)
{
	start_busy();
	guest_write(bar(0) + 0x300c, 4, 0);
	ck_assert_uint_gt(bench.fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	config_write(0x44, 2, 3);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0x44, 1), 3);
	switch (_i) {
	case 0:
		config_write(0x44, 2, 0);
		is_as_after_power_on();
		break;
	case 1:
		restart();
		is_as_after_power_on();
		break;
	case 2:
		ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_REQ_IRQ_INDEX, 0));
		run_loop_until_closed();
		break;
	case 3:
		ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_ERR_IRQ_INDEX, 0));
		run_loop_once();
		run_loop_while(VFIO_PCI_RESETTING);
		ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
		break;
	}
	stop_busy();
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0x44, 1), 0);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
}
END_TEST

/* Its config space answers in D3hot, where the kernel has no vectors for it. */
START_TEST(vectors_asked_for_asleep_come_with_the_wake_up)
{
	const unsigned int *span = bench.fake.span;

	fake_vfio_poke(&bench.fake, CONFIG, 0x44, 1, PCI_PM_CTRL_NO_SOFT_RESET);
	start_busy();
	guest_write(bar(0) + 0x300c, 4, 0);
	config_write(0x44, 2, 3);
	config_write(0x72, 2, 0);
	ck_assert_uint_gt(span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	config_write(0x44, 2, 0);
	ck_assert_uint_eq(span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	ck_assert_uint_eq(span[VFIO_PCI_INTX_IRQ_INDEX], 1);
	config_write(0x44, 2, 3);
	config_write(0x52, 2, PCI_MSI_FLAGS_ENABLE);
	config_write(0x44, 2, 0);
	ck_assert_uint_eq(span[VFIO_PCI_MSI_IRQ_INDEX], 1);
	ck_assert_uint_eq(span[VFIO_PCI_INTX_IRQ_INDEX], 0);
	stop_busy();
}
END_TEST

/* A processor may be on its way to the table while another puts the device to sleep. */
START_TEST(an_access_that_comes_too_late_reaches_no_sleeper)
{
	const struct pci_bar *of;

	start_busy();
	of = &bench.pci->device.bars[0];
	config_write(0x44, 2, 3);
	bench.fake.reads = bench.fake.writes = 0;
	for (size_t i = 0; i < of->slice_count; i++) {
		const struct mem_region *region = &of->slices[i].region;
		uint64_t value = 0;

		for (uint64_t at = 0; at < region->size && at < 64; at += 4) {
			region->ops->write(region->owner, at, 4, 0);
			region->ops->read(region->owner, at, 4, &value);
			ck_assert_uint_eq(value, UINT32_MAX);
		}
	}
	ck_assert_uint_eq(bench.fake.reads + bench.fake.writes, 0);
	stop_busy();
}
END_TEST

START_TEST(a_device_that_does_not_recover_is_given_up)
{
	start_busy();
	fake_vfio_kill(&bench.fake);
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_ERR_IRQ_INDEX, 0));
	run_loop_once();
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_uint_eq(bench.fake.resets, 0);
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	/* Another error of it is no news. */
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_ERR_IRQ_INDEX, 0));
	run_loop_once();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	stop_busy();
}
END_TEST

START_TEST(the_host_gets_it_after_the_reset_under_way)
{
	start_busy();
	hold_resets();
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_REQ_IRQ_INDEX, 0));
	run_loop_once();
	ck_assert(!bench.fake.closed);
	ck_assert_uint_eq(gone, 0);
	let_resets_go();
	run_loop_until_closed();
	ck_assert_uint_eq(gone, 1);
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_GONE);
	stop_busy();
}
END_TEST

START_TEST(a_device_in_use_is_reset_at_the_end)
{
	start_busy();
	stop_busy();
	ck_assert_uint_eq(bench.fake.resets, 1);
	ck_assert(strstr(bench.fake.log, "off2") < strstr(bench.fake.log, "reset"));
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
}
END_TEST

START_TEST(a_device_that_was_not_used_is_not)
{
	start();
	pci_host_destroy(bench.host);
	create_host();
	ck_assert_uint_eq(bench.fake.resets, 0);
	ck_assert(bench.fake.closed);
}
END_TEST

static int filling[128];
static size_t filled;

/* Uses up descriptors up to @end, which is free. */
static void fill_descriptors(int end)
{
	while (filled < ARRAY_SIZE(filling)) {
		int fd = dup(STDERR_FILENO);

		if (fd < 0)
			return;
		if (fd >= end) {
			close(fd);
			return;
		}
		filling[filled++] = fd;
	}
}

/* A guest that has every vector it can leaves what a reset, and what follows it, will take. */
START_TEST(vectors_leave_descriptors_for_a_reset)
{
	struct rlimit before, limit;
	unsigned int vectors = 0;

	start_busy();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = (struct rlimit){.rlim_cur = 128, .rlim_max = before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	/* What is kept and three vectors more. */
	fill_descriptors(128 - 40 - 3);
	for (unsigned int i = 0; i < 10; i++)
		guest_write(bar(0) + 0x3000 + i * 16 + 12, 4, 0);
	for (unsigned int i = 0; i < 10; i++)
		vectors += pci_vectors_eventfd(bench.pci->wires.vectors, i) >= 0;
	ck_assert_uint_eq(vectors, 3);
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_NOT_YET);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_int_eq(config_write(0xa8, 2, PCI_EXP_DEVCTL_BCR_FLR), MEM_DONE);
	is_as_after_power_on();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	while (filled > 0)
		close(filling[--filled]);
	stop_busy();
}
END_TEST

/* With the reset of a bus, whose groups' descriptors are the kernel's to see. */
START_TEST(vectors_leave_descriptors_for_a_reset_of_the_bus)
{
	struct rlimit before, limit;

	set_dependents(2, 7);
	start_busy();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = (struct rlimit){.rlim_cur = 128, .rlim_max = before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	fill_descriptors(128 - 3);
	for (unsigned int i = 0; i < 10; i++)
		guest_write(bar(0) + 0x3000 + i * 16 + 12, 4, 0);
	/* As a restart does it. */
	pci_host_reset(bench.host);
	ck_assert_uint_eq(bench.fake.hot_resets, 1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	while (filled > 0)
		close(filling[--filled]);
	stop_busy();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_guests_reset_waits_for_the_device);
	tcase_add_test(tests, a_reset_by_the_advanced_capability_is_one_too);
	tcase_add_test(tests, a_reset_that_the_device_does_not_have_is_none);
	tcase_add_test(tests, a_device_lost_in_the_guests_reset_stays_away);
	tcase_add_test(tests, a_reset_that_takes_too_long_is_not_waited_for);
	tcase_add_test(tests, a_restart_forgets_the_write_that_waited);
	tcase_add_test(tests, a_deadline_at_the_end_is_none);
	tcase_add_test(tests, a_processor_and_the_loop_meet_in_a_reset);
	tcase_add_test(tests, a_reset_asked_for_while_it_recovers_does_not_wait);
	tcase_add_test(tests, a_device_that_recovers_comes_back_reset);
	tcase_add_test(tests, what_is_written_meanwhile_goes_nowhere);
	tcase_add_test(tests, a_device_reset_asleep_masters_no_more);
	tcase_add_test(tests, a_device_interrupts_when_the_controllers_are_reset);
	tcase_add_loop_test(tests, a_device_asleep_is_woken_before_its_interrupts_end, 0, 5);
	tcase_add_test(tests, vectors_asked_for_asleep_come_with_the_wake_up);
	tcase_add_test(tests, an_access_that_comes_too_late_reaches_no_sleeper);
	tcase_add_test(tests, a_device_that_does_not_recover_is_given_up);
	tcase_add_test(tests, the_host_gets_it_after_the_reset_under_way);
	tcase_add_test(tests, a_device_in_use_is_reset_at_the_end);
	tcase_add_test(tests, a_device_that_was_not_used_is_not);
	tcase_add_test(tests, vectors_leave_descriptors_for_a_reset);
	tcase_add_test(tests, vectors_leave_descriptors_for_a_reset_of_the_bus);
}

int main(void)
{
	return run_suite("vfio reset", add_tests);
}
