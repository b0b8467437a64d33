/* SPDX-License-Identifier: BSD-3-Clause */
/* The filters of a build that is for use, asked about calls by number and argument, on each
 * architecture: what is let, to whom, and that nothing of another ABI is. */

#include <asm/termbits.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <linux/vhost.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>

#include "tests/unit/support/bpf.h"
#include "tests/unit/support/suite.h"
#include "vfio/iommufd/abi.h"
#include "vmm/base/bits.h"
#include "vmm/sandbox/filter.h"
#include "vmm/sandbox/table/row.h"

/* This build's own may let what sanitizers need; these are what a plain build has. */
extern const struct sandbox_filter sandbox_filters_plain[THREAD_KINDS];

static const struct sandbox_filter *const filters = sandbox_filters_plain;

static const struct {
	const char *machine;
	uint32_t token;
} architectures[] = {
	{"x86_64", AUDIT_ARCH_X86_64}, {"aarch64", AUDIT_ARCH_AARCH64}, {"", AUDIT_ARCH_I386},
	{"", AUDIT_ARCH_ARM},          {"", AUDIT_ARCH_RISCV64},        {"", 0},
};

enum { EVERY = ALL | STARTER, NOBODY = 0 };

#define UPPER (UINT64_C(1) << 32)

struct question {
	const char *name;
	long call;
	uint64_t args[6];
	unsigned int let; /* to which kinds; to the starter too where to any */
};

/* The index of this program's own. */
static size_t own(void)
{
	struct utsname system;
	size_t i = 0;

	ck_assert_int_eq(uname(&system), 0);
	while (strcmp(architectures[i].machine, system.machine) != 0)
		ck_assert_uint_lt(++i, ARRAY_SIZE(architectures));
	return i;
}

static uint32_t ask(enum thread_kind kind, size_t arch, long call, const uint64_t args[6])
{
	struct seccomp_data data = {.nr = (int)call, .arch = architectures[arch].token};

	memcpy(data.args, args, sizeof(data.args));
	return bpf_run(filters[kind].code, filters[kind].length, &data);
}

static bool is_let(enum thread_kind kind, const struct question *question)
{
	return ask(kind, own(), question->call, question->args) == SECCOMP_RET_ALLOW;
}

