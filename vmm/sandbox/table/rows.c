/* SPDX-License-Identifier: BSD-3-Clause */
/* Which system calls the monitor's threads may make, on every architecture. */

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <linux/vfio.h>
#include <linux/vhost.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "vfio/iommufd/abi.h"
#include "vmm/sandbox/table/row.h"

/* Opening that could write, make or empty. */
enum { WRITES = O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY) };

/* A thread, which shares all but its stack, and no new process nor anything of a container's. */
enum {
	SHARED = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
	OUTSIDE = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
		  CLONE_NEWPID | CLONE_NEWNET | CLONE_PTRACE | CLONE_VFORK,
};

SANDBOX_ROWS static const struct sandbox_row every_thread[] = {
	{"futex", ALL | STARTER, .why = "locks, and waiting for each other"},
	{"rt_sigprocmask", ALL | STARTER, .why = "the C library's, around threads and signals"},
	{"rt_sigreturn", ALL | STARTER, .why = "back from a kick, from memory that failed"},
	{"mmap", ALL | STARTER, .tests = {{2, LACKS, PROT_EXEC}},
	 .why = "memory, never to execute"},
	{"munmap", ALL | STARTER, .why = "memory that is given back"},
	{"madvise", ALL | STARTER,
	 .why = "stacks that are given back, guest memory that is populated"},
	{"brk", ALL | STARTER, .why = "memory"},
	{"write", ALL | STARTER, .why = "messages, eventfds, the console"},
	{"exit", (ALL & ~MAIN) | STARTER, .why = "the end of a thread"},
	{"restart_syscall", TELLS | STARTER,
	 .why = "what waited with a time-out when it was stopped"},
	{"tgkill", ALL | STARTER, .tests = {{0, IS_SELF}},
	 .why = "kicks, and to die of a signal: own threads alone"},
	{"sendto", TELLS, .tests = {{4, IS_NULL}},
	 .why = "messages, a console: to a socket; answers"},
	{"epoll_ctl", TELLS,
	 .why = "messages that wait for their reader; what the loop listens to"},
	/* Whoever crashes puts the terminal back, from its signal's handler. */
	{"ioctl", ALL | STARTER, .tests = {{1, IS, TIOCGPGRP}}, .why = "whether it is ours"},
	{"ioctl", ALL | STARTER, .tests = {{1, IS, TCGETS}},
	 .why = "the C library's, before and after"},
	{"ioctl", ALL | STARTER, .tests = {{1, IS, TCGETS2}},
	 .why = "likewise, from glibc 2.42 on"},
	{"ioctl", ALL | STARTER, .tests = {{1, IS, TCSETS}}, .why = "as it was; raw"},
	{"ioctl", ALL | STARTER, .tests = {{1, IS, TCSETS2}},
	 .why = "likewise, from glibc 2.42 on"},
	{"clock_gettime", TELLS | STARTER,
	 .why = "where the host's clock cannot be read without a call"},
	{"mremap", ALL | STARTER, ENOMEM, .why = "the C library copies instead"},
};

