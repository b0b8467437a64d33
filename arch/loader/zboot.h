/* SPDX-License-Identifier: BSD-3-Clause */
/* EFI zboot images (Linux: drivers/firmware/efi/libstub/zboot-header.S): a kernel, compressed. */

#ifndef FERRY_ARCH_LOADER_ZBOOT_H
#define FERRY_ARCH_LOADER_ZBOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "arch/loader/unpack.h"
#include "vmm/base/err.h"

/* Whether @bytes, the file's first, have a zboot image's header, all of it. */
bool zboot_is_image(const uint8_t *bytes, size_t size);

/*
 * Finds the compressed data by the header in @bytes, of which zboot_is_image() is true. A pure
 * function. -ENOEXEC for other compressions, -ENODATA when the file ends before its data does.
 */
int zboot_parse(const struct boot_file *file, const uint8_t *bytes, struct unpack_part *part,
		struct err *err) FERRY_MUST_CHECK;

#endif
