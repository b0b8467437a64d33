/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A passed-through function behind a port, under a guest that hears of errors and a host's kernel
 * that counts them, for the one program including this.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_VFIO_ERRORS_H
#define FERRY_TESTS_UNIT_SUPPORT_VFIO_ERRORS_H

#include <check.h>
#include <linux/pci_regs.h>
#include <sys/timerfd.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/vfio_busy.h"

#define HOST_PORT   "devices/pci0000:00/0000:00:02.0"
#define HOST_DEVICE HOST_PORT "/0000:01:00.0"

enum {
	EXPRESS = 0xa0,
	ERRORS = 0x100, /* of both */
	PORT_EXPRESS = 0x48,
	ROOT_COMMAND = ERRORS + PCI_ERR_ROOT_COMMAND,
	ROOT_STATUS = ERRORS + PCI_ERR_ROOT_STATUS,
	ROOT_SOURCES = ERRORS + PCI_ERR_ROOT_ERR_SRC,
	REPORTED = PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE,
	TIME_OUT = PCI_ERR_UNC_COMP_TIME,
};

static unsigned int failed, recovered;
static char sysfs[256];

static inline void tell(void *owner, enum vfio_news_kind kind)
{
	(void)owner;
	failed += kind == VFIO_FAILED;
	recovered += kind == VFIO_RECOVERED;
}

static struct vfio_pci_keeper_ops telling;

/* What the host's kernel has counted: of this device, and at the port above it. */
static inline void host_counts(const char *file, unsigned int count, const char *format)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), "%s/%s", file[4] == 'd' ? HOST_DEVICE : HOST_PORT, file);
	snprintf(text, sizeof(text), format, count);
	fake_tree_write(path, text);
}

static inline void host_counts_nonfatal(unsigned int own, unsigned int all)
{
	host_counts("aer_dev_nonfatal", own, "DLP 0\nCmpltTO %u\nTOTAL_ERR_NONFATAL 0\n");
	host_counts("aer_rootport_total_err_nonfatal", all, "%u\n");
}

static inline void host_counts_fatal(unsigned int all)
{
	host_counts("aer_rootport_total_err_fatal", all, "%u\n");
}

static inline void host_counts_correctable(unsigned int count)
{
	host_counts("aer_dev_correctable", count, "RxErr 0\nBadTLP %u\nTOTAL_ERR_COR 0\n");
}

static inline void setup_ported(void)
{
	fake_tree_create();
	fake_tree_folder(HOST_DEVICE);
	fake_tree_folder("bus/pci/devices");
	fake_tree_link("bus/pci/devices/0000:01:00.0", "../../../" HOST_DEVICE);
	host_counts_nonfatal(5, 9);
	host_counts_fatal(1);
	host_counts_correctable(2);
	setup();
	bench.options.port = true;
	snprintf(sysfs, sizeof(sysfs), "%s", fake_tree_path(""));
	bench.sysfs = sysfs;
}

static inline void teardown_ported(void)
{
	teardown();
	fake_tree_remove();
}

static inline uint32_t port_read(unsigned int offset, unsigned int size)
{
	uint32_t value;

	pci_host_config_read(bench.host, 1 << 3, offset, size, &value);
	return value;
}

/* As Linux does when it finds the two, with its AER driver. */
static inline void hear(void)
{
	config_write(EXPRESS + PCI_EXP_DEVCTL, 2, REPORTED);
	port_write(PORT_EXPRESS + PCI_EXP_DEVCTL, 2, REPORTED);
	port_write(ROOT_COMMAND, 4, 7);
}

static inline void start_heard(void)
{
	static const int pauses_ms[] = {1, 1, 0};

	start_busy();
	bench.pci->reset.pauses_ms = pauses_ms;
	telling = keeper;
	telling.tell = tell;
	bench.pci->keeper_ops = &telling;
	hear();
}

static inline void stop_heard(void)
{
	bench.pci->keeper_ops = &keeper;
	stop_busy();
}

static inline bool ticks(void)
{
	struct itimerspec time;
	bool are;

	pci_host_lock(&bench.pci->device);
	ck_assert_int_eq(timerfd_gettime(bench.pci->aer.timer, &time), 0);
	are = bench.pci->aer.ticks;
	pci_host_unlock(&bench.pci->device);
	ck_assert_int_eq(time.it_value.tv_sec || time.it_value.tv_nsec, are);
	return are;
}

/* A second has passed. */
static inline void tick(void)
{
	const struct itimerspec soon = {.it_value.tv_nsec = 1, .it_interval.tv_sec = 1};

	if (!ticks())
		return;
	ck_assert_int_eq(timerfd_settime(bench.pci->aer.timer, 0, &soon, NULL), 0);
	usleep(100);
	run_loop_once();
}

/* The host's kernel speaks of an error. */
static inline void fire(void)
{
	ck_assert(fake_vfio_fire(&bench.fake, VFIO_PCI_ERR_IRQ_INDEX, 0));
	run_loop_once();
}

static inline void poke(unsigned int offset, uint32_t value)
{
	fake_vfio_poke(&bench.fake, CONFIG, ERRORS + offset, 4, value);
}

static inline void is_told(uint32_t status, uint32_t source)
{
	ck_assert_uint_eq(port_read(ROOT_STATUS, 4), status);
	ck_assert_uint_eq(port_read(ROOT_SOURCES + 2, 2), source);
	port_write(ROOT_STATUS, 4, UINT32_MAX);
}

static inline void is_told_nothing(void)
{
	ck_assert_uint_eq(port_read(ROOT_STATUS, 4), 0);
}

/* As the recovery of a guest's does. */
static inline void reset_link(void)
{
	ck_assert_int_eq(port_write(PCI_BRIDGE_CONTROL, 2, 0x42), MEM_NOT_YET);
	run_loop_while(VFIO_PCI_RESETTING);
	ck_assert_int_eq(port_write(PCI_BRIDGE_CONTROL, 2, 0x42), MEM_DONE);
	port_write(PCI_BRIDGE_CONTROL, 2, 2);
}

#endif
