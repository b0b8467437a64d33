/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The contract of an architecture: every function is defined once in arch/ARCH, chosen at link
 * time.
 */

#ifndef FERRY_ARCH_ARCH_H
#define FERRY_ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/platform.h"
#include "devices/device.h"
#include "devices/pci/pci.h"
#include "memory/ram.h"
#include "vmm/base/err.h"
#include "vmm/kvm/irq.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vm.h"

struct arch_layout_request {
	unsigned int cpus;
	unsigned int buses; /* 1 to 256: no more than there are, a guest probes each one told of */
	uint64_t ram_size;  /* bytes, a multiple of page_size */
	uint64_t page_size; /* every piece of RAM begins and ends at a multiple */
	uint64_t mmio32_needed; /* bytes of 32-bit memory BARs; 64-bit ones may come here too */
	uint64_t mmio64_needed;
	unsigned int physical_bits;     /* guest-physical address width, arch_physical_bits() */
	const struct ram_range *usable; /* IOVA ranges, ascending; NULL: anything */
	size_t usable_count;
	bool serial;
	bool debug_exit;
};

/*
 * Places RAM, ECAM and PCI windows: fixed default holes, left only when they must be; RAM only in
 * usable ranges, the 64-bit window clamped to the address width and the top of the usable ranges.
 * A pure function. -EINVAL/-ENOSPC with @err saying what does not fit.
 */
int arch_layout(const struct arch_layout_request *request, struct platform *platform,
		struct err *err) FERRY_MUST_CHECK;

/* The smallest RAM a machine of this architecture can be given, in bytes. */
uint64_t arch_ram_minimum(void);

/* Guest-physical address bits: the CPUID or IPA size that KVM offers. Asks @vm's system. */
unsigned int arch_physical_bits(struct kvm_vm *vm);

/* For kvm_vm_create(): the type of the machines that KVM is to create; on aarch64 the IPA size. */
unsigned long arch_vm_type(const struct kvm_vm *vm);

/* Where the console's characters go; see devices/serial.h for the rules. */
struct arch_console {
	bool (*output)(void *console, uint8_t byte);
	void (*room)(void *console);
	void *console;
};

struct arch_setup {
	struct kvm_vm *vm;
	struct mem_map *mmio;
	struct mem_map *pio;
	struct ram *ram;
	const struct platform *platform;
	struct machine_sink sink;
	struct arch_console console;
};

struct arch_vm;

/*
 * What must exist before any vCPU: in-kernel irqchip where it comes first (x86_64), TSS and
 * identity map pages, the GSI table with the irqchip's pins. NULL with @err set (an irqchip that
 * the kernel does not offer is said in one sentence). Copies @setup; the pointers in it outlive the
 * object.
 */
struct arch_vm *arch_vm_create(const struct arch_setup *setup, struct err *err);

/* Destroys devices and GSI table too. NULL is allowed. */
void arch_vm_destroy(struct arch_vm *arch);

struct kvm_irq *arch_vm_irq(struct arch_vm *arch);

/* Creates the platform's devices (serial, clock, power, pvpanic, debug exit) in the maps. */
int arch_devices_create(struct arch_vm *arch, struct err *err) FERRY_MUST_CHECK;

/*
 * Adds to @config what only this architecture's host bridge has: CF8/CFC, the reset control port.
 */
void arch_pci_ports(struct arch_vm *arch, struct pci_host_config *config);

/* Console input to the platform's serial port; returns how many bytes were taken. Any thread. */
size_t arch_console_input(struct arch_vm *arch, const uint8_t *bytes, size_t count);

/* Presses the power button; the guest decides. Any thread. */
void arch_power_button(struct arch_vm *arch);

/* In the vCPU's thread, after every vCPU of the VM was created: CPUID or KVM_ARM_VCPU_INIT. */
int arch_vcpu_init(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct err *err) FERRY_MUST_CHECK;

/* Main thread, after arch_vcpu_init() of all: VGIC init on aarch64. */
int arch_irqchip_init(struct arch_vm *arch, struct err *err) FERRY_MUST_CHECK;

/* What to boot. Descriptors stay open for the VM's life, so that a reset needs no path. */
struct boot_file {
	const char *path; /* for messages, and the module string of Multiboot */
	int fd;
	uint64_t size; /* bytes, by fstat() before each boot */
};

enum { BOOT_INITRDS_MAX = 16 };

