/* SPDX-License-Identifier: BSD-3-Clause */
/* The monitor's commands on devices, interrupts and exits. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/debug/monitor_private.h"

void monitor_pci(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	(void)words;
	(void)count;
	pci_host_describe(monitor->host, out);
}

void monitor_vfio(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	if (vfio_device_count(monitor->vfio) == 0) {
		fputs("no device is passed through\n", out);
		return;
	}
	if (count > 0) {
		if (vfio_describe(monitor->vfio, words[0], out) == 0)
			return;
		fprintf(out, "no passed-through device is %s: there are\n", words[0]);
	}
	vfio_list_devices(monitor->vfio, out);
}

/* How many of the @count routes from @first on are neighbouring pins in step with their GSIs. */
static int monitor_pin_run(const struct monitor *monitor, const struct kvm_irq_route *first,
			   int count, FILE *owners)
{
	int length = 1;

	while (length < count && !first[length].msi && first[length].chip == first->chip &&
	       first[length].gsi == first->gsi + (unsigned int)length &&
	       first[length].pin == first->pin + (unsigned int)length &&
	       !vfio_describe_gsi(monitor->vfio, first[length].gsi, owners))
		length++;
	return length;
}

/*
 * Pins that nobody here signals are many and alike: one line for a run of them. Returns its length.
 */
static int monitor_show_pins(const struct monitor *monitor, const struct kvm_irq_route *routes,
			     int count, FILE *out)
{
	char *text = NULL;
	size_t size = 0;
	FILE *owner = open_memstream(&text, &size);
	int length = 1;
	bool owned;

	if (!owner) {
		fputs("out of memory\n", out);
		return count;
	}
	owned = vfio_describe_gsi(monitor->vfio, routes->gsi, owner);
	/* What is then in the text is of the pin that ended the run. */
	if (!owned)
		length = monitor_pin_run(monitor, routes, count, owner);
	fclose(owner);
	if (length > 1)
		fprintf(out, "%4u-%-4u  irqchip %u pins %u-%u\n", routes->gsi,
			routes[length - 1].gsi, routes->chip, routes->pin, routes[length - 1].pin);
	else
		fprintf(out, "%4u       irqchip %u pin %-2u  %s\n", routes->gsi, routes->chip,
			routes->pin, owned ? text : "");
	free(text);
	return length;
}

static void monitor_show_msi(const struct monitor *monitor, const struct kvm_irq_route *route,
			     FILE *out)
{
	const struct kvm_msi_message *message = &route->message;

	fprintf(out, "%4u       MSI ", route->gsi);
	if (route->routed)
		fprintf(out, "0x%016" PRIx64 " data 0x%08" PRIx32 " from %02x:%02x.%x  ",
			message->address, message->data, message->device_id >> 8,
			message->device_id >> 3 & 0x1f, message->device_id & 7);
	else
		fputs("without a message yet  ", out);
	if (!vfio_describe_gsi(monitor->vfio, route->gsi, out))
		fputs("owner unknown", out);
	fputc('\n', out);
}

void monitor_irq(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	struct kvm_irq_route *routes;
	int total = kvm_irq_list(arch_vm_irq(monitor->arch), &routes);

	(void)words;
	(void)count;
	if (total < 0) {
		fprintf(out, "the GSI table cannot be listed: %s\n", err_text(total));
		return;
	}
	fputs(" GSI       what raises it in the guest\n", out);
	for (int i = 0; i < total;) {
		if (routes[i].msi)
			monitor_show_msi(monitor, &routes[i++], out);
		else
			i += monitor_show_pins(monitor, &routes[i], total - i, out);
	}
	free(routes);
}

enum { BUSIEST = 8, COLUMNS = 6 };

struct busiest {
	struct mem_view regions[BUSIEST]; /* by falling number of accesses */
	size_t count;
};

static void monitor_take_if_busy(void *owner, const struct mem_view *view)
{
	struct busiest *busiest = owner;
	size_t at = busiest->count;

	if (view->accesses == 0)
		return;
	while (at > 0 && busiest->regions[at - 1].accesses < view->accesses)
		at--;
	if (at == BUSIEST)
		return;
	if (busiest->count < BUSIEST)
		busiest->count++;
	for (size_t i = busiest->count - 1; i > at; i--)
		busiest->regions[i] = busiest->regions[i - 1];
	busiest->regions[at] = *view;
}

static void monitor_show_busiest(struct mem_map *map, const char *what, FILE *out)
{
	struct busiest busiest = {.count = 0};

	if (!map)
		return;
	mem_map_walk(map, monitor_take_if_busy, &busiest);
	if (busiest.count)
		fprintf(out, "accesses of %s carried out by the monitor\n", what);
	for (size_t i = 0; i < busiest.count; i++)
		fprintf(out, "  %12" PRIu64 "  0x%" PRIx64 "  %s\n", busiest.regions[i].accesses,
			busiest.regions[i].base, busiest.regions[i].name);
}

struct exit_row {
	uint64_t count[EXIT_COUNTS];
};

/* A row for each vCPU, then their sum. To be freed; NULL: no memory. */
static struct exit_row *monitor_count_exits(const struct run *run, unsigned int cpus)
{
	struct exit_row *rows = calloc(cpus + 1, sizeof(*rows));

	for (unsigned int cpu = 0; rows && cpu < cpus; cpu++) {
		run_count_exits(run, cpu, rows[cpu].count);
		for (unsigned int i = 0; i < EXIT_COUNTS; i++)
			rows[cpus].count[i] += rows[cpu].count[i];
	}
	return rows;
}

static void monitor_show_heading(unsigned int cpus, unsigned int first, unsigned int end, FILE *out)
{
	fprintf(out, "%-24s", "");
	for (unsigned int cpu = first; cpu < end; cpu++)
		if (cpu == cpus)
			fprintf(out, " %12s", "all vCPUs");
		else
			fprintf(out, "      vCPU %2u", cpu);
	fputc('\n', out);
}

/* Columns [@first, @end); the one behind the last vCPU's is the sum. */
static void monitor_show_columns(const struct exit_row *rows, unsigned int cpus, unsigned int first,
				 unsigned int end, FILE *out)
{
	monitor_show_heading(cpus, first, end, out);
	for (unsigned int i = 0; i < EXIT_COUNTS; i++) {
		const char *name = exit_count_name(i);
		char number[24];

		if (rows[cpus].count[i] == 0)
			continue;
		snprintf(number, sizeof(number), "reason %u", i);
		fprintf(out, "%-24s", name ? name : number);
		for (unsigned int cpu = first; cpu < end; cpu++)
			fprintf(out, " %12" PRIu64, rows[cpu].count[i]);
		fputc('\n', out);
	}
}

void monitor_powerdown(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	(void)words;
	(void)count;
	arch_power_button(monitor->arch);
	fprintf(out, "the power button was pressed%s\n",
		monitor->stands ? ": the guest sees it when it goes on" : "");
}

void monitor_exits(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	unsigned int cpus = run_count(monitor->run);
	unsigned int columns = cpus > 1 ? cpus + 1 : cpus;
	struct exit_row *rows = monitor_count_exits(monitor->run, cpus);

	(void)words;
	(void)count;
	if (!rows) {
		fputs("out of memory\n", out);
		return;
	}
	for (unsigned int first = 0; first < columns; first += COLUMNS)
		monitor_show_columns(rows, cpus, first,
				     first + COLUMNS < columns ? first + COLUMNS : columns, out);
	free(rows);
	monitor_show_busiest(monitor->mmio, "memory", out);
	monitor_show_busiest(monitor->pio, "ports", out);
}
