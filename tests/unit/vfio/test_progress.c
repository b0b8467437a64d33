/* SPDX-License-Identifier: BSD-3-Clause */
/* What is told of a long start, by a clock that the test turns. */

#include <check.h>
#include <string.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "vfio/progress.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"

#define SECOND UINT64_C(1000000000)

static struct vfio_progress progress;
static uint64_t time_now;

static uint64_t clock_of_test(void)
{
	return time_now;
}

static void start(uint64_t total)
{
	time_now = 100 * SECOND;
	vfio_progress_start(&progress, total, clock_of_test);
	hear();
}

static void add_after(uint64_t nanoseconds, uint64_t bytes)
{
	time_now += nanoseconds;
	vfio_progress_add(&progress, bytes);
}

static void teardown(void)
{
	vfio_progress_end(&progress);
}

START_TEST(a_second_is_silent)
{
	start(GIB);
	add_after(SECOND / 2, GIB / 2);
	add_after(SECOND / 2, GIB / 2);
	vfio_progress_finish(&progress);
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(lines_are_a_tenth_and_two_seconds_apart)
{
	start(10 * GIB);
	add_after(SECOND + 1, GIB);
	add_after(SECOND, GIB);
	add_after(SECOND - 1, GIB);
	add_after(1, 0);
	add_after(5 * SECOND, GIB / 2);
	add_after(0, GIB / 2);
	ck_assert_str_eq(heard(), "ferry: guest RAM: 1 of 10 GiB are prepared for DMA\n"
				  "ferry: guest RAM: 3 of 10 GiB are prepared for DMA\n"
				  "ferry: guest RAM: 4 of 10 GiB are prepared for DMA\n");
	hear();
	vfio_progress_finish(&progress);
	ck_assert_str_eq(heard(), "ferry: guest RAM: all 10 GiB are mapped for DMA, after 8.0 s\n");
}
END_TEST

START_TEST(little_memory_is_told_in_mib)
{
	start(512 * MIB);
	add_after(2 * SECOND, 256 * MIB);
	ck_assert_str_eq(heard(), "ferry: guest RAM: 256 of 512 MiB are prepared for DMA\n");
}
END_TEST

START_TEST(a_line_of_the_guests_holds_it_up_for_a_second)
{
	start(GIB);
	log_note_neighbour('x');
	add_after(2 * SECOND, GIB / 4);
	add_after(SECOND - 1, GIB / 4);
	ck_assert_str_eq(heard(), "");
	hear();
	add_after(1, GIB / 4);
	ck_assert_ptr_nonnull(strstr(heard(), "768 of 1024 MiB"));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, a_second_is_silent);
	tcase_add_test(tests, lines_are_a_tenth_and_two_seconds_apart);
	tcase_add_test(tests, little_memory_is_told_in_mib);
	tcase_add_test(tests, a_line_of_the_guests_holds_it_up_for_a_second);
}

int main(void)
{
	return run_suite("vfio progress", add_tests);
}
