/* SPDX-License-Identifier: BSD-3-Clause */
/* Passed-through devices for a person: the list, one of them in full, and what is behind a GSI. */

#include "vfio/tell/describe.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "vfio/bus_reset.h"
#include "vfio/host/host.h"
#include "vfio/tell/decode.h"
#include "vmm/base/bits.h"

/*
 * What the guest would read, without a trace of it; of a device that is not there the last known.
 */
static uint32_t describe_read_config(const struct vfio_pci *pci, unsigned int offset,
				     unsigned int size)
{
	uint64_t emulated = load_le(pci->emulated + offset, size), value = 0;
	uint64_t shadow = load_le(pci->device.config + offset, size);

	if (pci->state != VFIO_PCI_ALIVE || emulated == all_ones(size) ||
	    vfio_region_read(pci->backend, vfio_pci_config_region(pci), offset, size, &value))
		return (uint32_t)shadow;
	return (uint32_t)((value & ~emulated) | (shadow & emulated));
}

/* One register: its value, and its bits in words where it has any that are set. */
static void describe_show(const struct vfio_pci *pci, const char *label, unsigned int offset,
			  unsigned int size, FILE *out)
{
	uint32_t value = describe_read_config(pci, offset, size);
	char text[DECODE_SIZE];
	const char *words;

	vfio_decode_config(pci, offset, size, value, text);
	words = strstr(text, ": ");
	fprintf(out, "%s 0x%0*" PRIx32 "%s%s\n", label, (int)(2 * size), value, words ? "  " : "",
		words ? words + 2 : "");
}

static void describe_show_header(const struct vfio_pci *pci, FILE *out)
{
	fprintf(out, "  ids       %04x:%04x revision 0x%02x, subsystem %04x:%04x, class 0x%06x\n",
		describe_read_config(pci, PCI_VENDOR_ID, 2),
		describe_read_config(pci, PCI_DEVICE_ID, 2),
		describe_read_config(pci, PCI_REVISION_ID, 1),
		describe_read_config(pci, PCI_SUBSYSTEM_VENDOR_ID, 2),
		describe_read_config(pci, PCI_SUBSYSTEM_ID, 2),
		describe_read_config(pci, PCI_CLASS_REVISION, 4) >> 8);
	describe_show(pci, "  command  ", PCI_COMMAND, 2, out);
	describe_show(pci, "  status   ", PCI_STATUS, 2, out);
}

static void describe_show_msi(const struct vfio_pci *pci, unsigned int at, FILE *out)
{
	uint16_t flags = (uint16_t)describe_read_config(pci, at + PCI_MSI_FLAGS, 2);
	bool wide = flags & PCI_MSI_FLAGS_64BIT;
	uint64_t address = describe_read_config(pci, at + PCI_MSI_ADDRESS_LO, 4);

	if (wide)
		address |= (uint64_t)describe_read_config(pci, at + PCI_MSI_ADDRESS_HI, 4) << 32;
	fprintf(out, "        control 0x%04x: %s, %u of %u vectors%s%s\n", flags,
		flags & PCI_MSI_FLAGS_ENABLE ? "enabled" : "off",
		1U << ((flags & PCI_MSI_FLAGS_QSIZE) >> 4),
		1U << ((flags & PCI_MSI_FLAGS_QMASK) >> 1), wide ? ", 64-bit" : "",
		flags & PCI_MSI_FLAGS_MASKBIT ? ", maskable" : "");
	fprintf(out, "        address 0x%" PRIx64 ", data 0x%04x\n", address,
		describe_read_config(pci, at + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), 2));
}

static void describe_show_msix(const struct vfio_pci *pci, unsigned int at, FILE *out)
{
	uint16_t flags = (uint16_t)describe_read_config(pci, at + PCI_MSIX_FLAGS, 2);
	uint32_t table = describe_read_config(pci, at + PCI_MSIX_TABLE, 4);
	uint32_t pba = describe_read_config(pci, at + PCI_MSIX_PBA, 4);

	fprintf(out, "        control 0x%04x: %s%s, %u vectors\n", flags,
		flags & PCI_MSIX_FLAGS_ENABLE ? "enabled" : "off",
		flags & PCI_MSIX_FLAGS_MASKALL ? ", function masked" : "",
		(flags & PCI_MSIX_FLAGS_QSIZE) + 1U);
	fprintf(out,
		"        table in BAR %" PRIu32 " + 0x%" PRIx32 ", PBA in BAR %" PRIu32
		" + 0x%" PRIx32 "\n",
		table & PCI_MSIX_TABLE_BIR, table & PCI_MSIX_TABLE_OFFSET, pba & PCI_MSIX_PBA_BIR,
		pba & PCI_MSIX_PBA_OFFSET);
}

