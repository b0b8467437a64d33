/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel under a test really does; an emulator of user mode claims some of it only. */

#include "tests/unit/support/host.h"

#include <check.h>
#include <errno.h>
#include <liburing.h>
#include <linux/capability.h>
#include <linux/mman.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/err.h"
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

bool rings_are_had(const char *test)
{
	struct io_uring_params params = {.flags = IORING_SETUP_R_DISABLED};
	struct io_uring ring;
	int rc = io_uring_queue_init_params(1, &ring, &params);

	if (rc == 0)
		io_uring_queue_exit(&ring);
	else
		printf("skip: %s: no io_uring here: %s\n", test, err_text(rc));
	return rc == 0;
}

bool filters_are_had(const char *test)
{
	uint32_t action = SECCOMP_RET_TRAP;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		return true;
	printf("skip: %s: no filters of system calls here: %s\n", test, err_text(errno));
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

/* One of the two that come has room. */
static bool is_told_of_the_second(int to, int from)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} ancillary = {.header = {.cmsg_len = CMSG_LEN(2 * sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS}};
	const int two[] = {to, from};
	char byte = 'x';
	struct iovec bytes = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &bytes,
				 .msg_iovlen = 1,
				 .msg_control = &ancillary,
				 .msg_controllen = CMSG_SPACE(2 * sizeof(int))};
	int one;

	memcpy(CMSG_DATA(&ancillary.header), two, sizeof(two));
	if (sendmsg(to, &message, MSG_NOSIGNAL) != 1)
		return true;
	message.msg_controllen = CMSG_LEN(sizeof(int));
	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) != 1)
		return true;
	memcpy(&one, CMSG_DATA(&ancillary.header), sizeof(one));
	close(one);
	return message.msg_flags & MSG_CTRUNC;
}

bool cut_descriptors_are_told(const char *test)
{
	int ends[2];
	bool told;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return true;
	told = is_told_of_the_second(ends[0], ends[1]);
	close(ends[0]);
	close(ends[1]);
	if (!told)
		printf("skip: %s: descriptors without room are not told of here\n", test);
	return told;
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
