/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may come in over TCP: this user's processes, wherever their address is found. */

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/fsuid.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/debug/gdb/test_server.h"

/*
 * The user of a socket is the file system user of who made it, which a thread may change for
 * itself.
 */
START_TEST(other_users_are_shut_out)
{
	enum { NOBODY = 65534 };
	int fd;

	if (geteuid() != 0) {
		printf("skip: only root can be another user\n");
		return;
	}
	if (!listen_number(_i) || *addresses[_i] == 'u' || *addresses[_i] == 'p')
		return;
	hear();
	setfsuid(NOBODY);
	fd = come();
	setfsuid(0);
	ends(fd);
	ck_assert_ptr_nonnull(strstr(heard(), "another user of this machine"));
	close(fd);
	ck_assert(!gdb_attached(gdb));
	/* It has gone before it is looked at, and cannot be told from root then. */
	setfsuid(NOBODY);
	fd = *name == '[' || *name == '1' ? connect_tcp() : -1;
	setfsuid(0);
	ck_assert_int_eq(write(fd, "$k#6b", 5), 5);
	close(fd);
	turn();
	ck_assert_uint_eq(fake.kills, 0);
	fake.stands = true;
	fd = come();
	type(fd, "+$qAttached#8f");
	reads(fd, "+$1#31");
	close(fd);
}
END_TEST

/* A client of IPv6 may come to an address of IPv4, and is in that table. */
START_TEST(a_mapped_address_is_found)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	unsigned int port;
	int fd;

	if (!has_v6()) {
		printf("skip: no IPv6 here\n");
		return;
	}
	listen_at("0");
	fake.stands = true;
	ck_assert_int_eq(sscanf(name, "127.0.0.1:%u", &port), 1);
	ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6.sin6_addr), 1);
	v6.sin6_port = htons((in_port_t)port);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert(connect(fd, (struct sockaddr *)&v6, sizeof(v6)) == 0 || errno == EINPROGRESS);
	turn();
	type(fd, "+$qAttached#8f");
	reads(fd, "+$1#31");
	close(fd);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, other_users_are_shut_out, 0, ADDRESSES);
	tcase_add_test(tests, a_mapped_address_is_found);
}

int main(void)
{
	return run_suite("gdb peer", add_tests);
}
