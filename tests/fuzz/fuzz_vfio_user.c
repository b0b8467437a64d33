/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vfio-user server that answers in any way and asks for anything, while its device is opened and
 * used. Whatever comes leaves no descriptor open and nobody waiting.
 */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/input.h"
#include "tests/unit/support/fake_doorbell.h"
#include "vfio/pci/irq.h"
#include "vfio/pci/region.h"
#include "vfio/user/device_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"

enum { FILE_SIZE = 0x4000, ANSWER_MAX = 8192, FDS_MAX = 3 };

static struct input input; /* the server's, while it runs */
static int file;

struct answer {
	struct vfio_user_header header;
	uint8_t payload[ANSWER_MAX] __attribute__((aligned(8)));
	unsigned int fds;
};

static bool send_answer(int fd, const struct answer *answer, size_t size)
{
	char room[CMSG_SPACE(FDS_MAX * sizeof(int))] __attribute__((aligned(8))) = {0};
	struct iovec part = {(void *)answer, size};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	if (answer->fds) {
		struct cmsghdr *control;

		header.msg_control = room;
		header.msg_controllen = CMSG_SPACE(answer->fds * sizeof(int));
		control = CMSG_FIRSTHDR(&header);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(answer->fds * sizeof(int));
		for (unsigned int i = 0; i < answer->fds; i++)
			memcpy(CMSG_DATA(control) + i * sizeof(int), &file, sizeof(file));
	}
	return size && sendmsg(fd, &header, MSG_NOSIGNAL) == (ssize_t)size;
}

/* A region as it may be, with what follows it as the input has it. */
static uint32_t fill_region(struct answer *answer)
{
	struct vfio_region_info info;
	uint32_t more = take8(&input) % 64;

	memcpy(&info, answer->payload, sizeof(info));
	info.size = info.index == VFIO_PCI_CONFIG_REGION_INDEX ? 4096 : take8(&input) % 5 * 0x1000;
	info.flags = 3;
	info.offset = 0;
	info.cap_offset = 0;
	if (info.size && info.index < VFIO_PCI_ROM_REGION_INDEX && take8(&input) % 2) {
		info.flags |= VFIO_REGION_INFO_FLAG_MMAP;
		answer->fds = 1;
	}
	for (uint32_t i = 0; i < more; i++)
		answer->payload[sizeof(info) + i] = take8(&input);
	if (more) {
		info.flags |= VFIO_REGION_INFO_FLAG_CAPS;
		info.cap_offset = sizeof(info);
		answer->payload[sizeof(info)] = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
		answer->payload[sizeof(info) + 1] = 0;
	}
	info.argsz = (uint32_t)sizeof(info) + more;
	memcpy(answer->payload, &info, sizeof(info));
	return info.argsz;
}

/* The answer that is wanted, to the request that lies there; so large is its payload. */
static uint32_t fill(struct answer *answer, uint32_t size)
{
	const struct vfio_user_info info = {16, VFIO_DEVICE_FLAGS_PCI, VFIO_USER_REGIONS, 5};
	static const char version[] = "\0\0\1\0{\"capabilities\":{\"max_msg_fds\":2}}";
	struct vfio_user_access access;

	switch (answer->header.command) {
	case VFIO_USER_VERSION:
		memcpy(answer->payload, version, sizeof(version));
		return sizeof(version);
	case VFIO_USER_GET_INFO:
		memcpy(answer->payload, &info, sizeof(info));
		return sizeof(info);
	case VFIO_USER_GET_REGION_INFO:
		return fill_region(answer);
	case VFIO_USER_GET_IRQ_INFO:
		answer->payload[4] = VFIO_IRQ_INFO_EVENTFD;
		answer->payload[12] = take8(&input);
		return size;
	case VFIO_USER_REGION_READ:
		memcpy(&access, answer->payload, sizeof(access));
		if (access.count <= ANSWER_MAX - sizeof(access))
			size += access.count;
		return size;
	case VFIO_USER_REGION_WRITE:
		return sizeof(access);
	case VFIO_USER_DMA_UNMAP:
		return size;
	default:
		return 0;
	}
}

/* Something else than is wanted; false: the connection ends with it. */
static bool spoil(struct answer *answer, size_t *size)
{
	uint8_t *bytes = (uint8_t *)answer;

	switch (take8(&input) % 8) {
	case 0:
		answer->fds = take8(&input) % (FDS_MAX + 1);
		return true;
	case 1:
		answer->header.size = take8(&input) | (uint32_t)take16(&input) << 16;
		return false;
	case 2:
		*size = take16(&input) % (*size + 1);
		return false;
	default:
		bytes[take16(&input) % *size] ^= take8(&input);
		return answer->header.size == *size;
	}
}

