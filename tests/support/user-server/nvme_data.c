/* SPDX-License-Identifier: BSD-3-Clause */
/* Data of NVMe commands: to and from the pages that their PRPs name (NVM Express 1.2, 4.3). */

#include <string.h>

#include "tests/support/user-server/nvme_private.h"

enum { PAGE = 0x1000 };

static enum nvme_status data_move(struct nvme *nvme, uint64_t address, uint8_t *data, uint32_t size,
				  bool to_guest)
{
	int rc = to_guest ? user_server_write(nvme->server, address, data, size)
			  : user_server_read(nvme->server, address, data, size);

	return rc ? NVME_DATA_ERROR : NVME_OK;
}

static uint32_t data_part(uint64_t address, uint32_t size)
{
	uint32_t part = PAGE - (uint32_t)(address % PAGE);

	return part < size ? part : size;
}

/* By a list of pages, whose last entry names another list where there is more. */
static enum nvme_status data_by_list(struct nvme *nvme, uint64_t list, uint8_t *data, uint32_t size,
				     bool to_guest)
{
	enum nvme_status status = NVME_OK;

	while (size && status == NVME_OK) {
		uint64_t page;

		status = data_move(nvme, list, (uint8_t *)&page, sizeof(page), false);
		if (status == NVME_OK && list % PAGE == PAGE - sizeof(page) && size > PAGE) {
			list = page;
			continue;
		}
		if (status == NVME_OK)
			status = data_move(nvme, page, data, data_part(page, size), to_guest);
		data += data_part(page, size);
		size -= data_part(page, size);
		list += sizeof(page);
	}
	return status;
}

enum nvme_status nvme_move(struct nvme *nvme, const struct nvme_command *command, uint8_t *data,
			   uint32_t size, bool to_guest)
{
	uint32_t part = data_part(command->prp1, size);
	enum nvme_status status = data_move(nvme, command->prp1, data, part, to_guest);

	data += part;
	size -= part;
	if (status != NVME_OK || !size)
		return status;
	if (size <= PAGE)
		return data_move(nvme, command->prp2, data, size, to_guest);
	return data_by_list(nvme, command->prp2, data, size, to_guest);
}
