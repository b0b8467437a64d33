/* SPDX-License-Identifier: BSD-3-Clause */
/* Places an arm64 Image, plain or compressed, its initrds and the device tree in guest RAM. */

#include "arch/aarch64/boot.h"

#include <errno.h>
#include <stdlib.h>

#include "arch/aarch64/platform_arm.h"
#include "arch/aarch64/tree.h"
#include "arch/fdt/boot.h"
#include "arch/loader/arm64_image.h"
#include "arch/loader/initrd.h"
#include "arch/loader/kind.h"
#include "arch/loader/unpack.h"
#include "arch/loader/zboot.h"
#include "vmm/base/bits.h"

enum { CMDLINE_MAX = 2047 }; /* COMMAND_LINE_SIZE of arm64, less the zero */

#define KERNEL_ALIGNMENT (2 * MIB)

/* The kernel and all initrds lie in so much, from a multiple of a GiB on. */
#define INITRD_WINDOW (32 * GIB)

struct kernel {
	struct arm64_image image;
	bool compressed;
	struct unpack_part part; /* when compressed */
	uint64_t base;           /* where it was put, with the text_offset before it */
};

static int boot_refuse(const struct boot_file *file, bool compressed, const uint8_t *bytes,
		       size_t size, struct err *err)
{
	return err_set(err, -ENOEXEC,
		       "boot: %s: not a kernel for arm64: %s%s: give an arm64 Image, as it is, "
		       "compressed with gzip or zstd, or as an EFI zboot image with one of them",
		       file->path, compressed ? "decompressed, " : "", kind_describe(bytes, size));
}

/* Finds out what the file is from its first bytes and, if compressed, those of what is in it. */
static int boot_examine(const struct boot_file *file, struct kernel *kernel, struct err *err)
{
	uint8_t bytes[KIND_SNIFF_SIZE];
	size_t size = file->size < sizeof(bytes) ? (size_t)file->size : sizeof(bytes);
	int rc = loader_read_header(file, 0, bytes, size, err);

	*kernel = (struct kernel){.part = {file, 0, file->size, NULL}};
	if (rc == 0 && zboot_is_image(bytes, size)) {
		rc = zboot_parse(file, bytes, &kernel->part, err);
	} else if (rc == 0) {
		kernel->part.format = unpack_find(bytes, size);
	}
	kernel->compressed = kernel->part.format;
	if (rc == 0 && kernel->compressed)
		rc = unpack_peek(&kernel->part, bytes, sizeof(bytes), &size, err);
	if (rc < 0)
		return rc;
	if (!arm64_image_is_image(bytes, size))
		return boot_refuse(file, kernel->compressed, bytes, size, err);
	return arm64_image_parse(file->path, bytes, size, kernel->compressed ? 0 : file->size,
				 &kernel->image, err);
}

/* As low as it goes: older kernels make no use of the memory below them. */
static int boot_place(struct boot *boot, struct kernel *kernel, struct err *err)
{
	struct loader *loader = &boot->loader;
	const struct boot_file *file = &boot->source->kernel;
	uint64_t size = kernel->image.text_offset + kernel->image.memory_size;

	for (size_t i = 0; i < ram_piece_count(loader->ram); i++) {
		kernel->base = align_up(ram_piece(loader->ram, i)->base, KERNEL_ALIGNMENT);
		if (loader_is_free(loader, kernel->base, size))
			return loader_claim(loader, file, "the kernel", kernel->base, size, err);
	}
	return err_set(err, -ENOSPC,
		       "boot: %s: the kernel needs %llu MiB in one piece to start, the guest has "
		       "%llu MiB of memory: give it more",
		       file->path, (unsigned long long)((size + MIB - 1) / MIB),
		       (unsigned long long)(ram_total(loader->ram) / MIB));
}

static int boot_take_image(struct loader *loader, const struct boot_file *file,
			   const struct kernel *kernel, uint64_t gpa, uint64_t *size,
			   struct err *err)
{
	if (kernel->compressed)
		return unpack_load(loader, &kernel->part, gpa, kernel->image.memory_size, size,
				   err);
	*size = file->size;
	return loader_read(loader, file, 0, gpa, *size, err);
}

