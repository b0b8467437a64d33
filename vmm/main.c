/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line: finds the subcommand, runs it, prints the one error and gives the status. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/owner.h"
#include "vmm/base/thread.h"
#include "vmm/base/trim.h"
#include "vmm/config.h"
#include "vmm/machine/machine.h"
#include "vmm/notify.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/tools/tools.h"

static const char usage[] =
	"Usage: ferry run [OPTION]... KERNEL\n"
	"       ferry devices|doctor|bind|unbind [OPTION]... [ADDR]...\n"
	"       ferry ctl [OPTION]... PATH|PID COMMAND\n"
	"       ferry list [OPTION]...\n"
	"       ferry --help | --version\n"
	"\n"
	"A KVM virtual machine monitor that hands real PCI devices to its guest.\n"
	"\n"
	"  run       boots a guest\n"
	"  devices   lists the host's PCI devices and which can be handed over\n"
	"  doctor    says whether a guest with these devices would start, and what if not\n"
	"  bind      takes devices from the host's drivers for guests\n"
	"  unbind    gives them back\n"
	"  ctl       asks and tells a run that has --control\n"
	"  list      lists this user's runs that have it\n"
	"\n"
	"`ferry COMMAND --help` lists a command's options.\n";

/* Beside `run`. */
static const struct {
	const char *name;
	int (*function)(const struct tool *tool, int argc, char **argv);
} tools[] = {
	{"devices", tool_devices}, {"doctor", tool_doctor}, {"bind", tool_bind},
	{"unbind", tool_unbind},   {"ctl", tool_ctl},       {"list", tool_list},
};

/* What is opened in the place of a standard descriptor that is closed would be taken for it. */
static void main_open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	fd_close(&fd);
}

/* Each interrupt vector of a passed-through device takes a descriptor. */
static void main_raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_debug("the limit of open files stays as it is");
}

/* A run that a signal ended dies of it in the end, as its parent expects. */
static int main_die_of(int signal_number)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, signal_number);
	signal(signal_number, SIG_DFL);
	thread_signal(thread_number(), signal_number);
	/* The machine has it blocked, as others that came too late to mean anything. */
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
	return STATUS_FAILED;
}

static int main_run_machine(const struct config *config, int *signal_number)
{
	struct machine *machine;
	struct err err = {0};
	int notify, status;

	if (config->dump_acpi || config->dump_fdt) {
		if (machine_dump_tables(config, &err) == 0)
			return 0;
		log_error("%s", err.text);
		return STATUS_FAILED;
	}
	notify = notify_open();
	machine = machine_create(config, &err);
	if (!machine) {
		fd_close(&notify);
		log_error("%s", err.text);
		return STATUS_FAILED;
	}
	notify_ready(&notify);
	status = machine_run(machine, signal_number, &err);
	machine_destroy(machine);
	/* On the way back. */
	if (!err.code && sandbox_refused(&err))
		status = STATUS_FAILED;
	if (err.code)
		log_error("%s", err.text);
	return status;
}

static int main_print(const char *text)
{
	struct tool tool;

	tool_here(&tool);
	return tool_print(&tool, text);
}

static int main_command_run(int argc, char **argv)
{
	enum config_action action;
	struct config config;
	struct err err = {0};
	int status = STATUS_USAGE, signal_number = 0;

	if (config_parse(&config, argc, argv, &action, &err)) {
		log_error("%s", err.text);
	} else if (action == CONFIG_HELP) {
		status = main_print(config_help());
	} else {
		if (config.user.uid)
			owner_set(config.user.uid, config.user.gid);
		trim_prepare();
		main_raise_descriptor_limit();
		/* A console without a reader, or a file at its limit, must not end the guest. */
		signal(SIGPIPE, SIG_IGN);
		signal(SIGXFSZ, SIG_IGN);
		status = main_run_machine(&config, &signal_number);
		log_flush();
	}
	config_release(&config);
	return signal_number ? main_die_of(signal_number) : status;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	struct tool tool;

	main_open_standard_descriptors();
	if (strcmp(command, "run") == 0)
		return main_command_run(argc - 1, argv + 1);
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		if (strcmp(command, tools[i].name) != 0)
			continue;
		tool_here(&tool);
		return tool_finish(&tool, tools[i].function(&tool, argc - 1, argv + 1));
	}
	if (strcmp(command, "--version") == 0 || strcmp(command, "-V") == 0)
		return main_print("ferry " FERRY_VERSION "\n");
	if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0 ||
	    strcmp(command, "help") == 0)
		return main_print(usage);
	if (*command == '-')
		log_error(
			"'%.80s': options go behind a command, as in ferry run --memory 1G KERNEL: "
			"see ferry --help",
			command);
	else if (*command && access(command, F_OK) == 0)
		log_error("unknown command '%.80s': a kernel is booted with ferry run: see ferry "
			  "--help",
			  command);
	else if (*command)
		log_error("unknown command '%s': see ferry --help", command);
	else
		fputs(usage, stderr);
	return STATUS_USAGE;
}
