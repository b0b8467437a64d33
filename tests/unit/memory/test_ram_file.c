/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest RAM out of a descriptor: which are refused and why, what is shared, sealed and aligned. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory/ram.h"
#include "memory/ram_file.h"
#include "tests/unit/support/host.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"
#include "vmm/base/page.h"

static struct mem_map *map;
static struct err err;
static struct ram_file file;

static void set_up(void)
{
	err = (struct err){0};
	map = mem_map_create("guest", 0, &err);
}

static void tear_down(void)
{
	mem_map_destroy(map);
}

static int memory(uint64_t size, unsigned int flags)
{
	int fd = memfd_create("guest", MFD_CLOEXEC | flags);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static void refused(int fd, const char *part)
{
	err = (struct err){0};
	ck_assert_int_eq(ram_file_check(fd, &file, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, part), "%s", err.text);
	ck_assert_int_eq(close(fd), 0);
}

START_TEST(a_memfd_is_taken)
{
	int fd = memory(4 * MIB, 0);

	ck_assert_int_eq(ram_file_check(fd, &file, &err), 0);
	ck_assert_uint_eq(file.size, 4 * MIB);
	ck_assert_uint_eq(file.page_size, 0);
	ck_assert_uint_eq(file.held, 0);
	ck_assert_int_eq(pwrite(fd, "x", 1, MIB), 1);
	ck_assert_int_eq(ram_file_check(fd, &file, &err), 0);
	ck_assert_uint_ge(file.held, host_page_size());
	close(fd);
}
END_TEST

START_TEST(other_kinds_are_refused)
{
	int ends[2];

	refused(open("/dev/zero", O_RDWR | O_CLOEXEC), "it is no memory: it takes a memfd");
	ck_assert_int_eq(pipe(ends), 0);
	refused(ends[0], "it is no memory");
	refused(ends[1], "it is no memory");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	refused(ends[0], "it is no memory");
	refused(ends[1], "it is no memory");
	refused(open("/proc/self/status", O_RDONLY | O_CLOEXEC), "it is no memory");
}
END_TEST

START_TEST(what_cannot_be_written_is_refused)
{
	int fd = memory(MIB, MFD_ALLOW_SEALING), reading;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reading = open(path, O_RDONLY | O_CLOEXEC);
	refused(reading, "it is not open for reading and writing");
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	refused(fd, "it is sealed against writing (F_SEAL_WRITE)");
	fd = memory(MIB, MFD_ALLOW_SEALING);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	refused(fd, "it is sealed against writing (F_SEAL_WRITE)");
}
END_TEST

START_TEST(sizes_that_are_none_are_refused)
{
	refused(memory(0, 0), "it is empty: who opens it gives it the size");
	refused(memory(MIB + 1, 0), "it has 1048577 bytes, not a multiple of its page size");
}
END_TEST

/* No huge page is touched, so that the host need not have one; some kernels have none at all. */
START_TEST(its_huge_pages_are_found)
{
	int fd = memfd_create("guest", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);

	if (fd < 0) {
		ck_assert_int_eq(access("/sys/kernel/mm/hugepages/hugepages-2048kB", F_OK), -1);
		return;
	}
	ck_assert_int_eq(ftruncate(fd, 4 * MIB), 0);
	ck_assert_int_eq(ram_file_check(fd, &file, &err), 0);
	ck_assert_uint_eq(file.page_size, 2 * MIB);
	close(fd);
}
END_TEST

START_TEST(nobody_shrinks_it_any_more)
{
	int fd = memory(MIB, MFD_ALLOW_SEALING), unsealed = memory(MIB, 0);

	ck_assert_int_eq(ram_file_seal(fd, MIB, &err), 0);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(ram_file_seal(fd, MIB, &err), 0);
	ck_assert_int_eq(ram_file_seal(unsealed, MIB, &err), 0);
	ck_assert_int_eq(fcntl(unsealed, F_GET_SEALS), F_SEAL_SEAL);
	close(fd);
	close(unsealed);
}
END_TEST

/* Somebody else has it open, and had time since it was checked. */
START_TEST(what_was_shrunk_before_is_refused)
{
	int fd = memory(MIB, MFD_ALLOW_SEALING), unsealed = memory(MIB, 0);

	ck_assert_int_eq(ram_file_check(fd, &file, &err), 0);
	ck_assert_int_eq(ftruncate(fd, MIB - 4096), 0);
	ck_assert_int_eq(ftruncate(unsealed, MIB - 1), 0);
	ck_assert_int_eq(ram_file_seal(fd, file.size, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, "has shrunk from 1024 KiB to 1020 KiB"), "%s", err.text);
	ck_assert_int_eq(ram_file_seal(unsealed, MIB, &err), -EINVAL);
	/* More of it is nobody's memory yet. */
	ck_assert_int_eq(ftruncate(unsealed, 2 * MIB), 0);
	ck_assert_int_eq(ram_file_seal(unsealed, MIB, &err), 0);
	close(fd);
	close(unsealed);
}
END_TEST

START_TEST(the_guests_memory_is_the_files)
{
	const struct ram_range pieces[] = {{0, 0xa0000}, {MIB, 3 * MIB}};
	struct ram_config config = {.fd = memory(0xa0000 + 3 * MIB, 0)};
	struct ram *ram;
	char byte = 'a';

	ck_assert_int_eq(pwrite(config.fd, "launcher", 8, 0xa0000), 8);
	ram = ram_create(map, pieces, ARRAY_SIZE(pieces), &config, &err);
	ck_assert_msg(ram, "%s", err.text);
	ck_assert(!ram_begins_zero(ram));
	ck_assert_mem_eq(ram_host(ram, MIB, 8), "launcher", 8);
	ck_assert_int_eq(ram_write(ram, 0x9ffff, &byte, 1), 0);
	ck_assert_int_eq(pread(config.fd, &byte, 1, 0x9ffff), 1);
	ck_assert_int_eq(byte, 'a');
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		ck_assert_uint_eq(((uintptr_t)ram_host(ram, pieces[i].base, 1) - pieces[i].base) %
					  (2 * MIB),
				  0);
	ram_destroy(ram);
	close(config.fd);
}
END_TEST

START_TEST(populating_keeps_what_is_there)
{
	const struct ram_range piece = {0, MIB};
	struct ram_config config = {.fd = memory(MIB, 0)};
	struct ram *ram;

	ck_assert_int_eq(pwrite(config.fd, "launcher", 8, 0x1000), 8);
	ram = ram_create(map, &piece, 1, &config, &err);
	ck_assert_msg(ram, "%s", err.text);
	ck_assert_int_eq(ram_populate(ram, 0, NULL), 0);
	ck_assert_mem_eq(ram_host(ram, 0x1000, 8), "launcher", 8);
	ck_assert_int_eq(ram_file_check(config.fd, &file, &err), 0);
	ck_assert_uint_eq(file.held, file.size);
	ram_destroy(ram);
	close(config.fd);
}
END_TEST

START_TEST(what_cannot_be_mapped_is_told)
{
	const struct ram_range piece = {0, MIB};
	struct ram_config config = {.fd = open("/proc/self/status", O_RDWR | O_CLOEXEC)};

	if (config.fd < 0)
		config.fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ck_assert_ptr_null(ram_create(map, &piece, 1, &config, &err));
	ck_assert_msg(strstr(err.text, "guest memory: 1 MiB at 0x0"), "%s", err.text);
	close(config.fd);
}
END_TEST

/* What a server of a device maps, and finds what the guest has written in. */
START_TEST(memory_of_its_own_is_shared_when_asked)
{
	const struct ram_range pieces[] = {{0, 0xa0000}, {MIB, 3 * MIB}};
	struct ram_config config = {.shared = true};
	struct ram *ram = ram_create(map, pieces, ARRAY_SIZE(pieces), &config, &err);
	uint64_t offset;
	char bytes[5] = {0};
	int fd;

	ck_assert_msg(ram, "%s", err.text);
	ck_assert(ram_begins_zero(ram));
	fd = ram_file(ram, 1, &offset);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(offset, 0xa0000);
	ck_assert_int_eq(ram_write(ram, MIB, "guest", 5), 0);
	ck_assert_int_eq(pread(fd, bytes, 5, 0xa0000), 5);
	ck_assert_mem_eq(bytes, "guest", 5);
	ck_assert_int_eq(ftruncate(fd, MIB), -1);
	ck_assert_int_eq(ftruncate(fd, 8 * MIB), -1);
	ck_assert_int_eq(ram_file(ram, 0, &offset), fd);
	ck_assert_uint_eq(offset, 0);
	ck_assert_uint_eq((uintptr_t)ram_host(ram, MIB, 1) % (2 * MIB), MIB);
	ram_destroy(ram);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

START_TEST(a_file_of_others_is_kept_to_be_shared)
{
	const struct ram_range piece = {0, MIB};
	struct ram_config config = {.fd = memory(MIB, 0), .shared = true};
	struct ram *ram = ram_create(map, &piece, 1, &config, &err);
	struct stat one, other;
	uint64_t offset;

	ck_assert_msg(ram, "%s", err.text);
	ck_assert_int_ne(ram_file(ram, 0, &offset), config.fd);
	ck_assert_int_eq(fstat(config.fd, &one), 0);
	ck_assert_int_eq(fstat(ram_file(ram, 0, &offset), &other), 0);
	ck_assert_uint_eq(one.st_ino, other.st_ino);
	ram_destroy(ram);
	close(config.fd);
}
END_TEST

/* Of huge pages there may be none, which is told as without it. */
START_TEST(huge_pages_are_shared_too)
{
	const struct ram_range piece = {0, 4 * MIB};
	struct ram_config config = {.page_size = 2 * MIB, .shared = true};
	struct ram *ram = ram_create(map, &piece, 1, &config, &err);
	uint64_t offset;

	if (ram) {
		ck_assert_int_eq(ram_file_check(ram_file(ram, 0, &offset), &file, &err), 0);
		ck_assert_uint_eq(file.page_size, 2 * MIB);
		ck_assert_uint_eq(ram_page_size(ram), 2 * MIB);
	} else {
		ck_assert_msg(strstr(err.text, "guest memory"), "%s", err.text);
	}
	ram_destroy(ram);
}
END_TEST

START_TEST(unasked_nobody_else_has_it)
{
	const struct ram_range piece = {0, MIB};
	struct ram_config config = {0};
	struct ram *ram = ram_create(map, &piece, 1, &config, &err);
	uint64_t offset;

	ck_assert_int_lt(ram_file(ram, 0, &offset), 0);
	ram_destroy(ram);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_memfd_is_taken);
	tcase_add_test(tests, other_kinds_are_refused);
	tcase_add_test(tests, what_cannot_be_written_is_refused);
	tcase_add_test(tests, sizes_that_are_none_are_refused);
	tcase_add_test(tests, its_huge_pages_are_found);
	tcase_add_test(tests, nobody_shrinks_it_any_more);
	tcase_add_test(tests, what_was_shrunk_before_is_refused);
	tcase_add_test(tests, the_guests_memory_is_the_files);
	if (advice_is_heeded(MADV_POPULATE_WRITE, "populating_keeps_what_is_there"))
		tcase_add_test(tests, populating_keeps_what_is_there);
	tcase_add_test(tests, what_cannot_be_mapped_is_told);
	tcase_add_test(tests, memory_of_its_own_is_shared_when_asked);
	tcase_add_test(tests, a_file_of_others_is_kept_to_be_shared);
	if (huge_pages_are_told_of("huge_pages_are_shared_too"))
		tcase_add_test(tests, huge_pages_are_shared_too);
	tcase_add_test(tests, unasked_nobody_else_has_it);
}

int main(void)
{
	return run_suite("ram file", add_tests);
}
