/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user asked for by names of files: what is written is nothing else of the run's. */

#include <errno.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/config_private.h"

/* A file that an option names. */
struct config_file {
	const char *path;
	const char *option;
	const char *device; /* whose option it is; NULL: the run's */
	bool written;
};

struct config_files {
	size_t count;
	struct config_file list[3 + BOOT_INITRDS_MAX + 3 * CONFIG_VFIO_MAX + CONFIG_DISKS_MAX +
				CONFIG_VHOST_USER_MAX];
};

/* What somebody else has opened has no name here, and a node in /dev may be anything. */
static void files_add(struct config_files *files, const struct config_file *file, int fd)
{
	if (file->path && !fd && strncmp(file->path, "/dev/", 5) != 0)
		files->list[files->count++] = *file;
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
	for (size_t i = 0; i < config->disk_count; i++) {
		const struct image_config *image = &config->disks[i].disk.image;

		files_add(files,
			  &(struct config_file){image->path, "--disk", NULL, !image->readonly}, 0);
	}
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
	return err_set(err, -EINVAL,
		       "%s%s%s: %.200s: it is written to, and %s%s%s has it too: give it a file of "
		       "its own",
		       file->option, file->device ? " of " : "", file->device ? file->device : "",
		       file->path, other->option, other->device ? " of " : "",
		       other->device ? other->device : "");
}

int config_check_files(const struct config *config, struct err *err)
{
	struct config_files files = {0};

	files_collect(&files, config);
	for (size_t i = 0; i < files.count; i++)
		for (size_t other = 0; other < files.count; other++)
			if (i != other && files.list[i].written &&
			    strcmp(files.list[i].path, files.list[other].path) == 0)
				return files_refuse(&files.list[i], &files.list[other], err);
	if (config->gdb && config->control && strcmp(config->gdb, config->control) == 0)
		return err_set(err, -EINVAL, "--control %s: --gdb has it too: give another path",
			       config->control);
	return 0;
}
