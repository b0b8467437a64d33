/* SPDX-License-Identifier: BSD-3-Clause */
/* Vectors over a GSI table made of nothing and wires that write down what they are told. */

#include "devices/pci/vectors.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/support/fake_irq.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"

enum { VECTORS = 128 };

static struct kvm_irq irq;
static struct pci_vectors *vectors;
static unsigned int descriptors;

/* The owner: what it was told, what it answers, and what it has on the way. */
static struct owner {
	char log[512];
	unsigned int most; /* vectors that it has */
	int fails_set_mode, fails_connect;
	int on_its_way; /* a vector, -1: none */
} owner;

static void note(const char *format, ...) FERRY_PRINTF(1, 2);

static void note(const char *format, ...)
{
	size_t length = strlen(owner.log);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(owner.log + length, sizeof(owner.log) - length, format, arguments);
	va_end(arguments);
}

/* What was written down since the last call. */
static const char *told(void)
{
	static char text[sizeof(owner.log)];

	memcpy(text, owner.log, sizeof(text));
	owner.log[0] = '\0';
	return text;
}

/* No irqfd is left by then; the eventfds of the old mode are still open. */
static int owner_set_mode(void *to, enum pci_vectors_mode mode, unsigned int count)
{
	struct owner *of = to;

	ck_assert_uint_eq(irq.attached, 0);
	for (unsigned int i = 0; i < pci_vectors_count(vectors); i++)
		if (pci_vectors_eventfd(vectors, i) >= 0)
			fd_signal(pci_vectors_eventfd(vectors, i));
	note("mode:%d+%u ", (int)mode, count);
	if (mode != PCI_VECTORS_OFF && of->fails_set_mode)
		return of->fails_set_mode;
	return (int)(count < of->most ? count : of->most);
}

/* By then what the guest is to have is committed and attached. */
static int owner_connect(void *to, unsigned int first, unsigned int end)
{
	ck_assert(irq.staged == 0 || irq.fail_at);
	note("connect:%u-%u ", first, end);
	return ((struct owner *)to)->fails_connect;
}

static void owner_pass(void *to)
{
	struct owner *of = to;

	if (of->on_its_way >= 0)
		pci_vectors_signal(vectors, (unsigned int)of->on_its_way);
	of->on_its_way = -1;
}

static const struct pci_wires_ops owner_ops = {
	.set_mode = owner_set_mode,
	.connect = owner_connect,
	.pass = owner_pass,
};

static void setup(void)
{
	owner = (struct owner){.most = VECTORS, .on_its_way = -1};
	fake_irq_init(&irq);
	descriptors = count_descriptors();
	vectors = pci_vectors_create("0000:01:00.0", &irq, &owner_ops, &owner);
	ck_assert_ptr_nonnull(vectors);
}

/* However far a test went, nothing is left. */
static void teardown(void)
{
	irq.fail_at = 0;
	pci_vectors_disable(vectors, pci_vectors_mode(vectors));
	pci_vectors_flush(vectors, PCI_VECTORS_MSIX);
	ck_assert_int_eq(pci_vectors_mode(vectors), PCI_VECTORS_OFF);
	ck_assert_uint_eq(pci_vectors_count(vectors), 0);
	pci_vectors_destroy(vectors);
	ck_assert_uint_eq(irq.attached, 0);
	ck_assert_uint_eq(irq.staged, 0);
	ck_assert_uint_eq(fake_irq_used(&irq), 0);
	ck_assert_uint_eq(count_descriptors(), descriptors);
}

static void enable(enum pci_vectors_mode mode, unsigned int count)
{
	pci_vectors_enable(vectors, mode, count);
	pci_vectors_flush(vectors, mode);
	told();
}

static void stage(enum pci_vectors_mode mode, unsigned int vector, uint32_t data)
{
	const struct kvm_msi_message message = {.address = 0xfee00000, .data = data};

	pci_vectors_unmask(vectors, mode, vector, &message);
}

static void unmask(enum pci_vectors_mode mode, unsigned int vector)
{
	stage(mode, vector, 0x4000 + vector);
	pci_vectors_flush(vectors, mode);
}

