/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Creates the x86_64 platform's emulated devices and hands the console's and the button's input on.
 */

#include <stddef.h>

#include "arch/arch.h"
#include "arch/x86_64/platform_x86.h"
#include "arch/x86_64/vm.h"
#include "devices/debug_exit.h"
#include "devices/i8042.h"
#include "devices/pci/pci.h"
#include "devices/power.h"
#include "devices/pvpanic.h"
#include "devices/rtc.h"
#include "devices/serial.h"

_Static_assert((int)X86_PM_TIMER_HZ == (int)POWER_TIMER_HZ, "one PM timer, one rate");

static const struct power_config arch_power_config = {
	.sleep_control = X86_PORT_SLEEP_CONTROL,
	.sleep_status = X86_PORT_SLEEP_STATUS,
	.sleep_type = X86_SLEEP_TYPE_S5,
	.reset = X86_PORT_RESET,
	.reset_value = X86_RESET_VALUE,
	.timer = X86_PORT_PM_TIMER,
	.events = X86_PORT_GED,
	.button = X86_GED_POWER_BUTTON,
	.gsi = X86_GSI_GED,
};

static int device_serial_create(struct arch_vm *arch, const struct device_bus *bus, struct err *err)
{
	const struct arch_console *console = &arch->setup.console;
	const struct serial_backend backend = {
		.output = console->output,
		.room = console->room,
		.console = console->console,
	};

	arch->serial = serial_create(bus, X86_PORT_SERIAL, X86_GSI_SERIAL, &backend, err);
	return device_list_add(&arch->devices, arch->serial ? serial_device(arch->serial) : NULL,
			       err);
}

static int device_power_create(struct arch_vm *arch, const struct device_bus *bus, struct err *err)
{
	arch->power = power_create(bus, &arch_power_config, err);
	return device_list_add(&arch->devices, arch->power ? power_device(arch->power) : NULL, err);
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
	int rc = device_power_create(arch, &bus, err);

	if (!rc && platform->serial)
		rc = device_serial_create(arch, &bus, err);
	if (!rc)
		rc = device_list_add(&arch->devices, rtc_create(&bus, X86_PORT_RTC, err), err);
	if (!rc)
		rc = device_list_add(&arch->devices,
				     i8042_create(&bus, X86_PORT_I8042_COMMAND, err), err);
	if (!rc)
		rc = device_list_add(&arch->devices,
				     pvpanic_create(&bus, bus.pio, X86_PORT_PVPANIC, err), err);
	if (!rc && platform->debug_exit)
		rc = device_list_add(&arch->devices,
				     debug_exit_create(&bus, bus.pio, X86_PORT_DEBUG_EXIT, err),
				     err);
	return rc;
}

void arch_pci_ports(struct arch_vm *arch, struct pci_host_config *config)
{
	config->config_ports = true;
	config->reset_control = power_reset_control;
	config->reset_control_read = power_reset_control_read;
	config->reset_owner = arch->power;
}

size_t arch_console_input(struct arch_vm *arch, const uint8_t *bytes, size_t count)
{
	/* Without a port there is nobody to wait for. */
	return arch->serial ? serial_input(arch->serial, bytes, count) : count;
}

void arch_power_button(struct arch_vm *arch)
{
	power_button_press(arch->power);
}
