/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A whole machine, from its configuration to its end, over a KVM and a VFIO made of nothing. For
 * the one program that includes this, which the Makefile links with MACHINE_WRAPS.
 *
 *	fake_machine_setup();               devices on a made-up host, a kernel, `mock.config`
 *	kvm.guest = ...;                    what each vCPU does (fake_guest.h); NULL: they sit
 *	fake_machine_create();              NULL with `mock.err` set
 *	fake_machine_run();
 *	fake_machine_destroy();             and fake_machine_is_gone() says what is left
 *	fake_machine_teardown();
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_MACHINE_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_MACHINE_H

#include <sys/epoll.h>

#include "tests/unit/support/fake_machine_kvm.h"
#include "tests/unit/support/fake_sysfs.h"
#include "vmm/base/log.h"
#include "vmm/machine/machine_private.h"

/* The devices that the host has: two of group 7 and one of group 8, each with its own node too. */
#define FAKE_FIRST  "0000:01:00.0"
#define FAKE_SECOND "0000:01:00.3"
#define FAKE_THIRD  "0000:02:00.1"

static struct {
	struct config config; /* two vCPUs, 16 MiB, no device, no console */
	struct machine *machine;
	struct err err;
	int status;
	int signal_number;
	char kernel[128], sysfs[128], dev[128], run[128], gdb[128], control[128];
} mock;

struct vfio *__real_vfio_create(const struct vfio_settings *settings, struct err *err);
struct vfio *__wrap_vfio_create(const struct vfio_settings *settings, struct err *err);
struct control *__real_control_create(const char *address, struct loop *loop,
				      const struct control_target *target, struct err *err);
struct control *__wrap_control_create(const char *address, struct loop *loop,
				      const struct control_target *target, struct err *err);

struct sandbox_settings;
int __wrap_sandbox_drop(const struct sandbox_settings *settings, struct err *err);

/* The program goes on after the machine, with all its rights; its own tests try the sandbox. */
int __wrap_sandbox_drop(const struct sandbox_settings *settings, struct err *err)
{
	(void)settings;
	(void)err;
	return 0;
}

/* On the made-up host. */
struct vfio *__wrap_vfio_create(const struct vfio_settings *settings, struct err *err)
{
	struct vfio_settings here = *settings;

	here.sysfs = mock.sysfs;
	here.dev = mock.dev;
	return __real_vfio_create(&here, err);
}

/* And not among this user's running monitors. */
struct control *__wrap_control_create(const char *address, struct loop *loop,
				      const struct control_target *target, struct err *err)
{
	struct control_target here = *target;

	here.run_folder = mock.run;
	return __real_control_create(address, loop, &here, err);
}

static inline void mock_make_host(void)
{
	static const char *const nodes[] = {"dev/vfio/vfio", "dev/vfio/7", "dev/vfio/8"};

	fake_tree_create();
	fake_tree_folder("dev/vfio");
	fake_tree_folder("run");
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		fake_tree_write(nodes[i], "");
	fake_tree_add_device(FAKE_FIRST, 7, "vfio-pci");
	fake_tree_add_device(FAKE_SECOND, 7, "vfio-pci");
	fake_tree_add_device(FAKE_THIRD, 8, "vfio-pci");
}

/* For the way by iommufd, which is the first choice once these are there. */
static inline void fake_machine_add_cdevs(void)
{
	fake_tree_add_cdev(FAKE_FIRST, 0);
	fake_tree_add_cdev(FAKE_SECOND, 1);
	fake_tree_add_cdev(FAKE_THIRD, 4);
}

static inline void mock_write_kernel(void)
{
	uint8_t bytes[FAKE_KERNEL_MAX];
	size_t size = fake_cpu_kernel(bytes);
	FILE *file = fopen(mock.kernel, "w");

	must(file && fwrite(bytes, size, 1, file) == 1 && fclose(file) == 0);
}

/* What the kernel knows of VFIO, every device healthy. */
static inline void fake_machine_open_kernel(void)
{
	fake_kernel_boot();
	fake_kvm_open();
}

static inline void fake_machine_close_kernel(void)
{
	fake_kvm_close();
	fake_kernel_release();
}

static inline void fake_machine_set_config(void)
{
	mock.config = (struct config){
		.kernel = mock.kernel,
		.cpus = 2,
		.memory = 16 * MIB,
		.serial = SERIAL_NONE,
		.power_down_seconds = CONFIG_POWER_DOWN_SECONDS,
		.slot_memory = 32 * MIB,
		.slot_prefetch = 64 * MIB,
		/* It would give up the rights of the test itself. */
		.sandbox = SANDBOX_OFF,
	};
}

static inline void mock_name(char name[128], const char *prefix, const char *path)
{
	snprintf(name, 128, "%s%s", prefix, fake_tree_path(path));
}

/* The log's own way to standard error is the process's, and stays. */
static inline void mock_open_log(void)
{
	struct err err = {0};
	struct loop *loop = loop_create(&err);

	must(loop);
	log_never_wait(loop);
	log_never_wait(NULL);
	loop_destroy(loop);
}

static inline void fake_machine_setup(void)
{
	memset(&mock, 0, sizeof(mock));
	mock_open_log();
	mock_make_host();
	mock_name(mock.kernel, "", "guest");
	mock_name(mock.sysfs, "", "");
	mock_name(mock.dev, "", "dev");
	mock_name(mock.run, "", "run");
	mock_name(mock.gdb, "unix:", "gdb");
	mock_name(mock.control, "unix:", "control");
	mock_write_kernel();
	fake_machine_open_kernel();
	fake_machine_set_config();
}

static inline void fake_machine_teardown(void)
{
	fake_machine_close_kernel();
	fake_tree_remove();
}

/* One more --vfio; the name of a device above. */
static inline struct vfio_device_config *fake_machine_add(const char *path)
{
	struct vfio_device_config *device = &mock.config.vfio[mock.config.vfio_count++];

	*device = (struct vfio_device_config){.path = path};
	return device;
}

static inline struct machine *fake_machine_create(void)
{
	mock.err = (struct err){0};
	mock.machine = machine_create(&mock.config, &mock.err);
	return mock.machine;
}

/* The exit status of the run. */
static inline int fake_machine_run(void)
{
	mock.status = machine_run(mock.machine, &mock.signal_number, &mock.err);
	return mock.status;
}

static inline void fake_machine_destroy(void)
{
	machine_destroy(mock.machine);
	mock.machine = NULL;
}

static inline void mock_stop_loop(void *owner, uint32_t events)
{
	(void)events;
	loop_stop(owner);
}

/* After the machine's end: what is left of it in KVM or VFIO, as a word; NULL: nothing. */
static inline const char *fake_machine_is_gone(void)
{
	notice_closed_iommufd();
	for (unsigned int i = 0; i < FAKE_SLOTS_MAX; i++)
		if (kvm.slots[i].memory_size)
			return "a memslot";
	for (unsigned int i = 0; i < kernel.nodes_used; i++)
		if (kernel.nodes[i].known_to_kvm)
			return "a device that KVM knows";
	return kvm.irqfd_count      ? "an irqfd"
	       : kernel.space.count ? "a DMA map"
	       : kernel.joined      ? "a group in the container"
				    : NULL;
}

#endif
