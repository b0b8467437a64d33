/* SPDX-License-Identifier: BSD-3-Clause */
/* BARs in the IOMMU's address space: when they are mapped, what is told, and who waits for whom. */

#include <check.h>
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/fake_vfio.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "vfio/dma.h"
#include "vfio/peer.h"
#include "vmm/base/bits.h"

enum { BARS = 40 };

#define WINDOW UINT64_C(0x800000000)

/* The fake's space, which lets one in at a time, as VFIO's back ends are promised. */
static struct guarded {
	struct vfio_space space;
	struct fake_vfio_space fake;
	atomic_bool busy;
	bool holds_ram; /* RAM's maps wait for the gate */
	sem_t entered, gate;
	unsigned int maps, unmaps;
	unsigned int fail_unmap; /* the fail_unmap-th unmap is refused; 0: none */
	char log[256];           /* of what the listeners were told, by their names */
} guarded;

static struct mem_map *map;
static struct ram *ram;
static struct vfio_peers peers;
static struct vfio_dma dma;
static struct mem_region bars[BARS];
static pthread_mutex_t locks[BARS];
static struct mem_listener first;
static struct err err;
static atomic_bool never;
static sem_t mapped;
static bool failed;

/* Its readers look when one thread is left. */
static void note(const char *what)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&lock);
	if (strlen(guarded.log) + strlen(what) < sizeof(guarded.log))
		strcat(guarded.log, what);
	pthread_mutex_unlock(&lock);
}

static void enter(void)
{
	if (atomic_exchange(&guarded.busy, true))
		abort();
}

static bool is_ram(const struct vfio_mapping *request)
{
	return ram && request->iova < WINDOW;
}

static int guarded_map(struct vfio_space *space, const struct vfio_mapping *request)
{
	int rc;

	(void)space;
	enter();
	if (is_ram(request) && guarded.holds_ram) {
		sem_post(&guarded.entered);
		while (sem_wait(&guarded.gate) < 0)
			;
	}
	guarded.maps++;
	note(is_ram(request) ? "ram " : "iommu+ ");
	rc = guarded.fake.space.ops->map(&guarded.fake.space, request);
	atomic_store(&guarded.busy, false);
	return rc;
}

static int guarded_unmap(struct vfio_space *space, uint64_t iova, uint64_t size, uint64_t *done)
{
	int rc = -EIO;

	(void)space;
	enter();
	note("iommu- ");
	if (++guarded.unmaps != guarded.fail_unmap)
		rc = guarded.fake.space.ops->unmap(&guarded.fake.space, iova, size, done);
	atomic_store(&guarded.busy, false);
	return rc;
}

static const struct vfio_space_ops guarded_ops = {
	.map = guarded_map,
	.unmap = guarded_unmap,
	.when_full = "it is full",
};

static const struct mem_ops untouched; /* no access is made */

/* In the place of KVM's memslots. */
static int first_add(struct mem_listener *listener, struct mem_region *region, struct err *reason)
{
	(void)listener;
	(void)reason;
	if (region->kind == MEM_DEVICE)
		note("kvm+ ");
	return 0;
}

static void first_del(struct mem_listener *listener, struct mem_region *region)
{
	(void)listener;
	if (region->kind == MEM_DEVICE)
		note("kvm- ");
}

static void setup(void)
{
	fake_vfio_space_init(&guarded.fake);
	guarded.space.page_sizes = guarded.fake.space.page_sizes;
	guarded.space.ops = &guarded_ops;
	sem_init(&guarded.entered, 0, 0);
	sem_init(&guarded.gate, 0, 0);
	sem_init(&mapped, 0, 0);
	map = mem_map_create("memory", 0, &err);
	first = (struct mem_listener){.name = "first", .add = first_add, .del = first_del};
	ck_assert_int_eq(mem_map_listen(map, &first, &err), 0);
	for (size_t i = 0; i < BARS; i++) {
		pthread_mutex_init(&locks[i], NULL);
		bars[i] = (struct mem_region){
			.name = "0000:01:00.0 BAR 4",
			.kind = MEM_DEVICE,
			.size = (i + 1) * 64 * KIB,
			.host = (void *)(uintptr_t)(0x7f0000000000 + i * 16 * MIB),
			.ops = &untouched,
			.lock = &locks[i], /* each is a device's of its own */
			/* One has no descriptor. */
			.device = (int)i,
			.device_offset = i << 40,
		};
	}
}

static void start(void)
{
	ck_assert_int_eq(vfio_peers_start(&peers, map, &guarded.space, &err), 0);
}

static void teardown(void)
{
	vfio_peers_stop(&peers);
	vfio_peers_stop(&peers);
	ck_assert_uint_eq(guarded.fake.count, 0);
	ram_destroy(ram);
	mem_map_unlisten(map, &first);
	mem_map_destroy(map);
}