static const char *describe_port_type(unsigned int type)
{
	switch (type) {
	case PCI_EXP_TYPE_ENDPOINT:
		return "endpoint";
	case PCI_EXP_TYPE_LEG_END:
		return "legacy endpoint";
	case PCI_EXP_TYPE_RC_END:
		return "root complex integrated endpoint";
	default:
		return "another type";
	}
}

/* On the root bus the guest's link registers are zero: what the link does is the device's own. */
static void describe_show_link(const struct vfio_pci *pci, unsigned int at, FILE *out)
{
	static const char *const speeds[] = {"?", "2.5", "5", "8", "16", "32", "64"};
	const struct vfio_region *region = vfio_pci_config_region(pci);
	uint64_t control, status;
	unsigned int speed;

	if (pci->state != VFIO_PCI_ALIVE || at + PCI_EXP_LNKSTA + 2 > PCI_CONFIG_SIZE ||
	    vfio_region_read(pci->backend, region, at + PCI_EXP_LNKCTL, 2, &control) ||
	    vfio_region_read(pci->backend, region, at + PCI_EXP_LNKSTA, 2, &status))
		return;
	speed = (unsigned int)(status & PCI_EXP_LNKSTA_CLS);
	if (speed == 0)
		return;
	fprintf(out, "        link on the host%s: control 0x%04x, status 0x%04x: %s GT/s, x%u\n",
		pci->linked ? "" : " (hidden from the guest)", (unsigned int)control,
		(unsigned int)status, speed < ARRAY_SIZE(speeds) ? speeds[speed] : "?",
		(unsigned int)(status & PCI_EXP_LNKSTA_NLW) >> PCI_EXP_LNKSTA_NLW_SHIFT);
}

static void describe_show_express(const struct vfio_pci *pci, unsigned int at, FILE *out)
{
	uint16_t flags = (uint16_t)describe_read_config(pci, at + PCI_EXP_FLAGS, 2);
	uint16_t control = (uint16_t)describe_read_config(pci, at + PCI_EXP_DEVCTL, 2);

	fprintf(out, "        version %u, %s, payload %u, read request %u bytes\n", flags & 0xfU,
		describe_port_type(flags >> 4 & 0xfU), 128U << (control >> 5 & 7),
		128U << (control >> 12 & 7));
	describe_show(pci, "        device control", at + PCI_EXP_DEVCTL, 2, out);
	describe_show(pci, "        device status ", at + PCI_EXP_DEVSTA, 2, out);
	describe_show_link(pci, at, out);
}

static void describe_show_capability(const struct vfio_pci *pci, unsigned int at, FILE *out)
{
	const uint8_t *config = pci->device.config;
	const char *name = vfio_decode_capability(config, at);

	fprintf(out, "  0x%03x %s", at, name ? name : "capability");
	if (!name)
		fprintf(out, " 0x%02x", config[at]);
	fputc('\n', out);
	if (config[at] == PCI_CAP_ID_PM && at + PCI_PM_CTRL + 2 <= PCI_CONFIG_SIZE)
		describe_show(pci, "        control/status", at + PCI_PM_CTRL, 2, out);
	else if (config[at] == PCI_CAP_ID_MSI && pci->has_msi && pci->msi.capability == at)
		describe_show_msi(pci, at, out);
	else if (config[at] == PCI_CAP_ID_MSIX && pci->has_msix && pci->msix.capability == at)
		describe_show_msix(pci, at, out);
	else if (pci->express == at)
		describe_show_express(pci, at, out);
}

