/* SPDX-License-Identifier: BSD-3-Clause */
/* The tests' own NVMe controller as a driver has it: registers, queues, data of every size. */

#include <poll.h>

#include "tests/support/user-server/nvme.h"
#include "tests/unit/support/fake_user.h"
#include "vfio/pci/irq.h"

enum {
	RAM_SIZE = 0x100000,
	ADMIN_SQ = 0x5000,
	ADMIN_CQ = 0x1000,
	IO_SQ = 0x2000,
	IO_CQ = 0x3000,
	LIST = 0x4000,
	SHADOW = 0x6000,
	AWAITED = 0x7000,
	DATA = 0x10000,
	ENTRIES = 8,
	BLOCKS = 4096,
	DOORBELLS = 0x1000,
};

static struct nvme nvme;
static uint8_t blocks[BLOCKS * 512];
static uint8_t *ram;
static uint32_t *page; /* of doorbells, where it is mapped */
static bool shadowed;  /* those of queue 1 are in memory */
static bool times;     /* it tells how soon it is answered */
static int ram_fd, vectors[2];
static struct {
	uint32_t tail, head;
	uint16_t phase;
} queues[2];

static int write_bar(uint64_t offset, const void *value, unsigned int size)
{
	return fake.backend->ops->write(fake.backend, fake_user_region(0), offset, value, size);
}

static void write_register(uint64_t offset, uint32_t value)
{
	ck_assert_int_eq(write_bar(offset, &value, 4), 0);
}

static uint32_t read_register(uint64_t offset)
{
	uint32_t value;

	ck_assert_int_eq(fake.backend->ops->read(fake.backend, fake_user_region(0), offset, &value,
						 4),
			 0);
	return value;
}

/* The value is in memory; the register tells of that where it is awaited. */
static void ring_shadow(unsigned int index, uint32_t value)
{
	const uint64_t one = 1;
	uint32_t awaited, before;

	memcpy(&before, ram + SHADOW + 4 * index, sizeof(before));
	__atomic_store_n((uint32_t *)(void *)(ram + SHADOW + 4 * index), value, __ATOMIC_SEQ_CST);
	awaited =
		__atomic_load_n((uint32_t *)(void *)(ram + AWAITED + 4 * index), __ATOMIC_SEQ_CST);
	if ((uint16_t)(value - awaited - 1) < (uint16_t)(value - before))
		ck_assert_int_eq(write(nvme.rung, &one, sizeof(one)), sizeof(one));
}

static void ring(unsigned int index, uint32_t value)
{
	if (shadowed && index >= 2)
		ring_shadow(index, value);
	else if (page)
		__atomic_store_n(&page[index], value, __ATOMIC_RELEASE);
	else
		write_register(DOORBELLS + 4 * index, value);
}

static void map_doorbells(void)
{
	uint64_t offset;
	int fd = fake.backend->ops->region_fd(fake.backend, fake_user_region(0), &offset);

	ck_assert_int_ge(fd, 0);
	page = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    (off_t)offset + DOORBELLS);
	ck_assert_ptr_ne(page, MAP_FAILED);
}

/* As a driver finds it, with a queue for administration. */
static void start(enum nvme_bells bells, bool messages)
{
	const struct vfio_mapping all = {
		.size = RAM_SIZE,
		.host = ram,
		.fd = ram_fd,
		.flags = VFIO_MAP_READ | VFIO_MAP_WRITE,
	};
	const uint64_t sq = ADMIN_SQ, cq = ADMIN_CQ;

	ck_assert_int_eq(nvme_init(&nvme, &fake.server, blocks, sizeof(blocks), bells), 0);
	nvme.times = times;
	fake.server.never_maps = messages;
	fake.server.twin = messages;
	fake_user_open_well();
	ck_assert_int_eq(fake.memory.space.ops->map(&fake.memory.space, &all), 0);
	ck_assert_int_eq(vfio_irq_trigger(fake.backend, VFIO_PCI_MSIX_IRQ_INDEX, 0, 2, vectors), 0);
	page = NULL;
	shadowed = false;
	if (bells == NVME_MAPPED)
		map_doorbells();
	ck_assert_uint_eq(read_register(8), 0x00010201);
	write_register(0x24, (ENTRIES - 1) << 16 | (ENTRIES - 1));
	ck_assert_int_eq(write_bar(0x28, &sq, 8), 0);
	ck_assert_int_eq(write_bar(0x30, &cq, 8), 0);
	write_register(0x14, 1);
	ck_assert_uint_eq(read_register(0x1c) & 1, 1);
	memset(queues, 0, sizeof(queues));
	queues[0].phase = queues[1].phase = 1;
}

