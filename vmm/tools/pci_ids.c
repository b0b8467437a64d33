/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of PCI vendors, devices and classes, from pci.ids where the host has it. */

#include "vmm/tools/pci_ids.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"

static const char *const base_classes[] = {
	"Unclassified device",
	"Mass storage controller",
	"Network controller",
	"Display controller",
	"Multimedia controller",
	"Memory controller",
	"Bridge",
	"Communication controller",
	"Generic system peripheral",
	"Input device controller",
	"Docking station",
	"Processor",
	"Serial bus controller",
	"Wireless controller",
	"Intelligent controller",
	"Satellite communications controller",
	"Encryption controller",
	"Signal processing controller",
	"Processing accelerators",
	"Non-Essential Instrumentation",
};

/* Where in the file the pass is: below which vendor or class. */
struct pci_ids_place {
	bool classes;
	unsigned int outer; /* vendor or base class */
	bool known;         /* an outer line was understood */
};

/* Takes "@digits hexadecimal digits, two blanks, name" apart; NULL when it is not that. */
static const char *pci_ids_parse(const char *text, unsigned int digits, unsigned int *number)
{
	char *end;

	if (strspn(text, "0123456789abcdefABCDEF") != digits)
		return NULL;
	*number = (unsigned int)strtoul(text, &end, 16);
	return end[0] == ' ' && end[1] == ' ' && end[2] != '\0' ? end + 2 : NULL;
}

static void pci_ids_keep(char *to, const char *name)
{
	snprintf(to, NAME_SIZE, "%s", name);
}

static void pci_ids_take_outer(struct pci_ids_place *place, const char *line,
			       struct pci_names *names, size_t count)
{
	const char *name;

	place->classes = strncmp(line, "C ", 2) == 0;
	name = place->classes ? pci_ids_parse(line + 2, 2, &place->outer)
			      : pci_ids_parse(line, 4, &place->outer);
	place->known = name;
	for (size_t i = 0; name && i < count; i++) {
		if (place->classes && names[i].class_code >> 16 == place->outer)
			pci_ids_keep(names[i].class_name, name);
		else if (!place->classes && names[i].vendor == place->outer)
			pci_ids_keep(names[i].vendor_name, name);
	}
}

static void pci_ids_take_inner(const struct pci_ids_place *place, const char *line,
			       struct pci_names *names, size_t count)
{
	unsigned int number;
	const char *name = pci_ids_parse(line, place->classes ? 2 : 4, &number);

	for (size_t i = 0; name && i < count; i++) {
		if (place->classes && names[i].class_code >> 8 == (place->outer << 8 | number))
			pci_ids_keep(names[i].class_name, name);
		else if (!place->classes && names[i].vendor == place->outer &&
			 names[i].device == number)
			pci_ids_keep(names[i].device_name, name);
	}
}

static void pci_ids_read(FILE *file, struct pci_names *names, size_t count)
{
	struct pci_ids_place place = {0};
	char line[512];
	bool begins = true;

	while (fgets(line, sizeof(line), file)) {
		size_t length = strcspn(line, "\n");
		bool whole = begins;

		/* What follows in an overlong line is none of its own. */
		begins = line[length] == '\n';
		line[length] = '\0';
		if (!whole || line[0] == '#' || line[0] == '\0')
			continue;
		if (line[0] != '\t')
			pci_ids_take_outer(&place, line, names, count);
		else if (line[1] != '\t' && place.known)
			pci_ids_take_inner(&place, line + 1, names, count);
	}
}

void pci_names_format(const struct pci_names *names, char *text, size_t size)
{
	snprintf(text, size, "%s%s%s%s%s", names->class_name,
		 names->vendor_name[0] || names->device_name[0] ? ": " : "", names->vendor_name,
		 names->vendor_name[0] && names->device_name[0] ? " " : "", names->device_name);
}

void pci_ids_find(const char *const *files, struct pci_names *names, size_t count)
{
	FILE *file = NULL;

	for (size_t i = 0; i < count; i++) {
		uint32_t base = names[i].class_code >> 16;

		names[i].vendor_name[0] = names[i].device_name[0] = '\0';
		pci_ids_keep(names[i].class_name,
			     base < ARRAY_SIZE(base_classes) ? base_classes[base] : "Device");
	}
	for (; count && *files && !file; files++)
		file = fopen(*files, "re");
	if (!file)
		return;
	pci_ids_read(file, names, count);
	fclose(file);
}
