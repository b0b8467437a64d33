/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options of other monitors (QEMU, crosvm, cloud-hypervisor, kvmtool), and Ferry's word for
 * each.
 */

#ifndef FERRY_VMM_FOREIGN_H
#define FERRY_VMM_FOREIGN_H

/*
 * What to say of the option @word, as it was typed ("-smp", "--disk=FILE"): Ferry's own word, or
 * that there is none and what to do instead. NULL when no other monitor is known to have it.
 */
const char *foreign_advice(const char *word);

/*
 * After getopt_long() answered '?' where no option of one letter is taken: the whole word of @argv
 * that it does not know, so that one of another monitor ("-hda") is never half understood. "" when
 * it is an option that it does know.
 */
const char *foreign_word(char *const *argv);

#endif
