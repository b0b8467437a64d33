/* SPDX-License-Identifier: BSD-3-Clause */
/* The ACPI tables of a hardware-reduced x86_64 platform, as bytes. */

#ifndef FERRY_ARCH_X86_64_ACPI_H
#define FERRY_ARCH_X86_64_ACPI_H

#include <stddef.h>
#include <stdint.h>

#include "arch/platform.h"
#include "vmm/base/err.h"

/* Bytes to which every table is aligned. */
enum { ACPI_ALIGNMENT = 16 };

/*
 * Writes all tables (ACPI 6.5) as one blob of *@size bytes into @image, which has @room bytes and
 * goes to guest-physical @base, a multiple of ACPI_ALIGNMENT. *@rsdp becomes the RSDP's guest
 * address. A pure function. -ENOSPC with @err set when @room is too small, -EINVAL for a @base
 * that is not aligned or from which the tables do not stay below 4 GiB.
 */
int acpi_build(const struct platform *platform, uint64_t base, uint8_t *image, size_t room,
	       size_t *size, uint64_t *rsdp, struct err *err) FERRY_MUST_CHECK;

/* Where a PC's processor starts, in real mode: the last bytes below 1 MiB. */
enum { ACPI_RESET_VECTOR = 0xffff0, ACPI_RESET_VECTOR_SIZE = 16 };

/*
 * Fills @code with what is to stand at ACPI_RESET_VECTOR: a write to the reset register. On a
 * hardware-reduced platform without EFI, Linux restarts by jumping there, as it would into a BIOS.
 */
void acpi_reset_vector(uint8_t code[ACPI_RESET_VECTOR_SIZE]);

#endif
