/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors of a function behind a port: which, how bad, what the guest sees, what the host did. */

#include "vfio/pci/aer.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "vfio/pci/pci.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/pause.h"

enum {
	/* For so many seconds from an error on a reset by the host is looked for. */
	CHECKS = 3,
	/* Of the capability, without what only ports have. */
	AER_SIZE = PCI_ERR_HEADER_LOG + 16,
	FIRST_MASK = 0x1f, /* of PCI_ERR_CAP */
};

enum aer_verdict {
	AER_NONFATAL,  /* the device's own */
	AER_FATAL,     /* its own or another's: the host's kernel is resetting the link */
	AER_UNKNOWN,   /* firmware, or the host's port, has dealt with it */
	AER_ELSEWHERE, /* another device's, and not fatal: nothing happens to this one */
};

#define STATUS_ERRORS                                                                              \
	(PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD)
#define CONTROL_ERRORS                                                                             \
	(PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE)

void vfio_aer_setup(struct vfio_pci *pci, unsigned int at)
{
	uint8_t *clears = pci->device.write_1_clear;

	pci->aer.capability = at;
	store_le32(clears + at + PCI_ERR_UNCOR_STATUS, UINT32_MAX);
	store_le32(clears + at + PCI_ERR_COR_STATUS, UINT32_MAX);
	if (!pci->express)
		return;
	clears[pci->express + PCI_EXP_DEVSTA] |= STATUS_ERRORS;
	/* What the guest asked for is its own, also where an emulated device has no such bit. */
	pci->kept[pci->express + PCI_EXP_DEVCTL] &= (uint8_t)~CONTROL_ERRORS;
}

/* Whether the function reports such an error and its guest hears of it. Host lock held. */
static bool aer_is_heard(const struct vfio_pci *pci, enum pci_error error)
{
	static const uint16_t reports[] = {
		[PCI_ERROR_CORRECTABLE] = PCI_EXP_DEVCTL_CERE,
		[PCI_ERROR_NONFATAL] = PCI_EXP_DEVCTL_NFERE,
		[PCI_ERROR_FATAL] = PCI_EXP_DEVCTL_FERE,
	};
	const struct pci_port *port = pci_device_port(&pci->device);
	const uint8_t *config = pci->device.config;
	bool reported = error != PCI_ERROR_CORRECTABLE &&
			load_le16(config + PCI_COMMAND) & PCI_COMMAND_SERR;

	/* A guest that does not find the function is not told by the port either. */
	if (!pci->aer.capability)
		return pci_port_is_linked(port) && pci_port_hears(port, NULL, error);
	if (pci->express)
		reported |= load_le16(config + pci->express + PCI_EXP_DEVCTL) & reports[error];
	return reported && pci_port_hears(port, &pci->device, error);
}

/* What has no AER capability cannot be asked: the error is the port's then. No lock held. */
static void aer_send(struct vfio_pci *pci, enum pci_error error)
{
	pci_port_report(pci_device_port(&pci->device), pci->aer.capability ? &pci->device : NULL,
			error);
}

static void aer_set_timer(const struct vfio_aer *aer, bool on)
{
	struct itimerspec time = {0};

	/* All at the same moment, so that the monitor wakes up once for all functions. */
	if (on) {
		clock_gettime(CLOCK_MONOTONIC, &time.it_value);
		time.it_value.tv_sec++;
		time.it_value.tv_nsec = 0;
		time.it_interval.tv_sec = 1;
	}
	if (timerfd_settime(aer->timer, TFD_TIMER_ABSTIME, &time, NULL) < 0)
		log_debug("the timer for errors cannot be set: %s", err_text(-errno));
}

static bool aer_wants_correctable(const struct vfio_pci *pci)
{
	return pci->state == VFIO_PCI_ALIVE && pci->aer.capability && pci->sysfs &&
	       aer_is_heard(pci, PCI_ERROR_CORRECTABLE);
}

/* What the guest asks to hear of may have changed. Both locks held. */
static void aer_listen(struct vfio_pci *pci)
{
	struct vfio_aer *aer = &pci->aer;

	if (aer->timer < 0 || aer->ticks ||
	    !(aer->checks || aer->settled || aer_wants_correctable(pci)))
		return;
	aer->ticks = true;
	aer_set_timer(aer, true);
}

static uint32_t aer_read_device(struct vfio_pci *pci, unsigned int offset)
{
	uint64_t value;

	return vfio_region_read(pci->backend, vfio_pci_config_region(pci),
				pci->aer.capability + offset, 4, &value)
		       ? UINT32_MAX
		       : (uint32_t)value;
}