static const struct question questions[] = {
	{"mmap of data", SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE}, EVERY},
	{"mmap of code", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC}, NOBODY},
	{"mmap of code alone", SYS_mmap, {0, 4096, PROT_EXEC}, NOBODY},
	{"mmap of code, upper half", SYS_mmap, {0, 4096, UPPER | PROT_EXEC}, NOBODY},
	{"mprotect to data", SYS_mprotect, {0, 4096, PROT_READ | PROT_WRITE}, STARTER},
	{"mprotect to code", SYS_mprotect, {0, 4096, PROT_READ | PROT_EXEC}, NOBODY},
	{"mprotect to code, upper half", SYS_mprotect, {0, 4096, UPPER | PROT_EXEC}, NOBODY},
	{"mremap", SYS_mremap, {0, 4096, 8192}, NOBODY},
	{"a kick of its own", SYS_tgkill, {SANDBOX_SELF, 5, SIGUSR2}, EVERY},
	{"a kick of another", SYS_tgkill, {1, 1, SIGUSR2}, NOBODY},
	{"a kick of all", SYS_tgkill, {UINT64_MAX, 1, SIGUSR2}, NOBODY},
	{"a thread",
	 SYS_clone,
	 {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
	  CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID},
	 STARTER},
	{"a process", SYS_clone, {SIGCHLD}, NOBODY},
	{"a process in this memory", SYS_clone, {CLONE_VM | SIGCHLD}, NOBODY},
	{"a thread elsewhere",
	 SYS_clone,
	 {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWUSER},
	 NOBODY},
	{"reading below a folder", SYS_openat, {9, 0x1000, O_RDONLY | O_CLOEXEC}, FILES},
	{"a folder", SYS_openat, {9, 0x1000, O_RDONLY | O_DIRECTORY | O_CLOEXEC}, FILES},
	{"writing", SYS_openat, {9, 0x1000, O_WRONLY}, NOBODY},
	{"reading and writing", SYS_openat, {9, 0x1000, O_RDWR}, NOBODY},
	{"making", SYS_openat, {9, 0x1000, O_CREAT}, NOBODY},
	{"emptying", SYS_openat, {9, 0x1000, O_TRUNC}, NOBODY},
	{"a file without a name", SYS_openat, {9, 0x1000, O_TMPFILE | O_RDWR}, NOBODY},
	{"writing, upper half", SYS_openat, {9, 0x1000, UPPER | O_WRONLY}, NOBODY},
	{"its own limit", SYS_prlimit64, {0, RLIMIT_NOFILE, 0, 0x1000}, FILES},
	{"another's limit", SYS_prlimit64, {1, RLIMIT_NOFILE, 0, 0x1000}, NOBODY},
	{"a new limit", SYS_prlimit64, {0, RLIMIT_NOFILE, 0x1000, 0}, NOBODY},
	{"a new limit, upper half", SYS_prlimit64, {0, RLIMIT_NOFILE, UPPER, 0}, NOBODY},
	{"a client", SYS_accept4, {5, 0, 0, SOCK_CLOEXEC}, SERVER},
	{"a name of its own", SYS_unlinkat, {5, 0x1000, 0}, FILES},
	{"an answer, a message", SYS_sendto, {2, 0x1000, 1, MSG_NOSIGNAL, 0, 0}, TELLS},
	{"a message that waits", SYS_epoll_ctl, {5, EPOLL_CTL_ADD, 2, 0x1000}, TELLS},
	{"a terminal's mode", SYS_ioctl, {0, TCGETS}, EVERY},
	{"a terminal's mode, by newer C libraries", SYS_ioctl, {0, TCGETS2}, EVERY},
	{"a terminal as it was", SYS_ioctl, {0, TCSETS}, EVERY},
	{"a terminal as it was, by newer C libraries", SYS_ioctl, {0, TCSETS2}, EVERY},
	{"whose terminal it is", SYS_ioctl, {0, TIOCGPGRP}, EVERY},
	{"whose terminal it shall be", SYS_ioctl, {0, TIOCSPGRP}, NOBODY},
	{"a ring's turn", SYS_io_uring_enter, {5, 1, 1, 1, 0, 8}, IO},
	{"a ring's turn with other signals", SYS_io_uring_enter, {5, 1, 1, 1, UPPER, 8}, NOBODY},
	{"a server's socket",
	 SYS_socket,
	 {AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK},
	 VHOST},
	{"another socket", SYS_socket, {AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC}, NOBODY},
	{"a socket of the network",
	 SYS_socket,
	 {AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK},
	 NOBODY},
	{"a server", SYS_connect, {5, 0x1000, sizeof(struct sockaddr_un)}, VHOST},
	{"a server on the network", SYS_connect, {5, 0x1000, sizeof(struct sockaddr_in)}, NOBODY},
	{"a request to a server",
	 SYS_sendmsg,
	 {5, 0x1000, MSG_NOSIGNAL},
	 MAIN | VCPU | MAPPER | RESET | DEVICE | VHOST | USER},
	{"an answer of a server's, a client's",
	 SYS_recvmsg,
	 {5, 0x1000, 0},
	 VHOST | SERVER | USER | DEVICE},
	{"a datagram to anywhere", SYS_sendto, {5, 0x1000, 1, 0, 0x1000, 16}, NOBODY},
	{"a datagram, upper half", SYS_sendto, {5, 0x1000, 1, 0, UPPER, 16}, NOBODY},
	{"another owner", SYS_fcntl, {5, F_SETOWN, 1}, NOBODY},
	{"another owner, upper half", SYS_fcntl, {5, UPPER | F_SETOWN, 1}, NOBODY},
	{"another signal", SYS_fcntl, {5, F_SETSIG, SIGKILL}, NOBODY},
	{"another broadcaster", SYS_setsockopt, {5, SOL_SOCKET, SO_BROADCAST}, NOBODY},
	{"a filter more", SYS_seccomp, {1, 0, 0x1000}, STARTER},
	{"a filter of all", SYS_seccomp, {1, 1, 0x1000}, NOBODY},
	{"a filter that listens", SYS_seccomp, {1, 8, 0x1000}, NOBODY},
	{"another processor for another", SYS_sched_setaffinity, {1, 8, 0x1000}, NOBODY},
	{"another priority for another", SYS_setpriority, {PRIO_PROCESS, 1, 5}, NOBODY},
	{"another priority for a group", SYS_setpriority, {PRIO_PGRP, 0, 5}, NOBODY},
	{"being looked into", SYS_prctl, {PR_SET_DUMPABLE, 1}, NOBODY},
	{"the guest", SYS_ioctl, {5, KVM_RUN}, VCPU},
	{"another guest", SYS_ioctl, {5, KVM_CREATE_VM}, NOBODY},
	{"another vCPU", SYS_ioctl, {5, KVM_CREATE_VCPU}, NOBODY},
	/* The number is also that of a bus's reset, VFIO_DEVICE_PCI_HOT_RESET. */
	{"memory for DMA", SYS_ioctl, {5, VFIO_IOMMU_MAP_DMA}, MAIN | MAPPER | RESET | DEVICE},
	{"memory for DMA by iommufd", SYS_ioctl, {5, IOMMUFD_IOAS_MAP}, MAPPER},
	{"a reset", SYS_ioctl, {5, VFIO_DEVICE_RESET}, MAIN | RESET | DEVICE},
	{"another container", SYS_ioctl, {5, VFIO_GROUP_SET_CONTAINER}, MAIN | DEVICE},
	{"a driver's queue", SYS_ioctl, {5, VHOST_SET_VRING_ADDR}, MAIN | VCPU},
	{"what a driver takes", SYS_ioctl, {5, VHOST_SET_FEATURES}, MAIN | VCPU},
	{"what a driver takes whole", SYS_ioctl, {5, TUNSETOFFLOAD}, MAIN | VCPU},
	{"a card that runs", SYS_ioctl, {5, VHOST_NET_SET_BACKEND}, MAIN | VCPU},
	{"sockets that run", SYS_ioctl, {5, VHOST_VSOCK_SET_RUNNING}, MAIN | VCPU},
	{"other memory for queues", SYS_ioctl, {5, VHOST_SET_MEM_TABLE}, NOBODY},
	{"a log of writes to it", SYS_ioctl, {5, VHOST_SET_LOG_BASE}, NOBODY},
	{"another's queues", SYS_ioctl, {5, VHOST_SET_OWNER}, NOBODY},
	{"another guest's address", SYS_ioctl, {5, VHOST_VSOCK_SET_GUEST_CID}, NOBODY},
	{"another tap", SYS_ioctl, {5, TUNSETIFF}, NOBODY},
	{"a tap that stays", SYS_ioctl, {5, TUNSETPERSIST}, NOBODY},
	{"a filter in a tap", SYS_ioctl, {5, TUNATTACHFILTER}, NOBODY},
	{"typing", SYS_ioctl, {5, TIOCSTI}, NOBODY},
	{"typing, upper half", SYS_ioctl, {5, UPPER | TIOCSTI}, NOBODY},
	{"another line discipline", SYS_ioctl, {5, TIOCSETD}, NOBODY},
	{"another owner by ioctl", SYS_ioctl, {5, 0x8901 /* FIOSETOWN */}, NOBODY},
	{"whatever has the number 0", SYS_ioctl, {5, 0}, NOBODY},
};

