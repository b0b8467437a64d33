/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A monitor to ask: toy PCI functions, memory, a fake KVM and its vCPUs, fakes of what is not
 * linked.
 */

#ifndef FERRY_TESTS_UNIT_VMM_DEBUG_TEST_MONITOR_H
#define FERRY_TESTS_UNIT_VMM_DEBUG_TEST_MONITOR_H

#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/fake_vcpus.h"

#include "arch/debug.h"
#include "vmm/debug/monitor.h"
#include "vmm/debug/points.h"

#define RAM_SIZE UINT64_C(0x200000)
#define ROM_BASE UINT64_C(0xfff00000)

enum { PORT = 0x3f8, FIRST_MSI = 24 };

static struct bench *bench;
static struct toy *toy;
static struct kvm_vm *vm;
static struct kvm_irq *irq;
static struct ram *ram;
static struct run *run;
static struct mem_region rom, uart;
static uint8_t rom_bytes[4096] __attribute__((aligned(4096)));
static struct monitor monitor;
static struct platform platform;
static struct err err;
static char *answer; /* to the last line */

/* The architecture's side. */
static struct {
	int translate_result, find_result;
	struct arch_translation translation;
	struct arch_kernel_place place;
	struct kvm_vcpu *vcpu; /* that was last asked about */
} arch;

/* The machine's. */
static unsigned int presses;

static inline void power_down(void *owner)
{
	ck_assert_ptr_eq(owner, &presses);
	presses++;
}

int arch_debug_translate(struct arch_vm *unused, struct kvm_vcpu *vcpu, uint64_t address,
			 struct arch_translation *translation, struct text *steps)
{
	(void)unused;
	arch.vcpu = vcpu;
	if (steps)
		text_append(steps, "level 4 entry 0x%llx\n", (unsigned long long)address >> 39);
	*translation = arch.translation;
	return arch.translate_result;
}

const uint8_t *arch_debug_breakpoint(uint64_t length, size_t *size)
{
	static const uint8_t instruction[] = {0xcc};

	*size = sizeof(instruction);
	return length == sizeof(instruction) ? instruction : NULL;
}

int arch_debug_check_points(const struct arch_debug_support *support,
			    const struct arch_debug_point *points, size_t count)
{
	(void)support;
	(void)points;
	return count ? -ENOSPC : 0;
}

int arch_debug_find_kernel(struct arch_vm *unused, struct kvm_vcpu *vcpu,
			   const struct boot_source *source, struct arch_kernel_place *place,
			   struct err *why)
{
	(void)unused;
	(void)vcpu;
	(void)source;
	*place = arch.place;
	return arch.find_result ? err_set(why, arch.find_result, "no kernel: not paging yet") : 0;
}

struct kvm_irq *arch_vm_irq(struct arch_vm *unused)
{
	(void)unused;
	return irq;
}

enum arch_exit arch_vcpu_exit(struct arch_vm *unused, struct kvm_vcpu *vcpu, unsigned int *progress)
{
	(void)unused;
	(void)vcpu;
	(void)progress;
	return ARCH_EXIT_HANDLED;
}

int arch_vcpu_memory_failed(struct arch_vm *unused, struct kvm_vcpu *vcpu, const void *host,
			    uint64_t *gpa)
{
	(void)unused;
	(void)vcpu;
	(void)host;
	(void)gpa;
	return -ENOENT;
}

void arch_vcpu_describe(struct arch_vm *unused, struct kvm_vcpu *vcpu, char *text, size_t size)
{
	(void)unused;
	(void)vcpu;
	snprintf(text, size, "\n");
}

/* The passthrough layer's. */
static size_t devices;
static unsigned int owned_gsi;

size_t vfio_device_count(const struct vfio *vfio)
{
	(void)vfio;
	return devices;
}

void vfio_list_devices(struct vfio *vfio, FILE *out)
{
	(void)vfio;
	fputs("0000:01:00.0  in the guest 00:03.0\n", out);
}

int vfio_describe(struct vfio *vfio, const char *address, FILE *out)
{
	(void)vfio;
	if (strcmp(address, "01:00.0") != 0)
		return -ENOENT;
	fputs("all of it\n", out);
	return 0;
}

