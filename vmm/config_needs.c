/* SPDX-License-Identifier: BSD-3-Clause */
/* What the guest's memory must be, by what the user asked for. */

#include "vmm/config.h"

bool config_pins_memory(const struct config *config)
{
	for (size_t i = 0; i < config->vfio_count; i++)
		if (config->vfio[i].via != VFIO_VIA_USER)
			return true;
	return false;
}

bool config_shares_memory(const struct config *config)
{
	bool shares = config->vhost_user_count > 0;

	for (size_t i = 0; i < config->vfio_count; i++)
		shares = shares || config->vfio[i].via == VFIO_VIA_USER;
	return shares;
}
