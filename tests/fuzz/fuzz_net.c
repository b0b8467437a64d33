/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A network card, or sockets, as a guest has them that does anything, over a kernel made of nothing
 * that refuses now and then: what it serves lies in the guest's memory, and stands where it must.
 */

#include "tests/fuzz/virtio.h"

#include "devices/virtio/net.h"
#include "devices/virtio/vsock.h"
/* The kernel behind it. */
#include "tests/unit/support/fake_vhost.h"

enum { STEPS_MAX = 128, PAIRS = 2, COMMANDS = 0x100000 };

enum step {
	STEP_WRITE,
	STEP_READ,
	STEP_CONFIG_WRITE,
	STEP_CONFIG_READ,
	STEP_POKE,
	STEP_DRIVE,
	STEP_COMMAND,
	STEP_KICK,
	STEP_SIGNAL,
	STEP_FAIL,
	STEP_STAND,
	STEP_RESTART,
	STEPS,
};

static bool stands;

/* As a driver does, with features of its own choice, as far as it may. */
static void step_drive(void)
{
	uint64_t features = virtio_offered(bench) & ~take64(&input);
	uint16_t size = (uint16_t)(1 << take8(&input) % 9);

	features |= UINT64_C(1) << VIRTIO_F_VERSION_1;
	drive(features, size);
}

/* To the control queue, wherever the driver takes it to be. */
static void step_command(void)
{
	struct driver_queue *queue = take_queue();
	unsigned int flags = take8(&input);
	uint8_t bytes[4];

	take(&input, bytes, sizeof(bytes));
	if (!queue)
		return;
	require(ram_write(bench->memory.ram, COMMANDS, bytes, sizeof(bytes)) == 0);
	driver_describe(queue, 0, COMMANDS, 4, flags & 1, 1 % queue->place.size);
	driver_describe(queue, 1 % queue->place.size, COMMANDS + 16, flags >> 4, VRING_DESC_F_WRITE,
			0);
	driver_offer(queue, 0);
	virtio_kick(bench, (unsigned int)(queue - bench->queues));
}

static struct fake_vhost_file *take_node(void)
{
	struct fake_vhost_file *file = &fake_vhost.files[take8(&input) % fake_vhost.count];

	return file->kind == FAKE_VHOST_TAP || !fake_vhost_is_open(file) ? NULL : file;
}

/* The kernel interrupts, or cannot go on. */
static void step_signal(void)
{
	const struct fake_vhost_file *node = take_node();
	unsigned int which = take8(&input);

	if (!node || !fake_ring_runs(node, which & 1))
		return;
	if (which & 2)
		fd_signal(node->rings[which & 1].err);
	else if (node->rings[which & 1].call >= 0)
		fd_signal(node->rings[which & 1].call);
}

static void step(void)
{
	unsigned int offset;

	switch (take8(&input) % STEPS) {
	case STEP_WRITE:
		step_write();
		break;
	case STEP_READ:
		step_read();
		break;
	case STEP_CONFIG_WRITE:
		offset = take8(&input);
		/* A stop is over at once. */
		require(virtio_config_write(bench, offset, take_size(), (uint32_t)take64(&input)) ==
			MEM_DONE);
		break;
	case STEP_CONFIG_READ:
		step_config_read();
		break;
	case STEP_POKE:
		step_poke(8);
		break;
	case STEP_DRIVE:
		step_drive();
		break;
	case STEP_COMMAND:
		step_command();
		break;
	case STEP_KICK:
		virtio_kick(bench, take8(&input));
		break;
	case STEP_SIGNAL:
		step_signal();
		break;
	case STEP_FAIL:
		fault_arm(1 + take8(&input) % 16, FAULT_ERROR, -ENOMEM);
		fault_plan.only = "ioctl";
		break;
	case STEP_STAND:
		stands = !stands;
		virtio_function_stand(bench->device, stands);
		break;
	default:
		step_restart();
		break;
	}
}

/* The guest's memory and nothing else, while the guest runs and lets it. */
static void check_ring(const struct fake_ring *ring)
{
	uint64_t gpa;

	require(virtio_config_read(bench, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	require(!stands);
	require(ram_guest(bench->memory.ram, (void *)(uintptr_t)ring->place.desc_user_addr, &gpa) ==
		0);
	require(ram_guest(bench->memory.ram, (void *)(uintptr_t)ring->place.avail_user_addr,
			  &gpa) == 0);
	require(ram_guest(bench->memory.ram, (void *)(uintptr_t)ring->place.used_user_addr, &gpa) ==
		0);
	require(ring->size > 0 && ring->size <= bench->device->queue_size);
}

static void check(void)
{
	for (unsigned int i = 0; i < fake_vhost.count; i++)
		for (unsigned int j = 0; j < FAKE_VHOST_RINGS; j++)
			if (fake_vhost.files[i].kind != FAKE_VHOST_TAP &&
			    fake_ring_runs(&fake_vhost.files[i], j))
				check_ring(&fake_vhost.files[i].rings[j]);
}

static void create(void)
{
	const struct net_config config = {.tap = "tap0", .pairs = 1 + take8(&input) % PAIRS};
	bool sockets = take8(&input) & 1;
	struct err err = {0};

	fake_vhost_begin();
	fault_disarm();
	stands = false;
	bench = virtio_bench_create(sockets ? vsock_create(3, &err) : net_create(&config, 0, &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int descriptors = open_descriptors();

	input = (struct input){.bytes = data, .left = size};
	create();
	for (unsigned int i = 0; i < STEPS_MAX && input.left > 0; i++) {
		step();
		virtio_turn_loop(bench);
		check();
	}
	fault_disarm();
	virtio_bench_destroy(bench);
	require(open_descriptors() == descriptors);
	return 0;
}
