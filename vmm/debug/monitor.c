/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a person debugging can ask the monitor: the commands on devices, interrupts and exits; the
 * table of all, their words and their help.
 */

#include "vmm/debug/monitor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/function.h"
#include "vmm/base/bits.h"
#include "vmm/debug/monitor_private.h"

enum { LINE_SIZE = 256, WORDS_MAX = 4, HELP_COLUMN = 31 };

static void monitor_pci(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	(void)words;
	(void)count;
	pci_host_describe(monitor->host, out);
}

static void monitor_virtio(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	(void)words;
	(void)count;
	virtio_describe(monitor->host, out);
}

static void monitor_vfio(const struct monitor *monitor, char **words, size_t count, FILE *out)
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

static void monitor_irq(const struct monitor *monitor, char **words, size_t count, FILE *out)
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

static void monitor_powerdown(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	(void)words;
	(void)count;
	monitor->power_down(monitor->machine);
	fprintf(out, "the power button was pressed%s\n",
		monitor->stands ? ": the guest sees it when it goes on" : "");
}

static void monitor_exits(const struct monitor *monitor, char **words, size_t count, FILE *out)
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

static void monitor_help(const struct monitor *monitor, char **words, size_t count, FILE *out);

static const struct monitor_row {
	const char *name;
	const char *arguments;
	const char *help;    /* may have several lines */
	size_t fewest, most; /* words behind the name */
	/* Gets the words behind the name. */
	void (*function)(const struct monitor *monitor, char **words, size_t count, FILE *out);
} commands[] = {
	{"help", "", "this list", 0, 0, monitor_help},
	{"pci", "", "the functions on the bus and how each BAR is reached", 0, 0, monitor_pci},
	{"vfio", "[ADDR]",
	 "passed-through devices, or all about one: ADDR is the host's\n"
	 "address or, where no device has that, the guest's",
	 0, 1, monitor_vfio},
	{"virtio", "", "the monitor's own devices: features, status, queues", 0, 0, monitor_virtio},
	{"irq", "", "the GSI table: pins and MSI routes, and who signals them", 0, 0, monitor_irq},
	{"mem", "", "guest-physical space, then ports: what is where", 0, 0, monitor_mem},
	{"translate", "ADDR",
	 "walks the guest's page tables from a virtual address\n"
	 "(-p ADDR: the same as physical ADDR)",
	 1, 2, monitor_translate},
	{"physical", "ADDR", "what is at a guest-physical address", 1, 1, monitor_physical},
	{"read", "[-d] ADDR LENGTH[:WIDTH]",
	 "physical memory, 4096 bytes at most; -d: devices too,\n"
	 "which may act on being read",
	 2, 3, monitor_read},
	{"write", "[-d] ADDR VALUE[:WIDTH]",
	 "physical memory, 1, 2, 4 (without WIDTH) or 8 bytes;\n"
	 "-d: devices too",
	 2, 3, monitor_write},
	{"powerdown", "", "presses the guest's power button", 0, 0, monitor_powerdown},
	{"exits", "", "how often each vCPU left the guest and why, and for what regions", 0, 0,
	 monitor_exits},
	{"kaslr", "", "where the guest's Linux kernel is, and the command that tells gdb", 0, 0,
	 monitor_kaslr},
};

/* Each line at HELP_COLUMN, the first behind @used characters. */
static void monitor_show_help(const char *help, int used, FILE *out)
{
	while (*help) {
		int length = (int)strcspn(help, "\n");

		fprintf(out, "%*s%.*s\n", HELP_COLUMN - used, "", length, help);
		help += length + (help[length] == '\n');
		used = 0;
	}
}

static void monitor_help(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	(void)monitor;
	(void)words;
	(void)count;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct monitor_row *command = &commands[i];
		int used = fprintf(out, "%s%s%s", command->name, *command->arguments ? " " : "",
				   command->arguments);

		monitor_show_help(command->help, used, out);
	}
	fputs("numbers are decimal, or hexadecimal behind 0x\n", out);
}

/* 0x and hexadecimal digits, or decimal ones, and nothing else; -EINVAL or -ERANGE. */
static int monitor_parse_number(const char *text, uint64_t *number)
{
	static const char digits[] = "0123456789abcdef";
	unsigned int base = 10;
	uint64_t value = 0;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (*text == '\0')
		return -EINVAL;
	for (; *text; text++) {
		char lower = *text >= 'A' && *text <= 'F' ? (char)(*text - 'A' + 'a') : *text;
		const char *digit = memchr(digits, lower, base);

		if (!digit)
			return -EINVAL;
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(digit - digits), &value))
			return -ERANGE;
	}
	*number = value;
	return 0;
}

bool monitor_take_number(const char *text, uint64_t *number, FILE *out)
{
	int rc = monitor_parse_number(text, number);

	if (rc)
		fprintf(out, "'%s' is %s\n", text,
			rc == -ERANGE ? "too large: 64 bits are the most"
				      : "no number: write it as 4096 or 0x1000");
	return !rc;
}

struct kvm_vcpu *monitor_vcpu(const struct monitor *monitor, FILE *out)
{
	if (!monitor->stands)
		fputs("the guest is running: stop it first\n", out);
	else if (monitor->cpu >= run_count(monitor->run))
		fprintf(out, "there is no vCPU %u\n", monitor->cpu);
	else
		return run_vcpu(monitor->run, monitor->cpu);
	return NULL;
}

/* Takes the words of @line apart in place; more than WORDS_MAX are counted, not kept. */
static size_t monitor_split(char *line, char *words[WORDS_MAX])
{
	size_t count = 0;
	char *rest = line, *word;

	while ((word = strtok_r(rest, " \t\r\n", &rest))) {
		if (count < WORDS_MAX)
			words[count] = word;
		count++;
	}
	return count;
}

static const struct monitor_row *monitor_find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void monitor_say_unknown(const char *name, FILE *out)
{
	fprintf(out, "'%s' is no command: there are", name);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "%s %s", i ? "," : "", commands[i].name);
	fputc('\n', out);
}

void monitor_command(const struct monitor *monitor, const char *line, FILE *out)
{
	char copy[LINE_SIZE], *words[WORDS_MAX] = {NULL};
	const struct monitor_row *command;
	size_t count;

	if (strlen(line) >= sizeof(copy)) {
		fprintf(out, "the line is too long: %zu characters are the most\n",
			sizeof(copy) - 1);
		return;
	}
	strcpy(copy, line);
	count = monitor_split(copy, words);
	if (count == 0) {
		monitor_help(monitor, words, 0, out);
		return;
	}
	command = monitor_find_command(words[0]);
	if (!command)
		monitor_say_unknown(words[0], out);
	else if (count - 1 < command->fewest || count - 1 > command->most)
		fprintf(out, "%s takes %s\n", command->name,
			*command->arguments ? command->arguments : "nothing more");
	else
		command->function(monitor, words + 1, count - 1, out);
}
