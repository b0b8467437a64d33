/* SPDX-License-Identifier: BSD-3-Clause */
/* The split queue: chains of every shape, hostile ones, who is told when; and against a model. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "devices/virtio/queue.h"
#include "tests/unit/support/fake_driver.h"
#include "tests/unit/support/suite.h"

static const uint64_t plain_features;
static const uint64_t all_features =
	UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX | UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC;

static struct driver_memory memory;
static struct driver_queue driver;
static struct virtio_queue queue;
static struct iovec iov[VIRTIO_IOV_MAX];
static struct virtio_chain chain;
static struct err err;

static void start(uint16_t size, uint64_t features)
{
	driver = driver_queue(&memory, 0, size, features);
	chain = (struct virtio_chain){.iov = iov};
	err = (struct err){0};
	ck_assert_msg(virtio_queue_start(&queue, memory.ram, &driver.place, features, &err) == 0,
		      "%s", err.text);
}

static void set_up(void)
{
	memory = driver_memory_create();
	start(8, all_features);
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

START_TEST(an_empty_queue_has_nothing)
{
	ck_assert_int_eq(take(), 0);
}
END_TEST

START_TEST(a_chain_is_what_is_read_then_what_is_written)
{
	driver_describe(&driver, 3, 0x100000, 16, VRING_DESC_F_NEXT, 5);
	driver_describe(&driver, 5, 0x100100, 4096, VRING_DESC_F_NEXT, 0);
	driver_describe(&driver, 0, 0x102000, 512, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1);
	driver_describe(&driver, 1, 0x103000, 1, VRING_DESC_F_WRITE, 7);
	driver_offer(&driver, 3);
	ck_assert_int_eq(take(), 1);
	ck_assert_uint_eq(chain.head, 3);
	ck_assert_uint_eq(chain.out_count, 2);
	ck_assert_uint_eq(chain.in_count, 2);
	ck_assert_uint_eq(chain.out_size, 16 + 4096);
	ck_assert_uint_eq(chain.in_size, 513);
	ck_assert_ptr_eq(iov[0].iov_base, driver_host(&driver, 0x100000));
	ck_assert_ptr_eq(iov[3].iov_base, driver_host(&driver, 0x103000));
	ck_assert_uint_eq(iov[3].iov_len, 1);
	ck_assert_int_eq(take(), 0);
}
END_TEST

START_TEST(a_buffer_across_pieces_is_two)
{
	driver_describe(&driver, 0, DRIVER_SEAM - 100, 300, VRING_DESC_F_WRITE, 0);
	driver_offer(&driver, 0);
	ck_assert_int_eq(take(), 1);
	ck_assert_uint_eq(chain.in_count, 2);
	ck_assert_uint_eq(iov[0].iov_len, 100);
	ck_assert_uint_eq(iov[1].iov_len, 200);
	ck_assert_ptr_eq(iov[1].iov_base, driver_host(&driver, DRIVER_SEAM));
}
END_TEST

START_TEST(an_empty_buffer_is_none)
{
	driver_describe(&driver, 0, UINT64_MAX, 0, VRING_DESC_F_NEXT, 1);
	driver_describe(&driver, 1, 0x100000, 1, VRING_DESC_F_WRITE, 0);
	driver_offer(&driver, 0);
	ck_assert_int_eq(take(), 1);
	ck_assert_uint_eq(chain.out_count + chain.in_count, 1);
}
END_TEST

static struct vring_desc *table(unsigned int index)
{
	return (struct vring_desc *)driver_host(&driver, DRIVER_TABLES) + index;
}

START_TEST(a_table_follows_what_comes_before_it)
{
	*table(0) = (struct vring_desc){.addr = 0x101000, .len = 8, .flags = 1, .next = 2};
	*table(2) = (struct vring_desc){.addr = 0x102000, .len = 9, .flags = 2};
	driver_describe(&driver, 0, 0x100000, 7, VRING_DESC_F_NEXT, 1);
	driver_describe(&driver, 1, DRIVER_TABLES, 3 * 16, VRING_DESC_F_INDIRECT, 0);
	driver_offer(&driver, 0);
	ck_assert_int_eq(take(), 1);
	ck_assert_uint_eq(chain.out_count, 2);
	ck_assert_uint_eq(chain.out_size, 15);
	ck_assert_uint_eq(chain.in_size, 9);
}
END_TEST

/* A table may cross pieces too; a driver's may be longer than the queue (Linux's are). */
START_TEST(a_table_across_pieces_of_more_than_the_queue_has)
{
	uint64_t at = DRIVER_SEAM - 16 * 5;

	for (unsigned int i = 0; i < 20; i++) {
		struct vring_desc descriptor = {
			.addr = 0x100000 + 4096 * i,
			.len = 512,
			.flags = VRING_DESC_F_WRITE | (i < 19 ? VRING_DESC_F_NEXT : 0),
			.next = (uint16_t)(i + 1),
		};

		ck_assert_int_eq(ram_write(memory.ram, at + 16 * i, &descriptor,
					   sizeof(descriptor)),
				 0);
	}
	driver_describe(&driver, 0, at, 20 * 16, VRING_DESC_F_INDIRECT, 0);
	driver_offer(&driver, 0);
	ck_assert_int_eq(take(), 1);
	ck_assert_uint_eq(chain.in_count, 20);
}
END_TEST

