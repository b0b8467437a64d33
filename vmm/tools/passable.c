/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a device can be handed to a guest, now or after `ferry bind`, or the reason why not. */

#include "vmm/tools/passable.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/host/claim.h"
#include "vmm/base/bits.h"

static void passable_say(struct passable *passable, enum passable_kind kind, const char *word,
			 const char *format, ...) FERRY_PRINTF(4, 5);

static void passable_say(struct passable *passable, enum passable_kind kind, const char *word,
			 const char *format, ...)
{
	va_list args;

	passable->kind = kind;
	snprintf(passable->word, sizeof(passable->word), "%s", word);
	va_start(args, format);
	vsnprintf(passable->reason, sizeof(passable->reason), format, args);
	va_end(args);
}

/* Those that have to change hands: the device unless it did, and who is in its way. */
static size_t passable_to_bind(const struct vfio_host_device *device,
			       const struct vfio_host_device *members, size_t count,
			       struct vfio_host_device *list)
{
	size_t listed = 0;

	if (!vfio_host_is_bound(device))
		list[listed++] = *device;
	for (size_t i = 0; i < count; i++)
		if (strcmp(members[i].sysfs.address, device->sysfs.address) != 0 &&
		    vfio_host_is_in_the_way(&members[i]))
			list[listed++] = members[i];
	return listed;
}

static void passable_judge_binding(const struct tool *tool, const struct vfio_host_device *device,
				   const struct vfio_host_device *list, size_t count,
				   struct passable *passable)
{
	const char *address = device->sysfs.address;
	const struct vfio_host_device *mate = &list[count - 1];
	bool alone = strcmp(mate->sysfs.address, address) == 0;
	struct inuse inuse;

	for (size_t i = 0; i < count; i++) {
		if (!list[i].bridge)
			continue;
		passable_say(passable, PASSABLE_NO, "no: bridge in its group",
			     "its IOMMU group has the bridge %s with driver %s, which stays",
			     list[i].sysfs.address, list[i].driver);
		return;
	}
	inuse_find(tool, list, count, false, &inuse);
	if (inuse.count) {
		const char *whose = list[inuse.reasons[0].device].sysfs.address;
		bool own = strcmp(whose, address) == 0;

		passable_say(passable, PASSABLE_NO, own ? "no: in use" : "no: group in use",
			     "%s%s%s", own ? "" : whose,
			     own ? "" : " of its IOMMU group: ", inuse.reasons[0].text);
		return;
	}
	if (alone && device->driver[0])
		passable_say(passable, PASSABLE_BIND, "after bind", "driver %s has it",
			     device->driver);
	else if (alone)
		passable_say(passable, PASSABLE_BIND, "after bind", "it has no driver");
	else
		passable_say(passable, PASSABLE_BIND_GROUP, "after bind --group",
			     "%s of its IOMMU group has driver %s", mate->sysfs.address,
			     mate->driver);
	snprintf(passable->command, sizeof(passable->command), "ferry bind %s%s",
		 alone ? "" : "--group ", address);
}

/* VFIO gets no BAR that somebody else on the host has, whoever is bound. */
static bool passable_judge_bars(const struct tool *tool, const struct vfio_host_device *device,
				struct passable *passable)
{
	struct vfio_claim claim;
	char text[160];

	if (!vfio_claim_find(tool->proc, &device->sysfs, device->driver, &claim))
		return false;
	vfio_claim_tell(&claim, text, sizeof(text));
	passable_say(passable, PASSABLE_NO, "no: BAR held", "%s", text);
	return true;
}

void passable_find(const struct tool *tool, const struct vfio_host_device *device,
		   const struct vfio_host_device *members, size_t count, struct passable *passable)
{
	struct vfio_host_device *list;
	size_t listed;

	*passable = (struct passable){.kind = PASSABLE_READY, .word = "ready"};
	if (device->bridge) {
		passable_say(passable, PASSABLE_NO, "no: bridge",
			     "it is a bridge: only what is behind it can be handed over");
		return;
	}
	if (device->group_to_come) {
		passable_say(passable, PASSABLE_BIND, "after bind",
			     "it has no driver, and gets its IOMMU group with the first");
		return;
	}
	if (!device->has_group) {
		passable_say(passable, PASSABLE_NO, "no: no IOMMU group",
			     "it is in no IOMMU group: `ferry doctor %s` says what to do",
			     device->sysfs.address);
		return;
	}
	if (device->unconfined) {
		passable_say(
			passable, PASSABLE_NO, "no: no IOMMU",
			"no IOMMU confines it, VFIO's no-IOMMU mode has it: `ferry doctor %s` says "
			"what to do",
			device->sysfs.address);
		return;
	}
	if (passable_judge_bars(tool, device, passable))
		return;
	if (device->functions && !vfio_host_is_bound(device)) {
		passable_say(passable, PASSABLE_NO, "no: has VFs",
			     "%u virtual functions of it are on, and vfio-pci takes it without "
			     "them only",
			     device->functions);
		return;
	}
	list = calloc(count + 1, sizeof(*list));
	if (!list) {
		passable_say(passable, PASSABLE_NO, "no: out of memory", "out of memory");
		return;
	}
	listed = passable_to_bind(device, members, count, list);
	if (listed)
		passable_judge_binding(tool, device, list, listed, passable);
	free(list);
}

const char *passable_name(enum passable_kind kind)
{
	static const char *const names[] = {"ready", "after-bind", "after-bind-group", "no"};

	return names[kind];
}
