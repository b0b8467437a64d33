/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU of x86_64 that keeps what it is given, and its exits. */

#include "tests/unit/support/fake_cpu.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "arch/x86_64/platform_x86.h"
#include "vmm/base/bits.h"

enum { XSAVE_SIZE = 4096, DEBUG_EXCEPTION = 1, TSC_KHZ = 2000000 };

static struct state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_fpu fpu;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_lapic_state lapic;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp_state;
	uint8_t xsave[XSAVE_SIZE];
} states[FAKE_CPUS_MAX];

void fake_cpu_create(struct fake_cpu *cpu)
{
	struct state *state = &states[cpu->place];

	memset(state, 0, sizeof(*state));
	state->regs.rflags = 2;
	state->regs.rip = 0xfff0;
	state->mp_state.mp_state = cpu->index ? KVM_MP_STATE_UNINITIALIZED : KVM_MP_STATE_RUNNABLE;
}

/* Part of a vCPU's state, whole, by one request each way. */
static const struct {
	unsigned long get, set;
	size_t offset, size;
} parts[] = {
	{KVM_GET_REGS, KVM_SET_REGS, offsetof(struct state, regs), sizeof(struct kvm_regs)},
	{KVM_GET_SREGS, KVM_SET_SREGS, offsetof(struct state, sregs), sizeof(struct kvm_sregs)},
	{KVM_GET_FPU, KVM_SET_FPU, offsetof(struct state, fpu), sizeof(struct kvm_fpu)},
	{KVM_GET_XCRS, KVM_SET_XCRS, offsetof(struct state, xcrs), sizeof(struct kvm_xcrs)},
	{KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, offsetof(struct state, debugregs),
	 sizeof(struct kvm_debugregs)},
	{KVM_GET_LAPIC, KVM_SET_LAPIC, offsetof(struct state, lapic),
	 sizeof(struct kvm_lapic_state)},
	{KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS, offsetof(struct state, events),
	 sizeof(struct kvm_vcpu_events)},
	{KVM_GET_MP_STATE, KVM_SET_MP_STATE, offsetof(struct state, mp_state),
	 sizeof(struct kvm_mp_state)},
	{KVM_GET_XSAVE, KVM_SET_XSAVE, offsetof(struct state, xsave), XSAVE_SIZE},
};

const bool fake_cpu_has_clock = true;

int fake_cpu_ioctl(struct fake_cpu *cpu, unsigned long request, void *argument)
{
	uint8_t *state = (uint8_t *)&states[cpu->place];

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (request == parts[i].get) {
			memcpy(argument, state + parts[i].offset, parts[i].size);
			return 0;
		}
		if (request == parts[i].set) {
			memcpy(state + parts[i].offset, argument, parts[i].size);
			cpu->resets += request == KVM_SET_LAPIC;
			return 0;
		}
	}
	switch (request) {
	case KVM_GET_MSRS:
	case KVM_SET_MSRS:
		return (int)((struct kvm_msrs *)argument)->nmsrs;
	case KVM_GET_TSC_KHZ:
		return TSC_KHZ;
	case KVM_TRANSLATE:
		memset((uint8_t *)argument + sizeof(uint64_t), 0,
		       sizeof(struct kvm_translation) - sizeof(uint64_t));
		return 0;
	case KVM_SET_CPUID2:
	case KVM_X86_SETUP_MCE:
	case KVM_X86_SET_MCE:
		return 0;
	case KVM_KVMCLOCK_CTRL:
		cpu->pauses++;
		return 0;
	default:
		return -ENOTTY;
	}
}

static int supported_cpuid(struct kvm_cpuid2 *table)
{
	static const struct kvm_cpuid_entry2 entries[] = {
		{.function = 0,
		 .eax = 0xd,
		 .ebx = 0x756e6547,
		 .edx = 0x49656e69,
		 .ecx = 0x6c65746e},
		{.function = 1, .eax = 0x50654, .edx = 0x0f8bfbff, .ecx = 1},
		{.function = 0xd, .eax = 7, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX},
		{.function = 0x80000000, .eax = 0x80000008},
		{.function = 0x80000001, .edx = 1u << 29 | 1u << 26},
		{.function = 0x80000008, .eax = 46 | 48 << 8},
	};

	if (table->nent < ARRAY_SIZE(entries))
		return -E2BIG;
	memcpy(table->entries, entries, sizeof(entries));
	table->nent = ARRAY_SIZE(entries);
	return 0;
}

