/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ferry doctor` checks of BARs: who holds them, what the host's pages have trapped. */

#include <inttypes.h>

#include "vfio/host/claim.h"
#include "vmm/base/bits.h"
#include "vmm/base/page.h"
#include "vmm/tools/doctor.h"

/* PCI 3.0 6.8.2: what the device's registers are kept from, so far as its maker could tell. */
enum { USUAL_PAGE = 4096, MSIX_ENTRY = 16, PENDING_BITS = 64 };

struct span {
	uint64_t start, end;
};

/* Says nothing when nobody is seen: only root is told by the kernel where things are. */
static void bars_check_holder(struct doctor *doctor, const struct vfio_host_device *device)
{
	struct vfio_claim claim;
	char text[160], mend[FINDING_MEND];

	if (!vfio_claim_find(doctor->tool->proc, &device->sysfs, device->driver, &claim))
		return;
	vfio_claim_tell(&claim, text, sizeof(text));
	vfio_claim_mend(&claim, mend, sizeof(mend));
	doctor_tell(doctor, FINDING_FAILURE, "BARs", device->sysfs.address,
		    "%s, so that VFIO does not get it", text);
	doctor_mend(doctor, "%s", mend);
}

/* The pages of @bar that hold @size bytes at @offset of BAR @of. */
static struct span bars_pages(unsigned int bar, unsigned int of, uint64_t offset, uint64_t size,
			      uint64_t page)
{
	if (bar != of)
		return (struct span){0, 0};
	return (struct span){align_down(offset, page), align_up(offset + size, page)};
}

static uint64_t bars_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t bars_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool bars_has_msix(unsigned int bar, const struct vfio_host_interrupts *interrupts)
{
	return interrupts->msix && (interrupts->table_bar == bar || interrupts->pba_bar == bar);
}

/*
 * How much of a BAR is mapped where pages are of @page, as vfio/pci/bar.c has it. The kernel lets
 * one smaller than a page be mapped where it begins the page.
 */
static uint64_t bars_mapped(const struct vfio_resource *resource, unsigned int bar,
			    const struct vfio_host_interrupts *interrupts, uint64_t page)
{
	uint64_t vectors = interrupts->msix, pending, trapped;
	struct span table, pba = {0};

	if (!bars_has_msix(bar, interrupts))
		return resource->size < page && resource->start % page ? 0 : resource->size;
	if (resource->size < page)
		return 0;
	table = bars_pages(bar, interrupts->table_bar, interrupts->table, vectors * MSIX_ENTRY,
			   page);
	pending = align_up(vectors, PENDING_BITS) / 8;
	if (range_fits(interrupts->pba, pending, resource->size))
		pba = bars_pages(bar, interrupts->pba_bar, interrupts->pba, pending, page);
	trapped = table.end - table.start + pba.end - pba.start;
	if (bars_max(table.start, pba.start) < bars_min(table.end, pba.end))
		trapped -= bars_min(table.end, pba.end) - bars_max(table.start, pba.start);
	return resource->size > trapped ? resource->size - trapped : 0;
}

static void bars_tell_trapped(struct doctor *doctor, const struct vfio_host_device *device,
			      unsigned int bar, uint64_t trapped, bool msix)
{
	uint64_t page = host_page_size();

	doctor_tell(doctor, FINDING_WARNING, "BARs", device->sysfs.address,
		    "the host's pages of %" PRIu64 " KiB have %" PRIu64
		    " bytes of BAR %u trapped, as %s: each access there costs the guest an exit",
		    page / KIB, trapped, bar,
		    msix ? "its MSI-X table is in one with other registers"
			 : "it has none to itself");
	doctor_mend(doctor, "start the host with a kernel whose pages are of 4 KiB");
	doctor_fact_number(doctor, "bar", bar);
	doctor_fact_number(doctor, "page_bytes", page);
	doctor_fact_number(doctor, "trapped_bytes", trapped);
}

/*
 * A device keeps what is trapped apart from its other registers by 4 KiB. Larger pages of the
 * host's have more trapped: an NVMe disk's doorbells.
 */
static void bars_check_pages(struct doctor *doctor, const struct vfio_host_device *device)
{
	struct vfio_host_interrupts interrupts;

	vfio_host_interrupts(device, &interrupts);
	for (unsigned int bar = 0; bar < PCI_ROM_BAR; bar++) {
		const struct vfio_resource *resource = &device->sysfs.resources[bar];
		uint64_t usual = bars_mapped(resource, bar, &interrupts, USUAL_PAGE);
		uint64_t mapped = bars_mapped(resource, bar, &interrupts, host_page_size());

		if (!resource->io && mapped < usual)
			bars_tell_trapped(doctor, device, bar, usual - mapped,
					  bars_has_msix(bar, &interrupts));
	}
}

void doctor_check_bars(struct doctor *doctor, const struct vfio_host_device *device)
{
	bars_check_holder(doctor, device);
	bars_check_pages(doctor, device);
}