/* Each row is one descriptor at 0, with one behind it where it says so; none may be taken. */
static const struct hostile {
	struct vring_desc first, second, in_table;
	uint64_t features;
	const char *why;
} hostile[] = {
	{{0x100000, 1, VRING_DESC_F_NEXT, 8}, {0}, {0}, 3, "descriptor 8 of 8"},
	{{0x100000, 1, VRING_DESC_F_NEXT, 65535}, {0}, {0}, 3, "descriptor 65535 of 8"},
	{{0x100000, 1, VRING_DESC_F_NEXT, 0}, {0}, {0}, 3, "more than 1024"},
	{{DRIVER_END, 1, 0, 0}, {0}, {0}, 3, "not all memory"},
	{{DRIVER_END - 1, 2, 0, 0}, {0}, {0}, 3, "not all memory"},
	{{UINT64_MAX, 2, 0, 0}, {0}, {0}, 3, "wraps"},
	{{UINT64_MAX - 4095, 4096, 0, 0}, {0}, {0}, 3, "not all memory"},
	{{0x100000, 1, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1},
	 {0x100000, 1, 0, 0},
	 {0},
	 3,
	 "behind one to write"},
	{{0, UINT32_MAX, VRING_DESC_F_NEXT, 1}, {0, 1, 0, 0}, {0}, 3, "not all memory"},
	{{DRIVER_TABLES, 16, VRING_DESC_F_INDIRECT, 0}, {0}, {0}, 1, "where there may be none"},
	{{DRIVER_TABLES, 16, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1},
	 {0},
	 {0},
	 3,
	 "next one"},
	{{DRIVER_TABLES, 0, VRING_DESC_F_INDIRECT, 0}, {0}, {0}, 3, "of 0 bytes"},
	{{DRIVER_TABLES, 17, VRING_DESC_F_INDIRECT, 0}, {0}, {0}, 3, "of 17 bytes"},
	{{UINT64_MAX - 15, 32, VRING_DESC_F_INDIRECT, 0}, {0}, {0}, 3, "of 32 bytes"},
	{{DRIVER_END, 16, VRING_DESC_F_INDIRECT, 0}, {0}, {0}, 3, "not all memory"},
	{{DRIVER_TABLES, 16, VRING_DESC_F_INDIRECT, 0},
	 {0},
	 {DRIVER_TABLES, 16, VRING_DESC_F_INDIRECT, 0},
	 3,
	 "where there may be none"},
	{{DRIVER_TABLES, 16, VRING_DESC_F_INDIRECT, 0},
	 {0},
	 {0x100000, 1, VRING_DESC_F_NEXT, 1},
	 3,
	 "descriptor 1 of 1"},
	{{DRIVER_TABLES, 16, VRING_DESC_F_INDIRECT, 0},
	 {0},
	 {0x100000, 1, VRING_DESC_F_NEXT, 0},
	 3,
	 "more than 1024"},
};

