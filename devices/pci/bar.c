/* SPDX-License-Identifier: BSD-3-Clause */
/* Base address registers: declaration, what they decode, the pass that maps their slices. */

#include <assert.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "devices/pci/host.h"
#include "vmm/base/bits.h"

/* The largest sizes that leave an address bit to write. */
static const uint64_t io_size_max = 64 * KIB;
static const uint64_t mem32_size_max = 2 * GIB;
static const uint64_t mem64_size_max = (uint64_t)1 << 63;
static const uint64_t rom_size_min = 2 * KIB;

/* The config offset of BAR @index. */
static unsigned int bar_register(unsigned int index)
{
	return index == PCI_ROM_BAR ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * index;
}

static bool bar_size_is_possible(enum pci_bar_kind kind, uint64_t size)
{
	if (!is_power_of_2(size))
		return false;
	switch (kind) {
	case PCI_BAR_IO:
		return size >= 4 && size <= io_size_max;
	case PCI_BAR_MEM32:
		return size >= 16 && size <= mem32_size_max;
	case PCI_BAR_MEM64:
		return size >= 16 && size <= mem64_size_max;
	case PCI_BAR_ROM:
		return size >= rom_size_min && size <= mem32_size_max;
	case PCI_BAR_NONE:
		break;
	}
	return false;
}

static bool bar_index_is_possible(const struct pci_device *device, unsigned int index,
				  enum pci_bar_kind kind)
{
	if (index >= PCI_BAR_COUNT || (index == PCI_ROM_BAR) != (kind == PCI_BAR_ROM))
		return false;
	if (kind == PCI_BAR_MEM64 &&
	    (index + 1 >= PCI_BARS || device->bars[index + 1].kind != PCI_BAR_NONE))
		return false;
	return index == 0 || index == PCI_ROM_BAR || device->bars[index - 1].kind != PCI_BAR_MEM64;
}

static bool bar_slices_are_possible(const struct pci_bar *bar)
{
	uint64_t end = 0;

	for (size_t i = 0; i < bar->slice_count; i++) {
		const struct pci_slice *slice = &bar->slices[i];

		if (slice->offset < end || slice->region.size == 0 ||
		    !range_fits(slice->offset, slice->region.size, bar->size))
			return false;
		end = slice->offset + slice->region.size;
	}
	return true;
}

static uint32_t bar_type_bits(const struct pci_bar *bar)
{
	uint32_t bits = bar->prefetchable ? PCI_BASE_ADDRESS_MEM_PREFETCH : 0;

	switch (bar->kind) {
	case PCI_BAR_IO:
		return PCI_BASE_ADDRESS_SPACE_IO;
	case PCI_BAR_MEM32:
		return bits;
	case PCI_BAR_MEM64:
		return bits | PCI_BASE_ADDRESS_MEM_TYPE_64;
	case PCI_BAR_ROM:
	case PCI_BAR_NONE:
		break;
	}
	return 0;
}

int pci_device_set_bar(struct pci_device *device, unsigned int index, struct pci_bar bar)
{
	uint64_t mask = ~(bar.size - 1);
	unsigned int offset;

	if (device->bus)
		return -EBUSY;
	if (!bar_size_is_possible(bar.kind, bar.size) ||
	    !bar_index_is_possible(device, index, bar.kind) || !bar_slices_are_possible(&bar))
		return -EINVAL;
	offset = bar_register(index);
	store_le32(device->config + offset, bar_type_bits(&bar));
	store_le32(device->write_mask + offset,
		   (uint32_t)mask | (bar.kind == PCI_BAR_ROM ? PCI_ROM_ADDRESS_ENABLE : 0));
	if (bar.kind == PCI_BAR_MEM64) {
		store_le32(device->config + offset + 4, 0);
		store_le32(device->write_mask + offset + 4, (uint32_t)(mask >> 32));
	}
	device->bars[index] = bar;
	return 0;
}

/* Behind a port only prefetchable BARs of 64 bits have a window that may lie above 4 GiB. */
enum pci_window pci_bar_window(const struct pci_bar *bar, bool behind_port)
{
	if (bar->kind == PCI_BAR_IO)
		return PCI_WINDOW_IO;
	return bar->kind == PCI_BAR_MEM64 && (bar->prefetchable || !behind_port)
		       ? PCI_WINDOW_PREFETCH
		       : PCI_WINDOW_MEMORY;
}

