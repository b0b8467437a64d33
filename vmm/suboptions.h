/* SPDX-License-Identifier: BSD-3-Clause */
/* The grammar of option values: FIRST[,NAME[=VALUE]]..., numbers and processor lists. */

#ifndef FERRY_VMM_SUBOPTIONS_H
#define FERRY_VMM_SUBOPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum { SUBOPTIONS_MAX = 16 };

/* One value taken apart; a doubled comma in the text stands for one comma. */
struct suboptions {
	char *text; /* owns what the rest points into */
	const char *first;
	struct {
		const char *name;
		const char *value; /* NULL when there is no '=' */
	} item[SUBOPTIONS_MAX];
	size_t count;
};

/* -EINVAL (too many, empty, one twice) or -ENOMEM, @err without the option's name. */
int suboptions_parse(const char *text, struct suboptions *options,
		     struct err *err) FERRY_MUST_CHECK;
/* Likewise; the part @often may be there several times. */
int suboptions_parse_often(const char *text, const char *often, struct suboptions *options,
			   struct err *err) FERRY_MUST_CHECK;
void suboptions_release(struct suboptions *options);

/* A decimal number from @lowest to @highest; -EINVAL or -ERANGE. */
int suboptions_parse_number(const char *text, unsigned int lowest, unsigned int highest,
			    unsigned int *number) FERRY_MUST_CHECK;

/* Numbers as in 0-3:8 into @cpus; how many, or -EINVAL, or -E2BIG past @room. */
int suboptions_parse_list(const char *text, unsigned int *cpus, size_t room) FERRY_MUST_CHECK;

#endif
