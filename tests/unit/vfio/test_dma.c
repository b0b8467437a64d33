/* SPDX-License-Identifier: BSD-3-Clause */
/* The mapper: all of RAM or nothing, each refusal's sentence, parts, stopping at any time. */

#include <check.h>
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/host.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/vfio/test_dma.h"
#include "vfio/space.h"
#include "vmm/base/bits.h"

#define NS UINT64_C(1000000000)

START_TEST(all_of_ram_is_mapped_one_to_one)
{
	ck_assert(!vfio_dma_mapped(&dma));
	start();
	wait_done();
	ck_assert(!outcome.failed);
	ck_assert(vfio_dma_mapped(&dma));
	ck_assert_uint_eq(space.count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct mem_region *piece = ram_piece(ram, i);

		ck_assert_uint_eq(space.maps[i].iova, piece->base);
		ck_assert_uint_eq(space.maps[i].size, piece->size);
		ck_assert_ptr_eq(space.maps[i].host, piece->host);
		ck_assert_uint_eq(space.maps[i].flags, VFIO_MAP_READ | VFIO_MAP_WRITE);
	}
	vfio_dma_stop(&dma);
	vfio_dma_stop(&dma);
	ck_assert_uint_eq(outcome.calls, 1);
}
END_TEST

START_TEST(populating_keeps_what_the_guest_wrote)
{
	uint32_t word = 0xc0ffee, back = 0;

	ck_assert_int_eq(ram_write(ram, 64 * MIB, &word, sizeof(word)), 0);
	start();
	wait_done();
	ck_assert_int_eq(ram_read(ram, 64 * MIB, &back, sizeof(back)), 0);
	ck_assert_uint_eq(back, word);
}
END_TEST

START_TEST(each_refusal_has_its_sentence_and_is_undone)
{
	static const struct {
		int code;
		const char *sentence;
	} rows[] = {
		{-ENOMEM, "135168 KiB more cannot be locked, the limit is 64 KiB"},
		{-EINVAL, "reserved or beyond the IOMMU's addresses"},
		{-EEXIST, "overlaps what is already mapped"},
		{-ENOSPC, "it holds no more"},
		{-EFAULT, "Bad address"},
	};

	drop_root_and_limit(64 * KIB, 64 * KIB);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		space.total = 0;
		space.fail_at = 2;
		space.fail_code = rows[i].code;
		start();
		wait_done();
		vfio_dma_stop(&dma);
		ck_assert(outcome.failed);
		ck_assert_int_eq(outcome.err.code, rows[i].code);
		ck_assert_ptr_nonnull(strstr(outcome.err.text, rows[i].sentence));
		ck_assert_ptr_nonnull(strstr(outcome.err.text, "guest RAM 0x100000-0x82fffff"));
		ck_assert_uint_eq(space.count, 0);
		ck_assert(!vfio_dma_mapped(&dma));
	}
}
END_TEST

START_TEST(a_refusal_at_any_piece_is_undone)
{
	for (size_t i = 1; i <= 3; i++) {
		space.total = 0;
		space.fail_at = i;
		space.fail_code = -ENOMEM;
		start();
		wait_done();
		vfio_dma_join(&dma);
		ck_assert_uint_eq(space.count, 0);
		vfio_dma_stop(&dma);
		ck_assert(outcome.failed);
		ck_assert_uint_eq(space.total, i);
		ck_assert_uint_eq(space.count, 0);
	}
}
END_TEST

/* A space whose maps take their time, and then are refused, like by a container that was left. */
static struct slow_space {
	struct vfio_space space;
	struct vfio_space_ops ops;
	sem_t entered;
	atomic_bool inside;
	atomic_uint maps;
	unsigned int unmaps;
	int answer;
	int patience_ms; /* for the end to be asked for */
} slow;

static int slow_map(struct vfio_space *base, const struct vfio_mapping *request)
{
	(void)base;
	(void)request;
	atomic_store(&slow.inside, true);
	slow.maps++;
	sem_post(&slow.entered);
	for (int i = 0; i < slow.patience_ms && !atomic_load(&dma.stopping); i++)
		usleep(1000);
	usleep(20000); /* for who does not wait to be seen */
	atomic_store(&slow.inside, false);
	return slow.answer;
}

static int slow_unmap(struct vfio_space *base, uint64_t iova, uint64_t size, uint64_t *unmapped)
{
	(void)base;
	(void)iova;
	*unmapped = size;
	slow.unmaps++;
	return slow.answer;
}