struct boot_source {
	struct boot_file kernel;
	struct boot_file
		initrds[BOOT_INITRDS_MAX]; /* Linux gets them joined, Multiboot as modules */
	size_t initrd_count;
	const char *cmdline; /* NULL: for Linux a console on the serial port, for others nothing */
};

/*
 * Loads kernel, initrd, command line and tables into RAM and prepares the boot processor's entry
 * state for arch_vcpu_reset(). Main thread, no vCPU running; at first boot and after each reset.
 */
int arch_boot(struct arch_vm *arch, const struct boot_source *source,
	      struct err *err) FERRY_MUST_CHECK;

/*
 * After arch_boot(): whether the kernel is Linux, by its marks or by the protocol that it is booted
 * by.
 */
bool arch_boots_linux(const struct arch_vm *arch);

/* What Linux calls the serial port: "ttyS0". */
const char *arch_serial_name(void);

/* Whether Linux has its console there when the command line names none (a tree's stdout-path). */
bool arch_serial_is_default(void);

/* In the vCPU's thread, after arch_boot(): power-on state, and on vCPU 0 the entry state. */
int arch_vcpu_reset(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct err *err) FERRY_MUST_CHECK;

/* Irqchip and platform devices back to power-on. Main thread, all vCPUs parked and completed. */
int arch_vm_reset(struct arch_vm *arch, struct err *err) FERRY_MUST_CHECK;

enum arch_exit {
	ARCH_EXIT_HANDLED,
	ARCH_EXIT_NOT_YET, /* dispatch the same exit again later */
	ARCH_EXIT_CRASHED, /* the guest is beyond running: a triple fault, an impossible state */
	ARCH_EXIT_UNKNOWN, /* not of this architecture: an unhandled exit */
};

/*
 * Handles an exit that is not the same everywhere (port I/O, hypercalls, KVM_EXIT_ARM_NISV).
 * *@progress is 0 when an exit is first seen and is kept for it across ARCH_EXIT_NOT_YET. vCPU's
 * thread, no lock.
 */
enum arch_exit arch_vcpu_exit(struct arch_vm *arch, struct kvm_vcpu *vcpu, unsigned int *progress);

/*
 * Has KVM tell with each exit from now on where the guest is, if that costs next to nothing
 * (KVM_CAP_SYNC_REGS). vCPU's thread.
 */
void arch_vcpu_tell_pc(struct arch_vm *arch, struct kvm_vcpu *vcpu);
/* Where it was at the exit in the run page; false where KVM does not tell. */
bool arch_vcpu_pc(struct kvm_vcpu *vcpu, uint64_t *pc);

/*
 * KVM_RUN met a page of the host's at @host that has failed: the guest is told as its processor
 * would tell it, in *@gpa where. -ENOENT when the page is not of its RAM; another errno when KVM
 * does not pass it on. The vCPU's thread, its exit completed.
 */
int arch_vcpu_memory_failed(struct arch_vm *arch, struct kvm_vcpu *vcpu, const void *host,
			    uint64_t *gpa) FERRY_MUST_CHECK;

/*
 * A guest that was stopped is about to go on: its clock is told (KVM_KVMCLOCK_CTRL). Failure is
 * none. Main thread, the vCPU parked.
 */
void arch_vcpu_resumed(struct kvm_vcpu *vcpu);

/*
 * Registers, and the bytes at the instruction pointer where they are in RAM, as text lines for a
 * crash report, or that KVM has lost them; what does not fit @size is cut. The vCPU's thread.
 */
void arch_vcpu_describe(struct arch_vm *arch, struct kvm_vcpu *vcpu, char *text, size_t size);

/*
 * Writes the tables the guest would see, one file each, into @directory, which is made if it is
 * not there (--dump-acpi); on aarch64 -ENOTSUP. Needs only the platform.
 */
int arch_dump_acpi(const struct platform *platform, const char *directory,
		   struct err *err) FERRY_MUST_CHECK;

/*
 * Writes the device tree the guest would see into the file @path (--dump-fdt), with @cmdline unless
 * it is NULL, without what only a boot knows: the initrd's place, seeds. Asks @vm what its vCPUs
 * have; NULL stands for one that offers nothing. On x86_64 -ENOTSUP.
 */
int arch_dump_fdt(const struct kvm_vm *vm, const struct platform *platform, const char *cmdline,
		  const char *path, struct err *err) FERRY_MUST_CHECK;

#endif
