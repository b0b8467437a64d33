/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds where a Linux kernel is that was moved at its start (KASLR), by its own page tables. */

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/debug.h"
#include "arch/loader/bzimage.h"
#include "arch/loader/elf.h"
#include "arch/loader/load.h"
#include "arch/x86_64/debug/debug.h"
#include "vmm/base/bits.h"

/*
 * Linux maps its image, and below the modules nothing else, into this range
 * (Documentation/arch/x86/ x86_64/mm.rst). What lies below the image's first byte is unmapped since
 * __startup_64() of 5.4, and before that by cleanup_highmap(); the first byte is at a multiple of 2
 * MiB.
 */
#define KERNEL_MAP     UINT64_C(0xffffffff80000000)
#define KERNEL_MAP_END UINT64_C(0xffffffffc0000000)
#define KERNEL_ALIGN   (2 * MIB)

#define CR0_PG   (UINT64_C(1) << 31)
#define EFER_LMA (UINT64_C(1) << 10)

/*
 * With page-table isolation a process has two tables side by side; the kernel's is the lower one.
 */
#define CR3_USER (UINT64_C(1) << 12)

enum { SEARCH_SIZE = 64 * 1024 * 1024, PAGE = 4096 };

/* In each kernel's read-only data, as init/version.c has it: the version's numbers follow. */
static const char banner[] = "Linux version ";
enum { VERSION_SIZE = 16 }; /* bytes behind it that are looked at */

struct version {
	unsigned int major, minor;
};

static int kernel_not_found(struct err *err, const char *why)
{
	return err_set(err, -ENOENT, "kernel: its place cannot be found: %s", why);
}

/* The lowest address that these tables map in the kernel's range. */
static int kernel_find_lowest(const struct x86_paging *paging, uint64_t *address, uint64_t *gpa)
{
	struct arch_translation translation;
	int rc = paging_find(paging, KERNEL_MAP, KERNEL_MAP_END - 1, address, &translation);

	if (rc == 0)
		*gpa = translation.gpa;
	return rc;
}

/* Whether @paging maps what another table maps at @address to the same place. */
static bool kernel_agrees(const struct x86_paging *paging, uint64_t address, uint64_t gpa)
{
	struct arch_translation translation;

	return paging_walk(paging, address, &translation, NULL) == 0 && translation.gpa == gpa;
}

/*
 * A process's table has a few of the kernel's pages in the same places. Without isolation the page
 * beside the table is anything: it counts only when it agrees with what the table itself maps.
 */
static int kernel_find_image(struct x86_paging *paging, uint64_t *address)
{
	struct x86_paging beside = *paging;
	uint64_t gpa = 0, other, other_gpa;
	int rc = kernel_find_lowest(paging, address, &gpa);

	if (!(paging->cr3 & CR3_USER))
		return rc;
	beside.cr3 &= ~CR3_USER;
	if (kernel_find_lowest(&beside, &other, &other_gpa) < 0)
		return rc;
	if (rc || kernel_agrees(&beside, *address, gpa)) {
		*address = other;
		*paging = beside;
	}
	return 0;
}

/*
 * The banner in the page at @gpa, or one that begins there and goes on in the next, which follows
 * it.
 */
static bool kernel_has_banner(const struct ram *ram, uint64_t gpa, struct version *version)
{
	char bytes[PAGE + sizeof(banner) + VERSION_SIZE + 1] = "";
	const char *end = bytes + sizeof(bytes) - 1 - VERSION_SIZE;
	const char *at = bytes;

	if (ram_read(ram, gpa, bytes, sizeof(bytes) - 1) < 0)
		return false;
	while ((at = memmem(at, (size_t)(end - at), banner, sizeof(banner) - 1))) {
		at += sizeof(banner) - 1;
		if (sscanf(at, "%3u.%3u", &version->major, &version->minor) == 2)
			return true;
	}
	return false;
}

/* Looks through what is mapped from the image's first byte on; holes are passed over. */
static bool kernel_is_linux(const struct ram *ram, const struct x86_paging *paging, uint64_t image,
			    struct version *version)
{
	uint64_t end = image + SEARCH_SIZE < KERNEL_MAP_END ? image + SEARCH_SIZE : KERNEL_MAP_END;
	struct arch_translation translation;

	for (uint64_t at = image; at < end; at += PAGE) {
		if (paging_find(paging, at, end - 1, &at, &translation) < 0)
			return false;
		if (kernel_has_banner(ram, translation.gpa, version))
			return true;
	}
	return false;
}

/* arch/x86/kernel/vmlinux.lds.S: .data..percpu is at 0 before 6.15. */
static bool kernel_percpu_at_zero(const struct version *version)
{
	return version->major < 6 || (version->major == 6 && version->minor < 15);
}

/* vmlinux: the lowest segment in the kernel's range; those of per-CPU data begin at 0. */
static uint64_t kernel_linked_elf(const struct boot_file *file)
{
	struct elf_image *image = malloc(sizeof(*image));
	uint64_t lowest = 0;

	if (image && elf_parse(file, image, NULL) == 0 && image->machine == EM_X86_64)
		for (size_t i = 0; i < image->count; i++) {
			uint64_t address = image->segments[i].virtual;

			if (address >= KERNEL_MAP && (lowest == 0 || address < lowest))
				lowest = address;
		}
	free(image);
	return lowest;
}

/* Where the kernel was linked to be; 0 when the file does not tell. */
static uint64_t kernel_linked_address(const struct boot_file *file)
{
	uint8_t bytes[BZIMAGE_SNIFF_SIZE];
	struct bzimage image;

	if (loader_read_header(file, 0, bytes, sizeof(bytes), NULL) < 0)
		return 0;
	if (elf_is_image(bytes, sizeof(bytes)))
		return kernel_linked_elf(file);
	if (!bzimage_is_image(bytes, sizeof(bytes)) || bzimage_parse(file, &image, NULL) < 0 ||
	    image.preferred_address >= KERNEL_MAP_END - KERNEL_MAP)
		return 0;
	return KERNEL_MAP + image.preferred_address;
}

int arch_debug_find_kernel(struct arch_vm *arch, struct kvm_vcpu *vcpu,
			   const struct boot_source *source, struct arch_kernel_place *place,
			   struct err *err)
{
	struct version version;
	struct x86_paging paging;
	int rc = debug_paging(arch, vcpu, &paging);

	if (rc)
		return err_set(err, rc, "kernel: vCPU %u: its registers cannot be read: %s",
			       kvm_vcpu_id(vcpu), err_text(rc));
	if (!(paging.cr0 & CR0_PG) || !(paging.efer & EFER_LMA))
		return kernel_not_found(err,
					"the processor is not in 64-bit mode yet: let it boot");
	if (kernel_find_image(&paging, &place->runtime) < 0)
		return kernel_not_found(err,
					"the guest's page tables map nothing where Linux has its "
					"kernel: let it boot, if it is Linux");
	if (!is_aligned(place->runtime, KERNEL_ALIGN) ||
	    !kernel_is_linux(arch->setup.ram, &paging, place->runtime, &version))
		return kernel_not_found(err,
					"what is mapped where Linux has its kernel is not Linux");
	place->linked = kernel_linked_address(&source->kernel);
	place->percpu_at_zero = kernel_percpu_at_zero(&version);
	return 0;
}
