/* SPDX-License-Identifier: BSD-3-Clause */
/* A file that guest RAM is made of: one that others opened, or a memfd for others to map. */

#include "memory/ram_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/page.h"

/* Pages of other file systems may have to be written back, and so cannot stay pinned for DMA. */
static int ram_file_check_kind(int fd, const struct stat *status, struct ram_file *file,
			       struct err *err)
{
	struct statfs system;

	if (S_ISREG(status->st_mode) && fstatfs(fd, &system) == 0) {
		if (system.f_type == HUGETLBFS_MAGIC)
			file->page_size = (uint64_t)system.f_bsize;
		if (system.f_type == HUGETLBFS_MAGIC || system.f_type == TMPFS_MAGIC)
			return 0;
	}
	return err_set(err, -EINVAL,
		       "it is no memory: it takes a memfd, or a file of tmpfs or hugetlbfs");
}

/* memfd_create(2), fcntl(2): what is no memfd has no seals. */
static int ram_file_check_access(int fd, struct err *err)
{
	int seals = fcntl(fd, F_GET_SEALS), rc = fd_check_access(fd, O_RDWR, err);

	if (rc)
		return rc;
	if (seals > 0 && seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return err_set(err, -EINVAL,
			       "it is sealed against writing (F_SEAL_WRITE): the guest writes to "
			       "it: seal it against shrinking alone, if at all");
	return 0;
}

static int ram_file_check_size(const struct ram_file *file, struct err *err)
{
	uint64_t page_size = file->page_size ? file->page_size : host_page_size();

	if (!file->size)
		return err_set(err, -EINVAL,
			       "it is empty: who opens it gives it the size that guest memory is "
			       "to have (ftruncate)");
	if (!is_aligned(file->size, page_size))
		return err_set(err, -EINVAL,
			       "it has %" PRIu64 " bytes, not a multiple of its page size, %" PRIu64
			       " KiB",
			       file->size, page_size / KIB);
	return 0;
}

int ram_file_check(int fd, struct ram_file *file, struct err *err)
{
	struct stat status;
	int rc;

	*file = (struct ram_file){0};
	if (fstat(fd, &status))
		return err_set(err, -EINVAL, "%s", err_text(errno));
	file->size = status.st_size > 0 ? (uint64_t)status.st_size : 0;
	file->held = (uint64_t)status.st_blocks * 512;
	rc = ram_file_check_kind(fd, &status, file, err);
	if (!rc)
		rc = ram_file_check_access(fd, err);
	return rc ? rc : ram_file_check_size(file, err);
}

int ram_file_seal(int fd, uint64_t size, struct err *err)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat status;

	if (seals < 0 || (!(seals & F_SEAL_SHRINK) && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK)))
		log_info("guest memory: fd=%d takes no seal against shrinking: who else has it "
			 "open must leave its size as it is",
			 fd);
	if (fstat(fd, &status))
		return err_set(err, -EINVAL, "guest memory: fd=%d: %s", fd, err_text(errno));
	if (status.st_size < 0 || (uint64_t)status.st_size < size)
		return err_set(err, -EINVAL,
			       "guest memory: fd=%d has shrunk from %" PRIu64 " KiB to %" PRIu64
			       " KiB since it was handed over: who else has it open must leave its "
			       "size as it is",
			       fd, size / KIB, (uint64_t)status.st_size / KIB);
	return 0;
}

/* Pages that vanish would be the end of who maps them. */
int ram_file_create(uint64_t size, uint64_t page_size)
{
	unsigned int flags = MFD_ALLOW_SEALING;
	int fd, rc = 0;

	if (page_size)
		flags |= MFD_HUGETLB | (unsigned int)__builtin_ctzll(page_size) << MFD_HUGE_SHIFT;
	fd = fd_create_memory("guest memory", flags);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)size) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		rc = -errno;
	if (rc)
		fd_close(&fd);
	return rc ? rc : fd;
}
