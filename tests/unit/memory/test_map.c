/* SPDX-License-Identifier: BSD-3-Clause */
/* Transactions on a memory map, its listeners, and demotion. */

#include <check.h>
#include <errno.h>

#include "memory/map_private.h"
#include "tests/unit/memory/test_recorder.h"
#include "tests/unit/support/suite.h"

START_TEST(deletions_come_first_in_reverse_and_additions_in_order)
{
	struct mem_change changes[] = {add(&c, 0x8000), del(&a), add(&b, 0x1000), del(&b)};

	put(&a, 0x1000);
	put(&b, 0x2000);
	ck_assert_int_eq(mem_map_apply(map, changes, 4, MEM_ALL_OR_NOTHING, &err), 0);
	expect_story("2-b@2000 2-a@1000 1-b@2000 1-a@1000 "
		     "1+c@8000 1+b@1000 2+c@8000 2+b@1000 ");
	expect_map("b@1000 c@8000 ");
	ck_assert_ptr_null(a.map);
	ck_assert_ptr_eq(b.map, map);
	ck_assert_uint_eq(b.base, 0x1000);
}
END_TEST

START_TEST(two_regions_swap_places)
{
	struct mem_change changes[] = {add(&a, 0x2000), add(&b, 0x1000)};

	put(&a, 0x1000);
	put(&b, 0x2000);
	ck_assert_int_eq(mem_map_apply(map, changes, 2, MEM_ALL_OR_NOTHING, &err), 0);
	expect_map("b@1000 a@2000 ");
}
END_TEST

START_TEST(a_pass_that_changes_nothing_is_silent)
{
	struct mem_change changes[] = {del(&a), add(&a, 0x1000), del(&b)};

	put(&a, 0x1000);
	ck_assert_int_eq(mem_map_apply(map, changes, 3, MEM_ALL_OR_NOTHING, &err), 0);
	ck_assert_int_eq(mem_map_apply(map, changes, 3, MEM_BEST_EFFORT, &err), 0);
	ck_assert_int_eq(mem_map_apply(map, NULL, 0, MEM_ALL_OR_NOTHING, &err), 0);
	mem_map_del(&b);
	expect_story("");
	expect_map("a@1000 ");
}
END_TEST

START_TEST(overlap_is_refused_and_nothing_changes)
{
	struct mem_change changes[] = {del(&a), add(&b, 0x9000), add(&c, 0xf000)};

	put(&a, 0x1000);
	put(&d, 0x10000);
	ck_assert_int_eq(mem_map_apply(map, changes, 3, MEM_ALL_OR_NOTHING, &err), -EBUSY);
	ck_assert_str_eq(err.text, "memory map test: c at 0xf000, 0x2000 bytes: it overlaps d at "
				   "0x10000, 0x1000 bytes");
	ck_assert_int_eq(err.code, -EBUSY);
	expect_story("");
	expect_map("a@1000 d@10000 ");
	ck_assert_ptr_null(b.map);
	/* From every side, and one wholly inside another. */
	ck_assert_int_eq(mem_map_add(map, &c, 0x10000, &err), -EBUSY);
	ck_assert_int_eq(mem_map_add(map, &b, 0x10fff, &err), -EBUSY);
	ck_assert_int_eq(mem_map_add(map, &c, 0xe000, &err), 0);
	ck_assert_int_eq(mem_map_add(map, &b, 0x11000, &err), 0);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
	struct mem_map *whole = mem_map_create("whole", 0, &err);

	ck_assert_int_eq(mem_map_add(map, &a, (1 << 20) - PAGE, &err), 0);
	ck_assert_int_eq(mem_map_add(map, &c, (1 << 20) - PAGE, &err), -ERANGE);
	ck_assert_int_eq(mem_map_add(map, &b, UINT64_MAX - PAGE + 1, &err), -ERANGE);
	ck_assert_int_eq(mem_map_add(map, &b, UINT64_MAX, &err), -ERANGE);
	ck_assert_int_eq(mem_map_add(map, &empty, 0, &err), -ERANGE);
	ck_assert_int_eq(mem_map_add(whole, &b, UINT64_MAX - PAGE + 2, &err), -ERANGE);
	ck_assert_int_eq(mem_map_add(whole, &b, UINT64_MAX - PAGE + 1, &err), 0);
	ck_assert_int_eq(mem_map_add(map, &b, 0, &err), -EBUSY);
	ck_assert_ptr_eq(b.map, whole);
	mem_map_destroy(whole);
	ck_assert_ptr_null(b.map);
}
END_TEST

START_TEST(best_effort_leaves_out_what_does_not_fit)
{
	struct mem_change changes[] = {add(&b, 0x1000), add(&c, 0x4000), add(&a, 0x100000)};

	put(&a, 0x1000);
	put(&c, 0x8000);
	ck_assert_int_eq(mem_map_apply(map, changes, 3, MEM_BEST_EFFORT, &err), 0);
	/* The place that `a` left was free for `b`; `a` itself found none. */
	expect_map("b@1000 c@4000 ");
	ck_assert_ptr_null(a.map);
	changes[0] = add(&a, 0x5000);
	ck_assert_int_eq(mem_map_apply(map, changes, 1, MEM_BEST_EFFORT, &err), 0);
	ck_assert_ptr_null(a.map);
	expect_map("b@1000 c@4000 ");
}
END_TEST