START_TEST(each_kind_is_let_what_it_needs_and_no_more)
{
	const struct question *question = &questions[_i];

	for (int kind = 0; kind < THREAD_KINDS; kind++) {
		unsigned int asked = kind == THREAD_STARTER ? EVERY : 1U << kind;

		ck_assert_msg(is_let((enum thread_kind)kind, question) == !!(question->let & asked),
			      "%s: %s thread: %s", question->name, filters[kind].kind,
			      question->let & asked ? "it is refused" : "it is let");
	}
}
END_TEST

/* What a thread asks in vain, and goes on: it is told so, and the run does not end. */
static const struct {
	struct question question; /* by whom it is asked */
	int error;
} vain[] = {
	{{"opening a node", SYS_openat, {9, 0x1000, O_RDWR | O_CLOEXEC}, MAIN | DEVICE | STARTER},
	 EACCES},
	/* The starter's threads that look at files may. */
	{{"opening a ROM", SYS_openat, {9, 0x1000, O_RDONLY | O_NONBLOCK}, MAIN | DEVICE}, EACCES},
	{{"whether a node may be opened",
	  SYS_faccessat2,
	  {9, 0x1000, R_OK | W_OK, AT_EACCESS},
	  MAIN | DEVICE | FILES | STARTER},
	 EACCES},
	{{"who has a node open", SYS_statx, {9, 0x1000}, MAIN | DEVICE | FILES | STARTER}, EACCES},
	{{"randomness", SYS_getrandom, {0x1000, 8}, MAIN}, ENOSYS},
	{{"memory that grows", SYS_mremap, {0, 4096, 8192, MREMAP_MAYMOVE}, EVERY}, ENOMEM},
};

