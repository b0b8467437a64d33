/* SPDX-License-Identifier: BSD-3-Clause */
/* The windows of a port as its registers have them, and room in them: pure functions. */

#ifndef FERRY_DEVICES_PCI_WINDOW_H
#define FERRY_DEVICES_PCI_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* Memory is below 4 GiB; prefetchable memory may be anywhere. */
enum pci_window { PCI_WINDOW_IO, PCI_WINDOW_MEMORY, PCI_WINDOW_PREFETCH, PCI_WINDOWS };

/* What a window is to have at least: bytes, and what its base is a multiple of; 0: nothing. */
struct pci_room {
	uint64_t size, alignment;
};

/* Of @size bytes, so that one BAR of the largest size that fits can be in it. */
struct pci_room pci_room(uint64_t size);

/* Addresses that are given out from the base on. */
struct pci_span {
	uint64_t base, size;
	uint64_t used; /* bytes */
};

/* Takes @size bytes at a multiple of @alignment that is not 0; false when they do not fit. */
bool pci_span_take(struct pci_span *span, uint64_t size, uint64_t alignment, uint64_t *address);

/* The unit in which @window is opened. */
uint64_t pci_window_granule(enum pci_window window);

/* The first and the last address of @window; false: it is closed. */
bool pci_window_get(const uint8_t *config, enum pci_window window, uint64_t *base, uint64_t *last);

/* Opens it from @base to @last, the first and last of a granule. */
void pci_window_set(uint8_t *config, enum pci_window window, uint64_t base, uint64_t last);

/* Closes it. */
void pci_window_close(uint8_t *config, enum pci_window window);

/* Whether all of [@address, @address + @size) is in @window, which is open. @size is not 0. */
bool pci_window_holds(const uint8_t *config, enum pci_window window, uint64_t address,
		      uint64_t size);

#endif
