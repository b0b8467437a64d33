/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of registers, from which numbers and gdb's target description are made. */

#include "arch/x86_64/debug/description.h"

#include <assert.h>
#include <linux/kvm.h>

#include "arch/x86_64/debug/fpu.h"
#include "vmm/base/bits.h"
#include "vmm/base/text.h"

enum {
	MSR_STAR = 0xc0000081,
	MSR_LSTAR = 0xc0000082,
	MSR_CSTAR = 0xc0000083,
	MSR_SYSCALL_MASK = 0xc0000084,
	MSR_KERNEL_GS_BASE = 0xc0000102,
};

/*
 * Registers that are alike: @count of them with a number after the name, or one without if it is 0.
 */
struct family {
	const char *name;
	const char *type;
	const char *group; /* NULL: gdb's own choice */
	uint8_t count;
	uint8_t size;
	uint8_t width;
	enum debug_source source;
	uint32_t where;
	uint8_t stride;
};

/* A type whose bits have names. */
struct flags {
	const char *id;
	unsigned int size; /* bytes */
	const char *const *bits;
	unsigned int count;
};

struct feature {
	const char *name;
	const char *types; /* XML; NULL: none */
	const struct flags *flags;
	size_t flags_count;
	const struct family *families;
	size_t count;
	bool general;
	bool avx; /* only with AVX */
};

#define REGS(field)     NULL, 0, 8, 8, DEBUG_REGS, offsetof(struct kvm_regs, field), 0
#define SELECTOR(field) NULL, 0, 4, 2, DEBUG_SELECTOR, offsetof(struct kvm_sregs, field.selector), 0
#define SREGS(field, size)                                                                         \
	NULL, 0, size, sizeof(((struct kvm_sregs *)0)->field), DEBUG_SREGS,                        \
		offsetof(struct kvm_sregs, field), 0
#define X87(size, where) "float", 0, 4, size, DEBUG_FXSAVE, where, 0
#define MSR(index)       NULL, 0, 8, 8, DEBUG_MSR, index, 0

static const struct family core[] = {
	{"rax", "int64", REGS(rax)},
	{"rbx", "int64", REGS(rbx)},
	{"rcx", "int64", REGS(rcx)},
	{"rdx", "int64", REGS(rdx)},
	{"rsi", "int64", REGS(rsi)},
	{"rdi", "int64", REGS(rdi)},
	{"rbp", "data_ptr", REGS(rbp)},
	{"rsp", "data_ptr", REGS(rsp)},
	{"r8", "int64", REGS(r8)},
	{"r9", "int64", REGS(r9)},
	{"r10", "int64", REGS(r10)},
	{"r11", "int64", REGS(r11)},
	{"r12", "int64", REGS(r12)},
	{"r13", "int64", REGS(r13)},
	{"r14", "int64", REGS(r14)},
	{"r15", "int64", REGS(r15)},
	{"rip", "code_ptr", REGS(rip)},
	{"eflags", "i386_eflags", NULL, 0, 4, 4, DEBUG_REGS, offsetof(struct kvm_regs, rflags), 0},
	{"cs", "int32", SELECTOR(cs)},
	{"ss", "int32", SELECTOR(ss)},
	{"ds", "int32", SELECTOR(ds)},
	{"es", "int32", SELECTOR(es)},
	{"fs", "int32", SELECTOR(fs)},
	{"gs", "int32", SELECTOR(gs)},
	{"st", "i387_ext", NULL, 8, 10, 10, DEBUG_FXSAVE, FXSAVE_ST, 16},
	{"fctrl", "int", X87(2, FXSAVE_CONTROL)},
	{"fstat", "int", X87(2, FXSAVE_STATUS)},
	{"ftag", "int", "float", 0, 4, 2, DEBUG_FXSAVE_TAG, 0, 0},
	{"fiseg", "int", X87(4, FXSAVE_INSTRUCTION + 4)},
	{"fioff", "int", X87(4, FXSAVE_INSTRUCTION)},
	{"foseg", "int", X87(4, FXSAVE_OPERAND + 4)},
	{"fooff", "int", X87(4, FXSAVE_OPERAND)},
	{"fop", "int", X87(2, FXSAVE_OPCODE)},
};

static const struct family sse[] = {
	{"xmm", "vec128", NULL, 16, 16, 16, DEBUG_FXSAVE, FXSAVE_XMM, 16},
	{"mxcsr", "i386_mxcsr", "vector", 0, 4, 4, DEBUG_FXSAVE, FXSAVE_MXCSR, 0},
};

