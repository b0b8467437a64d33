/* SPDX-License-Identifier: BSD-3-Clause */
/* Which system calls the monitor's threads may make beside rows.c on aarch64. */

#include <linux/kvm.h>

#include "vmm/sandbox/table/row.h"

SANDBOX_ROWS static const struct sandbox_row calls[] = {
	{"epoll_pwait", MAIN | VHOST, .why = "the loop; calls of a device's server"},
	{"ppoll", ALL, .why = "a reader, a reset's end: never for long"},
	{"readlinkat", FILES, .why = "sysfs: which device is behind a name"},
	{"faccessat", FILES, .why = "sysfs: whether a device has a reset, a driver"},
};

SANDBOX_ROWS static const struct sandbox_row kvm[] = {
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_GET_ONE_REG}},
	 .why = "a crash's registers, gdb's"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_SET_ONE_REG}}, .why = "a reset, gdb"},
	{"ioctl", SERVER, .tests = {{1, IS, KVM_GET_REG_LIST}}, .why = "gdb"},
	{"ioctl", VCPU, .tests = {{1, IS, KVM_ARM_VCPU_INIT}}, .why = "a reset"},
	{"ioctl", VCPU, .tests = {{1, IS, KVM_ARM_VCPU_FINALIZE}}, .why = "a reset"},
	{"ioctl", VCPU, .tests = {{1, IS, KVM_ARM_PREFERRED_TARGET}}, .why = "a reset"},
};
