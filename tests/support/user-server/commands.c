/* SPDX-License-Identifier: BSD-3-Clause */
/* What each message asks of a server: version, what there is, accesses, interrupts, a reset. */

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/user-server/server_private.h"

/* The client's end of a second socket goes with the answer. */
static int command_open_twin(struct user_server *server, struct server_answer *answer)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	server->ask = ends[0];
	answer->fds[answer->fd_count++] = ends[1];
	return 0;
}

/* Behind what is always told; into @text. */
static const char *command_more(const struct user_server *server, bool twin, char text[128])
{
	int length = 0;

	text[0] = '\0';
	if (server->pages)
		length =
			snprintf(text, 128, ",\"pgsizes\":%llu", (unsigned long long)server->pages);
	if (twin)
		snprintf(text + length, 128 - (size_t)length,
			 ",\"twin_socket\":{\"supported\":true,\"fd_index\":0}");
	return text;
}

static unsigned int command_fds(const struct user_server *server)
{
	return server->max_fds ? server->max_fds : SERVER_FDS;
}

static bool command_version(struct user_server *server, struct server_message *message)
{
	struct {
		struct server_version version;
		char json[256];
	} said = {.version = {.minor = SERVER_MINOR}};
	struct server_answer answer = {.head = &said};
	struct server_version asked = {0};
	char more[128];
	int rc = 0;
	bool sent;

	/* Of 0.x both speak what the older one knows. */
	if (message->size >= sizeof(asked))
		memcpy(&asked, message->payload, sizeof(asked));
	if (asked.minor < said.version.minor)
		said.version.minor = asked.minor;
	if (server->twin && strstr((char *)message->payload + sizeof(said.version), "twin_socket"))
		rc = command_open_twin(server, &answer);
	if (server_is_at(server, message, USER_FAULT_MAJOR))
		said.version.major = 1;
	snprintf(said.json, sizeof(said.json),
		 "{\"capabilities\":{\"max_msg_fds\":%u,\"max_data_xfer_size\":%u%s}}%s",
		 server->no_fds ? 0 : command_fds(server),
		 server->max_transfer ? server->max_transfer : SERVER_DATA,
		 command_more(server, answer.fd_count > 0, more),
		 server_is_at(server, message, USER_FAULT_NONSENSE) ? "," : "");
	answer.head_size = (uint32_t)(sizeof(said.version) + strlen(said.json) + 1);
	sent = server_answer(server, message, rc, &answer);
	if (answer.fd_count && server->fault != USER_FAULT_FDS && server->fault != USER_FAULT_FD)
		close(answer.fds[0]);
	return sent;
}

static uint32_t server_regions(const struct user_server *server,
			       const struct server_message *message)
{
	if (server_is_at(server, message, USER_FAULT_PLACE))
		return 0;
	return server->regions ? server->regions : USER_REGIONS;
}

static bool command_info(struct user_server *server, struct server_message *message)
{
	const struct server_info info = {
		.argsz = sizeof(info),
		.flags = (server->not_pci ? VFIO_DEVICE_FLAGS_PLATFORM : VFIO_DEVICE_FLAGS_PCI) |
			 (server->no_reset ? 0 : VFIO_DEVICE_FLAGS_RESET),
		.regions = server_regions(server, message),
		.irqs = USER_IRQS,
	};
	struct server_answer answer = {.head = &info, .head_size = sizeof(info)};

	return server_answer(server, message, 0, &answer);
}

struct command_region {
	struct vfio_region_info info;
	struct vfio_region_info_cap_sparse_mmap sparse;
	struct vfio_region_sparse_mmap_area areas[USER_AREAS];
};

static void command_fill_region(const struct user_region *region, struct command_region *said)
{
	said->info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	said->info.size = region->size;
	said->info.offset = region->fd_offset;
	if (!region->fd)
		return;
	said->info.flags |= VFIO_REGION_INFO_FLAG_MMAP;
	if (!region->area_count)
		return;
	said->info.flags |= VFIO_REGION_INFO_FLAG_CAPS;
	said->info.cap_offset = offsetof(struct command_region, sparse);
	said->info.argsz = (uint32_t)(offsetof(struct command_region, areas) +
				      region->area_count * sizeof(said->areas[0]));
	said->sparse.header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	said->sparse.header.version = 1;
	said->sparse.nr_areas = region->area_count;
	for (unsigned int i = 0; i < region->area_count; i++) {
		said->areas[i].offset = region->areas[i].offset;
		said->areas[i].size = region->areas[i].size;
	}
}

static const struct user_region config_region = {.size = USER_CONFIG_SIZE};

static const struct user_region *command_region(const struct user_server *server, uint32_t index)
{
	return index == USER_CONFIG ? &config_region : &server->model->regions[index];
}

