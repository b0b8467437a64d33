/* SPDX-License-Identifier: BSD-3-Clause */
/* What every tiny guest has: ports, console, checks that end the run with a status. */

#ifndef TESTS_KVM_GUEST_H
#define TESTS_KVM_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values for the debug-exit port: the monitor ends with (V << 1) | 1, 33 and 35. */
enum { EXIT_PASSED = 0x10, EXIT_FAILED = 0x11 };

enum {
	PORT_DEBUG_EXIT = 0xf4,
	PORT_SERIAL = 0x3f8,
	PORT_PM_TIMER = 0x608,
	PORT_UNCLAIMED = 0x2f00,
};

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outw(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outl(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint16_t inw(uint16_t port)
{
	uint16_t value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline uint32_t read32(uintptr_t address)
{
	return *(volatile uint32_t *)address;
}

static inline void write32(uintptr_t address, uint32_t value)
{
	*(volatile uint32_t *)address = value;
}

static inline void pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

struct cpuid {
	uint32_t a, b, c, d;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t index)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
			 : "a"(leaf), "c"(index));
	return r;
}

void print(const char *text);
void print_number(uint64_t value); /* hexadecimal */
bool same(const void *a, const void *b, size_t size);
size_t length(const char *text);

/* Ends the run: status 33. */
_Noreturn void pass(void);
/* Prints and ends the run: status 35. */
_Noreturn void fail(const char *what, uint64_t value);
_Noreturn void halt(void);

static inline void check(bool right, const char *what, uint64_t value)
{
	if (!right)
		fail(what, value);
}

/* What each guest defines. @magic is EAX, @info EBX (32-bit entries) or RSI (64-bit ones). */
void guest_main(uint32_t magic, uintptr_t info);

#endif
