/* SPDX-License-Identifier: BSD-3-Clause */
/* The device tree of aarch64: what is ARM's in it (Linux, Documentation/devicetree). */

#include "arch/aarch64/tree.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "arch/aarch64/platform_arm.h"
#include "arch/arch.h"
#include "arch/fdt/dump.h"
#include "arch/fdt/pci.h"

/* Nodes that others point at. */
enum phandle {
	PHANDLE_GIC = 1,
	PHANDLE_ITS,
	PHANDLE_CLOCK,
	PHANDLE_GPIO,
};

/* Interrupt specifiers of the GIC: kind, number, trigger. */
enum { GIC_SPI = 0, GIC_PPI = 1 };
enum { IRQ_LEVEL_HIGH = 4, SPECIFIER_CELLS = 5 }; /* with its unit address before it */

enum { KEY_CODE_POWER = 116, GPIO_ACTIVE_HIGH = 0 };

enum { APB_FREQUENCY = 24000000 }; /* Hz */

static void tree_add_cpus(struct dt *tree, const struct platform *platform)
{
	dt_begin(tree, "cpus");
	dt_sizes(tree, 1, 0);
	for (unsigned int cpu = 0; cpu < platform->cpus; cpu++) {
		uint64_t affinity = arm_vcpu_affinity(cpu);

		dt_begin_at(tree, "cpu", affinity);
		dt_string(tree, "device_type", "cpu");
		dt_string(tree, "compatible", "arm,armv8");
		dt_u32(tree, "reg", dt_low(affinity));
		dt_string(tree, "enable-method", "psci");
		dt_end(tree);
	}
	dt_end(tree);
}

/* What belongs to every processor: power, timers, performance monitor. */
static void tree_add_processor_services(struct dt *tree, bool pmu)
{
	dt_begin(tree, "psci");
	dt_strings(tree, "compatible", "arm,psci-1.0\0arm,psci-0.2");
	dt_string(tree, "method", "hvc");
	dt_end(tree);

	dt_begin(tree, "timer");
	dt_string(tree, "compatible", "arm,armv8-timer");
	dt_list(tree, "interrupts", GIC_PPI, ARM_PPI_TIMER_SECURE, IRQ_LEVEL_HIGH, GIC_PPI,
		ARM_PPI_TIMER_PHYSICAL, IRQ_LEVEL_HIGH, GIC_PPI, ARM_PPI_TIMER_VIRTUAL,
		IRQ_LEVEL_HIGH, GIC_PPI, ARM_PPI_TIMER_HYPERVISOR, IRQ_LEVEL_HIGH);
	dt_flag(tree, "always-on");
	dt_end(tree);

	if (!pmu)
		return;
	dt_begin(tree, "pmu");
	dt_string(tree, "compatible", "arm,armv8-pmuv3");
	dt_list(tree, "interrupts", GIC_PPI, ARM_PPI_PMU, IRQ_LEVEL_HIGH);
	dt_end(tree);
}

static void tree_add_its(struct dt *tree)
{
	dt_begin_at(tree, "msi-controller", ARM_ITS_BASE);
	dt_string(tree, "compatible", "arm,gic-v3-its");
	dt_flag(tree, "msi-controller");
	dt_u32(tree, "#msi-cells", 1);
	dt_reg(tree, ARM_ITS_BASE, ARM_ITS_SIZE);
	dt_u32(tree, "phandle", PHANDLE_ITS);
	dt_end(tree);
}

static void tree_add_gic(struct dt *tree, const struct platform *platform)
{
	uint64_t redistributors = ARM_GICR_SIZE * platform->cpus;

	dt_begin_at(tree, "interrupt-controller", ARM_GICD_BASE);
	dt_string(tree, "compatible", "arm,gic-v3");
	dt_flag(tree, "interrupt-controller");
	dt_u32(tree, "#interrupt-cells", 3);
	dt_sizes(tree, 2, 2);
	dt_flag(tree, "ranges");
	dt_list(tree, "reg", dt_high(ARM_GICD_BASE), dt_low(ARM_GICD_BASE), dt_high(ARM_GICD_SIZE),
		dt_low(ARM_GICD_SIZE), dt_high(ARM_GICR_BASE), dt_low(ARM_GICR_BASE),
		dt_high(redistributors), dt_low(redistributors));
	dt_u32(tree, "#redistributor-regions", 1);
	dt_list(tree, "interrupts", GIC_PPI, ARM_PPI_MAINTENANCE, IRQ_LEVEL_HIGH);
	dt_u32(tree, "phandle", PHANDLE_GIC);
	tree_add_its(tree);
	dt_end(tree);
}

static void tree_add_clock(struct dt *tree)
{
	dt_begin(tree, "clock-24000000");
	dt_string(tree, "compatible", "fixed-clock");
	dt_u32(tree, "#clock-cells", 0);
	dt_u32(tree, "clock-frequency", APB_FREQUENCY);
	dt_string(tree, "clock-output-names", "clk24mhz");
	dt_u32(tree, "phandle", PHANDLE_CLOCK);
	dt_end(tree);
}