static void add(size_t index)
{
	ck_assert_int_eq(mem_map_add(map, &bars[index], WINDOW + index * 16 * MIB, &err), 0);
}

static void refuse_next(int code)
{
	guarded.fake.total = 0;
	guarded.fake.fail_at = 1;
	guarded.fake.fail_code = code;
}

static void settle(void)
{
	vfio_peers_settle(&peers, &never);
}

static void is_mapped(size_t index)
{
	for (size_t i = 0; i < guarded.fake.count; i++) {
		const struct vfio_mapping *it = &guarded.fake.maps[i];

		if (it->iova != bars[index].base)
			continue;
		ck_assert_uint_eq(it->size, bars[index].size);
		ck_assert_ptr_eq(it->host, bars[index].host);
		ck_assert_uint_eq(it->flags,
				  VFIO_MAP_READ | VFIO_MAP_WRITE | (index ? VFIO_MAP_DEVICE : 0));
		ck_assert_int_eq(it->fd, index ? (int)index : -1);
		ck_assert_uint_eq(it->fd_offset, (uint64_t)index << 40);
		return;
	}
	ck_abort_msg("BAR %zu is not mapped", index);
}

START_TEST(bars_wait_for_the_mapper)
{
	add(0);
	start();
	add(1);
	ck_assert_uint_eq(guarded.maps, 0);
	settle();
	ck_assert_uint_eq(guarded.fake.count, 2);
	is_mapped(0);
	is_mapped(1);
	add(2);
	is_mapped(2);
}
END_TEST

START_TEST(one_that_leaves_the_queue_is_never_mapped)
{
	start();
	for (size_t i = 0; i < 3; i++)
		add(i);
	mem_map_del(&bars[1]);
	settle();
	ck_assert_uint_eq(guarded.maps, 2);
	ck_assert_uint_eq(guarded.unmaps, 0);
	is_mapped(0);
	is_mapped(2);
}
END_TEST

START_TEST(what_was_mapped_is_unmapped)
{
	const struct mem_change move = {.region = &bars[0], .base = WINDOW + GIB, .add = true};

	start();
	settle();
	add(0);
	ck_assert_int_eq(mem_map_apply(map, &move, 1, MEM_BEST_EFFORT, &err), 0);
	ck_assert_uint_eq(guarded.fake.count, 1);
	is_mapped(0);
	mem_map_del(&bars[0]);
	ck_assert_uint_eq(guarded.fake.count, 0);
	ck_assert_uint_eq(guarded.unmaps, 2);
}
END_TEST

START_TEST(kvm_is_first_to_get_and_last_to_lose)
{
	start();
	settle();
	add(0);
	mem_map_del(&bars[0]);
	ck_assert_str_eq(guarded.log, "kvm+ iommu+ iommu- kvm- ");
}
END_TEST

START_TEST(a_bar_that_had_to_be_trapped_is_unmapped)
{
	start();
	settle();
	add(0);
	add(1);
	ck_assert_uint_eq(mem_map_demote(map, bars[0].base, bars[0].base), 1);
	ck_assert_uint_eq(guarded.fake.count, 1);
	is_mapped(1);
	mem_map_del(&bars[0]);
	ck_assert_uint_eq(guarded.unmaps, 1);
	add(0);
	is_mapped(0);
}
END_TEST

START_TEST(leaving_takes_everything_back)
{
	start();
	settle();
	for (size_t i = 0; i < BARS; i++)
		add(i);
	ck_assert_uint_eq(guarded.fake.count, BARS);
	vfio_peers_stop(&peers);
	ck_assert_uint_eq(guarded.fake.count, 0);
	ck_assert_uint_eq(guarded.unmaps, BARS);
}
END_TEST

START_TEST(each_refusal_is_a_warning)
{
	static const struct {
		int code;
		const char *reason;
	} rows[] = {
		{-EINVAL, "reserved or beyond the IOMMU's addresses"},
		{-EFAULT, "does not map this memory of a device"},
		{-ENOSPC, "it is full"},
		{-EEXIST, "File exists"},
	};

	start();
	settle();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text;

		refuse_next(rows[i].code);
		hear();
		add(0);
		add(1);
		mem_map_del(&bars[0]);
		text = heard();
		ck_assert_ptr_nonnull(strstr(text, "ferry: warn: passthrough device 0000:01:00.0 "
						   "BAR 4 0x800000000-0x80000ffff: no device "
						   "can reach it by DMA: "));
		ck_assert_ptr_nonnull(strstr(text, rows[i].reason));
		/* One line; and nothing was unmapped that had not been mapped. */
		ck_assert_ptr_eq(strchr(text, '\n') + 1, text + strlen(text));
		ck_assert_uint_eq(guarded.unmaps, i);
		mem_map_del(&bars[1]);
	}
}
END_TEST