/* A request of the server's own. */
static bool ask(int fd)
{
	struct answer request = {.header = {.id = take8(&input)}};
	struct vfio_user_dma dma = {.address = take16(&input), .count = take16(&input) % 64};
	uint32_t size = sizeof(dma);

	request.header.command = take8(&input) % 16;
	if (request.header.command == VFIO_USER_DMA_WRITE)
		size += (uint32_t)dma.count;
	if (take8(&input) % 4 == 0)
		dma.count = take64(&input);
	if (take8(&input) % 4 == 0)
		request.header.flags = VFIO_USER_NO_REPLY;
	request.header.size = (uint32_t)sizeof(request.header) + size;
	memcpy(request.payload, &dma, sizeof(dma));
	return send_answer(fd, &request, request.header.size);
}

/* What came, without its descriptors. */
static bool receive(int fd, struct answer *answer, uint32_t *size)
{
	if (recv(fd, &answer->header, sizeof(answer->header), MSG_WAITALL) !=
	    (ssize_t)sizeof(answer->header))
		return false;
	*size = answer->header.size - (uint32_t)sizeof(answer->header);
	require(answer->header.size >= sizeof(answer->header) && *size <= ANSWER_MAX);
	return !*size || recv(fd, answer->payload, *size, MSG_WAITALL) == (ssize_t)*size;
}

static void *server_main(void *argument)
{
	int fd = *(int *)argument;
	bool on = true;

	while (on) {
		static struct answer answer;
		uint32_t size;
		size_t whole;

		memset(&answer, 0, sizeof(answer));
		if (!receive(fd, &answer, &size))
			break;
		if ((answer.header.flags & VFIO_USER_TYPE_MASK) == VFIO_USER_REPLY ||
		    answer.header.flags & VFIO_USER_NO_REPLY)
			continue;
		if (!input.left)
			break;
		if (take8(&input) % 8 == 0)
			on = ask(fd);
		whole = sizeof(answer.header) + fill(&answer, size);
		answer.header.flags = VFIO_USER_REPLY;
		answer.header.size = (uint32_t)whole;
		if (take8(&input) % 16 == 0)
			on = spoil(&answer, &whole) && on;
		on = send_answer(fd, &answer, whole) && on;
	}
	close(fd);
	return NULL;
}

static void use(struct vfio_backend *backend, struct vfio_user_memory *memory)
{
	static uint8_t ram[FILE_SIZE] __attribute__((aligned(4096)));
	const struct vfio_mapping mapping = {
		.iova = 0x1000,
		.size = FILE_SIZE,
		.host = ram,
		.fd = file,
		.flags = VFIO_MAP_READ | VFIO_MAP_WRITE,
	};
	int eventfds[3] = {file, -1, file};
	uint64_t value, unmapped;
	struct err err;
	int rc = memory->space.ops->map(&memory->space, &mapping);

	for (uint32_t i = 0; i < VFIO_USER_REGIONS; i++) {
		struct vfio_region region;

		if (vfio_region_load(backend, i, &region, &err) || !region.present)
			continue;
		require(region.info.index == i && region.area_count <= VFIO_AREAS_MAX);
		(void)vfio_region_write(backend, &region, 4, 4, 7);
		(void)vfio_region_read(backend, &region, 4, 4, &value);
		require(value <= UINT32_MAX);
	}
	require(vfio_irq_count(backend, VFIO_PCI_REQ_IRQ_INDEX, NULL) == 1);
	(void)vfio_irq_count(backend, VFIO_PCI_MSIX_IRQ_INDEX, NULL);
	(void)!vfio_irq_trigger(backend, VFIO_PCI_MSIX_IRQ_INDEX, 0, 3, eventfds);
	(void)!vfio_irq_disable(backend, VFIO_PCI_MSIX_IRQ_INDEX);
	(void)backend->ops->reset(backend);
	if (!rc)
		(void)memory->space.ops->unmap(&memory->space, 0x1000, FILE_SIZE, &unmapped);
	require(memory->count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vfio_user_memory memory = {.count = 0};
	struct vfio_backend *backend;
	struct err err = {0};
	pthread_t thread;
	unsigned int descriptors = open_descriptors();
	int ends[2];

	input = (struct input){.bytes = data, .left = size};
	file = memfd_create("fuzz", MFD_CLOEXEC);
	require(file >= 0 && ftruncate(file, FILE_SIZE) == 0);
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	vfio_user_memory_init(&memory);
	require(pthread_create(&thread, NULL, server_main, &ends[1]) == 0);
	backend = vfio_user_device(ends[0], "user0", 0, (struct kvm_vm *)(void *)&memory, &memory,
				   &err);
	require(!backend == (err.code < 0));
	if (backend) {
		require(vfio_user_device_begin(backend, &err) == 0);
		use(backend, &memory);
		backend->ops->close(backend);
	}
	pthread_join(thread, NULL);
	vfio_user_memory_release(&memory);
	close(file);
	require(open_descriptors() == descriptors);
	return 0;
}
