/* SPDX-License-Identifier: BSD-3-Clause */
/* What a host and its control groups can give to a guest, over made-up /proc and /sys. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"
#include "vmm/base/page.h"
#include "vmm/hostmem.h"

static struct hostmem host;
static struct err err;

static void setup(void)
{
	fake_tree_create();
	fake_tree_folder("proc/self");
}

static void read_host(void)
{
	char proc[PATH_MAX];

	snprintf(proc, sizeof(proc), "%s", fake_tree_path("proc"));
	hostmem_read(proc, fake_tree_path(""), &host);
}

/* The host with so many MiB in all and available. */
static void meminfo(unsigned int total, unsigned int available)
{
	char text[128];

	snprintf(text, sizeof(text), "MemTotal:  %u kB\nMemFree: 1 kB\nMemAvailable:   %u kB\n",
		 total * 1024, available * 1024);
	fake_tree_write("proc/meminfo", text);
}

static void most_is(uint64_t mib, const char *whose)
{
	read_host();
	ck_assert_msg(host.most == mib * MIB, "%llu MiB, by %s",
		      (unsigned long long)(host.most / MIB), host.whose);
	ck_assert_str_eq(host.whose, whose);
	ck_assert_uint_eq(host.available, host.most + host.kept);
	ck_assert_int_eq(hostmem_check(&host, mib * MIB, HOSTMEM_PINNED, &err), 0);
	ck_assert_int_eq(hostmem_check(&host, mib * MIB + 1, HOSTMEM_PINNED, &err), -ENOMEM);
}

START_TEST(a_small_host_keeps_256_mib)
{
	meminfo(2970, 2900);
	most_is(2644, "the host");
	ck_assert_int_eq(hostmem_check(&host, 16 * GIB, HOSTMEM_PINNED, &err), -ENOMEM);
	ck_assert_str_eq(err.text,
			 "guest memory: 16384 MiB are asked, and a passed-through device pins all: "
			 "the host has 2900 MiB available, and needs 256 of them itself: give "
			 "--memory 2644M or less, or free some");
	ck_assert_int_eq(hostmem_check(&host, 16 * GIB, HOSTMEM_POPULATED, &err), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(err.text, "16384 MiB are asked, and prealloc takes all: "));
	meminfo(2970, 200);
	most_is(0, "the host");
	ck_assert_ptr_nonnull(strstr(err.text, "of them itself: free some first"));
}
END_TEST

/* What is in use already need not be found. */
START_TEST(a_guest_that_runs_needs_the_rest)
{
	meminfo(2970, 2900);
	read_host();
	ck_assert_int_eq(hostmem_check_rest(&host, 4096 * MIB, (4096 - 2644) * MIB, &err), 0);
	ck_assert_int_eq(hostmem_check_rest(&host, 4096 * MIB, 8192 * MIB, &err), 0);
	ck_assert_int_eq(hostmem_check_rest(&host, 4096 * MIB, 1024 * MIB, &err), -ENOMEM);
	ck_assert_str_eq(
		err.text,
		"guest memory: a passed-through device pins all 4096 MiB, of which 1024 are "
		"in use: the host has 2900 MiB available, and needs 256 of them itself: free "
		"some first");
	fake_tree_write("proc/self/statm", "9000 77 17 1 0 2 0\n");
	ck_assert_uint_eq(hostmem_resident(fake_tree_path("proc")), 77 * host_page_size());
	fake_tree_write("proc/self/statm", "nonsense");
	ck_assert_uint_eq(hostmem_resident(fake_tree_path("proc")), 0);
	ck_assert_uint_eq(hostmem_resident(fake_tree_path("none")), 0);
}
END_TEST

START_TEST(a_large_host_keeps_a_fiftieth)
{
	meminfo(500 * 1024, 400 * 1024);
	most_is(390 * 1024, "the host");
}
END_TEST

