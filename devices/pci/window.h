/* SPDX-License-Identifier: BSD-3-Clause */
/* The windows of a port as its registers have them: pure functions of config space. */

#ifndef FERRY_DEVICES_PCI_WINDOW_H
#define FERRY_DEVICES_PCI_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* Memory is below 4 GiB; prefetchable memory may be anywhere. */
enum pci_window { PCI_WINDOW_IO, PCI_WINDOW_MEMORY, PCI_WINDOW_PREFETCH, PCI_WINDOWS };

/* The unit in which @window is opened. */
uint64_t pci_window_granule(enum pci_window window);

/* The first and the last address of @window; false: it is closed. */
bool pci_window_get(const uint8_t *config, enum pci_window window, uint64_t *base, uint64_t *last);

/* Opens it from @base to @last, the first and last of a granule. */
void pci_window_set(uint8_t *config, enum pci_window window, uint64_t base, uint64_t last);

/* Whether all of [@address, @address + @size) is in @window, which is open. @size is not 0. */
bool pci_window_holds(const uint8_t *config, enum pci_window window, uint64_t address,
		      uint64_t size);

#endif
