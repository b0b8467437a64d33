# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC2034,SC2154 # many names are for scenarios, some come from lib.sh
# Debugging a guest, for scenarios that begin with ". /share/l1/gdb.sh": gdb runs outside, on the machine
# that the lab runs on, with the symbols of the guest's kernel (cloud).
#
# A guest with $gdb_options among its options waits for a debugger. gdb_start NAME takes gdb's commands from
# its standard input; "symbols" (or "symbols-at ADDRESS-OF-_STEXT") and "connect" are commands too.

flavour=cloud
gdb_socket=unix:$work/gdb
gdb_options="--gdb $gdb_socket"
gdb_bridge=

# The port that goes to gdb, by its name.
gdb_port() {
	local port
	for port in /sys/class/virtio-ports/*; do
		[ "$(cat "$port/name")" != gdb ] || echo "/dev/${port##*/}"
	done
}

gdb_start() { # gdb_start NAME
	rm -f "$out/gdb/$1".*
	guest_went_on
	labtool bridge "$(gdb_port)" "$gdb_socket" 7>&- &
	gdb_bridge=$!
	cat > "$out/gdb/$1.new"
	mv "$out/gdb/$1.new" "$out/gdb/$1.commands"
}

# Waits until gdb has printed so many lines with the pattern. The runner ends a session that stands still.
gdb_see() { # gdb_see NAME COUNT PATTERN
	until gdb_seen "$@"; do
		usleep 100000
	done
	[ "$(gdb_count "$1" "$3")" -lt "$2" ] || return 0
	gdb_output=$out/gdb/$1.answer
	cat "$gdb_output"
	die "gdb did not print '$3' (time $2), but '$(gdb_last_words < "$gdb_output")' last"
}

gdb_seen() {
	[ "$(gdb_count "$1" "$3")" -ge "$2" ] || [ -e "$out/gdb/$1.answer" ]
}

gdb_count() { # gdb_count NAME PATTERN
	cat "$out/gdb/$1".out "$out/gdb/$1".answer 2> /dev/null | grep -c -- "$2"
}

# Ctrl-C, for a session in which the guest runs. The runner takes the file away as soon as it sees it, which may
# be before one that is made under that name is open here.
gdb_interrupt() { # gdb_interrupt NAME
	: > "$out/gdb/$1.new"
	mv "$out/gdb/$1.new" "$out/gdb/$1.interrupt"
}

# Waits for the session's end, which the runner brings about when it stands still. What gdb printed is in
# $gdb_output then, and in the log.
gdb_wait() { # gdb_wait NAME
	gdb_output=$work/gdb-$1.output
	until gdb_over "$1"; do
		usleep 100000
	done
	# gdb waits on when the monitor is no more and did not take leave.
	wait_for 20 [ -e "$out/gdb/$1.answer" ] || : > "$out/gdb/$1.end"
	if wait_for 30 [ -e "$out/gdb/$1.answer" ]; then
		cp "$out/gdb/$1.answer" "$gdb_output"
	else
		echo "no answer from the lab's runner" > "$gdb_output"
	fi
	guest_went_on
	kill "$gdb_bridge" 2> /dev/null
	wait "$gdb_bridge" 2> /dev/null
	echo "--- gdb session $1"
	cat "$gdb_output"
	echo "---"
}

gdb_over() {
	[ -e "$out/gdb/$1.answer" ] || ! kill -0 "$gdb_bridge" 2> /dev/null
}

gdb_session() { # gdb_session NAME
	gdb_start "$1"
	gdb_wait "$1"
}

# What gdb printed between "echo NAME:\n" and the next such line.
gdb_part() { # gdb_part NAME
	sed -n "/^$1:\$/,/^[a-z-]*:\$/p" "$gdb_output" | grep -v '^[a-z-]*:$'
}

# The last two lines that are no empty ones, as one: gdb's script ends at the first error, which gdb tells in two.
gdb_last_words() {
	grep -v '^[[:space:]]*$' | tail -n 2 | tr -c ' -~' ' ' | tr -s ' ' | sed 's/ *$//' | cut -c 1-300
}

# gdb_has PART PATTERN...: each pattern (extended) is in that part, in lines one after another. $gdb_missing
# is the one that is not.
gdb_has() {
	local text
	text=$(gdb_part "$1")
	shift
	for gdb_missing in "$@"; do
		export gdb_missing
		echo "$text" | grep -qE -- "$gdb_missing" || return 1
		text=$(echo "$text" | awk 'found { print } $0 ~ ENVIRON["gdb_missing"] { found = 1 }')
	done
}

# Why gdb_has is false, for fail's REASON.
gdb_why() { # gdb_why PART
	echo "gdb printed no '$gdb_missing' in its place after '$1:', where its last words are" \
		"'$(gdb_part "$1" | gdb_last_words)'; those of the session are '$(gdb_last_words < "$gdb_output")'"
}

# gdb_check NAME PART PATTERN...: the scenario NAME stands if gdb_has does.
gdb_check() {
	local name=$1
	shift
	if gdb_has "$@"; then
		ok "$name"
	else
		fail "$name" "$(gdb_why "$1")"
	fi
}

# What this host's KVM can do for a debugger, of "step", "software-breakpoint" and so on: "ok", or "no: REASON".
# "breakpoint" is what gdb's break needs: the monitor puts it into the processor where it cannot be in memory,
# QEMU does not.
gdb_support() {
	local ability=$1
	[ -s /tmp/lab/probe ] || labtool debug-probe > /tmp/lab/probe
	if [ "$ability" = breakpoint ]; then
		ability=software-breakpoint
		[ "$monitor" != ferry ] || grep -q "^$ability ok" /tmp/lab/probe || ability=hardware-breakpoint
	fi
	sed -n "s/^$ability //p" /tmp/lab/probe
}

# gdb_able NAME ABILITY...: whether this host can do what the scenario NAME is about; if not, it is told so.
gdb_able() {
	local name=$1 ability
	shift
	for ability in "$@"; do
		[ "$(gdb_support "$ability")" = ok ] || {
			skip "$name" "KVM has no $ability under this host ($(gdb_support "$ability"))"
			return 1
		}
	done
}
