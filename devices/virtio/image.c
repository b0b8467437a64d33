/* SPDX-License-Identifier: BSD-3-Clause */
/* The file or block device behind a disk: opened, locked, measured. Raw bytes and nothing else. */

#include "devices/virtio/image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"

/*
 * The bytes that QEMU locks for reading, one for each thing that somebody does with an image, and
 * one for each that they do not let others do. Who wants to do something looks at the latter.
 */
enum { BYTE_DOES = 100, BYTE_KEEPS_FROM = 200 };
enum { LOCK_TRIES = 10, GIVEN_NAME_MAX = 32 };
enum { BYTE_READ = 0, BYTE_WRITE = 1, BYTE_RESIZE = 3 };

/* What begins as these do is no raw image, or hardly ever; each is a driver of QEMU's. */
static const struct {
	const char *format;
	unsigned int offset;
	const char *magic;
	size_t size;
} image_formats[] = {
	{"qcow", 0, "QFI\xfb\0\0\0\1", 8},
	{"qcow2", 0, "QFI\xfb", 4},
	{"vmdk", 0, "KDMV", 4},
	{"vmdk", 0, "COWD", 4},
	{"vmdk", 0, "# Disk DescriptorFile", 21},
	{"vdi", 64, "\x7f\x10\xda\xbe", 4},
	{"vhdx", 0, "vhdxfile", 8},
	{"vpc", 0, "conectix", 8},
	{"qed", 0, "QED\0", 4},
	{"parallels", 0, "WithoutFreeSpace", 16},
	{"parallels", 0, "WithouFreSpacExt", 16},
};

const char *image_find_format(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(image_formats); i++)
		if (range_fits(image_formats[i].offset, image_formats[i].size, size) &&
		    memcmp(bytes + image_formats[i].offset, image_formats[i].magic,
			   image_formats[i].size) == 0)
			return image_formats[i].format;
	return NULL;
}

static int image_check_format(const struct image *image, const struct image_config *config,
			      struct err *err)
{
	uint8_t bytes[512] = {0};
	ssize_t n = pread(image->fd, bytes, sizeof(bytes), 0);
	const char *format;

	if (n < 0)
		return err_set(err, -errno, "reading its beginning: %s", err_text(errno));
	format = config->raw ? NULL : image_find_format(bytes, (size_t)n);
	if (!format)
		return 0;
	return err_set(
		err, -EINVAL,
		"it is a %s image: add ,format=%s, and qemu-storage-daemon is started for it; or "
		",raw for a guest that is to see these very bytes",
		format, format);
}

/* By which a file that somebody else has opened is opened anew. */
static const char *image_name_given(const struct image_config *config, char name[GIVEN_NAME_MAX])
{
	snprintf(name, GIVEN_NAME_MAX, "/proc/self/fd/%d", config->fd);
	return name;
}

static int image_set_lock(int fd, int byte)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	return fcntl(fd, F_OFD_SETLK, &lock) ? -errno : 0;
}

/* The one whose locks they are. */
static int image_locked_fd(const struct image *image)
{
	return image->lock_fd >= 0 ? image->lock_fd : image->fd;
}

/* The file may stay open for longer than its descriptor: the kernel takes its time with a ring. */
static void image_unlock(int fd)
{
	struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	(void)fcntl(fd, F_OFD_SETLK, &lock);
}

/* Whether somebody else has @byte locked; a negative errno when that cannot be told. */
static int image_is_locked(int fd, int byte)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

	return fcntl(fd, F_OFD_GETLK, &lock) ? -errno : lock.l_type != F_UNLCK;
}

