/* SPDX-License-Identifier: BSD-3-Clause */
/* What a vfio-user server asks of this side: memory that it does not map, by messages. */

#include "vfio/user/serve.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/clock.h"

/* Milliseconds as poll(2) takes them. */
static int serve_patience(int64_t deadline)
{
	int64_t left = deadline - clock_now_ms();

	if (!deadline)
		return -1;
	return left > 0 ? (int)left : 0;
}

int vfio_user_wait_for(struct vfio_user_client *client, int64_t deadline)
{
	struct pollfd polled[] = {
		{client->stop, POLLIN, 0},
		{client->wire.fd, POLLIN, 0},
		{client->twin.fd, POLLIN, 0}, /* one that is negative is left out */
	};

	int ready;

	while ((ready = poll(polled, ARRAY_SIZE(polled), serve_patience(deadline))) < 0)
		if (errno != EINTR)
			return -errno;
	if (!ready)
		return -ETIMEDOUT;
	if (polled[0].revents)
		return -ECANCELED;
	return polled[1].revents ? 0 : 1;
}

/* @size bytes of the client's buffer are its payload. */
static void serve_answer(struct vfio_user_client *client, const struct vfio_user_wire *wire,
			 const struct vfio_user_header *asked, int rc, uint32_t size)
{
	struct vfio_user_header header = {
		.id = asked->id,
		.command = asked->command,
		.size = (uint32_t)sizeof(header) + (rc ? 0 : size),
		.flags = VFIO_USER_REPLY | (rc ? VFIO_USER_ERROR : 0),
		.error = (uint32_t)-rc,
	};
	struct iovec parts[] = {{&header, sizeof(header)}, {client->buffer, rc ? 0 : size}};
	int64_t deadline = clock_now_ms() + client->config.patience_ms;
	/*
	 * The twin's only sender is here: a server that waits for this answer may take nothing
	 * else meanwhile. Who asks without a thread holds the lock already.
	 */
	bool shared = client->started && wire == &client->wire;

	if (asked->flags & VFIO_USER_NO_REPLY)
		return;
	if (shared)
		pthread_mutex_lock(&client->sending);
	rc = vfio_user_is_lost(client)
		     ? -ECANCELED
		     : vfio_user_wire_send(wire, parts, ARRAY_SIZE(parts), NULL, 0, deadline);
	if (shared)
		pthread_mutex_unlock(&client->sending);
	if (rc == -ETIMEDOUT)
		vfio_user_lose(client, "asks for %s and does not take the answer",
			       vfio_user_name(asked->command));
	else if (rc && rc != -ECANCELED)
		vfio_user_lose(client, "has ended the connection");
}

/* @size bytes came. How many are to go back in *@answer. */
static int serve_dma(struct vfio_user_client *client, bool writes, uint32_t size, uint32_t *answer)
{
	const struct vfio_user_config *config = &client->config;
	uint8_t *data = client->buffer + sizeof(struct vfio_user_dma);
	struct vfio_user_dma dma;
	uint32_t count;

	if (size < sizeof(dma))
		return -EINVAL;
	memcpy(&dma, client->buffer, sizeof(dma));
	if (dma.count > VFIO_USER_USUAL_TRANSFER)
		return -EINVAL;
	count = (uint32_t)dma.count;
	/* The last of several that libvfio-user sends is as long as those before it. */
	if (writes ? size - sizeof(dma) < count : size > sizeof(dma))
		return -EINVAL;
	*answer = (uint32_t)sizeof(dma) + (writes ? 0 : count);
	return config->copy ? config->copy(config->owner, dma.address, data, count, writes)
			    : -EFAULT;
}

void vfio_user_serve(struct vfio_user_client *client, const struct vfio_user_wire *wire,
		     const struct vfio_user_header *header, uint32_t size)
{
	int64_t since = vfio_user_now();
	uint32_t answer = 0;
	int rc;

	if ((header->flags & VFIO_USER_TYPE_MASK) != 0) {
		vfio_user_lose(client, "has sent %s of no kind that there is",
			       vfio_user_name(header->command));
		return;
	}
	switch (header->command) {
	case VFIO_USER_DMA_READ:
	case VFIO_USER_DMA_WRITE:
		rc = serve_dma(client, header->command == VFIO_USER_DMA_WRITE, size, &answer);
		break;
	default:
		rc = -EOPNOTSUPP;
		break;
	}
	serve_answer(client, wire, header, rc, answer);
	pthread_mutex_lock(&client->lock);
	vfio_user_count(client->tallies.served, header->command, since);
	pthread_mutex_unlock(&client->lock);
}