static void mask(enum pci_vectors_mode mode, unsigned int vector)
{
	pci_vectors_mask(vectors, mode, vector);
	pci_vectors_flush(vectors, mode);
}

static int gsi_of(unsigned int vector)
{
	return pci_vectors_state(vectors, vector).gsi;
}

static bool delivered(unsigned int vector)
{
	return fake_irq_delivered(&irq, (unsigned int)gsi_of(vector));
}

START_TEST(enabled_with_nothing_unmasked)
{
	pci_vectors_enable(vectors, PCI_VECTORS_MSIX, 10);
	ck_assert_str_eq(told(), "mode:2+10 ");
	pci_vectors_flush(vectors, PCI_VECTORS_MSIX);
	ck_assert_str_eq(told(), "connect:0-0 ");
	ck_assert_uint_eq(pci_vectors_count(vectors), 10);
	ck_assert_int_lt(pci_vectors_eventfd(vectors, 9), 0);
	ck_assert_uint_eq(fake_irq_used(&irq), 0);
	/* Nothing is new. */
	pci_vectors_flush(vectors, PCI_VECTORS_MSIX);
	ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(a_route_comes_with_the_unmask)
{
	enable(PCI_VECTORS_MSIX, 10);
	unmask(PCI_VECTORS_MSIX, 7);
	ck_assert_str_eq(told(), "connect:7-8 ");
	ck_assert_uint_eq(irq.commits, 1);
	ck_assert_uint_eq(irq.message[gsi_of(7)].data, 0x4007);
	ck_assert_int_eq(fake_irq_find(&irq, (unsigned int)gsi_of(7))->eventfd,
			 pci_vectors_eventfd(vectors, 7));
	fd_signal(pci_vectors_eventfd(vectors, 7));
	ck_assert(delivered(7));
	ck_assert(!delivered(7));
	ck_assert_uint_eq(fake_irq_used(&irq), 1);
}
END_TEST

START_TEST(a_batch_is_committed_once)
{
	enable(PCI_VECTORS_MSIX, 10);
	for (unsigned int i = 8; i > 2; i--)
		stage(PCI_VECTORS_MSIX, i, i);
	ck_assert_uint_eq(irq.commits, 0);
	pci_vectors_flush(vectors, PCI_VECTORS_MSIX);
	ck_assert_uint_eq(irq.commits, 1);
	ck_assert_uint_eq(irq.attached, 6);
	ck_assert_str_eq(told(), "connect:3-9 ");
}
END_TEST

START_TEST(masked_it_is_pending_and_delivered_once)
{
	enable(PCI_VECTORS_MSIX, 10);
	unmask(PCI_VECTORS_MSIX, 3);
	mask(PCI_VECTORS_MSIX, 3);
	ck_assert_uint_eq(irq.attached, 0);
	ck_assert(!pci_vectors_pending(vectors, PCI_VECTORS_MSIX, 3));
	fd_signal(pci_vectors_eventfd(vectors, 3));
	fd_signal(pci_vectors_eventfd(vectors, 3));
	ck_assert(pci_vectors_pending(vectors, PCI_VECTORS_MSIX, 3));
	ck_assert(pci_vectors_pending(vectors, PCI_VECTORS_MSIX, 3));
	unmask(PCI_VECTORS_MSIX, 3);
	ck_assert(!pci_vectors_pending(vectors, PCI_VECTORS_MSIX, 3));
	ck_assert(delivered(3));
	ck_assert(!delivered(3));
	/* The same message needs no new route, and the eventfd stayed. */
	ck_assert_uint_eq(irq.commits, 1);
}
END_TEST

/* Nobody looked at the pending bits between signal and unmask. */
START_TEST(unseen_it_is_delivered_too)
{
	enable(PCI_VECTORS_MSIX, 10);
	unmask(PCI_VECTORS_MSIX, 3);
	mask(PCI_VECTORS_MSIX, 3);
	pci_vectors_signal(vectors, 3);
	unmask(PCI_VECTORS_MSIX, 3);
	ck_assert(delivered(3));
}
END_TEST

/*
 * Whoever signals it has its eventfd too, and may have that block: an empty one at a read, a full
 * one at a write. The monitor waits for nobody.
 */
START_TEST(a_hostile_device_holds_up_nobody)
{
	const uint64_t most = UINT64_MAX - 1;
	int fd;

	enable(PCI_VECTORS_MSIX, 10);
	unmask(PCI_VECTORS_MSIX, 3);
	fd = pci_vectors_eventfd(vectors, 3);
	mask(PCI_VECTORS_MSIX, 3);
	ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
	ck_assert(!pci_vectors_pending(vectors, PCI_VECTORS_MSIX, 3));
	unmask(PCI_VECTORS_MSIX, 3);
	ck_assert(!delivered(3));
	mask(PCI_VECTORS_MSIX, 3);
	ck_assert_int_eq(write(fd, &most, sizeof(most)), sizeof(most));
	if (_i)
		ck_assert(pci_vectors_pending(vectors, PCI_VECTORS_MSIX, 3));
	/* What was taken is filled up again. */
	if (!fd_is_signalled(fd))
		ck_assert_int_eq(write(fd, &most, sizeof(most)), sizeof(most));
	unmask(PCI_VECTORS_MSIX, 3);
	ck_assert(delivered(3));
	ck_assert(!delivered(3));
	mask(PCI_VECTORS_MSIX, 3);
	ck_assert(!pci_vectors_pending(vectors, PCI_VECTORS_MSIX, 3));
}
END_TEST

START_TEST(what_is_on_its_way_is_pending)
{
	enable(PCI_VECTORS_MSIX, 10);
	owner.on_its_way = 4;
	ck_assert(!pci_vectors_pending(vectors, PCI_VECTORS_MSIX, 3));
	/* Without an eventfd yet. */
	ck_assert_int_lt(pci_vectors_eventfd(vectors, 4), 0);
	ck_assert(pci_vectors_pending(vectors, PCI_VECTORS_MSIX, 4));
	unmask(PCI_VECTORS_MSIX, 4);
	ck_assert(delivered(4));
	ck_assert(!pci_vectors_pending(vectors, PCI_VECTORS_MSIX, 4));
}
END_TEST

START_TEST(a_new_message_is_routed_anew)
{
	enable(PCI_VECTORS_MSIX, 10);
	unmask(PCI_VECTORS_MSIX, 3);
	stage(PCI_VECTORS_MSIX, 3, 0x99);
	pci_vectors_flush(vectors, PCI_VECTORS_MSIX);
	ck_assert_uint_eq(irq.commits, 2);
	ck_assert_uint_eq(irq.attached, 1);
	ck_assert_uint_eq(irq.message[gsi_of(3)].data, 0x99);
	ck_assert_uint_eq(fake_irq_used(&irq), 1);
}
END_TEST

START_TEST(without_a_gsi_it_is_owed)
{
	enable(PCI_VECTORS_MSIX, 10);
	irq.fail_at = irq.calls + 1;
	hear();
	unmask(PCI_VECTORS_MSIX, 1);
	ck_assert_ptr_nonnull(strstr(heard(), "MSI-X: no route for a vector: No space left"));
	/* The wires are told of it all the same: what it signals is not lost. */
	ck_assert_str_eq(told(), "connect:1-2 ");
	ck_assert_int_lt(gsi_of(1), 0);
	pci_vectors_signal(vectors, 1);
	ck_assert(pci_vectors_pending(vectors, PCI_VECTORS_MSIX, 1));
	unmask(PCI_VECTORS_MSIX, 2);
	ck_assert_int_ge(gsi_of(2), 0);
	mask(PCI_VECTORS_MSIX, 1);
	unmask(PCI_VECTORS_MSIX, 1);
	ck_assert(delivered(1));
}
END_TEST

START_TEST(without_a_descriptor_it_is_tried_again)
{
	struct rlimit limit, less;

	enable(PCI_VECTORS_MSIX, 10);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	hear();
	less = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &less), 0);
	unmask(PCI_VECTORS_MSIX, 1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_ptr_nonnull(strstr(heard(), "raise the limit (ulimit -Hn) and start again"));
	ck_assert_int_lt(pci_vectors_eventfd(vectors, 1), 0);
	ck_assert_uint_eq(fake_irq_used(&irq), 0);
	unmask(PCI_VECTORS_MSIX, 1);
	pci_vectors_signal(vectors, 1);
	ck_assert(delivered(1));
}
END_TEST