START_TEST(what_stays_has_the_better_claim)
{
	struct mem_change changes[] = {add(&b, 0x1000), del(&a), add(&a, 0x1000)};

	put(&a, 0x1000);
	ck_assert_int_eq(mem_map_apply(map, changes, 3, MEM_BEST_EFFORT, &err), 0);
	expect_map("a@1000 ");
	expect_story("");
}
END_TEST

START_TEST(a_refusal_undoes_the_whole_pass)
{
	struct mem_change changes[] = {add(&b, 0x1000), add(&a, 0x4000), add(&c, 0x8000)};

	put(&a, 0x1000);
	second.refuses = "c";
	ck_assert_int_eq(mem_map_apply(map, changes, 3, MEM_ALL_OR_NOTHING, &err), -ENOSPC);
	ck_assert_str_eq(err.text, "no room for c");
	expect_story("2-a@1000 1-a@1000 1+b@1000 1+a@4000 1+c@8000 2+b@1000 2+a@4000 2!c "
		     "2-a@4000 2-b@1000 1-c@8000 1-a@4000 1-b@1000 1+a@1000 2+a@1000 ");
	expect_map("a@1000 ");
	ck_assert_ptr_null(b.map);
	ck_assert_ptr_null(c.map);
	mem_map_del(&a);
	expect_story("2-a@1000 1-a@1000 ");
}
END_TEST

START_TEST(best_effort_keeps_what_a_listener_refuses)
{
	struct mem_change changes[] = {add(&a, 0x1000), add(&b, 0x2000)};

	first.refuses = "a";
	ck_assert_int_eq(mem_map_apply(map, changes, 2, MEM_BEST_EFFORT, &err), 0);
	expect_story("1!a 1+b@2000 2+a@1000 2+b@2000 ");
	expect_map("a@1000 b@2000 ");
	mem_map_del(&a);
	expect_story("2-a@1000 ");
}
END_TEST

START_TEST(an_undone_pass_restores_only_who_had_it)
{
	struct mem_change changes[] = {del(&a), add(&b, 0x2000)};

	first.refuses = "a";
	ck_assert_int_eq(mem_map_apply(map, (struct mem_change[]){add(&a, 0x1000)}, 1,
				       MEM_BEST_EFFORT, &err),
			 0);
	story[0] = '\0';
	second.refuses = "b";
	ck_assert_int_eq(mem_map_apply(map, changes, 2, MEM_ALL_OR_NOTHING, &err), -ENOSPC);
	expect_story("2-a@1000 1+b@2000 2!b 1-b@2000 2+a@1000 ");
}
END_TEST

START_TEST(many_regions_stay_sorted)
{
	enum { COUNT = 200 };
	static struct mem_region regions[COUNT];
	struct mem_change changes[COUNT];

	for (unsigned int i = 0; i < COUNT; i++) {
		regions[i] = device("many", 0x100);
		changes[i] = add(&regions[i], (uint64_t)(i * 77 % COUNT) * 0x200);
	}
	ck_assert_int_eq(mem_map_apply(map, changes, COUNT, MEM_ALL_OR_NOTHING, &err), 0);
	for (unsigned int i = 0; i < COUNT; i++) {
		ck_assert_int_eq(mem_map_add(map, &probe, i * 0x200, &err), -EBUSY);
		ck_assert_int_eq(mem_map_add(map, &probe, i * 0x200 + 0xff, &err), -EBUSY);
		ck_assert_int_eq(mem_map_add(map, &probe, i * 0x200 + 0x100, &err), 0);
		ck_assert_int_eq(mem_map_add(map, &probe, i * 0x200 + 0x1ff, &err), 0);
	}
	for (unsigned int i = 0; i < COUNT; i++)
		mem_map_del(&regions[i]);
	mem_map_del(&probe);
	expect_map("");
}
END_TEST

START_TEST(trapped_regions_are_not_told)
{
	struct mem_change changes[] = {del(&a), add(&b, 0x2000)};

	a.kind = MEM_TRAP;
	put(&a, 0x1000);
	mem_map_del(&a);
	expect_story("");
	put(&a, 0x1000);
	ck_assert_int_eq(mem_map_apply(map, changes, 2, MEM_ALL_OR_NOTHING, &err), 0);
	expect_story("1+b@2000 2+b@2000 ");
}
END_TEST

