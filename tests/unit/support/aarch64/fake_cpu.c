/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU of aarch64 that keeps what it is given, and its exits; a GIC that takes all. */

#include "tests/unit/support/fake_cpu.h"

#include <errno.h>
#include <string.h>

#include "arch/aarch64/platform_arm.h"
#include "arch/aarch64/vcpu.h"
#include "vmm/base/bits.h"

enum {
	REGISTERS_MAX = 256,
	REGISTER_BYTES = 16,
	POINTS = 6,
	IPA_BITS = 40,
	SOFTWARE_STEP = 0x32, /* ESR_ELx.EC */
};

#define MPIDR_EL1  ARM64_SYS_REG(3, 0, 0, 0, 5)
#define MPIDR_RES1 UINT64_C(0x80000000)

/* What was written so far; all else reads 0. */
static struct state {
	unsigned int count;
	struct {
		uint64_t id;
		uint8_t bytes[REGISTER_BYTES];
	} registers[REGISTERS_MAX];
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp_state;
} states[FAKE_CPUS_MAX];

const bool fake_cpu_has_clock = false;

static size_t size_of(uint64_t id)
{
	return (size_t)1 << ((id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);
}

static uint8_t *find(struct state *state, uint64_t id, bool add)
{
	unsigned int i = 0;

	while (i < state->count && state->registers[i].id != id)
		i++;
	if (i < state->count)
		return state->registers[i].bytes;
	if (!add || i == REGISTERS_MAX)
		return NULL;
	state->registers[state->count++].id = id;
	return state->registers[i].bytes;
}

static void set(struct fake_cpu *cpu, uint64_t id, uint64_t value)
{
	store_le64(find(&states[cpu->place], id, true), value);
}

static uint64_t get(struct fake_cpu *cpu, uint64_t id)
{
	const uint8_t *bytes = find(&states[cpu->place], id, false);

	return bytes ? load_le64(bytes) : 0;
}

void fake_cpu_create(struct fake_cpu *cpu)
{
	memset(&states[cpu->place], 0, sizeof(states[cpu->place]));
}

static int init(struct fake_cpu *cpu, const struct kvm_vcpu_init *features)
{
	bool off = features->features[0] & 1U << KVM_ARM_VCPU_POWER_OFF;

	fake_cpu_create(cpu);
	set(cpu, MPIDR_EL1, MPIDR_RES1 | arm_vcpu_affinity(cpu->index));
	states[cpu->place].mp_state.mp_state = off ? KVM_MP_STATE_STOPPED : KVM_MP_STATE_RUNNABLE;
	cpu->resets++;
	return 0;
}

static int one_register(struct fake_cpu *cpu, const struct kvm_one_reg *one, bool write)
{
	void *value = (void *)(uintptr_t)one->addr;
	size_t size = size_of(one->id);
	uint8_t *bytes;

	if (size > REGISTER_BYTES)
		return -ENOENT;
	bytes = find(&states[cpu->place], one->id, write);
	if (write && !bytes)
		return -ENOENT;
	if (write)
		memcpy(bytes, value, size);
	else if (bytes)
		memcpy(value, bytes, size);
	else
		memset(value, 0, size);
	return 0;
}

static int register_list(struct kvm_reg_list *list)
{
	static const uint64_t ids[] = {
		MPIDR_EL1,
		ARM64_SYS_REG(3, 0, 1, 0, 0), /* SCTLR_EL1 */
		ARM64_SYS_REG(3, 0, 2, 0, 0), /* TTBR0_EL1 */
		ARM64_SYS_REG(3, 0, 2, 0, 1),
		ARM64_SYS_REG(3, 0, 2, 0, 2),  /* TCR_EL1 */
		ARM64_SYS_REG(3, 0, 12, 0, 0), /* VBAR_EL1 */
		KVM_REG_ARM_TIMER_CNT,
	};
	uint64_t room = list->n;

	list->n = ARRAY_SIZE(ids);
	if (room < ARRAY_SIZE(ids))
		return -E2BIG;
	memcpy(list->reg, ids, sizeof(ids));
	return 0;
}

int fake_cpu_ioctl(struct fake_cpu *cpu, unsigned long request, void *argument)
{
	struct state *state = &states[cpu->place];

	switch (request) {
	case KVM_ARM_VCPU_INIT:
		return init(cpu, argument);
	case KVM_GET_ONE_REG:
		return one_register(cpu, argument, false);
	case KVM_SET_ONE_REG:
		return one_register(cpu, argument, true);
	case KVM_GET_REG_LIST:
		return register_list(argument);
	case KVM_GET_VCPU_EVENTS:
		memcpy(argument, &state->events, sizeof(state->events));
		return 0;
	case KVM_SET_VCPU_EVENTS:
		memcpy(&state->events, argument, sizeof(state->events));
		return 0;
	case KVM_GET_MP_STATE:
		memcpy(argument, &state->mp_state, sizeof(state->mp_state));
		return 0;
	case KVM_ARM_VCPU_FINALIZE:
		return 0;
	default:
		return -ENOTTY;
	}
}

int fake_cpu_vm_ioctl(unsigned long request, void *argument)
{
	switch (request) {
	case KVM_ARM_PREFERRED_TARGET:
		memset(argument, 0, sizeof(struct kvm_vcpu_init));
		return 0;
	case KVM_ENABLE_CAP:
		return 0;
	default:
		return -ENOTTY;
	}
}

int fake_cpu_capability(unsigned long capability)
{
	switch (capability) {
	case KVM_CAP_ARM_VM_IPA_SIZE:
		return IPA_BITS;
	case KVM_CAP_GUEST_DEBUG_HW_BPS:
	case KVM_CAP_GUEST_DEBUG_HW_WPS:
		return POINTS;
	case KVM_CAP_ARM_SVE:
		return 0;
	default:
		return -1;
	}
}

int fake_cpu_attribute(unsigned long request, const struct kvm_device_attr *attribute)
{
	if (request == KVM_GET_DEVICE_ATTR)
		memset((void *)(uintptr_t)attribute->addr, 0, sizeof(uint64_t));
	return 0;
}

const char *fake_cpu_request_name(unsigned long request)
{
	switch (request) {
	case KVM_ARM_VCPU_INIT:
		return "KVM_ARM_VCPU_INIT";
	case KVM_GET_ONE_REG:
		return "KVM_GET_ONE_REG";
	case KVM_SET_ONE_REG:
		return "KVM_SET_ONE_REG";
	case KVM_GET_REG_LIST:
		return "KVM_GET_REG_LIST";
	case KVM_ARM_VCPU_FINALIZE:
		return "KVM_ARM_VCPU_FINALIZE";
	case KVM_ARM_PREFERRED_TARGET:
		return "KVM_ARM_PREFERRED_TARGET";
	case KVM_ENABLE_CAP:
		return "KVM_ENABLE_CAP";
	default:
		return NULL;
	}
}

void fake_cpu_fill_debug(struct fake_cpu *cpu)
{
	cpu->page->exit_reason = KVM_EXIT_DEBUG;
	cpu->page->debug.arch = (struct kvm_debug_exit_arch){.hsr = (uint32_t)SOFTWARE_STEP << 26};
}

void fake_cpu_advance(struct fake_cpu *cpu)
{
	const uint64_t pc = VCPU_CORE_REGISTER(regs.pc);

	set(cpu, pc, get(cpu, pc) + 4);
}

/* PCI's ports are memory here. */
int fake_cpu_port(struct fake_cpu *cpu, bool write, uint16_t port, unsigned int size,
		  unsigned int count, const void *data)
{
	struct kvm_run *run = cpu->page;

	(void)count;
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = ARM_PCI_IO_BASE + port;
	run->mmio.len = size;
	run->mmio.is_write = write;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	if (write)
		memcpy(run->mmio.data, data, size);
	return 0;
}

uint16_t fake_cpu_some_port(unsigned int number)
{
	return (uint16_t)(ARM_PORT_PCI_BASE + number % 64);
}

uint64_t fake_cpu_some_device(unsigned int number)
{
	static const uint64_t devices[] = {ARM_UART_BASE,       ARM_RTC_BASE,   ARM_GPIO_BASE,
					   ARM_PVPANIC_BASE,    ARM_GICD_BASE,  ARM_ITS_BASE,
					   ARM_DEBUG_EXIT_BASE, ARM_PCI_IO_BASE};

	return devices[number % ARRAY_SIZE(devices)];
}

bool fake_cpu_port_ends(uint16_t port)
{
	(void)port;
	return false;
}

bool fake_cpu_device_ends(uint64_t address)
{
	return address >= ARM_PVPANIC_BASE - 8 &&
	       address < ARM_DEBUG_EXIT_BASE + ARM_PERIPHERAL_SIZE;
}

static int system_event(struct fake_cpu *cpu, uint32_t type)
{
	cpu->page->exit_reason = KVM_EXIT_SYSTEM_EVENT;
	cpu->page->system_event.type = type;
	return 0;
}

int fake_cpu_power_off(struct fake_cpu *cpu)
{
	return system_event(cpu, KVM_SYSTEM_EVENT_SHUTDOWN);
}

int fake_cpu_reboot(struct fake_cpu *cpu)
{
	return system_event(cpu, KVM_SYSTEM_EVENT_RESET);
}

/* An Image that is its header alone. */
size_t fake_cpu_kernel(uint8_t bytes[FAKE_KERNEL_MAX])
{
	enum { SIZE = 128, MEMORY = 0x10000, MAGIC = 0x644d5241, FLAGS = 2 };

	memset(bytes, 0, SIZE);
	store_le32(bytes, 0x14000000); /* b . */
	store_le64(bytes + 16, MEMORY);
	store_le64(bytes + 24, FLAGS);
	store_le32(bytes + 56, MAGIC);
	return SIZE;
}
