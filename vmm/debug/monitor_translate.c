/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The monitor's commands on addresses: virtual to physical, physical to what is there, the
 * kernel's.
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "arch/debug.h"
#include "vmm/base/bits.h"
#include "vmm/base/text.h"
#include "vmm/debug/monitor_private.h"

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
	if (rc < 0) {
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
	if (arch_debug_find_kernel(monitor->arch, vcpu, monitor->boot, &place, &err) < 0) {
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