/* Device lock held, or the device its own. A device that does not answer tells of nothing. */
static struct vfio_aer_log aer_read_log(struct vfio_pci *pci)
{
	struct vfio_aer_log log = {.status = aer_read_device(pci, PCI_ERR_UNCOR_STATUS)};

	if (log.status == 0 || log.status == UINT32_MAX)
		return (struct vfio_aer_log){0};
	log.status &= ~aer_read_device(pci, PCI_ERR_UNCOR_MASK);
	log.first = aer_read_device(pci, PCI_ERR_CAP) & FIRST_MASK;
	for (unsigned int i = 0; i < ARRAY_SIZE(log.header); i++)
		log.header[i] = aer_read_device(pci, PCI_ERR_HEADER_LOG + 4 * i);
	return log;
}

static void aer_note_status(struct vfio_pci *pci, uint8_t bit)
{
	if (pci->express)
		pci->device.config[pci->express + PCI_EXP_DEVSTA] |= bit;
}

/*
 * PCIe 5.0 6.2.4.2: the first error is pointed to, and its header kept, until software has cleared
 * it.
 */
static void aer_note(struct vfio_pci *pci, uint32_t errors, const struct vfio_aer_log *log)
{
	uint8_t *at = pci->device.config + pci->aer.capability;
	uint32_t status = load_le32(at + PCI_ERR_UNCOR_STATUS);
	bool logged = errors >> log->first & log->status >> log->first & 1;

	if (errors && !(status >> (at[PCI_ERR_CAP] & FIRST_MASK) & 1)) {
		unsigned int first = logged ? log->first : (unsigned int)__builtin_ctz(errors);

		at[PCI_ERR_CAP] &= (uint8_t)~FIRST_MASK;
		at[PCI_ERR_CAP] |= (uint8_t)first;
		for (unsigned int i = 0; i < ARRAY_SIZE(log->header); i++)
			store_le32(at + PCI_ERR_HEADER_LOG + 4 * i, logged ? log->header[i] : 0);
	}
	store_le32(at + PCI_ERR_UNCOR_STATUS, status | errors);
}

/* Those of its own since the last time. False: they, or the port's, cannot be compared. */
static bool aer_read_counters(struct vfio_pci *pci, uint32_t *errors)
{
	struct vfio_aer *aer = &pci->aer;
	const char *name = pci->device.name;
	bool compares = aer->compares, read;

	*errors = 0;
	if (!pci->sysfs)
		return false;
	read = vfio_errors_counted(pci->sysfs, name, VFIO_ERRORS_NONFATAL, &aer->nonfatal, errors);
	read = vfio_errors_at_port(pci->sysfs, name, &aer->port) && read;
	aer->compares = compares || read;
	return compares && read;
}

/*
 * What the host has told of, by what its kernel has counted since the last one. The kernel does not
 * ask a device which fatal error it was.
 */
static enum aer_verdict aer_judge(struct vfio_pci *pci, uint32_t *errors)
{
	struct vfio_port_errors before = pci->aer.port;
	const struct vfio_port_errors *port = &pci->aer.port;

	if (!aer_read_counters(pci, errors))
		return AER_UNKNOWN;
	if (port->fatal > before.fatal)
		return AER_FATAL;
	if (*errors)
		return pci->aer.capability ? AER_NONFATAL : AER_UNKNOWN;
	return port->nonfatal > before.nonfatal ? AER_ELSEWHERE : AER_UNKNOWN;
}

/* What the guest has turned on, by Command, in the device. Both locks held. */
static uint16_t aer_turned_on(const struct vfio_pci *pci)
{
	unsigned int on = load_le16(pci->device.config + PCI_COMMAND) &
			  (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);

	return (uint16_t)(pci->passed_up ? on : on & ~(unsigned int)PCI_COMMAND_MASTER);
}

/* Both locks held. */
static void aer_isolate(struct vfio_pci *pci, enum aer_verdict verdict)
{
	/* The next write that asks for a reset is none that has waited for one. */
	pci->reset.write = VFIO_RESET_WRITE_NONE;
	pci->aer.on = 0;
	if (verdict == AER_FATAL && !vfio_pci_is_asleep(pci))
		pci->aer.on = aer_turned_on(pci);
	vfio_pci_withdraw(pci, VFIO_PCI_ISOLATED);
	/*
	 * A device that the kernel is resetting is reached for its vectors alone, which the guest
	 * is not to have any more: it answers then or not. Its command goes with the reset.
	 */
	if (verdict != AER_FATAL)
		vfio_pci_quiet(pci);
}

