/* SPDX-License-Identifier: BSD-3-Clause */
/* Queues that the kernel serves: they run and stand as the driver says, and every call may fail. */

#include "devices/virtio/net.h"
#include "tests/unit/support/fake_virtio.h"
/* The kernel behind it. */
#include "tests/unit/support/fake_vhost.h"
#include "tests/unit/support/suite.h"

static struct virtio_bench *bench;
static struct fake_vhost_file *node;
static unsigned int before;

static struct virtio_device *create(struct err *err)
{
	static const struct net_config config = {.tap = "tap0", .pairs = 1};

	return net_create(&config, 0, err);
}

static void set_up(void)
{
	struct err err = {0};
	struct virtio_device *device;

	fault_disarm();
	before = count_descriptors();
	fake_vhost_begin();
	device = create(&err);
	ck_assert_msg(device, "%s", err.text);
	bench = virtio_bench_create(device);
	node = fake_vhost_file(FAKE_VHOST_NET, 0);
}

static void tear_down(void)
{
	fault_disarm();
	virtio_bench_destroy(bench);
	ck_assert_uint_eq(count_descriptors(), before);
}

static void drive(void)
{
	virtio_drive(bench, bench->device->features, 16);
}

static void turn_loop(void)
{
	virtio_turn_loop(bench);
}

static bool has_failed(void)
{
	return virtio_status(bench) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static void set_mastering(bool on)
{
	ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2,
					     PCI_COMMAND_MEMORY | (on ? PCI_COMMAND_MASTER : 0)),
			 MEM_DONE);
}

static bool runs(void)
{
	ck_assert_int_eq(fake_ring_runs(node, 0), fake_ring_runs(node, 1));
	return fake_ring_runs(node, 0);
}

START_TEST(the_kernel_is_given_the_driver_s_queues)
{
	ck_assert(node->owned);
	ck_assert_uint_eq(node->regions, 2);
	ck_assert(!runs());
	drive();
	ck_assert(runs() && !has_failed());
	ck_assert_uint_eq(node->features, bench->device->features & fake_vhost.features);
	for (unsigned int i = 0; i < 2; i++) {
		const struct fake_ring *ring = &node->rings[i];

		ck_assert_uint_eq(ring->size, 16);
		ck_assert_uint_eq(ring->next, 0);
		ck_assert_ptr_eq((void *)(uintptr_t)ring->place.avail_user_addr,
				 driver_avail(&bench->queues[i]));
		ck_assert_ptr_eq((void *)(uintptr_t)ring->place.used_user_addr,
				 driver_used(&bench->queues[i]));
		ck_assert_ptr_eq((void *)(uintptr_t)ring->place.desc_user_addr,
				 driver_descriptor(&bench->queues[i], 0));
	}
	virtio_reset(bench);
	ck_assert(!runs());
	drive();
	ck_assert(runs());
}
END_TEST

START_TEST(a_kick_and_a_call_pass_the_monitor_by)
{
	uint32_t head, written;

	drive();
	(void)fd_take(node->rings[1].kick);
	driver_describe(&bench->queues[1], 3, 0x300000, 64, 0, 0);
	driver_offer(&bench->queues[1], 3);
	virtio_kick(bench, 1);
	ck_assert(fd_take(node->rings[1].kick));
	fake_vhost_serve(node, 1);
	ck_assert(driver_take(&bench->queues[1], &head, &written));
	ck_assert_uint_eq(head, 3);
	turn_loop();
	ck_assert_msg(virtio_read(bench, FUNCTION_ISR, 1) == ISR_QUEUE, "INTx goes by the loop");
}
END_TEST

static void set_vector(unsigned int vector, bool masked)
{
	uint64_t entry = FUNCTION_MSIX + 16 * vector;

	virtio_write(bench, entry, 8, 0xfee00000);
	virtio_write(bench, entry + 8, 4, 0x40 + vector);
	virtio_write(bench, entry + 12, 4, masked);
}

