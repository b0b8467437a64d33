/* SPDX-License-Identifier: BSD-3-Clause */
/* What is asked of a vhost-user server: each message with what it must be answered. */

#include "devices/virtio/vhost_user.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/vhost_types.h>
#include <sys/socket.h>

#include "devices/virtio/vhost_user_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

enum { TABLE_REGIONS_MAX = 8, SLOTS_MOST = 1 << 16 };

/*
 * What the protocol calls user addresses need only be told apart: they are guest-physical ones,
 * moved to where no server takes one for none.
 */
static const uint64_t user_addresses = UINT64_C(1) << 46;

struct vhost_user_region {
	uint64_t guest, size, user, offset;
};

static int user_ask_u64(struct vhost_user *user, enum vhost_user_request request, uint64_t *value,
			struct err *err)
{
	const struct vhost_user_message message = {.request = request};
	struct vhost_user_answer answer = {
		.payload = value,
		.least = sizeof(*value),
		.size = sizeof(*value),
	};

	return vhost_user_talk(user, &message, &answer, err);
}

static int user_tell(struct vhost_user *user, enum vhost_user_request request, const void *payload,
		     uint32_t size, struct err *err)
{
	const struct vhost_user_message message = {
		.request = request,
		.payload = payload,
		.size = size,
	};

	return vhost_user_tell(user, &message, err);
}

static int user_tell_fd(struct vhost_user *user, enum vhost_user_request request,
			const void *payload, uint32_t size, int fd, struct err *err)
{
	const struct vhost_user_message message = {
		.request = request,
		.payload = payload,
		.size = size,
		.fds = {fd},
		.fd_count = 1,
	};

	return vhost_user_tell(user, &message, err);
}

/* None of them is acknowledged: whether that can be is what they settle. */
static int user_settle_protocol(struct vhost_user *user, struct err *err)
{
	const uint64_t listens =
		UINT64_C(1) << PROTOCOL_CONFIG | UINT64_C(1) << PROTOCOL_BACKEND_REQUESTS;
	const uint64_t wanted = UINT64_C(1) << PROTOCOL_MQ | UINT64_C(1) << PROTOCOL_REPLY_ACK |
				UINT64_C(1) << PROTOCOL_CONFIG | UINT64_C(1) << PROTOCOL_INFLIGHT |
				UINT64_C(1) << PROTOCOL_RESET_DEVICE |
				UINT64_C(1) << PROTOCOL_MEMORY_SLOTS;
	uint64_t offered, both;
	int rc = user_ask_u64(user, GET_PROTOCOL_FEATURES, &offered, err);

	if (rc)
		return rc;
	both = offered & wanted;
	if (user->listens && (offered & listens) == listens)
		both |= listens;
	rc = user_tell(user, SET_PROTOCOL_FEATURES, &both, sizeof(both), err);
	user->protocol = both;
	return rc;
}

static int user_count_queues(struct vhost_user *user, struct err *err)
{
	uint64_t count = UINT32_MAX;
	int rc = 0;

	/* A server without it has as many as its kind of device has at least. */
	if (vhost_user_has(user, PROTOCOL_MQ))
		rc = user_ask_u64(user, GET_QUEUE_NUM, &count, err);
	user->queues = count < UINT32_MAX ? (unsigned int)count : UINT32_MAX;
	return rc;
}

/* A server reads there without looking first, and so has an end that waits. */
static int user_listen(struct vhost_user *user, struct err *err)
{
	int ends[2], rc;

	if (!vhost_user_has(user, PROTOCOL_BACKEND_REQUESTS))
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return err_set(err, -errno, "a socket for its server: %s", err_text(errno));
	user->backend = ends[0];
	rc = user_tell_fd(user, SET_BACKEND_REQ_FD, NULL, 0, ends[1], err);
	fd_close(&ends[1]);
	return rc;
}

int vhost_user_open(struct vhost_user *user, int fd, struct err *err)
{
	int rc;

	user->fd = fd;
	user->backend = -1;
	user->protocol = 0;
	user->changed = false;
	rc = user_ask_u64(user, GET_FEATURES, &user->features, err);
	user->extended = user->features >> FEATURE_PROTOCOL & 1;
	if (!rc && user->extended)
		rc = user_settle_protocol(user, err);
	if (!rc)
		rc = user_tell(user, SET_OWNER, NULL, 0, err);
	if (!rc)
		rc = user_count_queues(user, err);
	if (!rc)
		rc = user_listen(user, err);
	user->features &= ~(UINT64_C(1) << FEATURE_PROTOCOL);
	if (rc)
		vhost_user_close(user);
	return rc;
}

