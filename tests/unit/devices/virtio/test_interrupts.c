/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio function's interrupts: a vector for each queue, masked and not; a line without. */

#include "tests/unit/devices/virtio/test_noting.h"
#include "tests/unit/support/suite.h"

static void call(unsigned int queue)
{
	noting.attach.transport->call(noting.attach.owner, queue);
}

static void set_vector(unsigned int vector, bool masked)
{
	uint64_t entry = FUNCTION_MSIX + 16 * vector;

	virtio_write(bench, entry, 8, 0xfee00000);
	virtio_write(bench, entry + 8, 4, 0x40 + vector);
	virtio_write(bench, entry + 12, 4, masked);
}

static void enable_msix(void)
{
	ck_assert_int_eq(virtio_config_write(bench, 0x42, 2, PCI_MSIX_FLAGS_ENABLE), MEM_DONE);
}

static void wire_vectors(void)
{
	virtio_write(bench, COMMON_CONFIG_VECTOR, 2, 0);
	for (unsigned int i = 0; i < QUEUES; i++) {
		virtio_write(bench, COMMON_QUEUE_SELECT, 2, i);
		virtio_write(bench, COMMON_QUEUE_VECTOR, 2, i + 1);
		ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_VECTOR, 2), i + 1);
	}
}

START_TEST(each_queue_has_its_vector)
{
	enable_msix();
	for (unsigned int i = 0; i <= QUEUES; i++)
		set_vector(i, false);
	wire_vectors();
	drive();
	for (unsigned int i = 0; i < QUEUES; i++) {
		call(i);
		for (unsigned int j = 0; j <= QUEUES; j++)
			ck_assert_int_eq(fake_irq_delivered(&bench->irq, FAKE_FIRST_MSI + j),
					 j == i + 1);
	}
	noting.attach.transport->broke(noting.attach.owner, "a test");
	ck_assert(fake_irq_delivered(&bench->irq, FAKE_FIRST_MSI));
	ck_assert(virtio_status(bench) & VIRTIO_CONFIG_S_NEEDS_RESET);
	ck_assert_msg(virtio_read(bench, FUNCTION_ISR, 1) == 0, "the status is INTx's");
	virtio_reset(bench);
	call(0);
	for (unsigned int j = 0; j <= QUEUES; j++)
		ck_assert(!fake_irq_delivered(&bench->irq, FAKE_FIRST_MSI + j));
}
END_TEST

START_TEST(a_masked_vector_is_pending)
{
	enable_msix();
	wire_vectors();
	drive();
	call(1);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_PBA, 8), 1 << 2);
	set_vector(2, false);
	ck_assert(fake_irq_delivered(&bench->irq, FAKE_FIRST_MSI));
	set_vector(2, true);
	call(1);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_PBA, 8), 1 << 2);
	set_vector(2, false);
	ck_assert(fake_irq_delivered(&bench->irq, FAKE_FIRST_MSI));
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_PBA, 8), 0);
}
END_TEST

START_TEST(a_vector_that_is_none_is_not_taken)
{
	virtio_write(bench, COMMON_CONFIG_VECTOR, 2, QUEUES + 1);
	ck_assert_uint_eq(virtio_read(bench, COMMON_CONFIG_VECTOR, 2), 0xffff);
	virtio_write(bench, COMMON_QUEUE_VECTOR, 2, 0xfffe);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_VECTOR, 2), 0xffff);
	virtio_write(bench, COMMON_CONFIG_VECTOR, 2, QUEUES);
	ck_assert_uint_eq(virtio_read(bench, COMMON_CONFIG_VECTOR, 2), QUEUES);
}
END_TEST

/* Of slot 1, pin A. */
enum { INTX = 17 };

