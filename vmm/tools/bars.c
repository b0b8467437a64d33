/* SPDX-License-Identifier: BSD-3-Clause */
/* How the BARs of a device are told: in words and as JSON. */

#include "vmm/tools/bars.h"

#include <inttypes.h>

enum { BAR_ROOM = 128 };

const char *bars_size(uint64_t size, char text[BARS_SIZE_ROOM])
{
	static const char units[] = "\0KMGTPE";
	unsigned int unit = 0;

	while (unit < 6 && size && size % 1024 == 0) {
		size /= 1024;
		unit++;
	}
	snprintf(text, BARS_SIZE_ROOM, "%" PRIu64 "%.1s", size, &units[unit]);
	return text;
}

/* How the guest gets at a server's: what is not mapped costs a message for each access. */
static void bars_append_way(const struct vfio_resource *bar, uint64_t mapped, struct text *text)
{
	char size[BARS_SIZE_ROOM];

	if (mapped == 0)
		text_append(text, ", by messages");
	else if (mapped >= bar->size)
		text_append(text, ", mapped");
	else
		text_append(text, ", %s of it mapped", bars_size(mapped, size));
}

static const char *bars_describe(const struct vfio_resource *bars, unsigned int bar,
				 const uint64_t *mapped, char described[BAR_ROOM])
{
	const struct vfio_resource *resource = &bars[bar];
	struct text text = {described, BAR_ROOM};
	char size[BARS_SIZE_ROOM];

	text_append(&text, "%s", bars_size(resource->size, size));
	if (bar != PCI_ROM_BAR)
		text_append(&text, ", %s%s%s", resource->io ? "I/O ports" : "memory",
			    resource->wide ? ", 64-bit" : "",
			    resource->prefetchable ? ", prefetchable" : "");
	if (mapped)
		bars_append_way(resource, mapped[bar], &text);
	return described;
}

void bars_print(const struct vfio_resource bars[PCI_BAR_COUNT], const uint64_t *mapped, FILE *out)
{
	for (unsigned int bar = 0; bar < PCI_BAR_COUNT; bar++) {
		char described[BAR_ROOM];

		if (bars[bar].size == 0)
			continue;
		bars_describe(bars, bar, mapped, described);
		if (bar == PCI_ROM_BAR)
			fprintf(out, "  ROM          %s\n", described);
		else
			fprintf(out, "  BAR %u        %s\n", bar, described);
	}
}

void bars_append(const struct vfio_resource bars[PCI_BAR_COUNT], const uint64_t *mapped,
		 struct text *text)
{
	const char *separator = "";

	for (unsigned int bar = 0; bar < PCI_BAR_COUNT; bar++) {
		char described[BAR_ROOM];

		if (bars[bar].size == 0)
			continue;
		bars_describe(bars, bar, mapped, described);
		if (bar == PCI_ROM_BAR)
			text_append(text, "%sROM %s", separator, described);
		else
			text_append(text, "%sBAR %u %s", separator, bar, described);
		separator = "; ";
	}
	if (!*separator)
		text_append(text, "none");
}

static const char *bars_kind(unsigned int bar, const struct vfio_resource *resource)
{
	if (bar == PCI_ROM_BAR)
		return "rom";
	return resource->io ? "io" : "memory";
}

json_t *bars_json(const struct vfio_resource bars[PCI_BAR_COUNT], const uint64_t *mapped)
{
	json_t *array = json_array();

	for (unsigned int bar = 0; bar < PCI_BAR_COUNT; bar++) {
		const struct vfio_resource *resource = &bars[bar];
		json_t *object;

		if (resource->size == 0)
			continue;
		object = json_pack("{s:i, s:s, s:I, s:b, s:b}", "index", (int)bar, "kind",
				   bars_kind(bar, resource), "size", (json_int_t)resource->size,
				   "wide", resource->wide, "prefetchable", resource->prefetchable);
		if (mapped)
			json_object_set_new(object, "mapped",
					    json_integer((json_int_t)mapped[bar]));
		json_array_append_new(array, object);
	}
	return array;
}
