/* SPDX-License-Identifier: BSD-3-Clause */
/* A port's interrupt: messages for what is new, or a level on a line that others have too. */

#include <sys/epoll.h>
#include <unistd.h>

#include "tests/unit/devices/pci/test_slot.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"

enum {
	INTX = 17,
	VECTOR = FAKE_FIRST_MSI,
	POWER = 0x44,
	SLEEPS = 3, /* D3hot */
	ROOT_CONTROL = 0x48 + PCI_EXP_RTCTL,
	ROOT_STATUS = 0x48 + PCI_EXP_RTSTA,
};

static void enable_msi(void)
{
	port_write(PCI_COMMAND, PCI_COMMAND_MASTER);
	port_write(MSI + PCI_MSI_ADDRESS_LO, 0xfee0);
	port_write(MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE);
}

static void stop_loop(void *owner, uint32_t events)
{
	(void)events;
	(void)owner;
	loop_stop(loop);
}

/* Whatever is ready is handled, then the loop ends. */
static void turn_loop(void)
{
	int stopper = fd_eventfd();
	struct err err = {0};

	fd_signal(stopper);
	ck_assert_int_eq(loop_add(loop, stopper, EPOLLIN, stop_loop, NULL, &err), 0);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	loop_remove(loop, stopper);
	fd_close(&stopper);
}

/* KVM's part in it: the line is low again, which all of its devices hear. */
static void end_interrupt(void)
{
	for (unsigned int i = 0; i < irq.attached; i++)
		if (irq.irqfds[i].gsi == INTX)
			fd_signal(irq.irqfds[i].resample);
	turn_loop();
}

static bool is_pending(void)
{
	return port_read(PCI_STATUS) & PCI_STATUS_INTERRUPT;
}

/* PCIe 5.0 6.7.3.4. */
START_TEST(each_new_event_is_a_message)
{
	enable_msi();
	ck_assert(!fake_irq_delivered(&irq, VECTOR));
	port_write(SLOT_CONTROL, LISTENING | OFF);
	pci_port_press(port);
	ck_assert(fake_irq_delivered(&irq, VECTOR));
	ck_assert(!is_pending());
	pci_port_press(port);
	ck_assert(!fake_irq_delivered(&irq, VECTOR));
	/* Another, though the first was not seen. */
	pci_port_insert(port, NULL);
	port_write(SLOT_CONTROL, LISTENING | ON);
	ck_assert(fake_irq_delivered(&irq, VECTOR));
	port_write(SLOT_STATUS, PCI_EXP_SLTSTA_ABP);
	ck_assert(!fake_irq_delivered(&irq, VECTOR));
	pci_port_press(port);
	ck_assert(fake_irq_delivered(&irq, VECTOR));
}
END_TEST

START_TEST(what_is_not_enabled_is_not_told)
{
	enable_msi();
	port_write(SLOT_CONTROL, PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_DLLSCE | OFF);
	pci_port_insert(port, NULL);
	ck_assert(!fake_irq_delivered(&irq, VECTOR));
	port_write(SLOT_CONTROL, PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_ABPE | OFF);
	ck_assert(!fake_irq_delivered(&irq, VECTOR));
	port_write(SLOT_CONTROL, PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_HPIE | OFF);
	ck_assert(fake_irq_delivered(&irq, VECTOR));
	port_write(SLOT_CONTROL, PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_HPIE | OFF);
	ck_assert(fake_irq_delivered(&irq, VECTOR));
}
END_TEST

/* PCIe 5.0 7.5.1.1.3: a message is a write of the port's own. */
START_TEST(a_message_waits_for_the_bus)
{
	enable_msi();
	port_write(SLOT_CONTROL, LISTENING | OFF);
	port_write(PCI_COMMAND, 0);
	pci_port_press(port);
	ck_assert(!fake_irq_delivered(&irq, VECTOR));
	port_write(PCI_COMMAND, PCI_COMMAND_MASTER);
	ck_assert(fake_irq_delivered(&irq, VECTOR));
	take_events();
	port_write(0x44, 3);
	pci_port_press(port);
	ck_assert(!fake_irq_delivered(&irq, VECTOR));
	port_write(0x44, 0);
	ck_assert(fake_irq_delivered(&irq, VECTOR));
}
END_TEST

START_TEST(what_was_there_before_msi_is_told_by_it)
{
	port_write(SLOT_CONTROL, LISTENING | OFF);
	pci_port_press(port);
	ck_assert(fake_irq_delivered(&irq, INTX));
	enable_msi();
	ck_assert(fake_irq_delivered(&irq, VECTOR));
	ck_assert_ptr_null(fake_irq_find(&irq, INTX));
	port_write(MSI + PCI_MSI_FLAGS, 0);
	ck_assert(fake_irq_delivered(&irq, INTX));
}
END_TEST

