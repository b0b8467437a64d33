/* SPDX-License-Identifier: BSD-3-Clause */
/* All processors start by INIT and SIPI; each knows its own APIC id, CPUID and the tables agree. */

#include "guest.h"

enum {
	LAPIC_ID = 0xfee00020,
	LAPIC_SPURIOUS = 0xfee000f0,
	LAPIC_ICR = 0xfee00300,
	ICR_INIT_ALL_BUT_SELF = 0xc4500,
	ICR_STARTUP_ALL_BUT_SELF = 0xc4600,
	TRAMPOLINE = 0x8000,
	CPUS = 4,
	PATIENCE = 100000000,
};

extern const uint8_t trampoline[], trampoline_end[];
void processor_main(void);

static volatile uint32_t started; /* by APIC id */

static uint32_t check_identity(void)
{
	uint32_t id = read32(LAPIC_ID) >> 24;
	struct cpuid features = cpuid(1, 0), topology = cpuid(0xb, 1);

	check(features.b >> 24 == id, "APIC id of leaf 1", features.b);
	check((features.b >> 16 & 0xff) == CPUS, "processors of leaf 1", features.b);
	check(features.c >> 31 == 1, "hypervisor bit", features.c);
	check((features.c & 1 << 5) == 0, "VMX", features.c);
	if (cpuid(0, 0).a >= 0xb) {
		check(topology.d == id, "APIC id of leaf 0xb", topology.d);
		check((topology.b & 0xffff) == CPUS, "processors of leaf 0xb", topology.b);
	}
	return id;
}

void processor_main(void)
{
	__atomic_fetch_or(&started, UINT32_C(1) << check_identity(), __ATOMIC_SEQ_CST);
	halt();
}

static void check_hypervisor(void)
{
	struct cpuid signature = cpuid(0x40000000, 0);

	check(same(&signature.b, "KVMKVMKVM\0\0\0", 12), "signature", signature.b);
	check(signature.a >= 0x40000010, "highest leaf", signature.a);
	check(cpuid(0x40000010, 0).a != 0, "TSC frequency", 0);
	check(cpuid(0x40000010, 0).b == 1000000, "bus frequency", cpuid(0x40000010, 0).b);
}

void guest_main(uint32_t magic, uintptr_t info)
{
	uint8_t *to = (uint8_t *)TRAMPOLINE;

	(void)magic;
	(void)info;
	check_hypervisor();
	for (const uint8_t *from = trampoline; from < trampoline_end; from++)
		*to++ = *from;
	started = UINT32_C(1) << check_identity();
	write32(LAPIC_SPURIOUS, 0x1ff);
	write32(LAPIC_ICR, ICR_INIT_ALL_BUT_SELF);
	write32(LAPIC_ICR, ICR_STARTUP_ALL_BUT_SELF | TRAMPOLINE >> 12);
	for (unsigned int i = 0; i < PATIENCE && started != (1 << CPUS) - 1; i++)
		pause();
	check(started == (1 << CPUS) - 1, "processors started", started);
	pass();
}
