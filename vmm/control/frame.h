/* SPDX-License-Identifier: BSD-3-Clause */
/* Takes apart what a client sends, byte by byte: one JSON object after another, of bounded size. */

#ifndef FERRY_VMM_CONTROL_FRAME_H
#define FERRY_VMM_CONTROL_FRAME_H

#include <stdbool.h>
#include <stddef.h>

enum { CONTROL_FRAME_MAX = 64 * 1024, CONTROL_DEPTH_MAX = 32 };

enum control_input {
	CONTROL_INPUT_MORE,
	CONTROL_INPUT_OBJECT,   /* `bytes` has one whose brackets match */
	CONTROL_INPUT_JUNK,     /* a line of something else, or in a string, has ended */
	CONTROL_INPUT_TOO_LONG, /* more than CONTROL_FRAME_MAX: where the next begins is lost */
	CONTROL_INPUT_TOO_DEEP, /* more than CONTROL_DEPTH_MAX, likewise */
};

/* Zero-initialise but for `bytes`. */
struct control_frame {
	size_t size;
	unsigned int depth; /* of brackets; 0: between two objects */
	bool junk, string, escape;
	char bytes[CONTROL_FRAME_MAX];
};

/* Takes the next byte. After an object the next byte begins another; after the last two nothing. */
enum control_input control_frame_take(struct control_frame *frame, char byte);

#endif
