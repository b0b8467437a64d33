/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine: owns memory, devices, processors and the loop, and decides how a run ends. */

#ifndef FERRY_VMM_MACHINE_MACHINE_H
#define FERRY_VMM_MACHINE_MACHINE_H

#include "vmm/base/err.h"
#include "vmm/config.h"

enum exit_status {
	STATUS_POWERED_OFF = 0, /* or rebooted under --on-reboot exit, or ended by a key */
	STATUS_FAILED = 1,      /* the machine could not start, or not go on */
	STATUS_USAGE = 2,
	STATUS_CRASHED = 3, /* the guest: a triple fault, lost to KVM, a panic it told of */
};

struct machine;

/* Builds everything up to the first instruction; vCPUs are parked. NULL with @err set. */
struct machine *machine_create(const struct config *config, struct err *err);

/*
 * Runs until the guest or the user ends it. The exit status of the process; for STATUS_FAILED @err
 * says why. *@signal_number is the signal that ended it, or 0.
 */
int machine_run(struct machine *machine, int *signal_number, struct err *err);

/* Gives everything back in reverse order; NULL and half-built objects are allowed. */
void machine_destroy(struct machine *machine);

/* Writes the tables of the machine that @config describes (--dump-acpi, --dump-fdt). */
int machine_dump_tables(const struct config *config, struct err *err) FERRY_MUST_CHECK;

#endif
