/* SPDX-License-Identifier: BSD-3-Clause */
/* What servers reach by DMA: mapped by descriptors, copied by messages, and taken back. */

#include "tests/unit/support/fake_user.h"

enum { RAM_SIZE = 0x20000 };

static const uint64_t ram_at = 0x100000;
static int ram_fd;
static uint8_t *ram;

static void set_up(void)
{
	fake_user_set_up();
	ram_fd = memfd_create("ram", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(ram_fd, RAM_SIZE), 0);
	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ram_fd, 0);
}

static void tear_down(void)
{
	munmap(ram, RAM_SIZE);
	close(ram_fd);
	fake_user_tear_down();
}

static int map_part(uint64_t offset, uint64_t size, unsigned int flags, int fd)
{
	const struct vfio_mapping mapping = {
		.iova = ram_at + offset,
		.size = size,
		.host = ram + offset,
		.fd = fd,
		.fd_offset = offset,
		.flags = flags,
	};

	return fake.memory.space.ops->map(&fake.memory.space, &mapping);
}

static int map_all(int fd)
{
	return map_part(0, RAM_SIZE, VFIO_MAP_READ | VFIO_MAP_WRITE, fd);
}

static int unmap(uint64_t offset, uint64_t size, uint64_t *unmapped)
{
	return fake.memory.space.ops->unmap(&fake.memory.space, ram_at + offset, size, unmapped);
}

/* The server copies 16 bytes. */
static int copy(uint64_t from, uint64_t to)
{
	uint32_t value = 1;

	fake.copy_from = from;
	fake.copy_to = to;
	ck_assert_int_eq(fake.backend->ops->write(fake.backend, fake_user_region(0), 0, &value, 4),
			 0);
	ck_assert_int_eq(fake.backend->ops->read(fake.backend, fake_user_region(0), 0, &value, 4),
			 0);
	return fake.copied;
}

/* Mapped, by messages over the connection, or over one of their own. */
static const struct {
	bool never_maps, twin, file;
} ways[] = {{false, false, true}, {false, false, false}, {true, false, true}, {true, true, true}};

START_TEST(a_server_reads_and_writes)
{
	const bool mapped = ways[_i].file && !ways[_i].never_maps;

	fake.server.never_maps = ways[_i].never_maps;
	fake.server.twin = ways[_i].twin;
	fake_user_open_well();
	ck_assert_int_eq(map_all(ways[_i].file ? ram_fd : -1), 0);
	ck_assert_uint_eq(fake.server.window_count, 1);
	ck_assert(!fake.server.windows[0].host == !mapped);
	memcpy(ram + 0x8000, "sixteen letters", 16);
	ck_assert_int_eq(copy(ram_at + 0x8000, ram_at + RAM_SIZE - 16), 0);
	ck_assert_mem_eq(ram + RAM_SIZE - 16, "sixteen letters", 16);
}
END_TEST

/* Writes are posted faster than it copies: its answers do not wait behind them. */
START_TEST(a_server_that_copies_takes_writes_in_its_own_time)
{
	uint32_t value = 1;

	fake.server.never_maps = true;
	fake.server.twin = true;
	fake_user_open_well();
	ck_assert_int_eq(map_all(ram_fd), 0);
	fake.copy_from = ram_at;
	fake.copy_to = ram_at + 0x1000;
	for (unsigned int i = 0; i < 5000; i++)
		ck_assert_int_eq(fake.backend->ops->write(fake.backend, fake_user_region(0), 0,
							  &value, 4),
				 0);
	ck_assert_int_eq(fake.backend->ops->read(fake.backend, fake_user_region(0), 0, &value, 4),
			 0);
	ck_assert(!fake.backend->ops->is_lost(fake.backend));
	ck_assert_int_eq(fake.copied, 0);
}
END_TEST

/* With a count of four bytes or of eight, as servers differ. */
START_TEST(a_write_is_answered_for_whoever_reads_it)
{
	fake.server.never_maps = true;
	fake_user_open_well();
	ck_assert_int_eq(map_all(ram_fd), 0);
	ck_assert_int_eq(copy(ram_at, ram_at + 0x1000), 0);
	ck_assert_uint_eq(fake.server.written, 16);
}
END_TEST