START_TEST(the_kernel_signals_the_vector)
{
	ck_assert_int_eq(virtio_config_write(bench, 0x42, 2, PCI_MSIX_FLAGS_ENABLE), MEM_DONE);
	drive();
	ck_assert_msg(node->rings[0].call < 0, "nobody wants to know");
	virtio_write(bench, COMMON_QUEUE_SELECT, 2, 0);
	virtio_write(bench, COMMON_QUEUE_VECTOR, 2, 1);
	/* Never unmasked: it is passed on, and pending. */
	fd_signal(node->rings[0].call);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_PBA, 8), 1 << 1);
	set_vector(1, false);
	ck_assert(fake_irq_delivered(&bench->irq, FAKE_FIRST_MSI));
	ck_assert_int_eq(node->rings[0].call, fake_irq_find(&bench->irq, FAKE_FIRST_MSI)->eventfd);
	set_vector(1, true);
	fd_signal(node->rings[0].call);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_PBA, 8), 1 << 1);
	set_vector(1, false);
	ck_assert(fake_irq_delivered(&bench->irq, FAKE_FIRST_MSI));
	/* Off: what the kernel signals then is still open. */
	ck_assert_int_eq(virtio_config_write(bench, 0x42, 2, 0), MEM_DONE);
	fd_signal(node->rings[0].call);
	turn_loop();
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_ISR, 1), ISR_QUEUE);
}
END_TEST

START_TEST(without_bus_mastering_it_stands_and_goes_on_from_there)
{
	drive();
	node->rings[0].next = 7;
	set_mastering(false);
	ck_assert(!runs());
	node->rings[0].next = 0;
	(void)fd_take(node->rings[0].kick);
	set_mastering(true);
	ck_assert(runs());
	ck_assert_uint_eq(node->rings[0].next, 7);
	ck_assert_msg(fd_take(node->rings[0].kick), "kicks that came meanwhile are looked at");
	/* A driver that is ready before. */
	virtio_reset(bench);
	set_mastering(false);
	drive();
	ck_assert(!runs());
	set_mastering(true);
	ck_assert(runs());
	ck_assert_uint_eq(node->rings[0].next, 0);
}
END_TEST

START_TEST(it_stands_with_the_machine)
{
	drive();
	node->rings[1].next = 9;
	virtio_function_stand(bench->device, true);
	ck_assert(!runs());
	set_mastering(true);
	ck_assert(!runs());
	virtio_function_stand(bench->device, false);
	ck_assert(runs());
	ck_assert_uint_eq(node->rings[1].next, 9);
	/* A reset of the machine while it stands, as a debugger has it. */
	virtio_function_stand(bench->device, true);
	pci_host_reset(bench->pci->host);
	virtio_function_stand(bench->device, false);
	ck_assert(!runs());
	set_mastering(true);
	drive();
	ck_assert(runs());
}
END_TEST

START_TEST(a_queue_is_reset_alone)
{
	drive();
	node->rings[1].next = 5;
	virtio_write(bench, COMMON_QUEUE_SELECT, 2, 1);
	virtio_write(bench, COMMON_QUEUE_RESET, 2, 1);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_RESET, 2), 0);
	ck_assert(fake_ring_runs(node, 0) && !fake_ring_runs(node, 1));
	bench->queues[1] = driver_queue(&bench->memory, 1, 8, bench->features);
	virtio_place_queue(bench, 1);
	ck_assert(runs());
	ck_assert_uint_eq(node->rings[1].size, 8);
	ck_assert_uint_eq(node->rings[1].next, 0);
}
END_TEST

START_TEST(a_restart_of_the_machine_stops_it)
{
	drive();
	pci_host_reset(bench->pci->host);
	ck_assert(!runs());
	set_mastering(true);
	ck_assert_uint_eq(virtio_status(bench), 0);
	drive();
	ck_assert(runs());
}
END_TEST