/* Whoever listens for doorbells is told of those regions alone. */
START_TEST(doorbells_are_told_to_who_listens_for_them)
{
	static const struct mem_doorbell bell = {.eventfd = 3};
	struct mem_change moves[] = {add(&trap, 0x5000), add(&a, 0x1000)};
	struct recorder third = recorder_named("3");

	third.listener.doorbells = true;
	ck_assert_int_eq(mem_map_listen(map, &third.listener, &err), 0);
	trap.doorbells = &bell;
	trap.doorbell_count = 1;
	ck_assert_int_eq(mem_map_add(map, &trap, 0x2000, &err), 0);
	expect_story("3+trap@2000 ");
	ck_assert_int_eq(mem_map_apply(map, moves, 2, MEM_ALL_OR_NOTHING, &err), 0);
	expect_story("3-trap@2000 1+a@1000 2+a@1000 3+trap@5000 ");
	mem_map_del(&trap);
	expect_story("3-trap@5000 ");
	third.refuses = "trap";
	ck_assert_int_eq(mem_map_apply(map, moves, 1, MEM_BEST_EFFORT, &err), 0);
	expect_story("3!trap ");
	ck_assert_ptr_eq(trap.map, map);
	mem_map_del(&trap);
	expect_story("");
	mem_map_unlisten(map, &third.listener);
}
END_TEST

START_TEST(registration_replays_and_its_refusal_takes_back)
{
	struct recorder third = recorder_named("3");

	put(&b, 0x3000);
	put(&a, 0x1000);
	put(&trap, 0x2000);
	third.refuses = "b";
	ck_assert_int_eq(mem_map_listen(map, &third.listener, &err), -ENOSPC);
	ck_assert_str_eq(err.text, "no room for b");
	expect_story("3+a@1000 3!b 3-a@1000 ");
	put(&c, 0x8000);
	expect_story("");
	third.refuses = NULL;
	ck_assert_int_eq(mem_map_listen(map, &third.listener, &err), 0);
	expect_story("3+a@1000 3+b@3000 3+c@8000 ");
	mem_map_unlisten(map, &third.listener);
	expect_story("3-c@8000 3-b@3000 3-a@1000 ");
	mem_map_unlisten(map, &third.listener);
	expect_story("");
	/* The others keep their own account. */
	mem_map_unlisten(map, &first.listener);
	expect_story("1-c@8000 1-b@3000 1-a@1000 ");
	ck_assert_int_eq(mem_map_listen(map, &third.listener, &err), 0);
	story[0] = '\0';
	mem_map_del(&a);
	expect_story("3-a@1000 2-a@1000 ");
}
END_TEST

START_TEST(there_is_an_end_to_listeners)
{
	struct recorder more[MEM_LISTENERS_MAX];

	for (size_t i = 0; i + 2 < ARRAY_SIZE(more); i++) {
		more[i] = recorder_named("more");
		ck_assert_int_eq(mem_map_listen(map, &more[i].listener, &err), 0);
	}
	more[7] = recorder_named("last");
	ck_assert_int_eq(mem_map_listen(map, &more[7].listener, &err), -ENOSPC);
}
END_TEST

START_TEST(demotion_takes_devices_away)
{
	put(&ram, 0);
	put(&a, 0x1000);
	put(&b, 0x2000);
	put(&c, 0x4000);
	ck_assert_uint_eq(mem_map_demote(map, 0x2800, 0x2800), 1);
	expect_story("2-b@2000 1-b@2000 ");
	/* That one is trapped already. */
	ck_assert_uint_eq(mem_map_demote(map, 0x2800, 0x2800), 0);
	expect_story("");
	ck_assert_uint_eq(mem_map_demote(map, 0, UINT64_MAX), 2);
	expect_story("2-a@1000 1-a@1000 2-c@4000 1-c@4000 ");
	ck_assert_uint_eq(mem_map_demote(map, 0, 0), 0);
	expect_story("");
	expect_map("ram@0 a@1000 b@2000 c@4000 ");
	ck_assert_int_eq(mem_map_add(map, &a, 0x9000, &err), 0);
	expect_story("1+a@9000 2+a@9000 ");
	ck_assert_uint_eq(mem_map_demote(map, 0x9fff, 0xfffff), 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, deletions_come_first_in_reverse_and_additions_in_order);
	tcase_add_test(tests, two_regions_swap_places);
	tcase_add_test(tests, a_pass_that_changes_nothing_is_silent);
	tcase_add_test(tests, overlap_is_refused_and_nothing_changes);
	tcase_add_test(tests, what_does_not_fit_is_refused);
	tcase_add_test(tests, best_effort_leaves_out_what_does_not_fit);
	tcase_add_test(tests, what_stays_has_the_better_claim);
	tcase_add_test(tests, a_refusal_undoes_the_whole_pass);
	tcase_add_test(tests, best_effort_keeps_what_a_listener_refuses);
	tcase_add_test(tests, an_undone_pass_restores_only_who_had_it);
	tcase_add_test(tests, many_regions_stay_sorted);
	tcase_add_test(tests, trapped_regions_are_not_told);
	tcase_add_test(tests, doorbells_are_told_to_who_listens_for_them);
	tcase_add_test(tests, registration_replays_and_its_refusal_takes_back);
	tcase_add_test(tests, there_is_an_end_to_listeners);
	tcase_add_test(tests, demotion_takes_devices_away);
}

int main(void)
{
	return run_suite("map", add_tests);
}
