/* SPDX-License-Identifier: BSD-3-Clause */
/* What a person debugging can ask the monitor: `monitor pci`, `monitor vfio ADDR` and so on. */

#ifndef FERRY_VMM_DEBUG_MONITOR_H
#define FERRY_VMM_DEBUG_MONITOR_H

#include <stdio.h>

#include "arch/arch.h"
#include "devices/pci/pci.h"
#include "memory/map.h"
#include "vfio/vfio.h"
#include "vmm/machine/run.h"

struct debug_points;

/* The parts of the machine that are looked at. */
struct monitor {
	struct arch_vm *arch;
	const struct boot_source *boot;
	const struct platform *platform;
	struct mem_map *mmio;
	struct mem_map *pio;
	struct ram *ram;
	struct pci_host *host;
	struct vfio *vfio;
	struct run *run;
	struct debug_points *points; /* breakpoints, which nobody is to see in memory; NULL: none */
	unsigned int cpu;            /* whose registers and page tables count */
	void (*power_down)(void *machine); /* presses the power button */
	void *machine;
	bool stands; /* the guest is stopped; what needs its registers says so otherwise */
};

/*
 * Carries out one line, as "translate 0xffffffff81000000", and writes the answer, or one sentence
 * on what is wrong with the line. Main thread, no lock held.
 */
void monitor_command(const struct monitor *monitor, const char *line, FILE *out);

#endif
