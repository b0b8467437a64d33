/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes that nobody can guess, from the kernel (random(4), getrandom(2)). */

#include "vmm/base/random.h"

#include <sys/random.h>
#include <sys/types.h>
#include <unistd.h>

#include "vmm/base/held.h"
#include "vmm/base/log.h"

void random_hold(void)
{
	char byte;

	if (getrandom(&byte, 1, GRND_NONBLOCK) != 1)
		return;
	if (held_add(HELD_RANDOM, "/dev/urandom") < 0)
		log_debug("/dev/urandom cannot be held: the guest gets no seed");
}

bool random_fill(void *bytes, size_t size)
{
	int fd = held_descriptor(HELD_RANDOM, 0);
	ssize_t n = fd < 0 ? getrandom(bytes, size, GRND_NONBLOCK) : read(fd, bytes, size);

	return n == (ssize_t)size;
}