static const struct family avx[] = {
	{"ymm", "uint128", NULL, 16, 16, 16, DEBUG_YMM_HIGH, 0, 16},
};

static const struct family segments[] = {
	{"fs_base", "int64", SREGS(fs.base, 8)},
	{"gs_base", "int64", SREGS(gs.base, 8)},
};

static const struct family system_registers[] = {
	{"cr0", "x86_cr0", SREGS(cr0, 8)},
	{"cr2", "data_ptr", SREGS(cr2, 8)},
	{"cr3", "int64", SREGS(cr3, 8)},
	{"cr4", "x86_cr4", SREGS(cr4, 8)},
	{"cr8", "int64", SREGS(cr8, 8)},
	{"efer", "x86_efer", SREGS(efer, 8)},
	{"xcr0", "int64", NULL, 0, 8, 8, DEBUG_XCR0, 0, 0},
	{"kernel_gs_base", "data_ptr", MSR(MSR_KERNEL_GS_BASE)},
	{"gdt_base", "data_ptr", SREGS(gdt.base, 8)},
	{"gdt_limit", "int32", SREGS(gdt.limit, 4)},
	{"idt_base", "data_ptr", SREGS(idt.base, 8)},
	{"idt_limit", "int32", SREGS(idt.limit, 4)},
	{"ldt", "int32", SELECTOR(ldt)},
	{"ldt_base", "data_ptr", SREGS(ldt.base, 8)},
	{"ldt_limit", "int32", SREGS(ldt.limit, 4)},
	{"tr", "int32", SELECTOR(tr)},
	{"tr_base", "data_ptr", SREGS(tr.base, 8)},
	{"tr_limit", "int32", SREGS(tr.limit, 4)},
	{"star", "int64", MSR(MSR_STAR)},
	{"lstar", "code_ptr", MSR(MSR_LSTAR)},
	{"cstar", "code_ptr", MSR(MSR_CSTAR)},
	{"fmask", "int64", MSR(MSR_SYSCALL_MASK)},
	{"apic_base", "int64", SREGS(apic_base, 8)},
};

/* Bits by number (SDM 1, figures 3-8 and 10-3; SDM 3A, 2.2.1 and 2.5). */
static const char *const eflags_bits[] = {
	[0] = "CF",  [2] = "PF",   [4] = "AF",   [6] = "ZF",  [7] = "SF",  [8] = "TF",
	[9] = "IF",  [10] = "DF",  [11] = "OF",  [14] = "NT", [16] = "RF", [17] = "VM",
	[18] = "AC", [19] = "VIF", [20] = "VIP", [21] = "ID",
};
static const char *const mxcsr_bits[] = {
	"IE", "DE", "ZE", "OE", "UE", "PE", "DAZ", "IM", "DM", "ZM", "OM", "UM", "PM", [15] = "FZ",
};
static const char *const cr0_bits[] = {
	"PE", "MP", "EM", "TS", "ET", "NE", [16] = "WP", [18] = "AM", [29] = "NW", "CD", "PG",
};
static const char *const cr4_bits[] = {
	"VME",   "PVI",     "TSD",         "DE",   "PSE",  "PAE",  "MCE",  "PGE",
	"PCE",   "OSFXSR",  "OSXMMEXCPT",  "UMIP", "LA57", "VMXE", "SMXE", [16] = "FSGSBASE",
	"PCIDE", "OSXSAVE", [20] = "SMEP", "SMAP", "PKE",  "CET",  "PKS",
};
static const char *const efer_bits[] = {
	"SCE", [8] = "LME", [10] = "LMA", "NXE", "SVME", "LMSLE", "FFXSR", "TCE",
};

static const struct flags core_flags[] = {
	{"i386_eflags", 4, eflags_bits, ARRAY_SIZE(eflags_bits)},
};
static const struct flags sse_flags[] = {
	{"i386_mxcsr", 4, mxcsr_bits, ARRAY_SIZE(mxcsr_bits)},
};
static const struct flags system_flags[] = {
	{"x86_cr0", 8, cr0_bits, ARRAY_SIZE(cr0_bits)},
	{"x86_cr4", 8, cr4_bits, ARRAY_SIZE(cr4_bits)},
	{"x86_efer", 8, efer_bits, ARRAY_SIZE(efer_bits)},
};