/* As the last of several messages of libvfio-user's has; with less than it says it is refused. */
START_TEST(a_write_may_have_more_than_counts)
{
	fake.server.never_maps = true;
	fake_user_open_well();
	ck_assert_int_eq(map_all(ram_fd), 0);
	memcpy(ram + 0x8000, "sixteen letters", 16);
	fake.server.surplus = 8;
	ck_assert_int_eq(copy(ram_at + 0x8000, ram_at), 0);
	ck_assert_mem_eq(ram, "sixteen \0\0\0\0\0\0\0\0", 16);
	fake.server.surplus = -1;
	ck_assert_int_eq(copy(ram_at + 0x8000, ram_at + 0x100), -EINVAL);
	ck_assert_int_eq(ram[0x100], 0);
	ck_assert(!fake.backend->ops->is_lost(fake.backend));
}
END_TEST

/* Before it has a thread of its own, who asks hears what the server asks meanwhile. */
START_TEST(a_server_reads_while_it_is_opened)
{
	struct vfio_user_member member;
	uint64_t unmapped;

	fake.server.never_maps = true;
	fake.server.twin = _i;
	ck_assert_msg(fake_user_open(), "%s", fake.err.text);
	member.client = fake_user_client();
	ck_assert_int_eq(vfio_user_memory_add(&fake.memory, &member, &fake.err), 0);
	ck_assert_int_eq(map_all(ram_fd), 0);
	memcpy(ram + 0x8000, "sixteen letters", 16);
	ck_assert_int_eq(copy(ram_at + 0x8000, ram_at), 0);
	ck_assert_mem_eq(ram, "sixteen letters", 16);
	ck_assert_int_eq(unmap(0, RAM_SIZE, &unmapped), 0);
	vfio_user_memory_remove(&fake.memory, &member);
	ck_assert_int_eq(vfio_user_device_begin(fake.backend, &fake.err), 0);
	ck_assert_int_eq(vfio_user_device_begin(fake.backend, &fake.err), 0);
	ck_assert_int_eq(map_all(ram_fd), 0);
	ck_assert_int_eq(copy(ram_at, ram_at + 0x100), 0);
}
END_TEST

/* Whoever maps meanwhile, on a thread that may not hear a server, does not ask it. */
START_TEST(one_that_has_not_begun_is_told_then)
{
	ck_assert_msg(fake_user_open(), "%s", fake.err.text);
	ck_assert_int_eq(map_all(ram_fd), 0);
	ck_assert_uint_eq(atomic_load(&fake.server.heard[COMMAND_DMA_MAP]), 0);
	ck_assert_int_eq(vfio_user_device_begin(fake.backend, &fake.err), 0);
	ck_assert_uint_eq(fake.server.window_count, 1);
	ck_assert_int_eq(copy(ram_at, ram_at + 0x100), 0);
}
END_TEST

START_TEST(what_is_not_mapped_is_out_of_reach)
{
	const struct vfio_mapping device = {
		.iova = 0x200000,
		.size = 0x1000,
		.host = ram,
		.fd = -1,
		.flags = VFIO_MAP_READ | VFIO_MAP_WRITE | VFIO_MAP_DEVICE,
	};
	uint64_t unmapped;

	fake.server.never_maps = true;
	fake_user_open_well();
	ck_assert_int_eq(copy(ram_at, ram_at), -EFAULT);
	ck_assert_int_eq(map_part(0, 0x1000, VFIO_MAP_READ, ram_fd), 0);
	ck_assert_int_eq(map_part(0x1000, 0x1000, VFIO_MAP_READ | VFIO_MAP_WRITE, ram_fd), 0);
	ck_assert_int_eq(map_part(0x3000, 0x1000, VFIO_MAP_WRITE, ram_fd), 0);
	/* Across two that touch, and to where nobody may write. */
	ck_assert_int_eq(copy(ram_at + 0xff8, ram_at + 0x1000), 0);
	ck_assert_int_eq(copy(ram_at + 0xff8, ram_at + 0xff8), -EFAULT);
	/* Beyond, from what cannot be read, from the end of all addresses. */
	ck_assert_int_eq(copy(ram_at + 0x1ff8, ram_at + 0x1000), -EFAULT);
	ck_assert_int_eq(copy(ram_at + 0x3000, ram_at + 0x1000), -EFAULT);
	ck_assert_int_eq(copy(UINT64_MAX - 7, ram_at + 0x1000), -EFAULT);
	/* A device's own memory is its server's to take away. */
	ck_assert_int_eq(fake.memory.space.ops->map(&fake.memory.space, &device), 0);
	ck_assert_int_eq(copy(0x200000, ram_at + 0x1000), -EFAULT);
	ck_assert_int_eq(unmap(0x1000, 0x1000, &unmapped), 0);
	ck_assert_uint_eq(unmapped, 0x1000);
	ck_assert_int_eq(copy(ram_at, ram_at + 0x1000), -EFAULT);
}
END_TEST

