/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands that add and remove devices, and that give passed descriptors their names. */

#ifndef FERRY_VMM_CONTROL_PLUG_H
#define FERRY_VMM_CONTROL_PLUG_H

#include "vmm/control/commands.h"

/* As control_command() has them carried out; the arguments' names and types are checked. */
control_function control_plug_getfd;
control_function control_plug_closefd;
control_function control_plug_add;
control_function control_plug_delete;

#endif
