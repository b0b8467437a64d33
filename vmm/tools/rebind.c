/* SPDX-License-Identifier: BSD-3-Clause */
/* A device's way from one driver to another through sysfs. */

#include "vmm/tools/rebind.h"
#include "vmm/base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/log.h"
#include "vmm/base/thread.h"
#include "vmm/tools/act.h"
#include "vmm/tools/module.h"

static const char vfio_pci[] = "vfio-pci";

/* Says what is waited for when the kernel keeps it for more than a second. */
struct rebind_wait {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool watched, done;
	char text[256];
};

static void *rebind_watch_wait(void *argument)
{
	struct rebind_wait *wait = argument;
	struct timespec end;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec++;
	pthread_mutex_lock(&wait->lock);
	while (!wait->done && !rc)
		rc = pthread_cond_timedwait(&wait->changed, &wait->lock, &end);
	if (!wait->done)
		log_notice("%s", wait->text);
	pthread_mutex_unlock(&wait->lock);
	return NULL;
}

static void rebind_begin_wait(struct rebind_wait *wait, const char *format, ...) FERRY_PRINTF(2, 3);

/* From here until rebind_end_wait(). Without memory for it nothing is said. */
static void rebind_begin_wait(struct rebind_wait *wait, const char *format, ...)
{
	va_list args;

	*wait = (struct rebind_wait){0};
	va_start(args, format);
	vsnprintf(wait->text, sizeof(wait->text), format, args);
	va_end(args);
	pthread_mutex_init(&wait->lock, NULL);
	clock_cond_init(&wait->changed);
	wait->watched = thread_create(&wait->thread, THREAD_MAIN, rebind_watch_wait, wait) == 0;
}

static void rebind_end_wait(struct rebind_wait *wait)
{
	pthread_mutex_lock(&wait->lock);
	wait->done = true;
	pthread_cond_signal(&wait->changed);
	pthread_mutex_unlock(&wait->lock);
	if (wait->watched)
		pthread_join(wait->thread, NULL);
	pthread_cond_destroy(&wait->changed);
	pthread_mutex_destroy(&wait->lock);
}

static void rebind_read_override(const char *folder, char override[VFIO_DRIVER_SIZE])
{
	vfio_host_line(folder, "driver_override", override, VFIO_DRIVER_SIZE);
	if (strcmp(override, "(null)") == 0)
		override[0] = '\0';
}

bool rebind_is_marked(const struct vfio_host_device *device)
{
	char override[VFIO_DRIVER_SIZE];

	rebind_read_override(device->sysfs.path, override);
	return vfio_driver_is_vfio(override);
}

void rebind_describe(const struct vfio_host_device *device, struct record *record)
{
	*record = (struct record){.vendor = device->vendor, .device = device->device};
	strcpy(record->driver, device->driver);
	rebind_read_override(device->sysfs.path, record->override);
	if (!vfio_driver_is_vfio(record->override))
		return;
	record->override[0] = '\0';
	record->any = record->driver[0] == '\0';
}

static bool rebind_driver_exists(const struct tool *tool, const char *driver)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/drivers/%s", tool->sys, driver);
	return access(path, F_OK) == 0;
}

static int rebind_load_module(const char *name)
{
	struct rebind_wait wait;
	int rc;

	rebind_begin_wait(&wait, "waiting for modprobe %s", name);
	rc = act_load_module(name);
	rebind_end_wait(&wait);
	return rc;
}

int rebind_prepare(const struct tool *tool, struct err *err)
{
	int rc;

	/* Where nothing but vfio-pci asks for it, some modprobes do not load this one. */
	if (module_find(tool, "vfio_iommu_type1") == MODULE_LOADABLE &&
	    rebind_load_module("vfio_iommu_type1"))
		log_warn("modprobe vfio_iommu_type1 failed: ferry run will need it");
	if (rebind_driver_exists(tool, vfio_pci))
		return 0;
	rc = rebind_load_module(vfio_pci);
	if (rc)
		return err_set(err, rc, "the driver vfio-pci: modprobe vfio-pci failed%s%s",
			       rc == -EIO ? "" : ": ", rc == -EIO ? "" : err_text(rc));
	if (!rebind_driver_exists(tool, vfio_pci))
		return err_set(err, -ENODEV,
			       "the driver vfio-pci: it is not there after modprobe vfio-pci: use "
			       "a kernel that has it");
	return 0;
}

static int rebind_write_watched(const char *path, const char *text, const char *address,
				const char *verb, const char *driver)
{
	struct rebind_wait wait;
	int rc;

	rebind_begin_wait(&wait, "%s: waiting for %s%s to %s it", address, *driver ? "driver " : "",
			  *driver ? driver : "a driver", verb);
	rc = act_write(path, text);
	rebind_end_wait(&wait);
	return rc;
}

