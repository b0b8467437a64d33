/* SPDX-License-Identifier: BSD-3-Clause */
/* What of errors the guest finds in registers, and what of them is looked for once a second. */

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_errors.h"

/* The host's kernel was faster: the error is known by its count, its header by nobody. */
START_TEST(one_that_the_host_has_cleared_is_told_too)
{
	start_heard();
	poke(PCI_ERR_HEADER_LOG, 0x12345678);
	host_counts_nonfatal(6, 10);
	fire();
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), TIME_OUT);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_CAP, 4), 14);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_HEADER_LOG, 4), 0);
	/* A second one, before the first is cleared, leaves the log alone. */
	fake_tree_write(HOST_DEVICE "/aer_dev_nonfatal", "TLP 1\nCmpltTO 6\n");
	poke(PCI_ERR_UNCOR_STATUS, PCI_ERR_UNC_POISON_TLP);
	poke(PCI_ERR_CAP, 12);
	fire();
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4),
			  TIME_OUT | PCI_ERR_UNC_POISON_TLP);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_CAP, 4), 14);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_HEADER_LOG, 4), 0);
	is_told(0x2c, 0x100);
	config_write(ERRORS + PCI_ERR_UNCOR_STATUS, 4, TIME_OUT);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), PCI_ERR_UNC_POISON_TLP);
	tick();
	ck_assert_uint_eq(recovered, 0);
	config_write(ERRORS + PCI_ERR_UNCOR_STATUS, 4, PCI_ERR_UNC_POISON_TLP);
	tick();
	ck_assert_uint_eq(recovered, 1);
	stop_heard();
}
END_TEST

/* The kernel has reset it without a word, for the sake of another one. */
START_TEST(a_reset_by_the_host_is_found)
{
	start_heard();
	host_counts_nonfatal(5 + (unsigned int)_i, 10);
	fire();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	ck_assert_uint_eq(failed, (unsigned int)_i);
	port_write(ROOT_STATUS, 4, UINT32_MAX);
	tick();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	fake_vfio_poke(&bench.fake, CONFIG, PCI_COMMAND, 2, 0);
	tick();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ISOLATED);
	is_told(0x54, 0x100);
	reset_link();
	is_as_after_power_on();
	tick();
	ck_assert_uint_eq(recovered, 1);
	stop_heard();
}
END_TEST

START_TEST(a_reset_is_looked_for_where_it_would_show)
{
	start_heard();
	host_counts_nonfatal(5, 10);
	fire();
	switch (_i) {
	case 0: /* nothing of it is on */
		config_write(PCI_COMMAND, 2, 0);
		break;
	case 1: /* all that is on is held back by the port */
		config_write(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
		port_write(PCI_COMMAND, 2, 0);
		break;
	case 2: /* asleep */
		config_write(0x44, 2, 3);
		fake_vfio_poke(&bench.fake, CONFIG, PCI_COMMAND, 2, 0);
		break;
	}
	tick();
	ck_assert_int_eq(bench.pci->state, VFIO_PCI_ALIVE);
	is_told_nothing();
	stop_heard();
}
END_TEST

START_TEST(correctable_ones_are_told_within_a_second)
{
	start_heard();
	ck_assert(ticks());
	/* Of before the guest asked. */
	host_counts_correctable(3);
	tick();
	is_told_nothing();
	tick();
	is_told_nothing();
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_COR_STATUS, 4), 0);
	host_counts_correctable(5);
	tick();
	ck_assert_uint_eq(port_read(ROOT_STATUS, 4), 1);
	ck_assert_uint_eq(port_read(ROOT_SOURCES, 4), 0x100);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_COR_STATUS, 4), PCI_ERR_COR_BAD_TLP);
	ck_assert_uint_eq(config_read(EXPRESS + PCI_EXP_DEVSTA, 2), PCI_EXP_DEVSTA_CED);
	config_write(ERRORS + PCI_ERR_COR_STATUS, 4, PCI_ERR_COR_BAD_TLP);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_COR_STATUS, 4), 0);
	host_counts_correctable(6);
	tick();
	ck_assert_uint_eq(port_read(ROOT_STATUS, 4), 3);
	ck_assert_uint_eq(bench.mapped_count, 3);
	ck_assert_uint_eq(bench.pci->errors + failed, 0);
	stop_heard();
}
END_TEST

/* Without anybody to tell there is nothing to wake up for. */
START_TEST(nobody_looks_for_what_nobody_asks)
{
	start_busy();
	ck_assert(!ticks());
	config_write(EXPRESS + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_CERE);
	ck_assert(!ticks());
	port_write(ROOT_COMMAND, 4, PCI_ERR_ROOT_CMD_COR_EN);
	ck_assert(ticks());
	tick();
	ck_assert(ticks());
	if (_i)
		port_write(ROOT_COMMAND, 4, 0);
	else
		config_write(EXPRESS + PCI_EXP_DEVCTL, 2, 0);
	host_counts_correctable(5);
	tick();
	ck_assert(!ticks());
	/* What came in meanwhile is not told. */
	port_write(ROOT_COMMAND, 4, PCI_ERR_ROOT_CMD_COR_EN);
	config_write(EXPRESS + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_CERE);
	host_counts_correctable(6);
	tick();
	is_told_nothing();
	host_counts_correctable(7);
	tick();
	ck_assert_uint_eq(port_read(ROOT_STATUS, 4), 1);
	stop_busy();
}
END_TEST

