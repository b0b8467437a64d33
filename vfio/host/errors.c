/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's counters of errors: a device's own, by their names, and those of the port above. */

#include "vfio/host/errors.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/files.h"

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

/* Counters of a kernel that has none are read as none. */
static bool errors_open(const char *folder, const char *name, FILE **file)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	*file = files_open(path);
	return *file || errno == ENOENT;
}

static uint32_t errors_take_line(enum vfio_error_kind kind, const char *line,
				 struct vfio_error_counts *counts)
{
	unsigned long long count;
	uint32_t found = 0;
	unsigned int bit;
	char name[64];

	if (sscanf(line, "%63s %llu", name, &count) != 2)
		return 0;
	bit = errors_find_bit(kind, name);
	if (bit == 32)
		return 0;
	if (count > counts->of[bit])
		found = UINT32_C(1) << bit;
	counts->of[bit] = count;
	return found;
}

bool vfio_errors_counted(const char *sysfs, const char *address, enum vfio_error_kind kind,
			 struct vfio_error_counts *counts, uint32_t *errors)
{
	char folder[PATH_MAX], line[128];
	FILE *file;
	bool read;

	*errors = 0;
	snprintf(folder, sizeof(folder), "%s/bus/pci/devices/%s", sysfs, address);
	if (!errors_open(folder, errors_files[kind], &file))
		return false;
	if (!file)
		return files_check(folder) == 0;
	while (fgets(line, sizeof(line), file))
		*errors |= errors_take_line(kind, line, counts);
	read = !ferror(file);
	fclose(file);
	return read;
}

/* False: it cannot be read. *@there: whether the kernel counts there. */
static bool errors_read_total(const char *folder, const char *name, bool *there, uint64_t *total)
{
	char text[32];
	FILE *file;

	*there = false;
	if (!errors_open(folder, name, &file))
		return false;
	if (!file)
		return true;
	*there = fgets(text, sizeof(text), file);
	*total = *there ? strtoull(text, NULL, 10) : 0;
	fclose(file);
	return *there;
}

/* The folder of a device lies in that of the port or bridge above it. */
bool vfio_errors_at_port(const char *sysfs, const char *address, struct vfio_port_errors *errors)
{
	char link[PATH_MAX], folder[PATH_MAX], *end;
	struct vfio_port_errors now = {0};
	bool fatal = false, nonfatal = false;

	snprintf(link, sizeof(link), "%s/bus/pci/devices/%s", sysfs, address);
	if (files_real(link, folder))
		return false;
	while (!(fatal && nonfatal) && (end = strrchr(folder, '/')) && end != folder) {
		*end = '\0';
		if (!errors_read_total(folder, "aer_rootport_total_err_fatal", &fatal,
				       &now.fatal) ||
		    !errors_read_total(folder, "aer_rootport_total_err_nonfatal", &nonfatal,
				       &now.nonfatal))
			return false;
	}
	*errors = now;
	return true;
}
