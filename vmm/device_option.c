/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of one passed-through device: option ROM, trapped BARs, the way to it, traces. */

#include "vmm/device_option.h"

#include <errno.h>
#include <string.h>

#include "vfio/host/sysfs.h"
#include "vmm/base/bits.h"
#include "vmm/suboptions.h"

/* mmap=off is about all BARs, mmap=off:LIST about some. */
static int device_parse_mmap(struct vfio_device_config *device, const char *value, struct err *err)
{
	unsigned int bars[PCI_BARS];
	int count;

	device->trapped = (1U << PCI_BARS) - 1;
	if (strcmp(value, "off") == 0)
		return 0;
	count = strncmp(value, "off:", 4) == 0
			? suboptions_parse_list(value + 4, bars, ARRAY_SIZE(bars))
			: -EINVAL;
	device->trapped = 0;
	for (int i = 0; i < count; i++) {
		if (bars[i] >= PCI_BARS)
			count = -ERANGE;
		else
			device->trapped |= 1U << bars[i];
	}
	if (count < 0)
		return err_set(err, -EINVAL,
			       "mmap=%s: it takes off, or off:LIST with BARs from 0 to 5 such as "
			       "off:0:2-4",
			       value);
	return 0;
}

static int device_parse_via(struct vfio_device_config *device, const char *value, struct err *err)
{
	if (strcmp(value, "iommufd") == 0)
		device->via = VFIO_VIA_IOMMUFD;
	else if (strcmp(value, "group") == 0)
		device->via = VFIO_VIA_GROUP;
	else
		return err_set(err, -EINVAL, "via=%s: it takes iommufd or group", value);
	return 0;
}

static int device_parse_token(struct vfio_device_config *device, const char *value, struct err *err)
{
	if (!vfio_sysfs_is_uuid(value))
		return err_set(
			err, -EINVAL,
			"vf-token=%s: not a UUID such as 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
			value);
	device->vf_token = value;
	return 0;
}

/* How each is written that has a value. */
static const struct {
	const char *name, *form;
} device_forms[] = {
	{"rom", "rom=FILE, or rom=off"}, {"mmap", "mmap=off, or mmap=off:LIST"},
	{"via", "via=iommufd|group"},    {"vf-token", "vf-token=UUID"},
	{"trace", "trace=FILE"},         {"names", "names=TABLE"},
};

static const char *device_find_form(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(device_forms); i++)
		if (strcmp(device_forms[i].name, name) == 0)
			return device_forms[i].form;
	return NULL;
}

bool device_option_is_known(const char *name)
{
	return device_find_form(name);
}

static int device_refuse(const struct vfio_device_config *device, const char *name,
			 const char *value, struct err *err)
{
	const char *words =
		device->via == VFIO_VIA_USER ? DEVICE_PROGRAM_WORDS : DEVICE_OPTION_WORDS;
	const char *form = device_find_form(name);

	if (form)
		return err_set(err, -EINVAL, "'%s%s': a value is missing: it is %s", name,
			       value ? "=" : "", form);
	return err_set(err, -EINVAL, "'%s%s%s': unknown part: it takes port, %s", name,
		       value ? "=" : "", value ? value : "", words);
}

int device_option_take(struct vfio_device_config *device, const char *name, const char *value,
		       struct err *err)
{
	if (value && *value && strcmp(name, "rom") == 0) {
		device->no_rom = strcmp(value, "off") == 0;
		device->rom = device->no_rom ? NULL : value;
		return 0;
	}
	if (value && strcmp(name, "mmap") == 0)
		return device_parse_mmap(device, value, err);
	if (value && strcmp(name, "via") == 0)
		return device_parse_via(device, value, err);
	if (value && *value && strcmp(name, "vf-token") == 0)
		return device_parse_token(device, value, err);
	if (value && *value && strcmp(name, "trace") == 0) {
		device->trace = value;
		return 0;
	}
	if (value && *value && strcmp(name, "names") == 0) {
		device->names = value;
		return 0;
	}
	if (!value && strcmp(name, "port") == 0) {
		device->port = true;
		return 0;
	}
	return device_refuse(device, name, value, err);
}

int device_option_check(struct vfio_device_config *device, struct err *err)
{
	if (device->names && !device->trace)
		return err_set(err, -EINVAL, "names=%s: it is for trace=FILE, which is not given",
			       device->names);
	if (device->via == VFIO_VIA_USER)
		return 0;
	if (device->fd && device->via == VFIO_VIA_GROUP)
		return err_set(err, -EINVAL,
			       "%s: via=group: a character device goes by iommufd: leave via out",
			       device->path);
	if (device->fd)
		device->via = VFIO_VIA_IOMMUFD;
	return 0;
}