/* The device obeys masks and severities; what it notes is cleared by the host. */
START_TEST(the_rest_of_the_capability_is_the_devices)
{
	poke(PCI_ERR_UNCOR_STATUS, 0x00100000);
	poke(PCI_ERR_COR_STATUS, 0x2000);
	poke(PCI_ERR_COR_MASK, 0x2000);
	poke(PCI_ERR_CAP, 0x00000eb4);
	fake_vfio_poke(&bench.fake, CONFIG, EXPRESS + PCI_EXP_DEVSTA, 2, 0x0b);
	start_busy();
	ck_assert_uint_eq(config_read(ERRORS, 4), 0x18010001);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), 0);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_COR_STATUS, 4), 0);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_COR_MASK, 4), 0x2000);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_CAP, 4), 0xa0);
	ck_assert_uint_eq(config_read(EXPRESS + PCI_EXP_DEVSTA, 2), 0);
	config_write(ERRORS + PCI_ERR_UNCOR_STATUS, 4, UINT32_MAX);
	config_write(ERRORS + PCI_ERR_COR_STATUS, 4, UINT32_MAX);
	config_write(ERRORS + PCI_ERR_UNCOR_MASK, 4, 0x00100000);
	config_write(ERRORS + PCI_ERR_UNCOR_SEVER, 4, 0x00462030);
	config_write(ERRORS + PCI_ERR_COR_MASK, 4, 0);
	config_write(EXPRESS + PCI_EXP_DEVCTL, 4, 0x000f0000 | REPORTED);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, ERRORS + PCI_ERR_UNCOR_STATUS, 4),
			  0x00100000);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, ERRORS + PCI_ERR_COR_STATUS, 4),
			  0x2000);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, ERRORS + PCI_ERR_UNCOR_MASK, 4),
			  0x00100000);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, ERRORS + PCI_ERR_UNCOR_SEVER, 4),
			  0x00462030);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, ERRORS + PCI_ERR_COR_MASK, 4), 0);
	/* What a 1 would clear is written 0. */
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, EXPRESS + PCI_EXP_DEVCTL, 4),
			  REPORTED);
	ck_assert_uint_eq(config_read(EXPRESS + PCI_EXP_DEVCTL, 2), REPORTED);
	stop_busy();
}
END_TEST

/* QEMU's e1000e has no such bits: that the guest asked is its own affair. */
START_TEST(a_device_need_not_know_what_it_is_to_report)
{
	start_busy();
	ck_assert_uint_eq(bench.pci->kept[EXPRESS + PCI_EXP_DEVCTL] & 0xf, 0);
	ck_assert_uint_eq(bench.pci->forwarded[EXPRESS + PCI_EXP_DEVCTL] & 0xf, 0xf);
	config_write(EXPRESS + PCI_EXP_DEVCTL, 2, REPORTED);
	fake_vfio_poke(&bench.fake, CONFIG, EXPRESS + PCI_EXP_DEVCTL, 2, 0);
	ck_assert_uint_eq(config_read(EXPRESS + PCI_EXP_DEVCTL, 2), REPORTED);
	stop_busy();
}
END_TEST

START_TEST(on_the_root_bus_all_of_it_is)
{
	bench.options.port = false;
	poke(PCI_ERR_UNCOR_STATUS, TIME_OUT);
	start_busy();
	ck_assert_int_eq(bench.pci->aer.timer, -1);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), TIME_OUT);
	config_write(ERRORS + PCI_ERR_UNCOR_STATUS, 4, 0x1234);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, ERRORS + PCI_ERR_UNCOR_STATUS, 4),
			  0x1234);
	stop_busy();
}
END_TEST

/* A device that answers nothing more has nothing noted. */
START_TEST(a_dead_device_tells_nothing)
{
	start_heard();
	poke(PCI_ERR_UNCOR_STATUS, UINT32_MAX);
	poke(PCI_ERR_CAP, UINT32_MAX);
	poke(PCI_ERR_HEADER_LOG, UINT32_MAX);
	host_counts_nonfatal(6, 10);
	fire();
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_UNCOR_STATUS, 4), TIME_OUT);
	ck_assert_uint_eq(config_read(ERRORS + PCI_ERR_HEADER_LOG, 4), 0);
	stop_heard();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup_ported, teardown_ported);
	tcase_add_test(tests, one_that_the_host_has_cleared_is_told_too);
	tcase_add_loop_test(tests, a_reset_by_the_host_is_found, 0, 2);
	tcase_add_loop_test(tests, a_reset_is_looked_for_where_it_would_show, 0, 3);
	tcase_add_test(tests, correctable_ones_are_told_within_a_second);
	tcase_add_loop_test(tests, nobody_looks_for_what_nobody_asks, 0, 2);
	tcase_add_test(tests, the_rest_of_the_capability_is_the_devices);
	tcase_add_test(tests, a_device_need_not_know_what_it_is_to_report);
	tcase_add_test(tests, on_the_root_bus_all_of_it_is);
	tcase_add_test(tests, a_dead_device_tells_nothing);
}

int main(void)
{
	return run_suite("vfio aer registers", add_tests);
}
