/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whole machines of which others have opened all, with every call failing in its turn; and such and
 * others that SIGTERM meets at every call, on the way up and on the way down.
 */

#include <signal.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/unit/vmm/machine/test_faults.h"

enum { GIVEN_MAX = 16 };

/* What was handed to this life's machine. */
static struct {
	size_t count;
	int fds[GIVEN_MAX];
	struct stat status[GIVEN_MAX];
	char path[2][16], gdb[16], control[16];
} given;

static int give(int fd)
{
	must(fd > STDERR_FILENO && given.count < GIVEN_MAX);
	must(fstat(fd, &given.status[given.count]) == 0);
	given.fds[given.count++] = fd;
	return fd;
}

static int give_file(const char *path, int flags)
{
	return give(open(path, flags | O_CLOEXEC));
}

/* Of a name of its own, which nobody removes. */
static int give_listener(void)
{
	const struct sockaddr_un nameless = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	must(bind(fd, (const struct sockaddr *)&nameless, sizeof(sa_family_t)) == 0);
	must(listen(fd, 1) == 0);
	return give(fd);
}

static int give_memory(void)
{
	int fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	must(ftruncate(fd, (off_t)mock.config.memory) == 0);
	return give(fd);
}

static int give_pipe(const char *text)
{
	int ends[2];

	must(pipe2(ends, O_CLOEXEC) == 0);
	must(write(ends[1], text, strlen(text)) == (ssize_t)strlen(text));
	close(ends[1]);
	return give(ends[0]);
}

static void give_cdev(struct vfio_device_config *device, char path[16], int fd)
{
	device->fd = give(fd);
	device->via = VFIO_VIA_IOMMUFD;
	snprintf(path, sizeof(given.path[0]), "fd=%d", fd);
	device->path = path;
}

static void give_devices(struct config *config)
{
	if (way == BY_IOMMUFD) {
		config->iommufd = give(open_iommufd_as_other("/dev/null"));
		give_cdev(&config->vfio[0], given.path[0],
			  open_cdev_as_other(FAKE_FIRST, 0, "/dev/zero"));
		give_cdev(&config->vfio[1], given.path[1],
			  open_cdev_as_other(FAKE_THIRD, 4, "/dev/full"));
		return;
	}
	config->container = give(open_container_as_other());
	config->groups[0] = give(open_group_as_other(7, "/dev/zero"));
	config->groups[1] = give(open_group_as_other(8, "/dev/full"));
	config->group_count = 2;
	config->vfio[0].via = config->vfio[1].via = VFIO_VIA_GROUP;
}

static void open_given(void)
{
	struct config *config = &mock.config;

	given.count = 0;
	config->kvm = give_file("/dev/null", O_RDWR);
	config->memory_fd = give_memory();
	config->kernel_fd = give_file(mock.kernel, O_RDONLY);
	config->initrd_fds[0] = give_pipe("initrd");
	config->serial = SERIAL_FD;
	config->serial_fd = give_file(world.path[2], O_WRONLY | O_CREAT);
	config->vfio[0].trace_fd = give_file(world.path[0], O_WRONLY | O_CREAT);
	config->vfio[0].rom_fd = give_file(world.path[1], O_RDONLY);
	snprintf(given.gdb, sizeof(given.gdb), "fd=%d", give_listener());
	snprintf(given.control, sizeof(given.control), "fd=%d", give_listener());
	config->gdb = given.gdb;
	config->control = given.control;
	give_devices(config);
}

/* What was not reached goes with the process; of a machine that was built nothing is left. */
static void close_given(void)
{
	struct stat now;

	for (size_t i = 0; i < given.count && !world.built; i++)
		if (fstat(given.fds[i], &now) == 0 && now.st_ino == given.status[i].st_ino &&
		    now.st_dev == given.status[i].st_dev)
			close(given.fds[i]);
}

static void setup_given(void)
{
	setup();
	world.open = open_given;
	world.close = close_given;
}

