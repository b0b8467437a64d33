/* SPDX-License-Identifier: BSD-3-Clause */
/* The listeners of a memory map: who is told of what, registration, refusals, demotion. */

#include <check.h>
#include <errno.h>

#include "tests/unit/memory/test_recorder.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

START_TEST(trapped_regions_are_not_told)
{
	struct mem_change changes[] = {del(&a), add(&b, 0x2000)};

	a.kind = MEM_TRAP;
	put(&a, 0x1000);
	mem_map_del(&a);
	expect_story("");
	put(&a, 0x1000);
	ck_assert_int_eq(mem_map_apply(map, changes, 2, MEM_ALL_OR_NOTHING, &err), 0);
	expect_story("1( 2( 1+b@2000 2+b@2000 1) 2) ");
}
END_TEST

START_TEST(a_refused_commit_undoes_too)
{
	second.commit_fails = 1;
	ck_assert_int_eq(mem_map_add(map, &a, 0x1000, &err), -EIO);
	expect_story("1( 2( 1+a@1000 2+a@1000 1) 2) 1( 2( 2-a@1000 1-a@1000 1) 2) ");
	expect_map("");
	second.commit_fails = 1;
	ck_assert_int_eq(mem_map_apply(map, (struct mem_change[]){add(&a, 0x1000)}, 1,
				       MEM_BEST_EFFORT, &err),
			 0);
	expect_map("a@1000 ");
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
	expect_story("3( 3+a@1000 3!b 3-a@1000 3) ");
	put(&c, 0x8000);
	expect_story("");
	third.refuses = NULL;
	third.commit_fails = 1;
	ck_assert_int_eq(mem_map_listen(map, &third.listener, &err), -EIO);
	story[0] = '\0';
	ck_assert_int_eq(mem_map_listen(map, &third.listener, &err), 0);
	expect_story("3( 3+a@1000 3+b@3000 3+c@8000 3) ");
	mem_map_unlisten(map, &third.listener);
	expect_story("3( 3-c@8000 3-b@3000 3-a@1000 3) ");
	mem_map_unlisten(map, &third.listener);
	expect_story("");
	/* The others keep their own account. */
	mem_map_unlisten(map, &first.listener);
	expect_story("1( 1-c@8000 1-b@3000 1-a@1000 1) ");
	ck_assert_int_eq(mem_map_listen(map, &third.listener, &err), 0);
	story[0] = '\0';
	mem_map_del(&a);
	expect_story("2( 3( 3-a@1000 2-a@1000 2) 3) ");
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
	ck_assert_uint_eq(mem_map_demote(map, 0x2800), 1);
	expect_story("1( 2( 2-b@2000 1-b@2000 1) 2) ");
	/* That one is trapped already, so all the others are meant. */
	ck_assert_uint_eq(mem_map_demote(map, 0x2800), 2);
	expect_story("1( 2( 2-a@1000 1-a@1000 2-c@4000 1-c@4000 1) 2) ");
	ck_assert_uint_eq(mem_map_demote(map, 0), 0);
	expect_story("");
	expect_map("ram@0 a@1000 b@2000 c@4000 ");
	ck_assert_int_eq(mem_map_add(map, &a, 0x9000, &err), 0);
	expect_story("1( 2( 1+a@9000 2+a@9000 1) 2) ");
	ck_assert_uint_eq(mem_map_demote(map, 0xfffff), 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, trapped_regions_are_not_told);
	tcase_add_test(tests, a_refused_commit_undoes_too);
	tcase_add_test(tests, registration_replays_and_its_refusal_takes_back);
	tcase_add_test(tests, there_is_an_end_to_listeners);
	tcase_add_test(tests, demotion_takes_devices_away);
}

int main(void)
{
	return run_suite("listener", add_tests);
}
