/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors of a function behind a port: a guest that hears of them, and what it does about them. */

#include <pthread.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_errors.h"
#include "vmm/base/clock.h"

START_TEST(one_that_is_not_fatal_leaves_the_device_alone)
{
	start_heard();
	poke(PCI_ERR_UNCOR_STATUS, TIME_OUT);
	poke(PCI_ERR_CAP, 0xae);
	for (unsigned int i = 0; i < 4; i++)
		poke(PCI_ERR_HEADER_LOG + 4 * i, 0x11111111 * (i + 1));
	host_counts_nonfatal(6, 10);
	fire();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	ck_assert_uint_eq(bench.mapped_count, 3);
	ck_assert_uint_eq(bench.pci->errors, 1);
	/* By then the host's kernel has cleared it. */
	poke(PCI_ERR_UNCOR_STATUS, 0);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), TIME_OUT);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_CAP, 4), 0xae);
	for (unsigned int i = 0; i < 4; i++)
		ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_HEADER_LOG + 4 * i, 4),
				  0x11111111 * (i + 1));
	ck_assert_uint_eq(config_read(EXPRESS + PCI_EXP_DEVSTA, 2), PCI_EXP_DEVSTA_NFED);
	is_told(0x24, 0x100);
	ck_assert_uint_eq(failed, 1);
	tick();
	ck_assert_uint_eq(recovered, 0);
	/* What its driver does of it is its own affair, until it has dealt with it. */
	config_write(EXPRESS + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_NFED);
	config_write(ERRORS + PCI_ERR_UNCOR_STATUS, 4, TIME_OUT);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), 0);
	ck_assert_uint_eq(config_read(EXPRESS + PCI_EXP_DEVSTA, 2), 0);
	tick();
	ck_assert_uint_eq(recovered, 1);
	for (unsigned int i = 0; i < 4; i++)
		tick();
	ck_assert_uint_eq(recovered, 1);
	ck_assert_uint_eq(bench.fake.resets, 0);
	stop_heard();
}
END_TEST

/*
 * What it was is found in the device at its reset, when the host's kernel is done with it. Until
 * then that has all who write to its config space wait.
 */
START_TEST(a_fatal_one_is_over_with_the_reset_of_the_link)
{
	unsigned int writes;

	start_heard();
	host_counts_fatal(2);
	bench.fake.refusals = (unsigned int)_i; /* the host's kernel is at it yet */
	writes = bench.fake.writes;
	fire();
	ck_assert_uint_eq(bench.fake.writes, writes);
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	ck_assert_uint_eq(bench.mapped_count, 0);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_INTX_IRQ_INDEX], 0);
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), UINT32_MAX);
	is_told(0x54, 0x100);
	ck_assert_uint_eq(failed, 1);
	poke(PCI_ERR_UNCOR_STATUS, PCI_ERR_UNC_DLP | TIME_OUT);
	poke(PCI_ERR_UNCOR_MASK, TIME_OUT);
	poke(PCI_ERR_CAP, 4);
	tick();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	ck_assert_uint_eq(bench.fake.resets, 0);
	reset_link();
	ck_assert_uint_eq(bench.fake.resets, 1 + (unsigned int)_i);
	is_as_after_power_on();
	/* PCIe 5.0 7.4: sticky. */
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), PCI_ERR_UNC_DLP);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_CAP, 4), 4);
	tick();
	ck_assert_uint_eq(recovered, 1);
	/* The next one is none of this. */
	config_write(ERRORS + PCI_ERR_UNCOR_STATUS, 4, UINT32_MAX);
	config_write(PCI_BASE_ADDRESS_0, 4, WINDOW32);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	hear();
	host_counts_fatal(3);
	fire();
	is_told(0x54, 0x100);
	ck_assert_uint_eq(failed, 2);
	stop_heard();
}
END_TEST

/* The host's kernel resets the link after a fatal error: a reset before that would be undone. */
START_TEST(the_reset_comes_after_the_hosts)
{
	static const int short_ms[] = {200, 0}, long_ms[] = {30000, 0};
	bool came_first = _i;
	int64_t begin;

	start_heard();
	bench.pci->reset.pauses_ms = came_first ? long_ms : short_ms;
	host_counts_fatal(2);
	fire();
	if (came_first)
		fake_vfio_poke(&bench.fake, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, 2, 0);
	begin = clock_now_ms();
	reset_link();
	ck_assert(came_first ? clock_now_ms() - begin < 30000 : clock_now_ms() - begin >= 200);
	ck_assert_uint_eq(bench.fake.resets, 1);
	is_as_after_power_on();
	/* The next one is not after an error. */
	bench.pci->reset.pauses_ms = long_ms;
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	begin = clock_now_ms();
	reset_link();
	ck_assert_int_lt(clock_now_ms() - begin, 30000);
	stop_heard();
}
END_TEST

