/* SPDX-License-Identifier: BSD-3-Clause */
/* A hot-plug slot: what comes and goes, its power, its events, and what a restart leaves. */

#include "tests/unit/devices/pci/test_slot.h"

#include "tests/unit/support/suite.h"

static void slot_is(bool present, bool powered)
{
	struct pci_slot_state state = pci_port_slot(port);

	ck_assert_int_eq(state.present, present);
	ck_assert_int_eq(state.powered, powered);
	ck_assert_int_eq(port_read(SLOT_STATUS) & PCI_EXP_SLTSTA_PDS, present ? 0x40 : 0);
}

static void reached(bool is)
{
	ck_assert_uint_eq(read_at(BELOW, PCI_VENDOR_ID, 4), is ? 0x56781234 : UINT32_MAX);
	ck_assert_int_eq(!(port_read(LINK_STATUS) & PCI_EXP_LNKSTA_DLLLA), !is);
}

/* As a driver of the guest's does that finds PDC and ABP, or DLLSC. */
static void switch_on(void)
{
	port_write(SLOT_CONTROL, LISTENING | PCI_EXP_SLTCTL_PWR_IND_BLINK | 0xc0);
	port_write(SLOT_CONTROL, LISTENING | ON);
}

START_TEST(an_empty_slot_is_off)
{
	slot_is(false, false);
	ck_assert_uint_eq(pci_port_number(port), 1);
	ck_assert_uint_eq(port_read(SLOT_CONTROL), OFF);
	ck_assert_uint_eq(take_events(), 0);
	reached(false);
	/* On with nothing in it is no link. */
	port_write(SLOT_CONTROL, ON);
	slot_is(false, true);
	ck_assert_uint_eq(take_events(), 0);
	reached(false);
}
END_TEST

START_TEST(what_is_there_at_the_start_is_on_without_events)
{
	start_occupied();
	slot_is(true, true);
	ck_assert_uint_eq(port_read(SLOT_CONTROL), ON);
	ck_assert_uint_eq(take_events(), 0);
	reached(true);
	ck_assert_uint_ne(pci_device_bar_address(&toy->pci, 0), 0);
	/* A second function of it is told of as well. */
	pci_port_insert(port, NULL);
	ck_assert_uint_eq(take_events(), 0);
}
END_TEST

