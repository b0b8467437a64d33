/* SPDX-License-Identifier: BSD-3-Clause */
/* Every misbehaviour of a server that runs: it is lost, once, and nobody waits for long. */

#include <poll.h>

#include "tests/unit/support/fake_user.h"
#include "tests/unit/support/host.h"
#include "vfio/pci/irq.h"

/* What a read makes of it, and what a person is told. */
static const struct {
	enum user_fault fault;
	const char *said;
} read_faults[] = {
	{USER_FAULT_LATE, "has not answered REGION_READ within 500 ms"},
	{USER_FAULT_SHORT, "has ended the connection"},
	{USER_FAULT_DIES, "has ended the connection"},
	{USER_FAULT_ID, "has answered REGION_READ, which it was not asked"},
	{USER_FAULT_COMMAND, "has answered REGION_WRITE, which it was not asked"},
	{USER_FAULT_SMALL, "has answered REGION_READ with 19 bytes, which is no answer to it"},
	{USER_FAULT_LARGE, "has answered REGION_READ with 21 bytes, which is no answer to it"},
	{USER_FAULT_HUGE, "has sent REGION_READ of 4294967295 bytes"},
	{USER_FAULT_TINY, "has sent REGION_READ of 8 bytes"},
	{USER_FAULT_COUNT, "has answered REGION_READ of 4 bytes with one of 3"},
	{USER_FAULT_FDS, "bytes and a descriptor, which is no answer to it"},
	{USER_FAULT_FD, "has answered REGION_READ with 20 bytes and a descriptor"},
};

static int read_register(uint32_t *value)
{
	return fake.backend->ops->read(fake.backend, fake_user_region(0), 8, value, 4);
}

static void *ask(void *argument)
{
	ck_assert_int_eq(vfio_user_ask(fake_user_client(), argument), 0);
	return NULL;
}

static int watch_loss(void)
{
	int event = fd_eventfd();

	ck_assert_int_eq(vfio_irq_trigger(fake.backend, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, &event), 0);
	return event;
}

static bool is_signalled(int event, int wait_ms)
{
	struct pollfd polled = {.fd = event, .events = POLLIN};

	return poll(&polled, 1, wait_ms) == 1;
}

START_TEST(a_server_that_answers_a_read_badly_is_lost)
{
	const char *said = read_faults[_i].said;
	enum user_fault fault = read_faults[_i].fault;
	uint32_t value = 1;
	const char *text;
	int event;

	if (fault == USER_FAULT_LATE)
		fake.running_ms = FAKE_SHORT_MS;
	fake_user_open_well();
	event = watch_loss();
	ck_assert(!is_signalled(event, 0));
	hear();
	fake.server.at = COMMAND_READ;
	fake.server.fault = fault;
	ck_assert_int_eq(read_register(&value), 0);
	ck_assert_uint_eq(value, UINT32_MAX);
	ck_assert(is_signalled(event, FAKE_PATIENCE_MS));
	ck_assert(fake.backend->ops->is_lost(fake.backend));
	/* Whatever is asked now is answered at once, here. */
	value = 1;
	ck_assert_int_eq(read_register(&value), 0);
	ck_assert_uint_eq(value, UINT32_MAX);
	ck_assert_int_eq(fake.backend->ops->write(fake.backend, fake_user_region(0), 8, &value, 4),
			 0);
	ck_assert_int_eq(vfio_irq_disable(fake.backend, VFIO_PCI_MSIX_IRQ_INDEX), 0);
	ck_assert_int_eq(fake.backend->ops->reset(fake.backend), -EIO);
	text = heard();
	ck_assert_msg(strstr(text, said), "%s", text);
	ck_assert_int_eq(vfio_irq_disable(fake.backend, VFIO_PCI_REQ_IRQ_INDEX), 0);
	ck_assert_ptr_null(strstr(strstr(text, "is lost") + 1, "is lost"));
	close(event);
	/* What is no memory is left open, whose end could wait for its file system. */
	fake_user_leaves(fault == USER_FAULT_FD ? 1 : fault == USER_FAULT_FDS ? 3 : 0);
}
END_TEST

START_TEST(two_answers_are_one_too_many)
{
	uint32_t value = 1;
	int event;

	fake_user_open_well();
	event = watch_loss();
	fake.server.at = COMMAND_READ;
	fake.server.fault = USER_FAULT_TWICE;
	hear();
	ck_assert_int_eq(read_register(&value), 0);
	ck_assert(is_signalled(event, FAKE_PATIENCE_MS));
	ck_assert_ptr_nonnull(strstr(heard(), "which it was not asked"));
	ck_assert_int_eq(vfio_irq_disable(fake.backend, VFIO_PCI_REQ_IRQ_INDEX), 0);
	close(event);
	fake_user_leaves(0);
}
END_TEST

/* A refusal is no misbehaviour, whatever comes with it, nor is a request that is not known here. */
static const struct {
	enum user_fault fault;
	int rc;
} allowed[] = {
	{USER_FAULT_ERROR, -EIO},
	{USER_FAULT_ERROR_DATA, -EIO},
	{USER_FAULT_UNASKED, 0},
	/* Not every server repeats more of a request than its count. */
	{USER_FAULT_PLACE, 0},
};

