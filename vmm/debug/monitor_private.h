/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the monitor's commands share: the commands on addresses, and numbers. */

#ifndef FERRY_VMM_DEBUG_MONITOR_PRIVATE_H
#define FERRY_VMM_DEBUG_MONITOR_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/debug/monitor.h"

/*
 * Takes a number from a word of a command's, hexadecimal behind 0x or decimal; false, having said
 * what is wrong with it.
 */
bool monitor_take_number(const char *text, uint64_t *number, FILE *out);

/* The current vCPU where the guest stands; NULL, having said why not, elsewhere. */
struct kvm_vcpu *monitor_vcpu(const struct monitor *monitor, FILE *out);

/* monitor_memory.c */
void monitor_mem(const struct monitor *monitor, char **words, size_t count, FILE *out);
void monitor_read(const struct monitor *monitor, char **words, size_t count, FILE *out);
void monitor_write(const struct monitor *monitor, char **words, size_t count, FILE *out);
void monitor_translate(const struct monitor *monitor, char **words, size_t count, FILE *out);
void monitor_physical(const struct monitor *monitor, char **words, size_t count, FILE *out);
void monitor_kaslr(const struct monitor *monitor, char **words, size_t count, FILE *out);

#endif
