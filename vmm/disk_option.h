/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of --disk. */

#ifndef FERRY_VMM_DISK_OPTION_H
#define FERRY_VMM_DISK_OPTION_H

#include "devices/virtio/disk.h"
#include "vmm/base/err.h"
#include "vmm/suboptions.h"

/* Reads them; the strings stay those of @options. -EINVAL with @err saying what it takes. */
int disk_option_parse(struct disk_config *disk, const struct suboptions *options,
		      struct err *err) FERRY_MUST_CHECK;

#endif
