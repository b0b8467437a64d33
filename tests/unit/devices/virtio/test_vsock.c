/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets between guest and host: their address, and both queues of the kernel's together. */

#include "devices/virtio/vsock.h"
#include "tests/unit/support/fake_virtio.h"
/* The kernel behind it. */
#include "tests/unit/support/fake_vhost.h"
#include "tests/unit/support/suite.h"

static struct virtio_bench *bench;
static struct fake_vhost_file *node;

static void set_up(void)
{
	struct err err = {0};
	struct virtio_device *device;

	fault_disarm();
	fake_vhost_begin();
	device = vsock_create(7, &err);
	ck_assert_msg(device, "%s", err.text);
	bench = virtio_bench_create(device);
	node = fake_vhost_file(FAKE_VHOST_VSOCK, 0);
}

static void tear_down(void)
{
	virtio_bench_destroy(bench);
}

static bool has_failed(void)
{
	return virtio_status(bench) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

START_TEST(it_runs_and_stands)
{
	ck_assert_uint_eq(node->cid, 7);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE, 8), 7);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_COUNT, 2), 3);
	ck_assert_uint_eq(virtio_offered(bench), fake_vhost.features & ~(UINT64_C(1) << 15));
	virtio_drive(bench, bench->device->features, 16);
	ck_assert(node->running && !has_failed());
	node->rings[0].next = 3;
	virtio_config_write(bench, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert(!node->running);
	virtio_config_write(bench, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert(node->running);
	ck_assert_uint_eq(node->rings[0].next, 3);
	virtio_reset(bench);
	ck_assert(!node->running);
	virtio_drive(bench, bench->device->features, 16);
	ck_assert(node->running);
	ck_assert_uint_eq(node->rings[0].next, 0);
}
END_TEST

START_TEST(half_of_it_is_the_driver_s_fault)
{
	virtio_negotiate(bench, bench->device->features);
	bench->queues[0] = driver_queue(&bench->memory, 0, 16, bench->features);
	virtio_place_queue(bench, 0);
	virtio_add_status(bench, VIRTIO_CONFIG_S_DRIVER_OK);
	ck_assert(has_failed() && !node->running);
	/* A queue that comes later, too. */
	bench->queues[1] = driver_queue(&bench->memory, 1, 16, bench->features);
	virtio_place_queue(bench, 1);
	ck_assert(!node->running);
	virtio_reset(bench);
	virtio_drive(bench, bench->device->features, 16);
	ck_assert(node->running && !has_failed());
}
END_TEST

START_TEST(why_it_is_not_to_be_had)
{
	struct err err = {0};

	fake_vhost.taken = 9;
	ck_assert_ptr_null(vsock_create(9, &err));
	ck_assert_str_eq(err.text, "vsock: CID 9: another guest has it: give another number");
	fake_vhost.absent = "/dev/vhost-vsock";
	ck_assert_ptr_null(vsock_create(10, &err));
	ck_assert_str_eq(err.text, "vsock: /dev/vhost-vsock: the host's kernel does not offer it: "
				   "modprobe vhost_vsock");
	fake_vhost.absent = NULL;
	fault_arm(1, FAULT_ERROR, -EACCES);
	ck_assert_ptr_null(vsock_create(10, &err));
	ck_assert_msg(strstr(err.text, "this user may not open it"), "%s", err.text);
	for (unsigned int at = 1; at <= 4; at++) {
		fault_arm(at, FAULT_ERROR, -ENOMEM);
		ck_assert_ptr_null(vsock_create(10, &err));
		ck_assert_msg(strncmp(err.text, "vsock: ", 7) == 0, "%s", err.text);
	}
	fault_disarm();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, it_runs_and_stands);
	tcase_add_test(tests, half_of_it_is_the_driver_s_fault);
	tcase_add_test(tests, why_it_is_not_to_be_had);
}

int main(void)
{
	return run_suite("vsock", add_tests);
}
