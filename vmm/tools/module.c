/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a kernel module is: in the kernel, on disk, or nowhere. */

#include "vmm/tools/module.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

/*
 * Whether "kernel/drivers/vfio/pci/vfio-pci.ko.xz: ..." is of module @name; - and _ are the same.
 */
static bool module_line_is_of(const char *line, const char *name)
{
	size_t length = strlen(name), end = strcspn(line, ":\n");
	const char *last = line;

	for (size_t i = 0; i < end; i++)
		if (line[i] == '/')
			last = &line[i + 1];
	for (size_t i = 0; i < length; i++)
		if (last[i] != name[i] && !(last[i] == '-' && name[i] == '_'))
			return false;
	return strncmp(last + length, ".ko", 3) == 0;
}

static bool module_is_listed(const struct tool *tool, const char *list, const char *name)
{
	char path[PATH_MAX], line[4096];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", tool->modules, list);
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file))
		found = module_line_is_of(line, name);
	if (file)
		fclose(file);
	return found;
}

enum module_state module_find(const struct tool *tool, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/module/%s", tool->sys, name);
	/* One that is built in and has no parameters has no folder. */
	if (access(path, F_OK) == 0 || module_is_listed(tool, "modules.builtin", name))
		return MODULE_THERE;
	return module_is_listed(tool, "modules.dep", name) ? MODULE_LOADABLE : MODULE_MISSING;
}
