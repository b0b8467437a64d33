/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes the filters out of the table, while Ferry is built: a program for the machine that builds.
 * Rows come on standard input as they lie in the object, C goes to standard output.
 */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/sandbox/table/row.h"

/* Of BPF. */
enum { LOAD = BPF_LD | BPF_W | BPF_ABS, EQUAL = BPF_JMP | BPF_JEQ | BPF_K };

enum { ROWS_MAX = 512, CODE_MAX = 4096, CALLS_MAX = 512 };

static const struct {
	const char *name;
	uint32_t token;
} architectures[] = {{"x86_64", SCMP_ARCH_X86_64}, {"aarch64", SCMP_ARCH_AARCH64}};

static const char *const kinds[THREAD_KINDS] = {
	[THREAD_MAIN] = "main",         [THREAD_VCPU] = "vcpu",     [THREAD_MAPPER] = "mapper",
	[THREAD_POPULATE] = "populate", [THREAD_RESET] = "reset",   [THREAD_DEVICE] = "device",
	[THREAD_FILES] = "files",       [THREAD_SERVER] = "server", [THREAD_IO] = "io",
	[THREAD_VHOST] = "vhost",       [THREAD_USER] = "user",     [THREAD_STARTER] = "starter",
};

static struct sandbox_row rows[ROWS_MAX];
static size_t row_count;
static struct sock_filter code[CODE_MAX];

static int compile_refuse(const struct sandbox_row *row, const char *why)
{
	fprintf(stderr, "table of system calls: %.*s: %s\n", (int)sizeof(row->call), row->call,
		why);
	return -1;
}

static struct scmp_arg_cmp compile_test(uint32_t argument, uint32_t test, uint32_t value,
					uint32_t mask)
{
	switch (test) {
	case LACKS:
		return SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, value, 0);
	case MASKED:
		return SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, value);
	case IS_SELF:
		return SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, SANDBOX_SELF);
	case IS_NULL:
		return SCMP_CMP64(argument, SCMP_CMP_EQ, 0);
	default:
		return SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, value);
	}
}

static int compile_row(scmp_filter_ctx filter, const struct sandbox_row *row, int call)
{
	uint32_t action = row->refused ? SCMP_ACT_ERRNO(row->refused) : SCMP_ACT_ALLOW;
	struct scmp_arg_cmp tests[SANDBOX_TESTS];
	unsigned int count = 0;
	int rc;

	for (size_t i = 0; i < SANDBOX_TESTS; i++)
		if (row->tests[i].test != ANY)
			tests[count++] = compile_test(row->tests[i].argument, row->tests[i].test,
						      row->tests[i].value, row->tests[i].mask);
	rc = seccomp_rule_add_exact_array(filter, action, call, count, tests);
	return rc == -EEXIST ? 0 : rc;
}

/*
 * The starter's threads inherit its filter: it lets what any of them may do, and says errno where
 * theirs does, as the severer of the two answers is the kernel's.
 */
static bool compile_concerns(const struct sandbox_row *row, enum thread_kind kind)
{
	return row->call[0] &&
	       (row->threads >> kind & 1 || (kind == THREAD_STARTER && !(row->threads & BESIDE)));
}

static int compile_rules(scmp_filter_ctx filter, uint32_t architecture, enum thread_kind kind,
			 unsigned int *calls)
{
	bool seen[CALLS_MAX] = {false};
	for (size_t i = 0; i < row_count; i++) {
		int call, rc;

		if (!compile_concerns(&rows[i], kind))
			continue;
		call = seccomp_syscall_resolve_name_arch(architecture, rows[i].call);
		if (call == __NR_SCMP_ERROR)
			return compile_refuse(&rows[i], "there is no such system call");
		/* Another architecture's, which has a row for its own. */
		if (call < 0)
			continue;
		/* The library is given this machine's numbers, and translates them. */
		rc = compile_row(filter, &rows[i], seccomp_syscall_resolve_name(rows[i].call));
		if (rc)
			return compile_refuse(&rows[i], strerror(-rc));
		if (call >= CALLS_MAX)
			return compile_refuse(&rows[i], "its number is too large");
		*calls += !rows[i].refused && !seen[call];
		seen[call] = seen[call] || !rows[i].refused;
	}
	return 0;
}