/* As it was mapped, by the piece; whoever unmaps knows that the server has let go. */
START_TEST(an_unmap_is_waited_for)
{
	uint64_t unmapped;

	fake_user_open_well();
	for (uint64_t at = 0; at < RAM_SIZE; at += RAM_SIZE / 4)
		ck_assert_int_eq(map_part(at, RAM_SIZE / 4, VFIO_MAP_READ, ram_fd), 0);
	ck_assert_int_eq(map_part(RAM_SIZE / 2, 0x1000, VFIO_MAP_READ, ram_fd), -EEXIST);
	ck_assert_uint_eq(fake.server.window_count, 4);
	ck_assert_int_eq(unmap(RAM_SIZE / 4, RAM_SIZE / 2, &unmapped), 0);
	ck_assert_uint_eq(unmapped, RAM_SIZE / 2);
	ck_assert_uint_eq(fake.server.window_count, 2);
	ck_assert_int_eq(unmap(0, RAM_SIZE / 4 - 1, &unmapped), 0);
	ck_assert_uint_eq(unmapped, 0);
}
END_TEST

/* A second server, by hand, that says what @rc has. */
struct second {
	struct vfio_user_member member;
	struct user_server server;
	pthread_t thread;
	int fd;
};

static void *second_main(void *argument)
{
	struct second *second = argument;

	user_server_run(&second->server, second->fd);
	return NULL;
}

static void second_open(struct second *second)
{
	static const struct vfio_user_config config = {.name = "user1",
						       .patience_ms = FAKE_PATIENCE_MS};
	int ends[2];

	user_server_init(&second->server, &fake.model);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	second->fd = ends[1];
	ck_assert_int_eq(pthread_create(&second->thread, NULL, second_main, second), 0);
	second->member.client = vfio_user_open(ends[0], &config, &fake.err);
	ck_assert_msg(second->member.client, "%s", fake.err.text);
	ck_assert_int_eq(vfio_user_begin(second->member.client, &fake.err), 0);
}

static void second_close(struct second *second)
{
	vfio_user_memory_remove(&fake.memory, &second->member);
	vfio_user_close(second->member.client);
	pthread_join(second->thread, NULL);
}

START_TEST(one_that_comes_later_is_told_of_all)
{
	static struct second second;

	fake_user_open_well();
	ck_assert_int_eq(map_all(ram_fd), 0);
	second_open(&second);
	ck_assert_int_eq(vfio_user_memory_add(&fake.memory, &second.member, &fake.err), 0);
	ck_assert_uint_eq(second.server.window_count, 1);
	second_close(&second);
	/* One that was not added. */
	second = (struct second){.fd = -1};
	second_open(&second);
	second.server.at = COMMAND_DMA_MAP;
	second.server.fault = USER_FAULT_ERROR;
	ck_assert_int_eq(vfio_user_memory_add(&fake.memory, &second.member, &fake.err), -EIO);
	ck_assert_ptr_nonnull(strstr(fake.err.text, "does not map guest RAM"));
	second_close(&second);
}
END_TEST

START_TEST(what_one_refuses_none_has)
{
	static struct second second;

	fake_user_open_well();
	second_open(&second);
	second.server.at = COMMAND_DMA_MAP;
	second.server.fault = USER_FAULT_ERROR;
	ck_assert_int_eq(vfio_user_memory_add(&fake.memory, &second.member, &fake.err), 0);
	fake.server.at = _i ? COMMAND_DMA_MAP : COMMAND_RESET;
	fake.server.fault = USER_FAULT_ERROR;
	ck_assert_int_eq(map_all(ram_fd), -EIO);
	ck_assert_uint_eq(fake.server.window_count, 0);
	ck_assert_uint_eq(fake.memory.count, 0);
	second_close(&second);
}
END_TEST

