/* SPDX-License-Identifier: BSD-3-Clause */
/* A network card: what it offers by its tap and kernel, what the tap is told, its control queue. */

#include "devices/virtio/net.h"
#include "tests/unit/support/fake_virtio.h"
/* The kernel behind it. */
#include "tests/unit/support/fake_vhost.h"
#include "tests/unit/support/suite.h"

enum { PAIRS = 2, CONTROL = 2 * PAIRS };

#define BIT(feature) (UINT64_C(1) << (feature))

static struct virtio_bench *bench;
static struct net_config config;

static void set_up(void)
{
	fault_disarm();
	fake_vhost_begin();
	config = (struct net_config){.tap = "tap0", .pairs = PAIRS};
}

static void tear_down(void)
{
	if (bench)
		virtio_bench_destroy(bench);
	bench = NULL;
}

static void create(void)
{
	struct err err = {0};
	struct virtio_device *device = net_create(&config, 0, &err);

	ck_assert_msg(device, "%s", err.text);
	bench = virtio_bench_create(device);
}

static void refused(const char *says)
{
	struct err err = {0};

	ck_assert_ptr_null(net_create(&config, 3, &err));
	ck_assert_msg(strncmp(err.text, "net3: ", 6) == 0 && strstr(err.text, says), "%s",
		      err.text);
}

static struct fake_vhost_file *tap(unsigned int index)
{
	return fake_vhost_file(FAKE_VHOST_TAP, index);
}

static bool runs(unsigned int queue)
{
	return fake_ring_runs(fake_vhost_file(FAKE_VHOST_NET, queue / 2), queue % 2);
}

static bool offers(unsigned int feature)
{
	return bench->device->features >> feature & 1;
}

START_TEST(what_it_offers)
{
	const uint8_t *bytes;

	config.mtu = 9000;
	create();
	bytes = bench->device->config;
	ck_assert_uint_eq(bench->device->queue_count, CONTROL + 1);
	ck_assert(offers(VIRTIO_NET_F_MQ) && offers(VIRTIO_NET_F_CTRL_VQ));
	ck_assert(offers(VIRTIO_NET_F_MTU) && offers(VIRTIO_NET_F_MRG_RXBUF));
	ck_assert(offers(VIRTIO_NET_F_MAC) && offers(VIRTIO_NET_F_STATUS));
	ck_assert(offers(54) && offers(55) && offers(56));
	ck_assert_msg((bytes[0] & 3) == 2, "the address is local, and of one card");
	ck_assert_uint_eq(load_le16(bytes + 6), VIRTIO_NET_S_LINK_UP);
	ck_assert_uint_eq(load_le16(bytes + 8), PAIRS);
	ck_assert_uint_eq(load_le16(bytes + 10), 9000);
	ck_assert_uint_eq(tap(1)->header, 12);
}
END_TEST

START_TEST(what_an_older_kernel_has_not_is_not_offered)
{
	static const uint8_t mac[] = {0x52, 0x54, 0, 1, 2, 3};

	fake_vhost.features = BIT(VIRTIO_F_VERSION_1);
	fake_vhost.offloads = 0x1f;
	config.pairs = 1;
	config.has_mac = true;
	memcpy(config.mac, mac, sizeof(mac));
	create();
	ck_assert_uint_eq(bench->device->queue_count, 2);
	ck_assert(!offers(VIRTIO_NET_F_MQ) && !offers(VIRTIO_NET_F_CTRL_VQ));
	ck_assert(!offers(VIRTIO_NET_F_MTU) && !offers(VIRTIO_NET_F_MRG_RXBUF));
	ck_assert(!offers(VIRTIO_RING_F_EVENT_IDX) && !offers(VIRTIO_RING_F_INDIRECT_DESC));
	ck_assert(!offers(54) && !offers(55) && !offers(56));
	ck_assert_mem_eq(bench->device->config, mac, sizeof(mac));
	tear_down();
	fake_vhost.features = 0;
	refused("/dev/vhost-net: it is too old");
}
END_TEST