static void describe_show_extended(const struct vfio_pci *pci, unsigned int at, FILE *out)
{
	const uint8_t *config = pci->device.config;
	const char *name = vfio_decode_capability(config, at);

	fprintf(out, "  0x%03x %s", at, name ? name : "extended capability");
	if (!name)
		fprintf(out, " 0x%04x", load_le16(config + at));
	fprintf(out, ", version %u\n", config[at + 2] & 0xfU);
	if (load_le16(config + at) != PCI_EXT_CAP_ID_ERR ||
	    !range_fits(at, PCI_ERR_COR_STATUS + 4, PCIE_CONFIG_SIZE))
		return;
	describe_show(pci, "        uncorrectable status", at + PCI_ERR_UNCOR_STATUS, 4, out);
	describe_show(pci, "        correctable status  ", at + PCI_ERR_COR_STATUS, 4, out);
}

/* The shadow's chains, which were made to end when it was built; bounded all the same. */
static void describe_config(const struct vfio_pci *pci, FILE *out)
{
	const uint8_t *config = pci->device.config;
	unsigned int at = config[PCI_CAPABILITY_LIST] & ~3U;

	describe_show_header(pci, out);
	if (at)
		fputs("capabilities\n", out);
	for (unsigned int i = 0; at && i < PCI_CONFIG_SIZE / 4; i++) {
		describe_show_capability(pci, at, out);
		at = config[at + PCI_CAP_LIST_NEXT] & ~3U;
	}
	at = PCI_CONFIG_SIZE;
	if (pci->device.config_size < PCIE_CONFIG_SIZE || load_le32(config + at) == 0)
		return;
	fputs("extended capabilities\n", out);
	for (unsigned int i = 0; at >= PCI_CONFIG_SIZE && i < PCIE_CONFIG_SIZE / 8; i++) {
		describe_show_extended(pci, at, out);
		at = PCI_EXT_CAP_NEXT(load_le32(config + at));
	}
}

static const char *describe_mode(const struct vfio_wires *wires)
{
	switch (pci_vectors_mode(wires->vectors)) {
	case PCI_VECTORS_MSI:
		return "MSI";
	case PCI_VECTORS_MSIX:
		return "MSI-X";
	default:
		return wires->intx.trigger >= 0 ? "INTx" : "no interrupts";
	}
}

static bool describe_is_msix(const struct vfio_pci *pci)
{
	return pci_vectors_mode(pci->wires.vectors) == PCI_VECTORS_MSIX;
}

