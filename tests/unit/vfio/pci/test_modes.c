/* SPDX-License-Identifier: BSD-3-Clause */
/* Every short sequence of what a guest and a device do with interrupts, against a model. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_bench.h"

enum {
	VECTORS_MAX = 256,
	SEQUENCE_MAX = 4,
	MSI_CONTROL = 0x52,
	MSI_MASK = 0x60,
	MSI_PENDING = 0x64,
	MSIX_CONTROL = 0x72,
	TABLE = 0x3000,
	PBA = 0x4000,
};

enum action {
	MSI_ON_1,
	MSI_ON_ALL,
	MSI_OFF,
	MSIX_ON,
	MSIX_OFF,
	FUNCTION_MASK, /* turned over, as all the masks below */
	VECTOR_MASK,
	FIRE,
	NEW_MESSAGE,
	INTX_DISABLE,
	RESET,
	ACTIONS,
};

struct step {
	enum action action;
	unsigned int vector;
};

struct vector {
	bool masked[2]; /* by MSI's bits, by MSI-X's table */
	bool known;     /* unmasked since its mode was enabled: pending bits show it */
	bool owed;      /* fired and not delivered yet */
};

/* What the guest asked for, and what it may expect. */
struct model {
	unsigned int msi_vectors, msix_vectors; /* of the device */
	unsigned int msi;                       /* vectors enabled, 0: off */
	bool msix, function_masked, intx_disabled;
	bool both; /* were on at once: no order is promised until both are off */
	struct vector vectors[VECTORS_MAX];
};

static struct model model;
static uint32_t message;
static uint64_t base; /* of BAR 0 */
static struct step past[SEQUENCE_MAX];
static unsigned int taken;

/* The last steps, for who looks for the fault. */
static const char *story(void)
{
	static char text[128];
	size_t used = 0;

	for (unsigned int i = taken < SEQUENCE_MAX ? 0 : taken - SEQUENCE_MAX; i < taken; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %d:%u",
					 (int)past[i % SEQUENCE_MAX].action,
					 past[i % SEQUENCE_MAX].vector);
	return text;
}

/* As ck_assert(), which writes to a file each time: too slow for millions of steps. */
#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			ck_abort_msg("%s after steps%s", #condition, story());                     \
	} while (0)

static unsigned int active(const struct model *m)
{
	return m->msix ? m->msix_vectors : m->msi;
}

static bool is_masked(const struct model *m, unsigned int vector)
{
	return m->vectors[vector].masked[m->msix] || (m->msix && m->function_masked);
}

static unsigned int most(const struct model *m)
{
	return m->msi_vectors > m->msix_vectors ? m->msi_vectors : m->msix_vectors;
}

/* Vectors that became live; those of a mode that was turned on were nothing before. */
static void model_settle(struct model *m, bool anew)
{
	for (unsigned int i = 0; i < most(m); i++) {
		if (anew)
			m->vectors[i].known = m->vectors[i].owed = false;
		if (i < active(m) && !is_masked(m, i))
			m->vectors[i].known = true;
	}
	m->both = (m->both && active(m)) || (m->msi && m->msix);
}

static void model_reset(struct model *m)
{
	m->msi = 0;
	m->msix = m->function_masked = m->intx_disabled = m->both = false;
	for (unsigned int i = 0; i < most(m); i++)
		m->vectors[i] = (struct vector){.masked[1] = true};
}

/* Whether the step makes a difference; if not, a shorter sequence tests the same. */
static bool model_step(struct model *m, const struct step *step)
{
	unsigned int all = m->msi_vectors;
	bool msi = m->msi, msix = m->msix;
	struct model was;

	switch (step->action) {
	case MSI_ON_1:
	case MSI_ON_ALL:
		if (m->msi == (step->action == MSI_ON_1 ? 1 : all))
			return false;
		m->msi = step->action == MSI_ON_1 ? 1 : all;
		model_settle(m, true);
		return true;
	case MSI_OFF:
		m->msi = 0;
		break;
	case MSIX_ON:
		m->msix = true;
		break;
	case MSIX_OFF:
		m->msix = false;
		break;
	case FUNCTION_MASK:
		m->function_masked = !m->function_masked;
		model_settle(m, false);
		return true;
	case VECTOR_MASK:
		if (step->vector >= (m->msi && !m->msix ? all : m->msix_vectors))
			return false;
		m->vectors[step->vector].masked[!m->msi || m->msix] ^= true;
		model_settle(m, false);
		return true;
	case FIRE:
		if (step->vector >= active(m))
			return false;
		m->vectors[step->vector].owed = true;
		return true;
	case NEW_MESSAGE:
		return active(m) > step->vector;
	case INTX_DISABLE:
		m->intx_disabled = !m->intx_disabled;
		return true;
	default:
		was = *m;
		model_reset(m);
		return memcmp(&was, m, sizeof(was)) != 0;
	}
	if (msi == (m->msi != 0) && msix == m->msix)
		return false;
	model_settle(m, true);
	return true;
}

