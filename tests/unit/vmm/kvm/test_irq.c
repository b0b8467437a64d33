/* SPDX-License-Identifier: BSD-3-Clause */
/* The GSI table: one ioctl for a batch, none for no change, GSIs used again. */

#include <check.h>
#include <pthread.h>

#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/suite.h"
#include "vmm/kvm/irq.h"

/* Two interrupt controllers of KVM's, as every architecture numbers its own. */
enum { FIRST_MSI = 24, FIRST_CHIP = 0, OTHER_CHIP = 2 };

static struct kvm_vm *vm;
static struct kvm_irq *irq;
static struct err err;

static const struct kvm_msi_message message = {.address = 0x1fee01000,
					       .data = 0x4021,
					       .device_id = 0x108};

static void set_up(void)
{
	fake_kvm_reset();
	err = (struct err){0};
	vm = kvm_vm_create(NULL, &err);
	irq = kvm_irq_create(vm, FIRST_MSI, &err);
	ck_assert_msg(irq, "%s", err.text);
}

static void tear_down(void)
{
	kvm_irq_destroy(irq);
	kvm_vm_destroy(vm);
}

static unsigned int alloc(void)
{
	int gsi = kvm_irq_alloc(irq);

	ck_assert_int_ge(gsi, FIRST_MSI);
	return (unsigned int)gsi;
}

static void expect_commit(unsigned int calls, uint32_t entries)
{
	ck_assert_int_eq(kvm_irq_commit(irq), 0);
	ck_assert_uint_eq(fake.routing_calls, calls);
	ck_assert_uint_eq(fake.routing.nr, entries);
}

START_TEST(a_batch_is_one_ioctl_with_every_entry)
{
	struct kvm_irq_routing_entry *entries = fake.routing.entries;
	unsigned int first, second;

	ck_assert_int_eq(kvm_irq_add_pin(irq, 4, FIRST_CHIP, 4), 0);
	ck_assert_int_eq(kvm_irq_add_pin(irq, 4, OTHER_CHIP, 4), 0);
	first = alloc();
	second = alloc();
	kvm_irq_set_msi(irq, second, &message);
	expect_commit(1, 3);
	ck_assert_uint_eq(entries[0].gsi, 4);
	ck_assert_uint_eq(entries[0].type, KVM_IRQ_ROUTING_IRQCHIP);
	ck_assert_uint_eq(entries[0].u.irqchip.irqchip, FIRST_CHIP);
	ck_assert_uint_eq(entries[1].u.irqchip.irqchip, OTHER_CHIP);
	ck_assert_uint_eq(entries[1].u.irqchip.pin, 4);
	ck_assert_uint_eq(entries[2].gsi, second);
	ck_assert_uint_eq(entries[2].type, KVM_IRQ_ROUTING_MSI);
	ck_assert_uint_eq(entries[2].flags, 0);
	ck_assert_uint_eq(entries[2].u.msi.address_lo, 0xfee01000);
	ck_assert_uint_eq(entries[2].u.msi.address_hi, 1);
	ck_assert_uint_eq(entries[2].u.msi.data, 0x4021);
	ck_assert_uint_eq(entries[2].u.msi.devid, 0);
	kvm_irq_set_msi(irq, first, &message);
	expect_commit(2, 4);
	ck_assert_uint_eq(entries[2].gsi, first);
}
END_TEST

START_TEST(no_change_no_ioctl)
{
	struct kvm_msi_message other = message;
	unsigned int gsi;

	expect_commit(0, 0);
	gsi = alloc();
	expect_commit(0, 0);
	kvm_irq_set_msi(irq, gsi, &message);
	expect_commit(1, 1);
	kvm_irq_set_msi(irq, gsi, &message);
	expect_commit(1, 1);
	/* There and back between two commits is no change either. */
	other.data++;
	kvm_irq_set_msi(irq, gsi, &other);
	kvm_irq_set_msi(irq, gsi, &message);
	expect_commit(1, 1);
	/* Without KVM_CAP_MSI_DEVID the kernel never sees the requester. */
	other = message;
	other.device_id++;
	kvm_irq_set_msi(irq, gsi, &other);
	expect_commit(1, 1);
	kvm_irq_free(irq, gsi);
	ck_assert_uint_eq(alloc(), gsi);
	kvm_irq_set_msi(irq, gsi, &message);
	expect_commit(1, 1);
	kvm_irq_free(irq, gsi);
	expect_commit(2, 0);
}
END_TEST

START_TEST(a_refused_commit_stays_staged)
{
	unsigned int gsi = alloc();

	kvm_irq_set_msi(irq, gsi, &message);
	fake.fails_request = KVM_SET_GSI_ROUTING;
	fake.fails_code = -EINVAL;
	ck_assert_int_eq(kvm_irq_commit(irq), -EINVAL);
	ck_assert_int_eq(kvm_irq_commit(irq), -EINVAL);
	fake.fails_request = 0;
	expect_commit(1, 1);
	expect_commit(1, 1);
}
END_TEST

START_TEST(gsis_run_out_and_are_used_again)
{
	unsigned int last = 0;

	for (unsigned int i = FIRST_MSI; i < 64; i++)
		last = alloc();
	ck_assert_uint_eq(last, 63);
	ck_assert_int_eq(kvm_irq_alloc(irq), -ENOSPC);
	kvm_irq_free(irq, 40);
	kvm_irq_free(irq, 30);
	ck_assert_uint_eq(alloc(), 30);
	ck_assert_uint_eq(alloc(), 40);
	ck_assert_int_eq(kvm_irq_alloc(irq), -ENOSPC);
}
END_TEST

