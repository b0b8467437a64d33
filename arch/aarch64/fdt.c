/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Builds the device tree from the platform, as Linux's bindings (Documentation/devicetree) want it.
 */

#include "arch/aarch64/fdt.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arch/aarch64/platform_arm.h"
#include "devices/pci/pci.h"
#include "vmm/base/bits.h"

/* Nodes that others point at. */
enum phandle {
	PHANDLE_GIC = 1,
	PHANDLE_ITS,
	PHANDLE_CLOCK,
	PHANDLE_GPIO,
};

/* Interrupt specifiers of the GIC: kind, number, trigger. */
enum { GIC_SPI = 0, GIC_PPI = 1 };
enum { IRQ_LEVEL_HIGH = 4 };

enum { KEY_CODE_POWER = 116, GPIO_ACTIVE_HIGH = 0 };

/*
 * The upper cell of a PCI address (IEEE 1275 PCI bus binding 2.1, 2.2.1.1), and the fields of it.
 */
enum {
	PCI_SPACE_IO = 0x01000000,
	PCI_SPACE_MEMORY32 = 0x02000000,
	PCI_SPACE_MEMORY64 = 0x03000000,
	PCI_SLOT_SHIFT = 11,
};

enum {
	APB_FREQUENCY = 24000000, /* Hz */
	PVPANIC_SIZE = 2,         /* of its registers */
	MAP_CELLS = 10,           /* of an entry of interrupt-map */
	RANGE_CELLS = 7,          /* of an entry of a PCI host's ranges */
	CELLS_MAX = 3 * RANGE_CELLS,
};

/* The tree as it grows; after the first error nothing is added any more. */
struct tree {
	void *blob;
	int error; /* of libfdt, negative */
};

static void tree_begin(struct tree *tree, const char *name)
{
	if (tree->error == 0)
		tree->error = fdt_begin_node(tree->blob, name);
}

/* A node with the address that its first register has. */
static void tree_begin_at(struct tree *tree, const char *name, uint64_t address)
{
	char text[64];

	snprintf(text, sizeof(text), "%s@%" PRIx64, name, address);
	tree_begin(tree, text);
}

static void tree_end(struct tree *tree)
{
	if (tree->error == 0)
		tree->error = fdt_end_node(tree->blob);
}

static void tree_bytes(struct tree *tree, const char *name, const void *bytes, size_t size)
{
	if (tree->error == 0)
		tree->error = size > FDT_SIZE_MAX
				      ? -FDT_ERR_NOSPACE
				      : fdt_property(tree->blob, name, bytes, (int)size);
}

static void tree_flag(struct tree *tree, const char *name)
{
	tree_bytes(tree, name, NULL, 0);
}

static void tree_string(struct tree *tree, const char *name, const char *string)
{
	tree_bytes(tree, name, string, strlen(string) + 1);
}

/* Several strings in one property; each ends with a NUL, the last with that of the literal. */
#define tree_strings(tree, name, literal) tree_bytes(tree, name, literal, sizeof(literal))

static void tree_cells(struct tree *tree, const char *name, const uint32_t *cells, size_t count)
{
	uint32_t big[CELLS_MAX];

	assert(count <= CELLS_MAX);
	for (size_t i = 0; i < count; i++)
		big[i] = htobe32(cells[i]);
	tree_bytes(tree, name, big, count * sizeof(*big));
}