static void set_up(void)
{
	fake_user_set_up();
	memset(blocks, 0, sizeof(blocks));
	ram_fd = memfd_create("ram", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(ram_fd, RAM_SIZE), 0);
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ram_fd, 0);
	vectors[0] = fd_eventfd();
	vectors[1] = fd_eventfd();
}

static void tear_down(void)
{
	fake_user_close();
	if (page)
		munmap(page, 0x1000);
	munmap(nvme.doorbell, 0x1000);
	close(nvme.doorbells);
	if (nvme.rung >= 0)
		close(nvme.rung);
	close(vectors[0]);
	close(vectors[1]);
	munmap(ram, RAM_SIZE);
	close(ram_fd);
	fake_user_leaves(0);
}

struct command {
	uint8_t opcode, flags;
	uint16_t id;
	uint32_t space;
	uint64_t reserved[2], prp1, prp2;
	uint32_t cdw10, cdw11, cdw12, rest[3];
};

/* By queue @number; the status, once its vector was signalled. */
static unsigned int submit(unsigned int number, const struct command *command)
{
	static uint16_t last;
	const uint32_t sq = number ? IO_SQ : ADMIN_SQ, cq = number ? IO_CQ : ADMIN_CQ;
	struct pollfd told = {.fd = vectors[number], .events = POLLIN};
	struct command given = *command;
	uint16_t entry[8];

	given.id = ++last;
	memcpy(ram + sq + queues[number].tail * sizeof(given), &given, sizeof(given));
	queues[number].tail = (queues[number].tail + 1) % ENTRIES;
	ring(2 * number, queues[number].tail);
	ck_assert_int_eq(poll(&told, 1, FAKE_PATIENCE_MS), 1);
	fd_take(vectors[number]);
	/* What the server did before it, for who looks after the order of threads. */
	read_register(0x1c);
	memcpy(entry, ram + cq + queues[number].head * sizeof(entry), sizeof(entry));
	ck_assert_uint_eq(entry[7] & 1, queues[number].phase);
	ck_assert_uint_eq(entry[6], given.id);
	ck_assert_uint_eq(entry[5], number);
	queues[number].head = (queues[number].head + 1) % ENTRIES;
	if (!queues[number].head)
		queues[number].phase ^= 1;
	ring(2 * number + 1, queues[number].head);
	return entry[7] >> 1;
}

static unsigned int identify(uint32_t what, uint32_t space)
{
	return submit(0,
		      &(struct command){.opcode = 6, .prp1 = DATA, .cdw10 = what, .space = space});
}

static void make_queues(void)
{
	ck_assert_uint_eq(submit(0, &(struct command){.opcode = 5,
						      .prp1 = IO_CQ,
						      .cdw10 = (ENTRIES - 1) << 16 | 1,
						      .cdw11 = 1 << 16 | 3}),
			  0);
	ck_assert_uint_eq(submit(0, &(struct command){.opcode = 1,
						      .prp1 = IO_SQ,
						      .cdw10 = (ENTRIES - 1) << 16 | 1,
						      .cdw11 = 1 << 16 | 1}),
			  0);
}

/* @count blocks from @first on, in memory from DATA + @offset on. */
static unsigned int move(uint8_t opcode, uint32_t first, uint32_t count, uint32_t offset)
{
	uint64_t list[512];

	for (unsigned int i = 0; i < 511; i++)
		list[i] = DATA + (i + 1) * UINT64_C(0x1000);
	memcpy(ram + LIST, list, sizeof(list));
	return submit(1, &(struct command){
				 .opcode = opcode,
				 .space = 1,
				 .prp1 = DATA + offset,
				 .prp2 = offset + count * 512 > 0x2000 ? LIST : DATA + 0x1000,
				 .cdw10 = first,
				 .cdw12 = count - 1,
			 });
}