/* The others go on. */
START_TEST(one_that_is_lost_is_told_nothing)
{
	uint64_t unmapped;

	fake_user_open_well();
	fake.server.at = COMMAND_DMA_MAP;
	fake.server.fault = USER_FAULT_DIES;
	ck_assert_int_eq(map_all(ram_fd), 0);
	ck_assert(fake.backend->ops->is_lost(fake.backend));
	ck_assert_int_eq(unmap(0, RAM_SIZE, &unmapped), 0);
	ck_assert_uint_eq(unmapped, RAM_SIZE);
}
END_TEST

static int maps_left(void)
{
	return (int)fake.memory.space.ops->maps_left(&fake.memory.space);
}

/* Of those that are there: one that was refused, or has left, counts no more. */
START_TEST(limits_are_those_of_all)
{
	struct vfio_user_client small = {.limits = {.pages = 1 << 21 | 1 << 12, .maps = 2}};
	struct vfio_user_client large = {.limits = {.pages = 1 << 16, .maps = 1}};
	struct vfio_user_member of_small = {.client = &small}, of_large = {.client = &large};

	fake_user_open_well();
	ck_assert_uint_eq(vfio_space_page(&fake.memory.space), 4096);
	ck_assert_int_eq(maps_left(), 65535);
	ck_assert_int_eq(vfio_user_memory_add(&fake.memory, &of_large, &fake.err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(fake.err.text, "there is none for both"));
	ck_assert_int_eq(maps_left(), 65535);
	ck_assert_int_eq(vfio_user_memory_add(&fake.memory, &of_small, &fake.err), 0);
	ck_assert_int_eq(maps_left(), 2);
	vfio_user_memory_remove(&fake.memory, &of_small);
	ck_assert_int_eq(maps_left(), 65535);
	vfio_user_memory_remove(&fake.memory, &vfio_user_of(fake.backend)->member);
	ck_assert_int_eq(vfio_user_memory_add(&fake.memory, &of_large, &fake.err), 0);
	ck_assert_uint_eq(vfio_space_page(&fake.memory.space), 65536);
	vfio_user_memory_remove(&fake.memory, &of_large);
}
END_TEST

START_TEST(there_is_an_end_to_mappings)
{
	struct vfio_user_client none = {.limits = {.pages = 4096}};
	struct vfio_user_member of_none = {.client = &none};

	fake_user_open_well();
	fake.memory.maps_most = 1;
	ck_assert_int_eq(map_part(0, 0x1000, VFIO_MAP_READ, ram_fd), 0);
	ck_assert_int_eq(map_part(0x1000, 0x1000, VFIO_MAP_READ, ram_fd), -ENOSPC);
	ck_assert_int_eq(vfio_user_memory_add(&fake.memory, &of_none, &fake.err), -ENOSPC);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, a_server_reads_and_writes, 0, ARRAY_SIZE(ways));
	tcase_add_test(tests, a_server_that_copies_takes_writes_in_its_own_time);
	tcase_add_test(tests, a_write_is_answered_for_whoever_reads_it);
	tcase_add_test(tests, a_write_may_have_more_than_counts);
	tcase_add_loop_test(tests, a_server_reads_while_it_is_opened, 0, 2);
	tcase_add_test(tests, one_that_has_not_begun_is_told_then);
	tcase_add_test(tests, what_is_not_mapped_is_out_of_reach);
	tcase_add_test(tests, an_unmap_is_waited_for);
	tcase_add_test(tests, one_that_comes_later_is_told_of_all);
	tcase_add_loop_test(tests, what_one_refuses_none_has, 0, 2);
	tcase_add_test(tests, one_that_is_lost_is_told_nothing);
	tcase_add_test(tests, limits_are_those_of_all);
	tcase_add_test(tests, there_is_an_end_to_mappings);
}

int main(void)
{
	return run_suite("memory of vfio-user", add_tests);
}