static void describe_show_intx(const struct vfio_wires *wires, const uint8_t *config, FILE *out)
{
	const struct vfio_intx *intx = &wires->intx;

	fprintf(out, "  pin %c, GSI %u%s, ", 'A' + config[PCI_INTERRUPT_PIN] - 1, intx->gsi,
		load_le16(config + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE ? ", disabled in COMMAND"
									   : "");
	if (intx->device_trigger >= 0 && intx->device_resample < 0)
		fprintf(out, "relayed by the monitor: raised %" PRIu64 "\n", intx->raised);
	else if (intx->device_trigger >= 0)
		fprintf(out,
			"relayed by the monitor: raised %" PRIu64 ", ended by the guest %" PRIu64
			"\n",
			intx->raised, intx->ended);
	else
		fputs("by irqfd, unmasked at the guest's end of interrupt: not counted here\n",
		      out);
}

/* Bits that the device itself keeps for vectors the host has not been asked for. */
static bool describe_owed_by_device(const struct vfio_pci *pci, unsigned int vector)
{
	const struct pci_msix *msix = &pci->msix;
	uint64_t bits;

	return msix->pba_bar != PCI_MSIX_NO_PBA &&
	       vfio_region_read(pci->backend, &pci->regions[msix->pba_bar],
				msix->pba_offset + vector / 64 * 8, 8, &bits) == 0 &&
	       bits >> vector % 64 & 1;
}

static bool describe_is_pending(struct vfio_pci *pci, unsigned int index)
{
	struct pci_vectors *vectors = pci->wires.vectors;

	if (pci_vectors_state(vectors, index).attached)
		return false;
	if (pci_vectors_pending(vectors, pci_vectors_mode(vectors), index))
		return true;
	return describe_is_msix(pci) && !pci->wires.wire[index].connected &&
	       load_le16(pci->device.config + PCI_COMMAND) & PCI_COMMAND_MEMORY &&
	       describe_owed_by_device(pci, index);
}

static const char *describe_delivery(const struct vfio_pci *pci, unsigned int index)
{
	struct pci_vector_state state = pci_vectors_state(pci->wires.vectors, index);
	bool relayed = pci->wires.trace;

	if (!state.unmasked)
		return "held back";
	if (!state.attached || (relayed && pci->wires.wire[index].relay < 0))
		return "failed: see the log";
	return relayed ? "relayed" : "irqfd";
}

static void describe_show_vector(struct vfio_pci *pci, unsigned int index, FILE *out)
{
	const struct vfio_wire *wire = &pci->wires.wire[index];
	struct pci_vector_state state = pci_vectors_state(pci->wires.vectors, index);
	uint64_t address = state.message.address;
	uint32_t data = state.message.data;

	if (describe_is_msix(pci) && index < pci->msix.vectors) {
		address = pci->msix.entries[index].address;
		data = pci->msix.entries[index].data;
	}
	fprintf(out, "  %6u  %-8s  %-7s  0x%016" PRIx64 " 0x%08" PRIx32 "  ", index,
		state.unmasked ? "unmasked" : "masked",
		describe_is_pending(pci, index) ? "yes" : "no", address, data);
	if (state.gsi >= 0)
		fprintf(out, "%4d  ", state.gsi);
	else
		fputs("   -  ", out);
	fprintf(out, "%-9s  ", describe_delivery(pci, index));
	if (wire->relay >= 0)
		fprintf(out, "%" PRIu64 "\n", wire->signalled);
	else
		fputs("-\n", out);
}

/* Neither unmasked nor ever programmed or signalled: nothing to tell of but that they are there. */
static bool describe_is_untouched(struct vfio_pci *pci, unsigned int index)
{
	struct pci_vector_state state = pci_vectors_state(pci->wires.vectors, index);

	return state.gsi < 0 && !state.unmasked &&
	       !(describe_is_msix(pci) && index < pci->msix.vectors &&
		 pci->msix.entries[index].address) &&
	       !describe_is_pending(pci, index);
}

static void describe_show_vectors(struct vfio_pci *pci, FILE *out)
{
	unsigned int untouched = 0;

	fputs("  vector  guest's   pending  address            data         GSI  delivered  count\n",
	      out);
	for (unsigned int i = 0; i < pci_vectors_count(pci->wires.vectors); i++) {
		if (describe_is_untouched(pci, i))
			untouched++;
		else
			describe_show_vector(pci, i, out);
	}
	if (untouched)
		fprintf(out, "  %u vectors masked and never used\n", untouched);
	if (!pci->wires.trace)
		fprintf(out,
			"  by irqfd the kernel delivers alone and the monitor cannot count: on the "
			"host\n  /proc/interrupts has vfio-%s[N](%s)\n",
			describe_is_msix(pci) ? "msix" : "msi", pci->device.name);
}

static void describe_irqs(struct vfio_pci *pci, FILE *out)
{
	const struct vfio_wires *wires = &pci->wires;

	fprintf(out, "interrupts: %s", describe_mode(wires));
	if (pci_vectors_mode(wires->vectors) == PCI_VECTORS_OFF) {
		fputc('\n', out);
		if (wires->intx.trigger >= 0)
			describe_show_intx(wires, pci->device.config, out);
		return;
	}
	fprintf(out, ", %u vectors, %u of them set up in the host's kernel%s\n",
		pci_vectors_count(wires->vectors), wires->span,
		describe_is_msix(pci) && pci->msix.function_masked ? ", function masked" : "");
	describe_show_vectors(pci, out);
}

enum { ADDRESS_SIZE = 16 };

static const char *describe_state_name(enum vfio_pci_state state)
{
	static const char *const names[] = {
		[VFIO_PCI_ALIVE] = "alive",
		[VFIO_PCI_RESETTING] = "being reset",
		[VFIO_PCI_ISOLATED] = "isolated",
		[VFIO_PCI_GONE] = "given back to the host",
	};

	return names[state];
}

/* Where the guest finds the function, as 00:03.0; "" for one that is on no bus. */
static const char *describe_guest_address(const struct vfio_pci *pci, char text[ADDRESS_SIZE])
{
	unsigned int requester;

	text[0] = '\0';
	if (!pci->on_bus)
		return text;
	requester = pci_device_requester(&pci->device);
	snprintf(text, ADDRESS_SIZE, "%02x:%02x.%x", requester >> 8, requester >> 3 & 0x1f,
		 requester & 7);
	return text;
}

static void describe_list_device(struct vfio_pci *pci, const struct vfio_status *seat, FILE *out)
{
	char address[ADDRESS_SIZE];

	pthread_mutex_lock(&pci->device.lock);
	fprintf(out, "%s  in the guest %s  %04x:%04x  %s, %s", pci->device.name,
		describe_guest_address(pci, address), load_le16(pci->device.config),
		load_le16(pci->device.config + 2), describe_state_name(pci->state),
		describe_mode(&pci->wires));
	pthread_mutex_unlock(&pci->device.lock);
	if (seat->stage)
		fprintf(out, ", %s", seat->stage);
	if (seat->slot)
		fprintf(out, ", slot%u%s", seat->slot, seat->leaving ? ", leaving" : "");
	if (strcmp(seat->id, pci->device.name) != 0)
		fprintf(out, ", id %s", seat->id);
	fputc('\n', out);
}

static unsigned int describe_count_unmasked(const struct vfio_wires *wires)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < pci_vectors_count(wires->vectors); i++)
		count += pci_vectors_state(wires->vectors, i).unmasked;
	return count;
}