/* 1 when somebody else does what we do not let, or does not let what we do. */
static int image_lock_bytes(int fd, bool readonly)
{
	const int ours[] = {BYTE_DOES + BYTE_READ, BYTE_KEEPS_FROM + BYTE_WRITE,
			    BYTE_KEEPS_FROM + BYTE_RESIZE, BYTE_DOES + BYTE_WRITE};
	const int theirs[] = {BYTE_KEEPS_FROM + BYTE_READ, BYTE_DOES + BYTE_WRITE,
			      BYTE_DOES + BYTE_RESIZE, BYTE_KEEPS_FROM + BYTE_WRITE};
	size_t count = ARRAY_SIZE(ours) - readonly;
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++)
		rc = image_set_lock(fd, ours[i]);
	for (size_t i = 0; i < count && !rc; i++)
		rc = image_is_locked(fd, theirs[i]);
	return rc;
}

/* A monitor that was killed has it for a moment still, for the same reason. */
static int image_lock_in_time(int fd, bool readonly)
{
	const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
	int rc = image_lock_bytes(fd, readonly);

	for (unsigned int tries = 0; rc == 1 && tries < LOCK_TRIES; tries++) {
		image_unlock(fd);
		nanosleep(&pause, NULL);
		rc = image_lock_bytes(fd, readonly);
	}
	return rc;
}

/*
 * Locks are an open file's: who else has been given the same one would have them as well, and so
 * it is opened anew for them. Reading is enough for that.
 */
