/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading an option ROM, from a file or the device, into memory of a size that a BAR can have. */

#include "vfio/pci/rom.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/fd.h"
#include "vmm/base/files.h"
#include "vmm/base/log.h"
#include "vmm/base/page.h"

static const uint64_t size_max = 16 * MIB;

/* A guest's write waits for the copy, and so does whoever wants the device meanwhile. */
enum { ROM_COPY_MS = 30000 };

static int rom_open_file(const char *path, int given, uint64_t *size, struct err *err)
{
	struct stat status;
	int fd = fd_open_input(path, given), rc;

	if (fd < 0)
		return err_set(err, fd, "option ROM %s: %s", path, err_text(fd));
	rc = files_stat(fd, &status);
	if (rc) {
		err_set(err, rc, "option ROM %s: its size cannot be had: %s", path, err_text(rc));
		goto close_fd;
	}
	if (!S_ISREG(status.st_mode)) {
		err_set(err, -EINVAL, "option ROM %s: it is not a file", path);
		goto close_fd;
	}
	*size = (uint64_t)status.st_size;
	if (*size >= 1 && *size <= size_max)
		return fd;
	err_set(err, -EFBIG, "option ROM %s: %lld bytes: it must have 1 byte to 16 MiB", path,
		(long long)status.st_size);
close_fd:
	fd_close(&fd);
	return err->code;
}

static int rom_fill(struct vfio_rom *rom, int fd, uint64_t size, const char *path, struct err *err)
{
	uint8_t *bytes = rom->host;
	int rc = fd_read_at(fd, bytes, size, 0);

	if (rc)
		return err_set(err, rc, "option ROM %s: %s", path, err_text(rc));
	memset(bytes + size, 0xff, rom->size - size);
	/* PCI Firmware 3.0 5.1.1. */
	if (load_le16(bytes) != 0xaa55)
		log_warn("option ROM %s: it does not begin with 55 AA: a guest will not take it "
			 "for one",
			 path);
	return 0;
}

int vfio_rom_reserve(struct vfio_rom *rom, uint64_t size)
{
	uint64_t rounded = round_up_power_of_2(size < host_page_size() ? host_page_size() : size);
	void *host =
		mmap(NULL, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (host == MAP_FAILED)
		return -errno;
	*rom = (struct vfio_rom){.host = host, .size = rounded};
	return 0;
}

int vfio_rom_copy(struct vfio_rom *rom, struct vfio_backend *backend,
		  const struct vfio_region *region)
{
	const unsigned int piece = 64 * KIB;
	const int64_t until = clock_now_ms() + ROM_COPY_MS;
	uint8_t *bytes = rom->host;
	int rc = 0;

	memset(bytes, 0xff, rom->size);
	for (uint64_t at = 0; at < region->info.size && !rc; at += piece) {
		uint64_t left = region->info.size - at;
		unsigned int size = left < piece ? (unsigned int)left : piece;

		rc = backend->ops->read(backend, &region->info, at, bytes + at, size);
		if (rc < 0)
			memset(bytes + at, 0xff, size);
		else
			rc = clock_now_ms() < until ? 0 : -ETIMEDOUT;
	}
	/* What does not decode may be answered all ones in place of an error. */
	return !rc && load_le16(bytes) == 0xffff ? -ENODATA : rc;
}

int vfio_rom_load(const char *path, int given, struct vfio_rom *rom, struct err *err)
{
	uint64_t size = 0;
	int fd = rom_open_file(path, given, &size, err), rc;

	if (fd < 0)
		return fd;
	rc = vfio_rom_reserve(rom, size);
	if (rc)
		err_set(err, rc, "option ROM %s: %s", path, err_text(rc));
	else
		rc = rom_fill(rom, fd, size, path, err);
	fd_close(&fd);
	if (rc)
		vfio_rom_release(rom);
	return rc;
}

void vfio_rom_release(struct vfio_rom *rom)
{
	if (rom->host)
		munmap(rom->host, rom->size);
	*rom = (struct vfio_rom){0};
}
