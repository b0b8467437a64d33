/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio function's registers: every width, every order, a reset at any moment. */

#include "tests/unit/devices/virtio/test_noting.h"
#include "tests/unit/support/suite.h"

START_TEST(it_is_a_modern_function)
{
	unsigned int at = virtio_config_read(bench, PCI_CAPABILITY_LIST, 1), kinds = 0;

	ck_assert_uint_eq(virtio_config_read(bench, PCI_VENDOR_ID, 4), 0x10421af4);
	ck_assert_uint_eq(virtio_config_read(bench, PCI_CLASS_REVISION, 4), 0x01800001);
	ck_assert_uint_eq(virtio_config_read(bench, PCI_INTERRUPT_PIN, 1), 1);
	for (; at; at = virtio_config_read(bench, at + 1, 1)) {
		ck_assert(is_aligned(at, 4));
		if (virtio_config_read(bench, at, 1) == PCI_CAP_ID_MSIX)
			ck_assert_uint_eq(virtio_config_read(bench, at + 2, 2), QUEUES);
		else
			kinds |= 1U << virtio_config_read(bench, at + VIRTIO_PCI_CAP_CFG_TYPE, 1);
	}
	ck_assert_uint_eq(kinds, 1 << VIRTIO_PCI_CAP_COMMON_CFG | 1 << VIRTIO_PCI_CAP_NOTIFY_CFG |
					 1 << VIRTIO_PCI_CAP_ISR_CFG |
					 1 << VIRTIO_PCI_CAP_DEVICE_CFG |
					 1 << VIRTIO_PCI_CAP_PCI_CFG);
}
END_TEST

START_TEST(a_driver_drives_it)
{
	ck_assert_uint_eq(virtio_offered(bench), noting.device.features);
	virtio_write(bench, COMMON_DEVICE_FEATURE_SELECT, 4, 2);
	ck_assert_uint_eq(virtio_read(bench, COMMON_DEVICE_FEATURE, 4), 0);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_COUNT, 2), QUEUES);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_SIZE, 2), QUEUE_SIZE);
	drive();
	ck_assert_uint_eq(noting.features, noting.device.features);
	for (unsigned int i = 0; i < QUEUES; i++)
		ck_assert_mem_eq(&noting.places[i], &bench->queues[i].place,
				 sizeof(noting.places[i]));
	ck_assert_uint_eq(virtio_status(bench), 15);
}
END_TEST

START_TEST(features_that_are_not_offered_are_refused)
{
	static const uint64_t wrong[] = {0x5, VIRTIO_FEATURES_COMMON | 0x2,
					 VIRTIO_FEATURES_COMMON | UINT64_C(1) << 33};

	virtio_add_status(bench, 3);
	virtio_take_features(bench, wrong[_i]);
	virtio_add_status(bench, VIRTIO_CONFIG_S_FEATURES_OK);
	ck_assert_uint_eq(virtio_status(bench), 3);
	virtio_add_status(bench, VIRTIO_CONFIG_S_DRIVER_OK);
	ck_assert_uint_eq(virtio_status(bench), 3);
	ck_assert_uint_eq(noting.starts, 0);
	/* It may ask for others then. */
	virtio_negotiate(bench, VIRTIO_FEATURES_COMMON);
}
END_TEST

/* What may not be written is not. */
START_TEST(what_was_settled_stays)
{
	drive();
	virtio_take_features(bench, 0);
	virtio_write(bench, COMMON_DRIVER_FEATURE_SELECT, 4, 0);
	ck_assert_uint_eq(virtio_read(bench, COMMON_DRIVER_FEATURE, 4),
			  (uint32_t)noting.device.features);
	virtio_write(bench, COMMON_QUEUE_SELECT, 2, 1);
	virtio_write(bench, COMMON_QUEUE_SIZE, 2, 8);
	virtio_write(bench, COMMON_QUEUE_DESCRIPTORS, 8, 0x1234000);
	virtio_write(bench, COMMON_QUEUE_ENABLE, 2, 0);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_SIZE, 2), 16);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_DESCRIPTORS, 8),
			  bench->queues[1].place.descriptors);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_ENABLE, 2), 1);
	/* A status without bits that it has does not take them away. */
	virtio_write(bench, COMMON_STATUS, 1, 1);
	ck_assert_uint_eq(virtio_status(bench), 15);
	ck_assert_uint_eq(noting.starts, 1);
}
END_TEST

