/* SPDX-License-Identifier: BSD-3-Clause */
/* The fixed addresses and interrupt lines of the aarch64 platform, in one place. */

#ifndef FERRY_ARCH_AARCH64_PLATFORM_ARM_H
#define FERRY_ARCH_AARCH64_PLATFORM_ARM_H

#include <stdint.h>

/*
 * Guest-physical memory, from the bottom. Everything begins and ends at a multiple of 64 KiB, the
 * largest page a guest may use.
 *
 *   0x0008000000  nothing: the SMMU's software MSI window of Linux hosts, 1 MiB
 *   0x0009000000  PL011, PL031, PL061, pvpanic, debug exit, 64 KiB each
 *   0x000a000000  GIC distributor, 64 KiB
 *   0x000a020000  ITS, 128 KiB
 *   0x000a100000  GIC redistributors, 128 KiB for each of 64 vCPUs
 *   0x000bff0000  PCI's I/O ports, 64 KiB, trapped
 *   0x0010000000  ECAM, 256 MiB for 256 buses
 *   0x0020000000  32-bit PCI window, up to RAM
 *   0x0040000000  RAM (higher by whole GiB when 32-bit BARs need more room), then the 64-bit window
 */
#define ARM_PAGE_MAX         UINT64_C(0x10000)
#define ARM_UART_BASE        UINT64_C(0x09000000)
#define ARM_RTC_BASE         UINT64_C(0x09010000)
#define ARM_GPIO_BASE        UINT64_C(0x09020000)
#define ARM_PVPANIC_BASE     UINT64_C(0x09030000)
#define ARM_DEBUG_EXIT_BASE  UINT64_C(0x09040000)
#define ARM_PERIPHERAL_SIZE  UINT64_C(0x1000) /* of each PrimeCell */
#define ARM_GICD_BASE        UINT64_C(0x0a000000)
#define ARM_GICD_SIZE        UINT64_C(0x10000)
#define ARM_ITS_BASE         UINT64_C(0x0a020000)
#define ARM_ITS_SIZE         UINT64_C(0x20000)
#define ARM_GICR_BASE        UINT64_C(0x0a100000)
#define ARM_GICR_SIZE        UINT64_C(0x20000)    /* of one vCPU's redistributor */
#define ARM_PCI_IO_BASE      UINT64_C(0x0bff0000) /* port 0 of PCI */
#define ARM_PCI_IO_SIZE      UINT64_C(0x10000)
#define ARM_ECAM_BASE        UINT64_C(0x10000000)
#define ARM_ECAM_SIZE        UINT64_C(0x10000000)
#define ARM_MMIO32_BASE      UINT64_C(0x20000000)
#define ARM_RAM_BASE         UINT64_C(0x40000000) /* by default */
#define ARM_RAM_BASE_HIGHEST UINT64_C(0xc0000000)

/* I/O ports that BARs may have; Linux keeps those below 0x1000 for an ISA bridge's devices. */
enum { ARM_PORT_PCI_BASE = 0x1000 };

/*
 * GSI n is shared peripheral interrupt (SPI) n of the GIC, INTID 32 + n: KVM's own default routes.
 * In a device tree such an interrupt is <0 n flags>; a private one (PPI, INTID 16 + n) is <1 n
 * flags>.
 */
enum {
	ARM_SPI_INTID = 32,
	ARM_SPIS = 32,
	ARM_INTIDS = ARM_SPI_INTID + ARM_SPIS, /* KVM_DEV_ARM_VGIC_GRP_NR_IRQS */
	ARM_GSI_UART = 1,
	ARM_GSI_RTC = 2,
	ARM_GSI_GPIO = 3,
	ARM_GSI_INTX = 16,
	ARM_GSI_INTX_COUNT = 8,
	ARM_GSI_MSI = ARM_SPIS, /* the first that is no SPI */
};

enum {
	ARM_PPI_PMU = 7,
	ARM_PPI_MAINTENANCE = 9,
	ARM_PPI_TIMER_HYPERVISOR = 10,
	ARM_PPI_TIMER_VIRTUAL = 11,
	ARM_PPI_TIMER_SECURE = 13,
	ARM_PPI_TIMER_PHYSICAL = 14,
};

/* The PL061's line that is the power button, active high. */
enum { ARM_GPIO_POWER_BUTTON = 3 };

/* The affinity (MPIDR_EL1 without its flags) that KVM gives vCPU @id: sixteen in a cluster. */
static inline uint64_t arm_vcpu_affinity(unsigned int id)
{
	return (uint64_t)(id >> 4) << 8 | (id & 15);
}

#endif
