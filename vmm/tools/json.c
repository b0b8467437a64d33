/* SPDX-License-Identifier: BSD-3-Clause */
/* The few things that every command does with jansson in the same way. */

#include "vmm/tools/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/log.h"
#include "vmm/base/text.h"
#include "vmm/tools/tools.h"

json_t *tool_json_text(const char *text)
{
	json_t *value;
	char *plain;

	if (*text == '\0')
		return json_null();
	plain = strdup(text);
	if (!plain)
		return NULL;
	text_make_printable(plain);
	value = json_string(plain);
	free(plain);
	return value;
}

json_t *tool_json_words(const char *text)
{
	char *words = strdup(text), *rest = words, *word;
	json_t *array = words ? json_array() : NULL;

	while ((word = strsep(&rest, " ")))
		if (*word)
			json_array_append_new(array, tool_json_text(word));
	free(words);
	return array;
}

json_t *tool_json_hex(unsigned int value, int digits)
{
	return json_sprintf("%0*x", digits, value);
}

json_t *tool_json_error(int status, const struct err *err)
{
	const char *code = strerrorname_np(abs(err->code));

	return json_pack("{s:i, s:o, s:o}", "status", status, "code",
			 tool_json_text(code ? code : ""), "reason", tool_json_text(err->text));
}

int tool_json_print(json_t *root, FILE *out)
{
	int code = root ? 0 : ENOMEM;

	errno = 0;
	if (root &&
	    (json_dumpf(root, out, JSON_INDENT(2) | JSON_ENSURE_ASCII) || putc('\n', out) == EOF))
		code = errno ? errno : EIO;
	json_decref(root);
	if (code)
		log_error("the JSON output could not be printed: %s", err_text(code));
	return code ? TOOL_FAILED : TOOL_OK;
}