/* Whatever descriptors it has for them: a device that is alone reaches its own BARs at most. */
START_TEST(a_refusal_of_one_device_is_none)
{
	start();
	settle();
	refuse_next(-EINVAL);
	bars[1].lock = bars[0].lock;
	hear();
	add(0);
	add(1);
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(one_refused_in_the_queue_leaves_the_others)
{
	for (size_t refused = 1; refused <= 4; refused++) {
		guarded.fake.total = 0;
		guarded.fake.fail_at = refused;
		guarded.fake.fail_code = -EFAULT;
		start();
		for (size_t i = 0; i < 4; i++)
			add(i);
		hear();
		settle();
		ck_assert_ptr_nonnull(strstr(heard(), "BAR 4"));
		ck_assert_uint_eq(guarded.fake.count, 3);
		for (size_t i = 0; i < 4; i++)
			mem_map_del(&bars[i]);
		ck_assert_uint_eq(guarded.fake.count, 0);
		vfio_peers_stop(&peers);
	}
}
END_TEST

START_TEST(a_guest_cannot_flood_the_terminal)
{
	size_t lines = 0;

	start();
	settle();
	add(1);
	hear();
	for (size_t i = 0; i < 1000; i++) {
		refuse_next(-EINVAL);
		add(0);
		mem_map_del(&bars[0]);
	}
	for (const char *at = heard(); (at = strchr(at, '\n')); at++)
		lines++;
	ck_assert_uint_ge(lines, 1);
	ck_assert_uint_le(lines, 15);
}
END_TEST

START_TEST(a_refused_or_short_unmap_is_told)
{
	start();
	settle();
	add(0);
	guarded.fail_unmap = 1;
	hear();
	mem_map_del(&bars[0]);
	ck_assert_ptr_nonnull(strstr(heard(), "ferry: passthrough device 0000:01:00.0 BAR 4 "
					      "0x800000000-0x80000ffff: it cannot be unmapped"));
	/* It is still there, so that the next attempt finds its place taken. */
	hear();
	add(0);
	add(1);
	ck_assert_ptr_nonnull(strstr(heard(), "File exists"));
	mem_map_del(&bars[1]);
	guarded.fake.count = 0;
	add(1);
	guarded.fake.short_unmap = true;
	hear();
	mem_map_del(&bars[1]);
	ck_assert_ptr_nonnull(strstr(heard(), "only 0x10000 of 0x20000 bytes"));
}
END_TEST

START_TEST(what_is_not_whole_iommu_pages_is_left_out)
{
	guarded.space.page_sizes = 128 * KIB;
	start();
	settle();
	add(0);
	add(1);
	ck_assert_uint_eq(guarded.fake.count, 1);
	is_mapped(1);
	mem_map_del(&bars[0]);
	ck_assert_uint_eq(guarded.unmaps, 0);
}
END_TEST

START_TEST(no_bar_can_be_too_many)
{
	start();
	settle();
	guarded.fake.fail_at = 20;
	guarded.fake.fail_code = -ENOSPC;
	hear();
	for (size_t i = 0; i < BARS; i++)
		add(i);
	heard();
	ck_assert_uint_eq(guarded.fake.count, BARS - 1);
	for (size_t i = BARS; i-- > 0;)
		mem_map_del(&bars[i]);
	ck_assert_uint_eq(guarded.unmaps, BARS - 1);
}
END_TEST

static void ram_mapped(void *machine, const struct err *reason)
{
	failed = reason;
	sem_post(machine);
}

static void start_mapper(void)
{
	const struct ram_range piece = {.base = 0, .size = 4 * MIB};
	const struct ram_config ordinary = {0};
	struct vfio_dma_config config = {
		.space = &guarded.space,
		.peers = &peers,
		.callback = ram_mapped,
		.machine = &mapped,
	};

	config.ram = ram = ram ? ram : ram_create(map, &piece, 1, &ordinary, &err);
	ck_assert_int_eq(vfio_dma_start(&dma, &config, &err), 0);
}

static void wait_for(sem_t *what)
{
	while (sem_wait(what) < 0)
		;
}

START_TEST(nobody_waits_while_ram_is_pinned)
{
	guarded.holds_ram = true;
	start();
	start_mapper();
	wait_for(&guarded.entered);
	/* The mapper is inside the kernel: all this must come back, and without going there. */
	add(0);
	add(1);
	mem_map_del(&bars[0]);
	add(2);
	ck_assert(!vfio_dma_mapped(&dma));
	sem_post(&guarded.gate);
	wait_for(&mapped);
	ck_assert(!failed);
	ck_assert(vfio_dma_mapped(&dma));
	is_mapped(1);
	is_mapped(2);
	ck_assert_uint_eq(guarded.fake.count, 3);
	ck_assert_ptr_nonnull(strstr(guarded.log, "ram iommu+ iommu+ "));
	mem_map_del(&bars[1]);
	mem_map_del(&bars[2]);
	vfio_dma_stop(&dma);
}
END_TEST

START_TEST(without_ram_there_are_no_peers)
{
	guarded.fake.fail_at = 1;
	guarded.fake.fail_code = -ENOMEM;
	start();
	add(0);
	start_mapper();
	wait_for(&mapped);
	ck_assert(failed);
	ck_assert(!vfio_dma_mapped(&dma));
	ck_assert_uint_eq(guarded.fake.count, 0);
	vfio_dma_stop(&dma);
}
END_TEST

START_TEST(a_refused_peer_does_not_keep_ram_from_being_mapped)
{
	guarded.fake.fail_at = 2;
	guarded.fake.fail_code = -EFAULT;
	start();
	add(0);
	add(1);
	hear();
	start_mapper();
	wait_for(&mapped);
	ck_assert_ptr_nonnull(strstr(heard(), "BAR 4"));
	ck_assert(!failed);
	ck_assert(vfio_dma_mapped(&dma));
	ck_assert_uint_eq(guarded.fake.count, 2);
	vfio_dma_stop(&dma);
}
END_TEST

/* Regions come and go at every stage of the mapper. */
START_TEST(mapper_and_guest_meet_anywhere)
{
	for (unsigned int round = 0; round < 100; round++) {
		start();
		start_mapper();
		for (unsigned int i = 0; i < 20 || (round % 3 == 0 && !vfio_dma_mapped(&dma));
		     i++) {
			size_t index = i % 8;

			if (bars[index].map)
				mem_map_del(&bars[index]);
			else
				add(index);
		}
		if (round % 3 == 1)
			wait_for(&mapped);
		for (size_t i = 0; i < 8; i++)
			mem_map_del(&bars[i]);
		vfio_dma_stop(&dma);
		vfio_peers_stop(&peers);
		ck_assert_uint_eq(guarded.fake.count, 0);
		while (sem_trywait(&mapped) == 0)
			;
	}
}
END_TEST

/* As large as all RAM: nothing interrupts a map, so an end waits for one part of it. */
START_TEST(a_large_bar_is_mapped_in_parts)
{
	atomic_bool stop = false;

	bars[0].size = GIB;
	start();
	add(0);
	guarded.fake.fail_at = 3;
	guarded.fake.fail_code = -EFAULT;
	settle();
	ck_assert_uint_eq(guarded.maps, 3);
	ck_assert_uint_eq(guarded.fake.count, 0);
	mem_map_del(&bars[0]);
	add(0);
	ck_assert_uint_eq(guarded.fake.count, 4);
	ck_assert_uint_eq(guarded.fake.maps[1].iova, WINDOW + 256 * MIB);
	mem_map_del(&bars[0]);
	ck_assert_uint_eq(guarded.unmaps, 2);
	vfio_peers_stop(&peers);
	start();
	add(0);
	atomic_store(&stop, true);
	vfio_peers_settle(&peers, &stop);
	ck_assert_uint_eq(guarded.fake.count, 0);
	mem_map_del(&bars[0]);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, bars_wait_for_the_mapper);
	tcase_add_test(tests, one_that_leaves_the_queue_is_never_mapped);
	tcase_add_test(tests, what_was_mapped_is_unmapped);
	tcase_add_test(tests, kvm_is_first_to_get_and_last_to_lose);
	tcase_add_test(tests, a_bar_that_had_to_be_trapped_is_unmapped);
	tcase_add_test(tests, leaving_takes_everything_back);
	tcase_add_test(tests, each_refusal_is_a_warning);
	tcase_add_test(tests, a_refusal_of_one_device_is_none);
	tcase_add_test(tests, one_refused_in_the_queue_leaves_the_others);
	tcase_add_test(tests, a_guest_cannot_flood_the_terminal);
	tcase_add_test(tests, a_refused_or_short_unmap_is_told);
	tcase_add_test(tests, what_is_not_whole_iommu_pages_is_left_out);
	tcase_add_test(tests, no_bar_can_be_too_many);
	tcase_add_test(tests, a_large_bar_is_mapped_in_parts);
	tcase_add_test(tests, nobody_waits_while_ram_is_pinned);
	tcase_add_test(tests, without_ram_there_are_no_peers);
	tcase_add_test(tests, a_refused_peer_does_not_keep_ram_from_being_mapped);
	tcase_add_test(tests, mapper_and_guest_meet_anywhere);
}

int main(void)
{
	return run_suite("vfio peer", add_tests);
}