START_TEST(msi_with_several_vectors)
{
	enable(PCI_VECTORS_MSI, 4);
	for (unsigned int i = 0; i < 4; i++)
		stage(PCI_VECTORS_MSI, i, 0x40 | i);
	pci_vectors_flush(vectors, PCI_VECTORS_MSI);
	ck_assert_uint_eq(irq.commits, 1);
	ck_assert_str_eq(told(), "connect:0-4 ");
	for (unsigned int i = 0; i < 4; i++) {
		ck_assert_uint_eq(irq.message[gsi_of(i)].data, 0x40 | i);
		pci_vectors_signal(vectors, i);
		ck_assert(delivered(i));
	}
	/* Another number is another mode: what there was ends first. */
	pci_vectors_disable(vectors, PCI_VECTORS_MSI);
	pci_vectors_enable(vectors, PCI_VECTORS_MSI, 2);
	stage(PCI_VECTORS_MSI, 0, 0x40);
	pci_vectors_flush(vectors, PCI_VECTORS_MSI);
	ck_assert_str_eq(told(), "mode:0+0 mode:1+2 connect:0-1 ");
	ck_assert_uint_eq(fake_irq_used(&irq), 1);
	ck_assert_uint_eq(count_descriptors(), descriptors + 1);
}
END_TEST