/* Where the host counts nothing, by DPC or firmware, the worst is assumed. */
START_TEST(one_that_nothing_is_known_of_is_fatal)
{
	if (_i)
		bench.sysfs = NULL;
	start_heard();
	fire();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	is_told(0x54, 0x100);
	reset_link();
	is_as_after_power_on();
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), 0);
	stop_heard();
}
END_TEST

START_TEST(two_at_once_are_as_bad_as_the_worse)
{
	start_heard();
	host_counts_nonfatal(6, 10);
	host_counts_fatal(2);
	fire();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	is_told(0x54, 0x100);
	stop_heard();
}
END_TEST

/* The kernel tells all functions below a port of what one of them reported. */
START_TEST(one_of_another_device_is_not_this_ones)
{
	start_heard();
	host_counts_nonfatal(5, 10);
	fire();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	is_told_nothing();
	ck_assert_uint_eq(failed, 0);
	for (unsigned int i = 0; i < 3; i++) {
		ck_assert(ticks());
		tick();
	}
	ck_assert_uint_eq(bench.pci->aer.checks, 0);
	is_told_nothing();
	ck_assert_uint_eq(bench.mapped_count, 3);
	stop_heard();
}
END_TEST

/*
 * Of an error that nothing can be read of the worst is assumed. The next one is compared with what
 * was there before.
 */
START_TEST(counters_that_cannot_be_read_tell_nothing)
{
	const char *file = _i ? "aer_rootport_total_err_fatal" : "aer_dev_nonfatal";
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", _i ? HOST_PORT : HOST_DEVICE, file);
	start_heard();
	host_counts_nonfatal(6, 10);
	ck_assert_int_eq(unlink(fake_tree_path(path)), 0);
	fake_tree_folder(path);
	fire();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	is_told(0x54, 0x100);
	reset_link();
	config_write(PCI_BASE_ADDRESS_0, 4, WINDOW32);
	hear();
	ck_assert_int_eq(rmdir(fake_tree_path(path)), 0);
	host_counts_nonfatal(7, 11);
	host_counts_fatal(1);
	fire();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	is_told(0x24, 0x100);
	stop_heard();
}
END_TEST

static void be_deaf(int way)
{
	switch (way) {
	case 0:
		port_write(ROOT_COMMAND, 4, 0);
		break;
	case 1:
		port_write(PCI_BRIDGE_CONTROL, 2, 0);
		break;
	case 2:
		port_write(PORT_EXPRESS + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_CERE);
		break;
	case 3:
		config_write(EXPRESS + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_CERE);
		break;
	}
}

START_TEST(a_guest_that_does_not_hear_is_spared)
{
	uint64_t address;

	start_heard();
	address = bar(0);
	be_deaf(_i % 4);
	host_counts_nonfatal(_i < 4 ? 6 : 5, 10);
	host_counts_fatal(_i < 4 ? 1 : 2);
	fire();
	ck_assert_uint_eq(failed, 1);
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_RESETTING);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_uint_eq(recovered, 1);
	is_as_after_recovery(address);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), 0);
	ck_assert_uint_eq(port_read(ROOT_STATUS, 4), 0);
	stop_heard();
}
END_TEST

/* PCIe 5.0 7.5.1.1.3: the older of the two enables, which is kept from the device. */
START_TEST(command_enables_uncorrectable_ones)
{
	start_heard();
	config_write(EXPRESS + PCI_EXP_DEVCTL, 2, 0);
	ck_assert(!ticks() || (tick(), !ticks()));
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_SERR);
	ck_assert(!ticks());
	host_counts_nonfatal(6, 10);
	fire();
	is_told(0x24, 0x100);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2) & PCI_COMMAND_SERR,
			  0);
	stop_heard();
}
END_TEST

/* The guest could not ask such a one, so that it would do nothing about it. */
START_TEST(one_without_the_capability_has_its_port_tell)
{
	if (_i)
		bench.fake.regions[CONFIG].size = PCI_CONFIG_SIZE;
	else
		fake_vfio_poke(&bench.fake, CONFIG, ERRORS, 4, 0x1401000b);
	start_heard();
	host_counts_nonfatal(6, 10);
	fire();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	is_told(0x54, 1 << 3);
	ck_assert_uint_eq(port_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), PCI_ERR_UNC_INTN);
	reset_link();
	is_as_after_power_on();
	tick();
	ck_assert_uint_eq(recovered, 1);
	stop_heard();
}
END_TEST

