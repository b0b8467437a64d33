/* SPDX-License-Identifier: BSD-3-Clause */
/* The platform's devices in AML: what the DSDT holds behind its header. */

#include "arch/x86_64/dsdt.h"

#include <stdio.h>

#include "arch/x86_64/platform_x86.h"
#include "devices/pci/pci.h"

enum {
	PCI_ALL_FUNCTIONS = 0xffff,
	PCI_BUS_SHIFT = 20, /* of ECAM's size */
	PCI_CONFIG_PORTS = 8,

	STA_PRESENT_AND_WORKING = 0xf,
	NOTIFY_BUTTON_PRESSED = 0x80,
};

/* _OSC of a PCI host bridge (PCI Firmware Specification 3.3, 4.5.1). */
#define OSC_UUID "33DB4D5B-1FF7-401C-9657-7441C03DD766"

enum {
	OSC_STATUS_UNKNOWN_UUID = 1 << 2,
	OSC_STATUS_UNKNOWN_REVISION = 1 << 3,
	OSC_STATUS_MASKED = 1 << 4,

	/*
	 * Native hot plug (PCIe and SHPC), PME, AER, PCIe capability, LTR and DPC: no firmware
	 * competes for any of them.
	 */
	OSC_CONTROL_GRANTED = 0x01 | 0x02 | 0x04 | 0x08 | 0x10 | 0x20 | 0x80,
};

static void dsdt_name_integer(struct aml *aml, const char *name, uint64_t value)
{
	aml_name(aml, name);
	aml_integer(aml, value);
}

static void dsdt_name_eisa_id(struct aml *aml, const char *name, const char *id)
{
	aml_name(aml, name);
	aml_eisa_id(aml, id);
}

/* CDW1 = CDW1 | @bits, the status that _OSC returns. */
static void dsdt_osc_status(struct aml *aml, unsigned int bits)
{
	aml_op(aml, AML_OR);
	aml_name_string(aml, "CDW1");
	aml_integer(aml, bits);
	aml_name_string(aml, "CDW1");
}

static void dsdt_create_dword_field(struct aml *aml, const char *name, unsigned int offset)
{
	aml_op(aml, AML_CREATE_DWORD_FIELD);
	aml_op(aml, AML_ARG3);
	aml_integer(aml, offset);
	aml_name_string(aml, name);
}

/* The third dword asks for control; what is granted stays set in it. */
static void dsdt_osc_grant(struct aml *aml)
{
	size_t condition;

	dsdt_create_dword_field(aml, "CDW3", 8);
	aml_op(aml, AML_AND);
	aml_name_string(aml, "CDW3");
	aml_integer(aml, OSC_CONTROL_GRANTED);
	aml_op(aml, AML_LOCAL0);

	condition = aml_begin_if(aml); /* If (!(Arg1 == 1)) */
	aml_op(aml, AML_LNOT);
	aml_op(aml, AML_EQUAL);
	aml_op(aml, AML_ARG1);
	aml_integer(aml, 1);
	dsdt_osc_status(aml, OSC_STATUS_UNKNOWN_REVISION);
	aml_end(aml, condition);

	condition = aml_begin_if(aml); /* If (!(CDW3 == Local0)) */
	aml_op(aml, AML_LNOT);
	aml_op(aml, AML_EQUAL);
	aml_name_string(aml, "CDW3");
	aml_op(aml, AML_LOCAL0);
	dsdt_osc_status(aml, OSC_STATUS_MASKED);
	aml_end(aml, condition);

	aml_op(aml, AML_STORE);
	aml_op(aml, AML_LOCAL0);
	aml_name_string(aml, "CDW3");
}

/* A query and a request get the same answer: granting changes nothing in this platform. */
static void dsdt_osc(struct aml *aml)
{
	size_t method = aml_begin_method(aml, "_OSC", 4), branch;

	dsdt_create_dword_field(aml, "CDW1", 0);
	branch = aml_begin_if(aml);
	aml_op(aml, AML_EQUAL);
	aml_op(aml, AML_ARG0);
	aml_uuid(aml, OSC_UUID);
	dsdt_osc_grant(aml);
	aml_end(aml, branch);
	branch = aml_begin_else(aml);
	dsdt_osc_status(aml, OSC_STATUS_UNKNOWN_UUID);
	aml_end(aml, branch);
	aml_op(aml, AML_RETURN);
	aml_op(aml, AML_ARG3);
	aml_end(aml, method);
}

