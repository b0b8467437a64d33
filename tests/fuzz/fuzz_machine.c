/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A whole machine that is driven from all sides: processors, devices, the control socket, a
 * debugger. One step after another, each the input's. Only KVM and VFIO are made up.
 */

#include <stdatomic.h>

#include "tests/fuzz/input.h"
#include "tests/unit/support/fake_acts.h"
#include "vmm/base/pause.h"
#include "vmm/base/thread.h"
#include "vmm/base/trim.h"

enum { STEPS_MAX = 192, CPUS = 3, UNTIL_WAITING = 200, PATIENCE_US = 20 };

/* What the first byte says of the machine. */
enum {
	HAS_FIRST = 1 << 0,
	HAS_SECOND = 1 << 1,
	HAS_THIRD = 1 << 2,
	BY_IOMMUFD = 1 << 3,
	HAS_PORTS = 1 << 4,
	HAS_SLOTS = 1 << 5,
	HAS_GDB = 1 << 6,
	HAS_CONTROL = 1 << 7,
};

/* And the second. */
enum {
	IS_PAUSED = 1 << 0,
	EXITS_ON_REBOOT = 1 << 1,
	HAS_TRACE = 1 << 2,
	HAS_SERIAL = 1 << 3,
	HAS_BUS_RESET = 1 << 4, /* in the place of the devices' own */
	HAS_DEBUG_EXIT = 1 << 5,
	HAS_ONE_CPU = 1 << 6,
	HAS_FLAW = 1 << 7, /* a call of the kernel's fails, the third byte's */
};

/* A processor waits in its guest until it is its turn, or in the monitor. */
static struct turn {
	int go; /* eventfd */
	atomic_bool in_guest;
	atomic_bool waits; /* for something in the monitor */
} turns[CPUS];

static struct {
	struct input input;
	struct acts acts;
	unsigned int steps;
	unsigned int polls; /* since the last step */
	bool again;
	int wake; /* eventfd, always ready: the next step is due */
	int gdb, control;
} drive = {.wake = -1, .gdb = -1, .control = -1};

static __thread struct turn *own;

/* Nothing of the log's is shown, see input.h. */
void log_never_wait(struct loop *loop)
{
	(void)loop;
}

void log_note_neighbour(uint8_t byte)
{
	(void)byte;
}

/* The program's own pages are used again at once. */
void trim_memory(void)
{
}

bool pause_unless(int stop, int milliseconds)
{
	(void)milliseconds;
	return !fd_take(stop);
}

int __real_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *lock);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *lock);

/* Who waits here goes on by what another thread does, not by itself. */
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *lock)
{
	int rc;

	if (own)
		atomic_store(&own->waits, true);
	rc = __real_pthread_cond_wait(condition, lock);
	if (own)
		atomic_store(&own->waits, false);
	return rc;
}

static uint64_t take_from_input(void *source, unsigned int size)
{
	return take_number(source, size);
}

/* The processor's thread: its turn, or it is wanted in the monitor. */
static int take_turn(void *owner, struct fake_cpu *cpu)
{
	struct pollfd go;
	sigset_t kick, old;

	(void)owner;
	own = &turns[cpu->index];
	go = (struct pollfd){.fd = own->go, .events = POLLIN};
	sigemptyset(&kick);
	sigaddset(&kick, SIGRTMIN);
	pthread_sigmask(SIG_BLOCK, &kick, &old);
	atomic_store(&own->in_guest, true);
	while (!fake_cpu_is_kicked(cpu) && !(go.revents & POLLIN))
		ppoll(&go, 1, NULL, &old);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!fd_take(own->go)) {
		atomic_store(&own->in_guest, false);
		return -EINTR;
	}
	return acts_guest(&drive.acts, cpu);
}

/* Those that stand from the start on were in no guest yet. */
static bool is_settled(void)
{
	if (mock.machine->paused)
		return true;
	for (unsigned int i = 0; i < mock.config.cpus; i++)
		if (!atomic_load(&turns[i].in_guest) && !atomic_load(&turns[i].waits))
			return false;
	return true;
}

static void step_cpu(struct turn *turn)
{
	if (!atomic_exchange(&turn->in_guest, false))
		return;
	fd_signal(turn->go);
}

static void plug_done(void *owner, const struct err *err)
{
	(void)owner;
	require(!err || err->text[0]);
}

static void step_plug(void)
{
	static const char *const names[] = {FAKE_FIRST, FAKE_SECOND, FAKE_THIRD};
	static const char *const slots[] = {NULL, "slot1", "slot2", "slot2.1", "slot3", "slot9"};
	uint8_t what = take8(&drive.input);
	struct vfio_device_config device = {.path = names[what % 3]};
	struct err err = {0};

	if (what & 0x80)
		require(!hotplug_remove(mock.machine, device.path, what & 0x40 ? 0 : 5000, &err) ||
			err.text[0]);
	else
		hotplug_add(mock.machine, &device, slots[(what >> 2) % ARRAY_SIZE(slots)],
			    plug_done, NULL);
}

static void step_person(void)
{
	static const int signals[] = {SIGUSR1, SIGCONT, SIGTERM, SIGHUP};
	uint8_t what = take8(&drive.input);

	if (what & 0x80)
		arch_console_input(mock.machine->arch, drive.input.bytes,
				   drive.input.left < 16 ? drive.input.left : 16);
	else if (what & 0x40)
		machine_power_down(mock.machine);
	else if (what & 0x20)
		machine_request_reset(mock.machine, CONTROL_HOST_UI);
	else
		require(!raise(signals[what & 16 ? what % ARRAY_SIZE(signals) : what % 2]));
}

