/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A command line of `ferry run` whose arguments are anything, one a line of the input, and the file
 * of options that they may name.
 */

#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/input.h"

#include "vmm/base/bits.h"
#include "vmm/config.h"

enum { ARGUMENTS_MAX = 64 };

int log_parse_level(const char *text, enum log_level *level)
{
	*level = LOG_INFO;
	return strcmp(text, "info") == 0 ? 0 : -1;
}

void log_set_level(enum log_level level)
{
	require(level == LOG_INFO);
}

static void check_device(const struct vfio_device_config *device)
{
	require(device->path && device->path[0]);
	require(!device->names || device->trace);
	require(!device->fd || device->via == VFIO_VIA_IOMMUFD);
}

/* What a machine may be built from. */
static void check(const struct config *config)
{
	require(config->kernel || config->dump_acpi || config->dump_fdt);
	require(config->cpus >= 1 && config->cpus <= PLATFORM_CPUS_MAX);
	require(config->memory > 0 && is_aligned(config->memory, 4096));
	require(config->page_size == 0 || config->page_size == 2 * MIB || config->page_size == GIB);
	require(config->initrd_count <= BOOT_INITRDS_MAX);
	require(config->vfio_count <= CONFIG_VFIO_MAX && config->slots <= CONFIG_SLOTS_MAX);
	require(is_aligned(config->slot_memory, MIB) && is_aligned(config->slot_prefetch, MIB));
	for (size_t i = 0; i < config->initrd_count; i++)
		require(config->initrds[i]);
	for (size_t i = 0; i < config->vfio_count; i++)
		check_device(&config->vfio[i]);
}

/* Behind the arguments and a byte of zero is the text of the one file that there is. */
static const char *make_file(const uint8_t *text, size_t size)
{
	static char name[32];
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("options", MFD_CLOEXEC);
	require(fd >= 0 && !ftruncate(fd, 0) && pwrite(fd, text, size, 0) == (ssize_t)size);
	snprintf(name, sizeof(name), "@/proc/self/fd/%d", fd);
	return name;
}

/* No other file is opened; a descriptor that is named is looked at. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *rest = text, *argv[ARGUMENTS_MAX + 1];
	char run[] = "run", file[32];
	size_t length = strnlen((const char *)data, size);
	unsigned int descriptors;
	enum config_action action;
	struct config config;
	struct err err = {0};
	int argc = 0, rc;

	require(text);
	memcpy(text, data, length);
	text[length] = '\0';
	length += length < size;
	strcpy(file, make_file(data + length, size - length));
	descriptors = open_descriptors();
	argv[argc++] = run;
	while (rest && argc < ARGUMENTS_MAX) {
		char *word = strsep(&rest, "\n");

		argv[argc++] = word[0] == '@' && word[1] ? file : word;
	}
	argv[argc] = NULL;
	rc = config_parse(&config, argc, argv, &action, &err);
	require(rc ? rc < 0 && err.code == rc && err.text[0] : true);
	if (!rc && action == CONFIG_RUN)
		check(&config);
	config_release(&config);
	free(text);
	require(open_descriptors() == descriptors);
	return 0;
}