START_TEST(why_it_is_not_to_be_had)
{
	fake_vhost.absent = "/dev/vhost-net";
	refused("/dev/vhost-net: the host's kernel does not offer it: modprobe vhost_net");
	fake_vhost.absent = NULL;
	fake_vhost.tap_error = -EBUSY;
	refused("another program has it");
	config.tap = "eth0";
	refused("No such device");
}
END_TEST

static const struct {
	uint64_t takes;
	unsigned int offloads;
} offloads[] = {
	{0, 0},
	{BIT(VIRTIO_NET_F_GUEST_TSO4), 0},
	{BIT(VIRTIO_NET_F_GUEST_CSUM), TUN_F_CSUM},
	{BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_ECN), TUN_F_CSUM},
	{BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_ECN),
	 TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO_ECN},
	{BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(54),
	 TUN_F_CSUM | TUN_F_TSO6},
	{BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(54) | BIT(55), TUN_F_CSUM | 0x60},
};

START_TEST(the_tap_hands_over_whole_what_the_driver_takes)
{
	create();
	virtio_drive(bench, BIT(VIRTIO_F_VERSION_1) | offloads[_i].takes, 16);
	for (unsigned int i = 0; i < PAIRS; i++)
		ck_assert_uint_eq(tap(i)->offloads, offloads[_i].offloads);
}
END_TEST

/* One command: how it was answered. */
static uint8_t command(unsigned int queue, uint8_t class, uint8_t number, uint16_t pairs,
		       uint32_t size)
{
	struct driver_queue *driver = &bench->queues[queue];
	uint8_t bytes[4] = {class, number, (uint8_t)pairs, (uint8_t)(pairs >> 8)};
	uint32_t head, written;

	memcpy(driver_host(driver, 0x300000), bytes, sizeof(bytes));
	*(uint8_t *)driver_host(driver, 0x301000) = 0x55;
	driver_describe(driver, 0, 0x300000, 2, VRING_DESC_F_NEXT, 1);
	driver_describe(driver, 1, 0x300002, size, VRING_DESC_F_NEXT, 2);
	driver_describe(driver, 2, 0x301000, 1, VRING_DESC_F_WRITE, 0);
	driver_offer(driver, 0);
	virtio_kick(bench, queue);
	virtio_turn_loop(bench);
	if (!driver_take(driver, &head, &written))
		return 0xff;
	ck_assert_uint_eq(written, 1);
	return *(uint8_t *)driver_host(driver, 0x301000);
}

static uint8_t use_pairs(unsigned int queue, uint16_t pairs)
{
	return command(queue, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, pairs, 2);
}

START_TEST(the_driver_says_how_many_pairs_it_uses)
{
	create();
	virtio_drive(bench, bench->device->features, 16);
	for (unsigned int i = 0; i < 2 * PAIRS; i++)
		ck_assert(runs(i));
	ck_assert_msg(!tap(0)->detached && tap(1)->detached, "one at first");
	ck_assert_uint_eq(use_pairs(CONTROL, 2), VIRTIO_NET_OK);
	ck_assert(!tap(0)->detached && !tap(1)->detached);
	ck_assert_uint_eq(use_pairs(CONTROL, 0), VIRTIO_NET_ERR);
	ck_assert_uint_eq(use_pairs(CONTROL, 3), VIRTIO_NET_ERR);
	ck_assert_uint_eq(command(CONTROL, VIRTIO_NET_CTRL_MQ, 0, 1, 1), VIRTIO_NET_ERR);
	ck_assert_uint_eq(command(CONTROL, VIRTIO_NET_CTRL_MQ, 1, 1, 2), VIRTIO_NET_ERR);
	ck_assert_uint_eq(command(CONTROL, VIRTIO_NET_CTRL_RX, 0, 1, 2), VIRTIO_NET_ERR);
	ck_assert(!tap(1)->detached);
	fault_arm(1, FAULT_ERROR, -ENOMEM);
	ck_assert_uint_eq(use_pairs(CONTROL, 1), VIRTIO_NET_ERR);
	fault_disarm();
	ck_assert_uint_eq(use_pairs(CONTROL, 1), VIRTIO_NET_OK);
	ck_assert(tap(1)->detached);
	/* After a reset there is one again. */
	ck_assert_uint_eq(use_pairs(CONTROL, 2), VIRTIO_NET_OK);
	virtio_reset(bench);
	virtio_drive(bench, bench->device->features, 16);
	ck_assert(tap(1)->detached);
}
END_TEST