int boot_read_image(const struct boot_source *source, struct ram *ram, uint64_t *size,
		    struct err *err)
{
	const struct mem_region *piece = ram_piece(ram, 0);
	struct kernel kernel;
	struct loader *loader;
	int rc = boot_examine(&source->kernel, &kernel, err);

	if (rc)
		return rc;
	if (kernel.image.memory_size > piece->size)
		return err_set(err, -EFBIG, "boot: %s: the kernel is larger than it was",
			       source->kernel.path);
	loader = calloc(1, sizeof(*loader));
	if (!loader)
		return err_set(err, -ENOMEM, "boot: %s: out of memory", source->kernel.path);
	loader->ram = ram;
	rc = boot_take_image(loader, &source->kernel, &kernel, piece->base, size, err);
	free(loader);
	return rc;
}

static int boot_load_kernel(struct boot *boot, struct kernel *kernel, struct err *err)
{
	const struct boot_file *file = &boot->source->kernel;
	uint64_t needed, size;
	int rc = boot_examine(file, kernel, err);

	if (!rc)
		rc = boot_place(boot, kernel, err);
	if (rc)
		return rc;
	needed = kernel->image.memory_size;
	boot->entry = kernel->base + kernel->image.text_offset;
	boot->size = needed;
	rc = boot_take_image(&boot->loader, file, kernel, boot->entry, &size, err);
	if (rc)
		return rc;
	rc = loader_zero(&boot->loader, boot->entry + size, needed - size);
	if (rc)
		return err_set(err, rc, "boot: %s: the memory behind it: %s", file->path,
			       err_text(rc));
	return 0;
}

static int boot_place_initrds(struct boot *boot, const struct kernel *kernel,
			      struct ram_range *initrd, struct err *err)
{
	uint64_t last = align_down(kernel->base, GIB) + (INITRD_WINDOW - 1);
	uint64_t end = boot->entry + kernel->image.memory_size;
	int rc = initrd_load(&boot->loader, boot->source, ARM_PAGE_MAX, last, initrd, err);

	/* RAM in pieces: below the kernel, and too far, as the highest place was taken. */
	if (!rc && initrd->size > 0 && end > align_down(initrd->base, GIB) + INITRD_WINDOW)
		rc = err_set(err, -ENOSPC,
			     "boot: initrd: %s: no room for it within 32 GiB of the kernel: give "
			     "the guest memory in fewer pieces",
			     boot->source->initrds[0].path);
	return rc;
}

const char *arch_serial_name(void)
{
	return "ttyAMA0";
}

bool arch_serial_is_default(void)
{
	return true;
}

static int boot_write_tree(struct boot *boot, const struct ram_range *place,
			   const struct ram_range *initrd, struct err *err)
{
	struct tree_config config = {
		.platform = boot->platform,
		.pmu = boot->pmu,
		.boot =
			{
				.cmdline = boot->source->cmdline,
				.initrd_base = initrd->base,
				.initrd_size = initrd->size,
			},
	};
	void *host = dt_room(&boot->loader, place, err);
	int rc;

	if (!host)
		return -EFAULT;
	dt_seed(&config.boot);
	rc = tree_build(&config, host, place->size, err);
	return rc < 0 ? rc : 0;
}

int boot_load(struct boot *boot, struct err *err)
{
	struct kernel kernel;
	struct ram_range initrd = {0}, place = {0};
	int rc = dt_check_cmdline(boot->source, CMDLINE_MAX, err);

	boot->loader.count = 0;
	if (!rc)
		rc = boot_load_kernel(boot, &kernel, err);
	if (!rc)
		rc = dt_place(&boot->loader, &boot->source->kernel,
			      boot->entry + kernel.image.memory_size, &place, err);
	if (!rc)
		rc = boot_place_initrds(boot, &kernel, &initrd, err);
	boot->fdt = place.base;
	return rc ? rc : boot_write_tree(boot, &place, &initrd, err);
}
