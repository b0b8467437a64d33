/* SPDX-License-Identifier: BSD-3-Clause */
/* The packed queue: chains of every shape, hostile ones, who is told when; and against a model. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "devices/virtio/queue.h"
#include "tests/unit/support/fake_driver.h"
#include "tests/unit/support/suite.h"

enum { SIZE = 7 /* no power of two */, BUFFERS = 0x100000 };

static const uint64_t packed = UINT64_C(1) << VIRTIO_F_RING_PACKED;
static const uint64_t events = UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX;
static const uint64_t tables = UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC;

static struct driver_memory memory;
static struct driver_queue driver;
static struct virtio_queue queue;
static struct iovec iov[VIRTIO_IOV_MAX];
static struct virtio_chain chain;
static struct err err;

static void start(uint16_t size, uint64_t features)
{
	driver = driver_queue(&memory, 0, size, packed | features);
	chain = (struct virtio_chain){.iov = iov};
	err = (struct err){0};
	ck_assert_msg(virtio_queue_start(&queue, memory.ram, &driver.place, packed | features,
					 &err) == 0,
		      "%s", err.text);
}

static void set_up(void)
{
	memory = driver_memory_create();
	start(SIZE, events | tables);
}

static void tear_down(void)
{
	driver_memory_destroy(&memory);
}

static int take(void)
{
	err = (struct err){0};
	return virtio_queue_take(&queue, &chain, &err);
}

/* A chain that begins with @head, of @span buffers of one byte each. */
static void offer(unsigned int head, unsigned int span)
{
	for (unsigned int i = 0; i < span; i++) {
		unsigned int index = (head + i) % driver.place.size;

		driver_describe(&driver, index, BUFFERS + 4096 * index, 1,
				VRING_DESC_F_WRITE | (i + 1 < span ? VRING_DESC_F_NEXT : 0),
				(index + 1) % driver.place.size);
	}
	driver_offer(&driver, head);
}

static void pass_one(unsigned int head, unsigned int span, uint32_t written)
{
	uint32_t back, size;

	offer(head, span);
	ck_assert_int_eq(take(), 1);
	ck_assert_uint_eq(chain.head, head);
	ck_assert_uint_eq(chain.span, span);
	ck_assert_uint_eq(chain.in_size, span);
	virtio_queue_give(&queue, &chain, written);
	ck_assert(driver_take(&driver, &back, &size));
	ck_assert_uint_eq(back, head);
	ck_assert_uint_eq(size, written);
}

START_TEST(an_empty_queue_has_nothing)
{
	ck_assert_int_eq(take(), 0);
	ck_assert(!virtio_queue_listen(&queue));
}
END_TEST

START_TEST(a_chain_is_what_is_read_then_what_is_written)
{
	driver_describe(&driver, 0, 0x100000, 16, VRING_DESC_F_NEXT, 1);
	driver_describe(&driver, 1, 0x100100, 0, VRING_DESC_F_NEXT, 2);
	driver_describe(&driver, 2, DRIVER_SEAM - 100, 300, VRING_DESC_F_WRITE, 0);
	driver_offer(&driver, 0);
	ck_assert_int_eq(take(), 1);
	ck_assert_uint_eq(chain.span, 3);
	ck_assert_uint_eq(chain.out_count, 1);
	ck_assert_uint_eq(chain.in_count, 2);
	ck_assert_uint_eq(chain.out_size, 16);
	ck_assert_uint_eq(chain.in_size, 300);
	ck_assert_ptr_eq(iov[1].iov_base, driver_host(&driver, DRIVER_SEAM - 100));
	ck_assert_int_eq(take(), 0);
}
END_TEST

/* Every length at every place, many times around. */
START_TEST(the_ring_wraps)
{
	for (unsigned int i = 0; i < 5000; i++)
		pass_one(i % SIZE, 1 + i % 5 % SIZE, i);
	for (unsigned int i = 0; i < 100; i++)
		pass_one(0, SIZE, 1);
	ck_assert_int_eq(take(), 0);
}
END_TEST

static void table_entry(unsigned int index, uint64_t gpa, uint32_t size, unsigned int flags)
{
	const struct vring_packed_desc entry = {
		.addr = htole64(gpa),
		.len = htole32(size),
		.flags = htole16((uint16_t)flags),
	};

	ck_assert_int_eq(ram_write(memory.ram, DRIVER_TABLES + 16 * index, &entry, sizeof(entry)),
			 0);
}

/* One descriptor of the ring, whatever is in the table; NEXT means nothing there. */
START_TEST(a_table_is_one_descriptor)
{
	for (unsigned int i = 0; i < 100; i++)
		table_entry(i, BUFFERS + 16 * i, 16,
			    i < 60 ? VRING_DESC_F_NEXT : VRING_DESC_F_WRITE);
	for (unsigned int round = 0; round < 3 * SIZE; round++) {
		uint32_t head, written;

		driver_describe(&driver, 3, DRIVER_TABLES, 1600, VRING_DESC_F_INDIRECT, 0);
		driver_offer(&driver, 3);
		ck_assert_int_eq(take(), 1);
		ck_assert_uint_eq(chain.head, 3);
		ck_assert_uint_eq(chain.span, 1);
		ck_assert_uint_eq(chain.out_size, 960);
		ck_assert_uint_eq(chain.in_size, 640);
		virtio_queue_give(&queue, &chain, 7);
		ck_assert(driver_take(&driver, &head, &written));
	}
}
END_TEST

