/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The calls of a whole machine under the plan of failure, beside those of fault_libc.h: files,
 * sockets, signals, processors. For the one program that includes this, which the Makefile links
 * with MACHINE_FAULT_WRAPS. What the fakes of KVM and VFIO call themselves is left out.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAULT_CALLS_H
#define FERRY_TESTS_UNIT_SUPPORT_FAULT_CALLS_H

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/unit/support/fault_libc.h"
#include "vmm/base/log.h"

int __real_kvm_sys_open(const char *path);
int __real_kvm_sys_ioctl(int fd, unsigned long request, void *argument);
int __real_kvm_sys_ioctl_value(int fd, unsigned long request, unsigned long argument);
int __real_vfio_sys_open(const char *path);
int __real_vfio_sys_ioctl(int fd, unsigned long request, void *argument);
ssize_t __real_vfio_sys_read(int fd, void *data, size_t size, uint64_t offset);
ssize_t __real_vfio_sys_write(int fd, const void *data, size_t size, uint64_t offset);
int __real_vasprintf(char **text, const char *format, va_list arguments);
FILE *__real_open_memstream(char **text, size_t *size);
int __real_open(const char *path, int flags, ...);
int __real_openat(int folder, const char *path, int flags, ...);
DIR *__real_opendir(const char *path);
char *__real_realpath(const char *path, char *whole);
int __real_fstat(int fd, struct stat *status);
ssize_t __real_pread(int fd, void *data, size_t size, off_t offset);
int __real_mkdir(const char *path, mode_t mode);
int __real_symlink(const char *target, const char *path);
int __real_fchmod(int fd, mode_t mode);
int __real_epoll_create1(int flags);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *time,
			   struct itimerspec *old);
int __real_signalfd(int fd, const sigset_t *signals, int flags);
int __real_socket(int domain, int type, int protocol);
int __real_bind(int fd, const struct sockaddr *address, socklen_t size);
int __real_listen(int fd, int backlog);
int __real_posix_openpt(int flags);
int __real_pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t *set);
int __real_sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set);
int __real_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
int __real_getrlimit(int resource, struct rlimit *limit);

void __wrap_log_say(const char *format, ...) FERRY_PRINTF(1, 2);
void __wrap_log_error(const char *format, ...) FERRY_PRINTF(1, 2);
void __wrap_log_warn(const char *format, ...) FERRY_PRINTF(1, 2);
void __wrap_log_notice(const char *format, ...) FERRY_PRINTF(1, 2);
void __wrap_log_guest(struct log_limit *limit, enum log_level level, const char *format, ...)
	FERRY_PRINTF(3, 4);
int __wrap_kvm_sys_open(const char *path);
int __wrap_kvm_sys_ioctl(int fd, unsigned long request, void *argument);
int __wrap_kvm_sys_ioctl_value(int fd, unsigned long request, unsigned long argument);
int __wrap_vfio_sys_open(const char *path);
int __wrap_vfio_sys_ioctl(int fd, unsigned long request, void *argument);
ssize_t __wrap_vfio_sys_read(int fd, void *data, size_t size, uint64_t offset);
ssize_t __wrap_vfio_sys_write(int fd, const void *data, size_t size, uint64_t offset);
int __wrap_vasprintf(char **text, const char *format, va_list arguments);
int __wrap_asprintf(char **text, const char *format, ...) FERRY_PRINTF(2, 3);
FILE *__wrap_open_memstream(char **text, size_t *size);
int __wrap_open(const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);
DIR *__wrap_opendir(const char *path);
char *__wrap_realpath(const char *path, char *whole);
int __wrap_fstat(int fd, struct stat *status);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_symlink(const char *target, const char *path);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_epoll_create1(int flags);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *time,
			   struct itimerspec *old);
int __wrap_signalfd(int fd, const sigset_t *signals, int flags);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_listen(int fd, int backlog);
int __wrap_posix_openpt(int flags);
int __wrap_pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t *set);
int __wrap_sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set);
int __wrap_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set);
int __wrap_getrlimit(int resource, struct rlimit *limit);

/* What the machine tells a person who did not ask for more, a line each. */
static struct {
	pthread_mutex_t lock;
	char text[16 * 1024];
} said = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline void FERRY_PRINTF(1, 0) said_add(const char *format, va_list arguments)
{
	size_t length;

	pthread_mutex_lock(&said.lock);
	length = strlen(said.text);
	vsnprintf(said.text + length, sizeof(said.text) - length, format, arguments);
	length = strlen(said.text);
	snprintf(said.text + length, sizeof(said.text) - length, "\n");
	pthread_mutex_unlock(&said.lock);
}

void __wrap_log_say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	said_add(format, arguments);
	va_end(arguments);
}

void __wrap_log_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	said_add(format, arguments);
	va_end(arguments);
}

void __wrap_log_warn(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	said_add(format, arguments);
	va_end(arguments);
}

void __wrap_log_notice(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	said_add(format, arguments);
	va_end(arguments);
}

void __wrap_log_guest(struct log_limit *limit, enum log_level level, const char *format, ...)
{
	va_list arguments;

	(void)limit;
	if (level > LOG_WARN)
		return;
	va_start(arguments, format);
	said_add(format, arguments);
	va_end(arguments);
}

