/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of the magic numbers of files that are taken for kernels. */

#include "arch/loader/kind.h"

#include <elf.h>
#include <string.h>

#include "arch/loader/arm64_image.h"
#include "arch/loader/bzimage.h"
#include "vmm/base/bits.h"

enum { ELF_MACHINE = 18 };

static const char *kind_describe_elf(const uint8_t *bytes, size_t size)
{
	if (size < ELF_MACHINE + 2 || bytes[EI_DATA] != ELFDATA2LSB)
		return "it is an ELF file";
	switch (load_le16(bytes + ELF_MACHINE)) {
	case EM_X86_64:
	case EM_386:
		return "it is an ELF file for x86_64";
	case EM_AARCH64:
		return "it is an ELF file for arm64, as vmlinux is";
	default:
		return "it is an ELF file for another processor";
	}
}

const char *kind_describe(const uint8_t *bytes, size_t size)
{
	static const struct {
		size_t offset;
		const char *magic;
		size_t length;
		const char *what;
	} kinds[] = {
		{0, "\x1f\x8b", 2, "it is compressed with gzip"},
		{0,
		 "\xfd"
		 "7zXZ",
		 5, "it is compressed with xz"},
		{0, "\x28\xb5\x2f\xfd", 4, "it is compressed with zstd"},
		{0, "070701", 6, "it is a cpio archive, as an initrd is"},
		{4, "zimg", 4, "it is an EFI zboot image, as kernels for arm64 are"},
		{0, "MZ", 2, "it is an EFI program"},
		{0, "#!", 2, "it is a script"},
	};

	if (size == 0)
		return "it is empty";
	if (size >= SELFMAG && memcmp(bytes, ELFMAG, SELFMAG) == 0)
		return kind_describe_elf(bytes, size);
	if (bzimage_is_image(bytes, size))
		return "it is a bzImage, a kernel for x86_64";
	if (arm64_image_is_image(bytes, size))
		return "it is a kernel for arm64";
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (range_fits(kinds[i].offset, kinds[i].length, size) &&
		    memcmp(bytes + kinds[i].offset, kinds[i].magic, kinds[i].length) == 0)
			return kinds[i].what;
	return "its first bytes are of no known kind";
}