START_TEST(msix_grows_vector_by_vector)
{
	enable(PCI_VECTORS_MSIX, VECTORS);
	unmask(PCI_VECTORS_MSIX, 0);
	unmask(PCI_VECTORS_MSIX, 100);
	stage(PCI_VECTORS_MSIX, 127, 1);
	stage(PCI_VECTORS_MSIX, 64, 1);
	pci_vectors_flush(vectors, PCI_VECTORS_MSIX);
	ck_assert_str_eq(told(), "connect:0-1 connect:100-101 connect:64-128 ");
	ck_assert_uint_eq(irq.attached, 4);
	ck_assert_uint_eq(fake_irq_used(&irq), 4);
	/* Nothing for those that nobody asked for. */
	ck_assert_uint_eq(count_descriptors(), descriptors + 4);
	pci_vectors_signal(vectors, 127);
	ck_assert(delivered(127));
}
END_TEST

START_TEST(the_owner_may_have_fewer)
{
	owner.most = 3;
	enable(PCI_VECTORS_MSIX, 10);
	ck_assert_uint_eq(pci_vectors_count(vectors), 3);
	unmask(PCI_VECTORS_MSIX, 3);
	mask(PCI_VECTORS_MSIX, 3);
	ck_assert(!pci_vectors_pending(vectors, PCI_VECTORS_MSIX, 3));
	ck_assert_uint_eq(fake_irq_used(&irq), 0);
	unmask(PCI_VECTORS_MSIX, 2);
	ck_assert_uint_eq(fake_irq_used(&irq), 1);
}
END_TEST

START_TEST(a_wire_that_fails_is_told_of)
{
	enable(PCI_VECTORS_MSIX, 10);
	owner.fails_connect = -ENOSPC;
	hear();
	unmask(PCI_VECTORS_MSIX, 1);
	ck_assert_ptr_nonnull(
		strstr(heard(), "0000:01:00.0: MSI-X: vectors cannot be enabled: No space left"));
	owner.fails_connect = 0;
	mask(PCI_VECTORS_MSIX, 1);
	unmask(PCI_VECTORS_MSIX, 1);
	ck_assert_str_eq(told(), "connect:1-2 connect:1-2 ");
}
END_TEST

/* Both at once is the guest's mistake: the later one counts. */
START_TEST(one_mode_at_a_time)
{
	enable(PCI_VECTORS_MSI, 1);
	unmask(PCI_VECTORS_MSI, 0);
	enable(PCI_VECTORS_MSIX, 10);
	ck_assert_int_eq(pci_vectors_mode(vectors), PCI_VECTORS_MSIX);
	ck_assert_uint_eq(fake_irq_used(&irq), 0);
	unmask(PCI_VECTORS_MSIX, 0);
	told();
	unmask(PCI_VECTORS_MSI, 0);
	mask(PCI_VECTORS_MSI, 0);
	ck_assert(!pci_vectors_pending(vectors, PCI_VECTORS_MSI, 0));
	pci_vectors_disable(vectors, PCI_VECTORS_MSI);
	pci_vectors_flush(vectors, PCI_VECTORS_MSI);
	ck_assert_str_eq(told(), "");
	ck_assert_uint_eq(irq.attached, 1);
}
END_TEST