bool vfio_describe_gsi(struct vfio *vfio, unsigned int gsi, FILE *out)
{
	(void)vfio;
	if (gsi == owned_gsi)
		fputs("0000:01:00.0 MSI-X vector 3, irqfd", out);
	return gsi == owned_gsi;
}

static inline const char *ask(const char *line)
{
	size_t size;
	FILE *out;

	free(answer);
	answer = NULL;
	out = open_memstream(&answer, &size);
	ck_assert_ptr_nonnull(out);
	monitor_command(&monitor, line, out);
	fclose(out);
	return answer;
}

static inline void says(const char *line, const char *part)
{
	ask(line);
	ck_assert_msg(strstr(answer, part), "%s: no '%s' in:\n%s", line, part, answer);
}

static inline void says_only(const char *line, const char *all)
{
	ck_assert_str_eq(ask(line), all);
}

static inline void vcpu_failed(void *machine, bool crashed, const char *report)
{
	(void)machine;
	(void)crashed;
	ck_abort_msg("%s", report);
}

static inline void add_region(struct mem_map *map, struct mem_region *region, uint64_t base)
{
	ck_assert_msg(mem_map_add(map, region, base, &err) == 0, "%s", err.text);
}

static inline void add_memory(void)
{
	const struct ram_range piece = {.base = 0, .size = RAM_SIZE};
	const struct ram_config config = {.page_size = 0};

	ram = ram_create(bench->mmio, &piece, 1, &config, &err);
	ck_assert_msg(ram, "%s", err.text);
	rom = (struct mem_region){.name = "firmware",
				  .kind = MEM_ROM,
				  .size = sizeof(rom_bytes),
				  .host = rom_bytes};
	add_region(bench->mmio, &rom, ROM_BASE);
	uart = (struct mem_region){.name = "serial port 0",
				   .kind = MEM_TRAP,
				   .size = 8,
				   .ops = &slice_ops,
				   .owner = toy->names[0]};
	add_region(bench->pio, &uart, PORT);
}

static inline void setup(void)
{
	struct run_setup to = {.cpus = CPUS, .failed = vcpu_failed};

	fake_kvm_reset();
	fake.vcpu_ioctl = cpu_ioctl;
	vm = kvm_vm_create(NULL, &err);
	bench = bench_create();
	ck_assert_int_eq(kvm_vm_listen(vm, bench->mmio, &err), 0);
	irq = kvm_irq_create(vm, FIRST_MSI, &err);
	toy = toy_create(bench, "0000:01:00.0");
	store_le16(toy->pci.config + PCI_CLASS_DEVICE, 0x0200);
	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 0x4000), 0);
	ck_assert_int_eq(toy_bar(toy, 1, PCI_BAR_IO, 0x20), 0);
	ck_assert_int_eq(toy_bar(toy, 2, PCI_BAR_MEM64, 0x100), 0);
	toy->slices[2].trapped = "smaller than a page";
	toy_add(toy, 3, 0);
	add_memory();
	ck_assert_int_eq(pci_host_assign(bench->host, &err), 0);
	to.vm = vm;
	to.mmio = bench->mmio;
	run = run_create(&to, &err);
	ck_assert_msg(run, "%s", err.text);
	ck_assert_int_eq(run_start(run, &err), 0);
	ck_assert_int_eq(run_call(run, know_job, NULL, &err), 0);
	platform.ecam = (struct ram_range){.base = ECAM, .size = 2 * MIB};
	platform.mmio32 = (struct ram_range){.base = WINDOW32, .size = 0x10000000};
	platform.mmio64 = (struct ram_range){.base = WINDOW64, .size = 0x100000000};
	monitor = (struct monitor){.platform = &platform,
				   .mmio = bench->mmio,
				   .pio = bench->pio,
				   .ram = ram,
				   .host = bench->host,
				   .run = run,
				   .power_down = power_down,
				   .machine = &presses,
				   .stands = true};
}

static inline void teardown(void)
{
	run_destroy(run);
	kvm_vm_unlisten(vm);
	mem_map_del(&rom);
	mem_map_del(&uart);
	ram_destroy(ram);
	bench_destroy(bench);
	kvm_irq_destroy(irq);
	kvm_vm_destroy(vm);
	free(answer);
	answer = NULL;
}

#endif
