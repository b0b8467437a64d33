/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options of one passed-through device, in the same words on the command line and for one that
 * is added later.
 */

#ifndef FERRY_VMM_DEVICE_OPTION_H
#define FERRY_VMM_DEVICE_OPTION_H

#include <stdbool.h>

#include "vfio/vfio.h"
#include "vmm/base/err.h"

/* Seconds that a guest may be given to let a device go. */
enum { DEVICE_TIMEOUT_MAX = 24 * 60 * 60 };

/* What follows the name of each option but port, for a sentence. */
#define DEVICE_OPTION_WORDS                                                                        \
	"rom=FILE, rom=off, mmap=off[:LIST], vf-token=UUID, via=iommufd|group, trace=FILE and "    \
	"names=TABLE"

/* The same of one that is a program, on the command line. */
#define DEVICE_PROGRAM_WORDS                                                                       \
	"rom=FILE, rom=off, mmap=off[:LIST], trace=FILE, names=TABLE, ioeventfd and "              \
	"reconnect=SECONDS"

/* Whether @name is one of the former. */
bool device_option_is_known(const char *name);

/*
 * Takes the option @name with @value (NULL: it is a word alone) into @device, which keeps pointers
 * into it. -EINVAL with @err saying what there is to take.
 */
int device_option_take(struct vfio_device_config *device, const char *name, const char *value,
		       struct err *err) FERRY_MUST_CHECK;

/* What they say together, once all are taken; one with a descriptor goes by iommufd. -EINVAL. */
int device_option_check(struct vfio_device_config *device, struct err *err) FERRY_MUST_CHECK;

#endif
