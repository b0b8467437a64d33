/* SPDX-License-Identifier: BSD-3-Clause */
/* How a function is reset, and the thread that does it while the guest and the loop go on. */

#include "vfio/pci/reset.h"

#include <assert.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vfio/bus_reset.h"
#include "vfio/pci/pci.h"
#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"

/* PCIe 5.0 6.6.1 gives a device one second; the kernel waits for up to sixty. */
enum { DEADLINE_MS = 10 * 1000 };

/* Before each try of a recovery: the kernel's own handling of the error comes first. */
static const int recovery_pauses_ms[] = {100, 400, 1500, 4000, 0};

/*
 * A reset is refused while somebody holds the lock of the device, or of one on its bus: that
 * passes.
 */
static const int retry_pauses_ms[] = {10, 40, 150, 400, 1400, 0};

/* As the drawing in reset.h has it; anything else is a fault of the monitor's. */
static void reset_enter(struct vfio_reset *reset, enum vfio_reset_phase phase)
{
	static const unsigned int from[] = {
		[VFIO_RESET_IDLE] =
			1U << VFIO_RESET_RUNNING | 1U << VFIO_RESET_LATE | 1U << VFIO_RESET_DUE,
		[VFIO_RESET_RUNNING] = 1U << VFIO_RESET_IDLE,
		[VFIO_RESET_LATE] = 1U << VFIO_RESET_RUNNING,
		[VFIO_RESET_DUE] = 1U << VFIO_RESET_IDLE,
	};

	assert(from[phase] >> reset->phase & 1);
	reset->phase = phase;
}

static bool reset_has_thread(const struct vfio_reset *reset)
{
	return reset->phase == VFIO_RESET_RUNNING || reset->phase == VFIO_RESET_LATE;
}

/* By the bus where that was looked for and found; after an error even what was reset with it. */
static void reset_choose_way(struct vfio_reset *reset)
{
	if (reset->spared && reset->cause != VFIO_RESET_RECOVERY)
		reset->way = VFIO_RESET_BY_NOTHING;
	else if (reset->bus)
		reset->way = VFIO_RESET_BY_BUS;
	else if (reset->by_function)
		reset->way = VFIO_RESET_BY_FUNCTION;
	else
		reset->way = reset->cause == VFIO_RESET_GUEST ? VFIO_RESET_TO_BE_FOUND
							      : VFIO_RESET_BY_NOTHING;
	reset->spared = false;
}

static void reset_carry_out(struct vfio_pci *pci)
{
	vfio_aer_await_host(pci, pci->reset.on);
	pci->reset.outcome = vfio_reset_attempt(pci);
}

static void *reset_thread(void *argument)
{
	struct vfio_pci *pci = argument;

	reset_carry_out(pci);
	fd_signal(pci->reset.done);
	return NULL;
}

static void reset_set_deadline(const struct vfio_reset *reset, int milliseconds)
{
	const struct itimerspec time = {
		.it_value = {.tv_sec = milliseconds / 1000,
			     .tv_nsec = milliseconds % 1000 * 1000000L},
	};

	if (timerfd_settime(reset->deadline, 0, &time, NULL) < 0)
		log_debug("the deadline of a reset cannot be set: %s", err_text(-errno));
}

/* Behind a port a guest can be told that it is not there any more. */
static bool reset_is_lost(const struct vfio_pci *pci)
{
	return pci->reset.outcome == VFIO_RESET_SILENT && pci->options.port && pci->keeper_ops &&
	       pci->keeper_ops->lost;
}

static void reset_tell_outcome(const struct vfio_pci *pci, bool was_reset)
{
	bool done = pci->reset.outcome == VFIO_RESET_DONE;
	const char *name = pci->device.name;

	/* What the host wants back goes there whatever it was. */
	if (pci->leaving || (pci->wanted_back && !done && !reset_is_lost(pci)))
		return;
	if (pci->reset.cause == VFIO_RESET_RECOVERY && done)
		log_warn("passthrough device %s: it recovered%s: its driver in the guest must be "
			 "loaded anew",
			 name, was_reset ? " and was reset" : ", without a reset");
	else if (reset_is_lost(pci))
		log_error("passthrough device %s: it is lost: it is taken out of the guest", name);
	else if (pci->reset.cause == VFIO_RESET_RECOVERY)
		log_error("passthrough device %s: it did not recover: it is out of the guest's "
			  "reach until the guest restarts",
			  name);
	else if (!done)
		log_error("passthrough device %s: its reset failed: it is out of the guest's reach "
			  "until the guest restarts",
			  name);
}

