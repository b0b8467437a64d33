/* SPDX-License-Identifier: BSD-3-Clause */
/* A port's interrupt: messages for what is new, or a level on a line that others have too. */

#include <sys/epoll.h>
#include <unistd.h>

#include "tests/unit/devices/pci/test_slot.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"

enum { INTX = 17, VECTOR = FAKE_FIRST_MSI };

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
}

int main(void)
{
	return run_suite("pci port signal", add_tests);
}
