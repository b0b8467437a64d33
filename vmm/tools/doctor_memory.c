/* SPDX-License-Identifier: BSD-3-Clause */
/* What `ferry doctor` checks of memory: the limit of locked memory, huge pages, what is free. */

#include <errno.h>
#include <inttypes.h>

#include "arch/arch.h"
#include "memory/hugepages.h"
#include "vfio/host/memlock.h"
#include "vmm/base/bits.h"
#include "vmm/hostmem.h"
#include "vmm/tools/doctor.h"

static void doctor_check_lock(struct doctor *doctor)
{
	struct findings *findings = &doctor->findings;
	struct vfio_memlock memlock;
	struct err err = {0};

	if (vfio_memlock_check(doctor->memory, &memlock, &err)) {
		findings_add(findings, doctor_severity(doctor), "locked memory", "", "%s",
			     err.text);
		findings_mend(findings,
			      "sudo prlimit --pid $$ --memlock=%" PRIu64 ":%" PRIu64
			      " (in the shell that starts ferry)",
			      doctor->memory, doctor->memory);
	} else {
		findings_add(findings, FINDING_OK, "locked memory", "",
			     "%" PRIu64 " KiB may be locked%s", doctor->memory / KIB,
			     memlock.may_raise ? " once ferry has raised the limit, as it may"
					       : "");
	}
	findings_fact_number(findings, "asked_bytes", doctor->memory);
	/* Nothing is counted with CAP_IPC_LOCK, and INT64_MAX is more than there is. */
	if (memlock.hard && memlock.hard <= INT64_MAX)
		findings_fact_number(findings, "limit_bytes", memlock.hard);
	else
		findings_fact(findings, "limit_bytes", json_null());
}

static void doctor_check_pages(struct doctor *doctor)
{
	const char *name = doctor->page_size == GIB ? "1 GiB" : "2 MiB";
	struct findings *findings = &doctor->findings;
	struct err err = {0};
	uint64_t enough;

	if (hugepages_check(doctor->tool->sys, doctor->page_size, doctor->memory, 0, &enough,
			    -ENOMEM, &err)) {
		findings_add(findings, FINDING_FAILURE, "huge pages", "", "%s", err.text);
		if (enough)
			findings_mend(findings,
				      "echo %" PRIu64
				      " > /sys/kernel/mm/hugepages/hugepages-%" PRIu64
				      "kB/nr_hugepages",
				      enough, doctor->page_size / KIB);
	} else {
		findings_add(findings, FINDING_OK, "huge pages", "", "%" PRIu64 " of %s are free",
			     doctor->memory / doctor->page_size, name);
	}
	findings_fact_number(findings, "page_bytes", doctor->page_size);
	findings_fact_number(findings, "pages_asked", doctor->memory / doctor->page_size);
	findings_fact_number(findings, "pool_needed", enough);
}

/* As machine_check_memory() has it: only what a device pins must be there from the start. */
static void doctor_check_free_memory(struct doctor *doctor)
{
	struct findings *findings = &doctor->findings;
	struct hostmem host;
	struct err err = {0};

	hostmem_read(doctor->tool->proc, doctor->tool->sys, &host);
	if (host.available == UINT64_MAX)
		return;
	if (hostmem_check(&host, doctor->memory, HOSTMEM_PINNED, &err) == 0) {
		findings_add(findings, FINDING_OK, "free memory", "",
			     "%s has %" PRIu64 " MiB available, %" PRIu64
			     " are asked; up to %" PRIu64 " leave it what it needs itself",
			     host.whose, host.available / MIB, doctor->memory / MIB,
			     host.most / MIB);
	} else {
		findings_add(findings, doctor_severity(doctor), "free memory", "", "%s", err.text);
		if (host.most >= arch_ram_minimum())
			findings_mend(findings, "--memory %" PRIu64 "M, or free some",
				      host.most / MIB);
		else
			findings_mend(findings, "free some memory");
	}
	findings_fact_text(findings, "whose", host.whose);
	findings_fact_number(findings, "asked_bytes", doctor->memory);
	findings_fact_number(findings, "available_bytes", host.available);
	findings_fact_number(findings, "kept_bytes", host.kept);
	findings_fact_number(findings, "most_bytes", host.most);
}

void doctor_check_memory(struct doctor *doctor)
{
	doctor_check_lock(doctor);
	if (doctor->page_size)
		doctor_check_pages(doctor);
	else
		doctor_check_free_memory(doctor);
}
