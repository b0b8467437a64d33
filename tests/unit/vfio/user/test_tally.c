/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages to and from a server of vfio-user, counted by kind with what they took. */

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/support/fake_user.h"

static struct vfio_user_tallies tallies;

static void look(void)
{
	vfio_user_get_tallies(fake_user_client(), &tallies);
}

static void write_register(unsigned int bar)
{
	uint32_t value = 1;

	ck_assert_int_eq(fake.backend->ops->write(fake.backend, fake_user_region(bar), 0, &value,
						  sizeof(value)),
			 0);
}

static void read_register(void)
{
	uint32_t value;

	ck_assert_int_eq(fake.backend->ops->read(fake.backend, fake_user_region(0), 8, &value,
						 sizeof(value)),
			 0);
}

START_TEST(each_kind_is_counted)
{
	struct vfio_user_tallies before;

	fake_user_open_well();
	look();
	before = tallies;
	ck_assert_uint_eq(before.asked[VFIO_USER_GET_INFO].count, 1);
	ck_assert_uint_eq(before.asked[VFIO_USER_GET_REGION_INFO].count, VFIO_USER_REGIONS);
	for (unsigned int i = 0; i < 3; i++)
		write_register(0);
	/* One to a port is waited for. */
	write_register(2);
	read_register();
	look();
	ck_assert_uint_eq(tallies.posted[VFIO_USER_REGION_WRITE].count, 3);
	ck_assert_uint_eq(tallies.asked[VFIO_USER_REGION_WRITE].count, 1);
	ck_assert_uint_eq(tallies.asked[VFIO_USER_REGION_READ].count,
			  before.asked[VFIO_USER_REGION_READ].count + 1);
	ck_assert_uint_eq(tallies.asked[VFIO_USER_RESET].count, 0);
	ck_assert_int_eq(fake.backend->ops->reset(fake.backend), 0);
	look();
	ck_assert_uint_eq(tallies.asked[VFIO_USER_RESET].count, 1);
	ck_assert_uint_gt(tallies.asked[VFIO_USER_RESET].total, 0);
}
END_TEST

/* What is not mapped is refused, and counted all the same. */
START_TEST(what_the_server_asks_is_counted)
{
	fake_user_open_well();
	fake.copy_from = 0x1000;
	write_register(0);
	read_register();
	ck_assert_int_lt(fake.copied, 0);
	do
		look();
	while (tallies.served[VFIO_USER_DMA_READ].count == 0);
	ck_assert_uint_eq(tallies.served[VFIO_USER_DMA_READ].count, 1);
	ck_assert_uint_eq(tallies.served[VFIO_USER_DMA_WRITE].count, 0);
}
END_TEST

/* Its time is what the client waited. */
START_TEST(one_that_is_late_took_long)
{
	fake.running_ms = FAKE_SHORT_MS;
	fake_user_open_well();
	fake.server.at = COMMAND_READ;
	fake.server.fault = USER_FAULT_LATE;
	read_register();
	look();
	ck_assert_uint_ge(tallies.asked[VFIO_USER_REGION_READ].longest,
			  (uint64_t)(FAKE_SHORT_MS - 1) * 1000000);
}
END_TEST

START_TEST(times_are_added_up)
{
	struct vfio_user_tally some[VFIO_USER_TALLIES] = {{0}};
	const int64_t ago = vfio_user_now() - 5000000;

	vfio_user_count(some, VFIO_USER_RESET, ago - 1000000000);
	vfio_user_count(some, VFIO_USER_RESET, ago);
	ck_assert_uint_eq(some[VFIO_USER_RESET].count, 2);
	ck_assert_uint_ge(some[VFIO_USER_RESET].longest, 1005000000);
	ck_assert_uint_ge(some[VFIO_USER_RESET].total, some[VFIO_USER_RESET].longest + 5000000);
	/* A server says what it likes. */
	vfio_user_count(some, VFIO_USER_TALLIES, ago);
	vfio_user_count(some, UINT16_MAX, ago);
	ck_assert_uint_eq(some[0].count, 2);
}
END_TEST

START_TEST(a_person_is_shown_them)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fake_user_open_well();
	write_register(0);
	read_register();
	fake.backend->ops->describe(fake.backend, out);
	fclose(out);
	ck_assert_msg(strstr(text, "  messages "), "%s", text);
	ck_assert_msg(strstr(text, "    REGION_WRITE            posted               1 "), "%s",
		      text);
	ck_assert_msg(strstr(text, "    DEVICE_GET_INFO         answered             1 "), "%s",
		      text);
	ck_assert_ptr_null(strstr(text, "DMA_READ"));
	ck_assert_ptr_null(strstr(text, "DEVICE_RESET"));
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		ck_assert_uint_eq(strcspn(line, "\n"), strcspn(text, "\n"));
	free(text);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, fake_user_set_up, fake_user_tear_down);
	tcase_add_test(tests, each_kind_is_counted);
	tcase_add_test(tests, what_the_server_asks_is_counted);
	tcase_add_test(tests, one_that_is_late_took_long);
	tcase_add_test(tests, times_are_added_up);
	tcase_add_test(tests, a_person_is_shown_them);
}

int main(void)
{
	return run_suite("messages of vfio-user, counted", add_tests);
}
