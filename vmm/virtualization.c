/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why there is no KVM on this host: the processor, its firmware, a hypervisor above, or just a
 * module.
 */

#include "vmm/virtualization.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/hostcpu.h"

static const struct virtualization because_hidden = {
	"hidden",
	"the processor shows neither VMX nor SVM: nested virtualization is off in the hypervisor "
	"above this host",
	"",
	"turn nested virtualization on in the hypervisor above (KVM: nested=1 of kvm_intel or "
	"kvm_amd there, and a processor model that has it, such as -cpu host)",
};

static const struct virtualization because_none = {
	"none",
	"the processor has neither VMX nor SVM, or the firmware turned it off",
	"",
	"turn VT-x (Intel) or SVM (AMD) on in the firmware; without it this host runs no guest",
};

static const struct virtualization because_node = {
	"node",
	"KVM is loaded, but its node is not here",
	"mknod /dev/kvm c 10 232",
	", or for a container give it the host's (--device /dev/kvm)",
};

static const struct virtualization because_amd = {
	"module",
	"the module kvm-amd is not loaded",
	"modprobe kvm-amd",
	" (where that fails, turn SVM on in the firmware)",
};

static const struct virtualization because_intel = {
	"module",
	"the module kvm-intel is not loaded",
	"modprobe kvm-intel",
	" (where that fails, turn VT-x on in the firmware)",
};

static const struct virtualization because_off = {
	"off",
	"KVM is turned off by kvm-arm.mode=none",
	"",
	"take kvm-arm.mode=none from the kernel's command line",
};

static const struct virtualization because_el1_hidden = {
	"hidden",
	"the kernel was started in EL1: nested virtualization is off in the hypervisor above this "
	"host",
	"",
	"turn nested virtualization on in the hypervisor above (QEMU: -machine "
	"virt,virtualization=on)",
};

static const struct virtualization because_el1 = {
	"el1",
	"the kernel was started in EL1",
	"",
	"have the firmware start the kernel in EL2; a hypervisor above must have nested "
	"virtualization on",
};

static const struct virtualization because_kernel = {
	"kernel",
	"this kernel is without KVM",
	"",
	"use a host kernel with CONFIG_KVM that the firmware starts in EL2",
};

static const struct virtualization because_unknown = {
	"unknown",
	"no module of KVM is loaded",
	"modprobe kvm-intel",
	", or kvm-amd",
};

static bool virtualization_is_there(const char *root, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", root, name) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

static const struct virtualization *virtualization_of_x86(const char *sys,
							  const struct hostcpu *host)
{
	bool amd = host->flags ? host->svm : host->vendor == HOSTCPU_AMD;

	if (host->flags && !host->vmx && !host->svm)
		return host->hypervisor ? &because_hidden : &because_none;
	if (virtualization_is_there(sys, "module/kvm_amd") ||
	    virtualization_is_there(sys, "module/kvm_intel"))
		return &because_node;
	if (!host->flags && host->vendor == HOSTCPU_OTHER)
		return &because_unknown;
	return amd ? &because_amd : &because_intel;
}

/* A kernel whose firmware calls go to a hypervisor (PSCI 5.2.1: hvc) has one above it. */
static bool virtualization_has_above(const char *sys)
{
	char path[PATH_MAX], method[8] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/firmware/devicetree/base/psci/method", sys);
	file = fopen(path, "re");
	if (file && !fgets(method, sizeof(method), file))
		method[0] = '\0';
	if (file)
		fclose(file);
	return strcmp(method, "hvc") == 0 || virtualization_is_there(sys, "hypervisor/type") ||
	       virtualization_is_there(sys, "firmware/devicetree/base/hypervisor");
}

/* arm64 has KVM built in or not at all: its parameters are there even where it found no EL2. */
static const struct virtualization *virtualization_of_arm(const char *proc, const char *sys)
{
	if (hostcpu_booted_with(proc, "kvm-arm.mode=none"))
		return &because_off;
	if (virtualization_is_there(sys, "class/misc/kvm"))
		return &because_node;
	if (!virtualization_is_there(sys, "module/kvm"))
		return &because_kernel;
	return virtualization_has_above(sys) ? &because_el1_hidden : &because_el1;
}

void virtualization_find(const char *proc, const char *sys, struct virtualization *found)
{
	struct hostcpu host;

	hostcpu_read(proc, &host);
	*found = host.vendor == HOSTCPU_ARM ? *virtualization_of_arm(proc, sys)
					    : *virtualization_of_x86(sys, &host);
}

bool virtualization_is_lacking(int code)
{
	return code == -ENOENT || code == -ENODEV || code == -ENXIO;
}

void virtualization_explain(const char *proc, const char *sys, struct err *err)
{
	struct virtualization found;

	if (!virtualization_is_lacking(err->code))
		return;
	virtualization_find(proc, sys, &found);
	err_set(err, err->code, "KVM: opening /dev/kvm: %s: %s: %s%s", err_text(err->code),
		found.text, found.command, found.mend);
}
