/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of --disk. */

#include "vmm/disk_option.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/bits.h"

/* Those that say one thing by being there. */
static bool *disk_find_flag(struct disk_config *disk, const char *name)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{"readonly", &disk->image.readonly},
		{"direct", &disk->image.direct},
		{"raw", &disk->image.raw},
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (strcmp(flags[i].name, name) == 0)
			return flags[i].flag;
	return NULL;
}

static int disk_take_serial(struct disk_config *disk, const char *value, struct err *err)
{
	if (strlen(value) > DISK_SERIAL_MAX)
		return err_set(err, -EINVAL, "serial=%s: it is longer than %d bytes", value,
			       DISK_SERIAL_MAX);
	disk->serial = value;
	return 0;
}

static int disk_take_block_size(struct disk_config *disk, const char *value, struct err *err)
{
	unsigned int size;

	if (suboptions_parse_number(value, 512, 4096, &size) || (size != 512 && size != 4096))
		return err_set(err, -EINVAL, "block-size=%s: it takes 512 or 4096", value);
	disk->image.block_size = size;
	return 0;
}

static int disk_take_discard(struct disk_config *disk, const char *value, struct err *err)
{
	disk->discard = strcmp(value, "on") == 0;
	if (!disk->discard && strcmp(value, "off") != 0)
		return err_set(err, -EINVAL, "discard=%s: it takes on or off", value);
	return 0;
}

static int disk_take_value(struct disk_config *disk, const char *name, const char *value,
			   struct err *err)
{
	if (strcmp(name, "serial") == 0)
		return disk_take_serial(disk, value, err);
	if (strcmp(name, "block-size") == 0)
		return disk_take_block_size(disk, value, err);
	if (strcmp(name, "discard") == 0)
		return disk_take_discard(disk, value, err);
	/* Those of other formats are another program's. */
	if (strcmp(name, "format") == 0 && strcmp(value, "raw") == 0) {
		disk->image.raw = true;
		return 0;
	}
	if (strcmp(name, "queues") == 0 &&
	    suboptions_parse_number(value, 1, DISK_QUEUES_MAX, &disk->queues) == 0)
		return 0;
	if (strcmp(name, "queues") == 0)
		return err_set(err, -EINVAL, "queues=%s: it takes a number from 1 to %d", value,
			       DISK_QUEUES_MAX);
	return err_set(err, -EINVAL,
		       "'%s=%s': unknown part: it takes readonly, direct, serial=TEXT, queues=N, "
		       "block-size=512|4096, discard=on and raw",
		       name, value);
}

static int disk_take(struct disk_config *disk, const char *name, const char *value, struct err *err)
{
	bool *flag = disk_find_flag(disk, name);

	if (value && !flag)
		return disk_take_value(disk, name, value, err);
	if (!value && flag) {
		*flag = true;
		return 0;
	}
	return err_set(err, -EINVAL,
		       "'%s%s': it takes readonly, direct, serial=TEXT, queues=N, "
		       "block-size=512|4096, discard=on and raw",
		       name, value ? "=" : "");
}

int disk_option_parse(struct disk_config *disk, const struct suboptions *options, struct err *err)
{
	int rc = 0;

	*disk = (struct disk_config){.image.path = options->first, .queues = 1};
	if (*options->first == '\0')
		return err_set(err, -EINVAL, "empty: it takes a file or block device");
	for (size_t i = 0; i < options->count && !rc; i++)
		rc = disk_take(disk, options->item[i].name, options->item[i].value, err);
	if (!rc && disk->image.readonly && disk->discard)
		rc = err_set(err, -EINVAL,
			     "discard=on: a disk that is only read gives nothing up: leave it out");
	return rc;
}