START_TEST(a_hostile_chain_is_refused)
{
	const struct hostile *row = &hostile[_i];

	start(8, (row->features & 1 ? UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX : 0) |
			 (row->features & 2 ? UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC : 0));
	*driver_descriptor(&driver, 0) = row->first;
	*driver_descriptor(&driver, 1) = row->second;
	*table(0) = row->in_table;
	driver_offer(&driver, 0);
	ck_assert_int_eq(take(), -EBADMSG);
	ck_assert_msg(strstr(err.text, row->why), "'%s', not '%s'", err.text, row->why);
}
END_TEST

/* What is in memory but more than a chain may have. */
START_TEST(a_chain_of_4_gib_is_refused)
{
	start(1024, plain_features);
	for (unsigned int i = 0; i < 1024; i++)
		driver_describe(&driver, i, DRIVER_SEAM, DRIVER_END - DRIVER_SEAM,
				VRING_DESC_F_NEXT, i + 1);
	driver_offer(&driver, 0);
	ck_assert_int_eq(take(), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "4 GiB"));
}
END_TEST

START_TEST(a_head_beyond_the_queue_is_refused)
{
	driver_offer(&driver, 8);
	ck_assert_int_eq(take(), -EBADMSG);
}
END_TEST

START_TEST(more_chains_than_the_queue_has_are_refused)
{
	driver_avail(&driver)[1] = htole16(9);
	ck_assert_int_eq(take(), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "9 chains"));
}
END_TEST