static uint64_t entry(unsigned int vector, unsigned int field)
{
	return base + TABLE + 16 * vector + field;
}

static void turn_vector_mask(unsigned int vector)
{
	if (!model.msi || model.msix)
		mem_map_write(bench.mmio, entry(vector, 12), 4, model.vectors[vector].masked[1]);
	else
		config_write(MSI_MASK, 4, config_read(MSI_MASK, 4) ^ 1U << vector);
}

static void change_message(unsigned int vector)
{
	message++;
	if (model.msix)
		mem_map_write(bench.mmio, entry(vector, 8), 4, message);
	else
		config_write(0x5c, 2, message << 5 & 0xffff);
}

static uint32_t msi_control(unsigned int vectors)
{
	return vectors ? PCI_MSI_FLAGS_ENABLE | (uint32_t)__builtin_ctz(vectors) << 4 : 0;
}

/* What is pending in the device itself is its own until its mode ends. */
static void forget_owed(void)
{
	memset(bench.fake.owed, 0, sizeof(bench.fake.owed));
}

static void guest_step(const struct step *step)
{
	uint32_t control = model.function_masked ? PCI_MSIX_FLAGS_MASKALL : 0;

	switch (step->action) {
	case MSI_ON_1:
	case MSI_ON_ALL:
	case MSI_OFF:
		forget_owed();
		config_write(MSI_CONTROL, 2, msi_control(model.msi));
		break;
	case MSIX_ON:
	case MSIX_OFF:
		forget_owed();
		/* fall through */
	case FUNCTION_MASK:
		config_write(MSIX_CONTROL, 2, control | (model.msix ? PCI_MSIX_FLAGS_ENABLE : 0U));
		break;
	case VECTOR_MASK:
		turn_vector_mask(step->vector);
		break;
	case FIRE:
		fake_vfio_fire(&bench.fake,
			       model.msix ? VFIO_PCI_MSIX_IRQ_INDEX : VFIO_PCI_MSI_IRQ_INDEX,
			       step->vector);
		break;
	case NEW_MESSAGE:
		change_message(step->vector);
		break;
	case INTX_DISABLE:
		config_write(PCI_COMMAND, 2,
			     PCI_COMMAND_MEMORY |
				     (model.intx_disabled ? PCI_COMMAND_INTX_DISABLE : 0U));
		break;
	default:
		forget_owed();
		restart();
		config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		break;
	}
}

static bool is_pending(unsigned int vector)
{
	uint32_t bits;
	uint64_t quad;

	if (!model.msix) {
		pci_host_config_read(bench.host, 3 << 3, MSI_PENDING, 4, &bits);
		return bits >> vector & 1;
	}
	mem_map_read(bench.mmio, base + PBA + vector / 64 * 8, 8, &quad);
	return quad >> vector % 64 & 1;
}

/* Exactly one mode is on in VFIO, and KVM knows as much as the guest has unmasked. */
static void check_modes(void)
{
	unsigned int live = 0, used = fake_irq_used(&bench.irq);
	const unsigned int *span = bench.fake.span;

	must((span[0] != 0) + (span[1] != 0) + (span[2] != 0) == 1);
	must(used <= VECTORS_MAX);
	if (model.both)
		return;
	must((span[VFIO_PCI_INTX_IRQ_INDEX] != 0) == (active(&model) == 0));
	must((span[VFIO_PCI_MSIX_IRQ_INDEX] != 0) == model.msix);
	for (unsigned int i = 0; i < active(&model); i++)
		live += !is_masked(&model, i);
	must(bench.irq.attached == (active(&model) ? live : 1));
	must(used <= active(&model));
}

/* @spurious: a vector may fire once more than the device did. */
static void check_vector(unsigned int vector, bool spurious)
{
	struct vector *of = &model.vectors[vector];
	int gsi = pci_vectors_state(bench.pci->wires.vectors, vector).gsi;
	bool delivered = gsi >= 0 && fake_irq_delivered(&bench.irq, (unsigned int)gsi);

	if (is_masked(&model, vector)) {
		must(!delivered);
		if (of->known && (of->owed || !spurious))
			must(is_pending(vector) == of->owed);
		return;
	}
	must(delivered == of->owed || (spurious && delivered));
	must(!is_pending(vector));
	of->owed = false;
}

static void take_step(const struct step *step, const unsigned int *vectors, size_t count,
		      bool spurious)
{
	if (!model_step(&model, step))
		return;
	past[taken++ % SEQUENCE_MAX] = *step;
	guest_step(step);
	/* A traced device's interrupts come by the loop. */
	if (bench.options.trace)
		run_loop_once();
	check_modes();
	for (size_t i = 0; i < count && !model.both; i++)
		if (vectors[i] < active(&model))
			check_vector(vectors[i], spurious);
}