/* The device comes back into the guest, or stays away; @late: one that has restarted since. */
static void reset_bring_back(struct vfio_pci *pci, bool late)
{
	vfio_trace_note(pci->trace, "device  reset ended, %s",
			pci->reset.outcome == VFIO_RESET_DONE ? "it answers" : "it failed");
	if (pci->reset.outcome != VFIO_RESET_DONE || pci->leaving) {
		pci->state = VFIO_PCI_ISOLATED;
		return;
	}
	pci->state = VFIO_PCI_ALIVE;
	pci->used = false;
	if (pci->reset.cause == VFIO_RESET_RECOVERY)
		vfio_pci_restore(pci);
	if (pci->reset.cause == VFIO_RESET_GUEST)
		vfio_aer_was_reset(pci);
	/* At a restart its start does, unless that is over. */
	if (pci->reset.cause != VFIO_RESET_MACHINE || late)
		vfio_pci_arm(pci);
	pci_device_remap(&pci->device);
}

/* The neighbours of a @late one are the new guest's already. */
static void reset_settle_bus(struct vfio_pci *pci, bool late)
{
	struct vfio_reset *reset = &pci->reset;

	if (reset->bus_done && !late)
		pci->keeper_ops->bus_was_reset(pci->keeper, pci, reset->bus);
	vfio_bus_reset_free(reset->bus);
	reset->bus = NULL;
	reset->bus_done = false;
}

void vfio_reset_settle(struct vfio_pci *pci)
{
	reset_settle_bus(pci, false);
}

/*
 * A reset of the bus for @pci, or a line that says why not; what was refused by the function's own
 * way needs none when there is no other. Of a function that has none at all it is told when a guest
 * leaves it, not at the start, which may be refused for other reasons yet.
 */
static void reset_look_for_bus(struct vfio_pci *pci, enum vfio_reset_cause cause)
{
	struct vfio_reset *reset = &pci->reset;
	struct err err = {.code = -ENODEV};

	if (pci->keeper_ops)
		reset->bus = pci->keeper_ops->bus_reset(pci->keeper, pci, cause, &err);
	if (reset->bus)
		return;
	if (err.code != -ENODEV) {
		log_guest(&pci->limit, LOG_WARN, "%s", err.text);
	} else if (!reset->by_function && !reset->told_none && cause != VFIO_RESET_START) {
		reset->told_none = true;
		log_warn("passthrough device %s: it has no reset: only its bus mastering and its "
			 "decoding are turned off",
			 pci->device.name);
	}
}

/* Host lock and device lock held, by a vCPU perhaps, who may not ask the kernel for a reset. */
static void reset_start_thread(struct vfio_pci *pci)
{
	struct vfio_reset *reset = &pci->reset;

	if (thread_create(&reset->thread, THREAD_RESET, reset_thread, pci) == 0) {
		reset_enter(reset, VFIO_RESET_RUNNING);
	} else {
		reset_enter(reset, VFIO_RESET_DUE);
		fd_signal(reset->done);
	}
}

/*
 * Its end, from how it was until now. The processor that began it may not have stored its thread
 * yet.
 */
static enum vfio_reset_phase reset_join(struct vfio_pci *pci)
{
	struct vfio_reset *reset = &pci->reset;
	enum vfio_reset_phase phase;

	pci_host_lock(&pci->device);
	phase = reset->phase;
	pci_host_unlock(&pci->device);
	if (reset_has_thread(reset))
		pthread_join(reset->thread, NULL);
	else
		reset_carry_out(pci);
	reset_enter(reset, VFIO_RESET_IDLE);
	return phase;
}

/* Host lock held. */
static void reset_answer_write(struct vfio_reset *reset)
{
	if (reset->write == VFIO_RESET_WRITE_WAITS)
		reset->write = VFIO_RESET_WRITE_MAY_END;
}

