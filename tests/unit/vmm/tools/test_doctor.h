/* SPDX-License-Identifier: BSD-3-Clause */
/* A made-up host where all is well, and `ferry doctor` over it. */

#ifndef FERRY_TESTS_UNIT_VMM_TOOLS_TEST_DOCTOR_H
#define FERRY_TESTS_UNIT_VMM_TOOLS_TEST_DOCTOR_H

#include <check.h>
#include <string.h>

#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/tools.h"
#include "vfio/host/memlock.h"

#define NVME "0000:01:00.0"

/* The limit on locked memory is this process's own, of which the made-up hosts know nothing. */
static bool limit_counts;

int __real_vfio_memlock_check(const struct vfio_memlock_scope *scope, uint64_t need,
			      struct vfio_memlock *memlock, struct err *err);
int __wrap_vfio_memlock_check(const struct vfio_memlock_scope *scope, uint64_t need,
			      struct vfio_memlock *memlock, struct err *err);

int __wrap_vfio_memlock_check(const struct vfio_memlock_scope *scope, uint64_t need,
			      struct vfio_memlock *memlock, struct err *err)
{
	if (limit_counts)
		return __real_vfio_memlock_check(scope, need, memlock, err);
	*memlock = (struct vfio_memlock){.enough = true};
	return 0;
}

/* A host where all is well: an IOMMU of Intel's, interrupts remapped, one device bound. */
static inline void setup(void)
{
	limit_counts = false;
	fake_kvm_reset();
	fake.ipa_bits = 36; /* x86_64's answer is the same without a CPUID */
	tools_setup();
	tools_add(NVME, 7, "vfio-pci", "144d:a808", "010802");
	tools_file(NVME, "reset_method", "flr bus\n");
	fake_tree_write("kernel/iommu_groups/7/reserved_regions",
			"0x00000000fee00000 0x00000000feefffff msi\n"
			"0x00000000000a0000 0x00000000000bffff direct-relaxable\n");
	fake_tree_folder("module/vfio_pci");
	fake_tree_folder("module/vfio_iommu_type1/parameters");
	fake_tree_write("module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
	fake_tree_write("modules/modules.builtin", "kernel/drivers/vfio/vfio.ko\n");
	fake_tree_write("modules/modules.dep", "");
	fake_tree_folder("kernel/irq/24");
	fake_tree_write("kernel/irq/24/chip_name", "IR-PCI-MSI\n");
	fake_tree_write("dev/vfio/vfio", "");
	fake_tree_write("dev/vfio/7", "");
	fake_tree_write("proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\n");
	fake_tree_write("proc/cmdline", "root=/dev/sda1 quiet\n");
	fake_tree_write("proc/meminfo", "MemTotal: 90000000 kB\nMemAvailable: 80000000 kB\n");
}

static inline int doctor(const char *first, const char *second, const char *third)
{
	return tools_run(tool_doctor, "doctor", first, second, third, NULL);
}

/* The doctor finds the device unfit and says both. */
static inline void finds(const char *sentence, const char *mend)
{
	ck_assert_int_eq(doctor(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_out, "\nferry run would not start (failures: ");
	has(tools_out, sentence);
	has(tools_out, mend);
}

static inline void warns(const char *sentence)
{
	ck_assert_msg(doctor(NVME, NULL, NULL) == TOOL_OK, "%s", tools_out);
	has(tools_out, sentence);
	has(tools_out, "(failures: 0, warnings: 1)");
}

#endif
