/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes kept by a fake KVM: which ones, in which order they are done, when somebody waits. */

#include <check.h>
#include <stdatomic.h>

#include "tests/unit/support/fake_ring.h"
#include "tests/unit/support/suite.h"
#include "vmm/kvm/coalesced.h"

enum { ADDRESS = 0xcf8, INDEX = 0x70, LOG_MAX = 400, ZONES_MAX = 4 };

static struct kvm_vm *vm;
static struct kvm_vcpu *vcpu;
static struct mem_map *ports;
static struct mem_region address, data, clock_region;
static struct kvm_coalesced *coalesced;
static struct err err;

/* The devices' side. */
static struct {
	unsigned int count;
	struct {
		uint64_t port, value;
		unsigned int size;
	} done[LOG_MAX];
	atomic_bool entered, hold;
} device;

/* KVM's side. */
static struct {
	struct kvm_coalesced_mmio_zone zones[ZONES_MAX];
	unsigned int count;
	unsigned int refused; /* the first so many registrations */
} kernel;

static enum mem_result device_write(void *owner, uint64_t offset, unsigned int size, uint64_t value)
{
	const struct mem_region *region = owner;
	unsigned int index = device.count;

	atomic_store(&device.entered, true);
	while (atomic_load(&device.hold))
		usleep(1000);
	ck_assert_uint_lt(index, LOG_MAX);
	device.done[index].port = region->base + offset;
	device.done[index].size = size;
	device.done[index].value = value;
	device.count++;
	return MEM_DONE;
}

static enum mem_result device_read(void *owner, uint64_t offset, unsigned int size, uint64_t *value)
{
	(void)owner, (void)offset, (void)size;
	*value = 0;
	return MEM_DONE;
}

static const struct mem_ops ops = {.read = device_read, .write = device_write};

static int vm_ioctl(unsigned long request, void *argument)
{
	const struct kvm_coalesced_mmio_zone *zone = argument;
	unsigned int at = 0;

	if (request == KVM_REGISTER_COALESCED_MMIO) {
		if (kernel.refused > 0) {
			kernel.refused--;
			return -ENOSPC;
		}
		ck_assert_uint_lt(kernel.count, ZONES_MAX);
		kernel.zones[kernel.count++] = *zone;
		return 0;
	}
	ck_assert_uint_eq(request, KVM_UNREGISTER_COALESCED_MMIO);
	while (at < kernel.count && memcmp(&kernel.zones[at], zone, sizeof(*zone)))
		at++;
	if (at < kernel.count)
		kernel.zones[at] = kernel.zones[--kernel.count];
	return 0;
}

static void add_region(struct mem_region *region, const char *name, uint64_t base, uint64_t size,
		       uint64_t latch)
{
	*region = (struct mem_region){.name = name,
				      .kind = MEM_TRAP,
				      .size = size,
				      .ops = &ops,
				      .owner = region,
				      .latch = latch};
	ck_assert_int_eq(mem_map_add(ports, region, base, &err), 0);
}

static void create(void)
{
	vm = kvm_vm_create(NULL, &err);
	vcpu = kvm_vcpu_create(vm, 0, &err);
	ck_assert_msg(vcpu, "%s", err.text);
	ports = mem_map_create("ports", 0x10000, &err);
	add_region(&address, "address", ADDRESS, 4, 4);
	add_region(&data, "data", ADDRESS + 4, 4, 0);
	add_region(&clock_region, "clock", INDEX, 2, 1);
	coalesced = kvm_coalesced_create(vm, ports, &err);
	ck_assert_msg(coalesced, "%s", err.text);
}

static void set_up(void)
{
	fake_kvm_reset();
	fake_ring_offer();
	fake.vm_ioctl = vm_ioctl;
}

static void tear_down(void)
{
	kvm_coalesced_destroy(coalesced);
	ck_assert_uint_eq(kernel.count, 0);
	mem_map_destroy(ports);
	kvm_vcpu_destroy(vcpu);
	kvm_vm_destroy(vm);
}

static void check_done(unsigned int index, uint64_t port, unsigned int size, uint64_t value)
{
	ck_assert_uint_lt(index, device.count);
	ck_assert_uint_eq(device.done[index].port, port);
	ck_assert_uint_eq(device.done[index].size, size);
	ck_assert_uint_eq(device.done[index].value, value);
}

START_TEST(the_latches_are_the_zones)
{
	create();
	for (unsigned int times = 0; times < 2; times++) {
		ck_assert(kvm_coalesced_open(coalesced));
		ck_assert(kvm_coalesced_open(coalesced));
		ck_assert_uint_eq(kernel.count, 2);
		ck_assert_uint_eq(kernel.zones[0].addr, INDEX);
		ck_assert_uint_eq(kernel.zones[0].size, 1);
		ck_assert_uint_eq(kernel.zones[0].pio, 1);
		ck_assert_uint_eq(kernel.zones[1].addr, ADDRESS);
		ck_assert_uint_eq(kernel.zones[1].size, 4);
		ck_assert_uint_eq(kernel.zones[1].pio, 1);
		kvm_coalesced_close(coalesced);
		kvm_coalesced_close(coalesced);
		ck_assert_uint_eq(kernel.count, 0);
	}
	ck_assert(kvm_coalesced_open(coalesced));
}
END_TEST

