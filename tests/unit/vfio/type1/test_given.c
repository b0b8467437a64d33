/* SPDX-License-Identifier: BSD-3-Clause */
/* A group and a container that somebody else has opened: taken, checked, closed. */

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_layer.h"

static void setup_given(void)
{
	setup();
	kernel.group_flags = VFIO_GROUP_FLAGS_VIABLE;
	/* This user may open neither. */
	fake_tree_unlink("dev/vfio/vfio");
	fake_tree_unlink("dev/vfio/7");
}

static int add_given(int group, int container)
{
	const struct vfio_device_config config = {
		.path = "01:00.0",
		.group_fd = group,
		.container_fd = container,
	};

	return vfio_add(bench.vfio, &config, &bench.err);
}

static void refused(int code, const char *sentence)
{
	ck_assert_int_eq(bench.err.code, code);
	said(sentence);
	said("0000:01:00.0");
	ck_assert_uint_eq(vfio_device_count(bench.vfio), 0);
	ck_assert_uint_eq(count_descriptors(), bench.descriptors);
}

START_TEST(both_are_taken)
{
	int group = open_group_as_other(7, "/dev/zero"), container = open_container_as_other();

	ck_assert_msg(add_given(group, container) == 0, "%s", bench.err.text);
	ck_assert_str_eq(kernel.events, "join set-iommu ");
	ck_assert_int_eq(prepare(), 0);
	ck_assert_int_eq(attach(), 0);
	/* Theirs, KVM's, the layer's, and eight of the device. */
	ck_assert_uint_eq(vfio_descriptors(bench.vfio, NULL, 0), 4 + 8);
	/* Another device of that group needs none. */
	ck_assert_int_eq(add("01:00.3"), 0);
	destroy();
	ck_assert_int_eq(fcntl(group, F_GETFD), -1);
	ck_assert_int_eq(fcntl(container, F_GETFD), -1);
}
END_TEST

