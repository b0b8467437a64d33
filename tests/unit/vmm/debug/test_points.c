/* SPDX-License-Identifier: BSD-3-Clause */
/* A debugger's breakpoints and watchpoints, in memory and in the processors. */

#include <stdlib.h>

#include "tests/unit/support/fake_debug.h"
#include "tests/unit/support/suite.h"
#include "vmm/debug/points.h"

enum { RAM_SIZE = 0x10000, PLACE = 0x1000, CODE = FAKE_OFFSET + PLACE };

static const uint8_t code[] = {1, 2, 3, 4, 5, 6, 7, 8};
static struct mem_map *map;
static struct debug_points points;
static struct err err;

static void set_up(void)
{
	static const struct ram_range pieces[] = {{0, RAM_SIZE}};
	struct ram_config config = {0};

	fake_debug = (struct fake_debug){
		.support = {.software_breakpoints = true, .step = true, .breakpoints = 2}};
	map = mem_map_create("memory", 0, &err);
	points = (struct debug_points){
		.support = fake_debug.support,
		.ram = ram_create(map, pieces, 1, &config, &err),
	};
	ck_assert_ptr_nonnull(points.ram);
	ck_assert_int_eq(ram_write(points.ram, PLACE, code, sizeof(code)), 0);
}

static void tear_down(void)
{
	ram_destroy(points.ram);
	mem_map_destroy(map);
}

static int insert(enum gdb_point_kind kind, uint64_t address, uint64_t length)
{
	return debug_points_insert(&points, fake_vcpu(0), kind, address, length);
}

static void assert_ram(const char *bytes)
{
	uint8_t there[8];

	ck_assert_int_eq(ram_read(points.ram, PLACE, there, sizeof(there)), 0);
	ck_assert_mem_eq(there, bytes, sizeof(there));
}

START_TEST(a_software_breakpoint_is_in_memory_and_hidden)
{
	struct arch_debug_point list[ARCH_DEBUG_POINTS_MAX];
	uint8_t seen[4];

	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE + 2, 2), 0);
	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE + 2, 2), 0);
	assert_ram("\1\2\xcc\xdd\5\6\7\10");
	ck_assert_int_eq(debug_points_read(&points, PLACE + 1, seen, 2), 0);
	ck_assert_mem_eq(seen, "\2\3", 2);
	ck_assert_int_eq(debug_points_read(&points, PLACE + 3, seen, 4), 0);
	ck_assert_mem_eq(seen, "\4\5\6\7", 4);
	ck_assert(debug_points_is_software(&points, CODE + 2));
	ck_assert(!debug_points_is_software(&points, CODE + 3));
	ck_assert(debug_points_any_software(&points));
	ck_assert_uint_eq(debug_points_hardware(&points, list), 0);
	ck_assert_int_eq(debug_points_remove(&points, GDB_SOFTWARE_BREAK, CODE + 2, 2), 0);
	ck_assert_int_eq(debug_points_remove(&points, GDB_SOFTWARE_BREAK, CODE + 2, 2), 0);
	assert_ram("\1\2\3\4\5\6\7\10");
	ck_assert(!debug_points_any_software(&points));
}
END_TEST

START_TEST(writing_around_a_breakpoint_changes_what_is_under_it)
{
	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE + 2, 2), 0);
	ck_assert_int_eq(debug_points_write(&points, PLACE + 1, (const uint8_t *)"\x21\x22", 2), 0);
	assert_ram("\1\x21\xcc\xdd\5\6\7\10");
	debug_points_clear(&points);
	assert_ram("\1\x21\x22\4\5\6\7\10");
	ck_assert_int_eq(debug_points_write(&points, RAM_SIZE - 1, code, 2), -EFAULT);
}
END_TEST

START_TEST(two_in_one_place_leave_one_by_one)
{
	/* Another address of the same page could be one of another process. */
	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE, 2), 0);
	points.points[0].address = 0x1234;
	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE, 2), 0);
	ck_assert_int_eq(debug_points_remove(&points, GDB_SOFTWARE_BREAK, 0x1234, 2), 0);
	assert_ram("\xcc\xdd\3\4\5\6\7\10");
	ck_assert_int_eq(debug_points_remove(&points, GDB_SOFTWARE_BREAK, CODE, 2), 0);
	assert_ram("\1\2\3\4\5\6\7\10");
}
END_TEST

START_TEST(what_the_guest_wrote_over_a_breakpoint_stays)
{
	uint8_t seen[2];

	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE, 2), 0);
	ck_assert_int_eq(ram_write(points.ram, PLACE, "\x77\x78", 2), 0);
	ck_assert_int_eq(debug_points_read(&points, PLACE, seen, 2), 0);
	ck_assert_mem_eq(seen, "\x77\x78", 2);
	debug_points_clear(&points);
	assert_ram("\x77\x78\3\4\5\6\7\10");
}
END_TEST