SANDBOX_ROWS static const struct sandbox_row descriptors[] = {
	{"read", TELLS & ~POPULATE, .why = "events, the console, random bytes"},
	{"preadv2", MAIN | VCPU | DEVICE, .tests = {{5, IS, RWF_NOWAIT}},
	 .why = "an eventfd that a server has too, which might have it block"},
	{"pread64", MAIN | VCPU | RESET | DEVICE | FILES,
	 .why = "a device's registers; kernels, initrds; sysfs"},
	{"pwrite64", MAIN | VCPU | RESET | DEVICE, .why = "a device's registers"},
	{"close", ALL & ~POPULATE, .why = "vectors that are freed, files"},
	{"fcntl", SERVER, .tests = {{1, IS, F_GETFD}}, .why = "a descriptor that was passed"},
	{"fcntl", SERVER, .tests = {{1, IS, F_SETFD}}, .why = "likewise"},
	{"fcntl", SERVER | DEVICE, .tests = {{1, IS, F_GETFL}}, .why = "likewise"},
	{"fcntl", SERVER | DEVICE, .tests = {{1, IS, F_SETFL}},
	 .why = "likewise: it must not block"},
	{"fcntl", MAIN | DEVICE, .tests = {{1, IS, F_DUPFD_CLOEXEC}},
	 .why = "a group's, as a proof at a reset"},
	{"fcntl", MAIN, .tests = {{1, IS, F_OFD_SETLK}}, .why = "a disk's image, at the end"},
	{"eventfd2", MAIN | VCPU | DEVICE, .why = "a vector that the guest turns on"},
	{"timerfd_create", SERVER | DEVICE, .why = "a device that comes"},
	{"timerfd_settime", MAIN | VCPU | DEVICE, .why = "deadlines"},
};

SANDBOX_ROWS static const struct sandbox_row files[] = {
	{"openat", FILES, .tests = {{2, LACKS, WRITES}},
	 .why = "sysfs: neighbours on a bus, groups; Landlock lets nothing else"},
	{"openat", MAIN | DEVICE | BESIDE, EACCES, .tests = {{2, MASKED, O_RDONLY, O_ACCMODE}},
	 .why = "a later device's ROM, its names: who adds it opens them"},
	{"openat", MAIN | DEVICE, EACCES, .tests = {{2, MASKED, O_RDWR, O_ACCMODE}},
	 .why = "likewise its node"},
	{"openat", MAIN | DEVICE, EACCES, .tests = {{2, MASKED, O_WRONLY, O_ACCMODE}},
	 .why = "likewise its trace"},
	{"faccessat2", MAIN | DEVICE | FILES, EACCES,
	 .why = "whether a node of a later device may be opened by name: it may not"},
	{"statx", MAIN | DEVICE | FILES, EACCES,
	 .why = "who else has a node open, which is not to be seen from here"},
	{"newfstatat", FILES, .why = "sizes of files, and whether a name is ours"},
	{"fstat", FILES, .why = "likewise, by other C libraries"},
	{"fstatfs", FILES, .why = "what a descriptor is of that a client passes"},
	{"getdents64", FILES, .why = "folders of sysfs"},
	{"unlinkat", FILES, .why = "the names of our own sockets, at the end"},
	{"prlimit64", FILES, .tests = {{0, IS, 0}, {2, IS_NULL}}, .why = "how much may be pinned"},
	{"capget", FILES, .why = "whether more may be pinned than that"},
	{"getuid", FILES, .why = "whose limit it is"},
};

/* What a ring does is walled by the ring itself (devices/virtio/worker_ring.c). */
SANDBOX_ROWS static const struct sandbox_row queues[] = {
	{"io_uring_enter", IO, .tests = {{4, IS_NULL}},
	 .why = "a disk's reads and writes, a guest's kicks"},
};

/* No other thread makes or connects a socket. */
SANDBOX_ROWS static const struct sandbox_row servers[] = {
	{"sendmsg", VHOST, .why = "requests to it, with descriptors: memory, kicks, calls"},
	{"sendmsg", MAIN | VCPU | MAPPER | RESET | DEVICE | USER,
	 .why = "requests to that of a passed-through device; its own, answered"},
	{"recvmsg", VHOST | USER, .why = "its answers, and what it says of its own"},
	{"shutdown", USER, .why = "one that is lost has no client any more"},
	{"recvmsg", DEVICE, .why = "the first answers of one whose device comes"},
	{"fcntl", VHOST | USER | DEVICE, .tests = {{1, IS, F_GET_SEALS}},
	 .why = "a file of memory that comes with one"},
	{"socket", VHOST,
	 .tests = {{0, IS, AF_UNIX}, {1, IS, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK}},
	 .why = "a server that was started again"},
	{"socketpair", VHOST, .tests = {{0, IS, AF_UNIX}, {1, IS, SOCK_STREAM | SOCK_CLOEXEC}},
	 .why = "where that one says what nobody asked for"},
	{"connect", VHOST, .tests = {{2, IS, sizeof(struct sockaddr_un)}},
	 .why = "likewise, by a name in the file system, or of Unix sockets at least"},
	{"getsockopt", DEVICE, .tests = {{1, IS, SOL_SOCKET}, {2, IS, SO_DOMAIN}},
	 .why = "what a server sends for its second socket"},
	{"getsockopt", VHOST, .tests = {{1, IS, SOL_SOCKET}, {2, IS, SO_PEERCRED}},
	 .why = "whether that one is whose the one before was"},
};