static void image_open_to_lock(struct image *image, const struct image_config *config)
{
	char given[GIVEN_NAME_MAX];

	image->lock_fd = open(image_name_given(config, given), O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (image->lock_fd < 0)
		log_warn("disk %s: it cannot be opened anew to be locked: %s: see to it that no "
			 "other monitor has been given the same",
			 config->path, err_text(errno));
}

static int image_lock(struct image *image, const struct image_config *config, struct err *err)
{
	int rc;

	if (config->fd)
		image_open_to_lock(image, config);
	rc = image_lock_in_time(image_locked_fd(image), config->readonly);

	if (rc == 1)
		return err_set(err, -EBUSY, "another monitor has it%s: end that one%s",
			       config->readonly ? " and writes to it" : "",
			       config->readonly ? ""
						: ", or add ,readonly here and there: several may "
						  "read it");
	if (rc)
		log_warn("disk %s: it cannot be locked: %s: see to it that nobody else writes to "
			 "it",
			 config->path, err_text(rc));
	return 0;
}

static int image_open_file(const struct image_config *config, const char *path, int more,
			   struct err *err)
{
	int flags = (config->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | more;
	int fd = open(path, flags);

	if (fd >= 0)
		return fd;
	if (more & O_EXCL && errno == EBUSY)
		return err_set(err, -errno,
			       "the host uses it: unmount it, or end who else has it, or add "
			       ",readonly");
	if (more & O_DIRECT && errno == EINVAL)
		return err_set(err, -errno, "its file system has no direct I/O: leave ,direct out");
	return err_set(err, -errno, "%s%s", err_text(errno),
		       !config->readonly && (errno == EACCES || errno == EROFS)
			       ? ": add ,readonly if it is only to be read"
			       : "");
}

/* What was opened by somebody else is so as they have it, and may be theirs as well. */
static int image_check_given(int fd, struct err *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return err_set(err, -errno, "%s", err_text(errno));
	if (flags & (O_APPEND | O_DIRECT | O_NONBLOCK))
		return err_set(err, -EINVAL,
			       "it is open with O_APPEND, O_DIRECT or O_NONBLOCK: open it without");
	return 0;
}

static int image_check_kind(const struct image *image, struct stat *status, struct err *err)
{
	if (fstat(image->fd, status))
		return err_set(err, -errno, "%s", err_text(errno));
	if (!S_ISREG(status->st_mode) && !S_ISBLK(status->st_mode))
		return err_set(err, -EINVAL, "it is neither a file nor a block device");
	return 0;
}

static int image_take_given(struct image *image, const struct image_config *config,
			    struct stat *status, struct err *err)
{
	int rc;

	image->fd = config->fd;
	rc = image_check_kind(image, status, err);
	return rc ? rc : image_check_given(image->fd, err);
}

/*
 * Of a FIFO's other end nobody is waited for; later a request must wait, not fail. A block device
 * that the host uses, a file system of which is mounted say, cannot be had to write to (O_EXCL).
 */
static int image_open_plain(struct image *image, const struct image_config *config,
			    struct stat *status, struct err *err)
{
	int rc;

	image->fd = image_open_file(config, config->path,
				    O_NONBLOCK | (config->readonly ? 0 : O_EXCL), err);
	if (image->fd < 0)
		return image->fd;
	rc = image_check_kind(image, status, err);
	if (rc)
		return rc;
	if (fcntl(image->fd, F_SETFL, 0))
		return err_set(err, -errno, "%s", err_text(errno));
	return 0;
}

static int image_open_direct(struct image *image, const struct image_config *config,
			     const struct stat *status, struct err *err)
{
	char given[GIVEN_NAME_MAX];
	const char *path = config->fd ? image_name_given(config, given) : config->path;
	struct stat again;

	image->direct_fd = image_open_file(config, path, O_DIRECT, err);
	if (image->direct_fd < 0)
		return config->fd ? err_prefix(err, "opening it anew for ,direct")
				  : image->direct_fd;
	if (fstat(image->direct_fd, &again) || again.st_dev != status->st_dev ||
	    again.st_ino != status->st_ino)
		return err_set(err, -ESTALE, "it was another file a moment ago: start again");
	return 0;
}

/* What the host reads and writes at once: blocks of the device, or of the file system's. */
static int image_measure(struct image *image, const struct image_config *config,
			 const struct stat *status, struct err *err)
{
	uint64_t size = (uint64_t)status->st_size;
	unsigned int physical = 4096;
	int logical = 512;

	if (S_ISBLK(status->st_mode) &&
	    (ioctl(image->fd, BLKGETSIZE64, &size) || ioctl(image->fd, BLKSSZGET, &logical) ||
	     ioctl(image->fd, BLKPBSZGET, &physical)))
		return err_set(err, -errno, "its size: %s", err_text(errno));
	image->alignment = S_ISBLK(status->st_mode) ? (uint32_t)logical : 4096;
	image->block_size = config->block_size ? config->block_size : 512;
	if (!config->block_size && config->direct && S_ISBLK(status->st_mode) && logical == 4096)
		image->block_size = 4096;
	image->physical_block_size = is_power_of_2(physical) ? physical : 4096;
	image->size = align_down(size, image->block_size);
	if (image->size == 0)
		return err_set(err, -EINVAL, "it has %" PRIu64 " bytes, not one block of %u", size,
			       image->block_size);
	if (image->size != size)
		log_warn("disk %s: its last %" PRIu64 " bytes are no whole block of %u: the guest "
			 "does not see them",
			 config->path, size - image->size, image->block_size);
	return 0;
}

int image_open(struct image *image, const struct image_config *config, struct err *err)
{
	struct stat status;
	int rc;

	*image = (struct image){.fd = -1, .direct_fd = -1, .lock_fd = -1};
	if (config->fd)
		rc = image_take_given(image, config, &status, err);
	else
		rc = image_open_plain(image, config, &status, err);
	if (!rc && config->direct)
		rc = image_open_direct(image, config, &status, err);
	if (!rc)
		rc = image_check_format(image, config, err);
	if (!rc)
		rc = image_lock(image, config, err);
	if (!rc)
		rc = image_measure(image, config, &status, err);
	if (!rc)
		return 0;
	image_close(image);
	return err_prefix(err, "disk %s", config->path);
}

void image_close(struct image *image)
{
	fd_close(&image->direct_fd);
	if (image->fd >= 0)
		image_unlock(image_locked_fd(image));
	fd_close(&image->lock_fd);
	fd_close(&image->fd);
}
