/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The monitor's commands on addresses: what is where, reading and writing, virtual to physical, the
 * kernel's.
 */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "arch/debug.h"
#include "vmm/base/bits.h"
#include "vmm/base/text.h"
#include "vmm/debug/monitor_private.h"
#include "vmm/debug/points.h"

enum { READ_MAX = 4096, ROW = 16 };

/* "RAM", "DEVICE mapped" and so on. */
static const char *monitor_kind(const struct mem_view *view)
{
	switch (view->kind) {
	case MEM_RAM:
		return "RAM";
	case MEM_ROM:
		return "ROM";
	case MEM_DEVICE:
		return view->slot >= 0 ? "DEVICE mapped" : "DEVICE trapped";
	case MEM_TRAP:
		break;
	}
	return "TRAP";
}

static void monitor_show_memory(void *owner, const struct mem_view *view)
{
	char size[TEXT_SIZE_ROOM], slot[16] = "-";
	FILE *out = owner;

	if (view->slot >= 0)
		snprintf(slot, sizeof(slot), "%d", view->slot);
	fprintf(out, "0x%016" PRIx64 "-0x%016" PRIx64 " %10s  %-14s %4s %9" PRIu64 "  %s\n",
		view->base, view->base + (view->size - 1), text_size(size, view->size),
		monitor_kind(view), slot, view->accesses, view->name);
}

static void monitor_show_ports(void *owner, const struct mem_view *view)
{
	FILE *out = owner;

	fprintf(out, "0x%04" PRIx64 "-0x%04" PRIx64 "  %9" PRIu64 "  %s\n", view->base,
		view->base + (view->size - 1), view->accesses, view->name);
}

void monitor_mem(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	uint64_t offset;

	(void)words;
	(void)count;
	fprintf(out, "%-37s %10s  %-14s %4s %9s  %s\n", "memory", "size", "kind", "slot",
		"accesses", "name");
	mem_map_walk(monitor->mmio, monitor_show_memory, out);
	if (ram_file(monitor->ram, 0, &offset) >= 0)
		fputs("RAM is shared with another process, which serves a device (vhost-user)\n",
		      out);
	if (!monitor->pio)
		return;
	fprintf(out, "%-13s  %9s  %s\n", "ports", "accesses", "name");
	mem_map_walk(monitor->pio, monitor_show_ports, out);
}

/* NUMBER[:WIDTH]; *@width stays as it is without one. */
static bool monitor_take_with_width(char *text, uint64_t *number, uint64_t *width, FILE *out)
{
	char *colon = strchr(text, ':');

	if (colon)
		*colon++ = '\0';
	if (!monitor_take_number(text, number, out))
		return false;
	if (!colon)
		return true;
	if (!monitor_take_number(colon, width, out))
		return false;
	if (*width <= 8 && is_power_of_2(*width))
		return true;
	fprintf(out, "a width of %" PRIu64 " bytes is none: there are 1, 2, 4 and 8\n", *width);
	return false;
}

/* Takes "-d" away from the words; whether it was there. */
static bool monitor_take_devices(char ***words, size_t *count)
{
	if (strcmp((*words)[0], "-d") != 0)
		return false;
	++*words;
	--*count;
	return true;
}

/*
 * Whether every byte of [@address, @address + @length) is memory, or with @devices anything at all.
 */
static bool monitor_check_range(const struct monitor *monitor, uint64_t address, uint64_t length,
				bool devices, bool write, FILE *out)
{
	for (uint64_t done = 0; done < length;) {
		uint64_t at = address + done;
		struct mem_view view;

		if (!mem_map_find(monitor->mmio, at, &view)) {
			fprintf(out, "0x%" PRIx64 ": nothing is there\n", at);
			return false;
		}
		if (!devices && view.kind != MEM_RAM && (write || view.kind != MEM_ROM)) {
			fprintf(out, "0x%" PRIx64 ": %s, %s: %s\n", at, monitor_kind(&view),
				view.name,
				write ? "write -d writes what is not RAM"
				      : "a device may act on being read: read -d does it");
			return false;
		}
		done += view.size - (at - view.base);
	}
	return true;
}

static void monitor_show_bytes(uint64_t address, const uint8_t *bytes, size_t length, FILE *out)
{
	for (size_t row = 0; row < length; row += ROW) {
		size_t count = length - row < ROW ? length - row : ROW;

		fprintf(out, "0x%016" PRIx64 " ", address + row);
		for (size_t i = 0; i < ROW; i++)
			if (i < count)
				fprintf(out, " %02x", bytes[row + i]);
			else
				fputs("   ", out);
		fputs("  |", out);
		for (size_t i = 0; i < count; i++)
			fputc(isprint(bytes[row + i]) ? bytes[row + i] : '.', out);
		fputs("|\n", out);
	}
}

static int monitor_read_ram(const struct monitor *monitor, uint64_t address, uint8_t *bytes,
			    size_t length)
{
	return monitor->points ? debug_points_read(monitor->points, address, bytes, length)
			       : ram_read(monitor->ram, address, bytes, length);
}

