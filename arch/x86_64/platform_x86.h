/* SPDX-License-Identifier: BSD-3-Clause */
/* The fixed ports, interrupt lines and addresses of the x86_64 platform, in one place. */

#ifndef FERRY_ARCH_X86_64_PLATFORM_X86_H
#define FERRY_ARCH_X86_64_PLATFORM_X86_H

#include <stdint.h>

/*
 * Guest-physical memory, from the bottom:
 *
 *   0x0000000000  RAM, up to 0x9fc00
 *   0x000009fc00  reserved (backed by RAM): EBDA, VGA hole, ACPI tables from 0xe0000
 *   0x0000100000  RAM, up to 0xc0000000 at most (lower when 32-bit BARs need more room)
 *   0x00c0000000  ECAM, 256 MiB for 256 buses
 *   0x00d0000000  32-bit PCI window, up to 0xfe000000
 *   0x00fec00000  IOAPIC
 *   0x00fee00000  LAPICs
 *   0x00feffc000  KVM's identity map page and TSS
 *   0x0100000000  the rest of RAM, then the 64-bit PCI window
 */
#define X86_LOW_RAM_END    UINT64_C(0x9fc00)
#define X86_ACPI_BASE      UINT64_C(0xe0000) /* where firmware leaves the RSDP (ACPI 6.5 5.2.5.1) */
#define X86_ACPI_SIZE      UINT64_C(0x20000)
#define X86_HIGH_RAM_BASE  UINT64_C(0x100000)
#define X86_HOLE_BASE      UINT64_C(0xc0000000) /* by default */
#define X86_ECAM_SIZE      UINT64_C(0x10000000)
#define X86_MMIO32_END     UINT64_C(0xfe000000)
#define X86_IOAPIC_BASE    UINT64_C(0xfec00000)
#define X86_LAPIC_BASE     UINT64_C(0xfee00000)
#define X86_IDENTITY_BASE  UINT64_C(0xfeffc000) /* KVM_SET_IDENTITY_MAP_ADDR: one page */
#define X86_TSS_BASE       UINT64_C(0xfeffd000) /* KVM_SET_TSS_ADDR: three pages */
#define X86_KVM_PAGES_SIZE UINT64_C(0x4000)

/* I/O ports. Everything from 0x1000 belongs to PCI. */
enum {
	X86_PORT_I8042_COMMAND = 0x64,
	X86_PORT_RTC = 0x70, /* index, then data */
	X86_PORT_DEBUG_EXIT = 0xf4,
	X86_PORT_SERIAL = 0x3f8,
	X86_PORT_PVPANIC = 0x505,
	X86_PORT_SLEEP_CONTROL = 0x600,
	X86_PORT_SLEEP_STATUS = 0x601,
	X86_PORT_RESET = 0x602,
	X86_PORT_GED = 0x604, /* 32 bits: events pending, cleared by reading */
	X86_PORT_PM_TIMER = 0x608,
	X86_PORT_PCI_ADDRESS = 0xcf8,
	X86_PORT_PCI_BASE = 0x1000,
	X86_PORT_PCI_END = 0x10000,
};

/* GSIs: the pins of one IOAPIC; there is no PIC to route to on a hardware-reduced platform. */
enum {
	X86_GSI_SERIAL = 4,
	X86_GSI_GED = 9,
	X86_GSI_INTX = 16,
	X86_GSI_INTX_COUNT = 8,
	X86_GSI_MSI = 24, /* the first that is no pin */
};

/* Values that the FADT names and the power device takes. */
enum {
	X86_RESET_VALUE = 1,      /* written to X86_PORT_RESET */
	X86_SLEEP_TYPE_S5 = 5,    /* SLP_TYPx of \_S5, bits 2 to 4 of the sleep control register */
	X86_SLEEP_ENABLE = 0x20,  /* SLP_EN of the sleep control register (ACPI 6.5, 4.8.3.7) */
	X86_GED_POWER_BUTTON = 1, /* the bit in X86_PORT_GED */
	X86_PM_TIMER_HZ = 3579545,
};

#endif
