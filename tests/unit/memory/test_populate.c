/* SPDX-License-Identifier: BSD-3-Clause */
/* Populating memory: from where its pages are touched, and stopping. */

#include <check.h>
#include <errno.h>
#include <linux/mman.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>

#include "memory/populate.h"
#include "tests/unit/memory/test_node_tree.h"
#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/host.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

static char *memory;
static unsigned int threads;
static struct watcher {
	atomic_uint chunks, on_cpu[2], elsewhere;
	_Atomic uint64_t bytes, largest;
	atomic_bool stop;
	unsigned int stop_after; /* chunks; 0: never */
} watcher;

static const uint64_t size = 200 * MIB;

static void setup(void)
{
	fake_tree_create();
	find_processors();
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(memory != MAP_FAILED);
	threads = count_threads();
}

static void teardown(void)
{
	ck_assert(threads_are(threads));
	munmap(memory, size);
	fake_tree_remove();
}

static void chunk_done(void *owner, uint64_t bytes)
{
	struct watcher *to = owner;
	uint64_t largest = atomic_load(&to->largest);
	cpu_set_t set;

	while (bytes > largest && !atomic_compare_exchange_weak(&to->largest, &largest, bytes))
		;
	to->bytes += bytes;
	sched_getaffinity(0, sizeof(set), &set);
	for (unsigned int i = 0; i < 2; i++)
		to->on_cpu[i] += CPU_COUNT(&set) == 1 && CPU_ISSET(cpu[i], &set);
	to->elsewhere += CPU_COUNT(&set) != 1;
	if (++to->chunks == to->stop_after)
		atomic_store(&to->stop, true);
}

static int populate(const unsigned int *pins, size_t count, uint64_t page_size)
{
	const struct populate_place place = {.sysfs = fake_tree_path(""),
					     .pins = pins,
					     .pin_count = count};
	const struct populate_watch watch = {.stop = &watcher.stop,
					     .done = chunk_done,
					     .owner = &watcher};

	return populate_spread(&place, memory, size, page_size, &watch);
}

static size_t resident(void)
{
	static unsigned char pages[200 * MIB / 4096];
	size_t count = 0;

	ck_assert_int_eq(mincore(memory, size, pages), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		count += pages[i] & 1;
	return count * 4096;
}

START_TEST(all_of_it_is_populated_once)
{
	ck_assert_int_eq(populate(NULL, 0, 0), 0);
	ck_assert_uint_eq(watcher.bytes, size);
	ck_assert_uint_eq(watcher.chunks, 4);
	ck_assert_uint_eq(resident(), size);
}
END_TEST

START_TEST(threads_keep_to_their_nodes)
{
	cpu_set_t before, after;

	sched_getaffinity(0, sizeof(before), &before);
	two_nodes();
	ck_assert_int_eq(populate(NULL, 0, 0), 0);
	ck_assert_uint_eq(resident(), size);
	if (cpu[0] != cpu[1])
		ck_assert_uint_eq(watcher.on_cpu[0] + watcher.on_cpu[1], 4);
	ck_assert_uint_eq(watcher.elsewhere, 0);
	sched_getaffinity(0, sizeof(after), &after);
	ck_assert(CPU_EQUAL(&before, &after));
}
END_TEST

START_TEST(a_guest_of_one_node_has_its_memory_from_there)
{
	two_nodes();
	ck_assert_int_eq(populate(&cpu[1], 1, 0), 0);
	ck_assert_uint_eq(watcher.on_cpu[1], 4);
	ck_assert_uint_eq(watcher.elsewhere, 0);
	if (cpu[0] != cpu[1])
		ck_assert_uint_eq(watcher.on_cpu[0], 0);
}
END_TEST

START_TEST(a_node_that_cannot_be_kept_to_is_no_fault)
{
	const unsigned int pin = 901;

	two_nodes();
	add_node(1, "900-901\n");
	ck_assert_int_eq(populate(&pin, 1, 0), 0);
	ck_assert_uint_eq(resident(), size);
}
END_TEST

START_TEST(chunks_are_whole_pages)
{
	ck_assert_int_eq(populate(NULL, 0, 128 * MIB), 0);
	ck_assert_uint_eq(watcher.chunks, 2);
	ck_assert_uint_eq(watcher.largest, 128 * MIB);
	ck_assert_uint_eq(watcher.bytes, size);
}
END_TEST

START_TEST(it_stops_between_chunks)
{
	watcher.stop_after = 1;
	ck_assert_int_eq(populate(NULL, 0, 0), 0);
	ck_assert_uint_lt(watcher.bytes, size);
	ck_assert_uint_ge(watcher.chunks, 1);
	ck_assert_uint_le(watcher.chunks, 3);
}
END_TEST

START_TEST(memory_that_is_not_there_is_an_error)
{
	munmap(memory + 100 * MIB, 4096);
	ck_assert_int_eq(populate(NULL, 0, 0), -ENOMEM);
	two_nodes();
	ck_assert_int_eq(populate(NULL, 0, 0), -ENOMEM);
	ck_assert_uint_lt(watcher.bytes, 2 * size);
}
END_TEST

START_TEST(pages_keep_what_is_there)
{
	char *gone;

	memory[5000] = 'x';
	ck_assert_int_eq(populate_pages(memory + 4095, 4098), 0);
	ck_assert_int_eq(memory[5000], 'x');
	ck_assert_uint_ge(resident(), 3 * 4096);
	ck_assert_int_eq(populate_pages(memory, 0), 0);
	gone = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_int_eq(populate_pages(gone, 4096), -EINVAL);
	munmap(gone, 4096);
	ck_assert_int_eq(populate_pages(gone, 4096), -ENOMEM);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_guest_of_one_node_has_its_memory_from_there);
	tcase_add_test(tests, chunks_are_whole_pages);
	tcase_add_test(tests, it_stops_between_chunks);
	if (!advice_is_heeded(MADV_POPULATE_WRITE, "pages that must be there"))
		return;
	tcase_add_test(tests, all_of_it_is_populated_once);
	tcase_add_test(tests, threads_keep_to_their_nodes);
	tcase_add_test(tests, a_node_that_cannot_be_kept_to_is_no_fault);
	tcase_add_test(tests, memory_that_is_not_there_is_an_error);
	tcase_add_test(tests, pages_keep_what_is_there);
}

int main(void)
{
	return run_suite("populate", add_tests);
}