static bool command_region_info(struct user_server *server, struct server_message *message)
{
	struct command_region said = {.info = {.argsz = sizeof(said.info)}};
	struct server_answer answer = {.head = &said};
	struct vfio_region_info asked = {0};
	int rc = -EINVAL;

	if (message->size >= sizeof(asked)) {
		memcpy(&asked, message->payload, sizeof(asked));
		rc = asked.index < USER_REGIONS ? 0 : -EINVAL;
	}
	if (!rc) {
		const struct user_region *region = command_region(server, asked.index);

		said.info.index = asked.index;
		command_fill_region(region, &said);
		if (region->fd) {
			answer.fds[0] = region->fd;
			answer.fd_count = 1;
		}
	}
	if (server_is_at(server, message, USER_FAULT_PLACE))
		said.info.index ^= 1;
	if (server_is_at(server, message, USER_FAULT_BEYOND))
		said.info.offset += 1 << 20;
	answer.head_size = said.info.argsz < asked.argsz ? said.info.argsz : asked.argsz;
	return server_answer(server, message, rc, &answer);
}

struct command_bells {
	struct server_io_fds head;
	struct server_io_fd bells[USER_BELLS];
};

/* One descriptor with each. */
static void command_fill_bells(const struct user_region *region, struct command_bells *said,
			       struct server_answer *answer)
{
	said->head.count = region->bell_count;
	said->head.argsz =
		(uint32_t)(sizeof(said->head) + region->bell_count * sizeof(said->bells[0]));
	for (unsigned int i = 0; i < region->bell_count; i++) {
		said->bells[i] = region->bells[i].to;
		answer->fds[i] = region->bells[i].event;
	}
	answer->fd_count = region->bell_count;
}

static bool command_io_fds(struct user_server *server, struct server_message *message)
{
	struct command_bells said = {.head = {0}};
	struct server_answer answer = {.head = &said};
	int rc = message->size == sizeof(said.head) ? 0 : -EINVAL;

	if (!rc) {
		memcpy(&said.head, message->payload, sizeof(said.head));
		rc = said.head.region < USER_BARS && said.head.argsz >= sizeof(said) ? 0 : -EINVAL;
	}
	if (!rc)
		command_fill_bells(command_region(server, said.head.region), &said, &answer);
	answer.head_size = said.head.argsz;
	if (server_is_at(server, message, USER_FAULT_MANY)) {
		said.head.argsz = 1 << 20;
		answer.head_size = sizeof(said.head);
	}
	said.head.region ^= server_is_at(server, message, USER_FAULT_PLACE);
	said.head.count -= server_is_at(server, message, USER_FAULT_COUNT);
	if (server_is_at(server, message, USER_FAULT_BEYOND))
		said.bells[0].offset += 1 << 20;
	return server_answer(server, message, rc, &answer);
}

static bool command_irq_info(struct user_server *server, struct server_message *message)
{
	struct vfio_irq_info info = {0};
	struct server_answer answer = {.head = &info, .head_size = sizeof(info)};
	int rc = message->size == sizeof(info) ? 0 : -EINVAL;

	if (!rc) {
		memcpy(&info, message->payload, sizeof(info));
		rc = info.index < USER_IRQS ? 0 : -EINVAL;
	}
	if (!rc) {
		info.argsz = sizeof(info);
		info.count = server->model->irqs[info.index];
		info.flags = VFIO_IRQ_INFO_EVENTFD;
		if (info.index == USER_INTX)
			info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
		info.index ^= server_is_at(server, message, USER_FAULT_PLACE);
	}
	return server_answer(server, message, rc, &answer);
}

/* A descriptor that takes another's place. */
static void command_replace(int *fd, int with)
{
	if (*fd >= 0)
		close(*fd);
	*fd = with;
}

static void command_disable(struct user_server *server, uint32_t index)
{
	for (unsigned int i = 0; i < USER_VECTORS; i++)
		command_replace(&server->irqs[index][i], -1);
	if (index == USER_INTX) {
		command_replace(&server->unmask, -1);
		server->masked = false;
	}
}

static int command_take_eventfds(struct user_server *server, const struct vfio_irq_set *set,
				 struct server_message *message)
{
	if (message->fd_count && message->fd_count != set->count)
		return -EINVAL;
	for (uint32_t i = 0; i < set->count; i++) {
		int *fd = &server->irqs[set->index][set->start + i];

		if (set->flags & VFIO_IRQ_SET_ACTION_UNMASK)
			fd = &server->unmask;
		command_replace(fd, message->fd_count ? message->fds[i] : -1);
		if (message->fd_count)
			message->fds[i] = -1;
	}
	return 0;
}

