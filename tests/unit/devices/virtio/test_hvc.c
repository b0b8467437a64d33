/* SPDX-License-Identifier: BSD-3-Clause */
/* A console as a driver has it: text both ways, a reader who takes little, a driver that does. */

#include "devices/virtio/hvc.h"

#include <linux/virtio_console.h>

#include "tests/unit/support/fake_virtio.h"
#include "tests/unit/support/suite.h"

enum { RECEIVE, TRANSMIT, QUEUE_SIZE = 16, BUFFERS = 0x100000, SCREEN_SIZE = 64 * 1024 };

static struct {
	uint8_t text[SCREEN_SIZE];
	size_t count, takes; /* so much more at most */
	unsigned int calls, rooms;
} screen;

static struct virtio_bench *bench;

static size_t screen_output(void *owner, const uint8_t *bytes, size_t count)
{
	ck_assert_ptr_eq(owner, &screen);
	ck_assert_uint_gt(count, 0);
	ck_assert_uint_le(count, HVC_OUTPUT);
	screen.calls++;
	if (count > screen.takes)
		count = screen.takes;
	ck_assert_uint_le(screen.count + count, SCREEN_SIZE);
	memcpy(screen.text + screen.count, bytes, count);
	screen.count += count;
	screen.takes -= count;
	return count;
}

static void screen_room(void *owner)
{
	ck_assert_ptr_eq(owner, &screen);
	screen.rooms++;
}

static void create(uint16_t columns, uint16_t rows)
{
	const struct hvc_config config = {
		.output = screen_output,
		.room = screen_room,
		.owner = &screen,
		.columns = columns,
		.rows = rows,
	};
	struct err err = {0};
	struct virtio_device *device = hvc_create(&config, &err);

	ck_assert_msg(device, "%s", err.text);
	bench = virtio_bench_create(device);
	ck_assert_int_eq(device->ops->begin(device, &err), 0);
}

static void set_up(void)
{
	memset(&screen, 0, sizeof(screen));
	screen.takes = SCREEN_SIZE;
	create(132, 50);
}

static void tear_down(void)
{
	virtio_bench_destroy(bench);
}

static void drive(void)
{
	virtio_drive(bench, virtio_wanted(bench), QUEUE_SIZE);
}

static uint8_t *guest(uint64_t gpa)
{
	return ram_host(bench->memory.ram, gpa, 1);
}

static void turn(void)
{
	for (unsigned int i = 0; i < 3; i++)
		virtio_turn_loop(bench);
}

static void offer(unsigned int queue, unsigned int n, uint64_t gpa, uint32_t size)
{
	driver_describe(&bench->queues[queue], n, gpa, size,
			queue == RECEIVE ? VRING_DESC_F_WRITE : 0, 0);
	driver_offer(&bench->queues[queue], n);
	virtio_kick(bench, queue);
	turn();
}

/* What came back of @queue: how much was written; UINT32_MAX: nothing did. */
static uint32_t given(unsigned int queue)
{
	uint32_t head, written;

	return driver_take(&bench->queues[queue], &head, &written) ? written : UINT32_MAX;
}

static void print(const char *text)
{
	memcpy(guest(BUFFERS), text, strlen(text));
	offer(TRANSMIT, 0, BUFFERS, (uint32_t)strlen(text));
}

static size_t type(const char *text)
{
	size_t taken = hvc_input(bench->device, (const uint8_t *)text, strlen(text));

	turn();
	return taken;
}

START_TEST(it_is_a_console)
{
	ck_assert_uint_eq(virtio_config_read(bench, PCI_VENDOR_ID, 4), 0x10431af4);
	ck_assert_uint_eq(virtio_read(bench, COMMON_QUEUE_COUNT, 2), 2);
	ck_assert_uint_eq(virtio_offered(bench) & 7, 1 << VIRTIO_CONSOLE_F_SIZE);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE, 2), 132);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE + 2, 2), 50);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE + 4, 4), 1);
	tear_down();
	create(132, 0);
	ck_assert_uint_eq(virtio_offered(bench), VIRTIO_FEATURES_QUEUES);
	ck_assert_uint_eq(virtio_read(bench, FUNCTION_DEVICE, 4), 0);
}
END_TEST

START_TEST(what_is_printed_is_seen)
{
	drive();
	print("one ");
	ck_assert_uint_eq(given(TRANSMIT), 0);
	print("two");
	ck_assert_uint_eq(given(TRANSMIT), 0);
	ck_assert_uint_eq(screen.count, 7);
	ck_assert_mem_eq(screen.text, "one two", 7);
	/* Nothing is not much. */
	offer(TRANSMIT, 0, BUFFERS, 0);
	ck_assert_uint_eq(given(TRANSMIT), 0);
	ck_assert_uint_eq(screen.count, 7);
}
END_TEST

START_TEST(what_is_typed_arrives)
{
	drive();
	offer(RECEIVE, 0, BUFFERS, 64);
	ck_assert_uint_eq(given(RECEIVE), UINT32_MAX);
	ck_assert_uint_eq(type("hello"), 5);
	ck_assert_uint_eq(given(RECEIVE), 5);
	ck_assert_mem_eq(guest(BUFFERS), "hello", 6);
	/* Before there is a buffer, and more than one has room for. */
	ck_assert_uint_eq(type("abcdef"), 6);
	offer(RECEIVE, 0, BUFFERS, 4);
	ck_assert_uint_eq(given(RECEIVE), 4);
	offer(RECEIVE, 0, BUFFERS + 4, 64);
	ck_assert_uint_eq(given(RECEIVE), 2);
	ck_assert_mem_eq(guest(BUFFERS), "abcdef", 6);
	ck_assert_uint_eq(screen.rooms, 0);
}
END_TEST

