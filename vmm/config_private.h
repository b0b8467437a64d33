/* SPDX-License-Identifier: BSD-3-Clause */
/* What the table of options and the words that name them have between them. */

#ifndef FERRY_VMM_CONFIG_PRIVATE_H
#define FERRY_VMM_CONFIG_PRIVATE_H

#include <getopt.h>

#include "vmm/config.h"

/* Takes no part in a config; the values of the others in the table are above it. */
enum { CONFIG_OPTION_HELP = 256 };

/* The options of `ferry run`, the last one without a name. */
const struct option *config_options(void);

/* What a run is without any option. */
void config_begin(struct config *config);

/*
 * Takes the option whose value in the table is @id, with its @value as the table says. -EINVAL with
 * @err, which does not name it. @value stays in use as long as @config.
 */
int config_take(struct config *config, int id, const char *value, struct err *err) FERRY_MUST_CHECK;

/*
 * One guest has its devices by one way: with --iommufd it is that for all. To be called when all
 * options are taken.
 */
int config_spread_iommufd(struct config *config, struct err *err) FERRY_MUST_CHECK;

#endif
