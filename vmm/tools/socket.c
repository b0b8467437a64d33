/* SPDX-License-Identifier: BSD-3-Clause */
/* Servers of vfio-user among the arguments of a command: asked, and told of as devices are. */

#include "vmm/tools/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vfio/host/sysfs.h"
#include "vmm/base/local.h"
#include "vmm/tools/bars.h"
#include "vmm/tools/json.h"

const char *socket_path(const char *name)
{
	static const char word[] = "socket=";
	struct stat file;

	if (strncmp(name, word, sizeof(word) - 1) == 0)
		return name + sizeof(word) - 1;
	return strchr(name, '/') && stat(name, &file) == 0 && S_ISSOCK(file.st_mode) ? name : NULL;
}

int socket_check_names(char *const *names, size_t count, struct err *err)
{
	struct sockaddr_un address;
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++) {
		const char *path = socket_path(names[i]);

		rc = path ? local_address(path, &address, err)
			  : vfio_sysfs_check_name(names[i], err);
		if (rc && path)
			err_prefix(err, "vfio-user: '%.120s'", names[i]);
	}
	return rc;
}

int socket_look(const struct tool *tool, struct socket_entry *entry, struct err *err)
{
	struct vfio_user_offer *offer = &entry->offer;

	if (vfio_user_look(entry->path, 0, offer, err))
		return err_prefix(err, "vfio-user");
	entry->names.vendor = offer->vendor;
	entry->names.device = offer->device;
	entry->names.class_code = offer->class_code;
	if (offer->is_pci)
		pci_ids_find(tool->pci_ids, &entry->names, 1);
	return 0;
}

int socket_read(const struct tool *tool, char *const *names, size_t count, struct socket_list *list,
		struct err *err)
{
	int rc = 0;

	list->entries = calloc(count + 1, sizeof(*list->entries));
	if (!list->entries)
		return err_set(err, -ENOMEM, "vfio-user: out of memory");
	for (size_t i = 0; i < count && !rc; i++) {
		struct socket_entry *entry = &list->entries[list->count];

		entry->path = socket_path(names[i]);
		if (!entry->path)
			continue;
		list->count++;
		rc = socket_look(tool, entry, err);
	}
	return rc;
}

void socket_release(struct socket_list *list)
{
	free(list->entries);
}

void socket_append_interrupts(const struct vfio_user_offer *offer, struct text *text)
{
	if (offer->msix)
		text_append(text, "MSI-X with a table of %u, ", offer->msix);
	if (offer->msi)
		text_append(text, "MSI with up to %u, ", offer->msi);
	text_append(text, "%s", offer->intx ? "INTx" : "no INTx");
}

uint64_t socket_page(const struct vfio_user_offer *offer)
{
	return offer->limits.pages & -offer->limits.pages;
}

void socket_append_limits(const struct vfio_user_offer *offer, struct text *text)
{
	const struct vfio_user_limits *limits = &offer->limits;
	char data[BARS_SIZE_ROOM], page[BARS_SIZE_ROOM];

	text_append(text,
		    "a message has up to %u descriptors and %s of data; for DMA up to %" PRIu64
		    " mappings in pages of %s or more",
		    limits->fds, bars_size(limits->transfer, data), limits->maps,
		    bars_size(socket_page(offer), page));
}

static void socket_print_device(const struct socket_entry *entry, FILE *out)
{
	const struct vfio_user_offer *offer = &entry->offer;
	char said[128];
	struct text text = {said, sizeof(said)};

	fprintf(out, "  IDs          %04x:%04x, subsystem %04x:%04x, class %06x, revision %02x\n",
		offer->vendor, offer->device, offer->subsystem_vendor, offer->subsystem_device,
		offer->class_code, offer->revision);
	bars_print(offer->bars, offer->mapped, out);
	socket_append_interrupts(offer, &text);
	fprintf(out, "  interrupts   %s\n", said);
}

void socket_print(const struct socket_entry *entry, FILE *out)
{
	const struct vfio_user_offer *offer = &entry->offer;
	char name[4 * NAME_SIZE], said[256];
	struct text text = {said, sizeof(said)};

	pci_names_format(&entry->names, name, sizeof(name));
	text_print(out, "%s%s%s\n", entry->path, *name ? "  " : "", name);
	fprintf(out, "  way          vfio-user %d.%d%s\n", VFIO_USER_MAJOR, VFIO_USER_MINOR,
		offer->twin ? ", with a second socket for what the server asks" : "");
	if (offer->is_pci)
		socket_print_device(entry, out);
	fprintf(out, "  resets by    %s\n", offer->resettable ? "a message" : "nothing");
	socket_append_limits(offer, &text);
	fprintf(out, "  limits       %s\n", said);
	text_print(out, "  passable     %s\n",
		   offer->is_pci ? "ready" : "no: its server says that it is no PCI device");
}

json_t *socket_limits_json(const struct vfio_user_offer *offer)
{
	const struct vfio_user_limits *limits = &offer->limits;

	return json_pack("{s:i, s:I, s:I, s:I, s:b}", "max_msg_fds", (int)limits->fds,
			 "max_data_xfer_size", (json_int_t)limits->transfer, "max_dma_maps",
			 (json_int_t)limits->maps, "pgsizes", (json_int_t)limits->pages,
			 "twin_socket", offer->twin);
}

json_t *socket_json(const struct socket_entry *entry)
{
	const struct vfio_user_offer *offer = &entry->offer;
	const struct pci_names *names = &entry->names;
	json_t *object =
		json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "socket",
			  tool_json_text(entry->path), "vendor", tool_json_hex(offer->vendor, 4),
			  "device", tool_json_hex(offer->device, 4), "subsystem_vendor",
			  tool_json_hex(offer->subsystem_vendor, 4), "subsystem_device",
			  tool_json_hex(offer->subsystem_device, 4), "class",
			  tool_json_hex(offer->class_code, 6), "revision",
			  tool_json_hex(offer->revision, 2), "vendor_name",
			  tool_json_text(names->vendor_name), "device_name",
			  tool_json_text(names->device_name), "class_name",
			  tool_json_text(names->class_name));
	json_t *more =
		json_pack("{s:o, s:b, s:o, s:{s:i, s:i, s:i}, s:o, s:s}", "version",
			  json_sprintf("%d.%d", VFIO_USER_MAJOR, VFIO_USER_MINOR), "resettable",
			  offer->resettable, "bars", bars_json(offer->bars, offer->mapped),
			  "interrupts", "intx", (int)offer->intx, "msi", (int)offer->msi, "msix",
			  (int)offer->msix, "limits", socket_limits_json(offer), "passable",
			  offer->is_pci ? "ready" : "no");

	if (json_object_update(object, more)) {
		json_decref(object);
		object = NULL;
	}
	json_decref(more);
	return object;
}
