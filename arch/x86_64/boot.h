/* SPDX-License-Identifier: BSD-3-Clause */
/* What the boot protocols share: where the first MiB's data goes, and the work in progress. */

#ifndef FERRY_ARCH_X86_64_BOOT_H
#define FERRY_ARCH_X86_64_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "arch/loader/elf.h"
#include "arch/loader/load.h"
#include "arch/loader/multiboot.h"
#include "arch/x86_64/entry.h"

/* Guest addresses of what the monitor leaves for the guest; nothing else is loaded here. */
#define BOOT_AREA         UINT64_C(0x70000)
#define BOOT_INFO         UINT64_C(0x70000) /* zero page, PVH or Multiboot information: a page */
#define BOOT_GDT          UINT64_C(0x71000)
#define BOOT_SETUP_DATA   UINT64_C(0x71800)
#define BOOT_PAGE_TABLES  UINT64_C(0x72000)
#define BOOT_MEMORY_MAP   UINT64_C(0x78000)
#define BOOT_MODULES      UINT64_C(0x79000)
#define BOOT_STRINGS      UINT64_C(0x7a000) /* the modules' */
#define BOOT_STRINGS_SIZE UINT64_C(0x6000)
#define BOOT_CMDLINE      UINT64_C(0x80000)
#define BOOT_CMDLINE_SIZE UINT64_C(0x10000) /* with the terminating zero */
#define BOOT_AREA_END     UINT64_C(0x100000)

struct x86_boot {
	struct loader loader;
	const struct platform *platform;
	const struct boot_source *source;
	bool is_linux;
	uint64_t rsdp; /* guest address */
	struct vcpu_entry entry;
};

/* Copies into the area; it is RAM, so that this fails for no guest's reason. */
int boot_write(struct x86_boot *boot, uint64_t gpa, const void *data, size_t size,
	       struct err *err) FERRY_MUST_CHECK;

/* Writes @prefix, a space when both are there, and the command line; at most @room characters. */
int boot_write_cmdline(struct x86_boot *boot, const char *prefix, uint64_t room,
		       struct err *err) FERRY_MUST_CHECK;

/*
 * initrd_load() with the initrd's last byte not above @last; above 4 GiB only if @above_4g and
 * there is no room below.
 */
int boot_load_initrds(struct x86_boot *boot, uint64_t last, bool above_4g, struct ram_range *initrd,
		      struct err *err) FERRY_MUST_CHECK;

/* The boot protocols. */
int boot_linux_bzimage(struct x86_boot *boot, struct err *err) FERRY_MUST_CHECK;
int boot_linux_elf(struct x86_boot *boot, const struct elf_image *image,
		   struct err *err) FERRY_MUST_CHECK;
int boot_pvh(struct x86_boot *boot, const struct elf_image *image,
	     struct err *err) FERRY_MUST_CHECK;
int boot_multiboot(struct x86_boot *boot, const struct multiboot_header *header,
		   struct err *err) FERRY_MUST_CHECK;

/*
 * Does all of arch_boot() but for the vCPU: tables, kernel, initrds, @boot->entry. @boot has
 * loader.ram, loader.fresh, platform and source.
 */
int boot_load(struct x86_boot *boot, struct err *err) FERRY_MUST_CHECK;

#endif
