/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `ferry doctor` checks of interrupts: what the devices have, and what the host has for them.
 */

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "vmm/base/fd.h"
#include "vmm/base/text.h"
#include "vmm/tools/doctor.h"

enum {
	/*
	 * x86's vectors of one processor, 32 to 255, less those that the kernel keeps for itself.
	 */
	VECTORS_PER_CPU = 200,
	/* What the monitor opens, and keeps from the guest, beside one eventfd for each vector. */
	DESCRIPTORS_BESIDE = FD_RESERVE + 32,
	DESCRIPTORS_PER_DEVICE = 16,
};

/* At most one of the three kinds is in use at a time. */
static unsigned int doctor_most_vectors(const struct vfio_host_interrupts *interrupts)
{
	if (interrupts->msix >= interrupts->msi && interrupts->msix)
		return interrupts->msix;
	return interrupts->msi ? interrupts->msi : interrupts->intx;
}

static unsigned int doctor_check_device(struct doctor *doctor,
					const struct vfio_host_device *device)
{
	struct vfio_host_interrupts interrupts;
	char said[128];
	struct text text = {said, sizeof(said)};

	vfio_host_interrupts(device, &interrupts);
	said[0] = '\0';
	if (interrupts.msix)
		text_append(&text, "MSI-X with a table of %u, ", interrupts.msix);
	if (interrupts.msi)
		text_append(&text, "MSI with up to %u, ", interrupts.msi);
	text_append(&text, "%s", interrupts.intx ? "INTx" : "no INTx");
	findings_add(&doctor->findings, FINDING_OK, "interrupts", device->sysfs.address, "%s%s",
		     said, interrupts.complete ? "" : "; MSI and MSI-X can be read by root only");
	findings_fact(&doctor->findings, "msix",
		      interrupts.complete ? json_integer(interrupts.msix) : json_null());
	findings_fact(&doctor->findings, "msi",
		      interrupts.complete ? json_integer(interrupts.msi) : json_null());
	findings_fact(&doctor->findings, "intx", json_boolean(interrupts.intx));
	return doctor_most_vectors(&interrupts);
}

/* Processors by x86's /proc/cpuinfo; 0 on others, whose controllers do not count by processor. */
static unsigned int doctor_x86_processors(const struct doctor *doctor)
{
	char path[PATH_MAX], line[4096];
	unsigned int processors = 0;
	bool x86 = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/cpuinfo", doctor->tool->proc);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		processors += strncmp(line, "processor", 9) == 0;
		x86 = x86 || strncmp(line, "vendor_id", 9) == 0;
	}
	if (file)
		fclose(file);
	return x86 ? processors : 0;
}

/* Interrupts that the host has set up. */
static unsigned int doctor_taken_interrupts(const struct doctor *doctor)
{
	char path[PATH_MAX];
	struct dirent *entry;
	unsigned int count = 0;
	DIR *list;

	snprintf(path, sizeof(path), "%s/kernel/irq", doctor->tool->sys);
	list = opendir(path);
	while (list && (entry = readdir(list)))
		count += entry->d_name[0] != '.';
	if (list)
		closedir(list);
	return count;
}

/*
 * A guest takes as many vectors as its driver wants, which is seldom all: no more than a warning.
 */
static void doctor_check_vectors(struct doctor *doctor, unsigned int needed)
{
	unsigned int vectors = doctor_x86_processors(doctor) * VECTORS_PER_CPU;
	unsigned int taken = doctor_taken_interrupts(doctor);
	struct findings *findings = &doctor->findings;
	unsigned int descriptors =
		needed + DESCRIPTORS_BESIDE + DESCRIPTORS_PER_DEVICE * (unsigned int)doctor->count;
	struct rlimit limit = {.rlim_max = RLIM_INFINITY};

	if (getrlimit(RLIMIT_NOFILE, &limit))
		limit.rlim_max = RLIM_INFINITY;
	if (vectors && taken + needed > vectors)
		findings_add(
			findings, FINDING_WARNING, "vectors", "",
			"a guest may want %u: the host's processors have about %u, of which %u "
			"are taken: it may get fewer",
			needed, vectors, taken);
	else if (limit.rlim_max < descriptors)
		findings_add(findings, FINDING_WARNING, "vectors", "",
			     "a guest may want %u, each of which takes a descriptor: %llu are the "
			     "most",
			     needed, (unsigned long long)limit.rlim_max);
	else
		findings_add(findings, FINDING_OK, "vectors", "",
			     "a guest may want %u, and can have them", needed);
	if (limit.rlim_max < descriptors)
		findings_mend(findings,
			      "sudo prlimit --pid $$ --nofile=%u (in the shell that "
			      "starts ferry)",
			      descriptors);
	findings_fact_number(findings, "wanted", needed);
	findings_fact(findings, "host", vectors ? json_integer(vectors) : json_null());
	findings_fact_number(findings, "taken", taken);
}

void doctor_check_interrupts(struct doctor *doctor)
{
	unsigned int needed = 0;

	for (size_t i = 0; i < doctor->count; i++)
		if (!doctor->devices[i].bridge)
			needed += doctor_check_device(doctor, &doctor->devices[i]);
	if (needed)
		doctor_check_vectors(doctor, needed);
}