static void monitor_read_memory(const struct monitor *monitor, uint64_t address, size_t length,
				FILE *out)
{
	uint8_t bytes[READ_MAX];

	if (!monitor_check_range(monitor, address, length, false, false, out))
		return;
	if (monitor_read_ram(monitor, address, bytes, length))
		for (size_t i = 0; i < length; i++) {
			uint64_t value;

			mem_map_read(monitor->mmio, address + i, 1, &value);
			bytes[i] = (uint8_t)value;
		}
	monitor_show_bytes(address, bytes, length, out);
}

/* By accesses of @width bytes, as the guest would make them. */
static void monitor_read_devices(const struct monitor *monitor, uint64_t address, size_t length,
				 unsigned int width, FILE *out)
{
	if (!monitor_check_range(monitor, address, length, true, false, out))
		return;
	for (size_t i = 0; i < length; i += width) {
		uint64_t value;

		if (i % ROW == 0)
			fprintf(out, "%s0x%016" PRIx64 " ", i ? "\n" : "", address + i);
		if (mem_map_read(monitor->mmio, address + i, width, &value) == MEM_NOT_YET) {
			fputs(" the device is not ready: try again later\n", out);
			return;
		}
		fprintf(out, " %0*" PRIx64, (int)(2 * width), value);
	}
	fputc('\n', out);
}

void monitor_read(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	bool devices = monitor_take_devices(&words, &count);
	uint64_t address, length, width = 0;

	if (count != 2) {
		fputs("read takes [-d] ADDR LENGTH[:WIDTH]\n", out);
		return;
	}
	if (!monitor_take_number(words[0], &address, out) ||
	    !monitor_take_with_width(words[1], &length, &width, out))
		return;
	if (length == 0 || length > READ_MAX || address > UINT64_MAX - (length - 1)) {
		fprintf(out, "%" PRIu64 " bytes at 0x%" PRIx64 ": 1 to %d can be read%s\n", length,
			address, READ_MAX,
			length && length <= READ_MAX ? ", up to the end of memory" : "");
		return;
	}
	if (!devices) {
		if (width)
			fputs("without -d memory is shown by bytes: a width says nothing\n", out);
		else
			monitor_read_memory(monitor, address, length, out);
		return;
	}
	if (width == 0)
		width = is_aligned(address | length, 4)   ? 4
			: is_aligned(address | length, 2) ? 2
							  : 1;
	if (length % width)
		fprintf(out, "%" PRIu64 " bytes are no multiple of %" PRIu64 "\n", length, width);
	else
		monitor_read_devices(monitor, address, length, (unsigned int)width, out);
}

static bool monitor_is_config_space(const struct platform *platform, uint64_t address)
{
	return address >= platform->ecam.base &&
	       range_fits(address - platform->ecam.base, 1, platform->ecam.size);
}

static bool monitor_write_ram(const struct monitor *monitor, uint64_t address, unsigned int width,
			      uint64_t value)
{
	uint8_t bytes[sizeof(value)];

	store_le(bytes, width, value);
	return monitor->points && debug_points_write(monitor->points, address, bytes, width) == 0;
}

static void monitor_write_value(const struct monitor *monitor, uint64_t address, unsigned int width,
				uint64_t value, FILE *out)
{
	struct mem_view view;

	if (!monitor_write_ram(monitor, address, width, value)) {
		/* One access has one region to go to. */
		if (!mem_map_find(monitor->mmio, address, &view) ||
		    !range_fits(address - view.base, width, view.size)) {
			fprintf(out, "%u bytes at 0x%" PRIx64 " leave what is there\n", width,
				address);
			return;
		}
		/*
		 * A write that waits, as one that resets a function, comes again only from a vCPU.
		 */
		if (monitor_is_config_space(monitor->platform, address)) {
			fputs("config space is written by the guest alone\n", out);
			return;
		}
		if (mem_map_write(monitor->mmio, address, width, value) == MEM_NOT_YET) {
			fputs("the device is not ready: nothing was written: try again later\n",
			      out);
			return;
		}
	}
	fprintf(out, "0x%" PRIx64 ": %u byte%s written\n", address, width, width == 1 ? "" : "s");
}

void monitor_write(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	bool devices = monitor_take_devices(&words, &count);
	uint64_t address, value, width = 4;

	if (count != 2) {
		fputs("write takes [-d] ADDR VALUE[:WIDTH]\n", out);
		return;
	}
	if (!monitor_take_number(words[0], &address, out) ||
	    !monitor_take_with_width(words[1], &value, &width, out))
		return;
	if (value & ~all_ones((unsigned int)width))
		fprintf(out,
			"0x%" PRIx64 " has more than %" PRIu64 " bytes: say how many as 0x%" PRIx64
			":8\n",
			value, width, value);
	else if (address > UINT64_MAX - (width - 1))
		fprintf(out, "%" PRIu64 " bytes at 0x%" PRIx64 " leave the address space\n", width,
			address);
	else if (monitor_check_range(monitor, address, width, devices, true, out))
		monitor_write_value(monitor, address, (unsigned int)width, value, out);
}

