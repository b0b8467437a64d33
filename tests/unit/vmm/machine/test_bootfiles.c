/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel and initrd files: opened once, and measured anew before each boot. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"
#include "vmm/machine/bootfiles.h"

enum { PIPE_SIZE = 64 * 1024 };

static char folder[32], kernel[64], initrd[64];
static struct config config;
static struct boot_source boot;
static struct err err;

static void store(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void set_up(void)
{
	snprintf(folder, sizeof(folder), "/tmp/ferry-boot-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(kernel, sizeof(kernel), "%s/kernel", folder);
	snprintf(initrd, sizeof(initrd), "%s/initrd", folder);
	store(kernel, "kernel");
	store(initrd, "one");
	config.kernel = kernel;
	config.initrds[0] = initrd;
	config.initrd_count = 1;
	err = (struct err){0};
	ck_assert_msg(bootfiles_open(&boot, &config, &err) == 0, "%s", err.text);
}

static void tear_down(void)
{
	bootfiles_close(&boot);
	scratch_remove(folder);
}

START_TEST(a_file_written_anew_is_taken_whole)
{
	ck_assert_uint_eq(boot.initrds[0].size, 3);
	store(initrd, "one and more");
	store(kernel, "k");
	ck_assert_int_eq(bootfiles_measure(&boot, &err), 0);
	ck_assert_uint_eq(boot.initrds[0].size, 12);
	ck_assert_uint_eq(boot.kernel.size, 1);
}
END_TEST

/* The descriptor is the old file's; a reset needs no path. */
START_TEST(a_file_replaced_is_the_old_one)
{
	char other[64];

	snprintf(other, sizeof(other), "%s/other", folder);
	store(other, "another initrd");
	ck_assert_int_eq(rename(other, initrd), 0);
	ck_assert_int_eq(unlink(kernel), 0);
	ck_assert_int_eq(bootfiles_measure(&boot, &err), 0);
	ck_assert_uint_eq(boot.initrds[0].size, 3);
	ck_assert_uint_eq(boot.kernel.size, 6);
}
END_TEST

START_TEST(a_file_that_is_empty_by_then)
{
	store(initrd, "");
	ck_assert_int_eq(bootfiles_measure(&boot, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "initrd: the file is empty"));
	store(kernel, "");
	ck_assert_int_eq(bootfiles_measure(&boot, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "kernel: the file is empty"));
}
END_TEST

START_TEST(what_cannot_be_opened)
{
	bootfiles_close(&boot);
	config.initrds[0] = folder;
	ck_assert_int_eq(bootfiles_open(&boot, &config, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "not a regular file"));
	config.initrds[0] = "/nowhere";
	ck_assert_int_eq(bootfiles_open(&boot, &config, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "initrd: /nowhere: cannot be read"));
	store(kernel, "");
	ck_assert_int_eq(bootfiles_open(&boot, &config, &err), -EINVAL);
	ck_assert_int_eq(boot.kernel.fd, -1);
}
END_TEST

/* The same descriptors again, after a file's path has gone. */
static int open_given(int kernel_fd, int initrd_fd)
{
	const struct config given = {
		.kernel = "fd=7",
		.kernel_fd = kernel_fd,
		.initrds = {"/dev/fd/8"},
		.initrd_fds = {initrd_fd},
		.initrd_count = 1,
		.memory = 8 * PIPE_SIZE,
	};

	bootfiles_close(&boot);
	return bootfiles_open(&boot, &given, &err);
}

static void fill(int fd, size_t size)
{
	for (size_t i = 0; i < size; i++)
		ck_assert_int_eq(write(fd, "i", 1), 1);
	close(fd);
}

START_TEST(what_somebody_else_has_opened)
{
	int opened = open(kernel, O_RDONLY), ends[2];
	char byte;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	fill(ends[1], 1000);
	ck_assert_int_eq(unlink(kernel), 0);
	ck_assert_msg(open_given(opened, ends[0]) == 0, "%s", err.text);
	ck_assert_int_eq(boot.kernel.fd, opened);
	ck_assert_str_eq(boot.kernel.path, "fd=7");
	ck_assert_uint_eq(boot.kernel.size, 6);
	/* A pipe's bytes are kept for the next boot, and are a file's. */
	ck_assert_int_eq(fcntl(ends[0], F_GETFD), -1);
	ck_assert_int_eq(bootfiles_measure(&boot, &err), 0);
	ck_assert_uint_eq(boot.initrds[0].size, 1000);
	ck_assert_int_eq(pread(boot.initrds[0].fd, &byte, 1, 999), 1);
	ck_assert_int_eq(byte, 'i');
}
END_TEST

/* What it takes in is bounded, whoever writes without end. */
START_TEST(a_pipe_without_an_end)
{
	int ends[2];
	pid_t child;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	child = fork();
	if (child == 0) {
		fcntl(ends[1], F_SETFL, 0);
		for (;;)
			if (write(ends[1], folder, sizeof(folder)) < 0)
				_exit(0);
	}
	close(ends[1]);
	ck_assert_int_eq(open_given(ends[0], 0), -EFBIG);
	ck_assert_msg(strstr(err.text, "kernel: fd=7: more came of the pipe than guest memory"),
		      "%s", err.text);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}
END_TEST

START_TEST(what_is_no_file)
{
	int ends[2];

	ck_assert_int_eq(open_given(open("/dev/null", O_RDWR | O_CLOEXEC), 0), -EINVAL);
	ck_assert_msg(strstr(err.text, "kernel: fd=7: not a regular file"), "%s", err.text);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	close(ends[1]);
	ck_assert_int_eq(open_given(ends[0], 0), -EINVAL);
	ck_assert_msg(strstr(err.text, "kernel: fd=7: the file is empty"), "%s", err.text);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(open_given(ends[1], 0), -EBADF);
	ck_assert_msg(strstr(err.text, "kernel: fd=7: its pipe cannot be read"), "%s", err.text);
	close(ends[0]);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_file_written_anew_is_taken_whole);
	tcase_add_test(tests, a_file_replaced_is_the_old_one);
	tcase_add_test(tests, a_file_that_is_empty_by_then);
	tcase_add_test(tests, what_cannot_be_opened);
	tcase_add_test(tests, what_somebody_else_has_opened);
	tcase_add_test(tests, a_pipe_without_an_end);
	tcase_add_test(tests, what_is_no_file);
}

int main(void)
{
	return run_suite("boot files", add_tests);
}
