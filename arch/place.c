/* SPDX-License-Identifier: BSD-3-Clause */
/* Places RAM and PCI windows among the addresses that can be used: pure functions. */

#include "arch/place.h"

#include <errno.h>

#define WINDOW64_WISH (64 * GIB)
#define WINDOW64_MIN  GIB

/* Fragments of usable addresses below this size are not worth a memslot. */
#define FRAGMENT_MIN (2 * MIB)

enum { PLACE_BUSES_MAX = 256 };

/* The usable range number @index; without a list there is one of everything. */
static bool place_usable_span(const struct place *place, size_t index, struct place_span *span)
{
	const struct arch_layout_request *request = place->request;
	uint64_t base, size;

	if (!request->usable) {
		*span = (struct place_span){0, place->top};
		return index == 0;
	}
	if (index >= request->usable_count)
		return false;
	base = request->usable[index].base;
	size = request->usable[index].size;
	span->base = base;
	span->end = size > UINT64_MAX - base ? UINT64_MAX : base + size;
	if (span->end > place->top)
		span->end = place->top;
	return true;
}

static struct place_span place_span_intersect(struct place_span a, struct place_span b)
{
	struct place_span both = {
		.base = a.base > b.base ? a.base : b.base,
		.end = a.end < b.end ? a.end : b.end,
	};

	if (both.end < both.base)
		both.end = both.base;
	return both;
}

/* Makes RAM of the whole pages in @span, as far as more is wanted. */
static int place_piece(struct place *place, struct place_span span, struct err *err)
{
	struct platform *platform = place->platform;
	uint64_t page = place->page;
	uint64_t size;

	if (span.base > UINT64_MAX - page)
		return 0;
	span.base = align_up(span.base, page);
	span.end = align_down(span.end, page);
	if (span.end <= span.base)
		return 0;
	size = span.end - span.base;
	if (size < FRAGMENT_MIN && size < place->ram_wanted)
		return 0;
	if (size > place->ram_wanted)
		size = place->ram_wanted;
	if (platform->ram_count == RAM_PIECES_MAX)
		return err_set(
			err, -ENOSPC,
			"guest memory: %llu MiB: the addresses that the IOMMU can map are in "
			"too many pieces: give the guest less memory",
			(unsigned long long)(place->request->ram_size / MIB));
	platform->ram[platform->ram_count++] = (struct ram_range){span.base, size};
	place->ram_wanted -= size;
	return 0;
}

int place_ram(struct place *place, struct place_span area, struct err *err)
{
	struct place_span usable;
	int rc = 0;

	for (size_t i = 0; !rc && place->ram_wanted > 0 && place_usable_span(place, i, &usable);
	     i++)
		rc = place_piece(place, place_span_intersect(usable, area), err);
	return rc;
}

int place_ram_end(struct place *place, struct err *err)
{
	if (place->ram_wanted == 0)
		return 0;
	return err_set(err, -ENOSPC,
		       "guest memory: %llu MiB: %llu MiB do not fit the guest-physical "
		       "addresses that KVM and the IOMMU offer: give the guest less",
		       (unsigned long long)(place->request->ram_size / MIB),
		       (unsigned long long)(align_up(place->ram_wanted, MIB) / MIB));
}

bool place_window32_roomy(const struct place *place, struct place_span span)
{
	uint64_t needed = place->request->mmio32_needed, block;

	if (needed > 2 * GIB)
		return false;
	block = round_up_power_of_2(needed);
	return align_up(span.base, block) + block <= span.end;
}

int place_window32(struct place *place, struct place_span span, struct err *err)
{
	uint64_t needed = place->request->mmio32_needed, size = span.end - span.base;

	if (needed > size)
		return err_set(err, -ENOSPC,
			       "PCI window below 4 GiB: %llu MiB of 32-bit BARs: there is room for "
			       "%llu MiB: pass fewer devices, or have fewer or smaller slots in "
			       "--hotplug",
			       (unsigned long long)(needed / MIB),
			       (unsigned long long)(size / MIB));
	place->platform->mmio32 = (struct ram_range){span.base, size};
	return 0;
}

/* The lowest aligned place for @size bytes above all RAM, in one usable range; 0 when none. */
static uint64_t place_find_window64(const struct place *place, uint64_t size)
{
	const struct platform *platform = place->platform;
	const struct ram_range *last = &platform->ram[platform->ram_count - 1];
	struct place_span above = {.base = PLACE_HIGH_BASE, .end = place->top};
	struct place_span usable;

	if (last->base + last->size > above.base)
		above.base = last->base + last->size;
	for (size_t i = 0; place_usable_span(place, i, &usable); i++) {
		struct place_span span = place_span_intersect(usable, above);

		if (span.end - span.base < size || span.base > UINT64_MAX - size)
			continue;
		span.base = align_up(span.base, size);
		if (span.base < span.end && span.end - span.base >= size)
			return span.base;
	}
	return 0;
}

/* A power of two, aligned to its size: what is needed, and generous while addresses last. */
int place_window64(struct place *place, struct err *err)
{
	uint64_t needed = place->request->mmio64_needed;
	uint64_t least, size;

	if (needed > (uint64_t)1 << 62)
		return err_set(err, -ENOSPC, "PCI window above 4 GiB: the BARs are too large");
	least = round_up_power_of_2(needed);
	if (least < WINDOW64_MIN)
		least = WINDOW64_MIN;
	for (size = least < WINDOW64_WISH ? WINDOW64_WISH : least; size >= least; size /= 2) {
		uint64_t base = place_find_window64(place, size);

		if (base != 0) {
			place->platform->mmio64 = (struct ram_range){base, size};
			return 0;
		}
	}
	if (needed == 0)
		return 0;
	return err_set(
		err, -ENOSPC,
		"PCI window above 4 GiB: %llu MiB of 64-bit BARs: there is no room above the "
		"guest's memory within the addresses that KVM and the IOMMU offer: give the "
		"guest less memory or fewer devices, or fewer or smaller slots in --hotplug",
		(unsigned long long)(needed / MIB));
}

static int place_check_request(const struct arch_layout_request *request, struct err *err)
{
	if (request->cpus < 1 || request->cpus > PLATFORM_CPUS_MAX)
		return err_set(err, -EINVAL, "processors: %u: give 1 to %d", request->cpus,
			       PLATFORM_CPUS_MAX);
	if (request->buses < 1 || request->buses > PLACE_BUSES_MAX)
		return err_set(err, -EINVAL, "PCI buses: %u: give 1 to %d", request->buses,
			       PLACE_BUSES_MAX);
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

int place_begin(struct place *place, const struct arch_layout_request *request,
		struct platform *platform, uint64_t page, struct err *err)
{
	int rc = place_check_request(request, err);

	if (rc)
		return rc;
	*platform = (struct platform){
		.cpus = request->cpus,
		.serial = request->serial,
		.debug_exit = request->debug_exit,
	};
	*place = (struct place){
		.request = request,
		.platform = platform,
		.top = (uint64_t)1 << request->physical_bits,
		.page = page > request->page_size ? page : request->page_size,
		.ram_wanted = request->ram_size,
	};
	return 0;
}
