/* SPDX-License-Identifier: BSD-3-Clause */
/* The few things that every command does with jansson in the same way. */

#ifndef FERRY_VMM_TOOLS_JSON_H
#define FERRY_VMM_TOOLS_JSON_H

#include <jansson.h>
#include <stdio.h>

#include "vmm/base/err.h"

/* A string value of whatever bytes the host gave, made printable; an empty one is null. */
json_t *tool_json_text(const char *text);

/* The words of @text, parted by blanks, as an array. */
json_t *tool_json_words(const char *text);

/* A number in hexadecimal with so many digits, as "8086". */
json_t *tool_json_hex(unsigned int value, int digits);

/* What went wrong: the command's status, the error's name such as "ENOENT", the sentence. */
json_t *tool_json_error(int status, const struct err *err);

/* Prints @root and drops it. 0, or TOOL_FAILED having said why; @root NULL: memory ran out. */
int tool_json_print(json_t *root, FILE *out);

#endif