START_TEST(without_a_page_the_processor_takes_it)
{
	struct arch_debug_point list[ARCH_DEBUG_POINTS_MAX];
	uint64_t nowhere = FAKE_OFFSET + FAKE_MAPPED;

	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, nowhere, 2), 0);
	ck_assert_uint_eq(debug_points_hardware(&points, list), 1);
	ck_assert_int_eq(list[0].kind, ARCH_DEBUG_BREAK);
	ck_assert_uint_eq(list[0].address, nowhere);
	ck_assert_uint_eq(list[0].length, 1);
	ck_assert(!debug_points_is_software(&points, nowhere));
	ck_assert_int_eq(debug_points_break(&points, nowhere)->kind, GDB_SOFTWARE_BREAK);
	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, nowhere + 2, 2), 0);
	/* The reason is the page, not the processor. */
	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, nowhere + 4, 2), -EFAULT);
	ck_assert_int_eq(insert(GDB_HARDWARE_BREAK, CODE, 2), -ENOSPC);
	ck_assert_int_eq(debug_points_remove(&points, GDB_SOFTWARE_BREAK, nowhere, 2), 0);
	ck_assert_int_eq(insert(GDB_HARDWARE_BREAK, CODE, 2), 0);
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE, 3), -EINVAL);
	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE + 0xfff, 2), -EINVAL); /* on two pages */
	ck_assert_int_eq(insert(GDB_WATCH_READ, CODE, 8), -EOPNOTSUPP);
	points.support = (struct arch_debug_support){0};
	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE, 2), -EOPNOTSUPP);
	ck_assert_uint_eq(points.count, 0);
	points.support = (struct arch_debug_support){.breakpoints = 1};
	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE, 2), 0);
	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE + 2, 2), -ENOSPC);
	debug_points_clear(&points);
	points.support = (struct arch_debug_support){.software_breakpoints = true};
	for (unsigned int i = 0; i < DEBUG_POINTS_MAX; i++)
		ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE + 2 * i, 2), 0);
	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE + 0x1000, 2), -ENOSPC);
}
END_TEST

START_TEST(a_watchpoint_is_found_by_what_it_covers)
{
	ck_assert_int_eq(insert(GDB_WATCH_WRITE, CODE, 64), 0);
	ck_assert_int_eq(insert(GDB_WATCH_ACCESS, CODE + 8, 4), 0);
	ck_assert_int_eq(debug_points_watch(&points, CODE + 7)->kind, GDB_WATCH_WRITE);
	ck_assert_int_eq(debug_points_watch(&points, CODE + 9)->kind, GDB_WATCH_ACCESS);
	ck_assert_int_eq(debug_points_watch(&points, CODE + 63)->kind, GDB_WATCH_WRITE);
	ck_assert_ptr_null(debug_points_watch(&points, CODE + 64));
	ck_assert_ptr_null(debug_points_watch(&points, CODE - 1));
	ck_assert_ptr_null(debug_points_break(&points, CODE));
}
END_TEST

/*
 * A kernel that is loaded where it will run has its code again; one that unpacks itself does not
 * yet.
 */
START_TEST(a_reboot_keeps_breakpoints)
{
	struct arch_debug_point list[ARCH_DEBUG_POINTS_MAX];
	size_t count;

	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE, 2), 0);
	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE + 4, 2), 0);
	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE + 6, 2), 0);
	ck_assert_int_eq(insert(GDB_HARDWARE_BREAK, CODE + 2, 1), 0);
	ck_assert_int_eq(ram_clear(points.ram, PLACE, 8), 0);
	ck_assert_int_eq(ram_write(points.ram, PLACE, code, 2), 0);
	debug_points_reload(&points);
	assert_ram("\xcc\xdd\0\0\0\0\0\0");
	count = debug_points_hardware(&points, list);
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(list[0].address, CODE + 2);
	ck_assert_uint_eq(list[1].address, CODE + 4);
	ck_assert_uint_eq(points.count, 3);
	debug_points_clear(&points);
	assert_ram("\1\2\0\0\0\0\0\0");
}
END_TEST

START_TEST(two_in_one_place_are_both_put_back)
{
	struct arch_debug_point list[ARCH_DEBUG_POINTS_MAX];

	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE, 2), 0);
	points.points[0].address = 0x1234;
	ck_assert_int_eq(insert(GDB_SOFTWARE_BREAK, CODE, 2), 0);
	ck_assert_int_eq(ram_write(points.ram, PLACE, code, sizeof(code)), 0);
	debug_points_reload(&points);
	ck_assert_uint_eq(points.count, 2);
	ck_assert_uint_eq(debug_points_hardware(&points, list), 0);
	debug_points_clear(&points);
	assert_ram("\1\2\3\4\5\6\7\10");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_software_breakpoint_is_in_memory_and_hidden);
	tcase_add_test(tests, writing_around_a_breakpoint_changes_what_is_under_it);
	tcase_add_test(tests, two_in_one_place_leave_one_by_one);
	tcase_add_test(tests, what_the_guest_wrote_over_a_breakpoint_stays);
	tcase_add_test(tests, without_a_page_the_processor_takes_it);
	tcase_add_test(tests, what_cannot_be_is_refused);
	tcase_add_test(tests, a_watchpoint_is_found_by_what_it_covers);
	tcase_add_test(tests, a_reboot_keeps_breakpoints);
	tcase_add_test(tests, two_in_one_place_are_both_put_back);
}

int main(void)
{
	return run_suite("debug_points", add_tests);
}
