/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds out where a Linux guest has put its kernel's addresses. */

#include <errno.h>

#include "arch/aarch64/boot.h"
#include "arch/aarch64/debug/registers.h"
#include "arch/aarch64/debug/relocations.h"
#include "arch/aarch64/vcpu.h"
#include "arch/aarch64/vm.h"
#include "arch/debug.h"
#include "vmm/base/bits.h"

/* A place that is mapped in every kernel: what is before it may not be (Linux 5.11 and later). */
#define TEXT_OFFSET (64 * KIB)

/* The alignment of the memory that the Image is read to. */
#define IMAGE_ALIGNMENT (2 * MIB)

#define SCTLR_M UINT64_C(1)

/*
 * Whether @address, as the vCPU sees it, is in the kernel's memory. The kernel's own mapping is one
 * stretch, so that then gives the virtual address of its first byte.
 */
static bool kernel_place_by(struct arch_vm *arch, struct kvm_vcpu *vcpu, uint64_t address,
			    uint64_t *runtime)
{
	struct arch_translation translation;

	if (address >> 63 == 0 ||
	    arch_debug_translate(arch, vcpu, address, &translation, NULL) < 0 ||
	    translation.gpa - arch->entry >= arch->size)
		return false;
	*runtime = address - (translation.gpa - arch->entry);
	return true;
}

/* Not so for the few pages that it leaves in sight of user programs, at other addresses. */
static bool kernel_is_whole(struct arch_vm *arch, struct kvm_vcpu *vcpu, uint64_t runtime)
{
	struct arch_translation translation;

	return arch_debug_translate(arch, vcpu, runtime + TEXT_OFFSET, &translation, NULL) == 0 &&
	       translation.gpa == arch->entry + TEXT_OFFSET;
}

static int kernel_find_runtime(struct arch_vm *arch, struct kvm_vcpu *vcpu, uint64_t *runtime,
			       struct err *err)
{
	unsigned int id = kvm_vcpu_id(vcpu);
	uint64_t sctlr, vbar, pc;
	int rc = vcpu_get_register(vcpu, DEBUG_SCTLR_EL1, &sctlr);

	if (!rc)
		rc = vcpu_get_register(vcpu, DEBUG_VBAR_EL1, &vbar);
	if (!rc)
		rc = vcpu_get_register(vcpu, VCPU_CORE_REGISTER(regs.pc), &pc);
	if (rc)
		return err_set(err, rc, "debugger: finding the kernel: vCPU %u: its registers: %s",
			       id, err_text(rc));
	if (!(sctlr & SCTLR_M))
		return err_set(err, -ENOENT,
			       "debugger: finding the kernel: vCPU %u: it has not turned on its "
			       "page tables: let the guest run on",
			       id);
	if (!kernel_place_by(arch, vcpu, pc, runtime) &&
	    !kernel_place_by(arch, vcpu, vbar, runtime))
		return err_set(err, -ENOENT,
			       "debugger: finding the kernel: vCPU %u: neither its instruction nor "
			       "its exception vectors (VBAR_EL1 0x%llx) are in the kernel that was "
			       "loaded: not Linux, or still starting: let the guest run on",
			       id, (unsigned long long)vbar);
	if (!kernel_is_whole(arch, vcpu, *runtime))
		return err_set(err, -ENOENT,
			       "debugger: finding the kernel: vCPU %u: it is in a user program, "
			       "from which the kernel hides: ask when it, or another vCPU, is in "
			       "the kernel",
			       id);
	return 0;
}

static bool kernel_read_running(void *machine, uint64_t offset, uint64_t *value)
{
	const struct arch_vm *arch = machine;
	uint8_t bytes[sizeof(*value)];

	if (ram_read(arch->setup.ram, arch->entry + offset, bytes, sizeof(bytes)) < 0)
		return false;
	*value = load_le64(bytes);
	return true;
}

/*
 * The Image is read again: a running kernel gives the memory that its relocations were in to
 * others. A failure only means that the address is not known.
 */
static uint64_t kernel_find_linked(struct arch_vm *arch, const struct boot_source *source,
				   uint64_t runtime)
{
	const struct ram_config config = {0};
	const struct ram_range piece = {.size = align_up(arch->size, IMAGE_ALIGNMENT)};
	struct relocated_image image = {
		.memory_size = arch->size,
		.runtime = runtime,
		.read = kernel_read_running,
		.memory = arch,
	};
	struct mem_map *map = mem_map_create("kernel image", 0, NULL);
	struct ram *ram = map ? ram_create(map, &piece, 1, &config, NULL) : NULL;
	uint64_t linked = 0;

	if (ram && boot_read_image(source, ram, &image.size, NULL) == 0) {
		image.bytes = ram_host(ram, 0, image.size);
		if (image.bytes)
			linked = relocations_find_linked(&image);
	}
	ram_destroy(ram);
	mem_map_destroy(map);
	return linked;
}

int arch_debug_find_kernel(struct arch_vm *arch, struct kvm_vcpu *vcpu,
			   const struct boot_source *source, struct arch_kernel_place *place,
			   struct err *err)
{
	uint64_t runtime = 0;
	int rc;

	*place = (struct arch_kernel_place){0};
	if (arch->size == 0)
		return err_set(err, -ENOENT,
			       "debugger: finding the kernel: none was loaded: start the guest");
	rc = kernel_find_runtime(arch, vcpu, &runtime, err);
	if (rc)
		return rc;
	place->runtime = runtime;
	place->linked = kernel_find_linked(arch, source, runtime);
	return 0;
}