/* Lets the row that is asked for most, by its second argument, before all else is looked at. */
static size_t compile_first(uint32_t architecture, enum thread_kind kind)
{
	for (size_t i = 0; i < row_count; i++) {
		const struct sock_filter first[] = {
			BPF_STMT(LOAD, offsetof(struct seccomp_data, arch)),
			BPF_JUMP(EQUAL, architecture, 0, 5),
			BPF_STMT(LOAD, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(EQUAL,
				 (uint32_t)seccomp_syscall_resolve_name_arch(architecture,
									     rows[i].call),
				 0, 3),
			BPF_STMT(LOAD, offsetof(struct seccomp_data, args[1])),
			BPF_JUMP(EQUAL, rows[i].tests[0].value, 0, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		};

		if (!(rows[i].threads & FIRST) || !(rows[i].threads >> kind & 1))
			continue;
		memcpy(code, first, sizeof(first));
		return ARRAY_SIZE(first);
	}
	return 0;
}

static int compile_export(scmp_filter_ctx filter, size_t first, size_t *length)
{
	int fd = memfd_create("filter", MFD_CLOEXEC);
	size_t room = sizeof(code) - first * sizeof(code[0]);
	ssize_t n = -1;

	if (fd >= 0 && seccomp_export_bpf(filter, fd) == 0)
		n = pread(fd, code + first, room, 0);
	if (fd >= 0)
		close(fd);
	if (n <= 0 || (size_t)n == room)
		return -1;
	*length = first + (size_t)n / sizeof(code[0]);
	return 0;
}

static int compile_kind(uint32_t architecture, enum thread_kind kind, size_t *length,
			unsigned int *calls)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	int rc = filter ? 0 : -ENOMEM;

	if (!rc && architecture != seccomp_arch_native()) {
		rc = seccomp_arch_add(filter, architecture);
		if (!rc)
			rc = seccomp_arch_remove(filter, seccomp_arch_native());
	}
	if (!rc)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!rc)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!rc)
		rc = compile_rules(filter, architecture, kind, calls);
	if (!rc)
		rc = compile_export(filter, compile_first(architecture, kind), length);
	seccomp_release(filter);
	return rc;
}

static void compile_print_code(const char *name, size_t length)
{
	printf("static const struct sock_filter %s_code[] = {\n", name);
	for (size_t i = 0; i < length; i++)
		printf("\t{0x%x, %u, %u, 0x%x},\n", code[i].code, code[i].jt, code[i].jf,
		       code[i].k);
	printf("};\n\n");
}

static void compile_print_names(uint32_t architecture)
{
	printf("static const char *const names[%d] = {\n", CALLS_MAX);
	for (int call = 0; call < CALLS_MAX; call++) {
		char *name = seccomp_syscall_resolve_num_arch(architecture, call);

		if (name)
			printf("\t[%d] = \"%s\",\n", call, name);
		free(name);
	}
	printf("};\n\n"
	       "const char *sandbox_call_name(unsigned int call)\n"
	       "{\n"
	       "\treturn call < %d && names[call] ? names[call] : \"a system call without a name\";\n"
	       "}\n",
	       CALLS_MAX);
}

static int compile_all(uint32_t architecture)
{
	size_t lengths[THREAD_KINDS];
	unsigned int calls[THREAD_KINDS] = {0};

	printf("#include \"vmm/sandbox/filter.h\"\n\n");
	for (int kind = 0; kind < THREAD_KINDS; kind++) {
		if (compile_kind(architecture, (enum thread_kind)kind, &lengths[kind],
				 &calls[kind]))
			return -1;
		compile_print_code(kinds[kind], lengths[kind]);
	}
	printf("const struct sandbox_filter sandbox_filters[THREAD_KINDS] = {\n");
	for (int kind = 0; kind < THREAD_KINDS; kind++)
		printf("\t{\"%s\", %u, %zu, %s_code},\n", kinds[kind], calls[kind], lengths[kind],
		       kinds[kind]);
	printf("};\n\n");
	compile_print_names(architecture);
	return 0;
}

int main(int argc, char **argv)
{
	row_count = fread(rows, sizeof(rows[0]), ROWS_MAX, stdin);
	if (row_count == 0 || row_count == ROWS_MAX) {
		fprintf(stderr, "table of system calls: %zu rows cannot be all\n", row_count);
		return 1;
	}
	for (size_t i = 0; argc == 2 && i < ARRAY_SIZE(architectures); i++)
		if (strcmp(argv[1], architectures[i].name) == 0)
			return compile_all(architectures[i].token) ? 1 : 0;
	fprintf(stderr, "usage: compile x86_64|aarch64 <ROWS\n");
	return 2;
}
