/* SPDX-License-Identifier: BSD-3-Clause */
/* How a character device is bound: one that somebody else has opened or bound, and with a token. */

#include <check.h>
#include <errno.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_layer.h"
#include "vmm/base/log.h"

static void with_iommufd(int fd)
{
	vfio_destroy(bench.vfio);
	bench.vfio = vfio_create(&(struct vfio_settings){.sysfs = fake_tree_path(""),
							 .dev = fake_tree_path("dev"),
							 .iommufd = fd},
				 &bench.err);
	ck_assert_ptr_nonnull(bench.vfio);
}

/* As somebody else opened them: 01:00.0 and 02:00.1. */
static int open_given(bool second)
{
	return second ? open_cdev_as_other("0000:02:00.1", 4, "/dev/zero")
		      : open_cdev_as_other("0000:01:00.0", 0, "/dev/null");
}

static int add_given(int fd)
{
	const struct vfio_device_config config = {
		.path = "fd=N",
		.fd = fd,
		.via = VFIO_VIA_IOMMUFD,
	};

	return vfio_add(bench.vfio, &config, &bench.err);
}

/* Neither node can be opened here. What was opened is closed at the end (teardown looks). */
START_TEST(nothing_is_opened_that_was_given)
{
	fake_tree_unlink("dev/iommu");
	fake_tree_unlink("dev/vfio/devices/vfio0");
	with_iommufd(open_iommufd_as_other("/dev/full"));
	ck_assert_int_eq(add_given(open_given(false)), 0);
	ck_assert_str_eq(bench.vfio->entries[0]->sysfs.address, "0000:01:00.0");
	ck_assert_int_eq(prepare(), 0);
	ck_assert_int_eq(attach(), 0);
	ck_assert_str_eq(kernel.events, "ioas kvm kvm-add bind attach ");
	destroy();
	ck_assert_str_eq(kernel.events, "ioas kvm kvm-add bind attach kvm-del detach destroy ");
}
END_TEST

START_TEST(a_given_device_without_an_iommufd)
{
	ck_assert_int_eq(add_given(open_given(false)), 0);
	ck_assert_int_eq(add_given(open_given(true)), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_str_eq(kernel.events, "ioas kvm kvm-add kvm-add bind attach bind attach ");
	destroy();
	ck_assert_ptr_null(strstr(kernel.events, "destroy"));
}
END_TEST

START_TEST(a_given_iommufd_for_a_device_by_name)
{
	fake_tree_unlink("dev/iommu");
	with_iommufd(open_iommufd_as_other("/dev/full"));
	bench.via = VFIO_VIA_IOMMUFD;
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_int_eq(add_given(open_given(true)), 0);
	ck_assert_int_eq(prepare(), 0);
}
END_TEST

START_TEST(something_else_was_given)
{
	int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);

	ck_assert_int_eq(add_given(fd), -ENODEV);
	said("passthrough device fd=N: it is no open character device of VFIO's");
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	fd = open_given(false);
	close(fd);
	ck_assert_int_eq(add_given(fd), -EBADF);
	said("passthrough device fd=N: which device it is cannot be found: Bad file");
}
END_TEST

START_TEST(something_else_was_given_for_an_iommufd)
{
	char sentence[64];
	int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);

	with_iommufd(fd);
	ck_assert_int_eq(add_given(open_given(false)), -ENODEV);
	snprintf(sentence, sizeof(sentence), "0000:01:00.0: iommufd fd=%d: it is no open", fd);
	said(sentence);
}
END_TEST

START_TEST(a_device_that_was_given_twice)
{
	ck_assert_int_eq(add_given(open_given(false)), 0);
	ck_assert_int_eq(add_given(open_given(false)), -EEXIST);
	said("0000:01:00.0: the guest has it already");
}
END_TEST

static int open_bound(bool foreign)
{
	return open_bound_as_other("0000:01:00.0", 0, "/dev/null", foreign);
}

