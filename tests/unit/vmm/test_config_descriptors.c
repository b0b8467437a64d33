/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line by descriptors alone: each where its kind is wanted, and where it is not. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/test_config.h"
#include "vmm/base/bits.h"

/* Where they are put: none of them is this program's. */
enum { FILE_AT = 60, MEMORY, PIPE_READ, PIPE_WRITE, LISTENER, LISTENER_TCP, CONNECTED, READ_ONLY };

static void taken(const char *line)
{
	ck_assert_msg(parse(line) == 0, "%s: %s", line, err.text);
}

static void put(int fd, int number)
{
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(dup2(fd, number), number);
	close(fd);
}

static int listener(int family, const void *address, socklen_t size)
{
	int fd = socket(family, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, address, size), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

static void set_up(void)
{
	const struct sockaddr_un nameless = {.sun_family = AF_UNIX};
	const struct sockaddr_in loopback = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int ends[2], memory = memfd_create("guest", 0);

	put(open("/dev/null", O_RDWR), FILE_AT);
	ck_assert_int_eq(ftruncate(memory, 64 * MIB), 0);
	put(memory, MEMORY);
	ck_assert_int_eq(pipe(ends), 0);
	put(ends[0], PIPE_READ);
	put(ends[1], PIPE_WRITE);
	put(listener(AF_UNIX, &nameless, sizeof(sa_family_t)), LISTENER);
	put(listener(AF_INET, &loopback, sizeof(loopback)), LISTENER_TCP);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	put(ends[0], CONNECTED);
	put(open("/dev/null", O_RDONLY), READ_ONLY);
}

START_TEST(nothing_has_a_name)
{
	taken("--kvm fd=60 --memory fd=61,prealloc --initrd /dev/fd/62 --serial fd=66 --gdb fd=65 "
	      "--control fd=64 fd=67");
	ck_assert_int_eq(config.kvm, FILE_AT);
	ck_assert_int_eq(config.memory_fd, MEMORY);
	ck_assert_uint_eq(config.memory, 64 * MIB);
	ck_assert_uint_eq(config.page_size, 0);
	ck_assert(config.prealloc);
	ck_assert_int_eq(config.initrd_fds[0], PIPE_READ);
	ck_assert_str_eq(config.initrds[0], "/dev/fd/62");
	ck_assert_int_eq(config.serial, SERIAL_FD);
	ck_assert_int_eq(config.serial_fd, CONNECTED);
	ck_assert_str_eq(config.gdb, "fd=65");
	ck_assert_str_eq(config.control, "fd=64");
	ck_assert_int_eq(config.kernel_fd, READ_ONLY);
	for (int fd = FILE_AT; fd <= READ_ONLY; fd++)
		if (fd != PIPE_WRITE)
			ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(PIPE_WRITE, F_GETFD), 0);
	ck_assert(fcntl(LISTENER, F_GETFL) & O_NONBLOCK);
}
END_TEST

START_TEST(a_card_has_one_for_each_queue)
{
	taken("--net fd=60:61,queues=2 --net fd=66 k");
	ck_assert_uint_eq(config.net_count, 2);
	ck_assert_ptr_null(config.nets[0].net.tap);
	ck_assert_uint_eq(config.nets[0].net.pairs, 2);
	ck_assert_int_eq(config.nets[0].net.fds[0], FILE_AT);
	ck_assert_int_eq(config.nets[0].net.fds[1], MEMORY);
	ck_assert_int_eq(config.nets[1].net.fds[0], CONNECTED);
	refused("--net fd=60:60 k", "--net: fd=60: it was given already");
	refused("--net fd=60 --kvm fd=60 k", "--kvm: fd=60: it was given already");
	refused("--net fd=60: k", "--net: 'fd=': it takes fd=N");
	refused("--net fd=:60 k", "--net: ");
	refused("--net fd=67 k", "--net: fd=67: it is not open for reading and writing");
	refused("--net fd=60,queues=2 k", "--net: queues=2: 1 descriptors are given");
}
END_TEST