START_TEST(intx_is_a_level)
{
	unsigned int descriptors = count_descriptors();

	port_write(SLOT_CONTROL, LISTENING | OFF);
	ck_assert_uint_eq(irq.attached, 0);
	ck_assert(!is_pending());
	pci_port_press(port);
	ck_assert(is_pending());
	ck_assert(fake_irq_delivered(&irq, INTX));
	/* The guest has served another device on the line. */
	end_interrupt();
	ck_assert(fake_irq_delivered(&irq, INTX));
	pci_port_insert(port, NULL);
	ck_assert(!fake_irq_delivered(&irq, INTX)); /* it is high */
	port_write(SLOT_STATUS, PCI_EXP_SLTSTA_ABP);
	ck_assert(!is_pending());
	/* Low again, and nobody's end of interrupt wakes the loop. */
	ck_assert_uint_eq(irq.attached, 0);
	ck_assert_uint_eq(count_descriptors(), descriptors);
	pci_port_press(port);
	ck_assert(fake_irq_delivered(&irq, INTX));
	port_write(SLOT_STATUS, PCI_EXP_SLTSTA_ABP);
	end_interrupt();
}
END_TEST

START_TEST(a_level_ends_with_what_forbids_it)
{
	port_write(SLOT_CONTROL, LISTENING | OFF);
	pci_port_press(port);
	port_write(PCI_COMMAND, PCI_COMMAND_INTX_DISABLE);
	ck_assert_uint_eq(irq.attached, 0);
	ck_assert(is_pending());
	port_write(PCI_COMMAND, 0);
	ck_assert(fake_irq_delivered(&irq, INTX));
	port_write(0x44, 3);
	ck_assert_uint_eq(irq.attached, 0);
	port_write(0x44, 0);
	ck_assert(fake_irq_delivered(&irq, INTX));
	pci_host_reset(bench->host);
	ck_assert_uint_eq(irq.attached, 0);
	ck_assert(!is_pending());
	/* For its end, while it is high. */
	port_write(SLOT_CONTROL, LISTENING | OFF);
	pci_port_press(port);
	ck_assert_uint_eq(irq.attached, 1);
}
END_TEST

/* Its end may come when the guest has seen to it already. */
START_TEST(an_end_that_comes_late_raises_nothing)
{
	const struct fake_irqfd *irqfd;
	int resample;

	port_write(SLOT_CONTROL, LISTENING | OFF);
	pci_port_press(port);
	irqfd = fake_irq_find(&irq, INTX);
	resample = dup(irqfd->resample);
	fd_signal(resample);
	port_write(SLOT_STATUS, PCI_EXP_SLTSTA_ABP);
	turn_loop();
	ck_assert_uint_eq(irq.attached, 0);
	close(resample);
}
END_TEST

START_TEST(a_line_that_cannot_be_had_is_said)
{
	unsigned int descriptors = count_descriptors();

	hear();
	irq.fail_at = 1;
	port_write(SLOT_CONTROL, LISTENING | OFF);
	pci_port_press(port);
	ck_assert_ptr_nonnull(strstr(heard(), "port: its INTx does not reach the guest: "
					      "Invalid argument: the guest must use MSI"));
	ck_assert_uint_eq(count_descriptors(), descriptors);
	/* The next time it can. */
	port_write(SLOT_STATUS, 0);
	ck_assert(fake_irq_delivered(&irq, INTX));
}
END_TEST

START_TEST(a_retrained_link_interrupts)
{
	start_occupied();
	enable_msi();
	port_write(LINK_CONTROL, PCI_EXP_LNKCTL_RL);
	ck_assert(!fake_irq_delivered(&irq, VECTOR));
	port_write(LINK_CONTROL, PCI_EXP_LNKCTL_LBMIE);
	ck_assert(fake_irq_delivered(&irq, VECTOR));
	port_write(LINK_STATUS, PCI_EXP_LNKSTA_LBMS);
	port_write(LINK_CONTROL, PCI_EXP_LNKCTL_LBMIE | PCI_EXP_LNKCTL_RL);
	ck_assert(fake_irq_delivered(&irq, VECTOR));
}
END_TEST

static bool has_woken(void)
{
	return port_read(POWER) & PCI_PM_CTRL_PME_STATUS;
}