START_TEST(what_comes_is_told_with_the_button)
{
	add();
	slot_is(false, false);
	reached(false);
	ck_assert_uint_eq(take_events(), 0);
	pci_port_insert(port, NULL);
	slot_is(true, false);
	reached(false);
	ck_assert_uint_eq(take_events(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_ABP);
	switch_on();
	slot_is(true, true);
	reached(true);
	ck_assert_uint_eq(take_events(), PCI_EXP_SLTSTA_DLLSC);
	/* The guest gives the address. */
	ck_assert_uint_eq(pci_device_bar_address(&toy->pci, 0), 0);
	toy_write(toy, PCI_BASE_ADDRESS_0, 4, WINDOW32);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_ptr_null(toy->slices[0].region.map);
	port_write(PCI_COMMAND, PCI_COMMAND_MEMORY);
	ck_assert_ptr_nonnull(toy->slices[0].region.map);
}
END_TEST

START_TEST(a_slot_that_was_left_on_has_its_link_at_once)
{
	port_write(SLOT_CONTROL, ON | LISTENING);
	add();
	pci_port_insert(port, NULL);
	ck_assert_uint_eq(take_events(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	reached(true);
	pci_port_eject(port);
	ck_assert_uint_eq(take_events(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	/* Not where the link is disabled. */
	port_write(LINK_CONTROL, PCI_EXP_LNKCTL_LD);
	pci_port_insert(port, NULL);
	ck_assert_uint_eq(take_events(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_ABP);
	reached(false);
	port_write(LINK_CONTROL, 0);
	ck_assert_uint_eq(take_events(), PCI_EXP_SLTSTA_DLLSC);
	reached(true);
}
END_TEST

START_TEST(the_button_is_pressed_once)
{
	pci_port_press(port);
	ck_assert_uint_eq(take_events(), PCI_EXP_SLTSTA_ABP);
	pci_port_press(port);
	pci_port_press(port);
	ck_assert_uint_eq(take_events(), PCI_EXP_SLTSTA_ABP);
}
END_TEST

/* PCIe 5.0 6.7.3.3, 7.5.3.11: each change of the link is told, whatever it comes of. */
START_TEST(changes_of_the_link_are_events)
{
	static const struct {
		unsigned int offset;
		uint32_t down, up;
	} ways[] = {
		{PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET, 0},
		{LINK_CONTROL, PCI_EXP_LNKCTL_LD, 0},
		{SLOT_CONTROL, OFF, ON},
	};

	start_occupied();
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		port_write(ways[i].offset, ways[i].down);
		ck_assert_uint_eq(take_events(), PCI_EXP_SLTSTA_DLLSC);
		reached(false);
		port_write(ways[i].offset, ways[i].down);
		ck_assert_uint_eq(take_events(), 0);
		port_write(ways[i].offset, ways[i].up);
		ck_assert_uint_eq(take_events(), PCI_EXP_SLTSTA_DLLSC);
		reached(true);
	}
}
END_TEST

START_TEST(power_and_indicator_are_passed_on)
{
	start_occupied();
	port_write(SLOT_CONTROL, LISTENING | ON);
	ck_assert_uint_eq(changes, 0);
	port_write(SLOT_CONTROL, LISTENING | PCI_EXP_SLTCTL_PWR_IND_BLINK);
	ck_assert_uint_eq(changes, 1);
	ck_assert(pci_port_slot(port).blinking);
	port_write(SLOT_CONTROL, PCI_EXP_SLTCTL_PWR_IND_BLINK | PCI_EXP_SLTCTL_ATTN_IND_ON);
	ck_assert_uint_eq(changes, 1);
	port_write(SLOT_CONTROL, OFF);
	ck_assert_uint_eq(changes, 2);
	ck_assert(!pci_port_slot(port).blinking);
	/* While the write waits nothing has changed. */
	port_write(SLOT_CONTROL, ON);
	changes = 0;
	toy->not_reset = true;
	ck_assert_int_eq(pci_host_config_write(bench->host, PORT, SLOT_CONTROL, 2, OFF),
			 MEM_NOT_YET);
	ck_assert_uint_eq(changes, 0);
	slot_is(true, true);
	toy->not_reset = false;
	port_write(SLOT_CONTROL, OFF);
	ck_assert_uint_eq(changes, 1);
	slot_is(true, false);
}
END_TEST

START_TEST(switched_off_and_on_it_was_reset)
{
	start_occupied();
	bench_take(bench);
	port_write(SLOT_CONTROL, OFF);
	ck_assert_ptr_nonnull(strstr(bench_take(bench), "link-reset "));
	reached(false);
	port_write(SLOT_CONTROL, ON);
	ck_assert_ptr_null(strstr(bench_take(bench), "link-reset "));
	reached(true);
}
END_TEST

START_TEST(what_is_ejected_is_out_of_reach)
{
	const uint32_t all = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	start_occupied();
	port_write(SLOT_CONTROL, ON | LISTENING);
	port_write(PCI_COMMAND, all);
	toy_write(toy, PCI_COMMAND, 2, all);
	ck_assert_ptr_nonnull(toy->slices[0].region.map);
	ck_assert_ptr_nonnull(toy->slices[1].region.map);
	ck_assert(pci_device_is_passed_up(&toy->pci));
	bench_take(bench);
	pci_port_eject(port);
	ck_assert_str_eq(bench_take(bench), "-a2 -a0 path: ");
	ck_assert_ptr_null(toy->slices[1].region.map);
	ck_assert(!pci_device_is_passed_up(&toy->pci));
	reached(false);
	slot_is(false, true);
	ck_assert_uint_eq(take_events(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	pci_port_eject(port);
	ck_assert_uint_eq(take_events(), 0);
	ck_assert_str_eq(bench_take(bench), "");
}
END_TEST

/* As Linux's pciehp resets what is in a slot. */
START_TEST(what_is_ejected_in_a_reset_of_the_link_is_told_with_the_button)
{
	start_occupied();
	port_write(SLOT_CONTROL, ON | LISTENING);
	port_write(SLOT_CONTROL, ON | (LISTENING & ~PCI_EXP_SLTCTL_DLLSCE));
	port_write(PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET);
	pci_port_eject(port);
	port_write(PCI_BRIDGE_CONTROL, 0);
	port_write(SLOT_STATUS, PCI_EXP_SLTSTA_DLLSC);
	port_write(SLOT_CONTROL, ON | LISTENING);
	ck_assert_uint_eq(take_events(), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_ABP);
	slot_is(false, true);
	/* One that never looks at events of the link. */
	port_write(SLOT_CONTROL, ON);
	pci_port_insert(port, NULL);
	take_events();
	pci_port_eject(port);
	ck_assert_uint_eq(take_events(), EVENTS);
	/* Nor is one asked that has switched it off. */
	pci_port_insert(port, NULL);
	port_write(SLOT_CONTROL, OFF);
	take_events();
	pci_port_eject(port);
	ck_assert_uint_eq(take_events(), PCI_EXP_SLTSTA_PDC);
}
END_TEST

/* A guest's write that waits for a function that has gone may end. */
START_TEST(an_ejection_ends_the_wait_for_a_reset)
{
	start_occupied();
	toy->not_reset = true;
	ck_assert_int_eq(pci_host_config_write(bench->host, PORT, SLOT_CONTROL, 2, OFF),
			 MEM_NOT_YET);
	pci_port_eject(port);
	port_write(SLOT_CONTROL, OFF);
	slot_is(false, false);
	toy->not_reset = false;
	/* The next waits for all again. */
	pci_port_insert(port, NULL);
	port_write(SLOT_CONTROL, ON);
	bench_take(bench);
	port_write(SLOT_CONTROL, OFF);
	ck_assert_ptr_nonnull(strstr(bench_take(bench), "link-reset "));
}
END_TEST

START_TEST(what_was_taken_off_may_come_back)
{
	struct err err = {0};
	uint64_t address;

	start_occupied();
	address = pci_device_bar_address(&toy->pci, 0);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	port_write(PCI_COMMAND, PCI_COMMAND_MEMORY);
	pci_port_eject(port);
	pci_port_remove(port, &toy->pci);
	ck_assert_ptr_null(toy->pci.bus);
	ck_assert_uint_eq(bench->destroyed, 0);
	toy_destroy(&toy->pci);
	port_write(SLOT_CONTROL, OFF);
	reached(false);
	pci_host_reset(bench->host);
	slot_is(false, false);
	toy = create_toy("b");
	ck_assert_int_eq(pci_port_check_room(port, &toy->pci, &err), 0);
	ck_assert_int_eq(pci_port_add(port, &toy->pci, 0, &err), 0);
	pci_port_insert(port, NULL);
	port_write(SLOT_CONTROL, ON);
	reached(true);
	ck_assert_uint_eq(pci_device_bar_address(&toy->pci, 0), 0);
	pci_host_reset(bench->host);
	ck_assert_uint_eq(pci_device_bar_address(&toy->pci, 0), address);
}
END_TEST

START_TEST(a_restart_keeps_what_is_in_the_slot)
{
	add();
	pci_host_reset(bench->host);
	slot_is(false, false);
	ck_assert_uint_eq(pci_device_bar_address(&toy->pci, 0), 0);
	pci_port_insert(port, NULL);
	port_write(SLOT_CONTROL, LISTENING | OFF);
	pci_host_reset(bench->host);
	slot_is(true, true);
	ck_assert_uint_eq(port_read(SLOT_CONTROL), ON);
	ck_assert_uint_eq(take_events(), 0);
	reached(true);
	ck_assert_uint_ne(pci_device_bar_address(&toy->pci, 0), 0);
	pci_port_eject(port);
	pci_host_reset(bench->host);
	slot_is(false, false);
	ck_assert_uint_eq(port_read(SLOT_CONTROL), OFF);
	ck_assert_uint_eq(take_events(), 0);
}
END_TEST

START_TEST(the_port_is_no_slower_than_what_comes)
{
	const struct pci_link link = {
		.speed_max = 4,
		.width_max = 16,
		.speed = 3,
		.width = 8,
		.payload_max = 2,
		.payload = 1,
	};

	ck_assert_uint_eq(read_at(PORT, LINK_CAPABILITIES, 4), 0x01100011);
	add();
	pci_port_insert(port, &link);
	switch_on();
	ck_assert_uint_eq(read_at(PORT, LINK_CAPABILITIES, 4), 0x01300104);
	ck_assert_uint_eq(read_at(PORT, 0x48 + PCI_EXP_LNKCAP2, 4), 0x1e);
	ck_assert_uint_eq(port_read(LINK_STATUS), 0x3083);
	ck_assert_uint_eq(port_read(0x48 + PCI_EXP_DEVCAP) & 7, 2);
	ck_assert_uint_eq(port_read(0x48 + PCI_EXP_DEVCTL) & PCI_EXP_DEVCTL_PAYLOAD, 0);
	pci_host_reset(bench->host);
	ck_assert_uint_eq(port_read(0x48 + PCI_EXP_DEVCTL) & PCI_EXP_DEVCTL_PAYLOAD, 0x20);
	ck_assert_uint_eq(port_read(0x48 + PCI_EXP_LNKCTL2), 4);
	/* Less follows: what it can do stays. */
	pci_port_eject(port);
	pci_port_insert(port, &(struct pci_link){.speed_max = 2});
	ck_assert_uint_eq(read_at(PORT, LINK_CAPABILITIES, 4), 0x01300104);
	ck_assert_uint_eq(port_read(LINK_STATUS), 0x3012);
}
END_TEST

/* PCIe 5.0 7.5.3.8. */
START_TEST(a_retrained_link_says_so)
{
	start_occupied();
	port_write(LINK_CONTROL, PCI_EXP_LNKCTL_RL);
	ck_assert_uint_eq(port_read(LINK_CONTROL), 0);
	ck_assert_uint_eq(port_read(LINK_STATUS), 0x3043 | PCI_EXP_LNKSTA_LBMS);
	port_write(LINK_STATUS, PCI_EXP_LNKSTA_LBMS);
	ck_assert_uint_eq(port_read(LINK_STATUS), 0x3043);
	ck_assert_uint_eq(take_events(), 0);
	port_write(SLOT_CONTROL, OFF);
	port_write(LINK_CONTROL, PCI_EXP_LNKCTL_RL);
	ck_assert_uint_eq(port_read(LINK_STATUS), PCI_EXP_LNKSTA_SLC);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup_empty, teardown);
	tcase_add_test(tests, an_empty_slot_is_off);
	tcase_add_test(tests, what_is_there_at_the_start_is_on_without_events);
	tcase_add_test(tests, what_comes_is_told_with_the_button);
	tcase_add_test(tests, a_slot_that_was_left_on_has_its_link_at_once);
	tcase_add_test(tests, the_button_is_pressed_once);
	tcase_add_test(tests, changes_of_the_link_are_events);
	tcase_add_test(tests, power_and_indicator_are_passed_on);
	tcase_add_test(tests, switched_off_and_on_it_was_reset);
	tcase_add_test(tests, what_is_ejected_is_out_of_reach);
	tcase_add_test(tests, what_is_ejected_in_a_reset_of_the_link_is_told_with_the_button);
	tcase_add_test(tests, an_ejection_ends_the_wait_for_a_reset);
	tcase_add_test(tests, what_was_taken_off_may_come_back);
	tcase_add_test(tests, a_restart_keeps_what_is_in_the_slot);
	tcase_add_test(tests, the_port_is_no_slower_than_what_comes);
	tcase_add_test(tests, a_retrained_link_says_so);
}

int main(void)
{
	return run_suite("pci slot", add_tests);
}