/* Nobody looks after it: the host's registers are what it is to have. */
START_TEST(one_of_a_function_that_the_guest_does_not_find_is_not_told)
{
	if (_i)
		fake_vfio_poke(&bench.fake, CONFIG, ERRORS, 4, 0x1401000b);
	start_heard();
	ck_assert_int_eq(port_write(PORT_EXPRESS + PCI_EXP_LNKCTL, 2, PCI_EXP_LNKCTL_LD),
			 MEM_NOT_YET);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_int_eq(port_write(PORT_EXPRESS + PCI_EXP_LNKCTL, 2, PCI_EXP_LNKCTL_LD), MEM_DONE);
	config_write(EXPRESS + PCI_EXP_DEVCTL, 2, REPORTED);
	host_counts_nonfatal(6, 10);
	fire();
	is_told_nothing();
	ck_assert_uint_eq(port_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), 0);
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_RESETTING);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	stop_heard();
}
END_TEST

START_TEST(one_during_a_reset_is_part_of_it)
{
	start_heard();
	bench.fake.reset_ms = 50;
	ck_assert_int_eq(port_write(PCI_BRIDGE_CONTROL, 2, 0x42), MEM_NOT_YET);
	host_counts_fatal(2);
	fire();
	ck_assert_uint_eq(failed, 0);
	is_told_nothing();
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_int_eq(port_write(PCI_BRIDGE_CONTROL, 2, 0x42), MEM_DONE);
	port_write(PCI_BRIDGE_CONTROL, 2, 2);
	is_as_after_power_on();
	/* The host's own reset of it came after that. */
	config_write(PCI_BASE_ADDRESS_0, 4, WINDOW32);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	hear();
	fake_vfio_poke(&bench.fake, CONFIG, PCI_COMMAND, 2, 0);
	tick();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	is_told(0x54, 0x100);
	stop_heard();
}
END_TEST

/* Each reset of the link is a new chance. */
START_TEST(a_device_that_does_not_come_back_may_later)
{
	start_heard();
	host_counts_fatal(2);
	fire();
	bench.fake.refusals = 5;
	reset_link();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	tick();
	ck_assert_uint_eq(recovered, 0);
	bench.fake.refusals = 0;
	reset_link();
	is_as_after_power_on();
	tick();
	ck_assert_uint_eq(recovered, 1);
	stop_heard();
}
END_TEST

/* PCIe 5.0 7.4. */
START_TEST(a_slot_that_was_off_forgets_it)
{
	enum { SLOT_CONTROL = PORT_EXPRESS + PCI_EXP_SLTCTL };
	uint32_t control;

	start_heard();
	control = port_read(SLOT_CONTROL, 2);
	poke(PCI_ERR_UNCOR_STATUS, TIME_OUT);
	poke(PCI_ERR_CAP, 14);
	poke(PCI_ERR_HEADER_LOG, 1);
	if (_i)
		host_counts_fatal(2);
	else
		host_counts_nonfatal(6, 10);
	fire();
	ck_assert_int_eq(port_write(SLOT_CONTROL, 2, control | PCI_EXP_SLTCTL_PCC), MEM_NOT_YET);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_int_eq(port_write(SLOT_CONTROL, 2, control | PCI_EXP_SLTCTL_PCC), MEM_DONE);
	ck_assert_int_eq(port_write(SLOT_CONTROL, 2, control), MEM_DONE);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), 0);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_CAP, 4) & 0x1f, 0);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_HEADER_LOG, 4), 0);
	stop_heard();
}
END_TEST

static unsigned int lost;

static void lose(void *owner, struct vfio_pci *pci)
{
	(void)owner;
	ck_assert_int_eq(pci->state, VFIO_PCI_ISOLATED);
	lost++;
}

START_TEST(a_device_that_does_not_answer_is_lost)
{
	start_heard();
	telling.lost = lose;
	host_counts_fatal(2);
	fire();
	bench.fake.dies_in_reset = true;
	reset_link();
	ck_assert_uint_eq(lost, 1);
	ck_assert_uint_eq(failed, 1);
	tick();
	ck_assert_uint_eq(recovered, 0);
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), UINT32_MAX);
	stop_heard();
}
END_TEST

START_TEST(the_restart_forgets_it)
{
	start_heard();
	if (_i) {
		host_counts_fatal(2);
	} else {
		host_counts_nonfatal(6, 10);
		poke(PCI_ERR_HEADER_LOG, 1);
	}
	fire();
	restart();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	is_told_nothing();
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), 0);
	tick();
	ck_assert(!ticks());
	ck_assert_uint_eq(recovered, 0);
	stop_heard();
}
END_TEST

