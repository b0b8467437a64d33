/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a device was bound to before `ferry bind`, kept in /run/ferry/ADDR until it is given back:
 * also for a command that goes on where one was ended half way.
 */

#include "vmm/tools/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/log.h"

/* No driver's name. */
static const char any_driver[] = "*";

enum { RECORD_TEXT = 2 * VFIO_DRIVER_SIZE + 64 };

/* The folder as a descriptor, if nobody else can have put anything into it. */
static int record_open_folder(const char *folder, bool create)
{
	char path[PATH_MAX];
	struct stat status = {0};
	int fd;

	if (snprintf(path, sizeof(path), "%s/ferry", folder) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (create && mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
	    !(status.st_mode & (S_IWGRP | S_IWOTH)))
		return fd;
	fd_close(&fd);
	return status.st_uid == 0 && geteuid() != 0 ? -EACCES : -EPERM;
}

static const char *record_folder_advice(int code)
{
	switch (code) {
	case -EPERM:
		return ": the folder must be root's, and writable by no one else";
	case -EACCES:
		return ": be root";
	default:
		return "";
	}
}

static int record_take_lock(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		log_notice("another ferry bind or unbind is at work: waiting for its end");
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int record_lock(const char *folder, struct err *err)
{
	int directory = record_open_folder(folder, true), fd = directory, rc;

	if (directory >= 0)
		fd = openat(directory, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (directory >= 0 && fd < 0)
		fd = -errno;
	rc = fd < 0 ? fd : record_take_lock(fd);
	fd_close(&directory);
	if (!rc)
		return fd;
	fd_close(&fd);
	return err_set(err, rc, "%s/ferry/lock: %s%s", folder, err_text(rc),
		       record_folder_advice(rc));
}

/* On a disk as on a tmpfs: the text, then its name. */
static int record_write_whole(int fd, int folder, const char *text, const char *name,
			      const char *address)
{
	int rc = fd_write_all(fd, text, strlen(text));

	if (!rc && fsync(fd) < 0)
		rc = -errno;
	if (!rc && renameat(folder, name, folder, address) < 0)
		rc = -errno;
	if (!rc && fsync(folder) < 0)
		rc = -errno;
	return rc;
}

static int record_write(int folder, const char *address, const struct record *record)
{
	char name[VFIO_ADDRESS_SIZE + 8], text[RECORD_TEXT];
	int fd, rc;

	snprintf(name, sizeof(name), "%s.new", address);
	unlinkat(folder, name, 0);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	snprintf(text, sizeof(text), "driver %s\noverride %s\ndevice %04x:%04x\n",
		 record->any ? any_driver : record->driver, record->override, record->vendor,
		 record->device);
	rc = record_write_whole(fd, folder, text, name, address);
	fd_close(&fd);
	if (rc)
		unlinkat(folder, name, 0);
	return rc;
}

int record_save(const char *folder, const char *address, const struct record *record,
		struct err *err)
{
	int fd = record_open_folder(folder, true);
	int rc = fd < 0 ? fd : record_write(fd, address, record);

	fd_close(&fd);
	if (!rc)
		return 0;
	return err_set(err, rc, "%s: its driver cannot be remembered in %s/ferry: %s%s", address,
		       folder, err_text(rc), record_folder_advice(rc));
}

/* The value of "@key value", which must be a name and no path; "" is one too. */
static bool record_take(const char *line, const char *key, char *value)
{
	size_t length = strlen(key);

	if (strncmp(line, key, length) != 0 || line[length] != ' ')
		return false;
	line += length + 1;
	length = strcspn(line, "\n");
	if (length >= VFIO_DRIVER_SIZE || line[length] != '\n' || memchr(line, '/', length) ||
	    line[0] == '.' || line[0] == '-')
		return false;
	memcpy(value, line, length);
	value[length] = '\0';
	return true;
}

/* 0, -EINVAL, or -ENOENT when it is another device's. */
static int record_parse(const char *text, const struct vfio_host_device *device,
			struct record *record)
{
	const char *second = strchr(text, '\n'), *third = second ? strchr(second + 1, '\n') : NULL;
	unsigned int vendor, id;

	if (!third || !record_take(text, "driver", record->driver) ||
	    !record_take(second + 1, "override", record->override) ||
	    sscanf(third + 1, "device %4x:%4x", &vendor, &id) != 2)
		return -EINVAL;
	record->any = strcmp(record->driver, any_driver) == 0;
	if (record->any)
		record->driver[0] = '\0';
	record->vendor = (uint16_t)vendor;
	record->device = (uint16_t)id;
	return vendor == device->vendor && id == device->device ? 0 : -ENOENT;
}

int record_load(const char *folder, const struct vfio_host_device *device, struct record *record)
{
	int directory = record_open_folder(folder, false), fd;
	char text[RECORD_TEXT] = "";
	ssize_t length;

	if (directory < 0)
		return directory;
	fd = openat(directory, device->sysfs.address, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	length = fd < 0 ? -errno : read(fd, text, sizeof(text) - 1);
	fd_close(&directory);
	fd_close(&fd);
	return length < 0 ? (int)length : record_parse(text, device, record);
}

int record_remove(const char *folder, const char *address)
{
	int fd = record_open_folder(folder, false), rc = fd < 0 ? fd : 0;

	if (fd >= 0 && unlinkat(fd, address, 0) < 0)
		rc = -errno;
	fd_close(&fd);
	return rc == -ENOENT ? 0 : rc;
}