START_TEST(a_place_that_is_none_is_refused)
{
	static const struct virtio_queue_place places[] = {
		{0, 0x10000, 0x14000, 0x18000},
		{3, 0x10000, 0x14000, 0x18000},
		{2048, 0x10000, 0x14000, 0x18000},
		{8, 0x10008, 0x14000, 0x18000},
		{8, 0x10000, 0x14001, 0x18000},
		{8, 0x10000, 0x14000, 0x18002},
		{8, DRIVER_END, 0x14000, 0x18000},
		{8, DRIVER_END - 16, 0x14000, 0x18000},
		{8, 0x10000, DRIVER_END, 0x18000},
		{8, 0x10000, 0x14000, UINT64_MAX - 3},
		/* It would cross pieces. */
		{8, DRIVER_SEAM - 16, 0x14000, 0x18000},
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		ck_assert_int_lt(virtio_queue_start(&queue, memory.ram, &places[i], 0, &err), 0);
}
END_TEST

/* One chain of one byte, taken and given back at once. */
static void pass_one(unsigned int head, uint32_t written)
{
	driver_describe(&driver, head, 0x100000, 1, VRING_DESC_F_WRITE, 0);
	driver_offer(&driver, head);
	ck_assert_int_eq(take(), 1);
	ck_assert_uint_eq(chain.head, head);
	virtio_queue_give(&queue, &chain, written);
}

START_TEST(the_indices_wrap)
{
	uint32_t head, written;

	for (unsigned int i = 0; i < 70000; i++) {
		pass_one(i % 8, i);
		ck_assert(driver_take(&driver, &head, &written));
		ck_assert_uint_eq(head, i % 8);
		ck_assert_uint_eq(written, i);
	}
	ck_assert_int_eq(take(), 0);
	ck_assert(!driver_take(&driver, &head, &written));
}
END_TEST

/* Without events a flag says it all. */
START_TEST(flags_say_who_is_told)
{
	start(8, plain_features);
	pass_one(0, 0);
	ck_assert(virtio_queue_wants_call(&queue));
	ck_assert_msg(!virtio_queue_wants_call(&queue), "nothing was given since");
	driver_avail(&driver)[0] = htole16(VRING_AVAIL_F_NO_INTERRUPT);
	pass_one(0, 0);
	ck_assert(!virtio_queue_wants_call(&queue));
	ck_assert(driver_would_kick(&driver, 2));
	virtio_queue_silence(&queue);
	ck_assert(!driver_would_kick(&driver, 2));
	driver_offer(&driver, 0);
	ck_assert_msg(virtio_queue_listen(&queue), "it came before it could know");
	ck_assert(driver_would_kick(&driver, 2));
	ck_assert_int_eq(take(), 1);
	ck_assert(!virtio_queue_listen(&queue));
}
END_TEST

/*
 * Every state of used index and event, all around the wrap: a call if and only if the event is
 * among what was given since the last question.
 */
START_TEST(an_event_is_passed_or_not)
{
	for (unsigned int at = 0; at < 65536; at += 4093)
		for (int event = -4; event < 8; event++)
			for (unsigned int given = 1; given < 5; given++) {
				bool passed = event >= 0 && (unsigned int)event < given;

				start(8, all_features);
				queue.next_avail = queue.next_used = queue.called = (uint16_t)at;
				queue.ever_called = true;
				driver_want_call(&driver, (uint16_t)((int)at + event));
				for (unsigned int i = 0; i < given; i++)
					virtio_queue_give(&queue, &chain, 0);
				ck_assert_int_eq(virtio_queue_wants_call(&queue), passed);
			}
}
END_TEST

START_TEST(an_event_has_the_driver_kick)
{
	for (unsigned int at = 0; at < 65536; at += 4093) {
		start(8, all_features);
		queue.next_avail = driver.avail = (uint16_t)at;
		driver_avail(&driver)[1] = htole16((uint16_t)at);
		ck_assert(!virtio_queue_listen(&queue));
		driver_offer(&driver, 0);
		ck_assert(driver_would_kick(&driver, (uint16_t)at));
		driver_offer(&driver, 0);
		ck_assert_msg(!driver_would_kick(&driver, (uint16_t)(at + 1)),
			      "it has kicked for the first");
		ck_assert(virtio_queue_listen(&queue));
	}
}
END_TEST

/* The model: which chains are out, and which are to come back. */
struct model {
	bool free[8];
	uint16_t offered[8], taken[8];
	unsigned int offered_count, taken_count;
};

static void model_offer(struct model *model)
{
	unsigned int head = (unsigned int)rand() % 8;

	if (!model->free[head])
		return;
	model->free[head] = false;
	driver_describe(&driver, head, 0x100000 + 4096 * head, head + 1, VRING_DESC_F_WRITE, 0);
	driver_offer(&driver, head);
	model->offered[model->offered_count++] = (uint16_t)head;
}

static void model_take(struct model *model)
{
	ck_assert_int_eq(take(), model->offered_count > 0);
	if (!model->offered_count)
		return;
	ck_assert_uint_eq(chain.head, model->offered[0]);
	ck_assert_uint_eq(chain.in_size, chain.head + 1U);
	model->offered_count--;
	memmove(model->offered, model->offered + 1, 2 * model->offered_count);
	model->taken[model->taken_count++] = chain.head;
}

static void model_give(struct model *model)
{
	unsigned int which;
	uint32_t head, written;

	if (!model->taken_count)
		return;
	which = (unsigned int)rand() % model->taken_count;
	virtio_queue_give(&queue, &(struct virtio_chain){.head = model->taken[which]}, which);
	ck_assert(driver_take(&driver, &head, &written));
	ck_assert_uint_eq(head, model->taken[which]);
	ck_assert_uint_eq(written, which);
	model->free[head] = true;
	model->taken[which] = model->taken[--model->taken_count];
}

START_TEST(it_does_as_the_model_in_any_order)
{
	struct model model = {.free = {true, true, true, true, true, true, true, true}};

	start(8, _i ? all_features : plain_features);
	srand((unsigned int)_i);
	for (unsigned int i = 0; i < 300000; i++) {
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
	tcase_add_test(tests, a_buffer_across_pieces_is_two);
	tcase_add_test(tests, an_empty_buffer_is_none);
	tcase_add_test(tests, a_table_follows_what_comes_before_it);
	tcase_add_test(tests, a_table_across_pieces_of_more_than_the_queue_has);
	tcase_add_loop_test(tests, a_hostile_chain_is_refused, 0, ARRAY_SIZE(hostile));
	tcase_add_test(tests, a_chain_of_4_gib_is_refused);
	tcase_add_test(tests, a_head_beyond_the_queue_is_refused);
	tcase_add_test(tests, more_chains_than_the_queue_has_are_refused);
	tcase_add_test(tests, a_place_that_is_none_is_refused);
	tcase_add_test(tests, the_indices_wrap);
	tcase_add_test(tests, flags_say_who_is_told);
	tcase_add_test(tests, an_event_is_passed_or_not);
	tcase_add_test(tests, an_event_has_the_driver_kick);
	tcase_add_loop_test(tests, it_does_as_the_model_in_any_order, 0, 2);
}

int main(void)
{
	return run_suite("queue", add_tests);
}