START_TEST(what_the_driver_puts_there_may_be_nothing)
{
	virtio_negotiate(bench, bench->device->features);
	bench->queues[0] = driver_queue(&bench->memory, 0, 16, bench->features);
	bench->queues[0].place.device = DRIVER_END - 16;
	virtio_place_queue(bench, 0);
	virtio_add_status(bench, VIRTIO_CONFIG_S_DRIVER_OK);
	ck_assert(has_failed() && !runs());
	virtio_reset(bench);
	drive();
	ck_assert(runs());
	/* And what the kernel meets in a queue. */
	fd_signal(node->rings[0].err);
	turn_loop();
	ck_assert(has_failed() && !runs());
	set_mastering(false);
	set_mastering(true);
	ck_assert_msg(!runs(), "until it is reset");
	virtio_reset(bench);
	drive();
	ck_assert(runs() && !has_failed());
}
END_TEST

/* What cannot be stopped is closed, and does not come back. */
START_TEST(a_kernel_that_does_not_stop_is_left)
{
	drive();
	fault_arm(1, FAULT_ERROR, -EIO);
	fault_plan.onwards = true;
	virtio_reset(bench);
	fault_disarm();
	ck_assert(!fake_vhost_is_open(node));
	ck_assert(atomic_load(&bench->device->gone));
	drive();
	ck_assert(has_failed());
	virtio_reset(bench);
	ck_assert_uint_eq(virtio_status(bench), 0);
}
END_TEST

/* All that a driver may do. */
static void live(void)
{
	drive();
	set_mastering(false);
	set_mastering(true);
	ck_assert_int_eq(virtio_config_write(bench, 0x42, 2, PCI_MSIX_FLAGS_ENABLE), MEM_DONE);
	virtio_write(bench, COMMON_QUEUE_SELECT, 2, 0);
	virtio_write(bench, COMMON_QUEUE_VECTOR, 2, 1);
	set_vector(1, false);
	ck_assert_int_eq(virtio_config_write(bench, 0x42, 2, 0), MEM_DONE);
	virtio_write(bench, COMMON_QUEUE_RESET, 2, 1);
	bench->queues[0] = driver_queue(&bench->memory, 0, 16, bench->features);
	virtio_place_queue(bench, 0);
	virtio_reset(bench);
}

START_TEST(any_call_of_a_life_may_fail)
{
	bool struck = true;

	for (unsigned int at = 1; struck; at++) {
		bool failed;

		fault_arm(at, FAULT_ERROR, -ENOMEM);
		fault_plan.only = "ioctl";
		live();
		struck = fault_plan.struck > 0;
		fault_disarm();
		turn_loop();
		/* Another life: all is well, or the kernel was left for good. */
		drive();
		failed = has_failed();
		ck_assert_msg(failed == !runs(), "call %u", at);
		virtio_reset(bench);
		if (failed) {
			tear_down();
			set_up();
		}
	}
}
END_TEST

START_TEST(any_call_of_the_beginning_may_fail)
{
	unsigned int open = count_descriptors(), files = fake_vhost.count;
	bool struck = true;

	for (unsigned int at = 1; struck; at++) {
		struct virtio_device *device;
		struct err err = {0};

		fake_vhost.count = files;
		fault_arm(at, FAULT_ERROR, -ENOMEM);
		device = create(&err);
		struck = fault_plan.struck > 0;
		fault_disarm();
		if (device)
			device->ops->destroy(device);
		else
			ck_assert_msg(strncmp(err.text, "net0: ", 6) == 0, "%s", err.text);
		ck_assert_uint_eq(count_descriptors(), open);
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, the_kernel_is_given_the_driver_s_queues);
	tcase_add_test(tests, a_kick_and_a_call_pass_the_monitor_by);
	tcase_add_test(tests, the_kernel_signals_the_vector);
	tcase_add_test(tests, without_bus_mastering_it_stands_and_goes_on_from_there);
	tcase_add_test(tests, it_stands_with_the_machine);
	tcase_add_test(tests, a_queue_is_reset_alone);
	tcase_add_test(tests, a_restart_of_the_machine_stops_it);
	tcase_add_test(tests, what_the_driver_puts_there_may_be_nothing);
	tcase_add_test(tests, a_kernel_that_does_not_stop_is_left);
	tcase_add_test(tests, any_call_of_a_life_may_fail);
	tcase_add_test(tests, any_call_of_the_beginning_may_fail);
}

int main(void)
{
	return run_suite("vhost", add_tests);
}
