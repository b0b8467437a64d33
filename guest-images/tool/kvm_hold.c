/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine of KVM's that does nothing, so that no other is the first to come or the last to go. */

#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

/*
 * With an interrupt controller, where KVM has one of that kind, and a processor whose local part is
 * off: KVM counts those too.
 */
int kvm_hold_main(int argc, char **argv)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);

	(void)argc;
	(void)argv;
	if (vm < 0)
		err(1, "kvm-hold: /dev/kvm");
	if (ioctl(vm, KVM_CREATE_IRQCHIP, 0) == 0 && ioctl(vm, KVM_CREATE_VCPU, 0) < 0)
		err(1, "kvm-hold: KVM_CREATE_VCPU");
	puts("held");
	fflush(stdout);
	for (;;)
		pause();
}
