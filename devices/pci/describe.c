/* SPDX-License-Identifier: BSD-3-Clause */
/* The functions of a host bridge for a person: identity, decoding, and how each BAR is reached. */

#include <inttypes.h>

#include "devices/pci/port_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/text.h"

/* Base class, subclass, interface; the more special ones first. PCI Code and ID Assignment 1.11. */
static const struct {
	uint32_t code, mask;
	const char *name;
} classes[] = {
	{0x010000, 0xffff00, "SCSI controller"},
	{0x010100, 0xffff00, "IDE controller"},
	{0x010400, 0xffff00, "RAID controller"},
	{0x010601, 0xffffff, "SATA controller (AHCI)"},
	{0x010600, 0xffff00, "SATA controller"},
	{0x010700, 0xffff00, "SAS controller"},
	{0x010802, 0xffffff, "NVMe controller"},
	{0x010000, 0xff0000, "storage controller"},
	{0x020000, 0xffff00, "Ethernet controller"},
	{0x020700, 0xffff00, "InfiniBand controller"},
	{0x020000, 0xff0000, "network controller"},
	{0x030000, 0xffff00, "VGA controller"},
	{0x030200, 0xffff00, "3D controller"},
	{0x030000, 0xff0000, "display controller"},
	{0x040300, 0xffff00, "audio device"},
	{0x040000, 0xff0000, "multimedia device"},
	{0x050000, 0xff0000, "memory controller"},
	{0x060000, 0xffff00, "host bridge"},
	{0x060100, 0xffff00, "ISA bridge"},
	{0x060400, 0xffff00, "PCI bridge"},
	{0x060000, 0xff0000, "bridge"},
	{0x070000, 0xffff00, "serial controller"},
	{0x070000, 0xff0000, "communication controller"},
	{0x080000, 0xff0000, "system peripheral"},
	{0x0c0330, 0xffffff, "USB controller (xHCI)"},
	{0x0c0300, 0xffff00, "USB controller"},
	{0x0c0000, 0xff0000, "serial bus controller"},
	{0x0d0000, 0xff0000, "wireless controller"},
	{0x100000, 0xff0000, "encryption controller"},
	{0x120000, 0xff0000, "processing accelerator"},
};

static const char *describe_class_name(uint32_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if ((code & classes[i].mask) == classes[i].code)
			return classes[i].name;
	return "other device";
}

static const char *describe_kind_name(const struct pci_bar *bar)
{
	switch (bar->kind) {
	case PCI_BAR_IO:
		return "io";
	case PCI_BAR_MEM32:
		return bar->prefetchable ? "mem32 prefetchable" : "mem32";
	case PCI_BAR_MEM64:
		return bar->prefetchable ? "mem64 prefetchable" : "mem64";
	case PCI_BAR_ROM:
		return "rom";
	case PCI_BAR_NONE:
		break;
	}
	return "none";
}

/* Of a slice that is in its map. */
static void describe_place(const struct pci_slice *slice, const struct mem_view *view, FILE *out)
{
	if (view->slot >= 0)
		fprintf(out, "mapped, memslot %d\n", view->slot);
	else if (view->kind == MEM_TRAP)
		fprintf(out, "trapped%s%s; %" PRIu64 " accesses\n", slice->trapped ? ": " : "",
			slice->trapped ? slice->trapped : "", view->accesses);
	else if (!view->whole_pages)
		fprintf(out, "trapped: not made of whole pages; %" PRIu64 " accesses\n",
			view->accesses);
	else
		fprintf(out, "trapped: KVM did not take it or lost it; %" PRIu64 " accesses\n",
			view->accesses);
}

static void describe_slice(const struct pci_slice *slice, bool decodes, FILE *out)
{
	const struct mem_region *region = &slice->region;
	struct mem_view view;

	fprintf(out, "            +0x%" PRIx64 "-0x%" PRIx64 "  ", slice->offset,
		slice->offset + (region->size - 1));
	if (region->map) {
		mem_region_view(region, &view);
		describe_place(slice, &view, out);
	} else if (decodes) {
		fputs("left out: something else is there\n", out);
	} else if (region->kind == MEM_TRAP) {
		fprintf(out, "not decoding; trapped%s%s\n", slice->trapped ? ": " : "",
			slice->trapped ? slice->trapped : "");
	} else {
		fputs("not decoding; can be mapped\n", out);
	}
}

