/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ferry doctor` found: a list of verdicts, each with a sentence and what mends it. */

#ifndef FERRY_VMM_TOOLS_FINDINGS_H
#define FERRY_VMM_TOOLS_FINDINGS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vfio/host/sysfs.h"
#include "vmm/base/err.h"

enum finding_status { FINDING_OK, FINDING_WARNING, FINDING_FAILURE };

enum { FINDING_TEXT = 1100, FINDING_MEND = 256 };

struct finding {
	enum finding_status status;
	const char *check;              /* a constant: "kvm", "driver" */
	char device[VFIO_ADDRESS_SIZE]; /* "": the host */
	char text[FINDING_TEXT];
	char mend[FINDING_MEND]; /* a command or kernel argument; "": there is none */
	json_t *facts;           /* an object: what the sentence says, for programs */
};

struct findings {
	struct finding *list;
	size_t count;
	size_t failures, warnings;
};

/* Adds one; what mends it may follow by findings_mend(). Out of memory counts as a failure. */
void findings_add(struct findings *findings, enum finding_status status, const char *check,
		  const char *device, const char *format, ...) FERRY_PRINTF(5, 6);
void findings_mend(struct findings *findings, const char *format, ...) FERRY_PRINTF(2, 3);

/* Facts of the last one added, by key; @value is taken, NULL where there was no memory for it. */
void findings_fact(struct findings *findings, const char *key, json_t *value);
void findings_fact_number(struct findings *findings, const char *key, uint64_t value);
void findings_fact_text(struct findings *findings, const char *key, const char *value);

/*
 * In lines of @width characters at most (0: any). Non-zero, having said so, when it cannot be
 * printed.
 */
int findings_print(const struct findings *findings, size_t width, FILE *out);
int findings_print_json(const struct findings *findings, FILE *out);
void findings_release(struct findings *findings);

#endif
