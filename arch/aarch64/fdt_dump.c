/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes the device tree into a file, for a person and for dtc. */

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>

#include "arch/aarch64/fdt.h"
#include "arch/arch.h"
#include "arch/dump.h"

int arch_dump_fdt(const struct kvm_vm *vm, const struct platform *platform, const char *cmdline,
		  const char *path, struct err *err)
{
	struct fdt_config config = {
		.platform = platform,
		.pmu = vm && kvm_vm_capability(vm, KVM_CAP_ARM_PMU_V3) > 0,
		.cmdline = cmdline,
	};
	void *blob = calloc(1, FDT_SIZE_MAX);
	int size;

	if (!blob)
		return err_set(err, -ENOMEM, "device tree dump: out of memory");
	size = fdt_build(&config, blob, FDT_SIZE_MAX, err);
	if (size >= 0)
		size = dump_file("device tree dump", path, blob, (size_t)size, err);
	free(blob);
	return size;
}

int arch_dump_acpi(const struct platform *platform, const char *directory, struct err *err)
{
	(void)platform;
	return err_set(err, -ENOTSUP,
		       "ACPI dump: %s: an aarch64 guest gets a device tree and no ACPI tables: use "
		       "--dump-fdt",
		       directory);
}
