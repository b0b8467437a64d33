/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of PCI vendors, devices and classes, from pci.ids where the host has it. */

#ifndef FERRY_VMM_TOOLS_PCI_IDS_H
#define FERRY_VMM_TOOLS_PCI_IDS_H

#include <stddef.h>
#include <stdint.h>

enum { NAME_SIZE = 128 };

/* The caller fills in the numbers; a name that is not known is "". */
struct pci_names {
	uint16_t vendor, device;
	uint32_t class_code;
	char vendor_name[NAME_SIZE];
	char device_name[NAME_SIZE];
	char class_name[NAME_SIZE]; /* at least the base class's */
};

/* Class, vendor and device as one line into @text, of @size bytes. */
void pci_names_format(const struct pci_names *names, char *text, size_t size);

/* Looks @count up in one pass over the first of @files (NULL at the end) that can be opened. */
void pci_ids_find(const char *const *files, struct pci_names *names, size_t count);

#endif
