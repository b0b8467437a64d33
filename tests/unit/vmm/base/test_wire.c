/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes over a stream socket in pieces comes whole, with its descriptor, or not at all. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/support/host.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"
#include "vmm/base/wire.h"

enum { MUCH = 1 << 20, PIECE = 7000 };

static int ends[2];
static uint8_t sent[MUCH], came[MUCH];
static size_t came_count;
static unsigned int waits, descriptors;
static int wait_result;

/* The other end takes a piece, or says one. */
static int wait_for_other(void *owner, short events)
{
	ck_assert_ptr_eq(owner, ends);
	waits++;
	if (wait_result)
		return wait_result;
	if (events == POLLOUT) {
		ssize_t n = recv(ends[1], came + came_count, MUCH - came_count, 0);

		ck_assert_int_gt(n, 0);
		came_count += (size_t)n;
	} else {
		size_t size = MUCH - came_count < PIECE ? MUCH - came_count : PIECE;

		ck_assert_int_eq(events, POLLIN);
		ck_assert_int_eq(send(ends[1], sent + came_count, size, 0), (ssize_t)size);
		came_count += size;
	}
	return 0;
}

static struct wire wire;

static void set_up(void)
{
	descriptors = count_descriptors();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	wire = (struct wire){ends[0], wait_for_other, ends};
	came_count = waits = 0;
	wait_result = 0;
	for (size_t i = 0; i < MUCH; i++)
		sent[i] = (uint8_t)(i * 31 >> 3);
}

static void leaves(unsigned int more)
{
	close(ends[0]);
	close(ends[1]);
	ck_assert_uint_eq(count_descriptors(), descriptors + more);
}

START_TEST(much_is_sent_in_pieces)
{
	struct iovec parts[] = {{sent, 10}, {NULL, 0}, {sent + 10, MUCH - 10}};
	ssize_t n;

	ck_assert_int_eq(wire_send(&wire, parts, ARRAY_SIZE(parts), NULL, 0), 0);
	ck_assert_uint_gt(waits, 0);
	while (came_count < MUCH && (n = recv(ends[1], came + came_count, MUCH, 0)) > 0)
		came_count += (size_t)n;
	ck_assert_mem_eq(came, sent, MUCH);
	leaves(0);
}
END_TEST

START_TEST(much_comes_in_pieces)
{
	int fd = 7;

	ck_assert_int_eq(wire_receive(&wire, came, MUCH, &fd, 1), 0);
	ck_assert_int_eq(fd, -1);
	ck_assert_uint_gt(waits, 1);
	ck_assert_mem_eq(came, sent, MUCH);
	leaves(0);
}
END_TEST

static int send_fds(unsigned int count, int fd)
{
	const struct wire other = {ends[1], wait_for_other, ends};
	struct iovec part = {sent, 100};
	int fds[WIRE_FDS_MAX + 1];

	for (unsigned int i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = fd;
	return wire_send(&other, &part, 1, fds, count);
}

START_TEST(a_descriptor_comes_with_the_first_byte)
{
	int file = memfd_create("file", MFD_CLOEXEC), fd;

	ck_assert_int_eq(send_fds(1, file), 0);
	ck_assert_int_eq(wire_receive(&wire, came, 60, &fd, 1), 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	wire_drop(&fd);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(wire_receive(&wire, came, 40, NULL, 0), 0);
	close(file);
	leaves(0);
}
END_TEST

/* Two, and one where none may come. */
START_TEST(descriptors_that_do_not_belong_there_are_closed)
{
	int file = memfd_create("file", MFD_CLOEXEC), fd = 7, rc;

	ck_assert_int_eq(send_fds(_i == 0 ? 2 : 1, file), 0);
	rc = wire_receive(&wire, came, 60, &fd, _i == 1 ? 0 : 1);
	if (cut_descriptors_are_told("test_wire"))
		ck_assert_int_eq(rc, -EPROTO);
	ck_assert_int_eq(fd, _i == 1 ? 7 : -1);
	close(file);
	leaves(0);
}
END_TEST

/* Its end might wait for its file system. */
START_TEST(what_is_no_memory_stays_open)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	wire_drop(&fd);
	ck_assert_int_eq(fd, -1);
	wire_drop(&fd);
	leaves(1);
}
END_TEST

START_TEST(the_other_end_may_be_gone)
{
	struct iovec part = {sent, 10};

	ck_assert_int_eq(send(ends[1], sent, 5, 0), 5);
	shutdown(ends[1], SHUT_RDWR);
	ck_assert_int_eq(wire_receive(&wire, came, 10, NULL, 0), -ECONNRESET);
	ck_assert_int_eq(wire_send(&wire, &part, 1, NULL, 0), -EPIPE);
	leaves(0);
}
END_TEST

START_TEST(who_waits_may_have_enough)
{
	struct iovec part = {sent, MUCH};

	wait_result = -ETIMEDOUT;
	ck_assert_int_eq(wire_receive(&wire, came, 10, NULL, 0), -ETIMEDOUT);
	ck_assert_int_eq(wire_send(&wire, &part, 1, NULL, 0), -ETIMEDOUT);
	ck_assert_uint_eq(waits, 2);
	ck_assert_int_eq(send_fds(WIRE_FDS_MAX + 1, ends[0]), -E2BIG);
	leaves(0);
}
END_TEST

/* In their order, as many as were asked for. */
START_TEST(several_come_with_the_first_byte)
{
	int file = memfd_create("file", MFD_CLOEXEC), fds[WIRE_FDS_MAX];

	for (unsigned int sent_now = 0; sent_now <= WIRE_FDS_MAX; sent_now++) {
		ck_assert_int_eq(send_fds(sent_now, file), 0);
		ck_assert_int_eq(wire_receive(&wire, came, 100, fds, WIRE_FDS_MAX), 0);
		ck_assert_uint_eq(wire_count(fds, WIRE_FDS_MAX), sent_now);
		for (unsigned int i = 0; i < WIRE_FDS_MAX; i++)
			wire_drop(&fds[i]);
	}
	ck_assert_int_eq(send_fds(4, file), 0);
	ck_assert_int_eq(wire_receive(&wire, came, 100, fds, 3), -EPROTO);
	ck_assert_uint_eq(wire_count(fds, 3), 0);
	close(file);
	leaves(0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, several_come_with_the_first_byte);
	tcase_add_test(tests, much_is_sent_in_pieces);
	tcase_add_test(tests, much_comes_in_pieces);
	tcase_add_test(tests, a_descriptor_comes_with_the_first_byte);
	tcase_add_loop_test(tests, descriptors_that_do_not_belong_there_are_closed, 0, 2);
	tcase_add_test(tests, what_is_no_memory_stays_open);
	tcase_add_test(tests, the_other_end_may_be_gone);
	tcase_add_test(tests, who_waits_may_have_enough);
}

int main(void)
{
	return run_suite("wire", add_tests);
}