/* Whoever hands them over cannot know what the guest has already. */
START_TEST(those_that_are_not_needed_are_closed)
{
	const struct vfio_device_config again = {
		.path = "01:00.3",
		.group_fd = open("/dev/null", O_RDWR | O_CLOEXEC),
		.container_fd = open("/dev/null", O_RDWR | O_CLOEXEC),
		.iommufd = open("/dev/null", O_RDWR | O_CLOEXEC),
	};

	ck_assert_int_eq(add_given(open_group_as_other(7, "/dev/zero"), open_container_as_other()),
			 0);
	ck_assert_int_eq(vfio_add(bench.vfio, &again, &bench.err), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_int_eq(attach(), 0);
	ck_assert_uint_eq(vfio_descriptors(bench.vfio, NULL, 0), 4 + 2 * 8);
	ck_assert_uint_eq(count_descriptors(), bench.descriptors + 4 + 2 * 8);
}
END_TEST

START_TEST(another_group_is_refused)
{
	ck_assert_int_lt(add_given(open_group_as_other(8, "/dev/zero"), open_container_as_other()),
			 0);
	refused(-EINVAL, "IOMMU group 7: what was handed over for it is not open on /dev/vfio/7");
	ck_assert_int_lt(add_given(open("/dev/full", O_RDWR | O_CLOEXEC), 0), 0);
	refused(-ENODEV, "is not open on /dev/vfio/7");
}
END_TEST

/* Whoever opened it has put it into a container already: it starts anew in the guest's. */
START_TEST(a_group_that_is_elsewhere_is_taken_over)
{
	kernel.group_flags |= VFIO_GROUP_FLAGS_CONTAINER_SET;
	kernel.joined = 1;
	ck_assert_int_eq(add_given(open_group_as_other(7, "/dev/zero"), open_container_as_other()),
			 0);
	ck_assert_str_eq(kernel.events, "leave join set-iommu ");
}
END_TEST

static struct vfio *create_lent(const int *groups, size_t count, int container, unsigned int slots)
{
	struct vfio_settings settings = {
		.sysfs = fake_tree_path(""),
		.dev = fake_tree_path("dev"),
		.container = container,
		.group_count = count,
		.slots = slots,
	};

	memcpy(settings.groups, groups, count * sizeof(groups[0]));
	vfio_destroy(bench.vfio);
	return vfio_create(&settings, &bench.err);
}

/* The one that launched the run has set up all of it. */
START_TEST(all_of_a_run_is_taken_over)
{
	const int groups[] = {open_group_as_other(8, "/dev/full"),
			      open_group_as_other(7, "/dev/zero")};

	kernel.group_flags |= VFIO_GROUP_FLAGS_CONTAINER_SET;
	kernel.joined = 2;
	bench.vfio = create_lent(groups, 2, open_container_as_other(), 0);
	ck_assert_msg(add("01:00.0") == 0, "%s", bench.err.text);
	ck_assert_msg(add("02:00.1") == 0, "%s", bench.err.text);
	ck_assert_int_eq(add("01:00.3"), 0);
	/* All leave before one joins, as the container would be in use else. */
	ck_assert_msg(strncmp(kernel.events, "leave leave ", 12) == 0, "%s", kernel.events);
	ck_assert_int_eq(vfio_check_lent(bench.vfio, &bench.err), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_int_eq(attach(), 0);
	destroy();
	ck_assert_int_eq(fcntl(groups[0], F_GETFD), -1);
	ck_assert_int_eq(fcntl(groups[1], F_GETFD), -1);
}
END_TEST

START_TEST(a_group_without_a_device_is_told_of)
{
	const int groups[] = {open_group_as_other(8, "/dev/full"),
			      open_group_as_other(7, "/dev/zero")};
	char text[64];

	bench.vfio = create_lent(groups, 2, open_container_as_other(), 0);
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(vfio_check_lent(bench.vfio, &bench.err), -EINVAL);
	snprintf(text, sizeof(text), "--vfio-group fd=%d: no device of --vfio is in IOMMU group 8",
		 groups[0]);
	said(text);
}
END_TEST

START_TEST(with_slots_it_may_come_later)
{
	const int groups[] = {open_group_as_other(8, "/dev/full")};

	bench.vfio = create_lent(groups, 1, open_container_as_other(), 1);
	ck_assert_int_eq(vfio_check_lent(bench.vfio, &bench.err), 0);
}
END_TEST

START_TEST(what_is_no_group_is_refused)
{
	const int groups[] = {open("/dev/null", O_RDWR | O_CLOEXEC)};

	bench.vfio = create_lent(groups, 1, 0, 1);
	ck_assert_int_eq(vfio_check_lent(bench.vfio, &bench.err), -ENODEV);
	said("it is not open on a group, as /dev/vfio/12 is");
}
END_TEST

START_TEST(a_group_half_of_which_is_bound_is_refused)
{
	kernel.group_flags = 0;
	fake_tree_add_device("0000:01:00.1", 7, "nvme");
	ck_assert_int_lt(add_given(open_group_as_other(7, "/dev/zero"), open_container_as_other()),
			 0);
	refused(-EPERM, "not viable: 0000:01:00.1 (driver nvme)");
}
END_TEST

START_TEST(a_container_must_be_fresh)
{
	kernel.joined = 1;
	ck_assert_int_lt(add_given(open_group_as_other(7, "/dev/zero"), open_container_as_other()),
			 0);
	refused(-EBUSY, "VFIO container: a group that was not handed over is in it");
	kernel.joined = 0;
	kernel.version = 7;
	ck_assert_int_lt(add_given(open_group_as_other(7, "/dev/zero"), open_container_as_other()),
			 0);
	refused(-EPROTO, "VFIO container: API version 7");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup_given, teardown);
	tcase_add_test(tests, both_are_taken);
	tcase_add_test(tests, those_that_are_not_needed_are_closed);
	tcase_add_test(tests, another_group_is_refused);
	tcase_add_test(tests, a_group_that_is_elsewhere_is_taken_over);
	tcase_add_test(tests, all_of_a_run_is_taken_over);
	tcase_add_test(tests, a_group_without_a_device_is_told_of);
	tcase_add_test(tests, with_slots_it_may_come_later);
	tcase_add_test(tests, what_is_no_group_is_refused);
	tcase_add_test(tests, a_group_half_of_which_is_bound_is_refused);
	tcase_add_test(tests, a_container_must_be_fresh);
}

int main(void)
{
	return run_suite("vfio given", add_tests);
}