/* Each pin's GSI, hard-wired: _PRT without link devices (ACPI 6.5, 6.2.13). */
static void dsdt_prt(struct aml *aml, const struct platform *platform)
{
	size_t table, entry;

	aml_name(aml, "_PRT");
	table = aml_begin_package(aml, PCI_SLOTS * PCI_PINS);
	for (unsigned int slot = 0; slot < PCI_SLOTS; slot++) {
		for (unsigned int pin = 0; pin < PCI_PINS; pin++) {
			entry = aml_begin_package(aml, 4);
			aml_integer(aml, slot << 16 | PCI_ALL_FUNCTIONS);
			aml_integer(aml, pin);
			aml_integer(aml, 0);
			aml_integer(aml, pci_intx_gsi(platform->intx_gsi, platform->intx_count,
						      slot, pin));
			aml_end(aml, entry);
		}
	}
	aml_end(aml, table);
}

static void dsdt_pci_windows(struct aml *aml, const struct platform *platform)
{
	size_t resources;

	aml_name(aml, "_CRS");
	resources = aml_begin_resources(aml);
	aml_window_bus(aml, 0, (uint16_t)(platform->ecam.size >> PCI_BUS_SHIFT));
	aml_resource_io(aml, X86_PORT_PCI_ADDRESS, PCI_CONFIG_PORTS);
	if (platform->io.size)
		aml_window_io(aml, (uint16_t)platform->io.base, (uint32_t)platform->io.size);
	if (platform->mmio32.size)
		aml_window_memory(aml, platform->mmio32.base, platform->mmio32.size);
	if (platform->mmio64.size)
		aml_window_memory(aml, platform->mmio64.base, platform->mmio64.size);
	aml_end_resources(aml, resources);
}

static void dsdt_pci_host(struct aml *aml, const struct platform *platform)
{
	size_t device = aml_begin_device(aml, "PCI0");

	dsdt_name_eisa_id(aml, "_HID", "PNP0A08");
	dsdt_name_eisa_id(aml, "_CID", "PNP0A03");
	dsdt_name_integer(aml, "_UID", 0);
	dsdt_name_integer(aml, "_SEG", 0);
	dsdt_name_integer(aml, "_BBN", 0);
	dsdt_name_integer(aml, "_CCA", 1);
	dsdt_pci_windows(aml, platform);
	dsdt_prt(aml, platform);
	dsdt_osc(aml);
	aml_end(aml, device);
}

/* What no driver claims, so that nothing else is put there. Linux wants ECAM to be among it. */
static void dsdt_reserved(struct aml *aml, const struct platform *platform)
{
	size_t device = aml_begin_device(aml, "MBRD"), resources;

	dsdt_name_eisa_id(aml, "_HID", "PNP0C02");
	dsdt_name_integer(aml, "_UID", 0);
	aml_name(aml, "_CRS");
	resources = aml_begin_resources(aml);
	aml_resource_memory(aml, platform->ecam.base, platform->ecam.size);
	aml_resource_io(aml, X86_PORT_SLEEP_CONTROL,
			X86_PORT_PM_TIMER + 4 - X86_PORT_SLEEP_CONTROL);
	aml_end_resources(aml, resources);
	aml_end(aml, device);
}

static void dsdt_serial(struct aml *aml)
{
	size_t device = aml_begin_device(aml, "COM1"), resources;

	dsdt_name_eisa_id(aml, "_HID", "PNP0501");
	dsdt_name_integer(aml, "_UID", 0);
	aml_name(aml, "_CRS");
	resources = aml_begin_resources(aml);
	aml_resource_io(aml, X86_PORT_SERIAL, 8);
	aml_resource_interrupt(aml, X86_GSI_SERIAL, false);
	aml_end_resources(aml, resources);
	aml_end(aml, device);
}

/* Without an interrupt: this clock has no alarm. */
static void dsdt_rtc(struct aml *aml)
{
	size_t device = aml_begin_device(aml, "RTC"), resources;

	dsdt_name_eisa_id(aml, "_HID", "PNP0B00");
	dsdt_name_integer(aml, "_UID", 0);
	aml_name(aml, "_CRS");
	resources = aml_begin_resources(aml);
	aml_resource_io(aml, X86_PORT_RTC, 2);
	aml_end_resources(aml, resources);
	aml_end(aml, device);
}

