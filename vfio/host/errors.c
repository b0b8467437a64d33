/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's counters of errors: a device's own, by their names, and those of the port above. */

#include "vfio/host/errors.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/host/host.h"

/* By bit of the register; what has no name there is told as `..._bit[N]`. */
static const char *const errors_names[][32] = {
	[VFIO_ERRORS_CORRECTABLE] =
		{
			[0] = "RxErr",
			[6] = "BadTLP",
			[7] = "BadDLLP",
			[8] = "Rollover",
			[12] = "Timeout",
			[13] = "NonFatalErr",
			[14] = "CorrIntErr",
			[15] = "HeaderOF",
		},
	[VFIO_ERRORS_NONFATAL] =
		{
			[0] = "Undefined",
			[4] = "DLP",
			[5] = "SDES",
			[12] = "TLP",
			[13] = "FCP",
			[14] = "CmpltTO",
			[15] = "CmpltAbrt",
			[16] = "UnxCmplt",
			[17] = "RxOF",
			[18] = "MalfTLP",
			[19] = "ECRC",
			[20] = "UnsupReq",
			[21] = "ACSViol",
			[22] = "UncorrIntErr",
			[23] = "BlockedTLP",
			[24] = "AtomicOpBlocked",
			[25] = "TLPBlockedErr",
			[26] = "PoisonTLPBlocked",
		},
};

static const char *const errors_files[] = {
	[VFIO_ERRORS_CORRECTABLE] = "aer_dev_correctable",
	[VFIO_ERRORS_NONFATAL] = "aer_dev_nonfatal",
};

/* 32: the sum of all, or a name of tomorrow's. */
static unsigned int errors_find_bit(enum vfio_error_kind kind, const char *name)
{
	const char *number = strstr(name, "_bit[");
	unsigned int bit = 0;

	if (number)
		return sscanf(number, "_bit[%2u]", &bit) == 1 && bit < 32 ? bit : 32;
	while (bit < 32 && !(errors_names[kind][bit] && strcmp(errors_names[kind][bit], name) == 0))
		bit++;
	return bit;
}

uint32_t vfio_errors_counted(const char *sysfs, const char *address, enum vfio_error_kind kind,
			     struct vfio_error_counts *counts)
{
	char path[PATH_MAX], line[128], name[64];
	unsigned long long count;
	uint32_t found = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", sysfs, address,
		 errors_files[kind]);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		unsigned int bit = sscanf(line, "%63s %llu", name, &count) == 2
					   ? errors_find_bit(kind, name)
					   : 32;

		if (bit == 32)
			continue;
		if (count > counts->of[bit])
			found |= UINT32_C(1) << bit;
		counts->of[bit] = count;
	}
	fclose(file);
	return found;
}

static bool errors_read_total(const char *folder, const char *name, uint64_t *total)
{
	char text[32];

	vfio_host_line(folder, name, text, sizeof(text));
	*total = strtoull(text, NULL, 10);
	return text[0];
}

/* The folder of a device lies in that of the port or bridge above it. */
struct vfio_port_errors vfio_errors_at_port(const char *sysfs, const char *address)
{
	char link[PATH_MAX], folder[PATH_MAX], *end;
	struct vfio_port_errors errors = {0};

	snprintf(link, sizeof(link), "%s/bus/pci/devices/%s", sysfs, address);
	if (!realpath(link, folder))
		return errors;
	while ((end = strrchr(folder, '/')) && end != folder) {
		*end = '\0';
		if (errors_read_total(folder, "aer_rootport_total_err_fatal", &errors.fatal) &&
		    errors_read_total(folder, "aer_rootport_total_err_nonfatal", &errors.nonfatal))
			break;
	}
	return errors;
}
