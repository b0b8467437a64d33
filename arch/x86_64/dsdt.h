/* SPDX-License-Identifier: BSD-3-Clause */
/* The platform's devices in AML: what the DSDT holds behind its header. */

#ifndef FERRY_ARCH_X86_64_DSDT_H
#define FERRY_ARCH_X86_64_DSDT_H

#include "arch/platform.h"
#include "arch/x86_64/aml.h"

/* Appends the definition block's terms to @aml; whether they fitted, @aml says. A pure function. */
void dsdt_build(struct aml *aml, const struct platform *platform);

#endif