static void dsdt_pvpanic(struct aml *aml)
{
	size_t device = aml_begin_device(aml, "PEVT"), resources;

	aml_name(aml, "_HID");
	aml_string(aml, "QEMU0001");
	dsdt_name_integer(aml, "_UID", 0);
	dsdt_name_integer(aml, "_STA", STA_PRESENT_AND_WORKING);
	aml_name(aml, "_CRS");
	resources = aml_begin_resources(aml);
	aml_resource_io(aml, X86_PORT_PVPANIC, 1);
	aml_end_resources(aml, resources);
	aml_end(aml, device);
}

static void dsdt_power_button(struct aml *aml)
{
	size_t device = aml_begin_device(aml, "PWRB");

	dsdt_name_eisa_id(aml, "_HID", "PNP0C0C");
	dsdt_name_integer(aml, "_UID", 0);
	aml_end(aml, device);
}

/* _EVT: reading the event register takes what is pending, and each bit notifies its device. */
static void dsdt_event_method(struct aml *aml)
{
	size_t method = aml_begin_method(aml, "_EVT", 1), condition;

	aml_op(aml, AML_STORE);
	aml_name_string(aml, "EVTS");
	aml_op(aml, AML_LOCAL0);
	condition = aml_begin_if(aml);
	aml_op(aml, AML_AND);
	aml_op(aml, AML_LOCAL0);
	aml_integer(aml, X86_GED_POWER_BUTTON);
	aml_no_target(aml);
	aml_op(aml, AML_NOTIFY);
	aml_name_string(aml, "PWRB");
	aml_integer(aml, NOTIFY_BUTTON_PRESSED);
	aml_end(aml, condition);
	aml_end(aml, method);
}

/* The Generic Event Device stands for the SCI of other platforms (ACPI 6.5, 5.6.9). */
static void dsdt_events(struct aml *aml)
{
	size_t device = aml_begin_device(aml, "GED"), resources;

	aml_name(aml, "_HID");
	aml_string(aml, "ACPI0013");
	dsdt_name_integer(aml, "_UID", 0);
	aml_name(aml, "_CRS");
	resources = aml_begin_resources(aml);
	aml_resource_wake_interrupt(aml, X86_GSI_GED);
	aml_end_resources(aml, resources);
	aml_io_region(aml, "EVTR", X86_PORT_GED, 4);
	aml_dword_field(aml, "EVTR", "EVTS");
	dsdt_event_method(aml);
	aml_end(aml, device);
}

/* _UID is what ties a processor to its entry in the MADT. */
static void dsdt_processors(struct aml *aml, const struct platform *platform)
{
	for (unsigned int cpu = 0; cpu < platform->cpus; cpu++) {
		char name[5];
		size_t device;

		snprintf(name, sizeof(name), "C%03X", cpu & 0xfff);
		device = aml_begin_device(aml, name);
		aml_name(aml, "_HID");
		aml_string(aml, "ACPI0007");
		dsdt_name_integer(aml, "_UID", cpu);
		aml_end(aml, device);
	}
}

/* The sleep type that powers off; the other three numbers are for registers that are not here. */
static void dsdt_sleep_states(struct aml *aml)
{
	size_t package;

	aml_name(aml, "_S5");
	package = aml_begin_package(aml, 4);
	aml_integer(aml, X86_SLEEP_TYPE_S5);
	aml_integer(aml, 0);
	aml_integer(aml, 0);
	aml_integer(aml, 0);
	aml_end(aml, package);
}

void dsdt_build(struct aml *aml, const struct platform *platform)
{
	size_t scope = aml_begin_scope(aml, "_SB");

	dsdt_processors(aml, platform);
	dsdt_pci_host(aml, platform);
	dsdt_reserved(aml, platform);
	if (platform->serial)
		dsdt_serial(aml);
	dsdt_rtc(aml);
	dsdt_pvpanic(aml);
	dsdt_power_button(aml);
	dsdt_events(aml);
	aml_end(aml, scope);
	dsdt_sleep_states(aml);
}