static void describe_fill_status(struct vfio_pci *pci, struct vfio_status *status)
{
	pthread_mutex_lock(&pci->device.lock);
	describe_guest_address(pci, status->guest);
	status->vendor = load_le16(pci->device.config);
	status->device = load_le16(pci->device.config + 2);
	status->state = describe_state_name(pci->state);
	status->mode = describe_mode(&pci->wires);
	if (pci_vectors_mode(pci->wires.vectors) != PCI_VECTORS_OFF) {
		status->vectors = pci_vectors_count(pci->wires.vectors);
		status->unmasked = describe_count_unmasked(&pci->wires);
	}
	status->errors = pci->errors;
	pthread_mutex_unlock(&pci->device.lock);
}

void vfio_get_status(struct vfio *vfio, size_t index, struct vfio_status *status)
{
	const struct vfio_sysfs_device *sysfs;
	struct vfio_pci *pci = vfio_device(vfio, index, &sysfs);

	*status = (struct vfio_status){
		.state = "not there",
		.mode = "no interrupts",
	};
	vfio_fill_placement(vfio, index, status);
	if (pci)
		describe_fill_status(pci, status);
	if (status->stage)
		status->state = status->stage;
}

void vfio_list_devices(struct vfio *vfio, FILE *out)
{
	for (size_t i = 0; i < vfio_device_count(vfio); i++) {
		const struct vfio_sysfs_device *sysfs;
		struct vfio_pci *pci = vfio_device(vfio, i, &sysfs);
		struct vfio_status seat = {0};

		vfio_fill_placement(vfio, i, &seat);
		if (pci)
			describe_list_device(pci, &seat, out);
		else
			fprintf(out, "%s  %s\n", seat.host, seat.stage ? seat.stage : "not there");
	}
}

/* How the function can be reset, and by what methods the host's kernel does that. */
static void describe_show_reset(struct vfio_pci *pci, const struct vfio_sysfs_device *sysfs,
				FILE *out)
{
	char methods[128];
	struct vfio_bus_reset *bus;
	struct err err = {0};

	if (pci->reset.by_function) {
		vfio_host_line(sysfs->path, "reset_method", methods, sizeof(methods));
		fprintf(out, "  reset     of the function%s%s\n",
			methods[0] ? ", on the host by " : "", methods);
		return;
	}
	if (pci->state != VFIO_PCI_ALIVE || !pci->keeper_ops)
		return;
	bus = pci->keeper_ops->bus_reset(pci->keeper, pci, VFIO_RESET_MACHINE, &err);
	if (bus)
		fprintf(out, "  reset     of the whole bus, which has %u functions\n",
			bus->info->count);
	else
		fprintf(out, "  reset     none: %s\n", err.text);
	vfio_bus_reset_free(bus);
}

