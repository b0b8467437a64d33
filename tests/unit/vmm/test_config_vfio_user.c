/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line's devices that are programs: the option's forms, and what is wrong with them. */

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/test_config.h"

START_TEST(a_socket_by_its_path)
{
	ck_assert_int_eq(parse("--vfio-user socket=/run/a.sock --vfio-user=socket=b,port k"), 0);
	ck_assert_uint_eq(config.vfio_count, 2);
	ck_assert_str_eq(config.vfio[0].path, "/run/a.sock");
	ck_assert_int_eq(config.vfio[0].via, VFIO_VIA_USER);
	ck_assert_int_eq(config.vfio[0].fd, 0);
	ck_assert(!config.vfio[0].port);
	ck_assert(config.vfio[1].port);
	refused("--vfio-user /run/a.sock k",
		"--vfio-user: '/run/a.sock': it begins with socket=PATH");
	refused("--vfio-user socket= k", "socket=");
	refused("--vfio-user socket=a,via=group k", "via: it is for --vfio alone");
	refused("--vfio-user socket=a,vf-token=b k", "vf-token: it is for --vfio alone");
	refused("--vfio-user socket=a,names=t k", "names=t: it is for trace=FILE");
	refused("--vfio-user socket=a,queues=2 k", "unknown part");
}
END_TEST

START_TEST(one_may_be_asked_for_doorbells)
{
	ck_assert_int_eq(parse("--vfio-user socket=a,ioeventfd --vfio-user socket=b k"), 0);
	ck_assert(config.vfio[0].ioeventfd);
	ck_assert(!config.vfio[1].ioeventfd);
	refused("--vfio-user socket=a,ioeventfd=on k",
		"ioeventfd=on': unknown part: it takes port, rom=FILE");
	ck_assert_ptr_nonnull(strstr(err.text, "ioeventfd and reconnect=SECONDS"));
	refused("--vfio 01:00.0,ioeventfd k", "ioeventfd': unknown part");
}
END_TEST

/* As a fresh device, into the slot it had. */
START_TEST(one_may_come_back)
{
	ck_assert_int_eq(parse("--vfio-user socket=a,port,reconnect=3 k"), 0);
	ck_assert_uint_eq(config.vfio[0].reconnect_ms, 3000);
	refused("--vfio-user socket=a,port,reconnect k", "reconnect=: it is reconnect=SECONDS");
	refused("--vfio-user socket=a,port,reconnect=0 k", "reconnect=0: it is");
	refused("--vfio-user socket=a,port,reconnect=3601 k", "from 1 to 3600");
	refused("--vfio-user socket=a,port,reconnect=1s k", "reconnect=1s: it is");
	refused("--vfio-user socket=a,reconnect=3 k", "reconnect: on the root bus nothing comes");
	refused("--vfio-user socket=a,port,reconnect=3,trace=t k", "a trace ends with its device");
	refused("--vfio 01:00.0,port,reconnect=3 k", "reconnect=3': unknown part");
	if (getuid() == 0)
		refused("--vfio-user socket=a,port,reconnect=3 --user 65534 k",
			"--vfio-user socket=a: reconnect: a run with --user reaches no socket");
}
END_TEST

START_TEST(a_socket_that_is_connected)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	ck_assert_int_eq(dup2(ends[0], 60), 60);
	refused("--vfio-user fd=60,port,reconnect=3 k", "nobody knows where the server");
	ck_assert_int_eq(parse("--vfio-user fd=60,mmap=off k"), 0);
	ck_assert_int_eq(config.vfio[0].fd, 60);
	ck_assert_uint_eq(config.vfio[0].trapped, 0x3f);
	refused("--vfio-user fd=60 --vfio-user fd=60 k", "fd=60: it was given already");
	close(60);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* The servers map the guest's memory, of which nothing is pinned. */
START_TEST(memory_is_shared)
{
	ck_assert_int_eq(parse("k"), 0);
	ck_assert(!config_pins_memory(&config) && !config_shares_memory(&config));
	ck_assert_int_eq(parse("--vfio-user socket=a k"), 0);
	ck_assert(!config_pins_memory(&config) && config_shares_memory(&config));
	ck_assert_int_eq(parse("--vfio 01:00.0 k"), 0);
	ck_assert(config_pins_memory(&config) && !config_shares_memory(&config));
	ck_assert_int_eq(parse("--vfio 01:00.0 --vfio-user socket=a k"), 0);
	ck_assert(config_pins_memory(&config) && config_shares_memory(&config));
	ck_assert_int_eq(parse("--vfio-user socket=a --vfio 01:00.0 k"), 0);
	ck_assert(config_pins_memory(&config) && config_shares_memory(&config));
	ck_assert_int_eq(parse("--vhost-user blk,socket=a k"), 0);
	ck_assert(!config_pins_memory(&config) && config_shares_memory(&config));
}
END_TEST

/* An option that settles the way is about those that the kernel has. */
START_TEST(there_is_no_other_way)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(dup2(null, 60), 60);
	refused("--vfio-user socket=a --iommufd fd=60 k",
		"--iommufd: it is for the devices of --vfio");
	close(60);
	close(null);
}
END_TEST

START_TEST(there_may_be_many)
{
	char line[512] = "";

	for (unsigned int i = 0; i < 20; i++)
		strcat(line, "--vfio-user=socket=a ");
	ck_assert_int_eq(parse(strcat(line, "k")), 0);
	ck_assert_uint_eq(config.vfio_count, 20);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_socket_by_its_path);
	tcase_add_test(tests, one_may_be_asked_for_doorbells);
	tcase_add_test(tests, one_may_come_back);
	tcase_add_test(tests, a_socket_that_is_connected);
	tcase_add_test(tests, memory_is_shared);
	tcase_add_test(tests, there_is_no_other_way);
	tcase_add_test(tests, there_may_be_many);
}

int main(void)
{
	return run_suite("devices that are programs", add_tests);
}
