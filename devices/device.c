/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine's list of emulated devices. */

#include "devices/device.h"

#include <errno.h>
#include <stddef.h>

int device_list_add(struct device **list, struct device *device, const struct err *err)
{
	if (!device)
		return err && err->code < 0 ? err->code : -ENOMEM;
	device->next = *list;
	*list = device;
	return 0;
}

void device_list_reset(struct device *list)
{
	for (; list; list = list->next)
		if (list->ops->reset)
			list->ops->reset(list);
}

void device_list_destroy(struct device *list)
{
	struct device *next;

	for (; list; list = next) {
		next = list->next;
		list->ops->destroy(list);
	}
}
