/* SPDX-License-Identifier: BSD-3-Clause */
/* Images: what is taken, what is refused and why, who may have one at the same time. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devices/virtio/image.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

static char path[] = "/tmp/ferry-image-XXXXXX";
static int file;
static struct err err;
static unsigned int descriptors;

static void set_up(void)
{
	err = (struct err){0};
	strcpy(path + strlen(path) - 6, "XXXXXX");
	file = mkstemp(path);
	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(ftruncate(file, 65536), 0);
	descriptors = count_descriptors();
}

static void tear_down(void)
{
	ck_assert_uint_eq(count_descriptors(), descriptors);
	close(file);
	unlink(path);
}

static int open_image(struct image *image, const struct image_config *more)
{
	struct image_config config = *more;

	config.path = path;
	err = (struct err){0};
	return image_open(image, &config, &err);
}

static const struct image_config writes, reads = {.readonly = true};

static void refused(const struct image_config *config, int rc, const char *part)
{
	struct image image;

	ck_assert_int_eq(open_image(&image, config), rc);
	ck_assert_msg(strstr(err.text, part), "%s", err.text);
	ck_assert_msg(strstr(err.text, path), "%s", err.text);
	ck_assert_msg(!strchr(err.text, '\n'), "more than a line: %s", err.text);
}

/* The image's own from then on, whatever comes of it. */
static int give(struct image *image, const struct image_config *more, int flags)
{
	struct image_config config = *more;

	config.fd = open(path, flags | O_CLOEXEC);
	ck_assert_int_gt(config.fd, 0);
	return open_image(image, &config);
}

START_TEST(one_that_is_open_already)
{
	const struct image_config direct = {.direct = true};
	struct image image, other;

	ck_assert_msg(give(&image, &writes, O_RDWR) == 0, "%s", err.text);
	ck_assert_uint_eq(image.size, 65536);
	ck_assert_int_eq(give(&other, &writes, O_RDWR), -EBUSY);
	ck_assert_int_eq(give(&other, &reads, O_RDONLY), -EBUSY);
	image_close(&image);
	ck_assert_int_eq(give(&image, &reads, O_RDONLY), 0);
	ck_assert_int_eq(open_image(&other, &reads), 0);
	image_close(&image);
	image_close(&other);
	if (give(&image, &direct, O_RDWR)) {
		ck_assert_msg(strstr(err.text, "opening it anew for ,direct: "), "%s", err.text);
	} else {
		ck_assert_int_eq(fcntl(image.direct_fd, F_GETFL) & O_DIRECT, O_DIRECT);
		image_close(&image);
	}
}
END_TEST

static int give_fd(struct image *image, int fd, bool readonly)
{
	const struct image_config config = {.path = path, .fd = fd, .readonly = readonly};

	ck_assert_int_gt(fd, 0);
	err = (struct err){0};
	return image_open(image, &config, &err);
}

/* Two monitors that one shell has started, or two numbers of one open file: who has it is one. */
START_TEST(what_is_open_once_is_one_disk)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct image first, second;

	hear();
	ck_assert_int_eq(give_fd(&first, dup(fd), false), 0);
	ck_assert_int_eq(give_fd(&second, dup(fd), false), -EBUSY);
	ck_assert_ptr_nonnull(strstr(err.text, "another monitor has it"));
	ck_assert_int_eq(give_fd(&second, dup(fd), true), -EBUSY);
	image_close(&first);
	ck_assert_int_eq(give_fd(&first, dup(fd), true), 0);
	ck_assert_int_eq(give_fd(&second, dup(fd), true), 0);
	image_close(&second);
	/* Its end has not taken the other's lock away. */
	ck_assert_int_eq(give_fd(&second, dup(fd), false), -EBUSY);
	image_close(&first);
	ck_assert_int_eq(give_fd(&second, fd, false), 0);
	image_close(&second);
	ck_assert_str_eq(heard(), "");
}
END_TEST

/* It is locked against those that open the file, and no longer than it is open. */
START_TEST(one_that_cannot_be_opened_anew_is_warned_of)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct rlimit limit, before;
	struct image image;

	hear();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = (rlim_t)fd + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(give_fd(&image, fd, false), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_msg(strstr(heard(), "it cannot be opened anew to be locked: Too many open files: "
				      "see to it that no other monitor has been given the same"),
		      "%s", heard());
	refused(&writes, -EBUSY, "another monitor has it");
	image_close(&image);
	ck_assert_int_eq(open_image(&image, &writes), 0);
	image_close(&image);
}
END_TEST

static const int wrong_flags[] = {O_APPEND, O_NONBLOCK};

START_TEST(one_that_is_open_in_another_way)
{
	struct image image;

	ck_assert_int_eq(give(&image, &writes, O_RDWR | wrong_flags[_i]), -EINVAL);
	ck_assert_msg(strstr(err.text, "it is open with O_APPEND, O_DIRECT or O_NONBLOCK"), "%s",
		      err.text);
}
END_TEST

START_TEST(its_size_is_whole_blocks)
{
	const struct image_config large = {.block_size = 4096};
	struct image image;

	ck_assert_int_eq(ftruncate(file, 65536 + 4095), 0);
	ck_assert_int_eq(open_image(&image, &writes), 0);
	ck_assert_uint_eq(image.size, 65536 + 7 * 512);
	ck_assert_uint_eq(image.block_size, 512);
	image_close(&image);
	ck_assert_int_eq(open_image(&image, &large), 0);
	ck_assert_uint_eq(image.size, 65536);
	image_close(&image);
	ck_assert_int_eq(ftruncate(file, 4095), 0);
	refused(&large, -EINVAL, "4095 bytes, not one block of 4096");
	ck_assert_int_eq(ftruncate(file, 0), 0);
	refused(&writes, -EINVAL, "0 bytes");
}
END_TEST

