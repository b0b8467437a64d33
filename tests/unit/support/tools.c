/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a host tool over a made-up tree and keeps what it said. */

#include "tests/unit/support/tools.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/base/bits.h"

char tools_out[64 * 1024], tools_errors[16 * 1024];

size_t tools_width;

static char mounts[8192];

static struct {
	char interface[16], address[64];
} addresses[8];

static size_t address_count;
static int addresses_answer;

void tools_address(const char *interface, const char *address)
{
	ck_assert_uint_lt(address_count, 8);
	snprintf(addresses[address_count].interface, 16, "%s", interface);
	snprintf(addresses[address_count++].address, 64, "%s", address);
}

void tools_addresses_answer(int code)
{
	addresses_answer = code;
}

static int each_address(tool_take_address take, void *context)
{
	for (size_t i = 0; i < address_count; i++)
		take(context, addresses[i].interface, addresses[i].address);
	return addresses_answer;
}

void tools_setup(void)
{
	address_count = 0;
	addresses_answer = 0;
	fake_tree_create();
	fake_tree_folder("bus/pci/devices");
	fake_tree_folder("bus/pci/drivers");
	fake_tree_folder("class/block");
	fake_tree_folder("dev/vfio");
	fake_tree_folder("proc/self");
	fake_tree_folder("proc/net");
	fake_tree_folder("run");
	fake_tree_folder("modules");
	mounts[0] = '\0';
	tools_width = 0;
	fake_tree_write("proc/self/mountinfo", mounts);
}

void tools_teardown(void)
{
	fake_tree_remove();
}

static void keep(char *to, size_t size, const char *from, size_t length)
{
	ck_assert_uint_lt(length, size);
	memcpy(to, from, length);
	to[length] = '\0';
}

/* The tool writes to a descriptor of ours in the place of standard error. */
static int divert(int *saved)
{
	int file = memfd_create("errors", MFD_CLOEXEC);

	fflush(stderr);
	*saved = dup(STDERR_FILENO);
	ck_assert_int_ge(file, 0);
	ck_assert_int_ge(dup2(file, STDERR_FILENO), 0);
	return file;
}

static void restore(int saved, int file)
{
	ssize_t length;

	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	length = pread(file, tools_errors, sizeof(tools_errors) - 1, 0);
	tools_errors[length < 0 ? 0 : length] = '\0';
	close(saved);
	close(file);
}

int tools_run(int (*command)(const struct tool *, int, char **), const char *name, ...)
{
	static char roots[7][PATH_MAX];
	static const char *const places[] = {"",        "dev",     "proc",  "run",
					     "modules", "pci.ids", "passwd"};
	const char *const ids[] = {"/nonexistent/pci.ids", roots[5], NULL};
	char *arguments[64], *text = NULL;
	size_t size = 0;
	int count = 0, saved, errors, status;
	struct tool tool = {.pci_ids = ids, .each_address = each_address, .width = tools_width};
	va_list list;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		snprintf(roots[i], PATH_MAX, "%s", fake_tree_path(places[i]));
	tool.sys = roots[0];
	tool.dev = roots[1];
	tool.proc = roots[2];
	tool.run = roots[3];
	tool.modules = roots[4];
	tool.passwd = roots[6];
	va_start(list, name);
	for (const char *word = name; word; word = va_arg(list, const char *))
		arguments[count++] = strdup(word);
	va_end(list);
	arguments[count] = NULL;
	tool.out = open_memstream(&text, &size);
	errors = divert(&saved);
	status = command(&tool, count, arguments);
	restore(saved, errors);
	fclose(tool.out);
	keep(tools_out, sizeof(tools_out), text, size);
	free(text);
	while (count)
		free(arguments[--count]);
	return status;
}

json_t *tools_json(void)
{
	json_error_t error;
	json_t *root = json_loads(tools_out, 0, &error);

	ck_assert_msg(root, "line %d: %s in:\n%s", error.line, error.text, tools_out);
	return root;
}

void tools_file(const char *address, const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "bus/pci/devices/%s/%s", address, name);
	fake_tree_write(path, text);
}

void tools_add(const char *address, unsigned int group, const char *driver, const char *ids,
	       const char *class_code)
{
	char path[PATH_MAX], text[32];

	fake_tree_add_device(address, group, driver);
	if (driver) {
		snprintf(path, sizeof(path), "bus/pci/drivers/%s", driver);
		fake_tree_folder(path);
	}
	snprintf(text, sizeof(text), "0x%.4s\n", ids);
	tools_file(address, "vendor", text);
	snprintf(text, sizeof(text), "0x%s\n", ids + 5);
	tools_file(address, "device", text);
	snprintf(text, sizeof(text), "0x%s\n", class_code);
	tools_file(address, "class", text);
	tools_file(address, "driver_override", "(null)\n");
}

void tools_add_disk(const char *address, const char *place, const char *disk, const char *number)
{
	char path[PATH_MAX], target[PATH_MAX];

	snprintf(path, sizeof(path), "bus/pci/devices/%s/%s/holders", address, place);
	fake_tree_folder(path);
	snprintf(path, sizeof(path), "class/block/%s", disk);
	snprintf(target, sizeof(target), "../../bus/pci/devices/%s/%s", address, place);
	fake_tree_link(path, target);
	fake_tree_folder("dev/block");
	snprintf(path, sizeof(path), "dev/block/%s", number);
	snprintf(target, sizeof(target), "../../class/block/%s", disk);
	fake_tree_link(path, target);
}

void tools_mount(const char *number, const char *mount, const char *type, const char *source)
{
	size_t used = strlen(mounts);

	snprintf(mounts + used, sizeof(mounts) - used, "36 35 %s / %s rw shared:1 - %s %s rw\n",
		 number, mount, type, source);
	fake_tree_write("proc/self/mountinfo", mounts);
}
