# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash
# What the kernel says of a running monitor's threads, for bash and for busybox's shell.

# threads_of PID: the folder of each in /proc. Newer kernels put a thread of KVM's own among them, which runs no code
# but the kernel's.
threads_of() {
	local task name
	for task in /proc/"$1"/task/*; do
		read -r name < "$task/comm"
		[ "$name" != "${name#kvm-}" ] || echo "$task"
	done
}

# threads_without_walls PID: the name of each thread that has privileges to gain, a capability in any set, or no
# filter, and how many of these seven walls it has.
threads_without_walls() {
	local task
	for task in $(threads_of "$1"); do
		awk '/^Name:/ { name = $2 }
			/^NoNewPrivs:/ && $2 == 1 || /^Seccomp:/ && $2 == 2 { walls++ }
			/^Cap(Inh|Prm|Eff|Bnd|Amb):/ && $2 ~ /^0+$/ { walls++ }
			END { if (walls != 7) print name ":" walls + 0 }' "$task/status"
	done
}