void vhost_user_close(struct vhost_user *user)
{
	fd_close(&user->backend);
	fd_close(&user->fd);
}

int vhost_user_get_config(struct vhost_user *user, void *config, uint32_t size, struct err *err)
{
	struct {
		uint32_t offset, size, flags;
		uint8_t bytes[VHOST_USER_CONFIG_MAX];
	} part = {.size = size};
	const uint32_t whole = offsetof(__typeof__(part), bytes) + size;
	const struct vhost_user_message message = {GET_CONFIG, &part, whole, {0}, 0};
	struct vhost_user_answer answer = {.payload = &part, .size = whole};
	int rc;

	if (!vhost_user_has(user, PROTOCOL_CONFIG))
		return err_set(err, -EINVAL,
			       "its server tells nothing of the device's configuration "
			       "(VHOST_USER_PROTOCOL_F_CONFIG): take another server");
	rc = vhost_user_talk(user, &message, &answer, err);
	if (rc)
		return rc;
	if (answer.came != whole || part.offset != 0 || part.size != size)
		/* Some say no without a word, some by a size of 0. */
		return err_set(err, answer.came && part.size ? -EPROTO : -EINVAL,
			       "its server has no %" PRIu32
			       " bytes of configuration: is it of another kind of device?",
			       size);
	memcpy(config, part.bytes, size);
	return 0;
}

int vhost_user_set_features(struct vhost_user *user, uint64_t features, struct err *err)
{
	if (user->extended)
		features |= UINT64_C(1) << FEATURE_PROTOCOL;
	return user_tell(user, SET_FEATURES, &features, sizeof(features), err);
}

static struct vhost_user_region user_region(const struct ram *ram, size_t index, int *fd)
{
	const struct mem_region *piece = ram_piece(ram, index);
	struct vhost_user_region region = {
		.guest = piece->base,
		.size = piece->size,
		.user = user_addresses + piece->base,
	};

	*fd = ram_file(ram, index, &region.offset);
	return region;
}

static int user_set_table(struct vhost_user *user, const struct ram *ram, struct err *err)
{
	struct {
		uint32_t count, padding;
		struct vhost_user_region regions[TABLE_REGIONS_MAX];
	} table = {.count = (uint32_t)ram_piece_count(ram)};
	struct vhost_user_message message = {
		.request = SET_MEM_TABLE,
		.payload = &table,
		.size = (uint32_t)(8 + table.count * sizeof(table.regions[0])),
		.fd_count = table.count,
	};

	for (size_t i = 0; i < table.count; i++)
		table.regions[i] = user_region(ram, i, &message.fds[i]);
	return vhost_user_tell(user, &message, err);
}

static int user_add_regions(struct vhost_user *user, const struct ram *ram, struct err *err)
{
	size_t count = ram_piece_count(ram);
	uint64_t most = 0;
	int rc = user_ask_u64(user, GET_MAX_MEM_SLOTS, &most, err);

	if (!rc && most < count)
		return err_set(err, -ENOSPC,
			       "its server takes %" PRIu64
			       " pieces of guest memory, which has %zu: take another server",
			       most < SLOTS_MOST ? most : SLOTS_MOST, count);
	for (size_t i = 0; i < count && !rc; i++) {
		struct {
			uint64_t padding;
			struct vhost_user_region region;
		} one = {.padding = 0};
		int fd;

		one.region = user_region(ram, i, &fd);
		rc = user_tell_fd(user, ADD_MEM_REG, &one, sizeof(one), fd, err);
	}
	return rc;
}

int vhost_user_set_memory(struct vhost_user *user, const struct ram *ram, struct err *err)
{
	if (ram_piece_count(ram) <= TABLE_REGIONS_MAX)
		return user_set_table(user, ram, err);
	if (vhost_user_has(user, PROTOCOL_MEMORY_SLOTS))
		return user_add_regions(user, ram, err);
	return err_set(err, -ENOSPC,
		       "its server takes %d pieces of guest memory, which has %zu: take another "
		       "server",
		       TABLE_REGIONS_MAX, ram_piece_count(ram));
}

/* With the gap that compilers leave behind it, which servers want as well. */
struct vhost_user_area {
	uint64_t size, offset;
	uint16_t queues, queue_size;
};

enum { AREA_LEAST = 20 };

