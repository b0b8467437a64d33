/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vCPU of a fake KVM as the architecture has it: its registers, and its ways to bring up exits.
 * What it declares is defined once in tests/unit/support/ARCH.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_CPU_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_CPU_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAKE_CPUS_MAX = 16, FAKE_KERNEL_MAX = 256 };

/* Page by page: struct kvm_run, data of port I/O, the VM's ring of coalesced writes. */
enum { FAKE_PAGE_DATA = 1, FAKE_PAGE_RING = 2, FAKE_RUN_PAGES = 3 };

struct fake_cpu {
	unsigned int place;  /* below FAKE_CPUS_MAX, no other's while it is there */
	unsigned int serial; /* no other's, ever */
	unsigned int index;
	int fd;
	int vm;
	struct kvm_run *page; /* as the monitor has it mapped */
	struct kvm_guest_debug debug;
	bool unfinished;       /* the exit in the page was not yet seen by the guest */
	unsigned int parts;    /* that completing it brings up yet, as of a string instruction */
	uint64_t value;        /* of the last read that was completed, its first element */
	unsigned int runs;     /* KVM_RUNs that went on in the guest */
	unsigned int finished; /* exits that were completed */
	unsigned int resets;   /* that the monitor has put it into its first state */
	unsigned int pauses;   /* that its clock was told of */
};

/* Whether there is a clock of KVM's that is to be told. */
extern const bool fake_cpu_has_clock;

/* After KVM_CREATE_VCPU: registers are what they are at power-on. */
void fake_cpu_create(struct fake_cpu *cpu);

/* What KVM answers on the vCPU's, the VM's and the system's descriptor; -ENOTTY: not its own. */
int fake_cpu_ioctl(struct fake_cpu *cpu, unsigned long request, void *argument);
int fake_cpu_vm_ioctl(unsigned long request, void *argument);

/* KVM_CHECK_EXTENSION; negative: the same on every architecture. */
int fake_cpu_capability(unsigned long capability);

/* An attribute of the vCPU's, or of an interrupt controller's. */
int fake_cpu_attribute(unsigned long request, const struct kvm_device_attr *attribute);

/* A request's name, where the architecture alone has it; or NULL. */
const char *fake_cpu_request_name(unsigned long request);

/* One instruction went by, or a breakpoint was met: fills the page in. */
void fake_cpu_fill_debug(struct fake_cpu *cpu);

/* An instruction further, whatever it was. */
void fake_cpu_advance(struct fake_cpu *cpu);

/* What a guest does to switch its machine off or to have it begin anew: an exit's result. */
int fake_cpu_power_off(struct fake_cpu *cpu);
int fake_cpu_reboot(struct fake_cpu *cpu);

/* The smallest kernel that this architecture boots; its size. */
size_t fake_cpu_kernel(uint8_t bytes[FAKE_KERNEL_MAX]);

/*
 * Where this architecture has something of its own: a port, an address; and whether what is there
 * can end the run.
 */
uint16_t fake_cpu_some_port(unsigned int number);
uint64_t fake_cpu_some_device(unsigned int number);
bool fake_cpu_port_ends(uint16_t port);
bool fake_cpu_device_ends(uint64_t address);

/* Fills the page for one access to a port, or to @count elements: a result of KVM_RUN's. */
int fake_cpu_port(struct fake_cpu *cpu, bool write, uint16_t port, unsigned int size,
		  unsigned int count, const void *data);

#endif