static void describe_bar(const struct pci_device *device, unsigned int index, FILE *out)
{
	const struct pci_bar *bar = &device->bars[index];
	char name[8], size[TEXT_SIZE_ROOM];
	const char *why;
	uint64_t address;

	if (bar->kind == PCI_BAR_NONE)
		return;
	why = pci_bar_why_off(device, index, &address);
	snprintf(name, sizeof(name), index == PCI_ROM_BAR ? "ROM" : "BAR %u", index);
	fprintf(out, "      %-5s %-18s 0x%016" PRIx64 " %8s  %s%s\n", name, describe_kind_name(bar),
		address, text_size(size, bar->size), why ? "off: " : "decodes", why ? why : "");
	for (size_t i = 0; i < bar->slice_count; i++)
		describe_slice(&bar->slices[i], !why, out);
}

/* Host lock and device lock held. */
static void describe_function(const struct pci_device *device, FILE *out)
{
	uint16_t command = load_le16(device->config + PCI_COMMAND);
	uint32_t class = load_le32(device->config + PCI_CLASS_REVISION) >> 8;

	fprintf(out, "  %02x:%02x.%u  %04x:%04x  %-23s %-14s I/O%c memory%c master%c%s\n",
		device->bus->number, pci_devfn_slot(device->devfn), device->devfn % PCI_FUNCTIONS,
		load_le16(device->config + PCI_VENDOR_ID),
		load_le16(device->config + PCI_DEVICE_ID), describe_class_name(class), device->name,
		command & PCI_COMMAND_IO ? '+' : '-', command & PCI_COMMAND_MEMORY ? '+' : '-',
		command & PCI_COMMAND_MASTER ? '+' : '-', device->unmapped ? ", withdrawn" : "");
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++)
		describe_bar(device, i, out);
}

static void describe_windows(const struct pci_port *port, FILE *out)
{
	static const char *const names[] = {
		[PCI_WINDOW_IO] = "I/O",
		[PCI_WINDOW_MEMORY] = "memory",
		[PCI_WINDOW_PREFETCH] = "prefetchable",
	};

	for (unsigned int window = 0; window < PCI_WINDOWS; window++) {
		uint64_t base, last;

		if (pci_port_range(port, window, &base, &last))
			fprintf(out, "      window %-12s 0x%016" PRIx64 "-0x%016" PRIx64 "\n",
				names[window], base, last);
	}
}

static void describe_slot(const struct pci_port *port, FILE *out)
{
	struct pci_slot_state state = pci_slot_state(port);

	fprintf(out, "      slot %u %s, %s%s\n", pci_port_number(port),
		state.present ? "occupied" : "empty", state.powered ? "on" : "off",
		state.blinking ? ", its power indicator blinks" : "");
}

/* Of the bus itself, its functions, then what is below its ports. Host lock held. */
static void describe_bus(const struct pci_bus *bus, FILE *out)
{
	fprintf(out, "bus %02x\n", bus->number);
	for (unsigned int i = 0; i < PCI_DEVFNS; i++) {
		struct pci_device *device = bus->devices[i];

		if (!device)
			continue;
		pthread_mutex_lock(&device->lock);
		describe_function(device, out);
		if (device->below) {
			describe_slot(device->below->port, out);
			describe_windows(device->below->port, out);
		}
		pthread_mutex_unlock(&device->lock);
	}
	for (unsigned int i = 0; i < PCI_DEVFNS; i++)
		if (bus->devices[i] && bus->devices[i]->below)
			describe_bus(bus->devices[i]->below, out);
}

void pci_host_describe(struct pci_host *host, FILE *out)
{
	pthread_mutex_lock(&host->lock);
	describe_bus(&host->root, out);
	pthread_mutex_unlock(&host->lock);
}