/* What every PrimeCell has beside its kind and clocks; the node stays open. */
static void tree_begin_primecell(struct dt *tree, const char *name, uint64_t base)
{
	dt_begin_at(tree, name, base);
	dt_reg(tree, base, ARM_PERIPHERAL_SIZE);
}

static void tree_add_uart(struct dt *tree)
{
	tree_begin_primecell(tree, "serial", ARM_UART_BASE);
	dt_list(tree, "interrupts", GIC_SPI, ARM_GSI_UART, IRQ_LEVEL_HIGH);
	dt_strings(tree, "compatible", "arm,pl011\0arm,primecell");
	dt_list(tree, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
	dt_strings(tree, "clock-names", "uartclk\0apb_pclk");
	dt_end(tree);
}

/* Without its interrupt Linux offers no alarm, which nothing would wake it for. */
static void tree_add_rtc(struct dt *tree)
{
	tree_begin_primecell(tree, "rtc", ARM_RTC_BASE);
	dt_strings(tree, "compatible", "arm,pl031\0arm,primecell");
	dt_u32(tree, "clocks", PHANDLE_CLOCK);
	dt_string(tree, "clock-names", "apb_pclk");
	dt_end(tree);
}

static void tree_add_gpio(struct dt *tree)
{
	tree_begin_primecell(tree, "gpio", ARM_GPIO_BASE);
	dt_list(tree, "interrupts", GIC_SPI, ARM_GSI_GPIO, IRQ_LEVEL_HIGH);
	dt_strings(tree, "compatible", "arm,pl061\0arm,primecell");
	dt_u32(tree, "clocks", PHANDLE_CLOCK);
	dt_string(tree, "clock-names", "apb_pclk");
	dt_flag(tree, "gpio-controller");
	dt_u32(tree, "#gpio-cells", 2);
	/* An interrupt of one of its lines has no address; dtc wants that said. */
	dt_u32(tree, "#address-cells", 0);
	dt_flag(tree, "interrupt-controller");
	dt_u32(tree, "#interrupt-cells", 2);
	dt_u32(tree, "phandle", PHANDLE_GPIO);
	dt_end(tree);

	dt_begin(tree, "gpio-keys");
	dt_string(tree, "compatible", "gpio-keys");
	dt_begin(tree, "power-button");
	dt_string(tree, "label", "power button");
	dt_u32(tree, "linux,code", KEY_CODE_POWER);
	dt_list(tree, "gpios", PHANDLE_GPIO, ARM_GPIO_POWER_BUTTON, GPIO_ACTIVE_HIGH);
	dt_flag(tree, "wakeup-source");
	dt_end(tree);
	dt_end(tree);
}

/* The GIC's own address, two cells, says nothing. */
static void tree_specify(uint32_t gsi, uint32_t *cells)
{
	const uint32_t specifier[SPECIFIER_CELLS] = {0, 0, GIC_SPI, gsi, IRQ_LEVEL_HIGH};

	memcpy(cells, specifier, sizeof(specifier));
}

int tree_build(const struct tree_config *config, void *blob, size_t size, struct err *err)
{
	const struct platform *platform = config->platform;
	const struct dt_pci pci = {
		.platform = platform,
		.io = {ARM_PCI_IO_BASE, ARM_PCI_IO_SIZE},
		.interrupt_parent = PHANDLE_GIC,
		.specifier_cells = SPECIFIER_CELLS,
		.specify = tree_specify,
		.msi_parent = PHANDLE_ITS,
	};
	struct dt tree;

	dt_create(&tree, blob, size);
	dt_begin_root(&tree, "linux,dummy-virt", PHANDLE_GIC);
	dt_add_chosen(&tree, platform, &config->boot, "ttyAMA0", ARM_UART_BASE);
	dt_add_memory(&tree, platform);
	tree_add_cpus(&tree, platform);
	tree_add_processor_services(&tree, config->pmu);
	tree_add_gic(&tree, platform);
	tree_add_clock(&tree);
	if (platform->serial)
		tree_add_uart(&tree);
	tree_add_rtc(&tree);
	tree_add_gpio(&tree);
	dt_add_pvpanic(&tree, ARM_PVPANIC_BASE);
	dt_add_pci(&tree, &pci);
	dt_end(&tree);
	return dt_finish(&tree, config->boot.cmdline, err);
}

static int tree_dump(const void *config, void *blob, size_t size, struct err *err)
{
	return tree_build(config, blob, size, err);
}

int arch_dump_fdt(const struct kvm_vm *vm, const struct platform *platform, const char *cmdline,
		  const char *path, struct err *err)
{
	const struct tree_config config = {
		.platform = platform,
		.pmu = vm && kvm_vm_capability(vm, KVM_CAP_ARM_PMU_V3) > 0,
		.boot = {.cmdline = cmdline},
	};

	return dt_dump(path, tree_dump, &config, err);
}

int arch_dump_acpi(const struct platform *platform, const char *directory, struct err *err)
{
	(void)platform;
	return err_set(err, -ENOTSUP,
		       "ACPI dump: %s: an aarch64 guest gets a device tree and no ACPI tables: use "
		       "--dump-fdt",
		       directory);
}
