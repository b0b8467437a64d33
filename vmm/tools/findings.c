/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ferry doctor` found: a list of verdicts, each with a sentence and what mends it. */

#include "vmm/tools/findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "vmm/base/log.h"
#include "vmm/base/text.h"
#include "vmm/tools/json.h"
#include "vmm/tools/wrap.h"

/* Where the sentences begin. */
enum { TEXT_COLUMN = 9 };

static const char *const names[] = {"ok", "warning", "failure"};

void findings_add(struct findings *findings, enum finding_status status, const char *check,
		  const char *device, const char *format, ...)
{
	struct finding *list = realloc(findings->list, (findings->count + 1) * sizeof(*list));
	struct finding *finding;
	va_list args;

	findings->failures += status == FINDING_FAILURE || !list;
	findings->warnings += status == FINDING_WARNING;
	if (!list)
		return;
	findings->list = list;
	finding = &list[findings->count++];
	*finding = (struct finding){.status = status, .check = check, .facts = json_object()};
	snprintf(finding->device, sizeof(finding->device), "%s", device);
	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	text_make_printable(finding->text);
}

void findings_mend(struct findings *findings, const char *format, ...)
{
	va_list args;

	if (findings->count == 0)
		return;
	va_start(args, format);
	vsnprintf(findings->list[findings->count - 1].mend, FINDING_MEND, format, args);
	va_end(args);
	text_make_printable(findings->list[findings->count - 1].mend);
}

void findings_fact(struct findings *findings, const char *key, json_t *value)
{
	if (findings->count == 0)
		json_decref(value);
	else
		json_object_set_new(findings->list[findings->count - 1].facts, key, value);
}

void findings_fact_number(struct findings *findings, const char *key, uint64_t value)
{
	findings_fact(findings, key, json_integer((json_int_t)value));
}

void findings_fact_text(struct findings *findings, const char *key, const char *value)
{
	findings_fact(findings, key, json_text(value));
}

static void finding_print_lines(const struct findings *findings, FILE *out)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];

		fprintf(out, "%-7s  %s%s%s: %s\n", names[finding->status], finding->device,
			*finding->device ? " " : "", finding->check, finding->text);
		if (*finding->mend)
			fprintf(out, "%*smend it: %s\n", TEXT_COLUMN, "", finding->mend);
	}
	fprintf(out, "ferry run would %sstart (failures: %zu, warnings: %zu)\n",
		findings->failures ? "not " : "", findings->failures, findings->warnings);
}

int findings_print(const struct findings *findings, size_t width, FILE *out)
{
	char *text = NULL;
	size_t size;
	FILE *lines = open_memstream(&text, &size);
	int failed = !lines;

	if (lines) {
		finding_print_lines(findings, lines);
		failed = fclose(lines);
	}
	if (failed)
		log_error("doctor: out of memory");
	else
		wrap_print(out, text, width, TEXT_COLUMN);
	free(text);
	return failed ? -ENOMEM : 0;
}

int findings_print_json(const struct findings *findings, FILE *out)
{
	json_t *array = json_array();

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];

		json_array_append_new(array,
				      json_pack("{s:s, s:s, s:o, s:o, s:o, s:O}", "status",
						names[finding->status], "check", finding->check,
						"device", json_text(finding->device), "text",
						json_text(finding->text), "mend",
						json_text(finding->mend), "facts", finding->facts));
	}
	return json_print(json_pack("{s:b, s:I, s:I, s:o}", "would_start", findings->failures == 0,
				    "failures", (json_int_t)findings->failures, "warnings",
				    (json_int_t)findings->warnings, "findings", array),
			  out);
}

void findings_release(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		json_decref(findings->list[i].facts);
	free(findings->list);
	*findings = (struct findings){0};
}
