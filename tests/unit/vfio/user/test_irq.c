/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts of a device of vfio-user: eventfds in as many messages as it takes. */

#include <fcntl.h>
#include <poll.h>

#include "devices/pci/vectors.h"
#include "tests/unit/support/fake_irq.h"
#include "tests/unit/support/fake_user.h"
#include "vfio/pci/irq.h"

static int eventfds[FAKE_USER_VECTORS];

static void set_up(void)
{
	fake_user_set_up();
	for (unsigned int i = 0; i < FAKE_USER_VECTORS; i++)
		eventfds[i] = fd_eventfd();
}

static void tear_down(void)
{
	for (unsigned int i = 0; i < FAKE_USER_VECTORS; i++)
		fd_close(&eventfds[i]);
	fake_user_tear_down();
}

static bool is_signalled(int event)
{
	struct pollfd polled = {.fd = event, .events = POLLIN};

	return poll(&polled, 1, 0) == 1;
}

/* The server signals @vector, which it is asked for by a message that is answered. */
static void fire(uint32_t index, uint32_t vector)
{
	ck_assert_int_eq(vfio_irq_set(fake.backend,
				      VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, index,
				      vector, 1, NULL),
			 0);
}

START_TEST(it_tells_how_many_there_are)
{
	bool noresize = true;

	fake_user_open_well();
	ck_assert_uint_eq(vfio_irq_count(fake.backend, VFIO_PCI_INTX_IRQ_INDEX, NULL), 1);
	ck_assert_uint_eq(vfio_irq_count(fake.backend, VFIO_PCI_MSI_IRQ_INDEX, NULL), 0);
	ck_assert_uint_eq(vfio_irq_count(fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, &noresize),
			  FAKE_USER_VECTORS);
	ck_assert(!noresize);
	ck_assert_uint_eq(vfio_irq_count(fake.backend, VFIO_PCI_ERR_IRQ_INDEX, NULL), 0);
	/* Ours, whatever the server has. */
	ck_assert_uint_eq(vfio_irq_count(fake.backend, VFIO_PCI_REQ_IRQ_INDEX, NULL), 1);
	ck_assert_uint_eq(vfio_irq_count(fake.backend, 99, NULL), 0);
}
END_TEST

START_TEST(an_answer_for_others_loses_it)
{
	fake_user_open_well();
	fake.server.at = COMMAND_IRQ_INFO;
	fake.server.fault = USER_FAULT_PLACE;
	hear();
	ck_assert_uint_eq(vfio_irq_count(fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, NULL), 0);
	ck_assert_ptr_nonnull(strstr(heard(), "has answered for interrupts 2 with those of 3"));
}
END_TEST

START_TEST(vectors_go_over_in_parts)
{
	static const unsigned int limits[] = {1, 3, SERVER_FDS};
	const unsigned int most = limits[_i];

	fake.server.max_fds = most;
	fake_user_open_well();
	ck_assert_int_eq(vfio_irq_trigger(fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, 0,
					  FAKE_USER_VECTORS, eventfds),
			 0);
	ck_assert_uint_eq(fake_user_heard(COMMAND_SET_IRQS), (FAKE_USER_VECTORS + most - 1) / most);
	for (unsigned int i = 0; i < FAKE_USER_VECTORS; i++) {
		ck_assert(!is_signalled(eventfds[i]));
		fire(VFIO_PCI_MSIX_IRQ_INDEX, i);
		ck_assert(fd_take(eventfds[i]));
	}
	ck_assert_int_eq(vfio_irq_disable(fake.backend, VFIO_PCI_MSIX_IRQ_INDEX), 0);
	fire(VFIO_PCI_MSIX_IRQ_INDEX, 0);
	ck_assert(!is_signalled(eventfds[0]));
}
END_TEST

/* Those in between have none, or lose theirs. */
START_TEST(vectors_without_an_eventfd_are_told_of)
{
	int some[] = {eventfds[0], -1, -1, eventfds[3]}, none = -1;

	fake_user_open_well();
	ck_assert_int_eq(vfio_irq_trigger(fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, 4, 4, some), 0);
	ck_assert_uint_eq(fake_user_heard(COMMAND_SET_IRQS), 3);
	for (unsigned int i = 0; i < 4; i++)
		fire(VFIO_PCI_MSIX_IRQ_INDEX, 4 + i);
	ck_assert(fd_take(eventfds[0]));
	ck_assert(fd_take(eventfds[3]));
	ck_assert_int_eq(vfio_irq_trigger(fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, 7, 1, &none), 0);
	fire(VFIO_PCI_MSIX_IRQ_INDEX, 7);
	ck_assert(!is_signalled(eventfds[3]));
}
END_TEST