static void step_outside(uint8_t what)
{
	switch (what & 7) {
	case 0:
	case 1:
	case 2:
		acts_device(&drive.acts);
		break;
	case 3:
	case 4:
		if (drive.control >= 0)
			acts_control(&drive.acts, drive.control);
		break;
	case 5:
		if (drive.gdb >= 0)
			acts_gdb(&drive.acts, drive.gdb);
		break;
	case 6:
		if (mock.config.slots)
			step_plug();
		break;
	default:
		step_person();
	}
}

static void step(void)
{
	uint8_t what = take8(&drive.input);

	if (what & 0xc0)
		step_cpu(&turns[what % mock.config.cpus]);
	else
		step_outside(what);
}

/* In the machine's own loop, each time around: what the last step has led to comes first. */
static void due(void *owner, uint32_t events)
{
	(void)owner;
	(void)events;
	if (!is_settled() && drive.polls++ < UNTIL_WAITING) {
		usleep(PATIENCE_US);
		return;
	}
	/* Once more around, for what it has made ready. */
	drive.again = !drive.again;
	if (drive.again)
		return;
	drive.polls = 0;
	if (drive.input.left == 0 || drive.steps++ == STEPS_MAX)
		machine_end(mock.machine, CONTROL_HOST_QUIT, STATUS_POWERED_OFF, NULL, NULL);
	else
		step();
}

static void shape_kernel(uint8_t options)
{
	for (unsigned int i = 0; i < 3 && options & HAS_BUS_RESET; i++) {
		kernel.devices[i].info.flags &= ~(uint32_t)VFIO_DEVICE_FLAGS_RESET;
		kernel.devices[i].dependents = 1;
		kernel.devices[i].dependent[0] =
			(struct vfio_pci_dependent_device){.group_id = i == 2 ? 8 : 7,
							   .bus = i == 2 ? 2 : 1,
							   .devfn = i == 1   ? 3
								    : i == 2 ? 1
									     : 0};
	}
	if (options & HAS_FLAW)
		fault_arm(1 + take8(&drive.input), FAULT_ERROR, -EIO);
}

static void configure(uint8_t what, uint8_t options)
{
	static const char *const names[] = {FAKE_FIRST, FAKE_SECOND, FAKE_THIRD};

	fake_machine_set_config();
	mock.config.cpus = options & HAS_ONE_CPU ? 1 : CPUS;
	mock.config.memory = 4 * MIB;
	for (unsigned int i = 0; i < 3; i++) {
		struct vfio_device_config *device;

		if (!(what & HAS_FIRST << i))
			continue;
		device = fake_machine_add(names[i]);
		device->via = what & BY_IOMMUFD ? VFIO_VIA_IOMMUFD : VFIO_VIA_GROUP;
		device->port = what & HAS_PORTS;
		device->trace = options & HAS_TRACE ? "/dev/null" : NULL;
	}
	mock.config.slots = what & HAS_SLOTS ? 3 : 0;
	mock.config.gdb = what & HAS_GDB ? mock.gdb : NULL;
	mock.config.control = what & HAS_CONTROL ? mock.control : NULL;
	mock.config.paused = options & IS_PAUSED;
	mock.config.exit_on_reboot = options & EXITS_ON_REBOOT;
	mock.config.debug_exit = options & HAS_DEBUG_EXIT;
	if (options & HAS_SERIAL) {
		mock.config.serial = SERIAL_FILE;
		mock.config.serial_path = "/dev/null";
	}
}

static void run(void)
{
	struct err err = {0};

	if (mock.config.gdb)
		drive.gdb = acts_connect(mock.gdb);
	if (mock.config.control)
		drive.control = acts_connect(mock.control);
	fault_disarm();
	drive.steps = drive.polls = 0;
	drive.again = false;
	drive.wake = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	require(drive.wake >= 0);
	require(!loop_add(mock.machine->loop, drive.wake, EPOLLIN, due, NULL, &err));
	fake_machine_run();
	/* By that device a guest says any odd status, with no sentence. */
	require(mock.status != STATUS_FAILED || mock.err.text[0] || mock.signal_number ||
		mock.config.debug_exit);
	loop_remove(mock.machine->loop, drive.wake);
	fd_close(&drive.wake);
}

static void begin(void)
{
	static bool begun;

	if (!begun) {
		signal(SIGPIPE, SIG_IGN);
		fake_machine_setup();
		fake_machine_add_cdevs();
		fake_machine_close_kernel();
		atexit(fake_tree_remove);
	}
	begun = true;
	fake_machine_open_kernel();
	for (unsigned int i = 0; i < CPUS; i++) {
		turns[i].go = fd_eventfd();
		atomic_store(&turns[i].in_guest, false);
		atomic_store(&turns[i].waits, false);
	}
}

/* A signal that came too late for this machine is not the next one's. */
static void take_signals(void)
{
	const struct timespec now = {0};
	sigset_t signals;

	thread_main_signals(&signals);
	while (sigtimedwait(&signals, NULL, &now) > 0)
		;
}

static void end(void)
{
	take_signals();
	for (unsigned int i = 0; i < CPUS; i++)
		fd_close(&turns[i].go);
	fd_close(&drive.gdb);
	fd_close(&drive.control);
	fake_machine_close_kernel();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int descriptors = open_descriptors();
	uint8_t what, options;

	drive.input = (struct input){.bytes = data, .left = size};
	what = take8(&drive.input);
	options = take8(&drive.input);
	begin();
	configure(what, options);
	shape_kernel(options);
	drive.acts = (struct acts){
		.take = take_from_input,
		.source = &drive.input,
		.ends = true,
	};
	kvm.guest = take_turn;
	if (fake_machine_create())
		run();
	else
		require(mock.err.text[0]);
	fault_disarm();
	fake_machine_destroy();
	require(!fake_machine_is_gone());
	end();
	require(open_descriptors() == descriptors);
	return 0;
}
