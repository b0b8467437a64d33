/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON as the socket has it: a line for each object, in ASCII, and text of others in strings. */

#include "vmm/control/line.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/base/text.h"

static const char end[] = "\r\n";

char *control_line(json_t *root, size_t *size)
{
	char *dumped = root ? json_dumps(root, JSON_ENSURE_ASCII) : NULL, *line;
	size_t length = dumped ? strlen(dumped) : 0;

	json_decref(root);
	line = dumped ? realloc(dumped, length + sizeof(end)) : NULL;
	if (!line) {
		free(dumped);
		return NULL;
	}
	memcpy(line + length, end, sizeof(end));
	*size = length + strlen(end);
	return line;
}

struct control_quote control_printable(const char *text)
{
	struct control_quote quote = {0};

	strncpy(quote.text, text, sizeof(quote.text) - 1);
	text_make_printable(quote.text);
	return quote;
}

json_t *control_text(const char *text)
{
	char *copy = strdup(text);
	json_t *value;

	if (!copy)
		return NULL;
	text_make_lines_printable(copy);
	value = json_string(copy);
	free(copy);
	return value;
}