SANDBOX_ROWS static const struct sandbox_row clients[] = {
	{"accept4", SERVER, .why = "clients of --control and --gdb"},
	{"getsockopt", SERVER, .tests = {{1, IS, SOL_SOCKET}, {2, IS, SO_PEERCRED}},
	 .why = "whose client it is"},
	{"getpeername", SERVER, .why = "likewise, of a debugger by TCP"},
	{"getsockname", SERVER, .why = "likewise"},
	{"setsockopt", SERVER, .tests = {{1, IS, IPPROTO_TCP}, {2, IS, TCP_NODELAY}},
	 .why = "a debugger's connection"},
	{"setsockopt", SERVER, .tests = {{1, IS, IPPROTO_TCP}, {2, IS, TCP_KEEPIDLE}},
	 .why = "likewise, that its end is noticed"},
	{"setsockopt", SERVER, .tests = {{1, IS, IPPROTO_TCP}, {2, IS, TCP_KEEPINTVL}},
	 .why = "likewise"},
	{"setsockopt", SERVER, .tests = {{1, IS, IPPROTO_TCP}, {2, IS, TCP_KEEPCNT}},
	 .why = "likewise"},
	{"setsockopt", SERVER, .tests = {{1, IS, SOL_SOCKET}, {2, IS, SO_KEEPALIVE}},
	 .why = "likewise"},
	{"setsockopt", SERVER, .tests = {{1, IS, SOL_SOCKET}, {2, IS, SO_LINGER}},
	 .why = "a socket that a client passed is closed without waiting"},
	{"recvmsg", SERVER, .why = "requests, with descriptors"},
};

SANDBOX_ROWS static const struct sandbox_row threads[] = {
	{"clone", STARTER, .tests = {{0, MASKED, SHARED, SHARED | OUTSIDE}}, .why = "threads"},
	{"clone3", STARTER, ENOSYS, .why = "the C library takes clone(), whose flags can be seen"},
	{"mprotect", STARTER, .tests = {{2, LACKS, PROT_EXEC}}, .why = "a stack, but its guard"},
	{"rseq", STARTER, .why = "the C library's, at the beginning of a thread"},
	{"set_robust_list", STARTER, .why = "likewise"},
	{"seccomp", STARTER, .tests = {{0, IS, SECCOMP_SET_MODE_FILTER}, {1, IS, 0}},
	 .why = "a thread that gives up more"},
	{"prctl", STARTER, .tests = {{0, IS, PR_SET_NAME}}, .why = "the thread's name"},
	{"gettid", STARTER, .why = "a new thread's number"},
	{"sched_setaffinity", STARTER, .tests = {{0, IS, 0}},
	 .why = "the processor that a thread is pinned to"},
	{"sched_getaffinity", MAPPER, .why = "how many threads map"},
	{"sched_getaffinity", (ALL & ~MAPPER) | BESIDE, ENOSYS,
	 .why = "the C library's, which then takes two processors for granted"},
	{"setpriority", STARTER, .tests = {{0, IS, PRIO_PROCESS}, {1, IS, 0}},
	 .why = "a thread that comes behind the guest"},
	{"getrandom", MAIN, ENOSYS, .why = "a seed for the guest, which is read where it was held"},
	{"rt_sigaction", MAIN, .why = "to die of the signal that ended the run"},
	{"exit_group", MAIN, .why = "the end"},
};

