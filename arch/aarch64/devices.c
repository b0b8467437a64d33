/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Creates the aarch64 platform's emulated devices, and the memory behind which PCI's I/O ports are.
 */

#include <linux/kvm.h>
#include <stddef.h>

#include "arch/aarch64/platform_arm.h"
#include "arch/aarch64/vm.h"
#include "devices/debug_exit.h"
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "devices/pvpanic.h"
#include "devices/serial.h"

/* The irq field of KVM_IRQ_LINE for an SPI (api.rst, KVM_IRQ_LINE). */
static uint32_t device_spi_line(unsigned int gsi)
{
	return (uint32_t)KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (ARM_SPI_INTID + gsi);
}

static enum mem_result device_pci_io_read(void *owner, uint64_t offset, unsigned int size,
					  uint64_t *value)
{
	struct arch_vm *arch = owner;

	return mem_map_read(arch->setup.pio, offset, size, value);
}

static enum mem_result device_pci_io_write(void *owner, uint64_t offset, unsigned int size,
					   uint64_t value)
{
	struct arch_vm *arch = owner;

	return mem_map_write(arch->setup.pio, offset, size, value);
}

static const struct mem_ops pci_io_ops = {.read = device_pci_io_read, .write = device_pci_io_write};

static int device_pci_io_create(struct arch_vm *arch, struct err *err)
{
	arch->pci_io = (struct mem_region){
		.name = "PCI I/O ports",
		.kind = MEM_TRAP,
		.size = ARM_PCI_IO_SIZE,
		.ops = &pci_io_ops,
		.owner = arch,
	};
	return mem_map_add(arch->setup.mmio, &arch->pci_io, ARM_PCI_IO_BASE, err);
}

static int device_uart_create(struct arch_vm *arch, const struct device_bus *bus, struct err *err)
{
	const struct arch_console *console = &arch->setup.console;
	const struct serial_backend backend = {
		.output = console->output,
		.room = console->room,
		.console = console->console,
	};

	arch->uart = pl011_create(bus, ARM_UART_BASE, device_spi_line(ARM_GSI_UART), &backend, err);
	return device_list_add(&arch->devices, arch->uart ? pl011_device(arch->uart) : NULL, err);
}

static int device_gpio_create(struct arch_vm *arch, const struct device_bus *bus, struct err *err)
{
	arch->gpio = pl061_create(bus, ARM_GPIO_BASE, device_spi_line(ARM_GSI_GPIO), err);
	return device_list_add(&arch->devices, arch->gpio ? pl061_device(arch->gpio) : NULL, err);
}

int arch_devices_create(struct arch_vm *arch, struct err *err)
{
	const struct platform *platform = arch->setup.platform;
	const struct device_bus bus = {
		.mmio = arch->setup.mmio,
		.pio = arch->setup.pio,
		.irq = arch->irq,
		.sink = arch->setup.sink,
	};
	struct device **list = &arch->devices;
	int rc = device_pci_io_create(arch, err);

	if (!rc)
		rc = device_gpio_create(arch, &bus, err);
	if (!rc && platform->serial)
		rc = device_uart_create(arch, &bus, err);
	if (!rc)
		rc = device_list_add(list,
				     pl031_create(&bus, ARM_RTC_BASE, device_spi_line(ARM_GSI_RTC),
						  err),
				     err);
	if (!rc)
		rc = device_list_add(list, pvpanic_create(&bus, bus.mmio, ARM_PVPANIC_BASE, err),
				     err);
	if (!rc && platform->debug_exit)
		rc = device_list_add(list,
				     debug_exit_create(&bus, bus.mmio, ARM_DEBUG_EXIT_BASE, err),
				     err);
	return rc;
}

/* PCI's ports are memory here, and a reset is a call. */
void arch_pci_ports(struct arch_vm *arch, struct pci_host_config *config)
{
	(void)arch;
	config->config_ports = false;
}

size_t arch_console_input(struct arch_vm *arch, const uint8_t *bytes, size_t count)
{
	/* Without a port there is nobody to wait for. */
	return arch->uart ? pl011_input(arch->uart, bytes, count) : count;
}

void arch_power_button(struct arch_vm *arch)
{
	pl061_press(arch->gpio, ARM_GPIO_POWER_BUTTON);
}
