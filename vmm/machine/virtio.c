/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine's virtio devices: put on its bus, and what serves them. */

#include "vmm/machine/virtio.h"

#include <errno.h>

#include "devices/virtio/disk.h"
#include "devices/virtio/entropy.h"
#include "devices/virtio/function.h"
#include "devices/virtio/hvc.h"
#include "devices/virtio/net.h"
#include "devices/virtio/vhost_user_device.h"
#include "devices/virtio/vsock.h"
#include "vmm/base/clock.h"
#include "vmm/base/log.h"
#include "vmm/machine/console.h"
#include "vmm/machine/machine_private.h"

/* For a program to write what it holds. */
enum { VIRTIO_PATIENCE_MS = 10000 };

/* What an option asks for: how many of them, and the nth. */
struct virtio_kind {
	size_t (*count)(const struct machine *machine);
	struct virtio_device *(*create)(struct machine *machine, size_t index, struct err *err);
	bool optional; /* the guest does without where there is no room */
};

static size_t virtio_count_disks(const struct machine *machine)
{
	return machine->config->disk_count;
}

static struct virtio_device *virtio_create_disk(struct machine *machine, size_t index,
						struct err *err)
{
	return disk_create(&machine->config->disks[index].disk, (unsigned int)index, err);
}

static size_t virtio_count_consoles(const struct machine *machine)
{
	return machine->config->hvc != HVC_NONE;
}

static size_t virtio_console_output(void *owner, const uint8_t *bytes, size_t count)
{
	struct machine *machine = owner;

	return console_write(machine->hvc_console, bytes, count);
}

static void virtio_console_room(void *owner)
{
	struct machine *machine = owner;

	console_room(machine->hvc_console);
}

static size_t virtio_console_input(void *owner, const uint8_t *bytes, size_t count)
{
	struct machine *machine = owner;

	return hvc_input(machine->hvc, bytes, count);
}

static void virtio_console_wake(void *owner)
{
	struct machine *machine = owner;

	hvc_wake(machine->hvc);
}

static struct virtio_device *virtio_create_console(struct machine *machine, size_t index,
						   struct err *err)
{
	const struct console_place place = {
		.kind = machine->config->hvc == HVC_STDIO ? SERIAL_STDIO : SERIAL_PTY,
		.port = "console",
		.option = "--console",
	};
	const struct console_owner owner = {
		.input = virtio_console_input,
		.request = machine_hear_key,
		.wake = virtio_console_wake,
		.machine = machine,
	};
	struct hvc_config config = {
		.output = virtio_console_output,
		.room = virtio_console_room,
		.owner = machine,
	};

	(void)index;
	machine->hvc_console = console_create(&place, machine->loop, &owner, err);
	if (!machine->hvc_console)
		return NULL;
	console_size(machine->hvc_console, &config.columns, &config.rows);
	machine->hvc = hvc_create(&config, err);
	return machine->hvc;
}

static size_t virtio_count_nets(const struct machine *machine)
{
	return machine->config->net_count;
}

static struct virtio_device *virtio_create_net(struct machine *machine, size_t index,
					       struct err *err)
{
	return net_create(&machine->config->nets[index].net, (unsigned int)index, err);
}

static size_t virtio_count_vsocks(const struct machine *machine)
{
	return machine->config->vsock ? 1 : 0;
}

static struct virtio_device *virtio_create_vsock(struct machine *machine, size_t index,
						 struct err *err)
{
	(void)index;
	return vsock_create(machine->config->vsock, err);
}

static size_t virtio_count_vhost_user(const struct machine *machine)
{
	return machine->config->vhost_user_count;
}

/*
 * What a program of the monitor's own start said, where it has ended, is why; or its age. One that
 * was given up ends too, for that alone.
 */
static void virtio_explain(struct program *program, struct err *err)
{
	const char *name = program_name(program);
	const struct err why = *err;
	bool left = why.code == -ECONNRESET || why.code == -EPIPE;
	char words[PROGRAM_WORDS_MAX];

	program_last_words(program, words, 2000);
	if (program_why_unfit(program))
		err_set(err, -ENOTSUP, "%s: %s", name, program_why_unfit(program));
	else if (words[0] && left && program_has_ended(program))
		err_set(err, why.code, "%s has ended: %s", name, words);
	else if (words[0])
		err_set(err, why.code, "%s; it said last: %s", why.text, words);
}

/* One whose server is started here: the user has named a folder, say, and no server. */
static struct virtio_device *virtio_create_service(struct machine *machine, size_t index,
						   struct err *err)
{
	const struct service *asked = &machine->config->vhost_user[index].service;
	struct virtio_service *service = &machine->services[index];
	struct virtio_device *device = NULL;