static bool describe_if_hit(const struct pci_device *device, unsigned int index, bool ports,
			    uint64_t at, FILE *out)
{
	const struct pci_bar *bar = &device->bars[index];
	uint64_t address;

	if (bar->kind == PCI_BAR_NONE || (bar->kind == PCI_BAR_IO) != ports ||
	    pci_bar_why_off(device, index, &address) || at < address ||
	    !range_fits(at - address, 1, bar->size))
		return false;
	fprintf(out, "%s", index == PCI_ROM_BAR ? "ROM" : "BAR ");
	if (index != PCI_ROM_BAR)
		fprintf(out, "%u", index);
	fprintf(out, " + 0x%" PRIx64 " of %02x:%02x.%u (%s)", at - address, device->bus->number,
		pci_devfn_slot(device->devfn), device->devfn % PCI_FUNCTIONS, device->name);
	return true;
}

bool pci_host_describe_address(struct pci_host *host, bool ports, uint64_t address, FILE *out)
{
	bool found = false;

	pthread_mutex_lock(&host->lock);
	for (size_t i = 0; i < host->count; i++)
		for (unsigned int bar = 0; bar < PCI_BAR_COUNT && !found; bar++)
			found = describe_if_hit(host->added[i], bar, ports, address, out);
	pthread_mutex_unlock(&host->lock);
	return found;
}

/* Host lock and device lock held. */
static void describe_view(const struct pci_device *device, struct pci_view *view)
{
	const uint8_t *config = device->config;

	*view = (struct pci_view){
		.bus = device->bus->number,
		.slot = (uint8_t)pci_devfn_slot(device->devfn),
		.function = device->devfn % PCI_FUNCTIONS,
		.vendor = load_le16(config + PCI_VENDOR_ID),
		.device = load_le16(config + PCI_DEVICE_ID),
		.bridge =
			(config[PCI_HEADER_TYPE] & PCI_HEADER_TYPE_MASK) == PCI_HEADER_TYPE_BRIDGE,
		.class_code = load_le32(config + PCI_CLASS_REVISION) >> 8,
		.name = device->name,
		.pin = config[PCI_INTERRUPT_PIN],
	};
	if (view->bridge) {
		view->primary = config[PCI_PRIMARY_BUS];
		view->secondary = config[PCI_SECONDARY_BUS];
		view->subordinate = config[PCI_SUBORDINATE_BUS];
		for (enum pci_window i = 0; i < PCI_WINDOWS; i++)
			(void)pci_window_get(config, i, &view->windows[i].base,
					     &view->windows[i].last);
	} else {
		view->subsystem_vendor = load_le16(config + PCI_SUBSYSTEM_VENDOR_ID);
		view->subsystem = load_le16(config + PCI_SUBSYSTEM_ID);
	}
	if (device->below) {
		view->port = pci_port_number(device->below->port);
		view->occupied = pci_slot_state(device->below->port).present;
		view->powered = pci_slot_state(device->below->port).powered;
	}
	view->class_name = describe_class_name(view->class_code);
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++) {
		const struct pci_bar *bar = &device->bars[i];
		struct pci_view_bar *seen = &view->bars[i];

		seen->kind = bar->kind;
		seen->prefetchable = bar->prefetchable;
		seen->size = bar->size;
		if (bar->kind != PCI_BAR_NONE)
			seen->decodes = !pci_bar_why_off(device, i, &seen->address);
	}
}

/* What is on it, then what is below. Host lock held. */
static void describe_walk(const struct pci_bus *bus,
			  void (*see)(void *owner, const struct pci_view *view), void *owner)
{
	for (unsigned int i = 0; i < PCI_DEVFNS; i++) {
		struct pci_device *device = bus->devices[i];
		struct pci_view view;

		if (!device)
			continue;
		pthread_mutex_lock(&device->lock);
		describe_view(device, &view);
		see(owner, &view);
		pthread_mutex_unlock(&device->lock);
	}
	for (unsigned int i = 0; i < PCI_DEVFNS; i++)
		if (bus->devices[i] && bus->devices[i]->below)
			describe_walk(bus->devices[i]->below, see, owner);
}

void pci_host_walk(struct pci_host *host, void (*see)(void *owner, const struct pci_view *view),
		   void *owner)
{
	pthread_mutex_lock(&host->lock);
	describe_walk(&host->root, see, owner);
	pthread_mutex_unlock(&host->lock);
}