/* A driver that takes one pair has that queue behind it (VIRTIO 1.2 5.1.2). */
START_TEST(the_control_queue_follows_the_pairs)
{
	create();
	virtio_drive(bench, bench->device->features & ~BIT(VIRTIO_NET_F_MQ), 16);
	ck_assert(runs(0) && runs(1) && !runs(2) && !runs(3));
	ck_assert_uint_eq(use_pairs(2, 1), VIRTIO_NET_OK);
	ck_assert_uint_eq(use_pairs(CONTROL, 1), 0xff);
	virtio_reset(bench);
	ck_assert_uint_eq(use_pairs(2, 1), 0xff);
	virtio_drive(bench, bench->device->features & ~BIT(VIRTIO_NET_F_CTRL_VQ), 16);
	ck_assert_uint_eq(use_pairs(CONTROL, 1), 0xff);
	/* Any queue may be reset, whatever it is to this driver. */
	for (unsigned int i = 0; i <= CONTROL; i++) {
		virtio_write(bench, COMMON_QUEUE_SELECT, 2, i);
		virtio_write(bench, COMMON_QUEUE_RESET, 2, 1);
		ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_RESET, 2), 0);
		bench->queues[i] = driver_queue(&bench->memory, i, 16, bench->features);
		virtio_place_queue(bench, i);
	}
	ck_assert(runs(0) && runs(3));
}
END_TEST

START_TEST(the_control_queue_is_reset_alone_and_stands)
{
	create();
	virtio_drive(bench, bench->device->features, 16);
	virtio_write(bench, COMMON_QUEUE_SELECT, 2, CONTROL);
	virtio_write(bench, COMMON_QUEUE_RESET, 2, 1);
	ck_assert_uint_eq(use_pairs(CONTROL, 1), 0xff);
	bench->queues[CONTROL] = driver_queue(&bench->memory, CONTROL, 16, bench->features);
	virtio_place_queue(bench, CONTROL);
	ck_assert_uint_eq(use_pairs(CONTROL, 1), VIRTIO_NET_OK);
	virtio_config_write(bench, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(use_pairs(CONTROL, 2), 0xff);
	ck_assert(tap(1)->detached);
	virtio_config_write(bench, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(use_pairs(CONTROL, 2), VIRTIO_NET_OK);
}
END_TEST

START_TEST(a_command_that_is_none_is_the_driver_s_fault)
{
	struct driver_queue *driver;

	create();
	driver = &bench->queues[CONTROL];
	virtio_drive(bench, bench->device->features, 16);
	driver_describe(driver, 0, 0x300000, 2, 0, 0);
	driver_offer(driver, 0);
	virtio_kick(bench, CONTROL);
	virtio_turn_loop(bench);
	ck_assert(virtio_status(bench) & VIRTIO_CONFIG_S_NEEDS_RESET);
	ck_assert(!runs(0) && !runs(3));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, what_it_offers);
	tcase_add_test(tests, what_an_older_kernel_has_not_is_not_offered);
	tcase_add_test(tests, why_it_is_not_to_be_had);
	tcase_add_loop_test(tests, the_tap_hands_over_whole_what_the_driver_takes, 0,
			    ARRAY_SIZE(offloads));
	tcase_add_test(tests, the_driver_says_how_many_pairs_it_uses);
	tcase_add_test(tests, the_control_queue_follows_the_pairs);
	tcase_add_test(tests, the_control_queue_is_reset_alone_and_stands);
	tcase_add_test(tests, a_command_that_is_none_is_the_driver_s_fault);
}

int main(void)
{
	return run_suite("net", add_tests);
}