static void start_slow(int answer, int patience_ms)
{
	memset(&slow, 0, sizeof(slow));
	slow.answer = answer;
	slow.patience_ms = patience_ms;
	slow.ops = *space.space.ops;
	slow.ops.map = slow_map;
	slow.ops.unmap = slow_unmap;
	slow.space.ops = &slow.ops;
	slow.space.page_sizes = 4096;
	sem_init(&slow.entered, 0, 0);
	config.space = &slow.space;
	start();
	while (sem_wait(&slow.entered) < 0)
		;
}

/* The last group may leave when it returns: the kernel must not be mapping for it then. */
START_TEST(abandoning_waits_for_the_map_in_flight)
{
	start_slow(-EINVAL, 60000);
	vfio_dma_abandon(&dma);
	ck_assert(!atomic_load(&slow.inside));
	vfio_dma_abandon(&dma);
	ck_assert_uint_eq(outcome.calls, 1);
	ck_assert(!outcome.failed);
	ck_assert(!vfio_dma_mapped(&dma));
	vfio_dma_stop(&dma);
	ck_assert_uint_eq(outcome.calls, 1);
	ck_assert_uint_eq(slow.maps, 1);
	ck_assert_uint_eq(slow.unmaps, 0);
}
END_TEST

/* The thread ends with its callback; its memory is given back, and what it mapped stays. */
START_TEST(joined_once_all_is_mapped)
{
	start();
	wait_done();
	vfio_dma_join(&dma);
	ck_assert(threads_are(threads));
	vfio_dma_join(&dma);
	ck_assert(vfio_dma_mapped(&dma));
	ck_assert_uint_gt(space.count, 0);
	vfio_dma_stop(&dma);
	ck_assert_uint_eq(space.count, 0);
}
END_TEST

START_TEST(abandoned_after_it_was_joined)
{
	start_slow(0, 0);
	wait_done();
	vfio_dma_join(&dma);
	vfio_dma_abandon(&dma);
	vfio_dma_stop(&dma);
	ck_assert_uint_eq(slow.unmaps, 0);
	ck_assert_uint_eq(outcome.calls, 1);
}
END_TEST

START_TEST(what_left_with_the_last_group_is_not_unmapped)
{
	start_slow(0, 60000);
	vfio_dma_abandon(&dma);
	vfio_dma_stop(&dma);
	ck_assert_uint_eq(slow.maps, 1);
	ck_assert_uint_eq(slow.unmaps, 0);
}
END_TEST

START_TEST(ram_is_mapped_in_parts)
{
	static const uint64_t parts[][2] = {{0, 640 * KIB},
					    {MIB, 63 * MIB},
					    {64 * MIB, 64 * MIB},
					    {128 * MIB, 3 * MIB},
					    {4 * GIB, 2 * MIB}};

	config.part = 64 * MIB;
	start();
	wait_done();
	ck_assert_uint_eq(space.count, ARRAY_SIZE(parts));
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		ck_assert_uint_eq(space.maps[i].iova, parts[i][0]);
		ck_assert_uint_eq(space.maps[i].size, parts[i][1]);
		ck_assert_ptr_eq(space.maps[i].host, ram_host(ram, parts[i][0], parts[i][1]));
	}
}
END_TEST

START_TEST(a_refusal_at_any_part_is_undone)
{
	config.part = 64 * MIB;
	drop_root_and_limit(64 * KIB, 64 * KIB);
	for (size_t i = 1; i <= 5; i++) {
		space.total = 0;
		space.fail_at = i;
		space.fail_code = -ENOMEM;
		start();
		wait_done();
		vfio_dma_stop(&dma);
		ck_assert(outcome.failed);
		ck_assert_uint_eq(space.total, i);
		ck_assert_uint_eq(space.count, 0);
	}
	/* The last: all but it was locked. */
	ck_assert_ptr_nonnull(strstr(outcome.err.text, "2048 KiB more cannot be locked"));
}
END_TEST

/* Of 132 parts. */
START_TEST(the_end_waits_for_one_part)
{
	config.part = MIB;
	start_slow(0, 60000);
	vfio_dma_stop(&dma);
	ck_assert(!atomic_load(&slow.inside));
	ck_assert_uint_eq(slow.maps, 1);
	ck_assert_uint_eq(slow.unmaps, 1);
}
END_TEST