/* PCIe 5.0 6.7.3.4: with the slot's own interrupt off, as Linux has it then. */
START_TEST(a_port_that_sleeps_wakes_the_guest)
{
	enable_msi();
	port_write(ROOT_CONTROL, PCI_EXP_RTCTL_PMEIE);
	port_write(SLOT_CONTROL, (LISTENING & ~PCI_EXP_SLTCTL_HPIE) | PCI_EXP_SLTCTL_PDCE | OFF);
	port_write(POWER, SLEEPS | PCI_PM_CTRL_PME_ENABLE);
	ck_assert(!fake_irq_delivered(&irq, VECTOR));
	pci_port_insert(port, NULL);
	ck_assert(has_woken());
	ck_assert_uint_eq(read_at(PORT, ROOT_STATUS, 4), PCI_EXP_RTSTA_PME | PORT);
	ck_assert(fake_irq_delivered(&irq, VECTOR));
	/* Once, until that was dealt with. */
	pci_port_press(port);
	ck_assert(!fake_irq_delivered(&irq, VECTOR));
	ck_assert_int_eq(pci_host_config_write(bench->host, PORT, ROOT_STATUS, 4,
					       PCI_EXP_RTSTA_PME),
			 MEM_DONE);
	ck_assert_uint_eq(read_at(PORT, ROOT_STATUS, 4) & PCI_EXP_RTSTA_PME, 0);
	port_write(POWER, PCI_PM_CTRL_PME_STATUS);
	ck_assert(!has_woken());
	ck_assert(!fake_irq_delivered(&irq, VECTOR));
	/* Awake it tells of the rest as ever. */
	port_write(SLOT_CONTROL, LISTENING | PCI_EXP_SLTCTL_PDCE | OFF);
	ck_assert(fake_irq_delivered(&irq, VECTOR));
	take_events();
	pci_port_press(port);
	ck_assert(!has_woken());
	ck_assert(fake_irq_delivered(&irq, VECTOR));
	/* And wakes it anew. */
	port_write(POWER, SLEEPS | PCI_PM_CTRL_PME_ENABLE);
	ck_assert(!has_woken());
	pci_port_eject(port);
	ck_assert(has_woken());
	ck_assert(fake_irq_delivered(&irq, VECTOR));
}
END_TEST

START_TEST(a_port_that_sleeps_wakes_by_a_level_too)
{
	port_write(ROOT_CONTROL, PCI_EXP_RTCTL_PMEIE);
	port_write(SLOT_CONTROL, LISTENING | OFF);
	port_write(POWER, SLEEPS | PCI_PM_CTRL_PME_ENABLE);
	pci_port_press(port);
	ck_assert(is_pending());
	ck_assert(fake_irq_delivered(&irq, INTX));
	ck_assert_int_eq(pci_host_config_write(bench->host, PORT, ROOT_STATUS, 4,
					       PCI_EXP_RTSTA_PME),
			 MEM_DONE);
	end_interrupt();
	ck_assert_uint_eq(irq.attached, 0);
	/* What it was woken for is told as it wakes. */
	port_write(POWER, PCI_PM_CTRL_PME_STATUS);
	ck_assert(fake_irq_delivered(&irq, INTX));
}
END_TEST

/* An event that nobody asks for; one that is older; one that is not to wake anybody. */
START_TEST(what_wakes_nobody)
{
	enable_msi();
	port_write(ROOT_CONTROL, PCI_EXP_RTCTL_PMEIE);
	port_write(SLOT_CONTROL, PCI_EXP_SLTCTL_HPIE | OFF);
	port_write(POWER, SLEEPS | PCI_PM_CTRL_PME_ENABLE);
	pci_port_press(port);
	ck_assert(!has_woken());
	port_write(POWER, 0);
	port_write(SLOT_CONTROL, LISTENING | OFF);
	ck_assert(fake_irq_delivered(&irq, VECTOR));
	port_write(POWER, SLEEPS | PCI_PM_CTRL_PME_ENABLE);
	ck_assert(!has_woken());
	take_events();
	port_write(POWER, SLEEPS);
	pci_port_press(port);
	ck_assert(has_woken());
	ck_assert_uint_eq(read_at(PORT, ROOT_STATUS, 4), 0);
	ck_assert(!fake_irq_delivered(&irq, VECTOR));
	/* That is told as soon as it may be. */
	port_write(POWER, SLEEPS | PCI_PM_CTRL_PME_ENABLE);
	ck_assert(fake_irq_delivered(&irq, VECTOR));
	pci_host_reset(bench->host);
	ck_assert(!has_woken());
	ck_assert_uint_eq(read_at(PORT, ROOT_STATUS, 4), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup_empty, teardown);
	tcase_add_test(tests, each_new_event_is_a_message);
	tcase_add_test(tests, what_is_not_enabled_is_not_told);
	tcase_add_test(tests, a_message_waits_for_the_bus);
	tcase_add_test(tests, what_was_there_before_msi_is_told_by_it);
	tcase_add_test(tests, intx_is_a_level);
	tcase_add_test(tests, a_level_ends_with_what_forbids_it);
	tcase_add_test(tests, an_end_that_comes_late_raises_nothing);
	tcase_add_test(tests, a_line_that_cannot_be_had_is_said);
	tcase_add_test(tests, a_retrained_link_interrupts);
	tcase_add_test(tests, a_port_that_sleeps_wakes_the_guest);
	tcase_add_test(tests, a_port_that_sleeps_wakes_by_a_level_too);
	tcase_add_test(tests, what_wakes_nobody);
}

int main(void)
{
	return run_suite("pci port signal", add_tests);
}
