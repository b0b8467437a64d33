/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts in a 32-bit tiny guest. */

#ifndef TESTS_KVM_INTERRUPT_H
#define TESTS_KVM_INTERRUPT_H

#include "guest.h"

/* Loads an IDT with one gate, turns the LAPIC and interrupts on. */
void interrupt_setup(uint8_t vector);
/* Edge-triggered, to the first processor. */
void ioapic_route(unsigned int pin, uint8_t vector);
void interrupt_end(void);
/* Waits with interrupts on until *@count is @wanted; fails when that takes too long. */
void interrupt_wait(volatile unsigned int *count, unsigned int wanted);

/* The guest's, called with interrupts off. */
void interrupt_handle(void);
/* The gate, in assembly. */
void interrupt_entry(void);

#endif