static uint64_t few_maps(const struct vfio_space *base)
{
	(void)base;
	return 24;
}

/* Half of them for 132 MiB in three pieces. */
START_TEST(parts_are_as_large_as_the_container_needs)
{
	slow.ops = *space.space.ops;
	slow.ops.maps_left = few_maps;
	space.space.ops = &slow.ops;
	config.part = MIB;
	start();
	wait_done();
	ck_assert_uint_le(space.count, 12);
	ck_assert_uint_ge(space.count, 6);
	ck_assert_uint_eq(space.maps[1].size, 31 * MIB);
}
END_TEST

START_TEST(abandoned_at_any_time_it_ends_well)
{
	for (unsigned int i = 0; i < 20; i++) {
		start();
		usleep(i * 500);
		vfio_dma_abandon(&dma);
		ck_assert_uint_eq(outcome.calls, i + 1);
		ck_assert(!outcome.failed);
		vfio_dma_stop(&dma);
		ck_assert_uint_eq(outcome.calls, i + 1);
		space.count = 0;
	}
}
END_TEST

/* With the last group all mappings went: that they cannot be unmapped is no news. */
START_TEST(abandoned_when_all_was_mapped)
{
	const char *text;

	start();
	wait_done();
	vfio_dma_abandon(&dma);
	ck_assert(!vfio_dma_mapped(&dma));
	vfio_dma_abandon(&dma);
	space.short_unmap = true;
	hear();
	vfio_dma_stop(&dma);
	text = heard();
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(space.count, 3);
	space.count = 0;
	ck_assert_uint_eq(outcome.calls, 1);
}
END_TEST

/* A device that comes after the last has left. */
START_TEST(abandoned_it_may_start_anew)
{
	struct fake_vfio_space other;

	start();
	wait_done();
	vfio_dma_abandon(&dma);
	fake_vfio_space_init(&other);
	config.space = &other.space;
	start();
	wait_done();
	ck_assert(vfio_dma_mapped(&dma));
	ck_assert_uint_eq(other.count, 3);
	vfio_dma_stop(&dma);
	ck_assert_uint_eq(other.count, 0);
	ck_assert_uint_eq(outcome.calls, 2);
	space.count = 0;
}
END_TEST

static uint64_t clock_now, clock_step;

static uint64_t made_up_clock(void)
{
	return __atomic_fetch_add(&clock_now, clock_step, __ATOMIC_RELAXED);
}

START_TEST(a_start_within_a_second_is_silent)
{
	clock_now = 5 * NS;
	clock_step = NS / 100;
	config.now = made_up_clock;
	hear();
	start();
	wait_done();
	ck_assert_str_eq(heard(), "");
}
END_TEST

/* Five chunks: one of 640 KiB, three of 130 MiB, one of 2 MiB. */
START_TEST(a_long_start_is_told)
{
	const char *text;

	clock_now = 5 * NS;
	clock_step = 3 * NS;
	config.now = made_up_clock;
	hear();
	start();
	wait_done();
	text = heard();
	ck_assert_ptr_nonnull(
		strstr(text, "ferry: guest RAM: 0 of 132 MiB are prepared for DMA\n"));
	ck_assert_ptr_nonnull(strstr(text, " of 132 MiB are prepared for DMA\n"));
	ck_assert_ptr_nonnull(strstr(text, "ferry: guest RAM: all 132 MiB are mapped for DMA, "
					   "after 18.0 s\n"));
}
END_TEST

START_TEST(a_long_start_is_not_told_where_only_errors_are)
{
	clock_step = 3 * NS;
	config.now = made_up_clock;
	log_set_level(LOG_ERROR);
	hear();
	start();
	wait_done();
	ck_assert_str_eq(heard(), "");
}
END_TEST

/* 64 GiB in chunks of 1 GiB, each by its time. */
static const char *hear_progress(uint64_t step)
{
	struct vfio_progress progress;

	clock_now = NS;
	clock_step = 0;
	hear();
	vfio_progress_start(&progress, 64 * GIB, made_up_clock);
	for (unsigned int i = 0; i < 64; i++) {
		clock_now += step;
		vfio_progress_add(&progress, GIB);
	}
	vfio_progress_finish(&progress);
	vfio_progress_end(&progress);
	return heard();
}

static unsigned int count_lines(const char *text)
{
	unsigned int count = 0;

	for (; (text = strchr(text, '\n')); text++)
		count++;
	return count;
}