/* The request is the lower half of an int. */
SANDBOX_ROWS static const struct sandbox_row terminals[] = {
	{"ioctl", SERVER, .tests = {{1, IS, TCFLSH}}, .why = "what an earlier debugger had typed"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, TIOCNXCL}},
	 .why = "a reader's lock on our own pty"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, TIOCGPTPEER}},
	 .why = "the other end of our own pty"},
};

SANDBOX_ROWS static const struct sandbox_row kvm[] = {
	{"ioctl", VCPU | FIRST, .tests = {{1, IS, KVM_RUN}}, .why = "the guest"},
	{"ioctl", MAIN | VCPU | DEVICE, .tests = {{1, IS, KVM_IRQFD}}, .why = "vectors"},
	{"ioctl", MAIN | VCPU | DEVICE, .tests = {{1, IS, KVM_IOEVENTFD}},
	 .why = "doorbells that move; whether a program's are any"},
	{"ioctl", MAIN | VCPU | DEVICE, .tests = {{1, IS, KVM_SET_GSI_ROUTING}}, .why = "vectors"},
	{"ioctl", MAIN | VCPU | DEVICE, .tests = {{1, IS, KVM_IRQ_LINE}},
	 .why = "INTx, serial ports"},
	{"ioctl", MAIN | VCPU | DEVICE, .tests = {{1, IS, KVM_SET_USER_MEMORY_REGION}},
	 .why = "BARs that come and go"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_GET_MP_STATE}}, .why = "whether it is halted"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_SET_MP_STATE}}, .why = "a reset"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_GET_VCPU_EVENTS}}, .why = "what is pending"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_SET_VCPU_EVENTS}}, .why = "a reset"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_SET_GUEST_DEBUG}},
	 .why = "breakpoints, steps"},
	{"ioctl", MAIN | VCPU | DEVICE, .tests = {{1, IS, KVM_SET_DEVICE_ATTR}},
	 .why = "clocks, the GIC; a device that KVM learns of"},
	{"ioctl", MAIN | VCPU | DEVICE, .tests = {{1, IS, KVM_GET_DEVICE_ATTR}}, .why = "likewise"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_REGISTER_COALESCED_MMIO}}, .why = "latches"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_UNREGISTER_COALESCED_MMIO}}, .why = "latches"},
	{"ioctl", MAIN | VCPU | DEVICE, .tests = {{1, IS, KVM_CHECK_EXTENSION}},
	 .why = "what KVM can"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, KVM_CREATE_DEVICE}},
	 .why = "KVM's VFIO device, for a first one that comes later"},
};

/*
 * VFIO numbers a device's requests as those of containers: HOT_RESET is also MAP_DMA, its INFO also
 * that of the IOMMU. Who may one could the other, had it the descriptor.
 */
