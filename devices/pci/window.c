/* SPDX-License-Identifier: BSD-3-Clause */
/* The windows of a port as its registers have them (PCI-to-PCI Bridge 1.2 3.2.5.6 to 3.2.5.10). */

#include "devices/pci/window.h"

#include <linux/pci_regs.h>

#include "vmm/base/bits.h"

/* The bits of an address that the 8- and 16-bit registers have, as they lie in them. */
enum { IO_BITS = 0xf0, MEMORY_BITS = 0xfff0, IO_SHIFT = 8, MEMORY_SHIFT = 16, UPPER_SHIFT = 32 };

struct pci_room pci_room(uint64_t size)
{
	return (struct pci_room){size, size ? (uint64_t)1 << (63 - __builtin_clzll(size)) : 0};
}

bool pci_span_take(struct pci_span *span, uint64_t size, uint64_t alignment, uint64_t *address)
{
	uint64_t start = span->base + span->used, aligned;

	if (span->used >= span->size)
		return false;
	if (start == 0)
		start = 1;
	if (start > UINT64_MAX - (alignment - 1))
		return false;
	aligned = align_up(start, alignment);
	if (!range_fits(aligned - span->base, size, span->size))
		return false;
	span->used = aligned - span->base + size;
	*address = aligned;
	return true;
}

uint64_t pci_window_granule(enum pci_window window)
{
	return window == PCI_WINDOW_IO ? 4 * KIB : MIB;
}

static uint64_t window_memory(const uint8_t *at)
{
	return (uint64_t)(load_le16(at) & MEMORY_BITS) << MEMORY_SHIFT;
}

bool pci_window_get(const uint8_t *config, enum pci_window window, uint64_t *base, uint64_t *last)
{
	switch (window) {
	case PCI_WINDOW_IO:
		*base = (uint64_t)(config[PCI_IO_BASE] & IO_BITS) << IO_SHIFT;
		*last = (uint64_t)(config[PCI_IO_LIMIT] & IO_BITS) << IO_SHIFT;
		break;
	case PCI_WINDOW_MEMORY:
		*base = window_memory(config + PCI_MEMORY_BASE);
		*last = window_memory(config + PCI_MEMORY_LIMIT);
		break;
	default:
		*base = window_memory(config + PCI_PREF_MEMORY_BASE) |
			(uint64_t)load_le32(config + PCI_PREF_BASE_UPPER32) << UPPER_SHIFT;
		*last = window_memory(config + PCI_PREF_MEMORY_LIMIT) |
			(uint64_t)load_le32(config + PCI_PREF_LIMIT_UPPER32) << UPPER_SHIFT;
		break;
	}
	*last += pci_window_granule(window) - 1;
	return *base < *last;
}

static void window_set_memory(uint8_t *at, uint64_t address)
{
	uint16_t kind = load_le16(at) & (uint16_t)~MEMORY_BITS;

	store_le16(at, kind | (uint16_t)(address >> MEMORY_SHIFT & MEMORY_BITS));
}

void pci_window_set(uint8_t *config, enum pci_window window, uint64_t base, uint64_t last)
{
	switch (window) {
	case PCI_WINDOW_IO:
		config[PCI_IO_BASE] = (uint8_t)(base >> IO_SHIFT & IO_BITS);
		config[PCI_IO_LIMIT] = (uint8_t)(last >> IO_SHIFT & IO_BITS);
		break;
	case PCI_WINDOW_MEMORY:
		window_set_memory(config + PCI_MEMORY_BASE, base);
		window_set_memory(config + PCI_MEMORY_LIMIT, last);
		break;
	default:
		window_set_memory(config + PCI_PREF_MEMORY_BASE, base);
		window_set_memory(config + PCI_PREF_MEMORY_LIMIT, last);
		store_le32(config + PCI_PREF_BASE_UPPER32, (uint32_t)(base >> UPPER_SHIFT));
		store_le32(config + PCI_PREF_LIMIT_UPPER32, (uint32_t)(last >> UPPER_SHIFT));
		break;
	}
}

void pci_window_close(uint8_t *config, enum pci_window window)
{
	pci_window_set(config, window, window == PCI_WINDOW_IO ? 0xf000 : 0xfff00000, 0);
}

bool pci_window_holds(const uint8_t *config, enum pci_window window, uint64_t address,
		      uint64_t size)
{
	uint64_t base, last;

	return pci_window_get(config, window, &base, &last) && address >= base && address <= last &&
	       size - 1 <= last - address;
}
