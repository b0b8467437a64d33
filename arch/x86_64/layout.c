/* SPDX-License-Identifier: BSD-3-Clause */
/* Where RAM, ECAM and PCI's windows are in guest-physical space: a pure function. */

#include <errno.h>
#include <string.h>

#include "arch/arch.h"
#include "arch/x86_64/platform_x86.h"
#include "vmm/base/bits.h"

#define HOLE_STEP     GIB
#define HOLE_LOWEST   GIB
#define HIGH_BASE     (4 * GIB)
#define WINDOW64_WISH (64 * GIB)
#define WINDOW64_MIN  GIB

/* Fragments of usable addresses below this size are not worth a memslot. */
#define FRAGMENT_MIN (2 * MIB)

struct span {
	uint64_t base;
	uint64_t end; /* one past the last */
};

struct layout {
	const struct arch_layout_request *request;
	struct platform *platform;
	uint64_t top;        /* one past the last guest-physical address */
	uint64_t hole;       /* where RAM below 4 GiB ends at the latest */
	uint64_t ram_wanted; /* still to be placed */
};

/* The usable range number @index; without a list there is one of everything. */
static bool usable_span(const struct layout *layout, size_t index, struct span *span)
{
	const struct arch_layout_request *request = layout->request;
	uint64_t base, size;

	if (request->usable == NULL) {
		*span = (struct span){0, layout->top};
		return index == 0;
	}
	if (index >= request->usable_count)
		return false;
	base = request->usable[index].base;
	size = request->usable[index].size;
	span->base = base;
	span->end = size > UINT64_MAX - base ? UINT64_MAX : base + size;
	if (span->end > layout->top)
		span->end = layout->top;
	return true;
}

static struct span span_intersect(struct span a, struct span b)
{
	struct span both = {
		.base = a.base > b.base ? a.base : b.base,
		.end = a.end < b.end ? a.end : b.end,
	};

	if (both.end < both.base)
		both.end = both.base;
	return both;
}

/* Makes RAM of the whole pages in @span, as far as more is wanted. */
static int place_piece(struct layout *layout, struct span span, struct err *err)
{
	struct platform *platform = layout->platform;
	uint64_t page = layout->request->page_size;
	uint64_t size;

	if (span.base > UINT64_MAX - page)
		return 0;
	span.base = align_up(span.base, page);
	span.end = align_down(span.end, page);
	if (span.end <= span.base)
		return 0;
	size = span.end - span.base;
	if (size < FRAGMENT_MIN && size < layout->ram_wanted)
		return 0;
	if (size > layout->ram_wanted)
		size = layout->ram_wanted;
	if (platform->ram_count == RAM_PIECES_MAX)
		return err_set(
			err, -ENOSPC,
			"guest memory: %llu MiB: the addresses that the IOMMU can map are in "
			"too many pieces: give the guest less memory",
			(unsigned long long)(layout->request->ram_size / MIB));
	platform->ram[platform->ram_count++] = (struct ram_range){span.base, size};
	layout->ram_wanted -= size;
	return 0;
}

static int place_ram_between(struct layout *layout, struct span area, struct err *err)
{
	struct span usable;
	int error = 0;

	for (size_t i = 0; error == 0 && layout->ram_wanted > 0 && usable_span(layout, i, &usable);
	     i++)
		error = place_piece(layout, span_intersect(usable, area), err);
	return error;
}

static int place_ram(struct layout *layout, struct err *err)
{
	const struct platform *platform = layout->platform;
	uint64_t lowest = X86_HIGH_RAM_BASE;
	int error;

	layout->ram_wanted = layout->request->ram_size;
	error = place_ram_between(layout, (struct span){0, layout->hole}, err);
	if (error == 0 && (platform->ram_count == 0 || platform->ram[0].base != 0 ||
			   platform->ram[0].size < lowest))
		return err_set(err, -ENOSPC,
			       "guest memory: the first MiB: the IOMMU cannot map addresses there "
			       "in pages of %llu KiB: use smaller pages or another device",
			       (unsigned long long)(layout->request->page_size / KIB));
	if (error == 0)
		error = place_ram_between(layout, (struct span){HIGH_BASE, layout->top}, err);
	if (error == 0 && layout->ram_wanted > 0)
		return err_set(err, -ENOSPC,
			       "guest memory: %llu MiB: %llu MiB do not fit the guest-physical "
			       "addresses that KVM and the IOMMU offer: give the guest less",
			       (unsigned long long)(layout->request->ram_size / MIB),
			       (unsigned long long)(align_up(layout->ram_wanted, MIB) / MIB));
	return error;
}

/*
 * ECAM, with room for all buses whatever their number, then the 32-bit window up to the interrupt controllers. The hole starts lower, by whole GiB,
 * until the window holds an aligned block of the size that is needed, or else just the bytes.
 */
