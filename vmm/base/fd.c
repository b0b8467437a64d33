/* SPDX-License-Identifier: BSD-3-Clause */
/* Owned file descriptors, and reads and writes that do not stop half way. */

#include "vmm/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int fd_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

/* The limit is the process's, and so is this. */
static atomic_int reserve = FD_RESERVE;

void fd_reserve(int count)
{
	atomic_fetch_add(&reserve, count);
}

/* RLIM_INFINITY: none, or it cannot be told. */
static rlim_t fd_ask_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) ? RLIM_INFINITY : limit.rlim_cur;
}

/* 0: it is asked for each time. */
static rlim_t noted_limit;

void fd_note_limit(void)
{
	noted_limit = fd_ask_limit();
}

/* The lowest that is free is given first: all below @fd, the newest, are in use. */
static bool fd_leaves_reserve(int fd, unsigned int more)
{
	rlim_t kept = (rlim_t)atomic_load(&reserve);
	rlim_t limit = noted_limit ? noted_limit : fd_ask_limit();

	if (limit == RLIM_INFINITY)
		return true;
	if (kept > limit / 2)
		kept = limit / 2;
	return (rlim_t)fd + more < limit - kept;
}

int fd_eventfd_for_guest(void)
{
	int fd = fd_eventfd();

	if (fd < 0 || fd_leaves_reserve(fd, 0))
		return fd;
	fd_close(&fd);
	return -EMFILE;
}

int fd_check_room(unsigned int count)
{
	int fd = fd_eventfd();
	bool room = fd >= 0 && fd_leaves_reserve(fd, count);

	fd_close(&fd);
	return room ? 0 : -EMFILE;
}

/* One of O_PATH has the mode of one to be read (open(2)). */
int fd_check_access(int fd, int access, struct err *err)
{
	static const char *const words[] = {
		[O_RDONLY] = "reading",
		[O_WRONLY] = "writing",
		[O_RDWR] = "reading and writing",
	};
	int flags = fcntl(fd, F_GETFL);
	int mode = flags & O_ACCMODE;

	if (flags >= 0 && !(flags & O_PATH) && (mode == O_RDWR || mode == access))
		return 0;
	return err_set(err, -EINVAL, "it is not open for %s", words[access]);
}

int fd_open_input(const char *path, int given)
{
	int fd = given ? fcntl(given, F_DUPFD_CLOEXEC, 0)
		       : open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int fd_output_again(int given)
{
	int fd = fcntl(given, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	(void)!fd_do_not_block(fd);
	return fd;
}

int fd_open_output(const char *path, int flags)
{
	int fd, all = O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags;

	do
		fd = open(path, all, 0666);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

const char *fd_output_text(int rc)
{
	return rc == -ENXIO ? "nobody reads there: start its reader first" : err_text(rc);
}

void fd_signal(int eventfd)
{
	uint64_t one = 1;

	while (write(eventfd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

bool fd_take(int eventfd)
{
	uint64_t count;
	ssize_t n;

	do {
		n = read(eventfd, &count, sizeof(count));
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(count);
}

bool fd_take_shared(int eventfd)
{
	uint64_t count;
	const struct iovec part = {&count, sizeof(count)};
	ssize_t n;

	do {
		n = preadv2(eventfd, &part, 1, -1, RWF_NOWAIT);
	} while (n < 0 && errno == EINTR);
	/* Before Linux 5.8, and under emulators of user mode: it may wait for who is quick. */
	if (n < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
		return fd_is_signalled(eventfd) && fd_take(eventfd);
	return n == (ssize_t)sizeof(count);
}

bool fd_is_signalled(int eventfd)
{
	struct pollfd polled = {.fd = eventfd, .events = POLLIN};

	return poll(&polled, 1, 0) == 1 && polled.revents & POLLIN;
}

int fd_do_not_block(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) ? -errno : 0;
}

enum { NOEXEC_SEAL = 0x0008 }; /* MFD_NOEXEC_SEAL of linux/memfd.h, from Linux 6.3 on */

int fd_create_memory(const char *name, unsigned int flags)
{
	/* A host may take no other (vm.memfd_noexec); before Linux 6.3 there is no such flag. */
	int fd = memfd_create(name, MFD_CLOEXEC | NOEXEC_SEAL | flags);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | flags);
	return fd < 0 ? -errno : fd;
}

bool fd_is_memory(int fd)
{
	return fd >= 0 && fcntl(fd, F_GET_SEALS) >= 0;
}

int fd_read_at(int fd, void *buffer, size_t size, uint64_t offset)
{
	char *bytes = buffer;

	while (size > 0) {
		ssize_t n = pread(fd, bytes, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		bytes += n;
		size -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int fd_write_all(int fd, const void *buffer, size_t size)
{
	const char *bytes = buffer;

	while (size > 0) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			struct pollfd wait = {.fd = fd, .events = POLLOUT};

			poll(&wait, 1, -1);
			continue;
		}
		if (n < 0)
			return -errno;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}