/* To the iommufd that was given as well. What it was attached to for a try is destroyed. */
START_TEST(a_given_device_that_is_bound)
{
	with_iommufd(open_iommufd_as_other("/dev/full"));
	ck_assert_int_eq(add_given(open_bound(false)), 0);
	ck_assert_int_eq(add_given(open_given(true)), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_int_eq(attach(), 0);
	ck_assert_str_eq(kernel.events,
			 "ioas kvm kvm-add kvm-add attach ioas attach attach destroy "
			 "bind attach ");
	kernel.events[0] = '\0';
	destroy();
	ck_assert_str_eq(kernel.events, "kvm-del detach kvm-del detach destroy ");
	ck_assert_uint_eq(kernel.ioas, 0);
}
END_TEST

/* The second is not attached yet: it can join the first alone. */
START_TEST(bound_devices_of_one_group)
{
	kernel.is_one_group = true;
	with_iommufd(open_iommufd_as_other("/dev/full"));
	ck_assert_int_eq(add_given(open_bound(false)), 0);
	ck_assert_int_eq(add_given(open_bound_as_other("0000:02:00.1", 4, "/dev/zero", false)), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_uint_eq(kernel.nodes[0].attached, FAKE_IOAS);
	ck_assert_uint_eq(kernel.nodes[1].attached, FAKE_IOAS);
	ck_assert_uint_eq(kernel.ioas, 1);
}
END_TEST

/* By a function of it that is not handed over, say. */
START_TEST(a_bound_device_whose_group_is_elsewhere)
{
	kernel.is_one_group = true;
	with_iommufd(open_iommufd_as_other("/dev/full"));
	ck_assert_int_eq(add_given(open_bound(false)), 0);
	kernel.nodes[kernel.nodes_used++] = (struct fake_node){.fd = -1, .attached = 77};
	ck_assert_int_eq(prepare(), -EINVAL);
	said("or has another member of its group attached elsewhere");
}
END_TEST

static void foreign_is_refused(void)
{
	with_iommufd(open_iommufd_as_other("/dev/full"));
	ck_assert_int_eq(add_given(open_bound(true)), 0);
	ck_assert_int_eq(prepare(), -EINVAL);
	said("0000:01:00.0: who opened it has bound it to another iommufd than the one of");
	destroy();
	ck_assert_uint_eq(kernel.ioas, 0);
}

START_TEST(a_given_device_that_is_bound_elsewhere)
{
	foreign_is_refused();
}
END_TEST

/* There the guest would have another's memory. */
START_TEST(a_given_device_that_is_bound_elsewhere_by_the_same_numbers)
{
	kernel.has_same_numbers = true;
	foreign_is_refused();
	ck_assert_str_eq(kernel.events,
			 "ioas kvm kvm-add attach ioas attach destroy kvm-del detach destroy ");
}
END_TEST

START_TEST(a_given_device_that_is_bound_to_what_was_not_given)
{
	ck_assert_int_eq(add_given(open_bound(false)), 0);
	ck_assert_int_eq(prepare(), -EINVAL);
	said("0000:01:00.0: who opened it has bound it to an iommufd: hand over that one too");
	destroy();
	ck_assert_ptr_null(strstr(kernel.events, "detach")); /* it is still in the opener's use */
}
END_TEST

START_TEST(a_given_device_that_is_not_taken)
{
	fail_ioctl(IOMMUFD_DEVICE_BIND, -EINVAL);
	ck_assert_int_eq(add_given(open_given(false)), 0);
	ck_assert_int_eq(prepare(), -EINVAL);
	said("0000:01:00.0: iommufd does not take it: Invalid argument");
}
END_TEST

#define TOKEN "6ba7b810-9DAD-11d1-80b4-00c04fd430c8"

static int add_with_token(const char *token)
{
	const struct vfio_device_config config = {
		.path = "01:00.0",
		.via = bench.via,
		.vf_token = token,
	};

	return vfio_add(bench.vfio, &config, &bench.err);
}

START_TEST(a_token_is_shown)
{
	static const uint8_t bytes[] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
					0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

	kernel.knows_tokens = true;
	ck_assert_int_eq(add_with_token(TOKEN), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_str_eq(way(), "iommufd");
	ck_assert_mem_eq(kernel.token, bytes, sizeof(bytes));
}
END_TEST

START_TEST(a_kernel_that_knows_tokens_by_groups_alone)
{
	log_set_level(LOG_INFO);
	hear();
	ck_assert_int_eq(add_with_token(TOKEN), 0);
	ck_assert_int_eq(prepare(), 0);
	ck_assert_ptr_nonnull(strstr(heard(), "0000:01:00.0: vf-token=" TOKEN ": by iommufd "
					      "none is taken"));
	ck_assert_str_eq(way(), "IOMMU groups");
	ck_assert_int_eq(attach(), 0);
	ck_assert_str_eq(kernel.devices[0].name, "0000:01:00.0 vf_token=" TOKEN);
}
END_TEST

START_TEST(a_kernel_that_knows_no_token)
{
	bench.via = VFIO_VIA_IOMMUFD;
	ck_assert_int_eq(add_with_token(TOKEN), 0);
	ck_assert_int_eq(prepare(), -EOPNOTSUPP);
	said("0000:01:00.0: vf-token=" TOKEN ": by iommufd none is taken, by the device or by "
	     "a host's kernel before Linux 6.17: take the device by its group: via=group");
}
END_TEST

START_TEST(a_token_that_is_not_taken)
{
	kernel.knows_tokens = true;
	kernel.token_answer = -EACCES;
	ck_assert_int_eq(add_with_token(NULL), 0);
	ck_assert_int_eq(prepare(), -EACCES);
	said("0000:01:00.0: it wants a VF token");
	with_iommufd(0);
	ck_assert_int_eq(add_with_token(TOKEN), 0);
	ck_assert_int_eq(prepare(), -EACCES);
	said("vf-token=" TOKEN ": another one was set");
	with_iommufd(0);
	kernel.token_answer = -EINVAL;
	ck_assert_int_eq(add_with_token(TOKEN), 0);
	ck_assert_int_eq(prepare(), -EINVAL);
	said("vf-token=" TOKEN ": it takes none");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup_cdevs, teardown);
	tcase_add_test(tests, nothing_is_opened_that_was_given);
	tcase_add_test(tests, a_given_device_without_an_iommufd);
	tcase_add_test(tests, a_given_iommufd_for_a_device_by_name);
	tcase_add_test(tests, something_else_was_given);
	tcase_add_test(tests, something_else_was_given_for_an_iommufd);
	tcase_add_test(tests, a_device_that_was_given_twice);
	tcase_add_test(tests, a_given_device_that_is_bound);
	tcase_add_test(tests, bound_devices_of_one_group);
	tcase_add_test(tests, a_bound_device_whose_group_is_elsewhere);
	tcase_add_test(tests, a_given_device_that_is_bound_elsewhere);
	tcase_add_test(tests, a_given_device_that_is_bound_elsewhere_by_the_same_numbers);
	tcase_add_test(tests, a_given_device_that_is_bound_to_what_was_not_given);
	tcase_add_test(tests, a_given_device_that_is_not_taken);
	tcase_add_test(tests, a_token_is_shown);
	tcase_add_test(tests, a_kernel_that_knows_tokens_by_groups_alone);
	tcase_add_test(tests, a_kernel_that_knows_no_token);
	tcase_add_test(tests, a_token_that_is_not_taken);
}

int main(void)
{
	return run_suite("vfio bind", add_tests);
}