START_TEST(the_host_may_want_it_back_meanwhile)
{
	start_heard();
	host_counts_fatal(2);
	fire();
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_REQ_IRQ_INDEX, 0));
	run_loop_until_closed();
	ck_assert_int_eq(bench.pci->aer.timer, -1);
	ck_assert_int_eq(port_write(PCI_BRIDGE_CONTROL, 2, 0x42), MEM_DONE);
	ck_assert_uint_eq(bench.fake.resets, 0);
	stop_heard();
}
END_TEST

/* Each access to the device fails once, from the error to the end of the guest's reset. */
START_TEST(calls_that_fail_leave_the_guest_a_way_on)
{
	start_heard();
	host_counts_fatal(2);
	bench.fake.fail_at = bench.fake.calls + 1 + (unsigned int)_i;
	fire();
	is_told(0x54, 0x100);
	reset_link();
	bench.fake.fail_at = 0;
	reset_link();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), 0x10d38086);
	ck_assert_uint_eq(config_read(PCI_COMMAND, 2), 0);
	stop_heard();
}
END_TEST

static atomic_bool guest_stops;

/* A guest that drives its device, and resets the link whenever it is told to. */
static void *busy_guest(void *argument)
{
	uint64_t base = *(const uint64_t *)argument, value;

	for (uint32_t i = 0; !atomic_load(&guest_stops); i++) {
		config_write(PCI_BASE_ADDRESS_0, 4, (uint32_t)base);
		config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		hear();
		config_write(0x72, 2, i % 16 ? 0x8000 : 0);
		mem_map_write(bench.mmio, base + 0x300c, 4, i % 3 == 0);
		mem_map_read(bench.mmio, base + 8, 4, &value);
		config_write(ERRORS + PCI_ERR_UNCOR_STATUS, 4,
			     config_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4));
		if (!(port_read(ROOT_STATUS, 4) & PCI_ERR_ROOT_FATAL_RCV))
			continue;
		port_write(ROOT_STATUS, 4, UINT32_MAX);
		while (port_write(PCI_BRIDGE_CONTROL, 2, 0x42) == MEM_NOT_YET &&
		       !atomic_load(&guest_stops))
			usleep(100);
		port_write(PCI_BRIDGE_CONTROL, 2, 2);
	}
	return NULL;
}

START_TEST(errors_and_a_busy_guest_meet)
{
	unsigned int fatal = 1, nonfatal = 9;
	pthread_t guest;
	uint64_t base;

	start_heard();
	base = bar(0);
	ck_assert_int_eq(pthread_create(&guest, NULL, busy_guest, &base), 0);
	for (unsigned int i = 0; i < 200; i++) {
		if (i % 2)
			host_counts_fatal(++fatal);
		nonfatal++;
		host_counts_nonfatal(nonfatal - 4, nonfatal);
		fire();
		tick();
		usleep(500);
		run_loop_once();
	}
	run_loop_while(VFIO_PCI_RESETTING);
	atomic_store(&guest_stops, true);
	pthread_join(guest, NULL);
	run_loop_once();
	stop_heard();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup_ported, teardown_ported);
	tcase_add_test(tests, one_that_is_not_fatal_leaves_the_device_alone);
	tcase_add_loop_test(tests, a_fatal_one_is_over_with_the_reset_of_the_link, 0, 3);
	tcase_add_loop_test(tests, one_that_nothing_is_known_of_is_fatal, 0, 2);
	tcase_add_test(tests, two_at_once_are_as_bad_as_the_worse);
	tcase_add_loop_test(tests, the_reset_comes_after_the_hosts, 0, 2);
	tcase_add_test(tests, one_of_another_device_is_not_this_ones);
	tcase_add_loop_test(tests, counters_that_cannot_be_read_tell_nothing, 0, 2);
	tcase_add_loop_test(tests, a_guest_that_does_not_hear_is_spared, 0, 8);
	tcase_add_test(tests, command_enables_uncorrectable_ones);
	tcase_add_loop_test(tests, one_without_the_capability_has_its_port_tell, 0, 2);
	tcase_add_loop_test(tests, one_of_a_function_that_the_guest_does_not_find_is_not_told, 0,
			    2);
	tcase_add_test(tests, one_during_a_reset_is_part_of_it);
	tcase_add_test(tests, a_device_that_does_not_come_back_may_later);
	tcase_add_loop_test(tests, a_slot_that_was_off_forgets_it, 0, 2);
	tcase_add_test(tests, a_device_that_does_not_answer_is_lost);
	tcase_add_loop_test(tests, the_restart_forgets_it, 0, 2);
	tcase_add_test(tests, the_host_may_want_it_back_meanwhile);
	tcase_add_loop_test(tests, calls_that_fail_leave_the_guest_a_way_on, 0, 30);
	tcase_add_test(tests, errors_and_a_busy_guest_meet);
}

int main(void)
{
	return run_suite("vfio aer", add_tests);
}