int __wrap_kvm_sys_open(const char *path)
{
	int result;

	libc_in_fake++;
	result = __real_kvm_sys_open(path);
	libc_in_fake--;
	return result;
}

int __wrap_kvm_sys_ioctl(int fd, unsigned long request, void *argument)
{
	int result;

	libc_in_fake++;
	result = __real_kvm_sys_ioctl(fd, request, argument);
	libc_in_fake--;
	return result;
}

int __wrap_kvm_sys_ioctl_value(int fd, unsigned long request, unsigned long argument)
{
	int result;

	libc_in_fake++;
	result = __real_kvm_sys_ioctl_value(fd, request, argument);
	libc_in_fake--;
	return result;
}

int __wrap_vfio_sys_open(const char *path)
{
	int result;

	libc_in_fake++;
	result = __real_vfio_sys_open(path);
	libc_in_fake--;
	return result;
}

int __wrap_vfio_sys_ioctl(int fd, unsigned long request, void *argument)
{
	int result;

	libc_in_fake++;
	result = __real_vfio_sys_ioctl(fd, request, argument);
	libc_in_fake--;
	return result;
}

ssize_t __wrap_vfio_sys_read(int fd, void *data, size_t size, uint64_t offset)
{
	ssize_t result;

	libc_in_fake++;
	result = __real_vfio_sys_read(fd, data, size, offset);
	libc_in_fake--;
	return result;
}

ssize_t __wrap_vfio_sys_write(int fd, const void *data, size_t size, uint64_t offset)
{
	ssize_t result;

	libc_in_fake++;
	result = __real_vfio_sys_write(fd, data, size, offset);
	libc_in_fake--;
	return result;
}

int __wrap_vasprintf(char **text, const char *format, va_list arguments)
{
	return no_memory() ? -1 : __real_vasprintf(text, format, arguments);
}

int __wrap_asprintf(char **text, const char *format, ...)
{
	va_list arguments;
	int result;

	va_start(arguments, format);
	result = __wrap_vasprintf(text, format, arguments);
	va_end(arguments);
	return result;
}

FILE *__wrap_open_memstream(char **text, size_t *size)
{
	return no_memory() ? NULL : __real_open_memstream(text, size);
}

/* What is looked up of the host itself may be missing: see __wrap_fopen(). */
static inline bool open_fails(const char *path)
{
	return strncmp(path, "/sys/", 5) != 0 && libc_fails_on("open", path);
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	return open_fails(path) ? -1 : __real_open(path, flags, mode);
}

int __wrap_openat(int folder, const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	return open_fails(path) ? -1 : __real_openat(folder, path, flags, mode);
}

DIR *__wrap_opendir(const char *path)
{
	return strncmp(path, "/sys/", 5) != 0 && libc_fails_on("opendir", path)
		       ? NULL
		       : __real_opendir(path);
}

char *__wrap_realpath(const char *path, char *whole)
{
	return libc_fails_on("realpath", path) ? NULL : __real_realpath(path, whole);
}

int __wrap_fstat(int fd, struct stat *status)
{
	return libc_fails("fstat") ? -1 : __real_fstat(fd, status);
}

ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset)
{
	return libc_fails("pread") ? -1 : __real_pread(fd, data, size, offset);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	return libc_fails_on("mkdir", path) ? -1 : __real_mkdir(path, mode);
}

int __wrap_symlink(const char *target, const char *path)
{
	return libc_fails_on("symlink", path) ? -1 : __real_symlink(target, path);
}

int __wrap_fchmod(int fd, mode_t mode)
{
	return libc_fails("fchmod") ? -1 : __real_fchmod(fd, mode);
}

int __wrap_epoll_create1(int flags)
{
	return libc_fails("epoll_create1") ? -1 : __real_epoll_create1(flags);
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *time, struct itimerspec *old)
{
	return libc_fails("timerfd_settime") ? -1 : __real_timerfd_settime(fd, flags, time, old);
}

int __wrap_signalfd(int fd, const sigset_t *signals, int flags)
{
	return libc_fails("signalfd") ? -1 : __real_signalfd(fd, signals, flags);
}

int __wrap_socket(int domain, int type, int protocol)
{
	return libc_fails("socket") ? -1 : __real_socket(domain, type, protocol);
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size)
{
	return libc_fails("bind") ? -1 : __real_bind(fd, address, size);
}

int __wrap_listen(int fd, int backlog)
{
	return libc_fails("listen") ? -1 : __real_listen(fd, backlog);
}

int __wrap_posix_openpt(int flags)
{
	return libc_fails("posix_openpt") ? -1 : __real_posix_openpt(flags);
}

int __wrap_pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t *set)
{
	return libc_fails("pthread_setaffinity_np")
		       ? errno
		       : __real_pthread_setaffinity_np(thread, size, set);
}

int __wrap_sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
	return libc_fails("sched_setaffinity") ? -1 : __real_sched_setaffinity(pid, size, set);
}

int __wrap_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	return libc_fails("sched_getaffinity") ? -1 : __real_sched_getaffinity(pid, size, set);
}

int __wrap_getrlimit(int resource, struct rlimit *limit)
{
	return libc_fails("getrlimit") ? -1 : __real_getrlimit(resource, limit);
}

#endif
