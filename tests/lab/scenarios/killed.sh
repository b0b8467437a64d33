# SPDX-License-Identifier: BSD-3-Clause
# scenarios: killed-coming killed-going terminated-coming terminated-going killed-at-work
# tier-aarch64: all
# also-on-x86_64: 6.12-iommufd
# seconds: 60
# deadline: 300
# A monitor is ended by SIGKILL or SIGTERM at some step of its way up or back, five of them in turn, with --all two dozen. Its
# device works afterwards: for a next run with the same sockets, and for the host's own driver.

only_ferry "QEMU has other steps"

flavour=$small_flavour
disk=$(device "$nvme_id")
want=$(head -c 65536 "$images/disk" | sha256sum | cut -d ' ' -f 1)
monitors=/run/ferry/monitors
labtool tiny-guest > "$work/tiny"
set -- run "$work/tiny" --cpus 2 --memory 64M --vfio "$disk" --gdb "unix:$work/gdb" --control "unix:$work/control"

# For a shell with a terminal of its own: how the run ends, and whether the terminal's modes are as before.
# shellcheck disable=SC2016 # for that shell
at_terminal='modes=$(stty -g); "$@"; status=$?; [ "$(stty -g)" = "$modes" ]; echo $? $status > "$0"'

# strike up|back STEP SIGNAL ARGUMENT...: the steps are in $work/steps, the end in $work/end.
strike() {
	local way=$1 step=$2 signal=$3
	shift 3
	rm -f "$work/end"
	labtool on-terminal sh -c "$at_terminal" "$work/end" \
		labtool kill-at "$way" "$step" "$signal" "$work/steps" ferry "$@" --serial stdio --paused \
		> "$work/said" 2>&1 < /dev/null
	cat "$work/said" "$work/end"
	tail -n 2 "$work/steps"
}

left() { # its sockets, and where it was listed
	local file
	for file in "$work/gdb" "$work/control" "$monitors"/*; do
		[ ! -e "$file" ] && [ ! -h "$file" ] || echo "$file"
	done
}

host_reads() { # with its own driver what is on the disk
	bind "$disk" nvme
	wait_for 60 [ -b /dev/nvme0n1 ]
	found="the host read $(dd if=/dev/nvme0n1 bs=64k count=1 2> /dev/null | sha256sum)"
	give "$disk"
	expr "$found" : "the host read $want" > /dev/null
}

# runs_again ARGUMENT...: what it says is in $work/next. Then nothing is left but where who was killed was listed,
# which goes when somebody looks.
runs_again() {
	local status sockets
	sockets=$(left | grep -v "^$monitors")
	# shellcheck disable=SC2086 # an option, or nothing
	ferry "$@" --serial none $tiny_options > "$work/next" 2>&1
	status=$?
	cat "$work/next"
	found="the next run ended with $status: $(head -n 1 "$work/next")"
	[ "$status" = "$tiny_status" ] || return 1
	[ -z "$sockets" ] || grep -q 'the socket of a run that was killed is replaced' "$work/next" || return 1
	found="ferry list: $(ferry list)"
	expr "$found" : '.*no run' > /dev/null && [ -z "$(left)" ]
}

# go NAME up|back SIGNAL STATUS FIRST LAST POINTS ARGUMENT...: at so many steps from FIRST to LAST. Threads that wait
# for each other need a step more or less in some runs: one that ends before LAST tells what is the last.
go() {
	local name=$1 way=$2 signal=$3 wanted=$4 first=$5 last=$6 points=$7 point=0 step where=
	shift 7
	while [ $point -lt "$points" ]; do
		step=$((first + (last - first) * point / (points - 1)))
		strike "$way" $step "$signal" "$@"
		reached=$(grep -c "^$way" "$work/steps")
		if [ "$reached" -lt "$step" ] && [ "$reached" -gt $((last / 2)) ]; then
			last=$reached
			continue
		fi
		where="at $(tail -n 2 "$work/steps" | head -n 1) (step $step of $last)"
		[ "$(cut -d ' ' -f 2 "$work/end")" = "$wanted" ] || break
		[ "$signal" = 9 ] || { [ "$(cut -d ' ' -f 1 "$work/end")" = 0 ] && [ -z "$(left)" ]; } || break
		host_first=$((point % 2))
		[ $host_first = 0 ] || host_reads || break
		runs_again "$@" || break
		[ $host_first = 1 ] || host_reads || break
		point=$((point + 1))
	done
	check "$name" "$where it ended with $(cat "$work/end"), left $(left); $found" [ $point = "$points" ]
}

give "$disk"
strike back 9999 15 "$@"
cat "$work/steps"
up=$(grep -c '^up' "$work/steps")
back=$(grep -c '^back' "$work/steps")
note "there are $up steps up, $back back"
# The first ten are the program's own start.
go killed-coming up 9 137 10 "$up" "$(often 5 24)" "$@"
go terminated-coming up 15 143 10 "$up" "$(often 5 24)" "$@"
go killed-going back 9 137 1 "$back" "$(often 4 10)" "$@"
go terminated-going back 15 143 1 "$back" "$(often 3 5)" "$@"

guest_start "io,ask" --vfio "$disk"
guest_see 1 '^LAB: ask'
guest_end
check killed-at-work "$found" host_reads
bind "$disk" none
