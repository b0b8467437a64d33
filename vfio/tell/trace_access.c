/* SPDX-License-Identifier: BSD-3-Clause */
/* Accesses of a guest as lines of a trace. */

#include <inttypes.h>
#include <stdio.h>

#include "vfio/pci/pci.h"
#include "vfio/tell/decode.h"
#include "vfio/tell/names.h"
#include "vfio/tell/trace.h"
#include "vmm/kvm/origin.h"

/* Which vCPU's doing it is and from where, "" on a thread that is none's. */
static void trace_format_origin(char *text, size_t size)
{
	struct kvm_origin origin;

	text[0] = '\0';
	if (!kvm_origin_get(&origin))
		return;
	if (origin.has_pc)
		snprintf(text, size, "  (vCPU %u at 0x%" PRIx64 ")", origin.vcpu, origin.pc);
	else
		snprintf(text, size, "  (vCPU %u)", origin.vcpu);
}

/* One look for all: what, way, offset+bytes, value at its width, meaning, whose. */
static void trace_tell_access(struct vfio_trace *trace, const char *space, bool write,
			      uint64_t offset, unsigned int size, uint64_t value,
			      const char *meaning)
{
	char origin[64];

	trace_format_origin(origin, sizeof(origin));
	vfio_trace_note(trace, "%-7s %-5s 0x%04" PRIx64 "+%u  0x%0*" PRIx64 "%s%s%s", space,
			write ? "write" : "read", offset, size, (int)size * 2, value,
			*meaning ? "  " : "", meaning, origin);
}

void vfio_trace_config(struct vfio_trace *trace, const struct vfio_pci *pci, bool write,
		       unsigned int offset, unsigned int size, uint32_t value)
{
	char meaning[DECODE_SIZE];

	vfio_decode_config(pci, offset, size, value, meaning);
	trace_tell_access(trace, "config", write, offset, size, value, meaning);
}

void vfio_trace_bar(struct vfio_trace *trace, const struct vfio_pci *pci, unsigned int bar,
		    bool write, uint64_t offset, unsigned int size, uint64_t value)
{
	char space[16], meaning[DECODE_SIZE];

	if (pci->names && !write)
		vfio_names_learn(pci->names, bar, offset, size, value);
	vfio_decode_bar(pci, bar, offset, size, value, meaning);
	snprintf(space, sizeof(space), "bar%u", bar);
	trace_tell_access(trace, space, write, offset, size, value, meaning);
}