/* A guest that takes nothing has so much wait for it, and the rest is the caller's. */
START_TEST(what_is_not_taken_waits)
{
	static char text[HVC_INPUT + 9];

	memset(text, 'x', sizeof(text) - 1);
	ck_assert_uint_eq(type(text), HVC_INPUT);
	ck_assert_uint_eq(type("y"), 0);
	drive();
	offer(RECEIVE, 0, BUFFERS, 100);
	ck_assert_uint_eq(given(RECEIVE), 100);
	ck_assert_uint_eq(screen.rooms, 1);
	ck_assert_uint_eq(type("yz"), 2);
	offer(RECEIVE, 0, BUFFERS, HVC_INPUT);
	ck_assert_uint_eq(given(RECEIVE), HVC_INPUT - 98);
	ck_assert_mem_eq(guest(BUFFERS + HVC_INPUT - 100), "yz", 2);
	ck_assert_uint_eq(screen.rooms, 1);
}
END_TEST

/* The guest's buffer is not given back before all of it was taken. */
START_TEST(a_slow_reader_loses_nothing)
{
	screen.takes = 3;
	drive();
	print("slowly");
	ck_assert_uint_eq(given(TRANSMIT), UINT32_MAX);
	ck_assert_uint_eq(screen.calls, 1);
	screen.takes = 2;
	hvc_wake(bench->device);
	turn();
	ck_assert_uint_eq(given(TRANSMIT), UINT32_MAX);
	screen.takes = 100;
	hvc_wake(bench->device);
	turn();
	ck_assert_uint_eq(given(TRANSMIT), 0);
	ck_assert_uint_eq(screen.count, 6);
	ck_assert_mem_eq(screen.text, "slowly", 6);
	/* Meanwhile what is typed arrives. */
	screen.takes = 0;
	print("more");
	offer(RECEIVE, 0, BUFFERS + 64, 64);
	type("x");
	ck_assert_uint_eq(given(RECEIVE), 1);
}
END_TEST

/* The loop has its others in between, and pieces that are apart come out as one. */
START_TEST(much_is_printed_bit_by_bit)
{
	const uint32_t size = 3 * HVC_OUTPUT + 5;
	uint64_t gpa = DRIVER_SEAM - HVC_OUTPUT;

	drive();
	for (uint32_t i = 0; i < size; i++)
		*guest(gpa + i) = (uint8_t)(i % 251);
	driver_describe(&bench->queues[TRANSMIT], 0, gpa, size - 5, VRING_DESC_F_NEXT, 1);
	driver_describe(&bench->queues[TRANSMIT], 1, gpa + size - 5, 5, 0, 0);
	driver_offer(&bench->queues[TRANSMIT], 0);
	virtio_kick(bench, TRANSMIT);
	virtio_turn_loop(bench);
	ck_assert_uint_eq(screen.count, HVC_OUTPUT);
	for (unsigned int i = 0; i < 4; i++)
		turn();
	ck_assert_uint_eq(given(TRANSMIT), 0);
	ck_assert_uint_eq(screen.count, size);
	for (uint32_t i = 0; i < size; i++)
		ck_assert_uint_eq(screen.text[i], i % 251);
}
END_TEST

/* What was under way is forgotten; what was typed is for who comes. */
START_TEST(a_reset_forgets_output)
{
	screen.takes = 1;
	drive();
	print("abc");
	type("typed");
	virtio_write(bench, COMMON_STATUS, 1, 0);
	screen.takes = 100;
	hvc_wake(bench->device);
	turn();
	ck_assert_uint_eq(screen.count, 1);
	drive();
	print("def");
	ck_assert_uint_eq(given(TRANSMIT), 0);
	ck_assert_mem_eq(screen.text, "adef", 4);
	offer(RECEIVE, 0, BUFFERS, 64);
	ck_assert_uint_eq(given(RECEIVE), 5);
}
END_TEST

START_TEST(buffers_have_one_direction)
{
	drive();
	driver_describe(&bench->queues[_i], 0, BUFFERS, 8, _i == RECEIVE ? 0 : VRING_DESC_F_WRITE,
			0);
	driver_offer(&bench->queues[_i], 0);
	virtio_kick(bench, (unsigned int)_i);
	turn();
	ck_assert_uint_eq(virtio_status(bench), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
	ck_assert_uint_eq(screen.count, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, it_is_a_console);
	tcase_add_test(tests, what_is_printed_is_seen);
	tcase_add_test(tests, what_is_typed_arrives);
	tcase_add_test(tests, what_is_not_taken_waits);
	tcase_add_test(tests, a_slow_reader_loses_nothing);
	tcase_add_test(tests, much_is_printed_bit_by_bit);
	tcase_add_test(tests, a_reset_forgets_output);
	tcase_add_loop_test(tests, buffers_have_one_direction, 0, 2);
}

int main(void)
{
	int rc = run_suite("virtio_hvc, packed queues", add_tests);

	virtio_withheld = UINT64_C(1) << VIRTIO_F_RING_PACKED;
	return run_suite("virtio_hvc, split queues", add_tests) || rc;
}