/* Whether the guest will be told. Both locks held; the function is alive. */
static bool aer_begin(struct vfio_pci *pci, enum aer_verdict verdict, uint32_t errors)
{
	bool fatal = verdict != AER_NONFATAL;
	struct vfio_aer_log log;

	if (!aer_is_heard(pci, fatal ? PCI_ERROR_FATAL : PCI_ERROR_NONFATAL))
		return false;
	pci->aer.failed = true;
	if (fatal) {
		aer_isolate(pci, verdict);
		return true;
	}
	log = aer_read_log(pci);
	aer_note(pci, errors, &log);
	aer_note_status(pci, PCI_EXP_DEVSTA_NFED);
	return true;
}

/* False: the guest does not hear of it. No lock held. */
static bool aer_tell(struct vfio_pci *pci, enum aer_verdict verdict, uint32_t errors)
{
	bool fatal = verdict != AER_NONFATAL, alive, told;

	pci_host_lock(&pci->device);
	alive = pci->state == VFIO_PCI_ALIVE;
	told = alive && aer_begin(pci, verdict, errors);
	pci_host_unlock(&pci->device);
	if (!told)
		return !alive;
	log_guest(&pci->limit, LOG_WARN,
		  "passthrough device %s: it reported an uncorrectable error%s: the guest is told; "
		  "see the host's kernel log",
		  pci->device.name,
		  fatal ? " and is out of the guest's reach until that resets it"
			: " that is not fatal");
	vfio_pci_tell(pci, VFIO_FAILED);
	aer_send(pci, fatal ? PCI_ERROR_FATAL : PCI_ERROR_NONFATAL);
	return true;
}

bool vfio_aer_report(struct vfio_pci *pci)
{
	enum aer_verdict verdict;
	uint32_t errors;

	if (!pci->options.port)
		return false;
	verdict = aer_judge(pci, &errors);
	pci_host_lock(&pci->device);
	pci->aer.checks = CHECKS;
	aer_listen(pci);
	pci_host_unlock(&pci->device);
	if (verdict != AER_ELSEWHERE)
		return aer_tell(pci, verdict, errors);
	log_guest(&pci->limit, LOG_INFO,
		  "passthrough device %s: another device reported an error that is not fatal",
		  pci->device.name);
	return true;
}

/* Whether none of that is left: by a reset of which the host's kernel says nothing. */
static bool aer_is_off(struct vfio_pci *pci, uint16_t on)
{
	uint64_t command;

	return vfio_region_read(pci->backend, vfio_pci_config_region(pci), PCI_COMMAND, 2,
				&command) ||
	       command == UINT16_MAX || !(command & on);
}

/* Both locks held. */
static bool aer_lost_registers(struct vfio_pci *pci)
{
	uint16_t on = aer_turned_on(pci);

	return pci->state == VFIO_PCI_ALIVE && !vfio_pci_is_asleep(pci) && on &&
	       aer_is_off(pci, on);
}

/* One that came before would be undone, and one in its midst be refused. */
void vfio_aer_await_host(struct vfio_pci *pci, uint16_t on)
{
	const int *pause = pci->reset.pauses_ms;

	while (on && !aer_is_off(pci, on) && *pause && pause_unless(pci->reset.stop, *pause++))
		;
}

/* What comes in before the first tick is not told. No lock held. */
static void aer_count(struct vfio_pci *pci)
{
	uint8_t *status = pci->device.config + pci->aer.capability + PCI_ERR_COR_STATUS;
	uint32_t errors;
	bool tell;

	if (!vfio_errors_counted(pci->sysfs, pci->device.name, VFIO_ERRORS_CORRECTABLE,
				 &pci->aer.correctable, &errors))
		return;
	tell = pci->aer.counts && errors;
	pci->aer.counts = true;
	if (!tell)
		return;
	pci_host_lock(&pci->device);
	tell = pci->state == VFIO_PCI_ALIVE;
	if (tell) {
		store_le32(status, load_le32(status) | errors);
		aer_note_status(pci, PCI_EXP_DEVSTA_CED);
	}
	pci_host_unlock(&pci->device);
	if (tell)
		aer_send(pci, PCI_ERROR_CORRECTABLE);
}

