/* SPDX-License-Identifier: BSD-3-Clause */
/* A debugger's requests to KVM, and what KVM tells back (api.rst, KVM_SET_GUEST_DEBUG). */

#include "arch/aarch64/debug/debug.h"

#include <errno.h>
#include <stdlib.h>

#include "arch/aarch64/debug/paging.h"
#include "arch/aarch64/debug/points.h"
#include "arch/aarch64/debug/registers.h"
#include "arch/aarch64/debug/step.h"
#include "arch/aarch64/vcpu.h"
#include "arch/aarch64/vm.h"
#include "arch/debug.h"
#include "vmm/base/bits.h"

/* Exception classes, ESR_ELx.EC; each comes in two, by the level that it came from. */
enum {
	CLASS_SHIFT = 26,
	CLASS_BREAKPOINT_LOWER = 0x30,
	CLASS_BREAKPOINT = 0x31,
	CLASS_STEP_LOWER = 0x32,
	CLASS_STEP = 0x33,
	CLASS_WATCHPOINT_LOWER = 0x34,
	CLASS_WATCHPOINT = 0x35,
	CLASS_BKPT32 = 0x38,
	CLASS_BRK64 = 0x3c,
};

enum { SYNDROME_WRITE = 1 << 6 }; /* WnR */

struct arch_debug *debug_get(struct arch_vm *arch)
{
	if (!arch->debug)
		arch->debug = calloc(1, sizeof(*arch->debug));
	return arch->debug;
}

void arch_debug_free(struct arch_debug *debug)
{
	if (debug)
		free(debug->description);
	free(debug);
}

/* The interrupts that a step held back were those of a state that is gone. */
void arch_debug_reset(struct arch_debug *debug, unsigned int cpu)
{
	if (debug)
		debug->vcpus[cpu].masked = false;
}

static unsigned int debug_registers(const struct kvm_vm *vm, unsigned int capability)
{
	int count = kvm_vm_capability(vm, capability);

	if (count < 0)
		return 0;
	return count > DEBUG_REGISTERS_MAX ? DEBUG_REGISTERS_MAX : (unsigned int)count;
}

int arch_debug_support(struct arch_vm *arch, struct kvm_vcpu *vcpu,
		       struct arch_debug_support *support)
{
	struct kvm_vm *vm = arch->setup.vm;
	bool offered = kvm_vm_capability(vm, KVM_CAP_SET_GUEST_DEBUG) > 0;

	(void)vcpu;
	*support = (struct arch_debug_support){0};
	if (!offered)
		return 0;
	*support = (struct arch_debug_support){
		.software_breakpoints = true,
		.step = true,
		.breakpoints = debug_registers(vm, KVM_CAP_GUEST_DEBUG_HW_BPS),
		.watchpoints = debug_registers(vm, KVM_CAP_GUEST_DEBUG_HW_WPS),
	};
	return 0;
}

static bool debug_read_memory(void *memory, uint64_t gpa, uint64_t *value)
{
	uint8_t bytes[sizeof(*value)];

	if (ram_read(memory, gpa, bytes, sizeof(bytes)) < 0)
		return false;
	*value = load_le64(bytes);
	return true;
}

int arch_debug_translate(struct arch_vm *arch, struct kvm_vcpu *vcpu, uint64_t address,
			 struct arch_translation *translation, struct text *steps)
{
	struct paging paging = {.read = debug_read_memory, .memory = arch->setup.ram};
	const struct {
		uint64_t id;
		uint64_t *value;
	} registers[] = {
		{DEBUG_SCTLR_EL1, &paging.sctlr}, {DEBUG_TCR_EL1, &paging.tcr},
		{DEBUG_TTBR0_EL1, &paging.ttbr0}, {DEBUG_TTBR1_EL1, &paging.ttbr1},
		{DEBUG_MMFR0_EL1, &paging.mmfr0},
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(registers) && !rc; i++)
		rc = vcpu_get_register(vcpu, registers[i].id, registers[i].value);
	return rc ? rc : paging_walk(&paging, address, translation, steps);
}

int arch_debug_check_points(const struct arch_debug_support *support,
			    const struct arch_debug_point *points, size_t count)
{
	struct debug_encoding encoding;

	if (count > ARCH_DEBUG_POINTS_MAX)
		return -ENOSPC;
	return debug_points_encode(support, points, count, &encoding);
}