int fake_cpu_vm_ioctl(unsigned long request, void *argument)
{
	static const uint32_t msrs[] = {0x10, 0x174, 0x277};
	struct kvm_msr_list *list = argument;

	switch (request) {
	case KVM_GET_SUPPORTED_CPUID:
		return supported_cpuid(argument);
	case KVM_GET_MSR_INDEX_LIST:
		if (list->nmsrs < ARRAY_SIZE(msrs))
			return -E2BIG;
		memcpy(list->indices, msrs, sizeof(msrs));
		list->nmsrs = ARRAY_SIZE(msrs);
		return 0;
	case KVM_X86_GET_MCE_CAP_SUPPORTED:
		store_le64(argument, 0x1000020);
		return 0;
	case KVM_SET_IDENTITY_MAP_ADDR:
	case KVM_SET_TSS_ADDR:
	case KVM_CREATE_IRQCHIP:
	case KVM_GET_IRQCHIP:
	case KVM_SET_IRQCHIP:
		return 0;
	default:
		return -ENOTTY;
	}
}

int fake_cpu_capability(unsigned long capability)
{
	switch (capability) {
	case KVM_CAP_XSAVE2:
		return XSAVE_SIZE;
	case KVM_CAP_SYNC_REGS:
		return KVM_SYNC_X86_REGS;
	case KVM_CAP_SET_GUEST_DEBUG2:
		return KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_SW_BP |
		       KVM_GUESTDBG_USE_HW_BP;
	case KVM_CAP_MSI_DEVID:
		return 0;
	default:
		return -1;
	}
}

/* No KVM before Linux 5.16 knows of a vCPU's. */
int fake_cpu_attribute(unsigned long request, const struct kvm_device_attr *attribute)
{
	(void)request;
	(void)attribute;
	return -ENXIO;
}

const char *fake_cpu_request_name(unsigned long request)
{
	switch (request) {
	case KVM_GET_REGS:
		return "KVM_GET_REGS";
	case KVM_SET_REGS:
		return "KVM_SET_REGS";
	case KVM_GET_SREGS:
		return "KVM_GET_SREGS";
	case KVM_SET_SREGS:
		return "KVM_SET_SREGS";
	case KVM_GET_XSAVE:
		return "KVM_GET_XSAVE";
	case KVM_SET_XSAVE:
		return "KVM_SET_XSAVE";
	case KVM_GET_XCRS:
		return "KVM_GET_XCRS";
	case KVM_SET_XCRS:
		return "KVM_SET_XCRS";
	case KVM_GET_DEBUGREGS:
		return "KVM_GET_DEBUGREGS";
	case KVM_SET_DEBUGREGS:
		return "KVM_SET_DEBUGREGS";
	case KVM_GET_LAPIC:
		return "KVM_GET_LAPIC";
	case KVM_SET_LAPIC:
		return "KVM_SET_LAPIC";
	case KVM_GET_MSRS:
		return "KVM_GET_MSRS";
	case KVM_SET_MSRS:
		return "KVM_SET_MSRS";
	case KVM_GET_TSC_KHZ:
		return "KVM_GET_TSC_KHZ";
	case KVM_SET_CPUID2:
		return "KVM_SET_CPUID2";
	case KVM_X86_SETUP_MCE:
		return "KVM_X86_SETUP_MCE";
	case KVM_GET_SUPPORTED_CPUID:
		return "KVM_GET_SUPPORTED_CPUID";
	case KVM_GET_MSR_INDEX_LIST:
		return "KVM_GET_MSR_INDEX_LIST";
	case KVM_X86_GET_MCE_CAP_SUPPORTED:
		return "KVM_X86_GET_MCE_CAP_SUPPORTED";
	case KVM_SET_IDENTITY_MAP_ADDR:
		return "KVM_SET_IDENTITY_MAP_ADDR";
	case KVM_SET_TSS_ADDR:
		return "KVM_SET_TSS_ADDR";
	case KVM_CREATE_IRQCHIP:
		return "KVM_CREATE_IRQCHIP";
	case KVM_GET_IRQCHIP:
		return "KVM_GET_IRQCHIP";
	case KVM_SET_IRQCHIP:
		return "KVM_SET_IRQCHIP";
	default:
		return NULL;
	}
}