/* Type and enable bits lie below the size, so that the mask of the address drops them. */
uint64_t pci_device_bar_address(const struct pci_device *device, unsigned int index)
{
	const struct pci_bar *bar = &device->bars[index];
	const uint8_t *config = device->config + bar_register(index);

	if (bar->kind == PCI_BAR_NONE)
		return 0;
	return (bar->kind == PCI_BAR_MEM64 ? load_le64(config) : load_le32(config)) &
	       ~(bar->size - 1);
}

void pci_bar_set_address(const struct pci_device *device, uint8_t *config, unsigned int index,
			 uint64_t address)
{
	const struct pci_bar *bar = &device->bars[index];
	unsigned int offset = bar_register(index);

	assert((address & (bar->size - 1)) == 0);
	store_le32(config + offset, (uint32_t)address | bar_type_bits(bar));
	if (bar->kind == PCI_BAR_MEM64)
		store_le32(config + offset + 4, (uint32_t)(address >> 32));
}

/* The first thing on the way from the function to the root bus that keeps it from decoding. */
static const char *bar_why_not_decoding(const struct pci_device *device, enum pci_bar_kind kind)
{
	const uint8_t *config = device->config;
	uint16_t command = kind == PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	const char *why = NULL;

	if (!device->bus)
		return "it is on no bus";
	if ((load_le16(config + PCI_COMMAND) & command) == 0)
		return kind == PCI_BAR_IO ? "I/O is off in COMMAND" : "memory is off in COMMAND";
	if (device->pm_capability &&
	    config[device->pm_capability + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK)
		return "the function is not in D0";
	for (const struct pci_port *port = device->bus->port; port && !why;
	     port = pci_port_device(port)->bus->port)
		why = pci_port_why_shut(port, kind);
	return why;
}

bool pci_device_decodes(const struct pci_device *device, enum pci_bar_kind kind)
{
	return !bar_why_not_decoding(device, kind);
}

static bool bar_window_holds(uint64_t base, uint64_t window, uint64_t address, uint64_t size)
{
	return address >= base && range_fits(address - base, size, window);
}

static bool bar_windows_hold(const struct pci_host_config *host, const struct pci_bar *bar,
			     uint64_t address)
{
	if (bar->kind == PCI_BAR_IO)
		return bar_window_holds(host->io_base, host->io_size, address, bar->size);
	return bar_window_holds(host->mmio32_base, host->mmio32_size, address, bar->size) ||
	       bar_window_holds(host->mmio64_base, host->mmio64_size, address, bar->size);
}

/* Of what decodes: the window on its way that does not hold it. */
static const char *bar_why_outside(const struct pci_device *device, const struct pci_bar *bar,
				   uint64_t address)
{
	const char *why = NULL;

	for (const struct pci_port *port = device->bus->port; port && !why;
	     port = pci_port_device(port)->bus->port)
		why = pci_port_why_outside(port, bar->kind, address, bar->size);
	if (!why && !bar_windows_hold(&device->bus->host->config, bar, address))
		why = "it is outside the host bridge's windows";
	return why;
}

static bool bar_is_decoded(const struct pci_device *device, unsigned int index, uint64_t *address)
{
	return !pci_bar_why_off(device, index, address);
}

const char *pci_bar_why_off(const struct pci_device *device, unsigned int index, uint64_t *address)
{
	const struct pci_bar *bar = &device->bars[index];
	const char *why;

	*address = pci_device_bar_address(device, index);
	if (device->unmapped)
		return "the function is withdrawn";
	why = bar_why_not_decoding(device, bar->kind);
	if (why)
		return why;
	if (bar->kind == PCI_BAR_ROM && !(device->config[PCI_ROM_ADDRESS] & PCI_ROM_ADDRESS_ENABLE))
		return "its own enable bit is off";
	if (*address == 0)
		return "it has no address";
	return bar_why_outside(device, bar, *address);
}

static bool bar_page_is_shared(const struct pci_host *host, const struct pci_bar *bar,
			       uint64_t page)
{
	for (size_t i = 0; i < host->count; i++)
		for (unsigned int index = 0; index < PCI_BAR_COUNT; index++) {
			const struct pci_bar *other = &host->added[i]->bars[index];
			uint64_t address;

			if (other != bar && other->kind != PCI_BAR_NONE &&
			    other->kind != PCI_BAR_IO &&
			    bar_is_decoded(host->added[i], index, &address) &&
			    ranges_overlap(address, other->size, page, bar->page))
				return true;
		}
	return false;
}

/* How much of the address space a slice of @bar is to fill with the BAR at @address. */
static uint64_t bar_slice_size(const struct pci_device *device, const struct pci_bar *bar,
			       const struct pci_slice *slice, uint64_t address)
{
	if (!bar->page)
		return slice->region.size;
	return is_aligned(address, bar->page) &&
			       !bar_page_is_shared(device->bus->host, bar, address)
		       ? bar->page
		       : bar->size;
}

/* Appends what BAR @index wants done, deletions or additions, to @changes; returns how many. */
static size_t bar_collect(struct pci_device *device, unsigned int index, bool add,
			  struct mem_change *changes)
{
	struct pci_bar *bar = &device->bars[index];
	uint64_t address = 0;
	bool decoded = bar_is_decoded(device, index, &address);
	size_t count = 0;

	for (size_t i = 0; i < bar->slice_count; i++) {
		struct mem_region *region = &bar->slices[i].region;
		uint64_t base = address + bar->slices[i].offset;
		uint64_t size = decoded ? bar_slice_size(device, bar, &bar->slices[i], address) : 0;
		bool stale =
			region->map && (!decoded || region->base != base || region->size != size);
		bool missing = !region->map && decoded;

		if (add && missing)
			region->size = size;
		if (add ? missing : stale)
			changes[count++] =
				(struct mem_change){.region = region, .base = base, .add = add};
	}
	return count;
}

static void bar_run_half_pass(struct pci_host *host, bool io, bool add)
{
	struct mem_map *map = io ? host->config.pio : host->config.mmio;
	struct err err = {0};
	size_t count = 0;

	if (!map)
		return;
	for (size_t i = 0; i < host->count; i++)
		for (unsigned int bar = 0; bar < PCI_BAR_COUNT; bar++) {
			enum pci_bar_kind kind = host->added[i]->bars[bar].kind;

			if (kind != PCI_BAR_NONE && (kind == PCI_BAR_IO) == io)
				count += bar_collect(host->added[i], bar, add,
						     host->changes + count);
		}
	if (count == 0 || mem_map_apply(map, host->changes, count, MEM_BEST_EFFORT, &err) == 0)
		return;
	log_guest(&host->limit, LOG_ERROR, "PCI BARs could not be moved: %s", err.text);
	/* What must go goes, if one by one: that takes no memory. */
	for (size_t i = 0; i < count && !add; i++)
		mem_map_del(host->changes[i].region);
}

void pci_host_unmap_stale(struct pci_host *host)
{
	bar_run_half_pass(host, false, false);
	bar_run_half_pass(host, true, false);
}

void pci_host_map_decoded(struct pci_host *host)
{
	bar_run_half_pass(host, false, true);
	bar_run_half_pass(host, true, true);
}

bool pci_device_decode_touched(const struct pci_device *device, unsigned int offset,
			       unsigned int size)
{
	if (device->below && pci_port_is_touched(offset, size))
		return true;
	return ranges_overlap(offset, size, PCI_COMMAND, 2) ||
	       ranges_overlap(offset, size, PCI_BASE_ADDRESS_0, 4 * PCI_BARS) ||
	       ranges_overlap(offset, size, PCI_ROM_ADDRESS, 4) ||
	       (device->pm_capability &&
		ranges_overlap(offset, size, device->pm_capability + PCI_PM_CTRL, 2));
}

void pci_device_unmap(struct pci_device *device)
{
	device->unmapped = true;
	pci_host_unmap_stale(device->bus->host);
}

void pci_device_remap(struct pci_device *device)
{
	device->unmapped = false;
	pci_host_map_decoded(device->bus->host);
}

void pci_device_lose_registers(struct pci_device *device)
{
	memcpy(device->config, device->reset_config, sizeof(device->config));
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++)
		if (device->bars[i].kind != PCI_BAR_NONE)
			pci_bar_set_address(device, device->config, i, 0);
	pci_host_unmap_stale(device->bus->host);
}