static void describe_device(struct vfio_pci *pci, const struct vfio_sysfs_device *sysfs, FILE *out)
{
	char address[ADDRESS_SIZE];

	pthread_mutex_lock(&pci->device.lock);
	fprintf(out, "%s, in the guest %s: %s\n", pci->device.name,
		describe_guest_address(pci, address), describe_state_name(pci->state));
	if (pci->state != VFIO_PCI_ALIVE)
		fputs("  the guest reads all ones; config space below is the last that is known\n",
		      out);
	fprintf(out, "  DMA       %s\n",
		vfio_dma_mapped(pci->dma) ? "all RAM is mapped"
					  : "RAM is not mapped: the guest's bus mastering waits");
	describe_show_reset(pci, sysfs, out);
	describe_config(pci, out);
	describe_irqs(pci, out);
	if (pci->backend && pci->backend->ops->describe)
		pci->backend->ops->describe(pci->backend, out);
	pthread_mutex_unlock(&pci->device.lock);
}

static bool describe_is_host_address(const struct vfio_sysfs_device *sysfs, const char *address)
{
	return strcasecmp(sysfs->address, address) == 0 ||
	       (strncmp(sysfs->address, "0000:", 5) == 0 &&
		strcasecmp(sysfs->address + 5, address) == 0);
}

static bool describe_is_gone(struct vfio_pci *pci)
{
	bool gone;

	pthread_mutex_lock(&pci->device.lock);
	gone = pci->state == VFIO_PCI_GONE;
	pthread_mutex_unlock(&pci->device.lock);
	return gone;
}

/* How well @address names it, 0 for not at all; one that the guest still has is meant first. */
static unsigned int describe_match(struct vfio *vfio, size_t index, const char *address)
{
	const struct vfio_sysfs_device *sysfs;
	struct vfio_pci *pci = vfio_device(vfio, index, &sysfs);
	struct vfio_status seat = {0};
	char guest[ADDRESS_SIZE];

	vfio_fill_placement(vfio, index, &seat);
	if (!pci)
		return 0;
	if (strcmp(seat.id, address) == 0 || describe_is_host_address(sysfs, address))
		return describe_is_gone(pci) ? 2 : 3;
	return strcasecmp(describe_guest_address(pci, guest), address) == 0;
}

int vfio_describe(struct vfio *vfio, const char *address, FILE *out)
{
	const struct vfio_sysfs_device *sysfs;
	unsigned int best = 0;
	struct vfio_pci *pci;
	size_t found = 0;

	for (size_t i = 0; i < vfio_device_count(vfio); i++) {
		unsigned int match = describe_match(vfio, i, address);

		found = match > best ? i : found;
		best = match > best ? match : best;
	}
	if (!best)
		return -ENOENT;
	pci = vfio_device(vfio, found, &sysfs);
	describe_device(pci, sysfs, out);
	return 0;
}

/* Device lock held. */
static bool describe_intx(const struct vfio_pci *pci, unsigned int gsi, const char *separator,
			  FILE *out)
{
	const struct vfio_intx *intx = &pci->wires.intx;

	if (intx->trigger < 0 || intx->gsi != gsi)
		return false;
	fprintf(out, "%s%s INTx, %s", separator, pci->device.name,
		intx->device_trigger >= 0 ? "relayed" : "irqfd");
	return true;
}

/* Likewise. */
static bool describe_vector(const struct vfio_pci *pci, unsigned int gsi, const char *separator,
			    FILE *out)
{
	const struct pci_vectors *vectors = pci->wires.vectors;

	for (unsigned int i = 0; i < pci_vectors_count(vectors); i++) {
		int its = pci_vectors_state(vectors, i).gsi;

		if (its < 0 || (unsigned int)its != gsi)
			continue;
		fprintf(out, "%s%s %s vector %u, %s", separator, pci->device.name,
			describe_mode(&pci->wires), i, describe_delivery(pci, i));
		return true;
	}
	return false;
}

bool vfio_describe_gsi(struct vfio *vfio, unsigned int gsi, FILE *out)
{
	const char *separator = "";

	/* Several may share one line. */
	for (size_t i = 0; i < vfio_device_count(vfio); i++) {
		const struct vfio_sysfs_device *sysfs;
		struct vfio_pci *pci = vfio_device(vfio, i, &sysfs);

		if (!pci)
			continue;
		pthread_mutex_lock(&pci->device.lock);
		if (describe_intx(pci, gsi, separator, out) ||
		    describe_vector(pci, gsi, separator, out))
			separator = "; ";
		pthread_mutex_unlock(&pci->device.lock);
	}
	return *separator;
}