START_TEST(it_says_what_it_is)
{
	uint64_t size;

	start(NVME_BY_MESSAGE, false);
	ck_assert_uint_eq(identify(1, 0), 0);
	ck_assert_mem_eq(ram + DATA + 4, "user-server ", 12);
	ck_assert_uint_eq(identify(0, 1), 0);
	memcpy(&size, ram + DATA, sizeof(size));
	ck_assert_uint_eq(size, BLOCKS);
	ck_assert_uint_eq(identify(2, 0), 0);
	ck_assert_uint_eq(ram[DATA], 1);
	ck_assert_uint_ne(identify(0, 2), 0);
	ck_assert_uint_ne(identify(99, 0), 0);
	ck_assert_uint_ne(submit(0, &(struct command){.opcode = 0x7f}), 0);
}
END_TEST

static const struct {
	enum nvme_bells bells;
	bool messages;
} ways[] = {
	{NVME_BY_MESSAGE, false},
	{NVME_MAPPED, false},
	{NVME_BY_MESSAGE, true},
	{NVME_BY_EVENTFD, false},
};

static void move_doorbells(void)
{
	const struct command where = {.opcode = 0x7c, .prp1 = SHADOW, .prp2 = AWAITED};

	ck_assert_uint_eq(submit(0, &where), 0);
	shadowed = true;
}

/* Of one block, of two pages, by a list; from the middle of a page. */
START_TEST(data_goes_both_ways)
{
	static const struct {
		uint32_t first, count, offset;
	} moves[] = {{0, 1, 0}, {8, 16, 0}, {100, 64, 0}, {7, 20, 0x600}, {BLOCKS - 256, 256, 0}};

	start(ways[_i].bells, ways[_i].messages);
	make_queues();
	if (ways[_i].bells == NVME_BY_EVENTFD)
		move_doorbells();
	for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
		const uint32_t size = moves[i].count * 512;
		uint8_t *at = ram + DATA + moves[i].offset;

		for (uint32_t j = 0; j < size; j++)
			at[j] = (uint8_t)(j * 7 + i + j / 512);
		ck_assert_uint_eq(move(1, moves[i].first, moves[i].count, moves[i].offset), 0);
		ck_assert_mem_eq(blocks + moves[i].first * 512, at, size);
		memset(at, 0, size);
		ck_assert_uint_eq(move(2, moves[i].first, moves[i].count, moves[i].offset), 0);
		ck_assert_mem_eq(blocks + moves[i].first * 512, at, size);
	}
	ck_assert_uint_eq(move(2, BLOCKS, 1, 0), 0x80);
	ck_assert_uint_eq(move(9, 0, 1, 0), 1);
}
END_TEST

/* After a reset it is as it was; what it has on its blocks stays. */
START_TEST(a_reset_ends_its_queues)
{
	start(NVME_BY_MESSAGE, false);
	make_queues();
	ck_assert_uint_eq(submit(0, &(struct command){.opcode = 0x7c, .prp1 = SHADOW}), 1);
	ck_assert_uint_eq(move(1, 0, 1, 0), 0);
	ck_assert_int_eq(fake.backend->ops->reset(fake.backend), 0);
	ck_assert_uint_eq(read_register(0x1c), 0);
	ck_assert_uint_eq(read_register(0x24), 0);
	ring(2, 1);
	ck_assert_uint_eq(read_register(0x14), 0);
	ck_assert_uint_eq(nvme.writes, 1);
}
END_TEST

/* The interrupts of the queue for administration are others. */
START_TEST(it_tells_how_soon_it_is_answered)
{
	const char *text;

	times = true;
	start(NVME_BY_MESSAGE, false);
	make_queues();
	hear();
	for (unsigned int i = 0; i < 999; i++)
		ck_assert_uint_eq(move(2, 0, 1, 0), 0);
	ck_assert_uint_eq(identify(1, 0), 0);
	ck_assert_str_eq(heard(), "");
	hear();
	ck_assert_uint_eq(move(2, 0, 1, 0), 0);
	ck_assert_int_eq(fake.backend->ops->reset(fake.backend), 0);
	text = heard();
	times = false;
	ck_assert_ptr_eq(strstr(text, "user-server: interrupts answered in "), text);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, it_says_what_it_is);
	tcase_add_loop_test(tests, data_goes_both_ways, 0, ARRAY_SIZE(ways));
	tcase_add_test(tests, a_reset_ends_its_queues);
	tcase_add_test(tests, it_tells_how_soon_it_is_answered);
}

int main(void)
{
	return run_suite("the tests' NVMe controller", add_tests);
}
