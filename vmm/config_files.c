/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user asked for by names of files: what is written is nothing else of the run's. */

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/config_private.h"

/* A file that an option names. */
struct config_file {
	const char *path;
	const char *option;
	const char *device; /* whose option it is; NULL: the run's */
	bool written;
};

/* Where it is: a file may have several names, by links and other ways to its folder. */
struct config_place {
	bool known;
	bool given; /* it is open already, and its path is none */
	dev_t device;
	ino_t inode; /* its own; where it is not there yet that of the folder it will be in */
	char name[NAME_MAX + 1]; /* there; empty: it is there */
};

enum {
	FILES_LINKS_MAX = 40, /* as many as the kernel follows (path_resolution(7)) */
	FILES_MAX = 3 + BOOT_INITRDS_MAX + 3 * CONFIG_VFIO_MAX + CONFIG_DISKS_MAX +
		    CONFIG_VHOST_USER_MAX
};

struct config_files {
	size_t count;
	struct config_file list[FILES_MAX];
	struct config_place places[FILES_MAX];
};

static void files_place(struct config_place *place, const struct stat *status)
{
	place->known = true;
	place->device = status->st_dev;
	place->inode = status->st_ino;
}

static void files_find_folder(const char *path, struct config_place *place)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char folder[PATH_MAX];
	struct stat status;

	if (snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(name - path) : 1,
		     slash ? path : ".") >= (int)sizeof(folder) ||
	    strlen(name) >= sizeof(place->name) || stat(folder, &status))
		return;
	files_place(place, &status);
	strcpy(place->name, name);
}

/* Puts what a link leads to in the place of @path, of PATH_MAX bytes; false: it is none. */
static bool files_follow(char *path)
{
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	const char *slash = strrchr(path, '/');
	size_t kept = length > 0 && *target != '/' && slash ? (size_t)(slash + 1 - path) : 0;

	if (length <= 0 || kept + (size_t)length >= PATH_MAX)
		return false;
	memcpy(path + kept, target, (size_t)length);
	path[kept + (size_t)length] = '\0';
	return true;
}

/* One that is not there yet will be where links lead that are. */
static void files_find_new(const char *path, struct config_place *place)
{
	char end[PATH_MAX];
	unsigned int links = 0;

	if (snprintf(end, sizeof(end), "%s", path) >= (int)sizeof(end))
		return;
	while (links < FILES_LINKS_MAX && files_follow(end))
		links++;
	if (links < FILES_LINKS_MAX)
		files_find_folder(end, place);
}

/* Nodes outside of /dev may be anything too. */
static void files_find(const char *path, struct config_place *place)
{
	struct stat status;

	if (stat(path, &status))
		files_find_new(path, place);
	else if (S_ISREG(status.st_mode))
		files_place(place, &status);
}

static bool files_are_one(const struct config_files *files, size_t one, size_t other)
{
	const struct config_place *place = &files->places[one], *second = &files->places[other];

	if (!place->given && !second->given &&
	    strcmp(files->list[one].path, files->list[other].path) == 0)
		return true;
	return place->known && second->known && place->device == second->device &&
	       place->inode == second->inode && strcmp(place->name, second->name) == 0;
}

/* What somebody else has opened has no name here, and a node in /dev may be anything. */
static void files_add(struct config_files *files, const struct config_file *file, int fd)
{
	if (!file->path || fd || strncmp(file->path, "/dev/", 5) == 0)
		return;
	files->places[files->count] = (struct config_place){0};
	files_find(file->path, &files->places[files->count]);
	files->list[files->count++] = *file;
}

/* But of a disk, which another option may have by its name, or by another number. */
static void files_add_given(struct config_files *files, const struct config_file *file, int fd)
{
	struct config_place *place = &files->places[files->count];
	struct stat status;

	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		return;
	*place = (struct config_place){.given = true};
	files_place(place, &status);
	files->list[files->count++] = *file;
}

static void files_add_disk(struct config_files *files, const struct image_config *image)
{
	const struct config_file file = {image->path, "--disk", NULL, !image->readonly};

	if (image->fd)
		files_add_given(files, &file, image->fd);
	else
		files_add(files, &file, 0);
}

static void files_add_device(struct config_files *files, const struct vfio_device_config *device)
{
	const char *whose = device->path;

	files_add(files, &(struct config_file){device->rom, "rom=", whose, false}, device->rom_fd);
	files_add(files, &(struct config_file){device->names, "names=", whose, false},
		  device->names_fd);
	files_add(files, &(struct config_file){device->trace, "trace=", whose, true},
		  device->trace_fd);
}

static void files_collect(struct config_files *files, const struct config *config)
{
	files_add(files, &(struct config_file){config->kernel, "KERNEL", NULL, false},
		  config->kernel_fd);
	for (size_t i = 0; i < config->initrd_count; i++)
		files_add(files, &(struct config_file){config->initrds[i], "--initrd", NULL, false},
			  config->initrd_fds[i]);
	for (size_t i = 0; i < config->vfio_count; i++)
		files_add_device(files, &config->vfio[i]);
	for (size_t i = 0; i < config->disk_count; i++)
		files_add_disk(files, &config->disks[i].disk.image);
	for (size_t i = 0; i < config->vhost_user_count; i++) {
		const struct service *service = &config->vhost_user[i].service;

		if (service->kind == SERVICE_IMAGE)
			files_add(files,
				  &(struct config_file){service->path, "--disk", NULL,
							!service->readonly},
				  0);
	}
	files_add(files, &(struct config_file){config->serial_path, "--serial file", NULL, true},
		  0);
	files_add(files, &(struct config_file){config->dump_fdt, "--dump-fdt", NULL, true}, 0);
}

static int files_refuse(const struct config_file *file, const struct config_file *other,
			struct err *err)
{
	bool renamed = strcmp(file->path, other->path) != 0;

	return err_set(err, -EINVAL,
		       "%s%s%s: %.200s: it is written to, and %s%s%s has it too%s%.200s: give it a "
		       "file of its own",
		       file->option, file->device ? " of " : "", file->device ? file->device : "",
		       file->path, other->option, other->device ? " of " : "",
		       other->device ? other->device : "", renamed ? ", as " : "",
		       renamed ? other->path : "");
}

int config_check_files(const struct config *config, struct err *err)
{
	struct config_files files;

	files.count = 0;
	files_collect(&files, config);
	for (size_t i = 0; i < files.count; i++)
		for (size_t other = 0; other < files.count; other++)
			if (i != other && files.list[i].written && files_are_one(&files, i, other))
				return files_refuse(&files.list[i], &files.list[other], err);
	if (config->gdb && config->control && strcmp(config->gdb, config->control) == 0)
		return err_set(err, -EINVAL, "--control %s: --gdb has it too: give another path",
			       config->control);
	return 0;
}