static const struct {
	uint64_t gpa;
	uint32_t size;
	unsigned int flags, next_flags;
	uint64_t features;
} hostile[] = {
	{DRIVER_END, 1, 0, 0, 0},
	{DRIVER_END - 1, 2, 0, 0, 0},
	{UINT64_MAX, 2, 0, 0, 0},
	{0x100000, 1, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 0, 0},
	{DRIVER_TABLES, 16, VRING_DESC_F_INDIRECT, 0, 0},
	{DRIVER_TABLES, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 0, 1},
	{0x100000, 1, VRING_DESC_F_NEXT, VRING_DESC_F_INDIRECT, 1},
	{DRIVER_TABLES, 0, VRING_DESC_F_INDIRECT, 0, 1},
	{DRIVER_TABLES, 17, VRING_DESC_F_INDIRECT, 0, 1},
	{DRIVER_TABLES, 16 * (VIRTIO_CHAIN_MAX + 1), VRING_DESC_F_INDIRECT, 0, 1},
	{DRIVER_END - 16, 32, VRING_DESC_F_INDIRECT, 0, 1},
	{UINT64_MAX - 15, 16, VRING_DESC_F_INDIRECT, 0, 1},
	/* A chain that goes on through the whole ring. */
	{0x100000, 1, VRING_DESC_F_NEXT, VRING_DESC_F_NEXT, 0},
};

START_TEST(a_hostile_chain_is_refused)
{
	start(SIZE, hostile[_i].features ? tables : 0);
	driver_describe(&driver, 0, hostile[_i].gpa, hostile[_i].size, hostile[_i].flags, 1);
	for (unsigned int i = 1; i < SIZE; i++)
		driver_describe(&driver, i, 0x100000, 16, hostile[_i].next_flags, (i + 1) % SIZE);
	driver_offer(&driver, 0);
	ck_assert_int_eq(take(), -EBADMSG);
	ck_assert(err.text[0]);
}
END_TEST

/* What the device has is offered once more, as it lies there. */
START_TEST(what_is_in_use_cannot_be_offered)
{
	for (unsigned int i = 0; i < SIZE; i++)
		offer(i, 1);
	for (unsigned int i = 0; i < SIZE; i++)
		ck_assert_int_eq(take(), 1);
	ck_assert_int_eq(take(), 0);
	for (unsigned int i = 0; i < SIZE; i++)
		offer(i, 1);
	ck_assert_int_eq(take(), -EBADMSG);
	start(SIZE, 0);
	offer(0, SIZE - 1);
	ck_assert_int_eq(take(), 1);
	offer(SIZE - 1, 2);
	ck_assert_int_eq(take(), -EBADMSG);
}
END_TEST