START_TEST(without_vectors_it_is_a_line)
{
	const struct fake_irqfd *line;

	ck_assert_ptr_null(fake_irq_find(&bench->irq, INTX));
	drive();
	line = fake_irq_find(&bench->irq, INTX);
	ck_assert_ptr_nonnull(line);
	call(0);
	ck_assert(fd_take(line->eventfd));
	ck_assert(virtio_config_read(bench, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	/* Not taken note of: at the end of the interrupt it is raised again. */
	fd_signal(line->resample);
	turn_loop();
	ck_assert(fd_take(line->eventfd));
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_ISR, 1), ISR_QUEUE);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_ISR, 1), 0);
	ck_assert(!(virtio_config_read(bench, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT));
	fd_signal(line->resample);
	turn_loop();
	ck_assert(!fd_take(line->eventfd));
	/* With INTx off, with MSI-X on, and after a reset there is no line. */
	virtio_config_write(bench, PCI_COMMAND, 2, 0x406);
	ck_assert_ptr_null(fake_irq_find(&bench->irq, INTX));
	call(0);
	virtio_config_write(bench, PCI_COMMAND, 2, 0x006);
	line = fake_irq_find(&bench->irq, INTX);
	ck_assert_msg(line && fd_take(line->eventfd), "it was owed");
	enable_msix();
	ck_assert_ptr_null(fake_irq_find(&bench->irq, INTX));
	virtio_config_write(bench, 0x42, 2, 0);
	ck_assert_ptr_nonnull(fake_irq_find(&bench->irq, INTX));
	virtio_reset(bench);
	ck_assert_ptr_null(fake_irq_find(&bench->irq, INTX));
}
END_TEST

/* Who interrupts in the device's place signals this; it is asked for anew once it is another. */
static int call_eventfd(unsigned int queue)
{
	return noting.attach.transport->call_eventfd(noting.attach.owner, queue);
}

START_TEST(somebody_else_signals_the_vector_itself)
{
	unsigned int before;

	enable_msix();
	set_vector(2, false);
	drive();
	ck_assert_msg(call_eventfd(1) < 0, "without a vector nobody wants to know");
	before = noting.rewired[1];
	wire_vectors();
	ck_assert_uint_gt(noting.rewired[1], before);
	ck_assert_int_eq(call_eventfd(1), fake_irq_find(&bench->irq, FAKE_FIRST_MSI)->eventfd);
	fd_signal(call_eventfd(1));
	ck_assert(fake_irq_delivered(&bench->irq, FAKE_FIRST_MSI));
	/* Masked it stays the same, and is pending. */
	before = noting.rewired[1];
	set_vector(2, true);
	fd_signal(call_eventfd(1));
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_PBA, 8), 1 << 2);
	set_vector(2, false);
	ck_assert(fake_irq_delivered(&bench->irq, FAKE_FIRST_MSI));
	/* It is told before the eventfd is closed. */
	before = noting.rewired[1];
	ck_assert_int_eq(virtio_config_write(bench, 0x42, 2, 0), MEM_DONE);
	ck_assert_uint_gt(noting.rewired[1], before);
}
END_TEST

START_TEST(before_its_vector_is_unmasked_it_is_pending)
{
	unsigned int before;

	enable_msix();
	wire_vectors();
	drive();
	/* Both before the loop has passed it on, and after. */
	fd_signal(call_eventfd(1));
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_PBA, 8), 1 << 2);
	fd_signal(call_eventfd(2));
	turn_loop();
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_PBA, 8), 1 << 2 | 1 << 3);
	before = noting.rewired[1];
	set_vector(2, false);
	ck_assert_uint_gt(noting.rewired[1], before);
	ck_assert(fake_irq_delivered(&bench->irq, FAKE_FIRST_MSI));
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_PBA, 8), 1 << 3);
}
END_TEST

START_TEST(somebody_else_raises_the_line)
{
	const struct fake_irqfd *line;

	drive();
	line = fake_irq_find(&bench->irq, INTX);
	fd_signal(call_eventfd(0));
	ck_assert(!fd_take(line->eventfd));
	turn_loop();
	ck_assert(fd_take(line->eventfd));
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_ISR, 1), ISR_QUEUE);
	/* What is on its way as the driver resets the device is nobody's. */
	fd_signal(call_eventfd(0));
	virtio_reset(bench);
	turn_loop();
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_ISR, 1), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, each_queue_has_its_vector);
	tcase_add_test(tests, a_masked_vector_is_pending);
	tcase_add_test(tests, a_vector_that_is_none_is_not_taken);
	tcase_add_test(tests, without_vectors_it_is_a_line);
	tcase_add_test(tests, somebody_else_signals_the_vector_itself);
	tcase_add_test(tests, before_its_vector_is_unmasked_it_is_pending);
	tcase_add_test(tests, somebody_else_raises_the_line);
}

int main(void)
{
	return run_suite("interrupts", add_tests);
}