START_TEST(closed_or_no_number)
{
	refused("--kvm fd=99 k", "--kvm: fd=99: it is not open");
	refused("--kvm /dev/kvm k", "--kvm: '/dev/kvm': it takes fd=N");
	refused("--memory fd=99 k", "--memory: fd=99: it is not open");
	refused("--serial fd=99 k", "--serial: fd=99: it is not open");
	refused("--gdb fd=99 k", "--gdb: fd=99: it is not open");
	refused("--control fd=99 k", "--control: fd=99: it is not open");
	refused("fd=99", "fd=99: it is not open");
	refused("/dev/fd/99", "/dev/fd/99: it is not open");
	refused("--initrd /proc/self/fd/99 k", "--initrd: /proc/self/fd/99: it is not open");
	refused("--initrd fd=1 k", "'fd=1': it takes fd=N, an open descriptor from 3 on");
	refused("--serial fd=disk k", "no descriptors with names were handed over");
	/* A console's, or a file of that name. */
	taken("/dev/fd/0");
	taken("/dev/fd/no");
	taken("./fd=3");
	ck_assert_int_eq(config.kernel_fd, 0);
}
END_TEST

START_TEST(each_once)
{
	refused("--kvm fd=60 --memory fd=60 k", "--memory: fd=60: it was given already");
	refused("--serial fd=66 --control fd=66 k", "--control: fd=66: it was given already");
	refused("--initrd fd=62 /dev/fd/62", "/dev/fd/62: it was given already");
	refused("--gdb fd=64 --control fd=64 k", "--control: fd=64: it was given already");
	refused("--kvm fd=60 --kvm fd=62 k", "not open for reading and writing");
	refused("--kvm fd=60 --kvm fd=66 k", "--kvm: given twice: a guest has one");
}
END_TEST

/* The one that counts is there; the other has nobody any more who would close it. */
START_TEST(what_a_later_option_replaces_is_closed)
{
	static const struct {
		const char *line;
		int closed, kept; /* 0: none */
	} lines[] = {
		{"--serial fd=66 --serial none k", CONNECTED, 0},
		{"--serial fd=66 --serial fd=60 k", CONNECTED, FILE_AT},
		{"--serial none --serial fd=60 k", 0, FILE_AT},
		{"--memory fd=61 --memory 32M k", MEMORY, 0},
		{"--memory 32M --memory fd=61 k", 0, MEMORY},
		{"--gdb fd=64 --gdb pty k", LISTENER, 0},
		{"--gdb fd=65 --gdb fd=64 k", LISTENER_TCP, LISTENER},
		{"--gdb pty --gdb fd=64 k", 0, LISTENER},
		{"--control fd=64 --control unix:x k", LISTENER, 0},
	};

	taken(lines[_i].line);
	if (lines[_i].closed)
		ck_assert_int_eq(fcntl(lines[_i].closed, F_GETFD), -1);
	if (lines[_i].kept)
		ck_assert_int_eq(fcntl(lines[_i].kept, F_GETFD), FD_CLOEXEC);
	ck_assert_uint_eq(config.given_count, lines[_i].kept ? 1 : 0);
}
END_TEST

START_TEST(memory_of_other_kinds)
{
	refused("--memory fd=60 k", "--memory: fd=60: it is no memory: it takes a memfd");
	refused("--memory fd=66 k", "--memory: fd=66: it is no memory");
	refused("--memory fd=61,hugepages=2M k", "leave hugepages out");
	ck_assert_int_eq(ftruncate(MEMORY, 4096), 0);
	refused("--memory fd=61 k", "'fd=61, 4 KiB': too small");
	ck_assert_int_eq(ftruncate(MEMORY, 64 * MIB), 0);
	taken("--memory fd=61 --memory 32M k");
	ck_assert_int_eq(config.memory_fd, 0);
	ck_assert_uint_eq(config.memory, 32 * MIB);
}
END_TEST

START_TEST(consoles_of_other_kinds)
{
	taken("--serial fd=60 k");
	taken("--serial fd=63 k");
	refused("--serial fd=62 k", "--serial: fd=62: it is not open for writing");
	refused("--serial fd=64 k", "--serial: fd=64: it is a socket that listens");
	put(socket(AF_UNIX, SOCK_DGRAM, 0), CONNECTED);
	refused("--serial fd=66 k", "--serial: fd=66: it is no stream socket");
	put(socket(AF_UNIX, SOCK_STREAM, 0), CONNECTED);
	refused("--serial fd=66 k", "--serial: fd=66: it is a socket that is not connected");
}
END_TEST