START_TEST(lines_are_two_seconds_and_a_tenth_apart)
{
	const char *text = hear_progress(NS / 100);

	ck_assert_str_eq(text, "");
	text = hear_progress(NS / 10);
	ck_assert_str_eq(text, "ferry: guest RAM: 11 of 64 GiB are prepared for DMA\n"
			       "ferry: guest RAM: 31 of 64 GiB are prepared for DMA\n"
			       "ferry: guest RAM: 51 of 64 GiB are prepared for DMA\n"
			       "ferry: guest RAM: all 64 GiB are mapped for DMA, after 6.4 s\n");
	text = hear_progress(10 * NS);
	ck_assert(strncmp(text,
			  "ferry: guest RAM: 1 of 64 GiB are prepared for DMA\n"
			  "ferry: guest RAM: 8 of 64 GiB are prepared for DMA\n",
			  100) == 0);
	ck_assert_uint_eq(count_lines(text), 1 + 9 + 1);
}
END_TEST

START_TEST(a_line_of_the_guests_is_waited_for_a_second)
{
	const char *text;

	log_note_neighbour('x');
	text = hear_progress(NS / 10);
	ck_assert_msg(strncmp(text,
			      "\nferry: guest RAM: 21 of 64 GiB are prepared for DMA\n"
			      "ferry: guest RAM: 41 of 64 GiB are prepared for DMA\n",
			      104) == 0,
		      "%s", text);
	log_note_neighbour('\n');
	text = hear_progress(NS / 10);
	ck_assert(strncmp(text, "ferry: guest RAM: 11 of 64 GiB", 30) == 0);
}
END_TEST

START_TEST(it_can_be_stopped_at_any_time)
{
	for (unsigned int i = 0; i < 20; i++) {
		start();
		usleep(i * 500);
		vfio_dma_stop(&dma);
		ck_assert_uint_eq(space.count, 0);
	}
}
END_TEST

START_TEST(a_short_unmap_is_an_error)
{
	start();
	wait_done();
	space.short_unmap = true;
	ck_assert_int_eq(vfio_space_unmap(&space.space, "guest RAM", 4 * GIB, 2 * MIB, 2 * MIB,
					  &err),
			 -EIO);
	ck_assert_ptr_nonnull(strstr(err.text, "only 0x100000 of 0x200000 bytes"));
}
END_TEST

START_TEST(large_iommu_pages_need_aligned_ram)
{
	space.space.page_sizes = 2 * MIB;
	ck_assert_int_eq(vfio_dma_start(&dma, &config, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "the IOMMU's pages are of 2048 KiB"));
	ck_assert_uint_eq(outcome.calls, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, all_of_ram_is_mapped_one_to_one);
	tcase_add_test(tests, populating_keeps_what_the_guest_wrote);
	tcase_add_test(tests, each_refusal_has_its_sentence_and_is_undone);
	tcase_add_test(tests, a_refusal_at_any_piece_is_undone);
	tcase_add_test(tests, abandoning_waits_for_the_map_in_flight);
	tcase_add_test(tests, joined_once_all_is_mapped);
	tcase_add_test(tests, abandoned_after_it_was_joined);
	tcase_add_test(tests, what_left_with_the_last_group_is_not_unmapped);
	tcase_add_test(tests, ram_is_mapped_in_parts);
	tcase_add_test(tests, a_refusal_at_any_part_is_undone);
	tcase_add_test(tests, the_end_waits_for_one_part);
	tcase_add_test(tests, parts_are_as_large_as_the_container_needs);
	tcase_add_test(tests, abandoned_at_any_time_it_ends_well);
	tcase_add_test(tests, abandoned_when_all_was_mapped);
	tcase_add_test(tests, abandoned_it_may_start_anew);
	tcase_add_test(tests, a_start_within_a_second_is_silent);
	tcase_add_test(tests, a_long_start_is_told);
	tcase_add_test(tests, a_long_start_is_not_told_where_only_errors_are);
	tcase_add_test(tests, lines_are_two_seconds_and_a_tenth_apart);
	tcase_add_test(tests, a_line_of_the_guests_is_waited_for_a_second);
	tcase_add_test(tests, it_can_be_stopped_at_any_time);
	tcase_add_test(tests, a_short_unmap_is_an_error);
	tcase_add_test(tests, large_iommu_pages_need_aligned_ram);
}

int main(void)
{
	return run_suite("vfio dma", add_tests);
}
