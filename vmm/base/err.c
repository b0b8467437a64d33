/* SPDX-License-Identifier: BSD-3-Clause */
/* The sentence that tells a person why something failed, written where the fault was found. */

#include "vmm/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}

int err_prefix(struct err *err, const char *format, ...)
{
	char old[sizeof(err->text)];
	va_list args;
	size_t used;

	if (!err)
		return 0;
	memcpy(old, err->text, sizeof(old));
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	used = strlen(err->text);
	for (const char *from = ": "; *from && used < sizeof(err->text) - 1; from++)
		err->text[used++] = *from;
	for (const char *from = old; *from && used < sizeof(err->text) - 1; from++)
		err->text[used++] = *from;
	err->text[used] = '\0';
	return err->code;
}

const char *err_text(int code)
{
	return strerror(abs(code));
}
