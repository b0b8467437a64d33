/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON as the socket has it: a line for each object, in ASCII, and text of others in strings. */

#ifndef FERRY_VMM_CONTROL_LINE_H
#define FERRY_VMM_CONTROL_LINE_H

#include <jansson.h>
#include <stddef.h>

/* @root, which it drops, as one line with its end; the caller's to free. NULL: no memory. */
char *control_line(json_t *root, size_t *size);

enum { CONTROL_QUOTE = 256 };

struct control_quote {
	char text[CONTROL_QUOTE];
};

/* The beginning of what somebody else wrote, for a sentence. */
struct control_quote control_printable(const char *text);

/* A string of @text, of more than one line perhaps, without what no string or terminal takes. */
json_t *control_text(const char *text);

#endif
