/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel under a test really does; an emulator of user mode claims some of it only. */

#include "tests/unit/support/host.h"

#include <check.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/mman.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/page.h"

bool advice_is_heeded(int advice, const char *test)
{
	size_t size = host_page_size();
	void *gone = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (gone == MAP_FAILED)
		return true;
	munmap(gone, size);
	/* Whoever agrees to do it where no memory is does nothing anywhere. */
	if (madvise(gone, size, advice) != 0)
		return true;
	printf("skip: %s: madvise does nothing here\n", test);
	return false;
}

bool huge_pages_are_told_of(const char *test)
{
	void *page = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB, -1, 0);

	if (page != MAP_FAILED) {
		munmap(page, 2 * MIB);
		return true;
	}
	if (errno == ENOMEM)
		return true;
	printf("skip: %s: mmap knows no huge pages here\n", test);
	return false;
}

void send_memory_failure(int code, uintptr_t address)
{
	siginfo_t info = {.si_signo = SIGBUS, .si_code = code};

	info.si_addr = (void *)address;
	if (syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGBUS, &info))
		perror("rt_tgsigqueueinfo");
}

static void end_well(int number)
{
	(void)number;
	_exit(0);
}

bool memory_failures_are_told(const char *test)
{
	const struct rlimit no_core = {0, 0};
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGBUS, end_well);
		send_memory_failure(BUS_MCEERR_AR, 0x1000);
		_exit(1);
	}
	if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
		return true;
	printf("skip: %s: memory that fails is not told of here\n", test);
	return false;
}

bool limit_reaches(uint64_t bytes, const char *test)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_max >= bytes)
		return true;
	limit.rlim_max = bytes;
	if (setrlimit(RLIMIT_MEMLOCK, &limit) == 0)
		return true;
	printf("skip: %s: the limit on locked memory is below %llu KiB\n", test,
	       (unsigned long long)(bytes / KIB));
	return false;
}

void drop_root(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

void drop_root_and_limit(uint64_t soft, uint64_t hard)
{
	const struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};

	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	drop_root();
}
