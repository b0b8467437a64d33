/* SPDX-License-Identifier: BSD-3-Clause */
/* How the kernel is asked to reset a function: how often, and what becomes of that. */

#include "vfio/bus_reset.h"
#include "vfio/pci/pci.h"
#include "vmm/base/clock.h"
#include "vmm/base/log.h"
#include "vmm/base/pause.h"

static int attempt_ask_kernel(struct vfio_pci *pci)
{
	struct vfio_reset *reset = &pci->reset;
	int rc;

	if (reset->way == VFIO_RESET_BY_FUNCTION)
		return pci->backend->ops->reset(pci->backend);
	rc = pci->backend->ops->hot_reset(pci->backend, reset->bus->request);
	reset->bus_done = rc >= 0;
	return rc;
}

/* With further tries but in a recovery, which has its own. */
static int attempt_carry_out(struct vfio_pci *pci)
{
	const struct vfio_reset *reset = &pci->reset;
	const int *pause = reset->retries_ms;
	int64_t end = clock_now_ms() + reset->deadline_ms;
	int rc;

	if (reset->way == VFIO_RESET_BY_NOTHING || reset->way == VFIO_RESET_TO_BE_FOUND)
		return 0;
	rc = attempt_ask_kernel(pci);
	while (rc < 0 && reset->cause != VFIO_RESET_RECOVERY && *pause && clock_now_ms() < end &&
	       pause_unless(reset->stop, *pause++))
		rc = attempt_ask_kernel(pci);
	return rc;
}

enum vfio_reset_outcome vfio_reset_try(struct vfio_pci *pci, enum log_level level)
{
	int rc;

	/* Twice: on wake-up the kernel restores registers that the sleeping device had lost. */
	vfio_pci_quiet(pci);
	vfio_pci_wake(pci);
	vfio_pci_quiet(pci);
	vfio_aer_look(pci);
	rc = attempt_carry_out(pci);
	/* Whoever has no time for further tries does not need it any more. */
	if (rc < 0 && !pause_unless(pci->reset.stop, 0))
		level = LOG_DEBUG;
	if (rc < 0) {
		log_guest(&pci->limit, level, "passthrough device %s: %s was not reset: %s",
			  pci->device.name, pci->reset.way == VFIO_RESET_BY_BUS ? "its bus" : "it",
			  err_text(rc));
		return VFIO_RESET_REFUSED;
	}
	if (vfio_pci_responds(pci))
		return VFIO_RESET_DONE;
	log_guest(&pci->limit, level,
		  "passthrough device %s: it does not answer after its reset: it reads all ones",
		  pci->device.name);
	return VFIO_RESET_SILENT;
}

static enum vfio_reset_outcome attempt_recover(struct vfio_pci *pci)
{
	enum vfio_reset_outcome outcome = VFIO_RESET_SILENT;

	/* Its first try comes later. The kernel may be resetting its link, which this waits for. */
	vfio_pci_quiet(pci);
	for (const int *pause = pci->reset.pauses_ms; *pause; pause++) {
		/* What was not tried is not lost by that. */
		if (!pause_unless(pci->reset.stop, *pause))
			return vfio_pci_responds(pci) ? VFIO_RESET_REFUSED : VFIO_RESET_SILENT;
		outcome =
			vfio_pci_responds(pci) ? vfio_reset_try(pci, LOG_INFO) : VFIO_RESET_SILENT;
		if (outcome == VFIO_RESET_DONE)
			break;
	}
	return outcome;
}

/* Of one that was not reset here: the host's kernel may be at its link, as after an error. */
static enum vfio_reset_outcome attempt_await(struct vfio_pci *pci)
{
	const struct vfio_reset *reset = &pci->reset;

	for (const int *pause = reset->pauses_ms; *pause && pause_unless(reset->stop, *pause);
	     pause++)
		if (vfio_pci_responds(pci))
			return VFIO_RESET_DONE;
	return VFIO_RESET_SILENT;
}

/* The kernel would wait for a minute for one that does not answer. */
static enum vfio_reset_outcome attempt_last(struct vfio_pci *pci)
{
	return vfio_pci_responds(pci) ? vfio_reset_try(pci, LOG_ERROR) : VFIO_RESET_SILENT;
}

static enum vfio_reset_outcome attempt_live(struct vfio_pci *pci)
{
	enum vfio_reset_outcome outcome = vfio_reset_try(pci, LOG_ERROR);

	if (outcome == VFIO_RESET_SILENT && pci->reset.way == VFIO_RESET_BY_NOTHING)
		outcome = attempt_await(pci);
	return outcome;
}

enum vfio_reset_outcome vfio_reset_attempt(struct vfio_pci *pci)
{
	switch (pci->reset.cause) {
	case VFIO_RESET_RECOVERY:
		return attempt_recover(pci);
	case VFIO_RESET_REMOVAL:
		return attempt_last(pci);
	default:
		return attempt_live(pci);
	}
}
