/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ferry doctor` checks of the host: KVM, IOMMU, VFIO's modules and nodes, memory. */

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/arch.h"
#include "memory/hugepages.h"
#include "vfio/host/cdev.h"
#include "vfio/host/memlock.h"
#include "vmm/base/bits.h"
#include "vmm/base/text.h"
#include "vmm/hostcpu.h"
#include "vmm/hostmem.h"
#include "vmm/kvm/vm.h"
#include "vmm/service.h"
#include "vmm/tools/doctor.h"
#include "vmm/tools/module.h"
#include "vmm/virtualization.h"

/* Intel's extended capability register: interrupts can be remapped. */
#define ECAP_INTERRUPT_REMAPPING ((uint64_t)1 << 3)

/* With the reason in the place of the sentence's advice where there is no KVM at all. */
static void doctor_tell_kvm_failure(struct doctor *doctor, const struct err *err)
{
	struct virtualization found = {.cause = "failed"};

	if (virtualization_is_lacking(err->code)) {
		virtualization_find(doctor->tool->proc, doctor->tool->sys, &found);
		doctor_tell(doctor, FINDING_FAILURE, "KVM", "", "opening /dev/kvm: %s: %s",
			    err_text(err->code), found.text);
		doctor_mend_by(doctor, found.mend, "%s", found.command);
	} else {
		/* The sentence begins with the name of the check. */
		doctor_tell(doctor, FINDING_FAILURE, "KVM", "", "%s",
			    strncmp(err->text, "KVM: ", 5) == 0 ? err->text + 5 : err->text);
	}
	if (err->code == -EACCES || err->code == -EPERM) {
		found.cause = "permission";
		doctor_mend_by(doctor, " (then log in again)", "usermod -aG kvm USER");
	}
	doctor_fact_text(doctor, "cause", found.cause);
}

/* Only KVM itself can tell what it can do: its node is the one that the doctor opens. */
static void doctor_check_kvm(struct doctor *doctor)
{
	struct err err = {0};
	struct kvm_vm *vm = kvm_vm_create(arch_vm_type, &err);

	if (!vm) {
		doctor_tell_kvm_failure(doctor, &err);
		return;
	}
	doctor->physical_bits = arch_physical_bits(vm);
	kvm_vm_destroy(vm);
	doctor_tell(doctor, FINDING_OK, "KVM", "",
		    "it makes machines with %u bits of physical addresses", doctor->physical_bits);
	doctor_fact_number(doctor, "physical_bits", doctor->physical_bits);
}

/* Whether the host was started with one of @arguments: the mending is then to leave it out. */
static bool doctor_mend_argument(struct doctor *doctor, const char *const *arguments, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (hostcpu_booted_with(doctor->tool->proc, arguments[i])) {
			doctor_mend(doctor, "take %s from the kernel's command line", arguments[i]);
			return true;
		}
	return false;
}

void doctor_mend_iommu(struct doctor *doctor)
{
	static const char *const off[] = {"iommu=off", "intel_iommu=off", "amd_iommu=off"};
	struct hostcpu host;

	if (doctor_mend_argument(doctor, off, ARRAY_SIZE(off)))
		return;
	hostcpu_read(doctor->tool->proc, &host);
	switch (host.vendor) {
	case HOSTCPU_INTEL:
		if (hostcpu_booted_with(doctor->tool->proc, "intel_iommu=on"))
			doctor_mend(doctor, "turn VT-d on in the firmware");
		else
			doctor_mend(doctor, "start the host's kernel with intel_iommu=on (and "
					    "VT-d on in the firmware)");
		break;
	case HOSTCPU_AMD:
		doctor_mend(doctor, "turn AMD-Vi (IOMMU) on in the firmware; the kernel needs "
				    "no argument");
		break;
	case HOSTCPU_ARM:
		doctor_mend(doctor, "turn the SMMU on in the firmware, and use a host kernel with "
				    "CONFIG_ARM_SMMU_V3 or CONFIG_ARM_SMMU");
		break;
	case HOSTCPU_OTHER:
		doctor_mend(doctor, "turn the IOMMU on in the firmware");
		break;
	}
}

/* Those of VFIO's no-IOMMU mode have none behind them. */
static bool doctor_is_group(const struct doctor *doctor, const char *name)
{
	return name[0] != '.' &&
	       vfio_sysfs_is_confined(doctor->tool->sys, (unsigned int)strtoul(name, NULL, 10));
}

static void doctor_check_iommu(struct doctor *doctor)
{
	char path[PATH_MAX];
	struct dirent *entry;
	size_t groups = 0;
	DIR *list;

	snprintf(path, sizeof(path), "%s/kernel/iommu_groups", doctor->tool->sys);
	list = opendir(path);
	while (list && (entry = readdir(list)))
		groups += doctor_is_group(doctor, entry->d_name);
	if (list)
		closedir(list);
	if (groups) {
		doctor_tell(doctor, FINDING_OK, "IOMMU", "", "it is on: %zu groups", groups);
		doctor_fact_number(doctor, "groups", groups);
		return;
	}
	doctor_tell(doctor, doctor_severity(doctor), "IOMMU", "",
		    "it is off: there are no IOMMU groups");
	doctor_fact_number(doctor, "groups", 0);
	doctor_mend_iommu(doctor);
}

/* Whether each of Intel's units that sysfs shows can remap; true when it shows none. */
static bool doctor_can_remap(const struct doctor *doctor)
{
	char folder[PATH_MAX], path[PATH_MAX + 300], text[32];
	struct dirent *entry;
	bool can = true;
	DIR *list;

	snprintf(folder, sizeof(folder), "%s/class/iommu", doctor->tool->sys);
	list = opendir(folder);
	while (list && (entry = readdir(list))) {
		snprintf(path, sizeof(path), "%s/%s/intel-iommu", folder, entry->d_name);
		vfio_host_line(path, "ecap", text, sizeof(text));
		if (text[0] && !(strtoull(text, NULL, 16) & ECAP_INTERRUPT_REMAPPING))
			can = false;
	}
	if (list)
		closedir(list);
	return can;
}

static void doctor_mend_remapping(struct doctor *doctor)
{
	static const char *const off[] = {"intremap=off", "nointremap"};

	if (doctor_mend_argument(doctor, off, ARRAY_SIZE(off)))
		return;
	if (doctor_can_remap(doctor))
		doctor_mend(doctor,
			    "turn interrupt remapping on in the firmware, or trust the guest: "
			    "vfio_iommu_type1.allow_unsafe_interrupts=1 on the kernel's command "
			    "line");
	else
		doctor_mend(doctor,
			    "trust the guest: vfio_iommu_type1.allow_unsafe_interrupts=1 on the "
			    "kernel's command line");
}

static void doctor_check_remapping(struct doctor *doctor)
{
	static const char *const states[] = {
		[VFIO_REMAPPING_ON] = "on",
		[VFIO_REMAPPING_OFF] = "off",
		[VFIO_REMAPPING_UNKNOWN] = "unknown",
	};
	enum vfio_host_remapping remapping = vfio_host_remapping(doctor->tool->sys);
	char folder[PATH_MAX], allowed[8];

	snprintf(folder, sizeof(folder), "%s/module/vfio_iommu_type1/parameters",
		 doctor->tool->sys);
	vfio_host_line(folder, "allow_unsafe_interrupts", allowed, sizeof(allowed));
	if (remapping == VFIO_REMAPPING_ON) {
		doctor_tell(doctor, FINDING_OK, "interrupt remapping", "", "it is on");
	} else if (allowed[0] == 'Y' || allowed[0] == '1') {
		doctor_tell(doctor, FINDING_WARNING, "interrupt remapping", "",
			    "it is not known to be on, and vfio_iommu_type1 goes without: a guest "
			    "can raise any interrupt of the host");
		doctor_mend_remapping(doctor);
	} else if (remapping == VFIO_REMAPPING_OFF) {
		doctor_tell(doctor, doctor_severity(doctor), "interrupt remapping", "",
			    "%s: VFIO gives no device to a guest without it",
			    doctor_can_remap(doctor) ? "it is off" : "the IOMMU cannot do it");
		doctor_mend_remapping(doctor);
	} else {
		doctor_tell(doctor, FINDING_WARNING, "interrupt remapping", "",
			    "it cannot be told whether it is on: sysfs shows no interrupt that "
			    "would be remapped");
		doctor_mend_remapping(doctor);
	}
	doctor_fact_text(doctor, "state", states[remapping]);
}

/* One that is not @needed may still come: `ferry bind` loads it. */
static void doctor_check_module(struct doctor *doctor, const char *name, bool needed)
{
	enum module_state state = module_find(doctor->tool, name);
	bool missed = needed && doctor->asked;

	switch (state) {
	case MODULE_THERE:
		doctor_tell(doctor, FINDING_OK, "module", "", "%s is there", name);
		break;
	case MODULE_LOADABLE:
		doctor_tell(doctor, missed ? FINDING_FAILURE : FINDING_OK, "module", "",
			    "%s is not loaded; `ferry bind` loads it", name);
		if (missed)
			doctor_mend_by(doctor, "", "modprobe %s", name);
		break;
	case MODULE_MISSING:
		doctor_tell(doctor, needed ? doctor_severity(doctor) : FINDING_WARNING, "module",
			    "", "%s is neither loaded nor under %s", name, doctor->tool->modules);
		doctor_mend(doctor, "install the package of this kernel's modules, or "
				    "a kernel with VFIO");
		break;
	}
	doctor_fact_text(doctor, "module", name);
	doctor_fact_text(doctor, "state",
			 state == MODULE_THERE      ? "there"
			 : state == MODULE_LOADABLE ? "loadable"
						    : "missing");
}

bool doctor_read_physical(const struct doctor *doctor, const struct vfio_host_device *device,
			  struct vfio_host_device *physical)
{
	return device->physical[0] &&
	       !vfio_host_device(doctor->tool->sys, device->physical, physical, NULL);
}

bool doctor_may_go_by_iommufd(const struct doctor *doctor, const struct vfio_host_device *device,
			      char *path, size_t size)
{
	struct vfio_host_device physical;

	if (doctor_read_physical(doctor, device, &physical) && vfio_host_is_bound(&physical))
		return false;
	return !vfio_cdev_check(&device->sysfs, doctor->tool->dev, path, size);
}

bool doctor_goes_by_iommufd(const struct doctor *doctor)
{
	char path[PATH_MAX];
	size_t i = 0;

	while (i < doctor->count &&
	       doctor_may_go_by_iommufd(doctor, &doctor->devices[i], path, sizeof(path)))
		i++;
	return i > 0 && i == doctor->count;
}

static void doctor_check_modules(struct doctor *doctor)
{
	bool bound = true;

	for (size_t i = 0; i < doctor->count; i++)
		bound = bound && vfio_host_is_bound(&doctor->devices[i]);
	doctor_check_module(doctor, "vfio", true);
	if (!doctor_goes_by_iommufd(doctor))
		doctor_check_module(doctor, "vfio_iommu_type1", true);
	/* Devices of other VFIO drivers go without it. */
	doctor_check_module(doctor, "vfio_pci", !bound);
}

static void doctor_check_container(struct doctor *doctor)
{
	char path[PATH_MAX];
	int rc;

	if (doctor_goes_by_iommufd(doctor))
		return;
	snprintf(path, sizeof(path), "%s/vfio/vfio", doctor->tool->dev);
	rc = tool_may_open(path);
	if (!rc)
		doctor_tell(doctor, FINDING_OK, "container", "", "%s may be opened by this user",
			    path);
	else
		doctor_tell(doctor, doctor_severity(doctor), "container", "", "%s: %s", path,
			    err_text(rc));
	if (rc == -ENOENT)
		doctor_mend_by(doctor, "", "modprobe vfio");
	else if (rc)
		doctor_mend_by(doctor, "", "chmod 666 %s", path);
	doctor_fact_text(doctor, "path", path);
}

static void doctor_tell_lock(struct doctor *doctor, enum finding_status status,
			     const struct vfio_memlock *memlock, const char *text)
{
	uint64_t limit = doctor->memory + memlock->others;

	doctor_tell(doctor, status, "locked memory", "", "%s", text);
	doctor_mend_by(doctor, " (in the shell that starts ferry)",
		       "sudo prlimit --pid $$ --memlock=%" PRIu64 ":%" PRIu64, limit, limit);
}

static void doctor_check_lock(struct doctor *doctor)
{
	const struct vfio_memlock_scope scope = {
		.user_proc = doctor_goes_by_iommufd(doctor) ? doctor->tool->proc : NULL,
	};
	struct vfio_memlock memlock = {0};
	struct err err = {0};

	if (vfio_memlock_check(&scope, doctor->memory, &memlock, &err))
		doctor_tell_lock(doctor, doctor_severity(doctor), &memlock, err.text);
	else if (memlock.doubt[0])
		doctor_tell_lock(doctor, FINDING_WARNING, &memlock, memlock.doubt);
	else
		doctor_tell(doctor, FINDING_OK, "locked memory", "",
			    "%" PRIu64 " KiB may be locked%s", doctor->memory / KIB,
			    memlock.may_raise ? " once ferry has raised the limit, as it may" : "");
	doctor_fact_number(doctor, "asked_bytes", doctor->memory);
	/* Nothing is counted with CAP_IPC_LOCK, and INT64_MAX is more than there is. */
	if (memlock.hard && memlock.hard <= INT64_MAX)
		doctor_fact_number(doctor, "limit_bytes", memlock.hard);
	else
		doctor_fact(doctor, "limit_bytes", json_null());
	doctor_fact_number(doctor, "others_bytes", memlock.others);
}

static void doctor_check_pages(struct doctor *doctor)
{
	char size[TEXT_SIZE_ROOM];
	struct err err = {0};
	uint64_t enough;

	if (hugepages_check(doctor->tool->sys, doctor->page_size, doctor->memory, 0, &enough,
			    -ENOMEM, &err)) {
		doctor_tell(doctor, FINDING_FAILURE, "huge pages", "", "%s", err.text);
		if (enough)
			doctor_mend_by(doctor, "",
				       "echo %" PRIu64
				       " > /sys/kernel/mm/hugepages/hugepages-%" PRIu64
				       "kB/nr_hugepages",
				       enough, doctor->page_size / KIB);
	} else {
		doctor_tell(doctor, FINDING_OK, "huge pages", "", "%" PRIu64 " of %s are free",
			    doctor->memory / doctor->page_size, text_size(size, doctor->page_size));
	}
	doctor_fact_number(doctor, "page_bytes", doctor->page_size);
	doctor_fact_number(doctor, "pages_asked", doctor->memory / doctor->page_size);
	doctor_fact_number(doctor, "pool_needed", enough);
}

/* As build_check_memory() has it: only what a device pins must be there from the start. */
static void doctor_check_free_memory(struct doctor *doctor)
{
	struct hostmem host;
	struct err err = {0};

	hostmem_read(doctor->tool->proc, doctor->tool->sys, &host);
	if (host.available == UINT64_MAX)
		return;
	if (hostmem_check(&host, doctor->memory, HOSTMEM_PINNED, &err) == 0) {
		doctor_tell(doctor, FINDING_OK, "free memory", "",
			    "%s has %" PRIu64 " MiB available, %" PRIu64
			    " are asked; up to %" PRIu64 " leave it what it needs itself",
			    host.whose, host.available / MIB, doctor->memory / MIB,
			    host.most / MIB);
	} else {
		doctor_tell(doctor, doctor_severity(doctor), "free memory", "", "%s", err.text);
		if (host.most >= arch_ram_minimum())
			doctor_mend(doctor, "--memory %" PRIu64 "M, or free some", host.most / MIB);
		else
			doctor_mend(doctor, "free some memory");
	}
	doctor_fact_text(doctor, "whose", host.whose);
	doctor_fact_number(doctor, "asked_bytes", doctor->memory);
	doctor_fact_number(doctor, "available_bytes", host.available);
	doctor_fact_number(doctor, "kept_bytes", host.kept);
	doctor_fact_number(doctor, "most_bytes", host.most);
}

/* What runs with a network card or sockets need; others do without, so that none is a fault. */
static void doctor_check_nodes(struct doctor *doctor)
{
	static const struct {
		const char *node, *check, *module;
	} rows[] = {
		{"net/tun", "--net", "tun"},
		{"vhost-net", "--net", "vhost_net"},
		{"vhost-vsock", "--vsock", "vhost_vsock"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char path[PATH_MAX];
		int rc;

		snprintf(path, sizeof(path), "%s/%s", doctor->tool->dev, rows[i].node);
		rc = tool_may_open(path);
		if (!rc)
			doctor_tell(doctor, FINDING_OK, rows[i].check, "",
				    "%s may be opened by this user", path);
		else
			doctor_tell(doctor, FINDING_OK, rows[i].check, "",
				    "it cannot be had: %s: %s%s%s", path, err_text(rc),
				    rc == -ENOENT ? ": modprobe " : "",
				    rc == -ENOENT ? rows[i].module : "");
		doctor_fact_text(doctor, "path", path);
		doctor_fact_text(doctor, "state",
				 !rc             ? "there"
				 : rc == -ENOENT ? "missing"
						 : "refused");
	}
}

/* Likewise of programs that a run starts. */
static void doctor_check_programs(struct doctor *doctor)
{
	static const struct {
		enum service_kind kind;
		const char *check;
	} rows[] = {
		{SERVICE_FOLDER, "--share"},
		{SERVICE_IMAGE, "--disk with format="},
		{SERVICE_NETWORK, "--net user"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char path[PATH_MAX] = "";
		struct err err = {0};

		int rc = service_find(rows[i].kind, path, &err);

		if (rc)
			doctor_tell(doctor, FINDING_OK, rows[i].check, "", "it cannot be had: %s",
				    err.text);
		else
			doctor_tell(doctor, FINDING_OK, rows[i].check, "", "%s is there", path);
		doctor_fact_text(doctor, "path", rc ? "" : path);
		doctor_fact_text(doctor, "state", rc ? "missing" : "there");
	}
}

void doctor_check_host(struct doctor *doctor)
{
	doctor_check_kvm(doctor);
	doctor_check_iommu(doctor);
	doctor_check_remapping(doctor);
	doctor_check_modules(doctor);
	doctor_check_container(doctor);
	doctor_check_lock(doctor);
	if (doctor->page_size)
		doctor_check_pages(doctor);
	else
		doctor_check_free_memory(doctor);
	doctor_check_nodes(doctor);
	doctor_check_programs(doctor);
}
