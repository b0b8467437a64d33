/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a host tool over a made-up tree (fake_sysfs.h) and keeps what it said. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_TOOLS_H
#define FERRY_TESTS_UNIT_SUPPORT_TOOLS_H

#include <check.h>
#include <jansson.h>
#include <stdbool.h>

#include "tests/unit/support/fake_sysfs.h"
#include "vmm/tools/tools.h"

/* What the last command printed, and said on standard error. */
extern char tools_out[64 * 1024], tools_errors[16 * 1024];

/* The width of the terminal that the commands print to; 0, after tools_setup(): a pipe. */
extern size_t tools_width;

/*
 * A tree with an empty sysfs at its root and dev, proc, run, modules in folders; nothing mounted;
 * no passwd.
 */
void tools_setup(void);
void tools_teardown(void);

/* The command with these arguments, NULL at the end; its status. */
int tools_run(int (*command)(const struct tool *, int, char **), const char *name, ...)
	__attribute__((sentinel));

/* The last output as JSON, checked to be nothing else; to be dropped. */
json_t *tools_json(void);

/* A device as fake_tree_add_device() makes it, with its numbers. */
void tools_add(const char *address, unsigned int group, const char *driver, const char *ids,
	       const char *class_code);

/* Writes a file of that device. */
void tools_file(const char *address, const char *name, const char *text);

/* A block device @disk below the PCI device, at @place such as "nvme/nvme0/nvme0n1". */
void tools_add_disk(const char *address, const char *place, const char *disk, const char *number);

/* A line of /proc/self/mountinfo. */
void tools_mount(const char *number, const char *mount, const char *type, const char *source);

/*
 * An address that the host has from now on, and what asking for them answers: 0 or a negative
 * errno.
 */
void tools_address(const char *interface, const char *address);
void tools_addresses_answer(int code);

/* What @text must contain; the whole is shown when it does not. */
#define has(text, part)     ck_assert_msg(strstr(text, part), "no '%s' in:\n%s", part, text)
#define has_not(text, part) ck_assert_msg(!strstr(text, part), "'%s' in:\n%s", part, text)

#endif