START_TEST(a_place_that_is_none_is_refused)
{
	static const struct virtio_queue_place places[] = {
		{0, 0x10000, 0x14000, 0x18000},
		{VIRTIO_QUEUE_SIZE_MAX + 1, 0x10000, 0x14000, 0x18000},
		{7, 0x10008, 0x14000, 0x18000},
		{7, 0x10000, 0x14002, 0x18000},
		{7, 0x10000, 0x14000, 0x18002},
		{7, DRIVER_END - 96, 0x14000, 0x18000},
		{7, 0x10000, DRIVER_END, 0x18000},
		{7, 0x10000, 0x14000, DRIVER_END},
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		ck_assert_int_lt(virtio_queue_start(&queue, memory.ram, &places[i], packed, &err),
				 0);
}
END_TEST

/* What the driver says of calls: its place and wrap, and the flags. */
static void want_call(unsigned int place, bool wrap, unsigned int flags)
{
	uint16_t *area = driver_host(&driver, driver.place.driver);

	area[0] = htole16((uint16_t)(place | (unsigned int)wrap << 15));
	area[1] = htole16((uint16_t)flags);
}

static unsigned int device_flags(void)
{
	return le16toh(((const uint16_t *)driver_host(&driver, driver.place.device))[1]);
}

START_TEST(flags_say_who_is_told)
{
	start(SIZE, 0);
	ck_assert(!virtio_queue_wants_call(&queue));
	pass_one(0, 1, 0);
	ck_assert(virtio_queue_wants_call(&queue));
	ck_assert_msg(!virtio_queue_wants_call(&queue), "nothing was given since");
	want_call(0, false, VRING_PACKED_EVENT_FLAG_DISABLE);
	pass_one(0, 1, 0);
	ck_assert(!virtio_queue_wants_call(&queue));
	virtio_queue_silence(&queue);
	ck_assert_uint_eq(device_flags(), VRING_PACKED_EVENT_FLAG_DISABLE);
	offer(0, 1);
	ck_assert_msg(virtio_queue_listen(&queue), "it came before it could know");
	ck_assert_uint_eq(device_flags(), VRING_PACKED_EVENT_FLAG_ENABLE);
	ck_assert_int_eq(take(), 1);
	ck_assert(!virtio_queue_listen(&queue));
}
END_TEST

/* It asks to be kicked for the place that it looks at next. */
START_TEST(an_event_has_the_driver_kick)
{
	for (unsigned int i = 0; i < 3 * SIZE; i++) {
		const uint16_t *area = driver_host(&driver, driver.place.device);

		ck_assert(!virtio_queue_listen(&queue));
		ck_assert_uint_eq(device_flags(), VRING_PACKED_EVENT_FLAG_DESC);
		ck_assert_uint_eq(le16toh(area[0]) & 0x7fff, i % SIZE);
		ck_assert_uint_eq(le16toh(area[0]) >> 15, i / SIZE % 2 == 0);
		pass_one(i % SIZE, 1, 0);
	}
}
END_TEST

/*
 * Every state of place and event: a call if and only if the event's place is among those that were
 * used since the last question. Places are counted on without end here.
 */
START_TEST(an_event_is_passed_or_not)
{
	for (unsigned int at = 0; at < 2 * SIZE; at++)
		for (unsigned int given = 1; given <= SIZE; given++)
			for (unsigned int event = at; event < at + SIZE; event++) {
				start(SIZE, events);
				for (unsigned int i = 0; i < at; i++)
					pass_one(i % SIZE, 1, 0);
				(void)virtio_queue_wants_call(&queue);
				want_call(event % SIZE, event / SIZE % 2 == 0,
					  VRING_PACKED_EVENT_FLAG_DESC);
				for (unsigned int i = 0; i < given; i++)
					pass_one((at + i) % SIZE, 1, 0);
				ck_assert_msg(virtio_queue_wants_call(&queue) ==
						      (event < at + given),
					      "at %u, %u given, event %u", at, given, event);
			}
}
END_TEST

/* The model: chains that are out, and the room in the ring. */
struct model {
	struct {
		uint16_t head, span;
	} offered[SIZE], taken[SIZE];
	unsigned int offered_count, taken_count, used;
	bool busy[SIZE];
};

static void model_offer(struct model *model)
{
	unsigned int head = (unsigned int)rand() % SIZE, span = 1 + (unsigned int)rand() % 3;

	if (model->busy[head] || model->used + span > SIZE)
		return;
	model->busy[head] = true;
	model->used += span;
	offer(head, span);
	model->offered[model->offered_count].head = (uint16_t)head;
	model->offered[model->offered_count++].span = (uint16_t)span;
}

static void model_take(struct model *model)
{
	ck_assert_int_eq(take(), model->offered_count > 0);
	if (!model->offered_count)
		return;
	ck_assert_uint_eq(chain.head, model->offered[0].head);
	ck_assert_uint_eq(chain.span, model->offered[0].span);
	ck_assert_uint_eq(chain.in_size, chain.span);
	model->taken[model->taken_count++] = model->offered[0];
	model->offered_count--;
	memmove(model->offered, model->offered + 1,
		sizeof(model->offered[0]) * model->offered_count);
}

/* In another order than they were offered. */
static void model_give(struct model *model)
{
	struct virtio_chain back;
	uint32_t head, written;
	unsigned int which;

	if (!model->taken_count)
		return;
	which = (unsigned int)rand() % model->taken_count;
	back = (struct virtio_chain){.head = model->taken[which].head,
				     .span = model->taken[which].span};
	virtio_queue_give(&queue, &back, which);
	ck_assert(driver_take(&driver, &head, &written));
	ck_assert_uint_eq(head, back.head);
	ck_assert_uint_eq(written, which);
	model->busy[head] = false;
	model->used -= back.span;
	model->taken[which] = model->taken[--model->taken_count];
}

START_TEST(it_does_as_the_model_in_any_order)
{
	struct model model = {.used = 0};

	srand(1);
	for (unsigned int i = 0; i < 100000; i++) {
		switch (rand() % 3) {
		case 0:
			model_offer(&model);
			break;
		case 1:
			model_take(&model);
			break;
		default:
			model_give(&model);
			break;
		}
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, an_empty_queue_has_nothing);
	tcase_add_test(tests, a_chain_is_what_is_read_then_what_is_written);
	tcase_add_test(tests, the_ring_wraps);
	tcase_add_test(tests, a_table_is_one_descriptor);
	tcase_add_loop_test(tests, a_hostile_chain_is_refused, 0, ARRAY_SIZE(hostile));
	tcase_add_test(tests, what_is_in_use_cannot_be_offered);
	tcase_add_test(tests, a_place_that_is_none_is_refused);
	tcase_add_test(tests, flags_say_who_is_told);
	tcase_add_test(tests, an_event_has_the_driver_kick);
	tcase_add_test(tests, an_event_is_passed_or_not);
	tcase_add_test(tests, it_does_as_the_model_in_any_order);
}

int main(void)
{
	return run_suite("packed queue", add_tests);
}
