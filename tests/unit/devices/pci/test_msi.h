/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A function with a capability for messages, and what the vectors in the place of the product's are
 * told.
 */

#ifndef FERRY_TESTS_UNIT_DEVICES_PCI_TEST_MSI_H
#define FERRY_TESTS_UNIT_DEVICES_PCI_TEST_MSI_H

#include <stdarg.h>

#include "devices/pci/msi.h"
#include "tests/unit/support/fake_pci.h"

enum {
	CAPABILITY = 0x50,
	FLAGS = CAPABILITY + 2,
	TABLE = 0x1000, /* in BAR 0 */
	PBA = 0x2000,
	VECTORS = 70,
};

/* In the place of vectors.c: writes down what it is told. */
struct pci_vectors {
	struct bench *bench;
	uint64_t pending[2];
};

static void told(struct pci_vectors *vectors, const char *format, ...) FERRY_PRINTF(2, 3);

static inline void told(struct pci_vectors *vectors, const char *format, ...)
{
	char text[80];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	bench_note(vectors->bench, text);
}

struct pci_vectors *pci_vectors_create(const char *name, struct kvm_irq *irq,
				       const struct pci_wires_ops *wires, void *owner)
{
	(void)name;
	(void)irq;
	(void)wires;
	(void)owner;
	return NULL;
}

void pci_vectors_destroy(struct pci_vectors *vectors)
{
	(void)vectors;
}

void pci_vectors_enable(struct pci_vectors *vectors, enum pci_vectors_mode mode, unsigned int count)
{
	(void)mode;
	told(vectors, "enable:%u", count);
}

void pci_vectors_disable(struct pci_vectors *vectors, enum pci_vectors_mode mode)
{
	(void)mode;
	told(vectors, "disable");
}

void pci_vectors_unmask(struct pci_vectors *vectors, enum pci_vectors_mode mode,
			unsigned int vector, const struct kvm_msi_message *message)
{
	(void)mode;
	told(vectors, "unmask:%u=%" PRIx64 "/%x@%x", vector, message->address, message->data,
	     message->device_id);
}

void pci_vectors_mask(struct pci_vectors *vectors, enum pci_vectors_mode mode, unsigned int vector)
{
	(void)mode;
	told(vectors, "mask:%u", vector);
}

bool pci_vectors_pending(struct pci_vectors *vectors, enum pci_vectors_mode mode,
			 unsigned int vector)
{
	(void)mode;
	return vectors->pending[vector / 64] >> (vector % 64) & 1;
}

void pci_vectors_flush(struct pci_vectors *vectors, enum pci_vectors_mode mode)
{
	(void)mode;
	told(vectors, "flush");
}

/* A port's own, of which there is none here. */
unsigned int pci_vectors_count(const struct pci_vectors *vectors)
{
	(void)vectors;
	return 0;
}

void pci_vectors_signal(struct pci_vectors *vectors, unsigned int vector)
{
	told(vectors, "signal:%u", vector);
}

struct msi_bench {
	struct bench *bench;
	struct toy *toy;
	struct pci_vectors vectors;
	struct pci_msix msix;
	struct pci_msi msi;
};

static inline struct msi_bench *msi_bench_create(void)
{
	struct msi_bench *at = calloc(1, sizeof(*at));

	at->bench = bench_create();
	at->vectors.bench = at->bench;
	at->toy = toy_create(at->bench, "a");
	ck_assert_int_eq(toy_bar(at->toy, 0, PCI_BAR_MEM32, 0x4000), 0);
	ck_assert_int_eq(toy_bar(at->toy, 1, PCI_BAR_IO, 0x100), 0);
	toy_add(at->toy, 2, 0);
	return at;
}

static inline void msi_bench_destroy(struct msi_bench *at)
{
	pci_msix_release(&at->msix);
	bench_destroy(at->bench);
	free(at);
}

#endif