/* The ways to look at a vector. */
static const char vector_types[] = "<vector id=\"f32x4\" type=\"ieee_single\" count=\"4\"/>\n"
				   "<vector id=\"f64x2\" type=\"ieee_double\" count=\"2\"/>\n"
				   "<vector id=\"i8x16\" type=\"int8\" count=\"16\"/>\n"
				   "<vector id=\"i16x8\" type=\"int16\" count=\"8\"/>\n"
				   "<vector id=\"i32x4\" type=\"int32\" count=\"4\"/>\n"
				   "<vector id=\"i64x2\" type=\"int64\" count=\"2\"/>\n"
				   "<union id=\"vec128\">\n"
				   "<field name=\"v4_float\" type=\"f32x4\"/>\n"
				   "<field name=\"v2_double\" type=\"f64x2\"/>\n"
				   "<field name=\"v16_int8\" type=\"i8x16\"/>\n"
				   "<field name=\"v8_int16\" type=\"i16x8\"/>\n"
				   "<field name=\"v4_int32\" type=\"i32x4\"/>\n"
				   "<field name=\"v2_int64\" type=\"i64x2\"/>\n"
				   "<field name=\"uint128\" type=\"uint128\"/>\n"
				   "</union>\n";

/* The general ones are first; gdb asks for the others by number. */
static const struct feature features[] = {
	{"org.gnu.gdb.i386.core", NULL, core_flags, ARRAY_SIZE(core_flags), core, ARRAY_SIZE(core),
	 true, false},
	{"org.gnu.gdb.i386.sse", vector_types, sse_flags, ARRAY_SIZE(sse_flags), sse,
	 ARRAY_SIZE(sse), true, false},
	{"org.gnu.gdb.i386.avx", NULL, NULL, 0, avx, ARRAY_SIZE(avx), true, true},
	{"org.gnu.gdb.i386.segments", NULL, NULL, 0, segments, ARRAY_SIZE(segments), true, false},
	{"org.ferry.x86_64.system", NULL, system_flags, ARRAY_SIZE(system_flags), system_registers,
	 ARRAY_SIZE(system_registers), false, false},
};

static void description_write_flags(struct text *text, const struct flags *flags)
{
	text_append(text, "<flags id=\"%s\" size=\"%u\">\n", flags->id, flags->size);
	for (unsigned int bit = 0; bit < flags->count; bit++)
		if (flags->bits[bit])
			text_append(text, "<field name=\"%s\" start=\"%u\" end=\"%u\"/>\n",
				    flags->bits[bit], bit, bit);
	text_append(text, "</flags>\n");
}

/* gdb calls the upper halves of ymm0 and so on "ymm0h". */
static void description_write_register(struct text *text, const struct family *family,
				       unsigned int index)
{
	text_append(text, "<reg name=\"%s", family->name);
	if (family->count > 0)
		text_append(text, "%u%s", index, family->source == DEBUG_YMM_HIGH ? "h" : "");
	text_append(text, "\" bitsize=\"%u\" type=\"%s\"", 8U * family->size, family->type);
	if (family->group)
		text_append(text, " group=\"%s\"", family->group);
	text_append(text, "/>\n");
}

static void description_add_family(struct debug_description *description, struct text *text,
				   const struct family *family)
{
	unsigned int count = family->count > 0 ? family->count : 1;

	for (unsigned int i = 0; i < count; i++) {
		assert(description->count < DEBUG_REGISTERS_MAX);
		description->registers[description->count++] = (struct x86_register){
			.source = family->source,
			.where = family->where + i * family->stride,
			.size = family->size,
			.width = family->width,
		};
		description_write_register(text, family, i);
	}
}

static void description_add_feature(struct debug_description *description, struct text *text,
				    const struct feature *feature)
{
	text_append(text, "<feature name=\"%s\">\n", feature->name);
	if (feature->types)
		text_append(text, "%s", feature->types);
	for (size_t i = 0; i < feature->flags_count; i++)
		description_write_flags(text, &feature->flags[i]);
	for (size_t i = 0; i < feature->count; i++)
		description_add_family(description, text, &feature->families[i]);
	text_append(text, "</feature>\n");
	if (feature->general)
		description->general = description->count;
}

void debug_description_fill(struct debug_description *description, bool with_avx)
{
	struct text text = {description->text, sizeof(description->text)};

	description->count = 0;
	text_append(&text, "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
			   "<target version=\"1.0\">\n<architecture>i386:x86-64</architecture>\n");
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		if (with_avx || !features[i].avx)
			description_add_feature(description, &text, &features[i]);
	text_append(&text, "</target>\n");
	assert(text.room > 1);
}
