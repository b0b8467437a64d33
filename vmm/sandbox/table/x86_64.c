/* SPDX-License-Identifier: BSD-3-Clause */
/* Which system calls the monitor's threads may make beside rows.c on x86_64. */

#include <linux/kvm.h>

#include "vmm/sandbox/table/row.h"

SANDBOX_ROWS static const struct sandbox_row calls[] = {
	{"epoll_wait", MAIN | VHOST, .why = "the loop; calls of a device's server"},
	{"poll", ALL, .why = "a reader, a reset's end: never for long"},
	{"readlink", FILES, .why = "sysfs: which device is behind a name"},
	{"access", FILES, .why = "sysfs: whether a device has a reset, a driver"},
};

SANDBOX_ROWS static const struct sandbox_row kvm[] = {
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_GET_REGS}},
	 .why = "a crash's registers, gdb's"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_SET_REGS}}, .why = "a reset, gdb"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_GET_SREGS}},
	 .why = "a crash's registers, gdb's"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_SET_SREGS}}, .why = "a reset, gdb"},
	{"ioctl", SERVER, .tests = {{1, IS, KVM_GET_XCRS}}, .why = "gdb"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_SET_XCRS}}, .why = "a reset, gdb"},
	{"ioctl", SERVER, .tests = {{1, IS, KVM_GET_FPU}}, .why = "gdb"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_SET_FPU}}, .why = "a reset, gdb"},
	{"ioctl", SERVER, .tests = {{1, IS, KVM_GET_XSAVE}}, .why = "gdb"},
	{"ioctl", SERVER, .tests = {{1, IS, KVM_GET_XSAVE2}}, .why = "gdb"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_SET_XSAVE}}, .why = "a reset, gdb"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_GET_DEBUGREGS}}, .why = "breakpoints"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_SET_DEBUGREGS}},
	 .why = "a reset, breakpoints"},
	{"ioctl", VCPU, .tests = {{1, IS, KVM_GET_LAPIC}}, .why = "a reset"},
	{"ioctl", VCPU, .tests = {{1, IS, KVM_SET_LAPIC}}, .why = "a reset"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_GET_MSRS}}, .why = "a reset, gdb"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_SET_MSRS}}, .why = "a reset, gdb"},
	{"ioctl", MAIN | VCPU, .tests = {{1, IS, KVM_TRANSLATE}}, .why = "where a guest crashed"},
	{"ioctl", MAIN, .tests = {{1, IS, KVM_KVMCLOCK_CTRL}}, .why = "a guest that stood"},
	{"ioctl", VCPU, .tests = {{1, IS, KVM_X86_SET_MCE}},
	 .why = "memory of the host that failed"},
	{"ioctl", MAIN, .tests = {{1, IS, KVM_SET_IRQCHIP}}, .why = "a reset"},
};