START_TEST(a_host_that_does_not_say_limits_nothing)
{
	read_host();
	ck_assert_uint_eq(host.available, UINT64_MAX);
	ck_assert_int_eq(hostmem_check(&host, UINT64_MAX, HOSTMEM_PINNED, &err), 0);
	fake_tree_write("proc/meminfo", "MemAvailable: much\n");
	fake_tree_write("proc/self/cgroup", "rubbish\n1:memory\n\n0::");
	read_host();
	ck_assert_int_eq(hostmem_check(&host, UINT64_MAX, HOSTMEM_PINNED, &err), 0);
}
END_TEST

/* What cannot be reclaimed is what counts; the least of all limits above decides. */
START_TEST(control_groups_of_version_2)
{
	meminfo(64 * 1024, 60 * 1024);
	fake_tree_write("proc/self/cgroup", "0::/user.slice/run.scope\n");
	fake_tree_folder("fs/cgroup/user.slice/run.scope");
	fake_tree_write("fs/cgroup/user.slice/run.scope/memory.max", "max\n");
	fake_tree_write("fs/cgroup/user.slice/run.scope/memory.high", "max\n");
	fake_tree_write("fs/cgroup/user.slice/run.scope/memory.current", "1048576\n");
	fake_tree_write("fs/cgroup/user.slice/memory.max", "1207959552\n"); /* 1152 MiB */
	fake_tree_write("fs/cgroup/user.slice/memory.current", "201326592\n");
	fake_tree_write("fs/cgroup/user.slice/memory.stat",
			"anon 1\ninactive_file 33554432\nactive_file 33554432\nfile 999999999\n");
	/* 1152 - (192 - 64) = 1024, less 16, of which a 257th is for tables. */
	most_is(1004, "control group /user.slice (its memory.max)");
	fake_tree_write("fs/cgroup/user.slice/run.scope/memory.high", "536870912\n");
	most_is(493, "control group /user.slice/run.scope (its memory.high)");
	fake_tree_write("fs/cgroup/user.slice/memory.max", "1048576\n");
	most_is(0, "control group /user.slice (its memory.max)");
}
END_TEST

/*
 * In a container the group's own name is not below what is mounted there; its limit is at the top.
 */
START_TEST(control_groups_of_a_container)
{
	meminfo(64 * 1024, 60 * 1024);
	fake_tree_write("proc/self/cgroup", "0::/\n");
	fake_tree_folder("fs/cgroup");
	fake_tree_write("fs/cgroup/memory.max", "1073741824\n");
	fake_tree_write("fs/cgroup/memory.current", "0\n");
	most_is(1004, "control group / (its memory.max)");
	fake_tree_write("proc/self/cgroup", "0::/../../elsewhere\n");
	read_host();
	ck_assert_uint_eq(host.most, 1004 * MIB);
	fake_tree_unlink("fs/cgroup/memory.max");
	fake_tree_folder("fs/cgroup/memory");
	fake_tree_write("proc/self/cgroup",
			"3:cpu,memoryless:/x\n4:cpu,memory:/docker/0123\n0::/\n");
	fake_tree_write("fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n");
	fake_tree_write("fs/cgroup/memory/memory.usage_in_bytes", "67108864\n");
	fake_tree_write("fs/cgroup/memory/memory.stat",
			"inactive_file 1\ntotal_inactive_file 67108864\n");
	most_is(1004, "control group / (its memory.limit_in_bytes)");
	fake_tree_write("fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	most_is(60 * 1024 - 1310 - 1, "the host");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, fake_tree_remove);
	tcase_add_test(tests, a_small_host_keeps_256_mib);
	tcase_add_test(tests, a_guest_that_runs_needs_the_rest);
	tcase_add_test(tests, a_large_host_keeps_a_fiftieth);
	tcase_add_test(tests, a_host_that_does_not_say_limits_nothing);
	tcase_add_test(tests, control_groups_of_version_2);
	tcase_add_test(tests, control_groups_of_a_container);
}

int main(void)
{
	return run_suite("host memory", add_tests);
}