START_TEST(pins_take_entries_too)
{
	unsigned int gsi;

	for (unsigned int i = 0; i < 63; i++)
		ck_assert_int_eq(kvm_irq_add_pin(irq, i % FIRST_MSI, i / FIRST_MSI, i), 0);
	gsi = alloc();
	ck_assert_int_eq(kvm_irq_alloc(irq), -ENOSPC);
	ck_assert_int_eq(kvm_irq_add_pin(irq, 0, 2, 0), -ENOSPC);
	kvm_irq_free(irq, gsi);
	ck_assert_int_eq(kvm_irq_add_pin(irq, FIRST_MSI, 2, 0), -EINVAL);
	ck_assert_int_eq(kvm_irq_add_pin(irq, 0, 2, 0), 0);
	expect_commit(1, 64);
}
END_TEST

START_TEST(device_ids_go_where_kvm_takes_them)
{
	struct kvm_irq *its;
	int gsi;

	fake.has_device_id = true;
	its = kvm_irq_create(vm, FIRST_MSI, &err);
	gsi = kvm_irq_alloc(its);
	kvm_irq_set_msi(its, (unsigned int)gsi, &message);
	ck_assert_int_eq(kvm_irq_commit(its), 0);
	ck_assert_uint_eq(fake.routing.entries[0].flags, KVM_MSI_VALID_DEVID);
	ck_assert_uint_eq(fake.routing.entries[0].u.msi.devid, 0x108);
	kvm_irq_destroy(its);
	kvm_irq_destroy(NULL);
}
END_TEST

START_TEST(too_few_routes_are_refused)
{
	fake.routes = FIRST_MSI;
	ck_assert_ptr_null(kvm_irq_create(vm, FIRST_MSI, &err));
	ck_assert_int_eq(err.code, -ENOSPC);
	ck_assert_str_eq(err.text, "KVM: interrupt routes: the kernel has 24, pins alone take 24");
}
END_TEST

START_TEST(eventfds_are_attached_and_detached)
{
	ck_assert_int_eq(kvm_irq_attach(irq, 30, 5, -1), 0);
	ck_assert_uint_eq(fake.irqfd.fd, 5);
	ck_assert_uint_eq(fake.irqfd.gsi, 30);
	ck_assert_uint_eq(fake.irqfd.flags, 0);
	ck_assert_int_eq(kvm_irq_attach(irq, 16, 5, 6), 0);
	ck_assert_uint_eq(fake.irqfd.flags, KVM_IRQFD_FLAG_RESAMPLE);
	ck_assert_uint_eq(fake.irqfd.resamplefd, 6);
	kvm_irq_detach(irq, 16, 5);
	ck_assert_uint_eq(fake.irqfd.flags, KVM_IRQFD_FLAG_DEASSIGN);
	ck_assert_uint_eq(fake.irqfd.gsi, 16);
	fake.fails_request = KVM_IRQFD;
	fake.fails_code = -EBUSY;
	ck_assert_int_eq(kvm_irq_attach(irq, 30, 5, -1), -EBUSY);
}
END_TEST

START_TEST(lines_are_raised_and_lowered)
{
	ck_assert_int_eq(kvm_irq_set_level(irq, 0x01000021, true), 0);
	ck_assert_uint_eq(fake.level.irq, 0x01000021);
	ck_assert_uint_eq(fake.level.level, 1);
	ck_assert_int_eq(kvm_irq_set_level(irq, 4, false), 0);
	ck_assert_uint_eq(fake.level.level, 0);
}
END_TEST

static void *route_and_release(void *owner)
{
	unsigned int *refused = owner;

	for (unsigned int i = 0; i < 500; i++) {
		struct kvm_msi_message own = message;
		int gsi = kvm_irq_alloc(irq);

		if (gsi < 0) {
			*refused += 1;
			continue;
		}
		own.data = i;
		kvm_irq_set_msi(irq, (unsigned int)gsi, &own);
		*refused += kvm_irq_commit(irq) != 0;
		kvm_irq_free(irq, (unsigned int)gsi);
	}
	return NULL;
}

START_TEST(threads_share_the_table)
{
	unsigned int refused[3] = {0};
	pthread_t threads[3];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, route_and_release, &refused[i]),
				 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], NULL);
		ck_assert_uint_eq(refused[i], 0);
	}
	ck_assert_int_eq(kvm_irq_commit(irq), 0);
	ck_assert_uint_eq(fake.routing.nr, 0);
	ck_assert_uint_eq(alloc(), FIRST_MSI);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_batch_is_one_ioctl_with_every_entry);
	tcase_add_test(tests, no_change_no_ioctl);
	tcase_add_test(tests, a_refused_commit_stays_staged);
	tcase_add_test(tests, gsis_run_out_and_are_used_again);
	tcase_add_test(tests, pins_take_entries_too);
	tcase_add_test(tests, device_ids_go_where_kvm_takes_them);
	tcase_add_test(tests, too_few_routes_are_refused);
	tcase_add_test(tests, eventfds_are_attached_and_detached);
	tcase_add_test(tests, lines_are_raised_and_lowered);
	tcase_add_test(tests, threads_share_the_table);
}

int main(void)
{
	return run_suite("kvm_irq", add_tests);
}