/* Masked by itself, until the guest's end of interrupt signals the other eventfd. */
START_TEST(intx_is_unmasked_by_an_eventfd)
{
	const struct pollfd again = {.fd = eventfds[0], .events = POLLIN};
	struct pollfd polled = again;

	fake_user_open_well();
	ck_assert_int_eq(vfio_irq_trigger(fake.backend, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, eventfds),
			 0);
	ck_assert_int_eq(vfio_irq_set(fake.backend,
				      VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK,
				      VFIO_PCI_INTX_IRQ_INDEX, 0, 1, eventfds + 1),
			 0);
	fire(VFIO_PCI_INTX_IRQ_INDEX, 0);
	ck_assert(fd_take(eventfds[0]));
	fire(VFIO_PCI_INTX_IRQ_INDEX, 0);
	ck_assert(!is_signalled(eventfds[0]));
	fd_signal(eventfds[1]);
	while (poll(&polled, 1, 1) != 1)
		fire(VFIO_PCI_INTX_IRQ_INDEX, 0);
	ck_assert(fd_take(eventfds[0]));
}
END_TEST

START_TEST(a_refusal_is_the_callers)
{
	fake_user_open_well();
	fake.server.at = COMMAND_SET_IRQS;
	fake.server.fault = USER_FAULT_ERROR;
	ck_assert_int_eq(vfio_irq_trigger(fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, 0, 2, eventfds),
			 -EIO);
	ck_assert(!fake.backend->ops->is_lost(fake.backend));
}
END_TEST

/* Vectors as a guest has them, with the server at their other end. */

static struct kvm_irq table;
static struct pci_vectors *vectors;

static int wires_set_mode(void *owner, enum pci_vectors_mode mode, unsigned int count)
{
	(void)owner;
	(void)mode;
	return (int)count;
}

static int wires_connect(void *owner, unsigned int first, unsigned int end)
{
	int fds[2] = {pci_vectors_eventfd(vectors, 0), pci_vectors_eventfd(vectors, 1)};

	(void)owner;
	(void)first;
	(void)end;
	return vfio_irq_trigger(fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, 0, 2, fds);
}

static void wires_pass(void *owner)
{
	(void)owner;
}

static void unmask(unsigned int vector)
{
	const struct kvm_msi_message message = {.address = 0xfee00000, .data = vector};

	pci_vectors_unmask(vectors, PCI_VECTORS_MSIX, vector, &message);
	pci_vectors_flush(vectors, PCI_VECTORS_MSIX);
}

static void mask(unsigned int vector)
{
	pci_vectors_mask(vectors, PCI_VECTORS_MSIX, vector);
	pci_vectors_flush(vectors, PCI_VECTORS_MSIX);
}

static bool is_delivered(unsigned int vector)
{
	return fake_irq_delivered(&table, (unsigned int)pci_vectors_state(vectors, vector).gsi);
}

/* By the server's own descriptor, which it gets anew with each message. */
static void fill(void)
{
	const uint64_t most = UINT64_MAX - 1;

	ck_assert_int_eq(write(fake.server.irqs[USER_MSIX][0], &most, sizeof(most)), sizeof(most));
}

/* It has the same eventfds, and so the flag that says whether they block, and their counters. */
START_TEST(a_hostile_server_holds_up_nobody)
{
	static const struct pci_wires_ops ops = {wires_set_mode, wires_connect, wires_pass};
	int its;

	fake_irq_init(&table);
	fake_user_open_well();
	vectors = pci_vectors_create("user0", &table, &ops, NULL);
	pci_vectors_enable(vectors, PCI_VECTORS_MSIX, 2);
	unmask(0);
	its = fake.server.irqs[USER_MSIX][0];
	ck_assert_int_ne(its, pci_vectors_eventfd(vectors, 0));
	ck_assert_int_eq(fcntl(its, F_SETFL, 0), 0);
	mask(0);
	ck_assert(!pci_vectors_pending(vectors, PCI_VECTORS_MSIX, 0));
	unmask(0);
	ck_assert(!is_delivered(0));
	mask(0);
	fill();
	ck_assert(pci_vectors_pending(vectors, PCI_VECTORS_MSIX, 0));
	unmask(0);
	ck_assert(is_delivered(0));
	/* What is owed for another reason finds it full, too. */
	fill();
	pci_vectors_raise(vectors, 0);
	mask(0);
	pci_vectors_raise(vectors, 0);
	unmask(0);
	ck_assert(is_delivered(0));
	pci_vectors_disable(vectors, PCI_VECTORS_MSIX);
	pci_vectors_destroy(vectors);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, it_tells_how_many_there_are);
	tcase_add_test(tests, an_answer_for_others_loses_it);
	tcase_add_loop_test(tests, vectors_go_over_in_parts, 0, 3);
	tcase_add_test(tests, vectors_without_an_eventfd_are_told_of);
	tcase_add_test(tests, intx_is_unmasked_by_an_eventfd);
	tcase_add_test(tests, a_refusal_is_the_callers);
	tcase_add_test(tests, a_hostile_server_holds_up_nobody);
}

int main(void)
{
	return run_suite("interrupts of vfio-user", add_tests);
}