SANDBOX_ROWS static const struct sandbox_row vfio[] = {
	{"ioctl", MAIN | VCPU | DEVICE, .tests = {{1, IS, VFIO_DEVICE_SET_IRQS}},
	 .why = "interrupts of a device"},
	{"ioctl", MAIN | RESET | DEVICE, .tests = {{1, IS, VFIO_DEVICE_RESET}}, .why = "its reset"},
	{"ioctl", MAIN | RESET | DEVICE, .tests = {{1, IS, VFIO_DEVICE_PCI_HOT_RESET}},
	 .why = "its bus's reset"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO}},
	 .why = "whom that would hit"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, VFIO_DEVICE_GET_INFO}}, .why = "what it is"},
	{"ioctl", MAIN | DEVICE | MAPPER, .tests = {{1, IS, VFIO_DEVICE_GET_REGION_INFO}},
	 .why = "its BARs"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, VFIO_DEVICE_GET_IRQ_INFO}},
	 .why = "its interrupts"},
	{"ioctl", MAIN | DEVICE | MAPPER, .tests = {{1, IS, VFIO_DEVICE_FEATURE}},
	 .why = "a BAR as a file of its own, for other devices' DMA"},
	{"ioctl", MAPPER, .tests = {{1, IS, VFIO_IOMMU_MAP_DMA}}, .why = "guest memory for DMA"},
	{"ioctl", MAIN | MAPPER | DEVICE | VCPU, .tests = {{1, IS, VFIO_IOMMU_UNMAP_DMA}},
	 .why = "the same, back; a BAR that moves"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, VFIO_IOMMU_GET_INFO}}, .why = "its limits"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, VFIO_GET_API_VERSION}}, .why = "a later device"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, VFIO_CHECK_EXTENSION}}, .why = "a later device"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, VFIO_SET_IOMMU}}, .why = "a later device"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, VFIO_GROUP_GET_STATUS}},
	 .why = "a later device"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, VFIO_GROUP_SET_CONTAINER}},
	 .why = "a later device"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, VFIO_GROUP_UNSET_CONTAINER}},
	 .why = "a device that is given back"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, VFIO_GROUP_GET_DEVICE_FD}},
	 .why = "a later device"},
};

SANDBOX_ROWS static const struct sandbox_row iommufd[] = {
	{"ioctl", MAPPER, .tests = {{1, IS, IOMMUFD_IOAS_MAP}}, .why = "guest memory for DMA"},
	{"ioctl", MAPPER, .tests = {{1, IS, IOMMUFD_IOAS_MAP_FILE}},
	 .why = "a BAR for other devices' DMA"},
	{"ioctl", MAIN | MAPPER | DEVICE | VCPU, .tests = {{1, IS, IOMMUFD_IOAS_UNMAP}},
	 .why = "the same, back; a BAR that moves"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, IOMMUFD_IOAS_IOVA_RANGES}}, .why = "its limits"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, IOMMUFD_IOAS_ALLOC}}, .why = "a later device"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, IOMMUFD_OPTION}}, .why = "a later device"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, IOMMUFD_DESTROY}},
	 .why = "the last device's end"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, IOMMUFD_DEVICE_BIND}}, .why = "a later device"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, IOMMUFD_DEVICE_ATTACH}},
	 .why = "a later device"},
	{"ioctl", MAIN | DEVICE, .tests = {{1, IS, IOMMUFD_DEVICE_DETACH}},
	 .why = "a device that is given back"},
};

/*
 * Queues that the kernel serves. Its node has its owner and the guest's memory by then: neither can
 * be another. A driver begins in its vCPU's thread, or by a debugger's writes in the main one,
 * where a reset of the machine ends it.
 */
SANDBOX_ROWS static const struct sandbox_row vhost[] = {
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, VHOST_SET_FEATURES}},
	 .why = "what a driver takes"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, VHOST_SET_VRING_NUM}},
	 .why = "a driver's queue; once more when the device goes on"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, VHOST_SET_VRING_ADDR}}, .why = "likewise"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, VHOST_SET_VRING_BASE}}, .why = "likewise"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, VHOST_SET_VRING_KICK}}, .why = "likewise"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, VHOST_SET_VRING_CALL}},
	 .why = "likewise, and the vector that a queue interrupts by"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, VHOST_GET_VRING_BASE}},
	 .why = "how far a queue is that stands"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, VHOST_NET_SET_BACKEND}},
	 .why = "a card's queue runs or stands"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, VHOST_VSOCK_SET_RUNNING}},
	 .why = "sockets' queues run or stand"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, TUNSETOFFLOAD}},
	 .why = "what a driver takes whole"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, TUNSETQUEUE}},
	 .why = "how many of a tap's queues a driver uses"},
};