START_TEST(what_is_asked_in_vain_fails)
{
	const struct question *question = &vain[_i].question;

	for (int kind = 0; kind < THREAD_KINDS; kind++)
		if (question->let >> kind & 1)
			ck_assert_msg(ask((enum thread_kind)kind, own(), question->call,
					  question->args) ==
					      (SECCOMP_RET_ERRNO | (uint32_t)vain[_i].error),
				      "%s: %s thread", question->name, filters[kind].kind);
}
END_TEST

/* With any arguments. */
static const struct {
	const char *name;
	long call;
} never[] = {
#define NEVER(name)                                                                                \
	{                                                                                          \
#name, SYS_##name                                                                  \
	}
	NEVER(execve),
	NEVER(execveat),
	NEVER(ptrace),
	NEVER(process_vm_readv),
	NEVER(process_vm_writev),
	NEVER(pidfd_open),
	NEVER(pidfd_getfd),
	NEVER(pidfd_send_signal),
	NEVER(kcmp),
	NEVER(kill),
	NEVER(tkill),
	NEVER(rt_sigqueueinfo),
	NEVER(rt_tgsigqueueinfo),
	NEVER(socketpair),
	NEVER(bind),
	NEVER(listen),
	NEVER(sendmmsg),
	NEVER(mount),
	NEVER(umount2),
	NEVER(chroot),
	NEVER(pivot_root),
	NEVER(fsopen),
	NEVER(fsmount),
	NEVER(move_mount),
	NEVER(open_tree),
	NEVER(mount_setattr),
	NEVER(unshare),
	NEVER(setns),
	NEVER(clone3),
	NEVER(keyctl),
	NEVER(add_key),
	NEVER(request_key),
	NEVER(bpf),
	NEVER(perf_event_open),
	NEVER(userfaultfd),
	NEVER(io_uring_setup),
	NEVER(io_uring_register),
	NEVER(io_setup),
	NEVER(io_submit),
	NEVER(kexec_load),
	NEVER(kexec_file_load),
	NEVER(init_module),
	NEVER(finit_module),
	NEVER(delete_module),
	NEVER(setuid),
	NEVER(setgid),
	NEVER(setresuid),
	NEVER(setresgid),
	NEVER(setgroups),
	NEVER(setfsuid),
	NEVER(capset),
	NEVER(personality),
	NEVER(memfd_create),
	NEVER(memfd_secret),
	NEVER(pkey_mprotect),
	NEVER(remap_file_pages),
	NEVER(shmat),
	NEVER(shmget),
	NEVER(msgget),
	NEVER(semget),
	NEVER(mq_open),
	NEVER(openat2),
	NEVER(open_by_handle_at),
	NEVER(name_to_handle_at),
	NEVER(swapon),
	NEVER(swapoff),
	NEVER(reboot),
	NEVER(sethostname),
	NEVER(setdomainname),
	NEVER(settimeofday),
	NEVER(clock_settime),
	NEVER(clock_adjtime),
	NEVER(adjtimex),
	NEVER(quotactl),
	NEVER(acct),
	NEVER(syslog),
	NEVER(inotify_init1),
	NEVER(fanotify_init),
	NEVER(timer_create),
	NEVER(setitimer),
	NEVER(sched_setscheduler),
	NEVER(sched_setattr),
	NEVER(ioprio_set),
	NEVER(setrlimit),
	NEVER(landlock_create_ruleset),
	NEVER(landlock_restrict_self),
	NEVER(mkdirat),
	NEVER(mknodat),
	NEVER(linkat),
	NEVER(symlinkat),
	NEVER(renameat2),
	NEVER(truncate),
	NEVER(ftruncate),
	NEVER(fchmod),
	NEVER(fchmodat),
	NEVER(fchown),
	NEVER(fchownat),
	NEVER(utimensat),
	NEVER(setxattr),
	NEVER(chdir),
	NEVER(fchdir),
	NEVER(dup),
	NEVER(dup3),
	NEVER(copy_file_range),
	NEVER(sendfile),
	NEVER(splice),
	NEVER(vmsplice),
	NEVER(tee),
	NEVER(process_madvise),
	NEVER(migrate_pages),
	NEVER(move_pages),
	NEVER(vhangup),
	NEVER(setpgid),
	NEVER(setsid),
	NEVER(mlockall),
	NEVER(set_mempolicy_home_node),
	NEVER(nfsservctl),
	NEVER(lookup_dcookie),
	NEVER(process_mrelease),
#undef NEVER
};

