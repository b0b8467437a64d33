# SPDX-License-Identifier: BSD-3-Clause
# scenarios: pm-timer-calibrates
# seconds: 60
# host-memory: 3072
# host-clock: icount
# deadline: 600
# Without KVM's clock Linux measures the TSC against the PM timer. It takes a read for disturbed that
# lasts 131,072 cycles, which a trapped one does on a software host unless time there is counted in
# instructions, as this one's is.

guest_deadline=500
kernel_options="console=ttyS0 loglevel=7 no-kvmclock"
guest "info"
check pm-timer-calibrates "clock $(value clock); $(why)" \
	[ "$status $(value clock) $(grep -c 'using PMTIMER reference calibration' "$console")" = "0 tsc 1" ]
