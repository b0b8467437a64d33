/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of names of registers that holds anything, and a trace that tells accesses by it. */

#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/input.h"

#include "devices/pci/pci.h"
#include "vfio/tell/decode.h"
#include "vfio/tell/names.h"

enum { ACCESSES_MAX = 64 };

/* Behind the table, a byte of zero and accesses: BAR and width, offset, value. */
static void tell(struct vfio_names *names, struct input *input)
{
	uint8_t how = take8(input);
	unsigned int bar = (how >> 4) % PCI_BARS, size = 1u << (how & 3);
	uint64_t offset = take_number(input, how & 8 ? 5 : 1), value = take_number(input, size);
	char text[DECODE_SIZE] = "";

	if (how & 4)
		vfio_names_learn(names, bar, offset, size, value);
	vfio_names_tell(names, bar, offset, size, value, text);
	require(memchr(text, '\0', sizeof(text)));
	for (const char *at = text; *at; at++)
		require(*at >= ' ' && *at <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
	size_t length = end ? (size_t)(end - data) : size;
	struct input input = {.bytes = data + length, .left = size - length};
	struct vfio_names *names;
	struct err err = {0};
	char path[32];

	if (fd < 0)
		fd = memfd_create("names", MFD_CLOEXEC);
	require(fd >= 0 && !ftruncate(fd, 0) && pwrite(fd, data, length, 0) == (ssize_t)length);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	names = vfio_names_load(path, 0, &err);
	require(names || (err.code < 0 && err.text[0]));
	take8(&input);
	for (unsigned int i = 0; names && i < ACCESSES_MAX && input.left > 0; i++)
		tell(names, &input);
	vfio_names_free(names);
	return 0;
}
