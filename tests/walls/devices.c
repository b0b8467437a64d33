/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that the monitor holds: what none of its threads, or only another one, asks of them. */

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/walls/attempt.h"

static int devices_ask(int fd, unsigned long request, void *argument)
{
	return walls_result(syscall(SYS_ioctl, fd, request, argument));
}

/* A terminal of this process's own, which is its controlling one. */
static int devices_hold_terminal(struct scene *scene)
{
	int outer = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (outer < 0 || grantpt(outer) || unlockpt(outer))
		return -errno;
	setsid();
	scene->held = open(ptsname(outer), O_RDWR | O_CLOEXEC);
	if (scene->held < 0)
		return -errno;
	return walls_reached(ioctl(scene->held, TIOCSCTTY, 0), EPERM);
}

/* A word put into its user's mouth. */
static int devices_type(struct scene *scene)
{
	char key = 'x';

	return devices_ask(scene->held, TIOCSTI, &key);
}

static int devices_type_upper_half(struct scene *scene)
{
	char key = 'x';

	return devices_ask(scene->held, 1UL << 32 | TIOCSTI, &key);
}

static int devices_set_discipline(struct scene *scene)
{
	int usual = 0;

	return devices_ask(scene->held, TIOCSETD, &usual);
}

static int devices_give_up_terminal(struct scene *scene)
{
	/* Its session is told that the terminal is gone. */
	signal(SIGHUP, SIG_IGN);
	return devices_ask(scene->held, TIOCNOTTY, NULL);
}

static int devices_hold_kvm(struct scene *scene)
{
	return scene_open(scene, "/dev/kvm", O_RDWR);
}

static int devices_create_vm(struct scene *scene)
{
	return devices_ask(scene->held, KVM_CREATE_VM, NULL);
}

static int devices_hold_vm(struct scene *scene)
{
	int rc = devices_hold_kvm(scene);

	if (rc)
		return rc;
	scene->held = ioctl(scene->held, KVM_CREATE_VM, 0UL);
	return scene->held < 0 ? -errno : 0;
}

static int devices_set_memory(struct scene *scene)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = (uint64_t)sysconf(_SC_PAGESIZE),
		.userspace_addr = (uintptr_t)scene->page,
	};

	return devices_ask(scene->held, KVM_SET_USER_MEMORY_REGION, &region);
}

static int devices_create_vcpu(struct scene *scene)
{
	return devices_ask(scene->held, KVM_CREATE_VCPU, NULL);
}

static int devices_create_device(struct scene *scene)
{
	struct kvm_create_device device = {.type = KVM_DEV_TYPE_VFIO};

	return walls_reached(syscall(SYS_ioctl, scene->held, KVM_CREATE_DEVICE, &device), ENODEV);
}

/* What holds memory for DMA, or where there is none something that is asked the same in vain. */
static int devices_hold_container(struct scene *scene)
{
	scene->held = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	return scene->held < 0 ? scene_open(scene, "/dev/null", O_RDWR) : 0;
}

static int devices_asked(struct scene *scene, unsigned long request, void *argument)
{
	int rc = devices_ask(scene->held, request, argument);

	return rc == -ENOTTY || rc == -EINVAL || rc == -ENODEV ? 0 : rc;
}

static int devices_map_dma(struct scene *scene)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)scene->page,
		.size = (uint64_t)sysconf(_SC_PAGESIZE),
	};

	return devices_asked(scene, VFIO_IOMMU_MAP_DMA, &map);
}

static int devices_unmap_dma(struct scene *scene)
{
	struct vfio_iommu_type1_dma_unmap unmap = {.argsz = sizeof(unmap)};

	return devices_asked(scene, VFIO_IOMMU_UNMAP_DMA, &unmap);
}

static int devices_set_iommu(struct scene *scene)
{
	return devices_asked(scene, VFIO_SET_IOMMU, NULL);
}

/* One request for all of them, migration and BARs as files too: memory tells them apart. */
static int devices_feature(struct scene *scene)
{
	struct vfio_device_feature feature = {
		.argsz = sizeof(feature),
		.flags = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
	};

	return devices_asked(scene, VFIO_DEVICE_FEATURE, &feature);
}

/* Requests that nothing of the monitor's is for. */
static int devices_file_flags(struct scene *scene)
{
	long flags = 0;

	return devices_asked(scene, FS_IOC_GETFLAGS, &flags);
}

static int devices_block_size(struct scene *scene)
{
	uint64_t size = 0;

	return devices_asked(scene, BLKGETSIZE64, &size);
}

static int devices_interfaces(struct scene *scene)
{
	char list[64] = {0};

	return devices_ask(scene->held, 0x8912 /* SIOCGIFCONF */, list);
}

static int devices_hold_socket(struct scene *scene)
{
	scene->held = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return scene->held < 0 ? -errno : 0;
}

const struct attempt attempts_on_devices[] = {
	{"type-on-terminal", devices_hold_terminal, devices_type, 0},
	{"type-on-terminal-upper-half", devices_hold_terminal, devices_type_upper_half, 0},
	{"terminal-discipline", devices_hold_terminal, devices_set_discipline, 0},
	{"leave-terminal", devices_hold_terminal, devices_give_up_terminal, 0},
	{"kvm-create-vm", devices_hold_kvm, devices_create_vm, 0},
	{"kvm-create-vcpu", devices_hold_vm, devices_create_vcpu, 0},
	{"kvm-create-device", devices_hold_vm, devices_create_device, BY_MAIN | BY_DEVICE},
	{"kvm-set-memory", devices_hold_vm, devices_set_memory, BY_MAIN | BY_VCPU | BY_DEVICE},
	/* Its number is that of a bus's reset, too. */
	{"vfio-map-dma", devices_hold_container, devices_map_dma,
	 BY_MAIN | BY_MAPPER | BY_RESET | BY_DEVICE},
	{"vfio-unmap-dma", devices_hold_container, devices_unmap_dma,
	 BY_MAIN | BY_VCPU | BY_MAPPER | BY_DEVICE},
	{"vfio-set-iommu", devices_hold_container, devices_set_iommu, BY_MAIN | BY_DEVICE},
	{"vfio-feature", devices_hold_container, devices_feature, BY_MAIN | BY_MAPPER | BY_DEVICE},
	{"ioctl-file-flags", devices_hold_container, devices_file_flags, 0},
	{"ioctl-block-size", devices_hold_container, devices_block_size, 0},
	{"ioctl-interfaces", devices_hold_socket, devices_interfaces, 0},
	{NULL, NULL, NULL, 0},
};