/* Arguments of which some are what a filter compares with. */
static void shuffle(uint64_t args[6], unsigned int *seed)
{
	static const uint64_t usual[] = {0, 1, 2, 8, SANDBOX_SELF, UINT64_MAX, UPPER, KVM_RUN};

	for (size_t i = 0; i < 6; i++)
		args[i] = rand_r(seed) % 2 ? usual[(size_t)rand_r(seed) % ARRAY_SIZE(usual)]
					   : (uint64_t)rand_r(seed) << (rand_r(seed) % 33);
}

START_TEST(what_nobody_needs_is_let_with_no_arguments)
{
	unsigned int seed = 1;

	for (int round = 0; round < 200; round++) {
		uint64_t args[6];

		shuffle(args, &seed);
		for (int kind = 0; kind < THREAD_KINDS; kind++)
			if (ask((enum thread_kind)kind, own(), never[_i].call, args) ==
			    SECCOMP_RET_ALLOW)
				ck_abort_msg("%s: %s thread", never[_i].name, filters[kind].kind);
	}
}
END_TEST

/* Numbers mean other calls there: the process ends, whatever was asked. */
START_TEST(other_abis_end_the_process)
{
	const uint64_t args[6] = {0};
	unsigned int others = 0;

	for (size_t arch = 0; arch < ARRAY_SIZE(architectures); arch++)
		for (int kind = 0; kind < THREAD_KINDS && arch != own(); kind++)
			for (long call = 0; call < 1024; call++)
				others += ask((enum thread_kind)kind, arch, call, args) !=
					  SECCOMP_RET_KILL_PROCESS;
	ck_assert_uint_eq(others, 0);
}
END_TEST

START_TEST(numbers_of_x32_are_refused)
{
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		const struct question *question = &questions[i];

		for (int kind = 0; kind < THREAD_KINDS; kind++)
			ck_assert_uint_ne(ask((enum thread_kind)kind, own(),
					      0x40000000L | question->call, question->args),
					  SECCOMP_RET_ALLOW);
	}
}
END_TEST

/* Whatever its number, today's and those to come. */
START_TEST(a_call_without_a_row_is_trapped)
{
	const uint64_t args[6] = {0};
	unsigned int let = 0;

	for (long call = 0; call < 4096; call++) {
		uint32_t answer = ask((enum thread_kind)_i, own(), call, args);

		let += answer == SECCOMP_RET_ALLOW;
		/* An assertion for each would take most of the time. */
		if (answer == SECCOMP_RET_TRAP)
			continue;
		ck_assert(call < 512);
		ck_assert(answer == SECCOMP_RET_ALLOW ||
			  (answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO);
	}
	ck_assert_uint_gt(let, 5);
	ck_assert_uint_le(let, filters[_i].calls);
	printf("%s: %u system calls, %zu instructions\n", filters[_i].kind, filters[_i].calls,
	       filters[_i].length);
}
END_TEST

/* What the document says is so. */
START_TEST(the_document_has_these_numbers)
{
	FILE *file = fopen("docs/security.md", "re");
	char line[512], wanted[64];
	bool found = false;

	ck_assert_ptr_nonnull(file);
	(void)snprintf(wanted, sizeof(wanted), "| %s | %u |", filters[_i].kind, filters[_i].calls);
	while (fgets(line, sizeof(line), file))
		found |= strncmp(line, wanted, strlen(wanted)) == 0;
	(void)fclose(file);
	ck_assert_msg(found, "docs/security.md has no row '%s'", wanted);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_loop_test(tests, each_kind_is_let_what_it_needs_and_no_more, 0,
			    ARRAY_SIZE(questions));
	tcase_add_loop_test(tests, what_is_asked_in_vain_fails, 0, ARRAY_SIZE(vain));
	tcase_add_loop_test(tests, what_nobody_needs_is_let_with_no_arguments, 0,
			    ARRAY_SIZE(never));
	tcase_add_test(tests, other_abis_end_the_process);
	tcase_add_test(tests, numbers_of_x32_are_refused);
	tcase_add_loop_test(tests, a_call_without_a_row_is_trapped, 0, THREAD_KINDS);
	tcase_add_loop_test(tests, the_document_has_these_numbers, 0, THREAD_KINDS);
}

int main(void)
{
	return run_suite("filters", add_tests);
}