/* Two monitors, of which each has an open file of its own. */
START_TEST(who_writes_has_it_alone)
{
	struct image first, second;

	ck_assert_int_eq(open_image(&first, &writes), 0);
	refused(&writes, -EBUSY, "another monitor has it");
	refused(&reads, -EBUSY, "writes to it");
	image_close(&first);
	ck_assert_int_eq(open_image(&first, &reads), 0);
	ck_assert_int_eq(open_image(&second, &reads), 0);
	refused(&writes, -EBUSY, "readonly");
	image_close(&second);
	image_close(&first);
	ck_assert_int_eq(open_image(&first, &writes), 0);
	image_close(&first);
}
END_TEST

static void lock_byte(off_t byte)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	ck_assert_int_eq(fcntl(file, F_OFD_SETLK, &lock), 0);
}

/* As QEMU has it: byte 100 + n is "does", 200 + n "keeps others from"; 1 writes, 3 resizes. */
START_TEST(qemus_locks_are_heeded)
{
	struct image image;

	lock_byte(100);
	ck_assert_int_eq(open_image(&image, &writes), 0);
	image_close(&image);
	lock_byte(201);
	refused(&writes, -EBUSY, "another monitor");
	ck_assert_int_eq(open_image(&image, &reads), 0);
	image_close(&image);
	lock_byte(103);
	refused(&reads, -EBUSY, "another monitor");
}
END_TEST

static bool is_locked(off_t byte)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	ck_assert_int_eq(fcntl(file, F_OFD_GETLK, &lock), 0);
	return lock.l_type != F_UNLCK;
}

START_TEST(qemu_heeds_ours)
{
	struct image image;

	ck_assert_int_eq(open_image(&image, &writes), 0);
	ck_assert(is_locked(100) && is_locked(101) && is_locked(201) && is_locked(203));
	ck_assert(!is_locked(200) && !is_locked(103));
	image_close(&image);
	ck_assert_int_eq(open_image(&image, &reads), 0);
	ck_assert(is_locked(100) && !is_locked(101) && is_locked(201));
	image_close(&image);
	ck_assert(!is_locked(100) && !is_locked(201));
}
END_TEST

static const struct format {
	off_t offset;
	const char *bytes;
	size_t size;
	const char *name;
} formats[] = {
	{0, "QFI\xfb", 4, "qcow2"},
	{0, "QFI\xfb\0\0\0\3", 8, "qcow2"},
	{0, "QFI\xfb\0\0\0\1", 8, "qcow"},
	{0, "QED", 4, "qed"},
	{0, "WithoutFreeSpace\2", 17, "parallels"},
	{0, "WithouFreSpacExt\2", 17, "parallels"},
	{0, "KDMV", 4, "vmdk"},
	{0, "# Disk DescriptorFile\n", 22, "vmdk"},
	{64, "\x7f\x10\xda\xbe", 4, "vdi"},
	{0, "vhdxfile", 8, "vhdx"},
	{0, "conectix", 8, "vpc"},
};

START_TEST(another_format_is_refused_with_advice)
{
	const struct format *format = &formats[_i];
	const struct image_config raw = {.raw = true};
	struct image image;
	char want[64];

	ck_assert_int_eq(pwrite(file, format->bytes, format->size, format->offset),
			 (ssize_t)format->size);
	snprintf(want, sizeof(want), "it is a %s image: add ,format=%s,", format->name,
		 format->name);
	refused(&writes, -EINVAL, want);
	refused(&reads, -EINVAL, want);
	ck_assert_int_eq(open_image(&image, &raw), 0);
	image_close(&image);
}
END_TEST

/* A format's bytes elsewhere, or not all of them, are none. */
START_TEST(raw_bytes_are_none)
{
	static const uint8_t bytes[] = "xQFI\xfb";

	ck_assert_ptr_null(image_find_format(bytes, sizeof(bytes)));
	ck_assert_ptr_null(image_find_format(bytes + 1, 3));
	ck_assert_str_eq(image_find_format(bytes + 1, 4), "qcow2");
	ck_assert_ptr_null(image_find_format(bytes, 0));
}
END_TEST

START_TEST(what_is_no_image_is_refused)
{
	char own[] = "/tmp/ferry-image-XXXXXX", none[64];
	struct image image;
	const struct image_config folder = {.path = own, .readonly = true};
	const struct image_config device = {.path = "/dev/null"};
	const struct image_config nothing = {.path = none};

	ck_assert_ptr_nonnull(mkdtemp(own));
	snprintf(none, sizeof(none), "%s/none", own);
	ck_assert_int_eq(image_open(&image, &folder, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "neither a file nor a block device"));
	ck_assert_int_eq(image_open(&image, &device, &err), -EINVAL);
	ck_assert_int_eq(image_open(&image, &nothing, &err), -ENOENT);
	rmdir(own);
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	refused(&reads, -EINVAL, "neither");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, one_that_is_open_already);
	tcase_add_test(tests, what_is_open_once_is_one_disk);
	tcase_add_test(tests, one_that_cannot_be_opened_anew_is_warned_of);
	tcase_add_loop_test(tests, one_that_is_open_in_another_way, 0, 2);
	tcase_add_test(tests, its_size_is_whole_blocks);
	tcase_add_test(tests, who_writes_has_it_alone);
	tcase_add_test(tests, qemus_locks_are_heeded);
	tcase_add_test(tests, qemu_heeds_ours);
	tcase_add_loop_test(tests, another_format_is_refused_with_advice, 0, ARRAY_SIZE(formats));
	tcase_add_test(tests, raw_bytes_are_none);
	tcase_add_test(tests, what_is_no_image_is_refused);
}

int main(void)
{
	return run_suite("image", add_tests);
}
