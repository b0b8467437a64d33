/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VF tokens: a UUID that virtual functions share with their physical one where vfio-pci has both,
 * so that who has the one trusts who has the others.
 */

#ifndef FERRY_VFIO_TOKEN_H
#define FERRY_VFIO_TOKEN_H

#include <stdint.h>

#include "vmm/base/err.h"

enum { VFIO_TOKEN_SIZE = 16 };

/* The UUID @text, which vfio_sysfs_is_uuid(), in the order of its digits. */
void vfio_token_parse(const char *text, uint8_t token[VFIO_TOKEN_SIZE]);

/*
 * @rc when it is vfio-pci's answer about @token, or that there is none (NULL), with @err saying
 * what is wrong with that; 0 when it has another reason.
 */
int vfio_token_refuse(const char *address, const char *token, int rc,
		      struct err *err) FERRY_MUST_CHECK;

#endif