static int place_hole(struct layout *layout, struct err *err)
{
	struct platform *platform = layout->platform;
	uint64_t needed = layout->request->mmio32_needed;
	uint64_t hole, window = 0;

	for (hole = X86_HOLE_BASE; hole >= HOLE_LOWEST && needed <= 2 * GIB; hole -= HOLE_STEP) {
		uint64_t block = round_up_power_of_2(needed);

		window = hole + X86_ECAM_SIZE;
		if (align_up(window, block) + block <= X86_MMIO32_END)
			break;
	}
	if (hole < HOLE_LOWEST || needed > 2 * GIB) {
		hole = HOLE_LOWEST;
		window = hole + X86_ECAM_SIZE;
	}
	if (needed > X86_MMIO32_END - window)
		return err_set(err, -ENOSPC,
			       "PCI window below 4 GiB: %llu MiB of 32-bit BARs: there is room for "
			       "%llu MiB: pass fewer devices",
			       (unsigned long long)(needed / MIB),
			       (unsigned long long)((X86_MMIO32_END - window) / MIB));
	layout->hole = hole;
	platform->ecam = (struct ram_range){hole, layout->request->buses * MIB};
	platform->mmio32 = (struct ram_range){window, X86_MMIO32_END - window};
	return 0;
}

/* The lowest aligned place for @size bytes above all RAM, in one usable range; 0 when none. */
static uint64_t find_window64(const struct layout *layout, uint64_t size)
{
	const struct platform *platform = layout->platform;
	const struct ram_range *last = &platform->ram[platform->ram_count - 1];
	struct span above = {.base = HIGH_BASE, .end = layout->top};
	struct span usable;

	if (last->base + last->size > above.base)
		above.base = last->base + last->size;
	for (size_t i = 0; usable_span(layout, i, &usable); i++) {
		struct span span = span_intersect(usable, above);

		if (span.end - span.base < size || span.base > UINT64_MAX - size)
			continue;
		span.base = align_up(span.base, size);
		if (span.base < span.end && span.end - span.base >= size)
			return span.base;
	}
	return 0;
}

/* A power of two, aligned to its size: what is needed, and generous while addresses last. */
static int place_window64(struct layout *layout, struct err *err)
{
	uint64_t needed = layout->request->mmio64_needed;
	uint64_t least, size;

	if (needed > (uint64_t)1 << 62)
		return err_set(err, -ENOSPC, "PCI window above 4 GiB: the BARs are too large");
	least = round_up_power_of_2(needed);
	if (least < WINDOW64_MIN)
		least = WINDOW64_MIN;
	for (size = least < WINDOW64_WISH ? WINDOW64_WISH : least; size >= least; size /= 2) {
		uint64_t base = find_window64(layout, size);

		if (base != 0) {
			layout->platform->mmio64 = (struct ram_range){base, size};
			return 0;
		}
	}
	if (needed == 0)
		return 0;
	return err_set(
		err, -ENOSPC,
		"PCI window above 4 GiB: %llu MiB of 64-bit BARs: there is no room above the "
		"guest's memory within the addresses that KVM and the IOMMU offer: give the "
		"guest less memory or fewer devices",
		(unsigned long long)(needed / MIB));
}

static int check_request(const struct arch_layout_request *request, struct err *err)
{
	if (request->cpus < 1 || request->cpus > PLATFORM_CPUS_MAX)
		return err_set(err, -EINVAL, "processors: %u: give 1 to %d", request->cpus,
			       PLATFORM_CPUS_MAX);
	if (request->buses < 1 || request->buses > X86_ECAM_SIZE / MIB)
		return err_set(err, -EINVAL, "PCI buses: %u: give 1 to %llu", request->buses,
			       (unsigned long long)(X86_ECAM_SIZE / MIB));
	if (!is_power_of_2(request->page_size) || request->page_size < 4096 ||
	    !is_aligned(request->ram_size, request->page_size))
		return err_set(err, -EINVAL,
			       "guest memory: %llu bytes: not a multiple of the page size, %llu: "
			       "give a multiple",
			       (unsigned long long)request->ram_size,
			       (unsigned long long)request->page_size);
	if (request->ram_size < arch_ram_minimum())
		return err_set(err, -EINVAL,
			       "guest memory: %llu KiB: too small: give at least %llu MiB",
			       (unsigned long long)(request->ram_size / KIB),
			       (unsigned long long)(arch_ram_minimum() / MIB));
	if (request->physical_bits < 32 || request->physical_bits > 52)
		return err_set(err, -EINVAL,
			       "guest memory: KVM tells %u bits of guest-physical addresses, which "
			       "no processor has",
			       request->physical_bits);
	return 0;
}

int arch_layout(const struct arch_layout_request *request, struct platform *platform,
		struct err *err)
{
	struct layout layout = {.request = request, .platform = platform};
	int error = check_request(request, err);

	if (error < 0)
		return error;
	layout.top = (uint64_t)1 << request->physical_bits;
	*platform = (struct platform){
		.cpus = request->cpus,
		.io = {X86_PORT_PCI_BASE, X86_PORT_PCI_END - X86_PORT_PCI_BASE},
		.intx_gsi = X86_GSI_INTX,
		.intx_count = X86_GSI_INTX_COUNT,
		.serial = request->serial,
		.debug_exit = request->debug_exit,
	};
	error = place_hole(&layout, err);
	if (error == 0)
		error = place_ram(&layout, err);
	if (error == 0)
		error = place_window64(&layout, err);
	return error;
}
