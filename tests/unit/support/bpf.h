/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel makes of a seccomp filter, computed here: so that one of any architecture can be
 * asked about any call, and about arguments that no C library passes. */

#ifndef FERRY_TEST_BPF_H
#define FERRY_TEST_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Nothing that the kernel returns: the program is none that it takes. */
static const uint32_t bpf_broken = 0xdeadbeef;

struct bpf_state {
	uint32_t a, x, memory[BPF_MEMWORDS];
};

/* What a jump adds to its place. */
static inline uint32_t bpf_jump(const struct bpf_state *state, const struct sock_filter *op)
{
	uint32_t other = BPF_SRC(op->code) == BPF_X ? state->x : op->k;
	bool yes;

	switch (BPF_OP(op->code)) {
	case BPF_JA:
		return op->k;
	case BPF_JEQ:
		yes = state->a == other;
		break;
	case BPF_JGT:
		yes = state->a > other;
		break;
	case BPF_JGE:
		yes = state->a >= other;
		break;
	default:
		yes = state->a & other;
		break;
	}
	return yes ? op->jt : op->jf;
}

static inline bool bpf_compute(struct bpf_state *state, const struct sock_filter *op)
{
	uint32_t other = BPF_SRC(op->code) == BPF_X ? state->x : op->k;

	switch (BPF_OP(op->code)) {
	case BPF_AND:
		state->a &= other;
		return true;
	case BPF_OR:
		state->a |= other;
		return true;
	case BPF_RSH:
		state->a >>= other;
		return true;
	case BPF_LSH:
		state->a <<= other;
		return true;
	case BPF_ADD:
		state->a += other;
		return true;
	case BPF_SUB:
		state->a -= other;
		return true;
	default:
		return false;
	}
}

static inline bool bpf_load(struct bpf_state *state, const struct sock_filter *op,
			    const struct seccomp_data *data)
{
	switch (op->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		if (op->k % 4 || op->k >= sizeof(*data))
			return false;
		memcpy(&state->a, (const char *)data + op->k, sizeof(state->a));
		return true;
	case BPF_LD | BPF_IMM:
		state->a = op->k;
		return true;
	case BPF_LD | BPF_MEM:
		state->a = state->memory[op->k % BPF_MEMWORDS];
		return true;
	case BPF_LDX | BPF_IMM:
		state->x = op->k;
		return true;
	case BPF_LDX | BPF_MEM:
		state->x = state->memory[op->k % BPF_MEMWORDS];
		return true;
	case BPF_ST:
		state->memory[op->k % BPF_MEMWORDS] = state->a;
		return true;
	case BPF_STX:
		state->memory[op->k % BPF_MEMWORDS] = state->x;
		return true;
	case BPF_MISC | BPF_TAX:
		state->x = state->a;
		return true;
	case BPF_MISC | BPF_TXA:
		state->a = state->x;
		return true;
	default:
		return false;
	}
}

/* SECCOMP_RET_... of @length instructions for a call, or bpf_broken. */
static inline uint32_t bpf_run(const struct sock_filter *code, size_t length,
			       const struct seccomp_data *data)
{
	struct bpf_state state = {0};

	if (length > BPF_MAXINSNS)
		return bpf_broken;
	for (size_t at = 0; at < length; at++) {
		const struct sock_filter *op = &code[at];
		bool known;

		switch (BPF_CLASS(op->code)) {
		case BPF_RET:
			return BPF_RVAL(op->code) == BPF_A ? state.a : op->k;
		case BPF_JMP:
			at += bpf_jump(&state, op);
			known = true;
			break;
		case BPF_ALU:
			known = bpf_compute(&state, op);
			break;
		default:
			known = bpf_load(&state, op, data);
			break;
		}
		if (!known)
			return bpf_broken;
	}
	return bpf_broken;
}

#endif
