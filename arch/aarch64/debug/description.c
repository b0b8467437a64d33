/* SPDX-License-Identifier: BSD-3-Clause */
/* The target description (gdb manual, "AArch64 Features"), in the order of registers.h. */

#include <stdlib.h>
#include <string.h>

#include "arch/aarch64/debug/debug.h"
#include "arch/aarch64/debug/registers.h"
#include "arch/aarch64/vm.h"
#include "arch/debug.h"
#include "vmm/base/bits.h"
#include "vmm/base/text.h"

enum { DESCRIPTION_ROOM = 32 * 1024, VECTORS = 32 };

/* The ways to look at a vector, by the size of its elements; the names of fields are gdb's. */
static const struct view {
	const char *name; /* of the union, and of its field in the vector's type */
	const char *field;
	unsigned int count;
	struct {
		const char *field;
		const char *type;
	} elements[4];
} views[] = {
	{"vnd", "d", 2, {{"f", "ieee_double"}, {"u", "uint64"}, {"s", "int64"}}},
	{"vns", "s", 4, {{"f", "ieee_single"}, {"u", "uint32"}, {"s", "int32"}}},
	{"vnh", "h", 8, {{"bf", "bfloat16"}, {"f", "ieee_half"}, {"u", "uint16"}, {"s", "int16"}}},
	{"vnb", "b", 16, {{"u", "uint8"}, {"s", "int8"}}},
	{"vnq", "q", 1, {{"u", "uint128"}, {"s", "int128"}}},
};

static const struct flag {
	const char *name;
	unsigned int first, last;
} cpsr_flags[] = {
	{"SP", 0, 0},   {"EL", 2, 3},    {"nRW", 4, 4},     {"F", 6, 6},      {"I", 7, 7},
	{"A", 8, 8},    {"D", 9, 9},     {"BTYPE", 10, 11}, {"SSBS", 12, 12}, {"IL", 20, 20},
	{"SS", 21, 21}, {"PAN", 22, 22}, {"UAO", 23, 23},   {"DIT", 24, 24},  {"TCO", 25, 25},
	{"V", 28, 28},  {"C", 29, 29},   {"Z", 30, 30},     {"N", 31, 31},
};

static void description_flags(struct text *text)
{
	text_append(text, "<flags id=\"cpsr_flags\" size=\"4\">\n");
	for (size_t i = 0; i < ARRAY_SIZE(cpsr_flags); i++)
		text_append(text, "<field name=\"%s\" start=\"%u\" end=\"%u\"/>\n",
			    cpsr_flags[i].name, cpsr_flags[i].first, cpsr_flags[i].last);
	text_append(text, "</flags>\n");
}

static void description_core(struct text *text)
{
	text_append(text, "<feature name=\"org.gnu.gdb.aarch64.core\">\n");
	description_flags(text);
	for (unsigned int i = DEBUG_X0; i < DEBUG_SP; i++)
		text_append(text, "<reg name=\"x%u\" bitsize=\"64\"/>\n", i);
	text_append(text, "<reg name=\"sp\" bitsize=\"64\" type=\"data_ptr\"/>\n"
			  "<reg name=\"pc\" bitsize=\"64\" type=\"code_ptr\"/>\n"
			  "<reg name=\"cpsr\" bitsize=\"32\" type=\"cpsr_flags\"/>\n"
			  "</feature>\n");
}

static void description_view(struct text *text, const struct view *view)
{
	size_t count = 0;

	while (count < ARRAY_SIZE(view->elements) && view->elements[count].field)
		count++;
	for (size_t i = 0; i < count; i++)
		text_append(text, "<vector id=\"%s%s\" type=\"%s\" count=\"%u\"/>\n", view->name,
			    view->elements[i].field, view->elements[i].type, view->count);
	text_append(text, "<union id=\"%s\">\n", view->name);
	for (size_t i = 0; i < count; i++)
		text_append(text, "<field name=\"%s\" type=\"%s%s\"/>\n", view->elements[i].field,
			    view->name, view->elements[i].field);
	text_append(text, "</union>\n");
}

static void description_vectors(struct text *text)
{
	text_append(text, "<feature name=\"org.gnu.gdb.aarch64.fpu\">\n");
	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		description_view(text, &views[i]);
	text_append(text, "<union id=\"aarch64v\">\n");
	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		text_append(text, "<field name=\"%s\" type=\"%s\"/>\n", views[i].field,
			    views[i].name);
	text_append(text, "</union>\n");
	for (unsigned int i = 0; i < VECTORS; i++)
		text_append(text, "<reg name=\"v%u\" bitsize=\"128\" type=\"aarch64v\"/>\n", i);
	text_append(text, "<reg name=\"fpsr\" bitsize=\"32\" type=\"uint32\"/>\n"
			  "<reg name=\"fpcr\" bitsize=\"32\" type=\"uint32\"/>\n"
			  "</feature>\n");
}

/*
 * Return addresses on the stack of a kernel that signs them are told from their signature by these
 * masks. Version 2 of the feature has two for each half of the address space; gdb knows it from 14
 * on. The first version has those of the lower half alone, with which gdb would clear the upper
 * bits of kernel addresses and lose every backtrace: gdb 13 is better off without. It then shows
 * signed return addresses as they are, but gets right all that are not signed.
 */
static void description_signatures(struct text *text)
{
	text_append(text, "<feature name=\"org.gnu.gdb.aarch64.pauth_v2\">\n"
			  "<reg name=\"pauth_dmask\" bitsize=\"64\" save-restore=\"no\"/>\n"
			  "<reg name=\"pauth_cmask\" bitsize=\"64\" save-restore=\"no\"/>\n"
			  "<reg name=\"pauth_dmask_high\" bitsize=\"64\" save-restore=\"no\"/>\n"
			  "<reg name=\"pauth_cmask_high\" bitsize=\"64\" save-restore=\"no\"/>\n"
			  "</feature>\n");
}

/* Not put back by gdb after a call of a function, whose doings they may be. */
static void description_system(struct arch_vm *arch, struct text *text)
{
	const struct debug_system_register *reg;

	text_append(text, "<feature name=\"org.ferry.aarch64.system\">\n");
	for (unsigned int i = 0; (reg = debug_system_register(arch, i)); i++)
		text_append(text,
			    "<reg name=\"%s\" bitsize=\"64\" type=\"uint64\" group=\"system\" "
			    "save-restore=\"no\"/>\n",
			    reg->name);
	text_append(text, "</feature>\n");
}

static char *description_write(struct arch_vm *arch)
{
	char *buffer = malloc(DESCRIPTION_ROOM);
	struct text text = {.next = buffer, .room = DESCRIPTION_ROOM};

	if (!buffer)
		return NULL;
	text_append(&text, "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
			   "<target version=\"1.0\">\n<architecture>aarch64</architecture>\n");
	description_core(&text);
	description_vectors(&text);
	if (debug_has_signatures(arch))
		description_signatures(&text);
	if (debug_system_register(arch, 0))
		description_system(arch, &text);
	text_append(&text, "</target>\n");
	return buffer;
}

const char *arch_debug_description(struct arch_vm *arch, const char *annex)
{
	struct arch_debug *debug = debug_get(arch);

	if (!debug || strcmp(annex, "target.xml") != 0)
		return NULL;
	if (!debug->description)
		debug->description = description_write(arch);
	return debug->description;
}
