/* SPDX-License-Identifier: BSD-3-Clause */
/* Who on the host holds a device's BARs, by the kernel's lists of memory and ports. */

#include "vfio/host/claim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/files.h"

/* The names under which the kernel's drivers for the firmware's display hold its memory. */
static const struct framebuffer {
	const char *name;
	const char *argument; /* of the kernel, so that it is not there at all */
	const char
		*driver; /* of the platform device that holds it; NULL: it holds it without one */
} framebuffers[] = {
	{"efifb", "video=efifb:off", "efi-framebuffer"},
	{"efidrm", "initcall_blacklist=sysfb_init", "efi-framebuffer"},
	{"vesafb", "initcall_blacklist=sysfb_init", "vesa-framebuffer"},
	{"vesadrm", "initcall_blacklist=sysfb_init", "vesa-framebuffer"},
	{"BOOTFB", "initcall_blacklist=sysfb_init", NULL},
	{"simplefb", "initcall_blacklist=sysfb_init", NULL},
	{"simpledrm", "initcall_blacklist=sysfb_init", NULL},
	{"simple-framebuffer", "initcall_blacklist=sysfb_init", NULL},
};

static const struct framebuffer *claim_framebuffer(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(framebuffers); i++)
		if (strcmp(framebuffers[i].name, name) == 0)
			return &framebuffers[i];
	return NULL;
}

/*
 * A driver of the host's takes its own claims with it, whatever their names; a display's has put
 * the framebuffer out by then, so that one which is still there stays.
 */
static bool claim_stands(const char *name, const char *driver)
{
	if (driver[0] && !vfio_driver_is_harmless(driver))
		return claim_framebuffer(name);
	return !vfio_driver_is_vfio(name) && strcmp(name, driver) != 0;
}

/* "  e0000000-e02fffff : efifb", two blanks deeper for each range that it lies in. */
static bool claim_parse(const char *line, size_t *depth, struct vfio_claim *claim)
{
	*depth = strspn(line, " ");
	return sscanf(line, "%" SCNx64 "-%" SCNx64 " : %63[^\n]", &claim->first, &claim->last,
		      claim->name) == 3;
}

static bool claim_find_bar(const char *proc, const struct vfio_sysfs_device *device,
			   const char *driver, unsigned int bar, struct vfio_claim *claim)
{
	const struct vfio_resource *resource = &device->resources[bar];
	char path[PATH_MAX], line[256];
	bool inside = false, found = false;
	size_t depth, own = 0;
	FILE *file;

	*claim = (struct vfio_claim){.bar = bar};
	snprintf(path, sizeof(path), "%s/%s", proc, resource->io ? "ioports" : "iomem");
	file = resource->size ? files_open(path) : NULL;
	while (file && !found && fgets(line, sizeof(line), file)) {
		if (!claim_parse(line, &depth, claim))
			continue;
		if (!inside) {
			inside = claim->first == resource->start &&
				 claim->last - claim->first == resource->size - 1 &&
				 strcmp(claim->name, device->address) == 0;
			own = depth;
			continue;
		}
		if (depth <= own)
			break;
		found = claim_stands(claim->name, driver);
	}
	if (file)
		fclose(file);
	return found;
}

bool vfio_claim_find(const char *proc, const struct vfio_sysfs_device *device, const char *driver,
		     struct vfio_claim *claim)
{
	for (unsigned int bar = 0; bar < PCI_BARS; bar++)
		if (claim_find_bar(proc, device, driver, bar, claim))
			return true;
	return false;
}

void vfio_claim_tell(const struct vfio_claim *claim, char *text, size_t size)
{
	snprintf(text, size, "BAR %u is held by %s (0x%" PRIx64 "-0x%" PRIx64 ")%s", claim->bar,
		 claim->name, claim->first, claim->last,
		 claim_framebuffer(claim->name) ? ", the display of the host's start" : "");
}

void vfio_claim_mend(const struct vfio_claim *claim, char *text, size_t size)
{
	const struct framebuffer *framebuffer = claim_framebuffer(claim->name);

	if (!framebuffer)
		snprintf(text, size, "end on the host what has it as %s", claim->name);
	else if (!framebuffer->driver)
		snprintf(text, size, "start the host with %s", framebuffer->argument);
	else
		snprintf(text, size,
			 "start the host with %s, or `echo %s.0 > "
			 "/sys/bus/platform/drivers/%s/unbind`",
			 framebuffer->argument, framebuffer->driver, framebuffer->driver);
}

int vfio_claim_refuse(const char *proc, const struct vfio_sysfs_device *device, unsigned int bar,
		      struct err *err)
{
	struct vfio_claim claim;
	char who[160], mend[256];

	if (!claim_find_bar(proc, device, "vfio-pci", bar, &claim))
		return err_set(err, -EBUSY,
			       "passthrough device %s: BAR %u is held by something on the host, so "
			       "that VFIO does not get it: as root, ferry doctor %s names it (the "
			       "display of the host's start most often: video=efifb:off or "
			       "initcall_blacklist=sysfb_init keeps it away)",
			       device->address, bar, device->address);
	vfio_claim_tell(&claim, who, sizeof(who));
	vfio_claim_mend(&claim, mend, sizeof(mend));
	return err_set(err, -EBUSY,
		       "passthrough device %s: %s, so that VFIO does not get it: as root: %s",
		       device->address, who, mend);
}