static int command_set(struct user_server *server, struct server_message *message)
{
	struct vfio_irq_set set;

	if (message->size < sizeof(set))
		return -EINVAL;
	memcpy(&set, message->payload, sizeof(set));
	if (set.index >= USER_IRQS || set.start > USER_VECTORS ||
	    set.count > USER_VECTORS - set.start)
		return -EINVAL;
	if (set.flags & VFIO_IRQ_SET_ACTION_UNMASK && set.index != USER_INTX)
		return -EINVAL;
	if (set.flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return command_take_eventfds(server, &set, message);
	if (!(set.flags & VFIO_IRQ_SET_DATA_NONE))
		return -EINVAL;
	if (set.flags & VFIO_IRQ_SET_ACTION_TRIGGER && set.count == 0)
		command_disable(server, set.index);
	else if (set.flags & VFIO_IRQ_SET_ACTION_TRIGGER)
		for (uint32_t i = 0; i < set.count; i++)
			user_server_interrupt(server, set.index, set.start + i);
	else if (set.index == USER_INTX)
		server->masked = set.flags & VFIO_IRQ_SET_ACTION_MASK;
	return 0;
}

static bool command_set_irqs(struct user_server *server, struct server_message *message)
{
	struct server_answer answer = {0};

	return server_answer(server, message, command_set(server, message), &answer);
}

static int command_config(struct user_server *server, const struct server_access *access,
			  uint8_t *data, const uint8_t *from)
{
	for (uint32_t i = 0; i < access->count; i++) {
		uint8_t *at = &server->config[access->offset + i];
		uint8_t mask = server->model->writable[access->offset + i];

		if (from)
			*at = (uint8_t)((*at & ~mask) | (from[i] & mask));
		else
			data[i] = *at;
	}
	return 0;
}

/* Into @data, or out of @from. */
static int command_do_access(struct user_server *server, const struct server_access *access,
			     uint8_t *data, const uint8_t *from)
{
	const struct user_region *region;
	void *owner = server->model->owner;

	if (access->region >= USER_REGIONS || access->count > SERVER_DATA)
		return -EINVAL;
	region = command_region(server, access->region);
	if (access->count > region->size || access->offset > region->size - access->count)
		return -EINVAL;
	if (access->count > atomic_load(&server->largest))
		atomic_store(&server->largest, access->count);
	if (access->region == USER_CONFIG)
		return command_config(server, access, data, from);
	if (from)
		return region->write ? region->write(owner, access->offset, from, access->count)
				     : -EACCES;
	return region->read ? region->read(owner, access->offset, data, access->count) : -EACCES;
}

static bool command_access(struct user_server *server, struct server_message *message)
{
	static _Thread_local uint8_t data[SERVER_DATA];
	bool writes = message->header.command == COMMAND_WRITE;
	struct server_access access = {0};
	struct server_answer answer = {.head = &access, .head_size = sizeof(access)};
	int rc = -EINVAL;

	if (message->size >= sizeof(access)) {
		memcpy(&access, message->payload, sizeof(access));
		if (message->size - sizeof(access) == (writes ? access.count : 0))
			rc = command_do_access(server, &access, data,
					       writes ? message->payload + sizeof(access) : NULL);
	}
	answer.data = data;
	answer.data_size = writes ? 0 : access.count;
	if (server_is_at(server, message, USER_FAULT_PLACE))
		access.offset ^= 8;
	if (server_is_at(server, message, USER_FAULT_COUNT))
		access.count--;
	return server_answer(server, message, rc, &answer);
}

static bool command_reset(struct user_server *server, struct server_message *message)
{
	struct server_answer answer = {0};

	memcpy(server->config, server->model->config, sizeof(server->config));
	server->masked = false;
	if (server->model->reset)
		server->model->reset(server->model->owner);
	return server_answer(server, message, 0, &answer);
}

static bool command_memory(struct user_server *server, struct server_message *message)
{
	struct server_answer answer = {0};
	int rc;

	if (message->header.command == COMMAND_DMA_MAP) {
		rc = server_map(server, message);
	} else {
		rc = server_unmap(server, message);
		answer.head = message->payload;
		answer.head_size = sizeof(struct server_unmap);
	}
	return server_answer(server, message, rc, &answer);
}

static bool command_unknown(struct user_server *server, struct server_message *message)
{
	struct server_answer answer = {0};

	return server_answer(server, message, -ENOTSUP, &answer);
}

bool server_do(struct user_server *server, struct server_message *message)
{
	static bool (*const commands[COMMANDS])(struct user_server * server,
						struct server_message * message) = {
		[COMMAND_VERSION] = command_version,
		[COMMAND_DMA_MAP] = command_memory,
		[COMMAND_DMA_UNMAP] = command_memory,
		[COMMAND_INFO] = command_info,
		[COMMAND_REGION_INFO] = command_region_info,
		[COMMAND_IO_FDS] = command_io_fds,
		[COMMAND_IRQ_INFO] = command_irq_info,
		[COMMAND_SET_IRQS] = command_set_irqs,
		[COMMAND_READ] = command_access,
		[COMMAND_WRITE] = command_access,
		[COMMAND_RESET] = command_reset,
	};
	unsigned int command = message->header.command;
	struct server_answer none = {0};
	bool goes_on;

	if (command < COMMANDS)
		atomic_fetch_add(&server->heard[command], 1);
	if (command >= COMMANDS || !commands[command])
		goes_on = command_unknown(server, message);
	else if (server_is_at(server, message, USER_FAULT_ERROR))
		goes_on = server_answer(server, message, -EIO, &none);
	else
		goes_on = commands[command](server, message);
	server_close_fds(message);
	return goes_on;
}