/* The caller checked the points against what there is. */
static int debug_use_points(const struct arch_debug_control *control, struct kvm_guest_debug *debug)
{
	static const struct arch_debug_support most = {
		.breakpoints = DEBUG_REGISTERS_MAX,
		.watchpoints = DEBUG_REGISTERS_MAX,
	};
	struct debug_encoding encoding;
	int rc = debug_points_encode(&most, control->points, control->count, &encoding);

	for (unsigned int i = 0; i < DEBUG_REGISTERS_MAX; i++) {
		debug->arch.dbg_bcr[i] = encoding.breakpoint[i].control;
		debug->arch.dbg_bvr[i] = encoding.breakpoint[i].value;
		debug->arch.dbg_wcr[i] = encoding.watchpoint[i].control;
		debug->arch.dbg_wvr[i] = encoding.watchpoint[i].value;
	}
	return rc;
}

int arch_debug_control(struct arch_vm *arch, struct kvm_vcpu *vcpu,
		       const struct arch_debug_control *control)
{
	struct arch_debug *machine = debug_get(arch);
	struct kvm_guest_debug debug = {0};
	struct debug_vcpu *state;
	int rc;

	if (!machine)
		return -ENOMEM;
	if (control->count > ARCH_DEBUG_POINTS_MAX)
		return -ENOSPC;
	state = &machine->vcpus[kvm_vcpu_id(vcpu)];
	if (control->software || control->step || control->count > 0)
		debug.control = KVM_GUESTDBG_ENABLE;
	if (control->software)
		debug.control |= KVM_GUESTDBG_USE_SW_BP;
	if (control->step)
		debug.control |= KVM_GUESTDBG_SINGLESTEP;
	if (control->count > 0)
		debug.control |= KVM_GUESTDBG_USE_HW;
	rc = debug_use_points(control, &debug);
	if (rc == 0)
		rc = kvm_vcpu_ioctl(vcpu, KVM_SET_GUEST_DEBUG, &debug);
	if (rc < 0)
		return rc;
	state->count = control->count;
	if (control->count > 0)
		memcpy(state->points, control->points, control->count * sizeof(*control->points));
	return control->step ? debug_step_begin(arch, vcpu, state) : 0;
}

static void debug_decode_watch(const struct debug_vcpu *state, const struct kvm_run *run,
			       struct arch_debug_stop *stop)
{
	uint64_t far = run->debug.arch.far;
	bool write = (run->debug.arch.hsr & SYNDROME_WRITE) != 0;
	const struct arch_debug_point *point =
		debug_points_match(state->points, state->count, far, write, &stop->address);

	stop->event = ARCH_DEBUG_WATCH;
	stop->kind = point ? point->kind : write ? ARCH_DEBUG_WRITE : ARCH_DEBUG_READ;
	if (!point)
		stop->address = paging_canonical(far);
}

void arch_debug_decode(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct arch_debug_stop *stop)
{
	const struct kvm_run *run = kvm_vcpu_run_page(vcpu);
	struct debug_vcpu *state;

	*stop = (struct arch_debug_stop){.event = ARCH_DEBUG_STEPPED};
	/* Where it cannot be read, 0 matches no breakpoint of the debugger's. */
	if (arch_debug_pc(arch, vcpu, &stop->address) < 0)
		stop->address = 0;
	if (!arch->debug)
		return;
	state = &arch->debug->vcpus[kvm_vcpu_id(vcpu)];
	state->syndrome = 0;
	switch (run->debug.arch.hsr >> CLASS_SHIFT) {
	case CLASS_BREAKPOINT_LOWER:
	case CLASS_BREAKPOINT:
		stop->event = ARCH_DEBUG_HARDWARE;
		break;
	case CLASS_WATCHPOINT_LOWER:
	case CLASS_WATCHPOINT:
		debug_decode_watch(state, run, stop);
		break;
	case CLASS_BRK64:
	case CLASS_BKPT32:
		stop->event = ARCH_DEBUG_SOFTWARE;
		state->syndrome = run->debug.arch.hsr;
		break;
	default: /* CLASS_STEP_LOWER, CLASS_STEP */
		break;
	}
}

const uint8_t *arch_debug_breakpoint(uint64_t length, size_t *size)
{
	static const uint8_t brk[] = {0x00, 0x00, 0x20, 0xd4}; /* BRK #0 */

	*size = sizeof(brk);
	return length == sizeof(brk) ? brk : NULL;
}
