/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ferry doctor` checks of servers of vfio-user: whether they answer, and with what. */

#include <inttypes.h>
#include <string.h>

#include "vmm/base/page.h"
#include "vmm/tools/bars.h"
#include "vmm/tools/doctor.h"
#include "vmm/tools/json.h"

static void doctor_tell_function(struct doctor *doctor, const struct socket_entry *entry)
{
	const struct vfio_user_offer *offer = &entry->offer;
	char name[4 * NAME_SIZE], bars[512];
	struct text text = {bars, sizeof(bars)};

	pci_names_format(&entry->names, name, sizeof(name));
	doctor_tell(doctor, FINDING_OK, "device", entry->path, "%04x:%04x%s%s", offer->vendor,
		    offer->device, *name ? ", " : "", name);
	doctor_fact(doctor, "vendor", tool_json_hex(offer->vendor, 4));
	doctor_fact(doctor, "device", tool_json_hex(offer->device, 4));
	doctor_fact(doctor, "class", tool_json_hex(offer->class_code, 6));
	bars_append(offer->bars, offer->mapped, &text);
	doctor_tell(doctor, FINDING_OK, "BARs", entry->path, "%s", bars);
	doctor_fact(doctor, "bars", bars_json(offer->bars, offer->mapped));
}

/* The guest's end of each is a descriptor that goes over. */
static void doctor_tell_signals(struct doctor *doctor, const struct socket_entry *entry)
{
	const struct vfio_user_offer *offer = &entry->offer;
	char said[128];
	struct text text = {said, sizeof(said)};

	socket_append_interrupts(offer, &text);
	if (offer->limits.fds || !(offer->intx || offer->msi || offer->msix))
		doctor_tell(doctor, FINDING_OK, "interrupts", entry->path, "%s", said);
	else
		doctor_tell(doctor, FINDING_WARNING, "interrupts", entry->path,
			    "%s, but its server takes no descriptors (max_msg_fds), without which "
			    "none reaches the guest",
			    said);
	doctor_fact_number(doctor, "msix", offer->msix);
	doctor_fact_number(doctor, "msi", offer->msi);
	doctor_fact(doctor, "intx", json_boolean(offer->intx));
}

static void doctor_tell_limits(struct doctor *doctor, const struct socket_entry *entry)
{
	const struct vfio_user_offer *offer = &entry->offer;
	uint64_t page = doctor->page_size ? doctor->page_size : host_page_size();
	uint64_t least = socket_page(offer);
	char said[256];
	struct text text = {said, sizeof(said)};

	socket_append_limits(offer, &text);
	doctor_tell(doctor, least > page ? FINDING_FAILURE : FINDING_OK, "limits", entry->path,
		    "%s%s", said, least > page ? ", which are larger than those of guest RAM" : "");
	if (least > page && least <= 2 * MIB)
		doctor_mend_by(doctor, "", "ferry run --memory SIZE,hugepages=2M");
	doctor_fact(doctor, "limits", socket_limits_json(offer));
}

static void doctor_tell_socket(struct doctor *doctor, const struct socket_entry *entry)
{
	const struct vfio_user_offer *offer = &entry->offer;

	if (!offer->is_pci) {
		doctor_tell(doctor, FINDING_FAILURE, "device", entry->path,
			    "its server says that it is no PCI device");
		return;
	}
	doctor_tell_function(doctor, entry);
	doctor_tell_signals(doctor, entry);
	if (offer->resettable)
		doctor_tell(doctor, FINDING_OK, "reset", entry->path, "by a message");
	else
		doctor_tell(doctor, FINDING_WARNING, "reset", entry->path,
			    "its server offers none: what a guest leaves in the device it finds "
			    "there after a restart");
	doctor_tell_limits(doctor, entry);
}

static bool doctor_knows_socket(const struct doctor *doctor, const char *path)
{
	for (size_t i = 0; i < doctor->sockets.count; i++)
		if (strcmp(doctor->sockets.entries[i].path, path) == 0)
			return true;
	return false;
}

void doctor_check_socket(struct doctor *doctor, const char *path)
{
	struct socket_entry *entry = &doctor->sockets.entries[doctor->sockets.count];
	struct err err = {0};

	if (doctor_knows_socket(doctor, path)) {
		doctor_tell(doctor, FINDING_FAILURE, "server", path,
			    "it was given twice: name it once");
		return;
	}
	entry->path = path;
	if (socket_look(doctor->tool, entry, &err)) {
		doctor_tell(doctor, FINDING_FAILURE, "server", path, "%s", err.text);
		return;
	}
	doctor->sockets.count++;
	doctor_tell(doctor, FINDING_OK, "server", path, "it answers, in version %d.%d of vfio-user",
		    VFIO_USER_MAJOR, VFIO_USER_MINOR);
	doctor_tell_socket(doctor, entry);
}

void doctor_add_socket_windows(const struct doctor *doctor, uint64_t *mmio32, uint64_t *mmio64)
{
	for (size_t i = 0; i < doctor->sockets.count; i++) {
		struct vfio_sysfs_device device = {.is_pci = false};

		memcpy(device.resources, doctor->sockets.entries[i].offer.bars,
		       sizeof(device.resources));
		vfio_sysfs_window(&device, mmio32, mmio64);
	}
}