#define tree_list(tree, name, ...)                                                                 \
	tree_cells(tree, name, (const uint32_t[]){__VA_ARGS__},                                    \
		   sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void tree_u32(struct tree *tree, const char *name, uint32_t value)
{
	tree_cells(tree, name, &value, 1);
}

static uint32_t high(uint64_t value)
{
	return (uint32_t)(value >> 32);
}

static uint32_t low(uint64_t value)
{
	return (uint32_t)value;
}

static void tree_u64(struct tree *tree, const char *name, uint64_t value)
{
	tree_list(tree, name, high(value), low(value));
}

static void tree_reg(struct tree *tree, uint64_t base, uint64_t size)
{
	tree_list(tree, "reg", high(base), low(base), high(size), low(size));
}

static void tree_sizes(struct tree *tree, uint32_t address_cells, uint32_t size_cells)
{
	tree_u32(tree, "#address-cells", address_cells);
	tree_u32(tree, "#size-cells", size_cells);
}

static void add_chosen(struct tree *tree, const struct fdt_config *config)
{
	char path[64];

	tree_begin(tree, "chosen");
	if (config->cmdline)
		tree_string(tree, "bootargs", config->cmdline);
	else if (config->platform->serial)
		tree_string(tree, "bootargs", "console=ttyAMA0");
	if (config->initrd_size) {
		tree_u64(tree, "linux,initrd-start", config->initrd_base);
		tree_u64(tree, "linux,initrd-end", config->initrd_base + config->initrd_size);
	}
	if (config->seeded) {
		tree_u64(tree, "kaslr-seed", config->kaslr_seed);
		tree_bytes(tree, "rng-seed", config->rng_seed, sizeof(config->rng_seed));
	}
	if (config->platform->serial) {
		snprintf(path, sizeof(path), "/serial@%" PRIx64, ARM_UART_BASE);
		tree_string(tree, "stdout-path", path);
	}
	tree_end(tree);
}

/* One node for each piece, so that the holes between them are no memory. */
static void add_memory(struct tree *tree, const struct platform *platform)
{
	for (size_t i = 0; i < platform->ram_count; i++) {
		tree_begin_at(tree, "memory", platform->ram[i].base);
		tree_string(tree, "device_type", "memory");
		tree_reg(tree, platform->ram[i].base, platform->ram[i].size);
		tree_end(tree);
	}
}

static void add_cpus(struct tree *tree, const struct platform *platform)
{
	tree_begin(tree, "cpus");
	tree_sizes(tree, 1, 0);
	for (unsigned int cpu = 0; cpu < platform->cpus; cpu++) {
		uint64_t affinity = arm_vcpu_affinity(cpu);

		tree_begin_at(tree, "cpu", affinity);
		tree_string(tree, "device_type", "cpu");
		tree_string(tree, "compatible", "arm,armv8");
		tree_u32(tree, "reg", low(affinity));
		tree_string(tree, "enable-method", "psci");
		tree_end(tree);
	}
	tree_end(tree);
}

/* What belongs to every processor: power, timers, performance monitor. */
static void add_processor_services(struct tree *tree, bool pmu)
{
	tree_begin(tree, "psci");
	tree_strings(tree, "compatible", "arm,psci-1.0\0arm,psci-0.2");
	tree_string(tree, "method", "hvc");
	tree_end(tree);

	tree_begin(tree, "timer");
	tree_string(tree, "compatible", "arm,armv8-timer");
	tree_list(tree, "interrupts", GIC_PPI, ARM_PPI_TIMER_SECURE, IRQ_LEVEL_HIGH, GIC_PPI,
		  ARM_PPI_TIMER_PHYSICAL, IRQ_LEVEL_HIGH, GIC_PPI, ARM_PPI_TIMER_VIRTUAL,
		  IRQ_LEVEL_HIGH, GIC_PPI, ARM_PPI_TIMER_HYPERVISOR, IRQ_LEVEL_HIGH);
	tree_flag(tree, "always-on");
	tree_end(tree);

	if (!pmu)
		return;
	tree_begin(tree, "pmu");
	tree_string(tree, "compatible", "arm,armv8-pmuv3");
	tree_list(tree, "interrupts", GIC_PPI, ARM_PPI_PMU, IRQ_LEVEL_HIGH);
	tree_end(tree);
}

static void add_its(struct tree *tree)
{
	tree_begin_at(tree, "msi-controller", ARM_ITS_BASE);
	tree_string(tree, "compatible", "arm,gic-v3-its");
	tree_flag(tree, "msi-controller");
	tree_u32(tree, "#msi-cells", 1);
	tree_reg(tree, ARM_ITS_BASE, ARM_ITS_SIZE);
	tree_u32(tree, "phandle", PHANDLE_ITS);
	tree_end(tree);
}

static void add_gic(struct tree *tree, const struct platform *platform)
{
	uint64_t redistributors = ARM_GICR_SIZE * platform->cpus;

	tree_begin_at(tree, "interrupt-controller", ARM_GICD_BASE);
	tree_string(tree, "compatible", "arm,gic-v3");
	tree_flag(tree, "interrupt-controller");
	tree_u32(tree, "#interrupt-cells", 3);
	tree_sizes(tree, 2, 2);
	tree_flag(tree, "ranges");
	tree_list(tree, "reg", high(ARM_GICD_BASE), low(ARM_GICD_BASE), high(ARM_GICD_SIZE),
		  low(ARM_GICD_SIZE), high(ARM_GICR_BASE), low(ARM_GICR_BASE), high(redistributors),
		  low(redistributors));
	tree_u32(tree, "#redistributor-regions", 1);
	tree_list(tree, "interrupts", GIC_PPI, ARM_PPI_MAINTENANCE, IRQ_LEVEL_HIGH);
	tree_u32(tree, "phandle", PHANDLE_GIC);
	add_its(tree);
	tree_end(tree);
}

static void add_clock(struct tree *tree)
{
	tree_begin(tree, "clock-24000000");
	tree_string(tree, "compatible", "fixed-clock");
	tree_u32(tree, "#clock-cells", 0);
	tree_u32(tree, "clock-frequency", APB_FREQUENCY);
	tree_string(tree, "clock-output-names", "clk24mhz");
	tree_u32(tree, "phandle", PHANDLE_CLOCK);
	tree_end(tree);
}

/* What every PrimeCell has beside its kind and clocks; the node stays open. */
static void tree_begin_primecell(struct tree *tree, const char *name, uint64_t base)
{
	tree_begin_at(tree, name, base);
	tree_reg(tree, base, ARM_PERIPHERAL_SIZE);
}

static void add_uart(struct tree *tree)
{
	tree_begin_primecell(tree, "serial", ARM_UART_BASE);
	tree_list(tree, "interrupts", GIC_SPI, ARM_GSI_UART, IRQ_LEVEL_HIGH);
	tree_strings(tree, "compatible", "arm,pl011\0arm,primecell");
	tree_list(tree, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
	tree_strings(tree, "clock-names", "uartclk\0apb_pclk");
	tree_end(tree);
}

/* Without its interrupt Linux offers no alarm, which nothing would wake it for. */
static void add_rtc(struct tree *tree)
{
	tree_begin_primecell(tree, "rtc", ARM_RTC_BASE);
	tree_strings(tree, "compatible", "arm,pl031\0arm,primecell");
	tree_u32(tree, "clocks", PHANDLE_CLOCK);
	tree_string(tree, "clock-names", "apb_pclk");
	tree_end(tree);
}

static void add_gpio(struct tree *tree)
{
	tree_begin_primecell(tree, "gpio", ARM_GPIO_BASE);
	tree_list(tree, "interrupts", GIC_SPI, ARM_GSI_GPIO, IRQ_LEVEL_HIGH);
	tree_strings(tree, "compatible", "arm,pl061\0arm,primecell");
	tree_u32(tree, "clocks", PHANDLE_CLOCK);
	tree_string(tree, "clock-names", "apb_pclk");
	tree_flag(tree, "gpio-controller");
	tree_u32(tree, "#gpio-cells", 2);
	/* An interrupt of one of its lines has no address; dtc wants that said. */
	tree_u32(tree, "#address-cells", 0);
	tree_flag(tree, "interrupt-controller");
	tree_u32(tree, "#interrupt-cells", 2);
	tree_u32(tree, "phandle", PHANDLE_GPIO);
	tree_end(tree);

	tree_begin(tree, "gpio-keys");
	tree_string(tree, "compatible", "gpio-keys");
	tree_begin(tree, "power-button");
	tree_string(tree, "label", "power button");
	tree_u32(tree, "linux,code", KEY_CODE_POWER);
	tree_list(tree, "gpios", PHANDLE_GPIO, ARM_GPIO_POWER_BUTTON, GPIO_ACTIVE_HIGH);
	tree_flag(tree, "wakeup-source");
	tree_end(tree);
	tree_end(tree);
}

static void add_pvpanic(struct tree *tree)
{
	tree_begin_at(tree, "pvpanic", ARM_PVPANIC_BASE);
	tree_string(tree, "compatible", "qemu,pvpanic-mmio");
	tree_reg(tree, ARM_PVPANIC_BASE, PVPANIC_SIZE);
	tree_end(tree);
}

/* Appends a window that has the guest-physical address @base and the PCI address @pci. */
static size_t add_range(uint32_t *cells, size_t count, uint32_t space, uint64_t pci, uint64_t base,
			uint64_t size)
{
	const uint32_t range[RANGE_CELLS] = {space,     high(pci),  low(pci), high(base),
					     low(base), high(size), low(size)};

	if (size == 0)
		return count;
	memcpy(cells + count, range, sizeof(range));
	return count + RANGE_CELLS;
}

/*
 * None is prefetchable: Linux puts BARs of both kinds into a window that is not, and 64-bit ones
 * into the 64-bit window first.
 */
static void add_pci_ranges(struct tree *tree, const struct platform *platform)
{
	const struct ram_range *mmio32 = &platform->mmio32, *mmio64 = &platform->mmio64;
	uint32_t cells[3 * RANGE_CELLS];
	size_t count = 0;

	count = add_range(cells, count, PCI_SPACE_IO, 0, ARM_PCI_IO_BASE, ARM_PCI_IO_SIZE);
	count = add_range(cells, count, PCI_SPACE_MEMORY32, mmio32->base, mmio32->base,
			  mmio32->size);
	count = add_range(cells, count, PCI_SPACE_MEMORY64, mmio64->base, mmio64->base,
			  mmio64->size);
	tree_cells(tree, "ranges", cells, count);
}

/* Every pin of every slot of the root bus, where the host bridge raises it. */
static void add_pci_interrupts(struct tree *tree, const struct platform *platform)
{
	uint32_t map[PCI_SLOTS * PCI_PINS * MAP_CELLS];
	uint32_t *next = map;

	for (uint32_t slot = 0; slot < PCI_SLOTS; slot++) {
		for (uint32_t pin = 0; pin < PCI_PINS; pin++) {
			uint32_t gsi =
				pci_intx_gsi(platform->intx_gsi, platform->intx_count, slot, pin);
			/* The GIC's own address, two cells, says nothing. */
			const uint32_t entry[MAP_CELLS] = {slot << PCI_SLOT_SHIFT,
							   0,
							   0,
							   pin + 1,
							   PHANDLE_GIC,
							   0,
							   0,
							   GIC_SPI,
							   gsi,
							   IRQ_LEVEL_HIGH};

			for (size_t i = 0; i < MAP_CELLS; i++)
				*next++ = htobe32(entry[i]);
		}
	}
	tree_u32(tree, "#interrupt-cells", 1);
	tree_list(tree, "interrupt-map-mask", (PCI_SLOTS - 1) << PCI_SLOT_SHIFT, 0, 0, 7);
	tree_bytes(tree, "interrupt-map", map, sizeof(map));
}

/* BARs have addresses already, but the guest may move them: no linux,pci-probe-only. */
static void add_pci(struct tree *tree, const struct platform *platform)
{
	uint32_t buses = (uint32_t)(platform->ecam.size / MIB);

	tree_begin_at(tree, "pcie", platform->ecam.base);
	tree_string(tree, "compatible", "pci-host-ecam-generic");
	tree_string(tree, "device_type", "pci");
	tree_sizes(tree, 3, 2);
	tree_reg(tree, platform->ecam.base, platform->ecam.size);
	tree_list(tree, "bus-range", 0, buses - 1);
	tree_u32(tree, "linux,pci-domain", 0);
	tree_flag(tree, "dma-coherent");
	add_pci_ranges(tree, platform);
	add_pci_interrupts(tree, platform);
	/* A requester ID is its device ID at the ITS. */
	tree_list(tree, "msi-map", 0, PHANDLE_ITS, 0, 0x10000);
	tree_end(tree);
}

static void add_root(struct tree *tree, const struct fdt_config *config)
{
	const struct platform *platform = config->platform;

	tree_begin(tree, "");
	tree_string(tree, "model", "Ferry");
	tree_string(tree, "compatible", "linux,dummy-virt");
	tree_sizes(tree, 2, 2);
	tree_u32(tree, "interrupt-parent", PHANDLE_GIC);
	add_chosen(tree, config);
	add_memory(tree, platform);
	add_cpus(tree, platform);
	add_processor_services(tree, config->pmu);
	add_gic(tree, platform);
	add_clock(tree);
	if (platform->serial)
		add_uart(tree);
	add_rtc(tree);
	add_gpio(tree);
	add_pvpanic(tree);
	add_pci(tree, platform);
	tree_end(tree);
}

int fdt_build(const struct fdt_config *config, void *blob, size_t size, struct err *err)
{
	struct tree tree = {.blob = blob};

	if (size > FDT_SIZE_MAX)
		size = FDT_SIZE_MAX;
	tree.error = fdt_create(blob, (int)size);
	if (tree.error == 0)
		tree.error = fdt_finish_reservemap(blob);
	add_root(&tree, config);
	if (tree.error == 0)
		tree.error = fdt_finish(blob);
	if (tree.error == 0)
		return (int)fdt_totalsize(blob);
	/* Anything else would be a fault of this file. */
	assert(tree.error == -FDT_ERR_NOSPACE);
	return err_set(err, -ENOSPC,
		       "device tree: a command line of %zu bytes: the tree does not fit the %zu "
		       "bytes that it may have: give a shorter command line",
		       config->cmdline ? strlen(config->cmdline) : 0, size);
}