START_TEST(some_things_are_allowed)
{
	uint32_t value = 1;

	fake_user_open_well();
	fake.registers[8] = 7;
	fake.server.at = COMMAND_READ;
	fake.server.fault = allowed[_i].fault;
	ck_assert_int_eq(read_register(&value), allowed[_i].rc);
	fake.server.fault = USER_FAULT_NONE;
	ck_assert_int_eq(read_register(&value), 0);
	ck_assert_uint_eq(value, 7);
	ck_assert(!fake.backend->ops->is_lost(fake.backend));
	fake_user_leaves(0);
}
END_TEST

START_TEST(an_answer_that_nobody_wants_is_left)
{
	uint32_t value = 7;

	fake_user_open_well();
	fake.server.at = COMMAND_WRITE;
	fake.server.fault = USER_FAULT_ANSWERS;
	for (unsigned int i = 0; i < 3; i++)
		ck_assert_int_eq(fake.backend->ops->write(fake.backend, fake_user_region(0), 8,
							  &value, 4),
				 0);
	value = 1;
	ck_assert_int_eq(read_register(&value), 0);
	ck_assert_uint_eq(value, 7);
	ck_assert(!fake.backend->ops->is_lost(fake.backend));
	fake_user_leaves(0);
}
END_TEST

/* The device's run goes on, and the server may have another client. */
START_TEST(a_lost_server_has_no_client)
{
	uint32_t value = 1;

	fake.running_ms = FAKE_SHORT_MS;
	fake_user_open_well();
	fake.server.at = COMMAND_READ;
	fake.server.fault = USER_FAULT_LATE;
	ck_assert_int_eq(read_register(&value), 0);
	pthread_join(fake.thread, NULL);
	fake.running = false;
	fake_user_leaves(0);
}
END_TEST

/* While it resets its device it may answer nothing else. */
START_TEST(a_reset_has_its_own_time)
{
	struct vfio_user_request request = {.command = VFIO_USER_RESET, .until = INT64_MAX / 2};
	uint32_t value = 1;

	fake.running_ms = FAKE_SHORT_MS;
	fake_user_open_well();
	fake.reset_ms = 3 * FAKE_SHORT_MS;
	ck_assert_int_eq(pthread_create(&fake.other, NULL, ask, &request), 0);
	while (!atomic_load(&fake.server.heard[COMMAND_RESET]))
		usleep(1000);
	ck_assert_int_eq(read_register(&value), 0);
	ck_assert_uint_eq(value, 0);
	pthread_join(fake.other, NULL);
	ck_assert(!fake.backend->ops->is_lost(fake.backend));
	fake_user_leaves(0);
}
END_TEST

/* Nobody asks for anything, and who watches hears of it all the same. */
START_TEST(the_end_of_a_server_is_noticed)
{
	int event;

	fake_user_open_well();
	event = _i ? -1 : watch_loss();
	hear();
	fake_user_hang_up(fake.backend);
	if (_i) {
		while (!fake.backend->ops->is_lost(fake.backend))
			usleep(1000);
		event = watch_loss();
	}
	ck_assert(is_signalled(event, FAKE_PATIENCE_MS));
	ck_assert_ptr_nonnull(strstr(heard(), "passthrough device user0: its server has ended the "
					      "connection: the device is lost"));
	ck_assert_int_eq(vfio_irq_disable(fake.backend, VFIO_PCI_REQ_IRQ_INDEX), 0);
	close(event);
	fake_user_leaves(0);
}
END_TEST

/* One that takes nothing any more does not hold up who writes for longer than it may. */
START_TEST(a_server_that_takes_nothing_is_lost)
{
	uint32_t value = 0;

	fake.server.twin = true;
	fake.running_ms = FAKE_SHORT_MS;
	fake_user_open_well();
	hear();
	fake.copy_from = 1; /* it asks for memory, and waits */
	/* The copy that the server waits for is not made meanwhile. */
	pthread_mutex_lock(&fake.memory.lock);
	for (unsigned int i = 0; i < 1000000 && !fake.backend->ops->is_lost(fake.backend); i++)
		ck_assert_int_eq(fake.backend->ops->write(fake.backend, fake_user_region(0), 0,
							  &value, 4),
				 0);
	pthread_mutex_unlock(&fake.memory.lock);
	ck_assert(fake.backend->ops->is_lost(fake.backend));
	ck_assert_ptr_nonnull(strstr(heard(), "has not taken REGION_WRITE within 500 ms"));
	fake_user_leaves(0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, fake_user_set_up, NULL);
	tcase_add_loop_test(tests, a_server_that_answers_a_read_badly_is_lost, 0,
			    ARRAY_SIZE(read_faults));
	tcase_add_test(tests, two_answers_are_one_too_many);
	tcase_add_loop_test(tests, some_things_are_allowed, 0, ARRAY_SIZE(allowed));
	tcase_add_test(tests, an_answer_that_nobody_wants_is_left);
	tcase_add_test(tests, a_lost_server_has_no_client);
	tcase_add_test(tests, a_reset_has_its_own_time);
	tcase_add_loop_test(tests, the_end_of_a_server_is_noticed, 0, 2);
	tcase_add_test(tests, a_server_that_takes_nothing_is_lost);
}

int main(void)
{
	return run_suite("a connection to a vfio-user server", add_tests);
}
