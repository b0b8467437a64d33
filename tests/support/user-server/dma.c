/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest memory as a server reaches it: mapped by the client's descriptors, or by messages. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/user-server/server_private.h"

static struct user_window *dma_find(struct user_server *server, uint64_t address, uint64_t size)
{
	for (unsigned int i = 0; i < server->window_count; i++) {
		struct user_window *window = &server->windows[i];

		if (address >= window->address && size <= window->size &&
		    address - window->address <= window->size - size)
			return window;
	}
	return NULL;
}

int server_map(struct user_server *server, struct server_message *message)
{
	struct user_window *window = &server->windows[server->window_count];
	struct server_map map;
	int protection;

	if (message->size != sizeof(map))
		return -EINVAL;
	memcpy(&map, message->payload, sizeof(map));
	if (dma_find(server, map.address, 1) || dma_find(server, map.address + map.size - 1, 1))
		return -EEXIST;
	if (server->window_count == USER_WINDOWS)
		return -ENOSPC;
	*window = (struct user_window){
		.address = map.address,
		.size = map.size,
		.flags = map.flags,
	};
	protection = (map.flags & 1 ? PROT_READ : 0) | (map.flags & 2 ? PROT_WRITE : 0);
	if (message->fd_count && !server->never_maps) {
		void *host = mmap(NULL, map.size, protection, MAP_SHARED, message->fds[0],
				  (off_t)map.offset);

		if (host == MAP_FAILED)
			return -errno;
		window->host = host;
	}
	server->window_count++;
	return 0;
}

static void dma_release(struct user_window *window)
{
	if (window->host)
		munmap(window->host, window->size);
}

int server_unmap(struct user_server *server, const struct server_message *message)
{
	struct server_unmap unmap;

	if (message->size < sizeof(unmap))
		return -EINVAL;
	memcpy(&unmap, message->payload, sizeof(unmap));
	for (unsigned int i = 0; i < server->window_count; i++) {
		struct user_window *window = &server->windows[i];

		if (window->address != unmap.address || window->size != unmap.size)
			continue;
		dma_release(window);
		*window = server->windows[--server->window_count];
		return 0;
	}
	return -ENOENT;
}

void server_forget_windows(struct user_server *server)
{
	while (server->window_count)
		dma_release(&server->windows[--server->window_count]);
}

/* Puts @message off until an answer has come. */
static void dma_queue(struct user_server *server, struct user_queued *queued)
{
	queued->next = NULL;
	*server->end = queued;
	server->end = &queued->next;
}

/*
 * @asked goes before the data that was read. Of the answer to a write the specification has the
 * first 12 bytes, libvfio-user all 16, and QEMU as a client none.
 */
static int dma_take(struct user_server *server, const struct server_message *message,
		    const struct server_dma *asked, void *data)
{
	if (data) {
		if (message->size != sizeof(*asked) + asked->count ||
		    memcmp(message->payload, asked, sizeof(*asked)) != 0)
			return -EIO;
		memcpy(data, message->payload + sizeof(*asked), asked->count);
		return 0;
	}
	server->written = message->size;
	if (message->size > sizeof(*asked) || memcmp(message->payload, asked, message->size) != 0)
		return -EIO;
	return 0;
}

/* The answer to what was asked with @id, copied into @data; -EIO: the client is gone. */
static int dma_await(struct user_server *server, uint16_t id, const struct server_dma *asked,
		     void *data)
{
	for (;;) {
		struct user_queued *queued = malloc(sizeof(*queued));
		const struct server_message *message = &queued->message;
		int rc = 0;

		if (!queued || !server_receive(server->ask, &queued->message)) {
			free(queued);
			return -EIO;
		}
		if (!(message->header.flags & FLAG_REPLY)) {
			dma_queue(server, queued);
			continue;
		}
		if (message->header.id != id)
			rc = -EIO;
		else if (message->header.flags & FLAG_ERROR)
			rc = -(int)message->header.error;
		else
			rc = dma_take(server, message, asked, data);
		free(queued);
		return rc;
	}
}

static int dma_ask(struct user_server *server, enum server_command command, uint64_t address,
		   void *into, const void *from, size_t size)
{
	const struct server_dma dma = {
		.address = address,
		.count = from ? size - (size_t)server->surplus : size,
	};
	const struct server_answer rest = {
		.head = &dma,
		.head_size = sizeof(dma),
		.data = from,
		.data_size = from ? (uint32_t)size : 0,
	};
	const struct server_header header = {
		.id = ++server->last,
		.command = (uint16_t)command,
		.size = (uint32_t)sizeof(header) + rest.head_size + rest.data_size,
	};

	if (!server_send(server->ask, &header, &rest))
		return -EIO;
	return dma_await(server, header.id, &dma, into);
}

int user_server_read(struct user_server *server, uint64_t address, void *data, size_t size)
{
	const struct user_window *window = dma_find(server, address, size);

	if (window && window->host) {
		memcpy(data, window->host + (address - window->address), size);
		return 0;
	}
	return dma_ask(server, COMMAND_DMA_READ, address, data, NULL, size);
}

int user_server_write(struct user_server *server, uint64_t address, const void *data, size_t size)
{
	const struct user_window *window = dma_find(server, address, size);

	if (window && window->host) {
		memcpy(window->host + (address - window->address), data, size);
		return 0;
	}
	return dma_ask(server, COMMAND_DMA_WRITE, address, NULL, data, size);
}