START_TEST(sockets_of_other_kinds)
{
	refused("--gdb fd=60 k", "--gdb: fd=60: it is no socket: it takes one that listens");
	refused("--gdb fd=66 k", "--gdb: fd=66: it is a socket that does not listen");
	refused("--control fd=66 k", "--control: fd=66: it is a socket that does not listen");
	refused("--control fd=65 k", "--control: fd=65: it is a socket of TCP");
	put(socket(AF_UNIX, SOCK_DGRAM, 0), CONNECTED);
	refused("--gdb fd=66 k", "--gdb: fd=66: it is no stream socket");
	taken("--gdb fd=64 --control unix:x k");
	taken("--gdb fd=64 --gdb pty k");
	ck_assert_str_eq(config.gdb, "pty");
}
END_TEST

START_TEST(kernels_of_other_kinds)
{
	refused("fd=63", "fd=63: it is not open for reading");
	refused("--initrd fd=63 k", "--initrd: fd=63: it is not open for reading");
	put(open("/dev/null", O_PATH), READ_ONLY);
	refused("fd=67", "fd=67: it is not open for reading");
}
END_TEST

START_TEST(groups_and_their_container)
{
	taken("--vfio 1:0.0 --vfio-group fd=60 --vfio-group fd=61 --vfio-container fd=66 k");
	ck_assert_uint_eq(config.group_count, 2);
	ck_assert_int_eq(config.groups[0], FILE_AT);
	ck_assert_int_eq(config.groups[1], MEMORY);
	ck_assert_int_eq(config.container, CONNECTED);
	ck_assert_int_eq(config.vfio[0].via, VFIO_VIA_GROUP);
	taken("--vfio-group fd=60 --hotplug 1 k");
	taken("--vfio 1:0.0,via=group --vfio-container fd=66 k");
	refused("--vfio-group fd=60 k",
		"--vfio-group: it is for the devices of --vfio and --hotplug");
	refused("--vfio-container fd=60 k", "--vfio-container: it is for the devices of --vfio");
	refused("--vfio 1:0.0,via=iommufd --vfio-group fd=60 k",
		"--vfio-group: --vfio 1:0.0 asks for via=iommufd");
	refused("--vfio fd=61 --vfio-group fd=60 k", "--vfio-group: --vfio fd=61 asks for iommufd");
	refused("--vfio 1:0.0 --vfio-group fd=60 --iommufd fd=61 k", "--iommufd: --vfio-group and");
	refused("--vfio 1:0.0 --vfio-group fd=62 k", "not open for reading and writing");
	refused("--vfio 1:0.0 --vfio-group fd=60 --vfio-group fd=60 k", "it was given already");
	refused("--vfio 1:0.0 --vfio-container fd=60 --vfio-container fd=61 k",
		"given twice: all groups share one");
}
END_TEST

START_TEST(files_of_a_device)
{
	taken("--vfio 1:0.0,rom=fd=67,trace=fd=63,names=fd=62 k");
	ck_assert_int_eq(config.vfio[0].rom_fd, READ_ONLY);
	ck_assert_int_eq(config.vfio[0].trace_fd, PIPE_WRITE);
	ck_assert_int_eq(config.vfio[0].names_fd, PIPE_READ);
	ck_assert_str_eq(config.vfio[0].trace, "fd=63");
	refused("--vfio 1:0.0,rom=fd=63 k", "--vfio: rom: fd=63: it is not open for reading");
	refused("--vfio 1:0.0,trace=fd=62 k", "--vfio: trace: fd=62: it is not open for writing");
	refused("--vfio 1:0.0,rom=fd=67,rom=fd=62 k", "--vfio: rom: given twice");
	refused("--vfio 1:0.0,rom=fd=99 k", "--vfio: rom: fd=99: it is not open");
	refused("--vfio 1:0.0,rom=fd=60,trace=fd=60 k",
		"--vfio: trace: fd=60: it was given already");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, nothing_has_a_name);
	tcase_add_test(tests, a_card_has_one_for_each_queue);
	tcase_add_test(tests, closed_or_no_number);
	tcase_add_test(tests, each_once);
	tcase_add_loop_test(tests, what_a_later_option_replaces_is_closed, 0, 9);
	tcase_add_test(tests, memory_of_other_kinds);
	tcase_add_test(tests, consoles_of_other_kinds);
	tcase_add_test(tests, sockets_of_other_kinds);
	tcase_add_test(tests, kernels_of_other_kinds);
	tcase_add_test(tests, groups_and_their_container);
	tcase_add_test(tests, files_of_a_device);
}

int main(void)
{
	return run_suite("config descriptors", add_tests);
}