START_TEST(a_queue_that_is_none_has_nothing)
{
	virtio_write(bench, COMMON_QUEUE_SELECT, 2, QUEUES);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_SIZE, 2), 0);
	virtio_write(bench, COMMON_QUEUE_SIZE, 2, 8);
	virtio_write(bench, COMMON_QUEUE_ENABLE, 2, 1);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_ENABLE, 2), 0);
	virtio_write(bench, COMMON_QUEUE_SELECT, 2, 0);
	for (unsigned int size = 0; size <= QUEUE_SIZE * 2; size++) {
		virtio_write(bench, COMMON_QUEUE_SIZE, 2, 32);
		virtio_write(bench, COMMON_QUEUE_SIZE, 2, size);
		ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_SIZE, 2),
				  is_power_of_2(size) && size <= QUEUE_SIZE ? size : 32);
	}
}
END_TEST

/* Every place in the BAR by every width: none does harm, reads are of what is there. */
START_TEST(any_width_at_any_place)
{
	for (unsigned int size = 1; size <= 8; size *= 2)
		for (uint64_t offset = 0; offset + size <= VIRTIO_FUNCTION_BAR_SIZE; offset++) {
			(void)virtio_read(bench, offset, size);
			virtio_write(bench, offset, size, offset * 0x9e3779b97f4a7c15);
		}
	virtio_reset(bench);
	for (unsigned int i = 0; i < 8; i++)
		ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE + i, 1), i + 1);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE, 8), 0x0807060504030201);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE + 8, 1), 0xff);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE + 5, 4), 0xffffffff);
	/* Half a register is not written. */
	virtio_write(bench, COMMON_QUEUE_SELECT, 1, 1);
	virtio_write(bench, COMMON_QUEUE_SELECT, 4, 1);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_SELECT, 2), 0);
}
END_TEST

/* A reset takes its time: until then the status is not 0, and nothing else is heard. */
START_TEST(a_reset_waits_for_the_device)
{
	drive();
	noting.busy = true;
	virtio_write(bench, COMMON_STATUS, 1, 0);
	ck_assert_uint_ne(virtio_status(bench), 0);
	virtio_write(bench, COMMON_QUEUE_SELECT, 2, 2);
	virtio_write(bench, COMMON_STATUS, 1, 1);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_SELECT, 2), 2);
	noting.busy = false;
	ck_assert_uint_eq(virtio_status(bench), 0);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_SELECT, 2), 0);
	virtio_write(bench, COMMON_QUEUE_SELECT, 2, 2);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_ENABLE, 2), 0);
	drive();
}
END_TEST

/* After any number of a driver's steps it begins anew. */
START_TEST(a_reset_at_any_moment)
{
	for (unsigned int steps = 0; steps < 12; steps++) {
		static const uint8_t status[] = {1, 3, 11, 15};

		virtio_take_features(bench, noting.device.features);
		for (unsigned int i = 0; i < steps && i < 3; i++)
			virtio_add_status(bench, status[i]);
		for (unsigned int i = 0; i + 3 < steps && i < QUEUES; i++) {
			bench->queues[i] = driver_queue(&bench->memory, i, 16, bench->features);
			virtio_place_queue(bench, i);
		}
		if (steps > 6)
			virtio_add_status(bench, 15);
		if (steps > 7)
			virtio_kick(bench, steps % QUEUES);
		noting.busy = steps == 9;
		if (steps > 8)
			pci_host_reset(bench->pci->host);
		if (steps > 8)
			ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2,
							     PCI_COMMAND_MEMORY |
								     PCI_COMMAND_MASTER),
					 MEM_DONE);
		virtio_reset(bench);
		ck_assert_uint_eq(virtio_status(bench), 0);
		ck_assert(!noting.running);
		drive();
		virtio_reset(bench);
	}
	ck_assert_uint_ge(noting.waits, 1);
}
END_TEST

START_TEST(a_machine_that_resets_waits)
{
	drive();
	noting.busy = true;
	pci_host_reset(bench->pci->host);
	ck_assert_uint_eq(noting.waits, 1);
	ck_assert(!noting.running && noting.paused);
}
END_TEST

/* The guest's write that ends bus mastering comes again until nothing is under way. */
START_TEST(bus_mastering_ends_once_it_is_quiet)
{
	drive();
	ck_assert(!noting.paused);
	noting.busy = true;
	ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2, PCI_COMMAND_MEMORY),
			 MEM_NOT_YET);
	ck_assert(virtio_config_read(bench, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	noting.busy = false;
	noting.attach.transport->quiet(noting.attach.owner);
	ck_assert_uint_eq(bench->wakes, 1);
	ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 2, PCI_COMMAND_MEMORY), MEM_DONE);
	ck_assert(noting.paused);
	/* One byte is enough of a write, and one elsewhere is none. */
	ck_assert_int_eq(virtio_config_write(bench, PCI_COMMAND, 1,
					     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER),
			 MEM_DONE);
	ck_assert(!noting.paused);
	noting.busy = true;
	ck_assert_int_eq(virtio_config_write(bench, PCI_INTERRUPT_LINE, 1, 9), MEM_DONE);
	noting.busy = false;
}
END_TEST

