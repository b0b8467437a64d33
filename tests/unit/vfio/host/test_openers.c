/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who has a device node open, by a made-up /proc whose descriptors lead to this host's own nodes.
 */

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"
#include "vfio/host/openers.h"
#include "vmm/base/bits.h"

static void opens(unsigned int process, const char *node, const char *flags)
{
	char path[64], text[64];

	snprintf(path, sizeof(path), "proc/%u/fd", process);
	fake_tree_folder(path);
	snprintf(path, sizeof(path), "proc/%u/fd/5", process);
	fake_tree_link(path, node);
	snprintf(path, sizeof(path), "proc/%u/fdinfo", process);
	fake_tree_folder(path);
	snprintf(path, sizeof(path), "proc/%u/fdinfo/5", process);
	snprintf(text, sizeof(text), "pos:\t0\nflags:\t%s\n", flags);
	fake_tree_write(path, text);
	snprintf(path, sizeof(path), "proc/%u/comm", process);
	snprintf(text, sizeof(text), "process%u\n", process);
	fake_tree_write(path, text);
}

static void setup(void)
{
	fake_tree_create();
	fake_tree_folder("proc/self");
	opens(77, "/dev/null", "0100002");
	opens(78, "/dev/zero", "0100002");
	opens(79, "/tmp", "0100000");
}

START_TEST(a_node_is_known_by_its_number)
{
	struct vfio_node null, other;

	ck_assert(vfio_node_at("/dev/null", &null));
	ck_assert(!null.block && null.major == 1 && null.minor == 3 && null.last_minor == 3);
	fake_tree_link("by-name", "/dev/null");
	ck_assert(vfio_node_at(fake_tree_path("by-name"), &other));
	ck_assert_uint_eq(other.minor, 3);
	ck_assert(!vfio_node_at("/tmp", &other));
	ck_assert(!vfio_node_at("/nonexistent", &other));
}
END_TEST

START_TEST(who_has_it_open_is_found)
{
	struct vfio_node nodes[] = {{.major = 1, .minor = 8, .last_minor = 8},
				    {.major = 1, .minor = 3, .last_minor = 3}};
	struct vfio_opener opener;

	ck_assert_uint_eq(vfio_openers(fake_tree_path("proc"), nodes, 2, &opener, 1), 1);
	ck_assert_uint_eq(opener.process, 77);
	ck_assert_uint_eq(opener.node, 1);
	ck_assert_str_eq(opener.name, "process77");
	ck_assert_uint_eq(vfio_openers(fake_tree_path("proc"), nodes, 1, &opener, 1), 0);
	ck_assert_uint_eq(vfio_openers(fake_tree_path("proc"), nodes, 0, &opener, 1), 0);
	ck_assert_uint_eq(vfio_openers(fake_tree_path("nowhere"), nodes, 2, &opener, 1), 0);
	/* A disk of the same number is another. */
	nodes[1].block = true;
	ck_assert_uint_eq(vfio_openers(fake_tree_path("proc"), nodes, 2, &opener, 1), 0);
}
END_TEST

START_TEST(more_are_counted_than_there_is_room_for)
{
	const struct vfio_node range = {.major = 1, .minor = 3, .last_minor = 8};
	struct vfio_opener openers[1] = {{0}};

	ck_assert_uint_eq(vfio_openers(fake_tree_path("proc"), &range, 1, openers, 1), 2);
	ck_assert(openers[0].process == 77 || openers[0].process == 78);
}
END_TEST

/* O_PATH, which takes no permission. */
START_TEST(a_descriptor_that_only_names_it_does_not_count)
{
	const struct vfio_node full = {.major = 1, .minor = 7, .last_minor = 7};
	struct vfio_opener opener;

	opens(80, "/dev/full", "012000000");
	ck_assert_uint_eq(vfio_openers(fake_tree_path("proc"), &full, 1, &opener, 1), 0);
	fake_tree_write("proc/80/fdinfo/5", "flags:\t02100002\n");
	ck_assert_uint_eq(vfio_openers(fake_tree_path("proc"), &full, 1, &opener, 1), 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, fake_tree_remove);
	tcase_add_test(tests, a_node_is_known_by_its_number);
	tcase_add_test(tests, who_has_it_open_is_found);
	tcase_add_test(tests, more_are_counted_than_there_is_room_for);
	tcase_add_test(tests, a_descriptor_that_only_names_it_does_not_count);
}

int main(void)
{
	return run_suite("vfio openers", add_tests);
}