int vhost_user_get_inflight(struct vhost_user *user, unsigned int queues, uint16_t queue_size,
			    struct vhost_user_inflight *inflight, struct err *err)
{
	struct vhost_user_area area = {.queues = (uint16_t)queues, .queue_size = queue_size};
	const struct vhost_user_message message = {GET_INFLIGHT_FD, &area, sizeof(area), {0}, 0};
	struct vhost_user_answer answer = {
		.payload = &area,
		.least = AREA_LEAST,
		.size = sizeof(area),
		.fd = &inflight->fd,
	};
	int rc = vhost_user_talk(user, &message, &answer, err);

	if (!rc && answer.came != AREA_LEAST && answer.came != sizeof(area)) {
		fd_close(&inflight->fd);
		rc = err_set(err, -EPROTO,
			     "its server has answered GET_INFLIGHT_FD with %" PRIu32
			     " bytes, not %zu",
			     answer.came, sizeof(area));
	}
	if (rc)
		return rc;
	inflight->size = area.size;
	inflight->offset = area.offset;
	inflight->queues = (uint16_t)queues;
	inflight->queue_size = queue_size;
	return 0;
}

int vhost_user_set_inflight(struct vhost_user *user, const struct vhost_user_inflight *inflight,
			    struct err *err)
{
	const struct vhost_user_area area = {
		.size = inflight->size,
		.offset = inflight->offset,
		.queues = inflight->queues,
		.queue_size = inflight->queue_size,
	};

	return user_tell_fd(user, SET_INFLIGHT_FD, &area, sizeof(area), inflight->fd, err);
}

bool vhost_user_tracks(const struct vhost_user *user)
{
	return vhost_user_has(user, PROTOCOL_INFLIGHT);
}

static int user_tell_state(struct vhost_user *user, enum vhost_user_request request,
			   unsigned int index, unsigned int number, struct err *err)
{
	const struct vhost_vring_state state = {.index = index, .num = number};

	return user_tell(user, request, &state, sizeof(state), err);
}

static int user_tell_place(struct vhost_user *user, const struct vhost_user_queue *queue,
			   struct err *err)
{
	const struct vhost_vring_addr addresses = {
		.index = queue->index,
		.desc_user_addr = user_addresses + queue->place.descriptors,
		.used_user_addr = user_addresses + queue->place.device,
		.avail_user_addr = user_addresses + queue->place.driver,
	};

	return user_tell(user, SET_VRING_ADDR, &addresses, sizeof(addresses), err);
}

int vhost_user_start_queue(struct vhost_user *user, const struct vhost_user_queue *queue,
			   struct err *err)
{
	const uint64_t index = queue->index;
	int rc = user_tell_state(user, SET_VRING_NUM, queue->index, queue->place.size, err);

	if (!rc)
		rc = user_tell_state(user, SET_VRING_BASE, queue->index, queue->base, err);
	if (!rc)
		rc = user_tell_place(user, queue, err);
	if (!rc)
		rc = user_tell_fd(user, SET_VRING_CALL, &index, sizeof(index), queue->call, err);
	if (!rc)
		rc = user_tell_fd(user, SET_VRING_KICK, &index, sizeof(index), queue->kick, err);
	if (!rc && user->extended)
		rc = user_tell_state(user, SET_VRING_ENABLE, queue->index, 1, err);
	return rc;
}

int64_t vhost_user_stop_patience(const struct vhost_user *user)
{
	return user->patience_ms ? user->patience_ms : VHOST_USER_STOP_MS;
}

int vhost_user_stop_queue(struct vhost_user *user, unsigned int index, int64_t until,
			  uint16_t *base, struct err *err)
{
	struct vhost_vring_state state = {.index = index};
	const struct vhost_user_message message = {GET_VRING_BASE, &state, sizeof(state), {0}, 0};
	struct vhost_user_answer answer = {
		.payload = &state,
		.least = sizeof(state),
		.size = sizeof(state),
		.patience_ms = VHOST_USER_STOP_MS,
		.until = until,
	};
	int rc = vhost_user_talk(user, &message, &answer, err);

	if (rc)
		return rc;
	if (state.index != index || state.num > UINT16_MAX)
		return err_set(err, -EPROTO,
			       "its server has stopped queue %u at %u, and was asked for queue %u",
			       state.index, state.num, index);
	*base = (uint16_t)state.num;
	return 0;
}

int vhost_user_reset(struct vhost_user *user, struct err *err)
{
	return vhost_user_has(user, PROTOCOL_RESET_DEVICE)
		       ? user_tell(user, RESET_DEVICE, NULL, 0, err)
		       : 0;
}