/*
 * Whether there is a way by the bus where the function's own was refused, or there is none; or one
 * that has no way at all is to be waited for. No lock held.
 */
static bool reset_find_other_way(struct vfio_pci *pci)
{
	struct vfio_reset *reset = &pci->reset;
	bool refused = reset->outcome == VFIO_RESET_REFUSED;

	/* One that was looked for after an error, meanwhile. */
	if (reset->bus && reset->way == VFIO_RESET_TO_BE_FOUND) {
		reset->way = VFIO_RESET_BY_BUS;
		return true;
	}
	if (reset->bus || !(refused || reset->way == VFIO_RESET_TO_BE_FOUND))
		return false;
	reset_look_for_bus(pci, reset->cause);
	if (!reset->bus) {
		reset->way = VFIO_RESET_BY_NOTHING;
		return reset->outcome == VFIO_RESET_SILENT;
	}
	reset->way = VFIO_RESET_BY_BUS;
	if (refused)
		log_guest(&pci->limit, LOG_WARN,
			  "passthrough device %s: its own reset was refused: its bus is reset",
			  pci->device.name);
	return true;
}

/* Last, as it may be released; by then the guest may have begun another. */
static void reset_tell_keeper(struct vfio_pci *pci, bool lost)
{
	const struct vfio_pci_keeper_ops *ops = pci->keeper_ops;

	if (pci->leaving && ops && ops->retired) {
		pci->leaving = pci->state != VFIO_PCI_GONE;
		ops->retired(pci->keeper, pci);
	} else if (pci->leaving) {
		vfio_pci_release(pci, VFIO_RESET_REMOVAL);
	} else if (lost) {
		ops->lost(pci->keeper, pci);
	}
}

/* Main thread, no lock held. */
static void reset_finish(struct vfio_pci *pci)
{
	struct vfio_reset *reset = &pci->reset;
	bool late = reset_join(pci) == VFIO_RESET_LATE, was_reset, lost, silent, recovered;

	if (!late && (!pci->leaving || reset->cause == VFIO_RESET_REMOVAL) && !pci->wanted_back &&
	    reset_find_other_way(pci)) {
		pci_host_lock(&pci->device);
		reset_start_thread(pci);
		pci_host_unlock(&pci->device);
		return;
	}
	reset_set_deadline(reset, 0);
	was_reset = reset->by_function || reset->bus_done;
	reset_settle_bus(pci, late);
	pci_host_lock(&pci->device);
	if (pci->state == VFIO_PCI_RESETTING)
		reset_bring_back(pci, late);
	reset_answer_write(reset);
	reset_tell_outcome(pci, was_reset);
	lost = reset_is_lost(pci);
	silent = reset->outcome == VFIO_RESET_SILENT;
	recovered =
		pci->state == VFIO_PCI_ALIVE && (reset->cause == VFIO_RESET_RECOVERY || pci->lost);
	pci_host_unlock(&pci->device);
	if (recovered) {
		pci->lost = false;
		vfio_pci_tell(pci, VFIO_RECOVERED);
	}
	if (silent)
		vfio_pci_tell_lost(pci);
	if (pci->keeper_ops)
		pci->keeper_ops->wake(pci->keeper);
	reset_tell_keeper(pci, lost);
}

static void reset_on_done(void *owner, uint32_t events)
{
	struct vfio_pci *pci = owner;

	(void)events;
	if (fd_take(pci->reset.done))
		reset_finish(pci);
}

/* The guest's processor has waited long enough for its write. */
static void reset_on_deadline(void *owner, uint32_t events)
{
	struct vfio_pci *pci = owner;

	(void)events;
	/* Not when the reset ended in the same round of the loop. */
	if (!fd_take(pci->reset.deadline))
		return;
	log_guest(&pci->limit, LOG_ERROR,
		  "passthrough device %s: its reset has not ended after %d ms: it reads all ones "
		  "until then",
		  pci->device.name, pci->reset.deadline_ms);
	pci_host_lock(&pci->device);
	reset_answer_write(&pci->reset);
	pci_host_unlock(&pci->device);
	if (pci->keeper_ops)
		pci->keeper_ops->wake(pci->keeper);
}

