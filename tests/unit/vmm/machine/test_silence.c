/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest without a console is told of; what the log says does not land in the middle of its lines.
 */

#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/machine/test_console.h"
#include "vmm/base/log.h"
#include "vmm/machine/silence.h"

static long asked_seconds;

/* The library's, with seconds for hundredths. */
int timerfd_settime(int fd, int flags, const struct itimerspec *time, struct itimerspec *old)
{
	struct itimerspec sooner = *time;

	if (time->it_value.tv_sec) {
		asked_seconds = time->it_value.tv_sec;
		sooner.it_value = (struct timespec){.tv_nsec = time->it_value.tv_sec * 10000000};
	}
	return (int)syscall(SYS_timerfd_settime, fd, flags, &sooner, old);
}

static const char *said_after(const char *first_output)
{
	struct silence silence = {.timer = -1};
	const char *said;

	start(SERIAL_STDIO);
	ck_assert(!console_has_output(console));
	hear();
	silence_begin(&silence, loop, console, "ttyS0");
	ck_assert_int_eq(asked_seconds, 5);
	output(first_output);
	usleep(100000);
	turn();
	usleep(100000);
	turn();
	said = heard();
	ck_assert_int_eq(silence.timer, -1);
	silence_end(&silence);
	return said;
}

START_TEST(a_guest_that_writes_nothing_is_told_of_once)
{
	ck_assert_str_eq(said_after(""),
			 "ferry: warn: serial port: the guest has written nothing in 5 s, and "
			 "--cmdline names no console there: add console=ttyS0, or give --serial "
			 "none\n");
}
END_TEST

START_TEST(a_guest_that_writes_is_not)
{
	ck_assert_str_eq(said_after("x"), "");
}
END_TEST

START_TEST(a_run_may_end_before)
{
	struct silence silence = {.timer = -1};

	silence_end(&silence);
	start(SERIAL_STDIO);
	silence_begin(&silence, loop, console, "ttyS0");
	ck_assert_int_ge(silence.timer, 0);
	silence_end(&silence);
	ck_assert_int_eq(silence.timer, -1);
}
END_TEST

START_TEST(consoles_are_known_by_the_command_line)
{
	static const char *const with[] = {
		"console=ttyS0",
		"quiet console=ttyS1,115200n8",
		"console=tty0 console=ttyS0",
		"earlycon",
		"earlyprintk=serial,ttyS0",
		"root=/dev/sda  console=uart,io,0x3f8",
	};
	static const char *const without[] = {
		"", "quiet", "console=tty0", "xconsole=ttyS0", "consoles=ttyS0", "console=ttyAMA0",
	};

	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++)
		ck_assert_msg(silence_has_console(with[i], "ttyS0", false), "%s", with[i]);
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		ck_assert_msg(!silence_has_console(without[i], "ttyS0", false), "%s", without[i]);
	ck_assert(silence_has_console("console=ttyAMA0", "ttyAMA0", true));
	/* A device tree names the port: Linux needs no word of it, unless it is sent elsewhere. */
	ck_assert(silence_has_console("quiet", "ttyAMA0", true));
	ck_assert(!silence_has_console("quiet console=tty0", "ttyAMA0", true));
}
END_TEST

/* Both go to one pipe, as to one terminal. */
START_TEST(the_log_ends_a_line_of_the_guests_first)
{
	int saved = dup(STDERR_FILENO);

	ck_assert_int_ge(dup2(STDOUT_FILENO, STDERR_FILENO), 0);
	start(SERIAL_STDIO);
	output("whole\nhalf");
	ck_assert(log_is_mid_line());
	log_warn("one");
	log_warn("two");
	ck_assert(!log_is_mid_line());
	output("more\n");
	log_say("three");
	output("x");
	log_say("four");
	dup2(saved, STDERR_FILENO);
	close(saved);
	reads(screen[0], "whole\nhalf\nferry: warn: one\nferry: warn: two\nmore\nferry: three\n"
			 "x\nferry: four\n");
}
END_TEST

START_TEST(a_log_of_its_own_has_nothing_to_end)
{
	hear();
	start(SERIAL_STDIO);
	output("half");
	log_warn("one");
	ck_assert_str_eq(heard(), "ferry: warn: one\n");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_guest_that_writes_nothing_is_told_of_once);
	tcase_add_test(tests, a_guest_that_writes_is_not);
	tcase_add_test(tests, a_run_may_end_before);
	tcase_add_test(tests, consoles_are_known_by_the_command_line);
	tcase_add_test(tests, the_log_ends_a_line_of_the_guests_first);
	tcase_add_test(tests, a_log_of_its_own_has_nothing_to_end);
}

int main(void)
{
	return run_suite("silence", add_tests);
}
