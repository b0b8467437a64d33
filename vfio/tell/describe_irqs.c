/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A passed-through function's interrupts for a person: the mode in use, routes and how they get
 * there.
 */

#include <inttypes.h>
#include <linux/pci_regs.h>

#include "vfio/tell/describe.h"
#include "vmm/base/bits.h"

const char *vfio_describe_mode(const struct vfio_irqs *irqs)
{
	if (irqs->active)
		return irqs->active == &irqs->msi ? "MSI" : "MSI-X";
	return irqs->intx.trigger >= 0 ? "INTx" : "no interrupts";
}

static void show_intx(const struct vfio_irqs *irqs, const uint8_t *config, FILE *out)
{
	const struct vfio_intx *intx = &irqs->intx;

	fprintf(out, "  pin %c, GSI %u%s, ", 'A' + config[PCI_INTERRUPT_PIN] - 1, intx->gsi,
		load_le16(config + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE ? ", disabled in COMMAND"
									   : "");
	if (intx->device_trigger >= 0)
		fprintf(out,
			"relayed by the monitor: raised %" PRIu64 ", ended by the guest %" PRIu64
			"\n",
			intx->raised, intx->ended);
	else
		fputs("by irqfd, unmasked at the guest's end of interrupt: not counted here\n",
		      out);
}

/* Bits that the device itself keeps for vectors the host has not been asked for. */
static bool owed_by_device(const struct vfio_pci *pci, unsigned int vector)
{
	const struct pci_msix *msix = &pci->msix;
	uint64_t bits;

	return vfio_region_read(pci->backend, &pci->regions[msix->pba_bar],
				msix->pba_offset + vector / 64 * 8, 8, &bits) == 0 &&
	       bits >> vector % 64 & 1;
}

static bool is_pending(struct vfio_pci *pci, unsigned int index, bool msix)
{
	const struct vfio_vector *vector = &pci->irqs.vectors[index];

	if (vector->attached)
		return false;
	if (vfio_vector_ops.pending(pci->irqs.active, index))
		return true;
	return msix && !vector->wired &&
	       load_le16(pci->device.config + PCI_COMMAND) & PCI_COMMAND_MEMORY &&
	       owed_by_device(pci, index);
}

const char *vfio_describe_delivery(const struct vfio_vector *vector)
{
	if (!vector->wanted)
		return "held back";
	if (!vector->attached)
		return "failed: see the log";
	return vector->device_eventfd >= 0 ? "relayed" : "irqfd";
}

static void show_vector(struct vfio_pci *pci, unsigned int index, FILE *out)
{
	const struct vfio_irqs *irqs = &pci->irqs;
	const struct vfio_vector *vector = &irqs->vectors[index];
	bool msix = irqs->active == &irqs->msix;
	uint64_t address = vector->message.address;
	uint32_t data = vector->message.data;

	if (msix && index < pci->msix.vectors) {
		address = pci->msix.entries[index].address;
		data = pci->msix.entries[index].data;
	}
	fprintf(out, "  %6u  %-8s  %-7s  0x%016" PRIx64 " 0x%08" PRIx32 "  ", index,
		vector->wanted ? "unmasked" : "masked", is_pending(pci, index, msix) ? "yes" : "no",
		address, data);
	if (vector->gsi >= 0)
		fprintf(out, "%4d  ", vector->gsi);
	else
		fputs("   -  ", out);
	fprintf(out, "%-9s  ", vfio_describe_delivery(vector));
	if (vector->device_eventfd >= 0)
		fprintf(out, "%" PRIu64 "\n", vector->signalled);
	else
		fputs("-\n", out);
}

/* Neither unmasked nor ever programmed or signalled: nothing to tell of but that they are there. */
static bool is_untouched(struct vfio_pci *pci, unsigned int index)
{
	const struct vfio_irqs *irqs = &pci->irqs;
	bool msix = irqs->active == &irqs->msix;

	return irqs->vectors[index].gsi < 0 && !irqs->vectors[index].wanted &&
	       !(msix && index < pci->msix.vectors && pci->msix.entries[index].address) &&
	       !is_pending(pci, index, msix);
}

static void show_vectors(struct vfio_pci *pci, FILE *out)
{
	const struct vfio_irqs *irqs = &pci->irqs;
	unsigned int untouched = 0;
	bool relayed = irqs->trace;

	fputs("  vector  guest's   pending  address            data         GSI  delivered  count\n",
	      out);
	for (unsigned int i = 0; i < irqs->count; i++) {
		if (is_untouched(pci, i))
			untouched++;
		else
			show_vector(pci, i, out);
	}
	if (untouched)
		fprintf(out, "  %u vectors masked and never used\n", untouched);
	if (!relayed)
		fprintf(out,
			"  by irqfd the kernel delivers alone and the monitor cannot count: on the "
			"host\n  /proc/interrupts has vfio-%s[N](%s)\n",
			irqs->active == &irqs->msi ? "msi" : "msix", pci->device.name);
}

void vfio_describe_irqs(struct vfio_pci *pci, FILE *out)
{
	const struct vfio_irqs *irqs = &pci->irqs;

	fprintf(out, "interrupts: %s", vfio_describe_mode(irqs));
	if (!irqs->active) {
		fputc('\n', out);
		if (irqs->intx.trigger >= 0)
			show_intx(irqs, pci->device.config, out);
		return;
	}
	fprintf(out, ", %u vectors, %u of them set up in the host's kernel%s\n", irqs->count,
		irqs->span,
		irqs->active == &irqs->msix && pci->msix.function_masked ? ", function masked"
									 : "");
	show_vectors(pci, out);
}