/* As after a reset, without one: it takes a thread each time. */
static void start_anew(void)
{
	config_write(MSI_CONTROL, 2, 0);
	config_write(MSIX_CONTROL, 2, 0);
	config_write(MSI_MASK, 4, 0);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	for (unsigned int i = 0; i < model.msix_vectors; i++)
		mem_map_write(bench.mmio, entry(i, 12), 4, 1);
	forget_owed();
	model_reset(&model);
	taken = 0;
}

/* MSI with masks and 2^@log2 vectors, MSI-X with @msix. */
static void start_with(unsigned int log2, unsigned int msix, bool noresize)
{
	uint32_t flags = VFIO_IRQ_INFO_EVENTFD | (noresize ? VFIO_IRQ_INFO_NORESIZE : 0);

	fake_vfio_poke(&bench.fake, CONFIG, MSI_CONTROL, 2, 0x0180U | log2 << 1);
	fake_vfio_poke(&bench.fake, CONFIG, MSIX_CONTROL, 2, msix - 1);
	bench.fake.irqs[VFIO_PCI_MSI_IRQ_INDEX] =
		(struct vfio_irq_info){.flags = flags, .count = 1U << log2};
	bench.fake.irqs[VFIO_PCI_MSIX_IRQ_INDEX] =
		(struct vfio_irq_info){.flags = flags, .count = msix};
	start();
	base = bar(0);
	model = (struct model){.msi_vectors = 1U << log2, .msix_vectors = msix};
	model_reset(&model);
	guest_step(&(struct step){.action = RESET});
}

static const unsigned int few[] = {0, 1};

/* All steps that make a difference, in all orders of @length. */
static unsigned int walk(struct step *sequence, unsigned int done, unsigned int length,
			 const struct model *so_far)
{
	unsigned int count = 0;

	if (done == length) {
		bench.fake.log[0] = '\0';
		start_anew();
		for (unsigned int i = 0; i < length; i++)
			take_step(&sequence[i], few, ARRAY_SIZE(few), false);
		return 1;
	}
	for (int action = 0; action < ACTIONS; action++) {
		bool each = action == VECTOR_MASK || action == FIRE;

		for (unsigned int vector = 0; vector <= each; vector++) {
			struct model next = *so_far;

			sequence[done] = (struct step){.action = action, .vector = vector};
			if (model_step(&next, &sequence[done]))
				count += walk(sequence, done + 1, length, &next);
		}
	}
	return count;
}

static void walk_all(unsigned int length, bool noresize)
{
	struct step sequence[SEQUENCE_MAX];
	struct model first;

	start_with(1, 2, noresize);
	first = model;
	ck_assert_uint_gt(walk(sequence, 0, length, &first), 500);
}

START_TEST(every_sequence_where_vectors_come_all_at_once)
{
	walk_all(SEQUENCE_MAX, true);
}
END_TEST

START_TEST(every_sequence_where_vectors_are_added_one_by_one)
{
	walk_all(SEQUENCE_MAX, false);
}
END_TEST

START_TEST(every_sequence_of_a_device_that_is_traced)
{
	bench.options.trace = "/dev/null";
	walk_all(SEQUENCE_MAX - 1, _i == 0);
}
END_TEST

static uint32_t next_random(void)
{
	static uint32_t state = 12345;

	state = state * 1664525 + 1013904223;
	return state >> 8;
}

/* A long way with many vectors, most of it masking and firing. */
static void wander(unsigned int steps, bool spurious)
{
	static const enum action often[] = {VECTOR_MASK, FIRE, FIRE, VECTOR_MASK, NEW_MESSAGE};
	unsigned int vectors[VECTORS_MAX];

	for (unsigned int i = 0; i < VECTORS_MAX; i++)
		vectors[i] = i;
	for (unsigned int i = 0; i < steps; i++) {
		struct step step = {.action = often[next_random() % ARRAY_SIZE(often)]};

		if (next_random() % 64 == 0)
			step.action = next_random() % ACTIONS;
		step.vector = next_random() % (model.msix ? model.msix_vectors : model.msi_vectors);
		bench.fake.log[0] = '\0';
		take_step(&step, vectors, VECTORS_MAX, spurious);
	}
}

START_TEST(a_long_way_with_many_vectors)
{
	start_with(5, 200, _i == 0);
	take_step(&(struct step){.action = MSIX_ON}, NULL, 0, false);
	/* Where the table grows, all vectors there are fire once more. */
	wander(1500, _i == 0);
	take_step(&(struct step){.action = RESET}, NULL, 0, false);
	take_step(&(struct step){.action = MSI_ON_ALL}, NULL, 0, false);
	wander(1500, _i == 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, every_sequence_where_vectors_come_all_at_once);
	tcase_add_test(tests, every_sequence_where_vectors_are_added_one_by_one);
	tcase_add_loop_test(tests, every_sequence_of_a_device_that_is_traced, 0, 2);
	tcase_add_loop_test(tests, a_long_way_with_many_vectors, 0, 2);
}

int main(void)
{
	return run_suite("vfio interrupt modes", add_tests);
}
