/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the monitor's commands share: the commands, numbers, places. */

#ifndef FERRY_VMM_DEBUG_MONITOR_PRIVATE_H
#define FERRY_VMM_DEBUG_MONITOR_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/debug/monitor.h"

/* A command gets the words behind its name, as many as its row of the table allows. */
typedef void (*monitor_function)(const struct monitor *monitor, char **words, size_t count,
				 FILE *out);

/* 0x and hexadecimal digits, or decimal ones, and nothing else; -EINVAL or -ERANGE. */
int monitor_parse_number(const char *text, uint64_t *number) FERRY_MUST_CHECK;

/* The same for a word of a command's, saying what is wrong with it. */
bool monitor_take_number(const char *text, uint64_t *number, FILE *out);

/* The current vCPU where the guest stands; NULL, having said why not, elsewhere. */
struct kvm_vcpu *monitor_vcpu(const struct monitor *monitor, FILE *out);

/* monitor_devices.c */
void monitor_pci(const struct monitor *monitor, char **words, size_t count, FILE *out);
void monitor_vfio(const struct monitor *monitor, char **words, size_t count, FILE *out);
void monitor_irq(const struct monitor *monitor, char **words, size_t count, FILE *out);
void monitor_powerdown(const struct monitor *monitor, char **words, size_t count, FILE *out);
void monitor_exits(const struct monitor *monitor, char **words, size_t count, FILE *out);

/* monitor_memory.c */
void monitor_mem(const struct monitor *monitor, char **words, size_t count, FILE *out);
void monitor_read(const struct monitor *monitor, char **words, size_t count, FILE *out);
void monitor_write(const struct monitor *monitor, char **words, size_t count, FILE *out);

/* monitor_translate.c */
void monitor_translate(const struct monitor *monitor, char **words, size_t count, FILE *out);
void monitor_physical(const struct monitor *monitor, char **words, size_t count, FILE *out);
void monitor_kaslr(const struct monitor *monitor, char **words, size_t count, FILE *out);

/* "RAM", "DEVICE mapped" and so on. */
const char *monitor_kind(const struct mem_view *view);

#endif
