# SPDX-License-Identifier: BSD-3-Clause
# scenarios: edu unprivileged
# tier-aarch64: all
# seconds: 15
# A program in the guest works the edu device through its mapped BAR; the monitor runs as an
# ordinary user who may open the group and lock enough memory.

flavour=$small_flavour
edu=$(device "$edu_id")
give "$edu"
as_user "unlimited" "$edu"
guest "info,edu:0" --vfio "$edu"
as_root "$edu"
check unprivileged "$(why)" [ "$status" -eq 0 ]
check edu "$(value edu); $(why)" expr "$(value edu)" : "edu ok"
