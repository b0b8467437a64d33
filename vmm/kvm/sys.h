/* SPDX-License-Identifier: BSD-3-Clause */
/* The only calls that reach /dev/kvm; tests link a fake of these in their place. */

#ifndef FERRY_KVM_SYS_H
#define FERRY_KVM_SYS_H

#include "vmm/base/err.h"

/* Opens the KVM device node read-write, close-on-exec; the descriptor or a negative errno. */
int kvm_sys_open(const char *path) FERRY_MUST_CHECK;

/* ioctl(2), restarted on EINTR except for KVM_RUN; its result, or a negative errno. */
int kvm_sys_ioctl(int fd, unsigned long request, void *argument) FERRY_MUST_CHECK;

/* The same for requests whose argument is a plain number. */
int kvm_sys_ioctl_value(int fd, unsigned long request, unsigned long argument) FERRY_MUST_CHECK;

#endif