static int reset_open_descriptors(struct vfio_reset *reset)
{
	reset->done = fd_eventfd();
	if (reset->done < 0)
		return reset->done;
	reset->stop = fd_eventfd();
	if (reset->stop < 0)
		return reset->stop;
	reset->deadline = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return reset->deadline < 0 ? -errno : 0;
}

int vfio_reset_setup(struct vfio_pci *pci, bool by_function, struct err *err)
{
	struct vfio_reset *reset = &pci->reset;
	int rc;

	reset->by_function = by_function;
	reset->deadline_ms = DEADLINE_MS;
	reset->pauses_ms = recovery_pauses_ms;
	reset->retries_ms = retry_pauses_ms;
	rc = reset_open_descriptors(reset);
	if (rc)
		return err_set(err, rc, "passthrough device %s: descriptors for its resets: %s",
			       pci->device.name, err_text(rc));
	rc = loop_add(pci->loop, reset->done, EPOLLIN, reset_on_done, pci, err);
	if (!rc)
		rc = loop_add(pci->loop, reset->deadline, EPOLLIN, reset_on_deadline, pci, err);
	return rc ? err_prefix(err, "passthrough device %s: its resets", pci->device.name) : 0;
}

static void reset_unwatch(struct vfio_pci *pci, int *fd)
{
	if (*fd >= 0)
		loop_remove(pci->loop, *fd);
	fd_close(fd);
}

void vfio_reset_release(struct vfio_pci *pci)
{
	struct vfio_reset *reset = &pci->reset;
	bool late = reset->phase == VFIO_RESET_LATE;

	if (reset_has_thread(reset)) {
		fd_signal(reset->stop);
		pthread_join(reset->thread, NULL);
	}
	if (reset->phase != VFIO_RESET_IDLE)
		reset_enter(reset, VFIO_RESET_IDLE);
	reset_settle_bus(pci, late);
	reset_unwatch(pci, &reset->deadline);
	reset_unwatch(pci, &reset->done);
	fd_close(&reset->stop);
}

void vfio_reset_prepare(struct vfio_pci *pci, enum vfio_reset_cause cause)
{
	struct vfio_reset *reset = &pci->reset;

	if (reset->by_function || reset->bus || (cause != VFIO_RESET_RECOVERY && reset->spared))
		return;
	/* A vCPU may begin another one meanwhile, of which the cause is its own. */
	reset_look_for_bus(pci, cause);
}

int vfio_reset_first(struct vfio_pci *pci, struct err *err)
{
	if (!pci->reset.bus)
		return 0;
	pci->reset.cause = VFIO_RESET_START;
	pci->reset.way = VFIO_RESET_BY_BUS;
	pci->reset.outcome = vfio_reset_try(pci, LOG_WARN);
	if (pci->reset.outcome != VFIO_RESET_SILENT)
		return 0;
	return err_set(err, -EIO,
		       "passthrough device %s: it does not answer after the reset of its bus: "
		       "power-cycle or rescan it on the host",
		       pci->device.name);
}

void vfio_reset_now(struct vfio_pci *pci, enum vfio_reset_cause cause)
{
	struct vfio_reset *reset = &pci->reset;

	reset->cause = cause;
	reset_choose_way(reset);
	reset->outcome = vfio_reset_try(pci, LOG_ERROR);
	if (reset_find_other_way(pci))
		reset->outcome = vfio_reset_try(pci, LOG_ERROR);
}

void vfio_reset_begin_last(struct vfio_pci *pci)
{
	struct vfio_reset *reset = &pci->reset;

	assert(reset->phase == VFIO_RESET_IDLE);
	reset->cause = VFIO_RESET_REMOVAL;
	reset->write = VFIO_RESET_WRITE_NONE;
	reset->on = pci->aer.on;
	pci->aer.on = 0;
	reset_choose_way(reset);
	reset_start_thread(pci);
}