void fake_cpu_fill_debug(struct fake_cpu *cpu)
{
	struct kvm_debug_exit_arch *debug = &cpu->page->debug.arch;

	cpu->page->exit_reason = KVM_EXIT_DEBUG;
	*debug = (struct kvm_debug_exit_arch){
		.exception = DEBUG_EXCEPTION,
		.pc = states[cpu->place].regs.rip,
		.dr6 = 1 << 14, /* BS */
		.dr7 = 1 << 10,
	};
}

void fake_cpu_advance(struct fake_cpu *cpu)
{
	states[cpu->place].regs.rip++;
	cpu->page->s.regs.regs = states[cpu->place].regs;
}

int fake_cpu_port(struct fake_cpu *cpu, bool write, uint16_t port, unsigned int size,
		  unsigned int count, const void *data)
{
	struct kvm_run *run = cpu->page;
	size_t offset = FAKE_PAGE_DATA * (size_t)sysconf(_SC_PAGESIZE);

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = write ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
	run->io.port = port;
	run->io.size = (uint8_t)size;
	run->io.count = count;
	run->io.data_offset = offset;
	if (write)
		memcpy((uint8_t *)run + offset, data, (size_t)size * count);
	return 0;
}

uint16_t fake_cpu_some_port(unsigned int number)
{
	static const uint16_t ports[] = {
		X86_PORT_PCI_ADDRESS,
		X86_PORT_PCI_ADDRESS + 4,
		X86_PORT_PCI_ADDRESS + 6,
		X86_PORT_SERIAL,
		X86_PORT_SERIAL + 1,
		X86_PORT_SERIAL + 3,
		X86_PORT_RTC,
		X86_PORT_RTC + 1,
		0x60,
		X86_PORT_I8042_COMMAND,
		X86_PORT_DEBUG_EXIT,
		X86_PORT_PVPANIC,
		X86_PORT_SLEEP_CONTROL,
		X86_PORT_RESET,
		X86_PORT_GED,
		X86_PORT_PM_TIMER,
		X86_PORT_PCI_BASE,
		X86_PORT_PCI_BASE + 0x20,
		0x80,
		0xcf9,
	};

	return ports[number % ARRAY_SIZE(ports)];
}

uint64_t fake_cpu_some_device(unsigned int number)
{
	static const uint64_t devices[] = {X86_IOAPIC_BASE, X86_LAPIC_BASE, X86_TSS_BASE,
					   0xfed00000};

	return devices[number % ARRAY_SIZE(devices)];
}

bool fake_cpu_port_ends(uint16_t port)
{
	return (port > X86_PORT_SLEEP_CONTROL - 4 && port <= X86_PORT_SLEEP_STATUS) ||
	       (port > X86_PORT_PVPANIC - 4 && port <= X86_PORT_PVPANIC) ||
	       (port > X86_PORT_DEBUG_EXIT - 4 && port <= X86_PORT_DEBUG_EXIT);
}

bool fake_cpu_device_ends(uint64_t address)
{
	(void)address;
	return false;
}

int fake_cpu_power_off(struct fake_cpu *cpu)
{
	const uint8_t value = X86_SLEEP_TYPE_S5 << 2 | X86_SLEEP_ENABLE;

	return fake_cpu_port(cpu, true, X86_PORT_SLEEP_CONTROL, 1, 1, &value);
}

int fake_cpu_reboot(struct fake_cpu *cpu)
{
	const uint8_t value = X86_RESET_VALUE;

	return fake_cpu_port(cpu, true, X86_PORT_RESET, 1, 1, &value);
}

/* By Multiboot, which says itself where it goes. */
size_t fake_cpu_kernel(uint8_t bytes[FAKE_KERNEL_MAX])
{
	enum { MAGIC = 0x1badb002, HAS_ADDRESSES = 1 << 16, BASE = 0x100000, SIZE = 64 };
	const uint32_t header[] = {
		MAGIC, HAS_ADDRESSES, -(uint32_t)(MAGIC + HAS_ADDRESSES), BASE, BASE, 0,
		0,     BASE + 32,
	};

	memset(bytes, 0xf4, SIZE); /* HLT */
	memcpy(bytes, header, sizeof(header));
	return SIZE;
}