/* Writes to a file of the device, saying so when that fails. */
static int rebind_write_file(const struct tool *tool, const char *address, const char *name,
			     const char *text, struct err *err)
{
	char path[PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", tool->sys, address, name);
	rc = act_write(path, text);
	if (rc)
		return err_set(err, rc, "%s: %s: %s", address, path, err_text(rc));
	return 0;
}

/* Which driver the device has now, "" for none. */
static void rebind_read_driver(const struct tool *tool, const char *address, char *driver)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", tool->sys, address);
	if (vfio_sysfs_link(path, "driver", driver, VFIO_DRIVER_SIZE))
		driver[0] = '\0';
}

/* Has the kernel look for a driver. Whether it found one shows afterwards, not here. */
static void rebind_probe(const struct tool *tool, const char *address)
{
	char path[PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), "%s/bus/pci/drivers_probe", tool->sys);
	rc = rebind_write_watched(path, address, address, "take", "");
	if (rc)
		log_debug("%s: %s: %s", address, path, err_text(rc));
}

static int rebind_leave_driver(const struct tool *tool, const char *address, struct err *err)
{
	char driver[VFIO_DRIVER_SIZE], path[PATH_MAX];
	int rc;

	rebind_read_driver(tool, address, driver);
	if (!driver[0])
		return 0;
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/driver/unbind", tool->sys, address);
	rc = rebind_write_watched(path, address, address, "let go of", driver);
	if (rc)
		return err_set(err, rc, "%s: %s: %s", address, path, err_text(rc));
	return 0;
}

int rebind_to_vfio(const struct tool *tool, const struct vfio_host_device *device, struct err *err)
{
	const char *address = device->sysfs.address;
	char driver[VFIO_DRIVER_SIZE];
	int rc = rebind_write_file(tool, address, "driver_override", vfio_pci, err);

	if (!rc)
		rc = rebind_leave_driver(tool, address, err);
	if (rc)
		return rc;
	rebind_probe(tool, address);
	rebind_read_driver(tool, address, driver);
	if (strcmp(driver, vfio_pci) == 0)
		return 0;
	return err_set(err, -EBUSY,
		       "%s: vfio-pci did not take it, it has %s%s: the end of `dmesg` says why",
		       address, driver[0] ? "driver " : "no driver", driver);
}

/* Gives the device to the driver by its name, loading it where it is gone. */
static void rebind_bind_driver(const struct tool *tool, const char *address, const char *driver)
{
	char path[PATH_MAX];
	int rc;

	if (!rebind_driver_exists(tool, driver) && rebind_load_module(driver))
		log_warn("%s: modprobe %s failed", address, driver);
	rebind_read_driver(tool, address, path);
	if (path[0])
		return; /* the module took it as it came */
	snprintf(path, sizeof(path), "%s/bus/pci/drivers/%s/bind", tool->sys, driver);
	rc = rebind_write_watched(path, address, address, "take", driver);
	if (rc)
		log_debug("%s: %s: %s", address, path, err_text(rc));
}

/* Whether the device is where @record says, or at any driver of the host's where nobody knows. */
static int rebind_check_back(const char *address, const struct record *record, const char *driver,
			     struct err *err)
{
	if (record->any && vfio_driver_is_vfio(driver))
		return err_set(err, -EBUSY,
			       "%s: driver %s took it again: it takes all with its ID: see the "
			       "module's option `ids=` and what was written to its new_id",
			       address, driver);
	if (record->any || strcmp(driver, record->driver) == 0)
		return 0;
	return err_set(err, -EBUSY,
		       "%s: driver %s did not take it back, it has %s%s: the end of `dmesg` says "
		       "why",
		       address, record->driver[0] ? record->driver : "none",
		       driver[0] ? "driver " : "no driver", driver);
}

int rebind_back(const struct tool *tool, const char *address, const struct record *record,
		char driver[VFIO_DRIVER_SIZE], struct err *err)
{
	const char *override = record->override[0] ? record->override : "\n";
	char path[PATH_MAX], now[VFIO_DRIVER_SIZE];
	bool here;
	int rc = 0;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", tool->sys, address);
	rebind_read_override(path, now);
	rebind_read_driver(tool, address, driver);
	here = driver[0] && !vfio_driver_is_vfio(driver);
	if (!here || vfio_driver_is_vfio(now))
		rc = rebind_write_file(tool, address, "driver_override", override, err);
	if (here)
		return rc;
	if (!rc)
		rc = rebind_leave_driver(tool, address, err);
	if (!rc && record->any)
		rebind_probe(tool, address);
	else if (!rc && record->driver[0])
		rebind_bind_driver(tool, address, record->driver);
	rebind_read_driver(tool, address, driver);
	return rc ? rc : rebind_check_back(address, record, driver, err);
}