START_TEST(every_call_fails)
{
	libc.calls = true;
	ck_assert_uint_gt(walk(&(struct fault_plan){0}, 1), 200);
}
END_TEST

START_TEST(memory_runs_out_at_every_allocation)
{
	libc.memory = true;
	ck_assert_uint_gt(walk(&(struct fault_plan){.only = "memory", .error = -ENOMEM}, 1), 80);
}
END_TEST

/* One that came behind the end is still there. */
static void take_signal(void)
{
	const struct timespec now = {0};
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, SIGTERM);
	(void)sigtimedwait(&one, NULL, &now);
}

static const char *another_end(void)
{
	static char text[64];

	snprintf(text, sizeof(text), "status %d, signal %d", mock.status, mock.signal_number);
	return text;
}

/* What is wrong with the end of a life that it meets, or NULL. */
static const char *end_by_signal(unsigned int at)
{
	const char *left;

	world_create();
	fault_plan = (struct fault_plan){.at = at, .signal = SIGTERM};
	live();
	fault_disarm();
	left = what_is_left();
	take_signal();
	fake_machine_close_kernel();
	if (left)
		return left;
	if (!world.built)
		return mock.err.text;
	if (!fault_plan.struck)
		return mock.status == STATUS_POWERED_OFF ? NULL : another_end();
	/* It came before the guest's own end, or behind it. */
	if (mock.status == STATUS_FAILED)
		return mock.signal_number == SIGTERM ? NULL : mock.err.text;
	return mock.status == STATUS_POWERED_OFF && !mock.signal_number ? NULL : another_end();
}

enum { ENDED_WELL, ENDED_BADLY, NOT_STRUCK };

/* So many that end in order do it in a process of their own: where that begins may vary. */
enum { APART = 20 };

static int life_until(unsigned int at)
{
	const char *wrong = end_by_signal(at);

	if (wrong)
		fprintf(stderr, "SIGTERM at call %u, %s: %s\n", at, fault_plan.call, wrong);
	return wrong ? ENDED_BADLY : fault_plan.struck ? ENDED_WELL : NOT_STRUCK;
}

/* The same in a process of its own, which may die of it. */
static int process_until(unsigned int at)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		world.threads = count_threads();
		_exit(life_until(at));
	}
	must(waitpid(child, &status, 0) == child);
	return status;
}

/* While it is built it dies of it, from some call on it ends in its order, up to the last call. */
START_TEST(sigterm_comes_at_every_call)
{
	unsigned int at = 0, ended = 0, pace = walk_pace();
	int status;

	libc.calls = true;
	mock.config.power_down_seconds = 0;
	/* Check's own handler ends all that the test has begun. */
	signal(SIGTERM, SIG_DFL);
	do {
		status = process_until(at += pace);
		ck_assert_msg(WIFSIGNALED(status) ? WTERMSIG(status) == SIGTERM
						  : WEXITSTATUS(status) == ENDED_WELL,
			      "call %u: status 0x%x", at, status);
		ck_assert(!names_are_left());
		ended += WIFEXITED(status);
	} while (ended * pace < APART);
	ck_assert_uint_gt(at, 100);
	do
		status = life_until(at += pace);
	while (status == ENDED_WELL);
	ck_assert_int_eq(status, NOT_STRUCK);
	ck_assert_uint_gt(at, 200);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 240);
	tcase_add_checked_fixture(tests, setup_given, teardown);
	tcase_add_test(tests, every_call_fails);
	tcase_add_test(tests, memory_runs_out_at_every_allocation);
	if (way == BY_GROUP)
		tcase_add_test(tests, sigterm_comes_at_every_call);
}

static void add_tests_by_name(TCase *tests)
{
	tcase_set_timeout(tests, 240);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, sigterm_comes_at_every_call);
}

int main(void)
{
	int rc = run_suite("vmm/machine/faults of given groups", add_tests);

	way = BY_IOMMUFD;
	rc |= run_suite("vmm/machine/faults of given iommufd", add_tests);
	return run_suite("vmm/machine/SIGTERM by iommufd", add_tests_by_name) || rc;
}
