/* SPDX-License-Identifier: BSD-3-Clause */
/* VF tokens: what they are to the kernel, and what is wrong with one. */

#include "vfio/token.h"

#include <ctype.h>
#include <errno.h>

static uint8_t token_digit(char digit)
{
	return (uint8_t)(digit <= '9' ? digit - '0' : tolower((unsigned char)digit) - 'a' + 10);
}

void vfio_token_parse(const char *text, uint8_t token[VFIO_TOKEN_SIZE])
{
	for (unsigned int i = 0; i < VFIO_TOKEN_SIZE; i++) {
		text += *text == '-';
		token[i] = (uint8_t)(token_digit(text[0]) << 4 | token_digit(text[1]));
		text += 2;
	}
}

int vfio_token_refuse(const char *address, const char *token, int rc, struct err *err)
{
	if (rc == -EACCES && !token)
		return err_set(
			err, rc,
			"passthrough device %s: it wants a VF token, which virtual functions share "
			"with their physical one where vfio-pci has both: give vf-token=UUID, the "
			"one that was given with the other",
			address);
	if (rc == -EACCES)
		return err_set(err, rc,
			       "passthrough device %s: vf-token=%s: another one was set by who has "
			       "its physical function, or virtual ones of it",
			       address, token);
	if (token && (rc == -EINVAL || rc == -ENODEV))
		return err_set(
			err, rc,
			"passthrough device %s: vf-token=%s: it takes none, being no virtual "
			"function whose physical one vfio-pci has: leave it out",
			address, token);
	return 0;
}
