/* SPDX-License-Identifier: BSD-3-Clause */
/* A device of vfio-user over a socketpair, its server in a thread, for one program. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_USER_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_USER_H

#include <check.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/user-server/server.h"
#include "tests/unit/support/fake_doorbell.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "vfio/user/device_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

/* BAR 0 is by messages, BAR 2 ports, BAR 4 a file whose second half may be mapped. */
enum {
	FAKE_REGISTERS = 0x1000,
	FAKE_FILE = 0x4000,
	FAKE_USER_VECTORS = 40,
	FAKE_PATIENCE_MS = 20000,
	FAKE_SHORT_MS = 500
};

static struct {
	struct user_model model;
	struct user_server server;
	uint8_t registers[FAKE_REGISTERS];
	int file;
	unsigned int resets, reset_ms; /* how long one takes */
	pthread_t other;
	uint64_t copy_from, copy_to; /* a write to register 0 has the server copy 16 bytes so */
	int copied;                  /* how that ended */
	pthread_t thread;
	bool running;
	struct vfio_user_memory memory;
	struct vfio_backend *backend;
	struct err err;
	unsigned int descriptors, threads;
	bool doorbells;                  /* are asked for */
	int64_t patience_ms, running_ms; /* while it is opened; then, unless that is 0 */
} fake;

static inline int fake_user_read(void *owner, uint64_t offset, void *data, uint32_t size)
{
	(void)owner;
	memcpy(data, fake.registers + offset, size);
	return 0;
}

static inline int fake_user_copy(void)
{
	uint8_t bytes[16];
	int rc = user_server_read(&fake.server, fake.copy_from, bytes, sizeof(bytes));

	return rc ? rc : user_server_write(&fake.server, fake.copy_to, bytes, sizeof(bytes));
}

static inline int fake_user_write(void *owner, uint64_t offset, const void *data, uint32_t size)
{
	(void)owner;
	memcpy(fake.registers + offset, data, size);
	if (offset == 0 && fake.copy_from)
		fake.copied = fake_user_copy();
	return 0;
}

static inline void fake_user_reset(void *owner)
{
	(void)owner;
	fake.resets++;
	usleep(1000 * fake.reset_ms);
	memset(fake.registers, 0, sizeof(fake.registers));
}

static inline void fake_user_make_model(void)
{
	struct user_model *model = &fake.model;
	const struct user_region registers = {
		.size = FAKE_REGISTERS,
		.read = fake_user_read,
		.write = fake_user_write,
	};
	struct user_region file = registers;

	*model = (struct user_model){.reset = fake_user_reset};
	user_model_identify(model, 0x1234, 0x5678, 0x01080201);
	user_model_add_bar(model, 0, USER_BAR_32, &registers);
	user_model_add_bar(model, 2, USER_BAR_IO, &registers);
	file.size = FAKE_FILE;
	file.fd = fake.file;
	file.area_count = 1;
	file.areas[0].offset = FAKE_FILE / 2;
	file.areas[0].size = FAKE_FILE / 2;
	user_model_add_bar(model, 4, USER_BAR_64, &file);
	user_model_add_express(model);
	user_model_add_msix(model, FAKE_USER_VECTORS, 0, 0x400, 0x800);
	model->config[PCI_INTERRUPT_PIN] = 1;
	model->irqs[USER_INTX] = 1;
}

/* Whose doorbells they are. */
static inline struct kvm_vm *fake_user_vm(void)
{
	return (struct kvm_vm *)(void *)&fake;
}

static inline void fake_user_set_up(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.descriptors = count_descriptors();
	fake.threads = count_threads();
	fake.file = memfd_create("file", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_eq(ftruncate(fake.file, FAKE_FILE), 0);
	fake.patience_ms = FAKE_PATIENCE_MS;
	fake_user_make_model();
	user_server_init(&fake.server, &fake.model);
	vfio_user_memory_init(&fake.memory);
}

static inline void *fake_user_main(void *argument)
{
	user_server_run(&fake.server, *(int *)argument);
	return NULL;
}

/* The client's end of a connection to the server, which runs. */
static inline int fake_user_connect(void)
{
	static int other;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	other = ends[1];
	ck_assert_int_eq(pthread_create(&fake.thread, NULL, fake_user_main, &other), 0);
	fake.running = true;
	return ends[0];
}

static inline struct vfio_backend *fake_user_open(void)
{
	fake.backend =
		vfio_user_device(fake_user_connect(), "user0", fake.patience_ms,
				 fake.doorbells ? fake_user_vm() : NULL, &fake.memory, &fake.err);
	return fake.backend;
}

static inline void fake_user_open_well(void)
{
	ck_assert_msg(fake_user_open(), "%s", fake.err.text);
	if (fake.running_ms)
		vfio_user_of(fake.backend)->client->config.patience_ms = fake.running_ms;
	ck_assert_int_eq(vfio_user_device_begin(fake.backend, &fake.err), 0);
}

static inline struct vfio_user_client *fake_user_client(void)
{
	return vfio_user_of(fake.backend)->client;
}

static inline void fake_user_close(void)
{
	if (fake.backend)
		fake.backend->ops->close(fake.backend);
	fake.backend = NULL;
	if (fake.running)
		pthread_join(fake.thread, NULL);
	fake.running = false;
}

/* Nothing is left open but @more, which nobody may close. */
static inline void fake_user_leaves(unsigned int more)
{
	fake_user_close();
	vfio_user_memory_release(&fake.memory);
	close(fake.file);
	ck_assert_uint_eq(count_descriptors(), fake.descriptors + more);
	ck_assert(threads_are(fake.threads));
}

static inline void fake_user_tear_down(void)
{
	fake_user_leaves(0);
}

/* As if the server had ended. */
static inline void fake_user_hang_up(const struct vfio_backend *backend)
{
	shutdown(vfio_user_of(backend)->client->wire.fd, SHUT_RDWR);
}

/* How often the server has heard such a message. */
static inline unsigned int fake_user_heard(enum server_command command)
{
	return atomic_load(&fake.server.heard[command]);
}

static inline const struct vfio_region_info *fake_user_region(unsigned int index)
{
	return vfio_user_of(fake.backend)->regions[index].info;
}

#endif