START_TEST(a_kvm_without_a_ring_keeps_nothing)
{
	const unsigned int missing[] = {KVM_CAP_COALESCED_MMIO, KVM_CAP_COALESCED_PIO, ~0u};

	fake.missing = missing[_i];
	if (fake.missing == ~0u)
		fake.run_size = (int)host_page_size(); /* its page would be past the end */
	create();
	ck_assert(!kvm_coalesced_open(coalesced));
	kvm_coalesced_drain(coalesced, vcpu);
	kvm_coalesced_discard(coalesced, vcpu);
	ck_assert_uint_eq(kernel.count, 0);
}
END_TEST

START_TEST(a_zone_that_is_refused_exits_as_before)
{
	create();
	kernel.refused = 1;
	ck_assert(kvm_coalesced_open(coalesced));
	ck_assert_uint_eq(kernel.count, 1);
	ck_assert_uint_eq(kernel.zones[0].addr, ADDRESS);
	kvm_coalesced_close(coalesced);
	kernel.refused = 2;
	ck_assert(!kvm_coalesced_open(coalesced));
	ck_assert_uint_eq(kernel.count, 0);
}
END_TEST

START_TEST(writes_are_done_once_in_their_order)
{
	create();
	kvm_coalesced_drain(coalesced, vcpu);
	fake_ring_write(vcpu, ADDRESS, 4, 0x80001234);
	fake_ring_write(vcpu, ADDRESS + 1, 1, 0x06);
	fake_ring_write(vcpu, INDEX, 1, 0x8f);
	fake_ring_write(vcpu, ADDRESS + 2, 2, 0xbeef);
	ck_assert_uint_eq(device.count, 0);
	kvm_coalesced_drain(coalesced, vcpu);
	kvm_coalesced_drain(coalesced, vcpu);
	ck_assert_uint_eq(device.count, 4);
	ck_assert_uint_eq(kvm_coalesced_count(coalesced), 4);
	check_done(0, ADDRESS, 4, 0x80001234);
	check_done(1, ADDRESS + 1, 1, 0x06);
	check_done(2, INDEX, 1, 0x8f);
	check_done(3, ADDRESS + 2, 2, 0xbeef);
}
END_TEST

START_TEST(the_ring_goes_round)
{
	unsigned int written = 0;

	create();
	for (unsigned int round = 0; round < 2; round++) {
		while (fake_ring_write(vcpu, ADDRESS, 4, written))
			written++;
		ck_assert_uint_eq(written, (round + 1) * (fake_ring_room() - 1));
		kvm_coalesced_drain(coalesced, vcpu);
		ck_assert_uint_eq(device.count, written);
	}
	for (unsigned int i = 0; i < written; i++)
		check_done(i, ADDRESS, 4, i);
}
END_TEST

START_TEST(what_is_no_access_is_passed_over)
{
	create();
	fake_ring_write(vcpu, ADDRESS, 4, 1);
	fake_ring_write(vcpu, ADDRESS, 4, 2);
	fake_ring(vcpu)->coalesced_mmio[0].len = 4000;
	kvm_coalesced_drain(coalesced, vcpu);
	ck_assert_uint_eq(device.count, 1);
	check_done(0, ADDRESS, 4, 2);
}
END_TEST

START_TEST(what_is_discarded_is_never_done)
{
	create();
	fake_ring_write(vcpu, ADDRESS, 4, 1);
	kvm_coalesced_discard(coalesced, vcpu);
	kvm_coalesced_drain(coalesced, vcpu);
	fake_ring_write(vcpu, ADDRESS, 4, 2);
	kvm_coalesced_drain(coalesced, vcpu);
	ck_assert_uint_eq(device.count, 1);
	check_done(0, ADDRESS, 4, 2);
}
END_TEST

static void *drain(void *unused)
{
	(void)unused;
	kvm_coalesced_drain(coalesced, vcpu);
	return NULL;
}

static void *let_go(void *unused)
{
	(void)unused;
	usleep(50000);
	atomic_store(&device.hold, false);
	return NULL;
}

/* The other vCPU's next access may depend on what this one is only about to do. */
START_TEST(a_drain_returns_only_when_all_is_done)
{
	pthread_t other, opener;

	create();
	fake_ring_write(vcpu, ADDRESS, 4, 7);
	atomic_store(&device.hold, true);
	ck_assert_int_eq(pthread_create(&other, NULL, drain, NULL), 0);
	while (!atomic_load(&device.entered))
		usleep(1000);
	ck_assert_int_eq(pthread_create(&opener, NULL, let_go, NULL), 0);
	kvm_coalesced_drain(coalesced, vcpu);
	ck_assert_uint_eq(device.count, 1);
	pthread_join(other, NULL);
	pthread_join(opener, NULL);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, the_latches_are_the_zones);
	tcase_add_loop_test(tests, a_kvm_without_a_ring_keeps_nothing, 0, 3);
	tcase_add_test(tests, a_zone_that_is_refused_exits_as_before);
	tcase_add_test(tests, writes_are_done_once_in_their_order);
	tcase_add_test(tests, the_ring_goes_round);
	tcase_add_test(tests, what_is_no_access_is_passed_over);
	tcase_add_test(tests, what_is_discarded_is_never_done);
	tcase_add_test(tests, a_drain_returns_only_when_all_is_done);
}

int main(void)
{
	return run_suite("coalesced", add_tests);
}
