/* SPDX-License-Identifier: BSD-3-Clause */
/* Doorbells of a device of vfio-user: which its server tells of, and which are made of that. */

#include <fcntl.h>

#include "tests/unit/support/fake_user.h"

enum { BELL = 0xc00 };

static atomic_uint rung;
static int events[2];

static void hear_bell(void *owner)
{
	(void)owner;
	atomic_fetch_add(&rung, 1);
}

/* One of any width, and one of four bytes. */
static void add_bells(void)
{
	struct user_region *registers = &fake.model.regions[0];

	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		events[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	registers->bells[0] = (struct user_bell){events[0], {.offset = BELL}};
	registers->bells[1] = (struct user_bell){events[1], {.offset = 4, .size = 4, .fd = 1}};
	registers->bell_count = 2;
	fake.model.poll = hear_bell;
	atomic_store(&rung, 0);
	fake.doorbells = true;
}

static void close_events(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		close(events[i]);
}

static void set_up(void)
{
	fake_user_set_up();
	add_bells();
}

static void tear_down(void)
{
	fake_user_close();
	close_events();
	fake_user_tear_down();
}

static size_t bells_of(uint32_t region, const struct mem_doorbell **bells)
{
	return fake.backend->ops->doorbells(fake.backend, region, bells);
}

static void ring(int event)
{
	unsigned int before = atomic_load(&rung);
	const uint64_t one = 1;

	ck_assert_int_eq(write(event, &one, sizeof(one)), sizeof(one));
	for (int i = 0; i < 10000 && atomic_load(&rung) == before; i++)
		usleep(1000);
	ck_assert_uint_gt(atomic_load(&rung), before);
}

START_TEST(they_are_told_of)
{
	const struct mem_doorbell *bells;

	fake_user_open_well();
	ck_assert_uint_eq(bells_of(0, &bells), 5);
	for (unsigned int i = 0; i < 4; i++)
		ck_assert(bells[i].offset == BELL && bells[i].width == 1U << i &&
			  !bells[i].matched);
	ck_assert(bells[4].offset == 4 && bells[4].width == 4 && !bells[4].matched);
	ring(bells[0].eventfd);
	ring(bells[4].eventfd);
	ck_assert_uint_eq(bells_of(2, &bells), 0);
	ck_assert_uint_eq(bells_of(VFIO_PCI_CONFIG_REGION_INDEX, &bells), 0);
}
END_TEST

/* Some servers end at what they do not know. */
START_TEST(they_are_not_asked_for_unless_wanted)
{
	const struct mem_doorbell *bells;

	fake.doorbells = false;
	fake_user_open_well();
	ck_assert_uint_eq(bells_of(0, &bells), 0);
	ck_assert_uint_eq(fake_user_heard(COMMAND_IO_FDS), 0);
}
END_TEST

START_TEST(a_server_may_have_none)
{
	const struct mem_doorbell *bells;

	fake.server.at = COMMAND_IO_FDS;
	fake.server.fault = _i ? USER_FAULT_ERROR : USER_FAULT_ERROR_DATA;
	fake_user_open_well();
	ck_assert_uint_eq(bells_of(0, &bells), 0);
}
END_TEST

/* Nor has it any where there are more than this side takes. */
START_TEST(too_many_are_none)
{
	const struct mem_doorbell *bells;

	fake.server.at = COMMAND_IO_FDS;
	fake.server.fault = USER_FAULT_MANY;
	hear();
	fake_user_open_well();
	ck_assert_ptr_nonnull(strstr(heard(), "they are reached by messages"));
	ck_assert_uint_eq(bells_of(0, &bells), 0);
	ck_assert(!fake.backend->ops->is_lost(fake.backend));
}
END_TEST

/* What cannot be is refused as a whole; @left of its descriptors stay open. */
static const struct {
	enum user_fault fault;
	const char *said;
	unsigned int left;
} nonsense[] = {
	{USER_FAULT_PLACE, "has told of 2 doorbells of region 1 in", 0},
	{USER_FAULT_COUNT, "has told of 1 doorbells of region 0 in", 0},
	{USER_FAULT_BEYOND, "a doorbell of region 0 that there cannot be: at 0x100c00,", 0},
	{USER_FAULT_NO_FD, "a doorbell of region 0 that there cannot be: at 0xc00,", 0},
	{USER_FAULT_FDS, "a descriptor that is no eventfd", 3},
	{USER_FAULT_SMALL, "has told of 2 doorbells", 0},
	{USER_FAULT_LARGE, "has told of 2 doorbells", 0},
	{USER_FAULT_DIES, "has not told of doorbells: leave ioeventfd out", 0},
};

START_TEST(nonsense_is_refused)
{
	fake.server.at = COMMAND_IO_FDS;
	fake.server.fault = nonsense[_i].fault;
	hear();
	ck_assert_ptr_null(fake_user_open());
	heard();
	ck_assert_msg(strstr(fake.err.text, nonsense[_i].said), "%s", fake.err.text);
	fake_user_close();
	close_events();
	fake_user_leaves(nonsense[_i].left);
	set_up();
}
END_TEST

/* Whatever else is wrong: the end of a file of somebody else's may never come. */
START_TEST(what_is_none_is_not_closed)
{
	close_events();
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		events[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
		fake.model.regions[0].bells[i].event = events[i];
	}
	fake.model.poll = NULL;
	fake.server.at = COMMAND_IO_FDS;
	fake.server.fault = _i ? USER_FAULT_PLACE : USER_FAULT_NONE;
	ck_assert_ptr_null(fake_user_open());
	ck_assert_ptr_nonnull(strstr(fake.err.text, "a descriptor that is no eventfd"));
	fake_user_close();
	close_events();
	fake_user_leaves(ARRAY_SIZE(events));
	set_up();
}
END_TEST

/* What an answer may have; of one region of 4096 bytes, with two descriptors. */
static const struct {
	struct server_io_fd one, other;
	int count; /* that are taken; -1: refused */
} entries[] = {
	{{.offset = 0xffc, .size = 4}, {.offset = 0, .size = 8, .fd = 1}, 2},
	{{.offset = 0xffd, .size = 4}, {0}, -1},
	{{.offset = 0xfff}, {.offset = 0x800, .fd = 1}, 1 + 4},
	{{.offset = 0x1000}, {0}, -1},
	{{.offset = UINT64_MAX, .size = 4}, {0}, -1},
	{{.size = 3}, {0}, -1},
	{{.size = UINT64_C(1) << 32 | 4}, {0}, -1},
	{{.size = 4, .fd = 2}, {0}, -1},
	{{.size = 4, .fd = UINT32_MAX}, {0}, -1},
	/* Those of another kind go by messages. */
	{{.size = 4, .type = 1}, {.size = 4}, 1},
	{{.size = 4, .flags = 2}, {.size = 4, .flags = 4}, 0},
	/* No two that one write could ring. */
	{{.size = 4}, {.size = 4, .fd = 1}, -1},
	{{.size = 4}, {.size = 0}, -1},
	{{.size = 4}, {.size = 2}, 2},
	{{.size = 4, .flags = 1, .match = 1}, {.size = 4, .flags = 1, .match = 2}, 2},
	{{.size = 4, .flags = 1, .match = 1}, {.size = 4, .flags = 1, .match = 1}, -1},
	{{.size = 4, .flags = 1, .match = 1}, {.size = 4}, -1},
	{{.size = 0, .flags = 1, .match = 1}, {.offset = 8}, -1},
};

START_TEST(each_is_checked)
{
	const struct mem_doorbell *bells;
	bool refused = entries[_i].count < 0;

	fake.model.regions[0].bells[0].to = entries[_i].one;
	fake.model.regions[0].bells[1].to = entries[_i].other;
	ck_assert_msg(!fake_user_open() == refused, "%s", fake.err.text);
	if (refused)
		ck_assert_ptr_nonnull(strstr(fake.err.text, "that there cannot be"));
	else
		ck_assert_uint_eq(bells_of(0, &bells), (size_t)entries[_i].count);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, they_are_told_of);
	tcase_add_test(tests, they_are_not_asked_for_unless_wanted);
	tcase_add_loop_test(tests, a_server_may_have_none, 0, 2);
	tcase_add_test(tests, too_many_are_none);
	tcase_add_loop_test(tests, what_is_none_is_not_closed, 0, 2);
	tcase_add_loop_test(tests, nonsense_is_refused, 0, ARRAY_SIZE(nonsense));
	tcase_add_loop_test(tests, each_is_checked, 0, ARRAY_SIZE(entries));
}

int main(void)
{
	return run_suite("doorbells of vfio-user", add_tests);
}