	service->program = service_start(asked, &service->config, machine->loop, err);
	if (service->program) {
		service->config.server = program_name(service->program);
		device = vhost_user_create(&service->config, (unsigned int)index, err);
		if (!device)
			virtio_explain(service->program, err);
		if (!device && asked->path)
			err_prefix(err, "%s", asked->path);
	}
	if (!device)
		err_prefix(err, "%s", service_option(asked->kind));
	return device;
}

static struct virtio_device *virtio_create_vhost_user(struct machine *machine, size_t index,
						      struct err *err)
{
	const struct config_vhost_user *config = &machine->config->vhost_user[index];
	struct virtio_service *service = &machine->services[index];

	service->config = config->device;
	/* The run's root folder has no files by then. */
	service->config.once = machine->config->user.uid != 0;
	return config->service.kind == SERVICE_NONE
		       ? vhost_user_create(&service->config, (unsigned int)index, err)
		       : virtio_create_service(machine, index, err);
}

static size_t virtio_count_sources(const struct machine *machine)
{
	return machine->config->rng == RNG_ON ||
	       (machine->config->rng == RNG_IF_ROOM && !machine->crowded);
}

static struct virtio_device *virtio_create_source(struct machine *machine, size_t index,
						  struct err *err)
{
	(void)machine;
	(void)index;
	return entropy_create(err);
}

/* In the order of their slots; what nobody asked for comes last. */
static const struct virtio_kind virtio_kinds[] = {
	{virtio_count_disks, virtio_create_disk, false},
	{virtio_count_nets, virtio_create_net, false},
	{virtio_count_vsocks, virtio_create_vsock, false},
	{virtio_count_vhost_user, virtio_create_vhost_user, false},
	{virtio_count_consoles, virtio_create_console, false},
	{virtio_count_sources, virtio_create_source, true},
};

enum { VIRTIO_KINDS = sizeof(virtio_kinds) / sizeof(virtio_kinds[0]) };

uint64_t virtio_window_size(const struct machine *machine)
{
	uint64_t count = 0;

	for (size_t i = 0; i < VIRTIO_KINDS; i++)
		count += virtio_kinds[i].count(machine);
	return count * VIRTIO_FUNCTION_BAR_SIZE;
}

bool virtio_make_room(struct machine *machine, struct err *err)
{
	if (err->code != -ENOSPC || machine->crowded || machine->config->rng != RNG_IF_ROOM)
		return false;
	machine->crowded = true;
	log_info("the guest gets no source of random bytes, for which there is no room: %s",
		 err->text);
	*err = (struct err){0};
	return true;
}

/* A device's thread may come to it while the vCPUs end. */
static void virtio_wake(void *owner)
{
	struct machine *machine = owner;

	pthread_mutex_lock(&machine->lock);
	if (machine->run)
		run_wake(machine->run);
	pthread_mutex_unlock(&machine->lock);
}

static int virtio_add(struct machine *machine, struct virtio_device *device, struct err *err)
{
	const struct virtio_function_setup setup = {
		.host = machine->host,
		.irq = arch_vm_irq(machine->arch),
		.loop = machine->loop,
		.ram = machine->ram,
		.wake = virtio_wake,
		.machine = machine,
	};
	int rc = virtio_function_create(device, &setup, err);

	if (!rc)
		machine->virtio[machine->virtio_count++] = device;
	return rc;
}

static int virtio_create_all(struct machine *machine, const struct virtio_kind *kind,
			     struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < kind->count(machine) && !rc; i++) {
		struct virtio_device *device = kind->create(machine, i, err);

		rc = device ? virtio_add(machine, device, err) : err->code;
	}
	return rc;
}

int virtio_create(struct machine *machine, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < VIRTIO_KINDS && !rc; i++) {
		rc = virtio_create_all(machine, &virtio_kinds[i], err);
		if (rc && virtio_kinds[i].optional && virtio_make_room(machine, err))
			rc = 0;
	}
	return rc;
}

int virtio_begin(struct machine *machine, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < machine->virtio_count && !rc; i++)
		if (machine->virtio[i]->ops->begin)
			rc = machine->virtio[i]->ops->begin(machine->virtio[i], err);
	return rc;
}

void virtio_stand(struct machine *machine)
{
	for (size_t i = 0; i < machine->virtio_count; i++)
		virtio_function_stand(machine->virtio[i], machine->paused);
}

void virtio_end_services(struct machine *machine)
{
	int64_t end = clock_now_ms() + VIRTIO_PATIENCE_MS;

	for (size_t i = 0; i < machine->config->vhost_user_count; i++)
		program_hang_up(machine->services[i].program);
	for (size_t i = 0; i < machine->config->vhost_user_count; i++) {
		int64_t left = end - clock_now_ms();

		program_end(machine->services[i].program, left > 0 ? (int)left : 0);
		machine->services[i].program = NULL;
	}
}
