/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that is a program: an NVMe controller behind a socket, misbehaving as it is told. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/user-server/nvme.h"

static const char usage[] =
	"usage: user-server [OPTION...] SOCKET\n"
	"An NVMe controller for clients of vfio-user at SOCKET, one after another.\n"
	"  --image FILE        its blocks, instead of memory of its own\n"
	"  --size MIB          of that memory (default 16)\n"
	"  --map-doorbells     clients map the page of doorbells, which is polled\n"
	"  --eventfds          clients ring doorbells by an eventfd\n"
	"  --messages          reaches guest memory by messages alone\n"
	"  --times             tells how soon interrupts are answered\n"
	"  --twin              sends those over a socket of their own\n"
	"  --fault NAME:COMMAND[:N]\n"
	"                      misbehaves so at messages of that number, after N of them\n";

struct settings {
	const char *image;
	unsigned long mebibytes;
	enum nvme_bells bells;
	bool times;
};

static int main_fail(const char *what)
{
	fprintf(stderr, "user-server: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

static int main_take_fault(struct user_server *server, char *text)
{
	char *command = strchr(text, ':'), *skip;

	if (!command)
		return -EINVAL;
	*command++ = '\0';
	skip = strchr(command, ':');
	server->fault = user_fault_find(text);
	server->at = (enum server_command)atoi(command);
	server->skip = skip ? (unsigned int)atoi(skip + 1) : 0;
	return server->fault == USER_FAULTS ? -EINVAL : 0;
}

static int main_take_options(int argc, char **argv, struct settings *settings,
			     struct user_server *server)
{
	static const struct option options[] = {
		{"image", required_argument, NULL, 'i'},
		{"size", required_argument, NULL, 's'},
		{"map-doorbells", no_argument, NULL, 'd'},
		{"eventfds", no_argument, NULL, 'e'},
		{"messages", no_argument, NULL, 'm'},
		{"times", no_argument, NULL, 'a'},
		{"twin", no_argument, NULL, 't'},
		{"fault", required_argument, NULL, 'f'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'i')
			settings->image = optarg;
		else if (option == 's')
			settings->mebibytes = strtoul(optarg, NULL, 10);
		else if (option == 'd')
			settings->bells = NVME_MAPPED;
		else if (option == 'e')
			settings->bells = NVME_BY_EVENTFD;
		else if (option == 'm')
			server->never_maps = true;
		else if (option == 'a')
			settings->times = true;
		else if (option == 't')
			server->twin = true;
		else if (option != 'f' || main_take_fault(server, optarg))
			return -EINVAL;
	}
	return optind == argc - 1 ? 0 : -EINVAL;
}

static void *main_open_blocks(const struct settings *settings, size_t *size)
{
	struct stat status;
	void *blocks;
	int fd = -1;

	*size = settings->mebibytes << 20;
	if (settings->image) {
		fd = open(settings->image, O_RDWR | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &status))
			return NULL;
		*size = (size_t)status.st_size;
	}
	blocks = mmap(NULL, *size, PROT_READ | PROT_WRITE,
		      fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
	return blocks == MAP_FAILED ? NULL : blocks;
}

int main(int argc, char **argv)
{
	static struct user_server server;
	static struct nvme nvme;
	struct settings settings = {.mebibytes = 16};
	size_t size;
	void *blocks;

	if (main_take_options(argc, argv, &settings, &server)) {
		fputs(usage, stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	blocks = main_open_blocks(&settings, &size);
	if (!blocks)
		return main_fail(settings.image ? settings.image : "memory");
	errno = -nvme_init(&nvme, &server, blocks, size, settings.bells);
	if (errno)
		return main_fail("the controller");
	nvme.times = settings.times;
	errno = -user_server_listen(&server, argv[optind]);
	return main_fail(argv[optind]);
}
