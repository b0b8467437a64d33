# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC2154 # some names come from lib.sh
# What a guest that stands still, its monitor and L1 are at: for the log, while all three are still there.

standstill_trace=/sys/kernel/tracing

# Each thread of the monitor: its state, where it waits, where it has left for the kernel.
standstill_threads() { # standstill_threads PID
	local thread
	for thread in "/proc/$1/task"/*; do
		echo "thread ${thread##*/} $(cat "$thread/comm"): $(sed -n 's/^State:[[:space:]]*//p' "$thread/status")," \
			"in $(cat "$thread/wchan"), system call $(cat "$thread/syscall")"
		cat "$thread/stack"
	done
}

# What goes on counting where something goes on: processor time, L1's clock and interrupts, KVM's exits.
standstill_counters() { # standstill_counters PID
	local counter
	for counter in "/proc/$1/task"/*/stat; do
		echo "thread $(sed 's/^\([0-9]*\) .*) /\1 /' "$counter" | cut -d ' ' -f 1,13,14): user and system time"
	done
	echo "uptime $(cat /proc/uptime)"
	for counter in /sys/kernel/debug/kvm/"$1"-*/*; do
		[ ! -f "$counter" ] || echo "kvm ${counter##*/} $(cat "$counter")"
	done
	tail -n +2 /proc/interrupts | sed 's/^ */interrupt /'
}

# Everything that KVM does from now on, until tracing is turned off: turning events off takes long.
standstill_watch_kvm() {
	[ -e $standstill_trace/events ] || mount -t tracefs trace $standstill_trace
	echo 1 > $standstill_trace/events/kvm/enable
	: > $standstill_trace/trace
	echo 1 > $standstill_trace/tracing_on
	trap 'echo 0 > $standstill_trace/tracing_on; exit' TERM
}

# Takes some five seconds. The rest is in the host's kernel's log.
standstill_tell() { # standstill_tell PID
	local program=''
	# What gives a monitor its terminal is the monitor's parent.
	read -r program _ < "/proc/$1/task/$1/children"
	set -- "${program:-$1}"
	echo "--- threads"
	standstill_threads "$1"
	standstill_counters "$1" > "$work/before"
	standstill_watch_kvm
	sleep 2
	echo 0 > $standstill_trace/tracing_on
	standstill_counters "$1" > "$work/after"
	echo "--- two seconds later"
	grep -vxFf "$work/before" "$work/after"
	echo "--- KVM meanwhile, $(grep -c -v '^#' $standstill_trace/trace) lines, the end"
	tail -n 80 $standstill_trace/trace
	echo 0 > $standstill_trace/events/kvm/enable
	echo w > /proc/sysrq-trigger
	echo l > /proc/sysrq-trigger
}
