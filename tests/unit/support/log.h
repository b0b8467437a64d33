/* SPDX-License-Identifier: BSD-3-Clause */
/* What a test's code says on standard error. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_LOG_H
#define FERRY_TESTS_UNIT_SUPPORT_LOG_H

/* From now on it is kept; no more than a pipe holds. */
void hear(void);

/* What came since hear(), which ends; valid until the next call. */
const char *heard(void);

#endif
