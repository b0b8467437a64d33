/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tries what KVM here can do for a debugger, on a vCPU of its own: steps, breakpoints, watchpoints.
 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest-images/tool/debug_probe.h"
#include "guest-images/tool/labtool.h"

struct probe {
	int vm;
	int vcpu;
	struct kvm_run *run;
	uint8_t *memory;
};

static int must(int result, const char *what)
{
	if (result < 0)
		err(1, "%s", what);
	return result;
}

static void probe_open(struct probe *probe)
{
	int kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	size_t size = (size_t)must(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
	struct kvm_userspace_memory_region region = {.memory_size = PROBE_MEMORY_SIZE};

	probe->vm = must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	probe->memory = buffer_alloc(PROBE_MEMORY_SIZE);
	region.userspace_addr = (uintptr_t)probe->memory;
	must(ioctl(probe->vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
	probe->vcpu = must(ioctl(probe->vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	probe->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, probe->vcpu, 0);
	if (probe->run == MAP_FAILED)
		err(1, "the vCPU's run page");
	close(kvm);
}

static uint64_t address_of(unsigned int instruction)
{
	return PROBE_CODE + probe_offsets[instruction];
}

static void restart(struct probe *probe, unsigned int instruction)
{
	probe_fill(probe->memory);
	memcpy(probe->memory + PROBE_CODE, probe_code, probe_code_size);
	probe_prepare(probe->vm, probe->vcpu, address_of(instruction));
}

static int control(struct probe *probe, const struct kvm_guest_debug *debug)
{
	return ioctl(probe->vcpu, KVM_SET_GUEST_DEBUG, debug) == 0 ? 0 : -errno;
}

static void wake(int signal)
{
	(void)signal;
}

/* Runs the guest to its next exit, for ten seconds at most; false when there was none. */
static bool run_guest(struct probe *probe)
{
	int result;

	alarm(10);
	result = ioctl(probe->vcpu, KVM_RUN, 0);
	alarm(0);
	if (result < 0 && errno != EINTR)
		err(1, "KVM_RUN");
	return result == 0;
}

/*
 * The guest has to stop for a debugger with this instruction to come next; NULL or why it is not
 * so.
 */
static const char *stops_at(struct probe *probe, unsigned int instruction)
{
	static char reason[128];

	if (!run_guest(probe))
		return "the guest goes on and on";
	if (probe_ended(probe->run))
		return "the guest ran past it to its end";
	if (probe->run->exit_reason != KVM_EXIT_DEBUG) {
		snprintf(reason, sizeof(reason), "exit %u", probe->run->exit_reason);
		return reason;
	}
	if (probe_pc(probe->vcpu) != address_of(instruction)) {
		snprintf(reason, sizeof(reason), "it stopped at %#jx, not %#jx",
			 (uintmax_t)probe_pc(probe->vcpu), (uintmax_t)address_of(instruction));
		return reason;
	}
	return NULL;
}

static const char *runs(struct probe *probe)
{
	static char reason[128];
	const struct kvm_guest_debug none = {0};

	restart(probe, PROBE_FIRST);
	if (control(probe, &none) < 0)
		return "KVM_SET_GUEST_DEBUG fails";
	if (!run_guest(probe))
		return "the guest goes on and on";
	if (probe_ended(probe->run))
		return NULL;
	snprintf(reason, sizeof(reason), "exit %u at %#jx", probe->run->exit_reason,
		 (uintmax_t)probe_pc(probe->vcpu));
	return reason;
}

static const char *steps(struct probe *probe)
{
	const struct kvm_guest_debug debug = {.control = KVM_GUESTDBG_ENABLE |
							 KVM_GUESTDBG_SINGLESTEP};
	const char *reason = NULL;
	int result;

	restart(probe, PROBE_FIRST);
	for (unsigned int next = PROBE_SECOND; next <= PROBE_END && !reason; next++) {
		result = control(probe, &debug);
		reason = result < 0 ? strerror(-result) : stops_at(probe, next);
	}
	return reason;
}

static const char *breaks_by_software(struct probe *probe)
{
	const struct kvm_guest_debug debug = {.control =
						      KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP};
	int result;

	restart(probe, PROBE_FIRST);
	memcpy(probe->memory + address_of(PROBE_SECOND), probe_breakpoint, probe_breakpoint_size);
	result = control(probe, &debug);
	return result < 0 ? strerror(-result) : stops_at(probe, PROBE_SECOND);
}

static const char *breaks_by_hardware(struct probe *probe)
{
	struct kvm_guest_debug debug = {0};
	int result;

	restart(probe, PROBE_FIRST);
	probe_point(&debug, PROBE_BREAK, address_of(PROBE_SECOND));
	result = control(probe, &debug);
	return result < 0 ? strerror(-result) : stops_at(probe, PROBE_SECOND);
}

/*
 * The guest begins with one instruction and has to stop at this one, or after it as some processors
 * do.
 */
static const char *watches(struct probe *probe, enum probe_kind kind, unsigned int instruction)
{
	struct kvm_guest_debug debug = {0};
	const char *reason;
	int result;

	restart(probe, instruction);
	probe_point(&debug, kind, PROBE_DATA);
	result = control(probe, &debug);
	if (result < 0)
		return strerror(-result);
	reason = stops_at(probe, instruction + 1);
	if (reason && probe->run->exit_reason == KVM_EXIT_DEBUG &&
	    probe_pc(probe->vcpu) == address_of(instruction))
		reason = NULL;
	if (!reason && !probe_watched(probe->run, PROBE_DATA))
		reason = "the exit names other data";
	return reason;
}

static void tell(const char *name, const char *reason)
{
	printf("%s %s%s\n", name, reason ? "no: " : "ok", reason ? reason : "");
}

/* Prints a line for each; the status tells whether the probe itself could run. */
int debug_probe_main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = wake};
	struct probe probe;
	const char *reason;

	(void)argv;
	if (argc != 1)
		errx(2, "debug-probe takes no arguments");
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGALRM, &action, NULL);
	probe_open(&probe);
	reason = runs(&probe);
	if (reason)
		errx(1, "the probe's code does not run: %s", reason);
	tell("step", steps(&probe));
	tell("software-breakpoint", breaks_by_software(&probe));
	tell("hardware-breakpoint", breaks_by_hardware(&probe));
	tell("watchpoint", watches(&probe, PROBE_WRITE, PROBE_STORE));
	tell("access-watchpoint", watches(&probe, PROBE_ACCESS, PROBE_LOAD));
	return 0;
}