START_TEST(an_end_frees_routes_with_the_flush)
{
	enable(PCI_VECTORS_MSIX, 10);
	unmask(PCI_VECTORS_MSIX, 0);
	unmask(PCI_VECTORS_MSIX, 1);
	pci_vectors_disable(vectors, PCI_VECTORS_MSIX);
	ck_assert_str_eq(told(), "connect:0-1 connect:1-2 mode:0+0 ");
	ck_assert_uint_eq(irq.commits, 2);
	pci_vectors_flush(vectors, PCI_VECTORS_MSIX);
	ck_assert_uint_eq(irq.commits, 3);
	pci_vectors_disable(vectors, PCI_VECTORS_MSIX);
	ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(half_built_it_ends_too)
{
	/* Off since ever. */
	pci_vectors_disable(vectors, PCI_VECTORS_OFF);
	pci_vectors_flush(vectors, PCI_VECTORS_MSI);
	ck_assert_str_eq(told(), "");
	/* An owner without memory: enabled for the guest, with no vector. */
	owner.fails_set_mode = -ENOMEM;
	hear();
	enable(PCI_VECTORS_MSIX, 10);
	ck_assert_ptr_nonnull(strstr(heard(), "MSI-X: vectors: Cannot allocate memory"));
	ck_assert_uint_eq(pci_vectors_count(vectors), 0);
	unmask(PCI_VECTORS_MSIX, 0);
	ck_assert_uint_eq(fake_irq_used(&irq), 0);
	/* Staged, and never flushed. */
	owner.fails_set_mode = 0;
	pci_vectors_enable(vectors, PCI_VECTORS_MSIX, 10);
	stage(PCI_VECTORS_MSIX, 5, 1);
	pci_vectors_destroy(NULL);
}
END_TEST

START_TEST(every_refusal_of_kvm_is_survived)
{
	for (unsigned int i = 1; i < 12; i++) {
		irq.calls = 0;
		irq.fail_at = i;
		enable(PCI_VECTORS_MSIX, 10);
		unmask(PCI_VECTORS_MSIX, 0);
		unmask(PCI_VECTORS_MSIX, 1);
		mask(PCI_VECTORS_MSIX, 0);
		unmask(PCI_VECTORS_MSIX, 0);
		pci_vectors_disable(vectors, PCI_VECTORS_MSIX);
		ck_assert_uint_eq(irq.attached, 0);
		ck_assert_uint_eq(fake_irq_used(&irq), 0);
		ck_assert_uint_eq(count_descriptors(), descriptors);
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, enabled_with_nothing_unmasked);
	tcase_add_test(tests, a_route_comes_with_the_unmask);
	tcase_add_test(tests, a_batch_is_committed_once);
	tcase_add_test(tests, masked_it_is_pending_and_delivered_once);
	tcase_add_test(tests, unseen_it_is_delivered_too);
	tcase_add_loop_test(tests, a_hostile_device_holds_up_nobody, 0, 2);
	tcase_add_test(tests, what_is_on_its_way_is_pending);
	tcase_add_test(tests, a_new_message_is_routed_anew);
	tcase_add_test(tests, without_a_gsi_it_is_owed);
	tcase_add_test(tests, without_a_descriptor_it_is_tried_again);
	tcase_add_test(tests, msi_with_several_vectors);
	tcase_add_test(tests, msix_grows_vector_by_vector);
	tcase_add_test(tests, the_owner_may_have_fewer);
	tcase_add_test(tests, a_wire_that_fails_is_told_of);
	tcase_add_test(tests, one_mode_at_a_time);
	tcase_add_test(tests, an_end_frees_routes_with_the_flush);
	tcase_add_test(tests, half_built_it_ends_too);
	tcase_add_test(tests, every_refusal_of_kvm_is_survived);
}

int main(void)
{
	return run_suite("pci vectors", add_tests);
}