START_TEST(kicks_come_to_their_queues)
{
	uint64_t count;

	drive();
	for (unsigned int i = 0; i < QUEUES; i++) {
		virtio_kick(bench, i);
		virtio_kick(bench, i);
		ck_assert_int_eq(read(noting.attach.kicks[i], &count, 8), 8);
		ck_assert_uint_eq(count, 2);
	}
	/* Beside the doorbells there is nothing. */
	virtio_write(bench, FUNCTION_NOTIFY + FUNCTION_BELL * QUEUES, 2, 0);
	virtio_write(bench, FUNCTION_NOTIFY + 2, 2, 0);
}
END_TEST

/* By way of config space (VIRTIO 1.2 4.1.4.9). */
START_TEST(config_space_is_a_way_to_the_bar)
{
	const unsigned int window = 0x90;

	virtio_config_write(bench, window + 4, 1, 0);
	virtio_config_write(bench, window + 8, 4, COMMON_QUEUE_SELECT);
	virtio_config_write(bench, window + 12, 4, 2);
	virtio_config_write(bench, window + 16, 2, 2);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_SELECT, 2), 2);
	ck_assert_uint_eq(virtio_config_read(bench, window + 16, 4), 2);
	/* What is no access is none. */
	for (unsigned int i = 0; i < 4; i++) {
		static const uint32_t wrong[][3] = {{1, 0, 4},
						    {0, 2, 4},
						    {0, VIRTIO_FUNCTION_BAR_SIZE, 4},
						    {0, 0, 8}};

		virtio_config_write(bench, window + 4, 1, wrong[i][0]);
		virtio_config_write(bench, window + 8, 4, wrong[i][1]);
		virtio_config_write(bench, window + 12, 4, wrong[i][2]);
		virtio_config_write(bench, window + 16, 4, 1);
		ck_assert_uint_eq(virtio_config_read(bench, window + 16, 4), 0);
	}
}
END_TEST

START_TEST(a_driver_that_is_refused_is_told)
{
	noting.refuses = true;
	virtio_drive(bench, noting.device.features, 16);
	ck_assert(virtio_status(bench) & VIRTIO_CONFIG_S_NEEDS_RESET);
	turn_loop();
	noting.refuses = false;
	virtio_reset(bench);
	drive();
}
END_TEST

START_TEST(a_queue_begins_anew)
{
	drive();
	virtio_write(bench, COMMON_QUEUE_SELECT, 2, 1);
	noting.busy = true;
	virtio_write(bench, COMMON_QUEUE_RESET, 2, 1);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_RESET, 2), 1);
	virtio_write(bench, COMMON_QUEUE_ENABLE, 2, 1);
	ck_assert_uint_eq(noting.queue_starts, 0);
	noting.busy = false;
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_RESET, 2), 0);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_ENABLE, 2), 0);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_SIZE, 2), QUEUE_SIZE);
	bench->queues[1].place.size = 32;
	virtio_place_queue(bench, 1);
	ck_assert_uint_eq(noting.queue_starts, 1);
	ck_assert_uint_eq(noting.places[1].size, 32);
}
END_TEST

/* Without the feature there is no such thing, and a queue is enabled before, not after. */
START_TEST(a_queue_is_not_reset_unasked)
{
	virtio_drive(bench, UINT64_C(1) << VIRTIO_F_VERSION_1, 16);
	virtio_write(bench, COMMON_QUEUE_RESET, 2, 1);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_RESET, 2), 0);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_ENABLE, 2), 1);
	virtio_reset(bench);
	virtio_negotiate(bench, UINT64_C(1) << VIRTIO_F_VERSION_1);
	virtio_add_status(bench, VIRTIO_CONFIG_S_DRIVER_OK);
	virtio_place_queue(bench, 0);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_ENABLE, 2), 0);
	ck_assert_uint_eq(noting.queue_starts, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, it_is_a_modern_function);
	tcase_add_test(tests, a_driver_drives_it);
	tcase_add_loop_test(tests, features_that_are_not_offered_are_refused, 0, 3);
	tcase_add_test(tests, what_was_settled_stays);
	tcase_add_test(tests, a_queue_that_is_none_has_nothing);
	tcase_add_test(tests, any_width_at_any_place);
	tcase_add_test(tests, a_reset_waits_for_the_device);
	tcase_add_test(tests, a_reset_at_any_moment);
	tcase_add_test(tests, a_machine_that_resets_waits);
	tcase_add_test(tests, bus_mastering_ends_once_it_is_quiet);
	tcase_add_test(tests, kicks_come_to_their_queues);
	tcase_add_test(tests, config_space_is_a_way_to_the_bar);
	tcase_add_test(tests, a_driver_that_is_refused_is_told);
	tcase_add_test(tests, a_queue_begins_anew);
	tcase_add_test(tests, a_queue_is_not_reset_unasked);
}

int main(void)
{
	return run_suite("function", add_tests);
}