static bool monitor_range_holds(const struct ram_range *range, uint64_t address)
{
	return address >= range->base && range_fits(address - range->base, 1, range->size);
}

static void monitor_show_nothing(const struct platform *platform, uint64_t address, FILE *out)
{
	const char *window = monitor_range_holds(&platform->mmio32, address)   ? "32-bit"
			     : monitor_range_holds(&platform->mmio64, address) ? "64-bit"
									       : NULL;

	if (window)
		fprintf(out, "nothing decodes there (in the %s PCI window)", window);
	else /* KVM keeps to itself where those are */
		fputs("nothing decodes there, unless it is an interrupt controller of KVM's", out);
	fputs(": reads give all ones, writes vanish\n", out);
}

static void monitor_show_place(const struct monitor *monitor, uint64_t address, FILE *out)
{
	struct mem_view view;

	fprintf(out, "0x%" PRIx64 ": ", address);
	if (!mem_map_find(monitor->mmio, address, &view)) {
		monitor_show_nothing(monitor->platform, address, out);
		return;
	}
	fprintf(out, "%s", monitor_kind(&view));
	if (view.slot >= 0)
		fprintf(out, ", memslot %d", view.slot);
	fputs(", ", out);
	if (!pci_host_describe_address(monitor->host, false, address, out))
		fprintf(out, "%s + 0x%" PRIx64, view.name, address - view.base);
	fputc('\n', out);
}

void monitor_physical(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	uint64_t address;

	(void)count;
	if (monitor_take_number(words[0], &address, out))
		monitor_show_place(monitor, address, out);
}

static void monitor_show_page(const struct arch_translation *to, FILE *out)
{
	char size[TEXT_SIZE_ROOM];

	if (to->page_size == UINT64_MAX)
		fputs("not paged", out);
	else
		fprintf(out, "%s page", text_size(size, to->page_size));
	fprintf(out, ", %s, %s, %s\n", to->writable ? "writable" : "read-only",
		to->executable ? "executable" : "not executable", to->user ? "user" : "kernel");
}

void monitor_translate(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	struct arch_translation to = {0};
	char steps[2048] = "";
	struct text text = {.next = steps, .room = sizeof(steps)};
	struct kvm_vcpu *vcpu;
	uint64_t address;
	int rc;

	if (strcmp(words[0], "-p") == 0 && count == 2) {
		monitor_physical(monitor, words + 1, 1, out);
		return;
	}
	if (count != 1) {
		fputs("translate takes ADDR, or -p ADDR for a physical one\n", out);
		return;
	}
	if (!monitor_take_number(words[0], &address, out))
		return;
	vcpu = monitor_vcpu(monitor, out);
	if (!vcpu)
		return;
	rc = arch_debug_translate(monitor->arch, vcpu, address, &to, &text);
	fputs(steps, out);
	if (rc) {
		fprintf(out, "0x%" PRIx64 " on vCPU %u: %s\n", address, monitor->cpu,
			rc == -EFAULT ? "not mapped" : err_text(rc));
		return;
	}
	fprintf(out, "0x%" PRIx64 " on vCPU %u: 0x%" PRIx64 ", ", address, monitor->cpu, to.gpa);
	monitor_show_page(&to, out);
	monitor_show_place(monitor, to.gpa, out);
}

/* gdb 13: `symbol-file FILE -o OFFSET` moves every section of the file by it. */
void monitor_kaslr(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	struct arch_kernel_place place = {0};
	struct kvm_vcpu *vcpu = monitor_vcpu(monitor, out);
	struct err err = {0};

	(void)words;
	(void)count;
	if (!vcpu)
		return;
	if (arch_debug_find_kernel(monitor->arch, vcpu, monitor->boot, &place, &err)) {
		fprintf(out, "%s\n", err.text);
		return;
	}
	fprintf(out, "the kernel's _text is at 0x%" PRIx64, place.runtime);
	if (place.linked == 0) {
		fprintf(out,
			"; where it was linked to is not known: subtract the address that\n"
			"nm vmlinux has for _text, and give gdb: symbol-file vmlinux -o OFFSET\n");
		return;
	}
	if (place.runtime == place.linked) {
		fputs(", as it was linked: gdb has its symbols right\n", out);
		return;
	}
	fprintf(out, ", linked to 0x%" PRIx64 ": moved by 0x%" PRIx64 "\n", place.linked,
		place.runtime - place.linked);
	/* Of symbol-file's sections none can be left where it is. */
	if (place.percpu_at_zero)
		fprintf(out,
			"symbol-file\n"
			"add-symbol-file vmlinux -o 0x%" PRIx64 " -s .data..percpu 0\n",
			place.runtime - place.linked);
	else
		fprintf(out, "symbol-file vmlinux -o 0x%" PRIx64 "\n",
			place.runtime - place.linked);
}