static void aer_on_timer(void *owner, uint32_t events)
{
	struct vfio_pci *pci = owner;
	struct vfio_aer *aer = &pci->aer;
	bool settled, was_reset, counts;

	(void)events;
	if (!fd_take(aer->timer))
		return;
	pci_host_lock(&pci->device);
	settled = aer->settled;
	aer->settled = false;
	was_reset = aer->checks && aer_lost_registers(pci);
	aer->checks -= aer->checks > 0;
	counts = aer_wants_correctable(pci);
	aer->ticks = counts || aer->checks;
	if (!aer->ticks)
		aer_set_timer(aer, false);
	pci_host_unlock(&pci->device);
	aer->counts = aer->counts && counts;
	if (settled) {
		log_notice("passthrough device %s: the guest has recovered from its error",
			   pci->device.name);
		vfio_pci_tell(pci, VFIO_RECOVERED);
	}
	if (counts)
		aer_count(pci);
	if (was_reset && !aer_tell(pci, AER_UNKNOWN, 0))
		vfio_events_recover(pci);
}

static void aer_settle(struct vfio_pci *pci)
{
	pci->aer.settled = pci->aer.settled || pci->aer.failed;
	pci->aer.failed = false;
}

void vfio_aer_written(struct vfio_pci *pci, unsigned int offset, unsigned int size)
{
	unsigned int at = pci->aer.capability + PCI_ERR_UNCOR_STATUS;

	if (!pci->aer.capability)
		return;
	if (ranges_overlap(offset, size, at, 4) && load_le32(pci->device.config + at) == 0)
		aer_settle(pci);
	aer_listen(pci);
}

/* PCIe 5.0 7.4: what stays through a reset does not stay without power. */
void vfio_aer_path_changed(struct vfio_pci *pci)
{
	uint8_t *at = pci->device.config + pci->aer.capability;

	if (pci->aer.capability && !pci_port_has_power(pci_device_port(&pci->device))) {
		store_le32(at + PCI_ERR_UNCOR_STATUS, 0);
		store_le32(at + PCI_ERR_COR_STATUS, 0);
		at[PCI_ERR_CAP] &= (uint8_t)~FIRST_MASK;
		memset(at + PCI_ERR_HEADER_LOG, 0, AER_SIZE - PCI_ERR_HEADER_LOG);
	}
	aer_listen(pci);
}

void vfio_aer_lose_registers(struct vfio_pci *pci)
{
	uint8_t *at = pci->device.config + pci->aer.capability, kept[AER_SIZE];

	memcpy(kept, at, sizeof(kept));
	pci_device_lose_registers(&pci->device);
	if (pci->aer.capability)
		memcpy(at, kept, sizeof(kept));
}

void vfio_aer_look(struct vfio_pci *pci)
{
	if (pci->aer.capability)
		pci->aer.log = aer_read_log(pci);
}

void vfio_aer_was_reset(struct vfio_pci *pci)
{
	if (pci->aer.capability && pci->aer.failed)
		aer_note(pci, pci->aer.log.status, &pci->aer.log);
	aer_settle(pci);
	aer_listen(pci);
}

void vfio_aer_forget(struct vfio_pci *pci)
{
	pci->aer.failed = pci->aer.settled = false;
	pci->aer.checks = 0;
	pci->aer.on = 0;
}

/* A guest that writes to the port above looks at the timer. No lock held. */
static void aer_give_timer(struct vfio_pci *pci, int timer)
{
	bool on_bus = pci->on_bus;

	if (on_bus)
		pci_host_lock(&pci->device);
	pci->aer.timer = timer;
	if (on_bus)
		pci_host_unlock(&pci->device);
}

void vfio_aer_start(struct vfio_pci *pci)
{
	struct err err = {0};
	uint32_t errors;
	int timer;

	/* Of what sysfs knows nothing of nobody counts any. */
	if (!pci->options.port || !pci->sysfs)
		return;
	(void)aer_read_counters(pci, &errors);
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer < 0)
		err_set(&err, -errno, "%s", err_text(-errno));
	else if (loop_add(pci->loop, timer, EPOLLIN, aer_on_timer, pci, &err))
		fd_close(&timer);
	if (timer < 0)
		log_warn("passthrough device %s: its correctable errors are not told: %s",
			 pci->device.name, err.text);
	aer_give_timer(pci, timer);
}

void vfio_aer_stop(struct vfio_pci *pci)
{
	int timer = pci->aer.timer;

	if (timer < 0)
		return;
	aer_give_timer(pci, -1);
	loop_remove(pci->loop, timer);
	fd_close(&timer);
}
