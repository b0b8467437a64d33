/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of `ferry doctor` share: what is asked, and the list of verdicts. */

#ifndef FERRY_VMM_TOOLS_DOCTOR_H
#define FERRY_VMM_TOOLS_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "vfio/host/host.h"
#include "vmm/tools/socket.h"
#include "vmm/tools/tools.h"

enum finding_status { FINDING_OK, FINDING_WARNING, FINDING_FAILURE };

enum { FINDING_TEXT = 1100, FINDING_MEND = 256, FINDING_DEVICE = 128 };

/* A verdict with a sentence and what mends it. */
struct finding {
	enum finding_status status;
	const char *check;           /* a constant: "kvm", "driver" */
	char device[FINDING_DEVICE]; /* or a server's path; "": the host */
	char text[FINDING_TEXT];
	char mend[FINDING_MEND]; /* "": there is none */
	size_t command;          /* so many bytes of it, the first, are a command */
	json_t *facts;           /* an object: what the sentence says, for programs */
};

struct doctor {
	const struct tool *tool;
	uint64_t memory;
	uint64_t page_size;               /* of huge pages; 0 without */
	struct vfio_host_device *devices; /* those asked about that are there */
	size_t count;
	size_t asked;               /* those asked about */
	struct socket_list sockets; /* servers that answer */
	unsigned int physical_bits; /* 0: KVM cannot be asked */
	struct finding *findings;
	size_t finding_count;
	size_t failures, warnings;
};

/* What passthrough lacks stops a run with devices and is worth a warning without. */
static inline enum finding_status doctor_severity(const struct doctor *doctor)
{
	return doctor->asked ? FINDING_FAILURE : FINDING_WARNING;
}

/* Adds a finding; what mends it may follow. Out of memory counts as a failure. */
void doctor_tell(struct doctor *doctor, enum finding_status status, const char *check,
		 const char *device, const char *format, ...) FERRY_PRINTF(5, 6);

/*
 * What mends the last finding: a sentence; or a command, which @rest goes on after, as in " (then
 * log in again)".
 */
void doctor_mend(struct doctor *doctor, const char *format, ...) FERRY_PRINTF(2, 3);
void doctor_mend_by(struct doctor *doctor, const char *rest, const char *format, ...)
	FERRY_PRINTF(3, 4);

/* Facts of the last one added, by key; @value is taken, NULL where there was no memory for it. */
void doctor_fact(struct doctor *doctor, const char *key, json_t *value);
void doctor_fact_number(struct doctor *doctor, const char *key, uint64_t value);
void doctor_fact_text(struct doctor *doctor, const char *key, const char *value);

/* The host: KVM, IOMMU, interrupt remapping, modules, the container's node, memory. */
void doctor_check_host(struct doctor *doctor);

/* Reads the physical function of @device; false where it is no virtual one. */
bool doctor_read_physical(const struct doctor *doctor, const struct vfio_host_device *device,
			  struct vfio_host_device *physical);

/*
 * Whether this user may have @device by iommufd, with its node in @path. Not so one that VFIO wants
 * a token for, which takes the group's way.
 */
bool doctor_may_go_by_iommufd(const struct doctor *doctor, const struct vfio_host_device *device,
			      char *path, size_t size);

/* Whether all of the devices may, so that groups' nodes do not matter. */
bool doctor_goes_by_iommufd(const struct doctor *doctor);

/* Whether the host leaves the device's BARs to VFIO, and what its pages have trapped of them. */
void doctor_check_bars(struct doctor *doctor, const struct vfio_host_device *device);

/* Asks the server at @path, for which there is room in the list. */
void doctor_check_socket(struct doctor *doctor, const char *path);

/* Adds the room that the memory BARs of those that answer need. */
void doctor_add_socket_windows(const struct doctor *doctor, uint64_t *mmio32, uint64_t *mmio64);

/* Says how to turn the IOMMU on, as the last finding's mending. */
void doctor_mend_iommu(struct doctor *doctor);

/*
 * Every device with its group, its interrupts, and whether RAM and BARs find places. After the
 * host's check.
 */
void doctor_check_devices(struct doctor *doctor);

#endif