void vfio_reset_begin(struct vfio_pci *pci, enum vfio_reset_cause cause)
{
	struct vfio_reset *reset = &pci->reset;

	assert(reset->phase == VFIO_RESET_IDLE);
	assert(cause != VFIO_RESET_GUEST || reset->write == VFIO_RESET_WRITE_NONE);
	reset->cause = cause;
	reset->write = cause == VFIO_RESET_GUEST ? VFIO_RESET_WRITE_WAITS : VFIO_RESET_WRITE_NONE;
	reset->on = pci->aer.on;
	pci->aer.on = 0;
	reset_choose_way(reset);
	vfio_pci_withdraw(pci, VFIO_PCI_RESETTING);
	/* At a restart the firmware's addresses are there again. */
	if (cause == VFIO_RESET_GUEST)
		vfio_aer_lose_registers(pci);
	if (cause == VFIO_RESET_RECOVERY)
		vfio_pci_stop_mastering(pci);
	vfio_pci_forget_vectors(pci);
	if (cause == VFIO_RESET_GUEST)
		reset_set_deadline(reset, reset->deadline_ms);
	reset_start_thread(pci);
}

void vfio_reset_leave_to_host(struct vfio_pci *pci)
{
	if (pci->state != VFIO_PCI_ALIVE)
		return;
	vfio_pci_withdraw(pci, VFIO_PCI_ISOLATED);
	vfio_pci_quiet(pci);
}

enum mem_result vfio_reset_answer(struct vfio_pci *pci)
{
	struct vfio_reset *reset = &pci->reset;

	/* Behind a port a write that waited may never have come back; it was used since. */
	if (reset->write == VFIO_RESET_WRITE_MAY_END) {
		reset->write = VFIO_RESET_WRITE_NONE;
		if (!pci->used || !pci->options.port || pci->state == VFIO_PCI_ISOLATED)
			return MEM_DONE;
	}
	if (pci->wanted_back)
		vfio_reset_leave_to_host(pci);
	if (pci->leaving || (pci->wanted_back && pci->state != VFIO_PCI_RESETTING))
		return MEM_DONE;
	/* One that has failed comes back as its port resets the link. */
	if (pci->state == VFIO_PCI_ALIVE || (pci->state == VFIO_PCI_ISOLATED && pci->options.port))
		vfio_reset_begin(pci, VFIO_RESET_GUEST);
	/* One that is late or is not the guest's is waited for no more: all ones tell of it. */
	return reset->write == VFIO_RESET_WRITE_WAITS ? MEM_NOT_YET : MEM_DONE;
}

bool vfio_reset_hurry(struct vfio_pci *pci)
{
	if (pci->reset.phase == VFIO_RESET_IDLE)
		return false;
	fd_signal(pci->reset.stop);
	return true;
}

/* For as long as the deadline. Main thread, no lock held. */
static void reset_wait(struct vfio_pci *pci)
{
	struct pollfd done = {.fd = pci->reset.done, .events = POLLIN};
	int64_t end = clock_now_ms() + pci->reset.deadline_ms;

	while (pci->state == VFIO_PCI_RESETTING) {
		int64_t left = end - clock_now_ms();

		if (fd_take(pci->reset.done)) {
			reset_finish(pci);
		} else if (left <= 0 || poll(&done, 1, (int)left) != 1) {
			if (pci->reset.phase != VFIO_RESET_LATE)
				reset_enter(&pci->reset, VFIO_RESET_LATE);
			log_error("passthrough device %s: its reset has not ended after %d ms: it "
				  "reads all ones until then",
				  pci->device.name, pci->reset.deadline_ms);
			return;
		}
	}
}

void vfio_reset_machine(struct vfio_pci *pci)
{
	struct pci_device *device = &pci->device;

	reset_wait(pci);
	if (pci->state != VFIO_PCI_RESETTING && pci->state != VFIO_PCI_GONE && !pci->leaving)
		vfio_reset_prepare(pci, VFIO_RESET_MACHINE);
	pci_host_lock(device);
	/* The port above is as at power-on by now. */
	pci->passed_up = pci_device_is_passed_up(device);
	pci->reset.write = VFIO_RESET_WRITE_NONE;
	vfio_aer_forget(pci);
	if (pci->state == VFIO_PCI_GONE || pci->state == VFIO_PCI_RESETTING || pci->leaving) {
		pci_device_unmap(device);
		pci_host_unlock(device);
		return;
	}
	/* What the shadow said of its power is gone. */
	if (pci->state == VFIO_PCI_ALIVE)
		vfio_pci_wake(pci);
	vfio_reset_begin(pci, VFIO_RESET_MACHINE);
	pci_host_unlock(device);
	reset_wait(pci);
}
