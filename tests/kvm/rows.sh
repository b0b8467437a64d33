# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC2154,SC2016 # names of who reads this; gdb's own variables begin with a dollar
# The tiny guests, a row for each run of one: how it ends, and what it must say. For bash and for busybox's shell.
#
# Who reads this (tests/kvm/run, and the lab's scenarios tiny-guests and tiny-gdb) has in $ferry the monitor, in
# $guests the guests, in $work a folder to write to, in $deadline the seconds that a guest may take, nothing on
# standard input, the functions of tests/lab/l1/walls.sh, and two more:
#   tell ok|fail|skip NAME [REASON]
#   debug NAME SOCKET FILE    a session of gdb's commands in FILE with the monitor behind SOCKET, printed
# Where $listing is set the rows say their names and nothing is run.

listed() { # listed NAME: the rows are only to be listed, and this one is
	[ -z "${listing:-}" ] || echo "$1"
	[ -n "${listing:-}" ]
}

complain() { # complain NAME WHY ARGUMENT...
	local name=$1 why=$2
	shift 2
	tell fail "$name" "$why: ferry run $*"
	sed 's/^/  | /' "$work/$name.out" "$work/$name.err"
	return 1
}

# judge NAME STATUS WANTED ARGUMENT...: true where the monitor ended as it was to.
judge() {
	local name=$1 status=$2 wanted=$3
	shift 3
	case $status in
	"$wanted") return 0 ;;
	124 | 137 | 143)
		complain "$name" "no end within $deadline s" "$@"
		echo "the guest was ended by its deadline of $deadline s"
		return 1
		;;
	*) complain "$name" "status $status instead of $wanted" "$@" ;;
	esac
}

# The guest's console goes to $work/NAME.out, the monitor's messages to $work/NAME.err.
monitor_run() { # monitor_run NAME ARGUMENT...
	local name=$1
	shift
	timeout -k 2 "$deadline" "$ferry" run --debug-exit --serial stdio --memory 16M "$@" \
		> "$work/$name.out" 2> "$work/$name.err"
}

ends() { # ends NAME STATUS ARGUMENT...
	local name=$1 wanted=$2
	listed "$name" && return
	shift 2
	monitor_run "$name" "$@"
	judge "$name" $? "$wanted" "$@" && tell ok "$name"
}

# One that must also say something: on the console (out) or as the monitor's message (err).
says() { # says out|err PATTERN NAME STATUS ARGUMENT...
	local where=$1 pattern=$2 name=$3 wanted=$4
	listed "$name" && return
	shift 4
	monitor_run "$name" "$@"
	judge "$name" $? "$wanted" "$@" || return
	if grep -qE -e "$pattern" "$work/$name.$where"; then
		tell ok "$name"
	else
		complain "$name" "'$pattern' is not in its $where" "$@"
	fi
}

# monitor_start NAME ARGUMENT...: the same in the background, as $pid; without --debug-exit. With so much
# $memory, and the signal $ignored ignored.
memory=16M
ignored=
monitor_start() {
	local name=$1
	shift
	(
		[ -z "$ignored" ] || trap '' "$ignored"
		exec "$ferry" run --serial stdio --memory "$memory" "$@"
	) < /dev/null > "$work/$name.out" 2> "$work/$name.err" &
	pid=$!
	sh -c "sleep $deadline; kill -KILL $pid" > "$work/watch" 2>&1 &
	watch=$!
}

monitor_wait() { # its end; $status is the monitor's
	wait "$pid" 2> "$work/watch"
	status=$?
	{ kill "$watch" && wait "$watch"; } 2> "$work/watch"
}

full_pipe() { # full_pipe FILE: in its place, with somebody at the other end who does not read
	rm -f "$1"
	mkfifo "$1"
	# shellcheck disable=SC2217 # it only holds the end open
	sleep $((deadline * 2)) < "$1" > "$work/reader" 2>&1 &
	reader=$!
	exec 9> "$1"
	head -c 65536 /dev/zero >&9
	exec 9>&-
}

empty_pipe() { # empty_pipe FILE: an empty file again
	{ kill "$reader" && wait "$reader"; } 2> "$work/reader"
	rm -f "$1"
	: > "$1"
}

# Seconds that are short and yet long enough, wherever it runs.
moment() {
	echo $(((deadline + 19) / 20))
}

# Its console is a full pipe that nobody reads: it must still end when it is told to.
stops_unread() { # stops_unread NAME STATUS ARGUMENT...
	local name=$1 wanted=$2
	listed "$name" && return
	shift 2
	full_pipe "$work/$name.out"
	monitor_start "$name" "$@"
	sleep "$(moment)"
	kill -TERM "$pid"
	monitor_wait
	empty_pipe "$work/$name.out"
	judge "$name" $status "$wanted" "$@" && tell ok "$name"
}

# Its messages go into a full pipe that nobody reads: they must not hold it up.
ends_unheard() { # ends_unheard NAME STATUS ARGUMENT...
	local name=$1 wanted=$2
	listed "$name" && return
	shift 2
	full_pipe "$work/$name.err"
	monitor_start "$name" "$@"
	monitor_wait
	empty_pipe "$work/$name.err"
	judge "$name" $status "$wanted" "$@" && tell ok "$name"
}

# While its memory is provided, which takes seconds, it is told to end.
stops_in_set_up() { # stops_in_set_up NAME ARGUMENT...
	local name=$1 half memory
	listed "$name" && return
	shift
	half=$(awk '/^MemTotal/ { print int($2 / 2048) }' /proc/meminfo)
	memory=${half}M,prealloc
	monitor_start "$name" "$@"
	sleep 0.2
	kill -TERM "$pid"
	sh -c "sleep $(moment); kill -KILL $pid" > "$work/watch" 2>&1
	monitor_wait
	judge "$name" $status 143 "$@" && tell ok "$name"
}

# What its parent ignores it ignores too; SIGTERM ends it all the same.
ends_deaf() { # ends_deaf NAME SIGNAL ARGUMENT...
	local name=$1 ignored=$2
	listed "$name" && return
	shift 2
	monitor_start "$name" "$@"
	sleep "$(moment)"
	kill "-$ignored" "$pid"
	sleep 0.5
	kill -TERM "$pid" 2> "$work/watch"
	monitor_wait
	judge "$name" $status 143 "$@" && tell ok "$name"
}

soon() { # soon COMMAND...: until it succeeds, or for half of the deadline
	local tries=0
	until "$@" || [ $((tries += 1)) -gt $((deadline * 5)) ]; do
		sleep 0.1
	done
}

console_has() { # console_has NAME TEXT: soon, or never
	soon grep -qs "$2" "$work/$1.out"
}

# The button's guest, while it runs: so many threads has its monitor, each behind all walls, which stand too when
# it has been stopped and goes on: what waited then waits on by another system call.
walled() { # walled NAME THREADS ARGUMENT...
	local name=$1 wanted=$2 threads bare tries
	listed "$name" && return
	shift 2
	monitor_start "$name" "$@" "$guests/button"
	console_has "$name" ready
	# One that looks at the host's memory is there for a moment.
	tries=50
	while threads=$(threads_of "$pid" | wc -l) && [ "$threads" -ne "$wanted" ] && [ $tries -gt 0 ]; do
		sleep 0.1
		tries=$((tries - 1))
	done
	bare=$(threads_without_walls "$pid" | tr '\n' ' ')
	kill -STOP "$pid"
	sleep 0.2
	kill -CONT "$pid"
	sleep 0.2
	kill -TERM "$pid"
	monitor_wait
	if [ "$threads" -ne "$wanted" ] || [ -n "$bare" ]; then
		complain "$name" "$threads threads instead of $wanted; those that lack walls: $bare" "$@"
	else
		judge "$name" $status 143 "$@" && tell ok "$name"
	fi
}

# The button's guest, sent signals one after another: each once the console has its text of TEXT:SIGNAL.
signalled() { # signalled NAME STATUS ERROR-TEXT TEXT:SIGNAL... -- ARGUMENT...
	local name=$1 wanted=$2 text=$3 steps=
	listed "$name" && return
	shift 3
	while [ "$1" != -- ]; do
		steps="$steps $1"
		shift
	done
	shift
	monitor_start "$name" "$@" "$guests/button"
	for step in $steps; do
		console_has "$name" "${step%:*}"
		kill "-${step#*:}" "$pid"
	done
	monitor_wait
	judge "$name" $status "$wanted" "$@" || return
	if grep -qF -e "$text" "$work/$name.err" || [ -z "$text" ]; then
		tell ok "$name"
	else
		complain "$name" "'$text' is not in its err" "$@"
	fi
}

# A guest with a control socket, which `ferry ctl` talks to: each step is its command and a pattern that must
# be in what it says, or "-" where that is nothing. Of the events that are told meanwhile the words EVENTS
# must be there, in their order.
controlled() { # controlled NAME STATUS EVENTS STEP... -- ARGUMENT...
	local name=$1 wanted=$2 events=$3 socket=$work/$1.control left step said
	listed "$name" && return
	shift 3
	rm -f "$socket" "$work/$name.events"
	: > "$work/$name.steps"
	while [ "$1" != -- ]; do
		printf '%s\n' "$1" >> "$work/$name.steps"
		shift
	done
	shift
	monitor_start "$name" --control "unix:$socket" "$@"
	soon test -S "$socket"
	"$ferry" ctl "$socket" events > "$work/$name.events" 2>&1 &
	listener=$!
	soon test -s "$work/$name.events"
	while IFS='|' read -r step said; do
		if [ "$step" = console ]; then
			console_has "$name" "$said"
			continue
		fi
		# shellcheck disable=SC2086 # a command and its argument
		"$ferry" ctl "$socket" $step > "$work/$name.said" 2>&1
		if [ $? -ne 0 ] || { [ "$said" = - ] && [ -s "$work/$name.said" ]; } ||
			{ [ "$said" != - ] && ! grep -qF -e "$said" "$work/$name.said"; }; then
			cat "$work/$name.said" >> "$work/$name.out"
			kill "$pid" "$listener" 2> "$work/watch"
			monitor_wait
			complain "$name" "ferry ctl $step did not say '$said'" "$@"
			return
		fi
	done < "$work/$name.steps"
	monitor_wait
	wait "$listener"
	cat "$work/$name.events" >> "$work/$name.out"
	left=$(tr '\n' ' ' < "$work/$name.events")
	for step in $events; do
		case $left in
		*" $step "*) left=" ${left#*" $step "}" ;;
		*)
			complain "$name" "no $step behind the events before it" "$@"
			return
			;;
		esac
	done
	if [ -e "$socket" ]; then
		complain "$name" "its socket is left" "$@"
		return
	fi
	judge "$name" $status "$wanted" "$@" && tell ok "$name"
}

# A guest that waits for gdb, whose commands are standard input: the patterns must be in what it says, in
# their order. Commands in $work/NAME.again are those of a second session.
debugged() { # debugged NAME STATUS PATTERN...
	local name=$1 wanted=$2 socket=$work/$1.gdb left pattern
	listed "$name" && return
	shift 2
	rm -f "$socket"
	cat > "$work/$name.commands"
	monitor_start "$name" --debug-exit --paused --gdb "unix:$socket" "$guests/debugged"
	debug "$name" "$socket" "$work/$name.commands" > "$work/$name.said" 2>&1
	[ ! -e "$work/$name.again" ] || debug "$name" "$socket" "$work/$name.again" >> "$work/$name.said" 2>&1
	monitor_wait
	cat "$work/$name.said" >> "$work/$name.out"
	left=$(tr '\n' ' ' < "$work/$name.said")
	for pattern in "$@"; do
		case $left in
		*"$pattern"*) left=${left#*"$pattern"} ;;
		*)
			complain "$name" "'$pattern' is not in what gdb said, '$(tail -n 1 "$work/$name.said")' last" \
				--gdb "unix:$socket"
			return
			;;
		esac
	done
	judge "$name" $status "$wanted" --gdb "unix:$socket" && tell ok "$name"
}

# With gdb there a stop by the control socket is gdb's, which alone has the guest go on; it goes by itself once
# gdb has left it standing.
debugged_and_controlled() { # debugged_and_controlled NAME
	local name=$1 socket=$work/$1.gdb control=$work/$1.control why=
	listed "$name" && return
	rm -f "$socket" "$control" "$work/$name.said"
	cat > "$work/$name.commands" <<-END
		continue
		shell sleep $(($(moment) * 4))
		set var enough = 1
		disconnect
	END
	monitor_start "$name" --debug-exit --paused --gdb "unix:$socket" --control "unix:$control" "$guests/debugged"
	debug "$name" "$socket" "$work/$name.commands" > "$work/$name.said" 2>&1 &
	debugger=$!
	soon status_is "$control" running
	"$ferry" ctl "$control" stop || why="stop was refused"
	status_is "$control" debug || why="it does not stand for gdb"
	! "$ferry" ctl "$control" cont 2> "$work/$name.refused" || why="cont was not refused"
	grep -qs 'the guest stands for gdb' "$work/$name.refused" || why="cont was not refused for gdb"
	wait "$debugger"
	grep -qs SIGINT "$work/$name.said" || why="gdb was not told of the stop"
	soon status_is "$control" paused
	"$ferry" ctl "$control" cont || why="cont was refused without gdb"
	monitor_wait
	cat "$work/$name.said" "$work/$name.refused" >> "$work/$name.out"
	if [ -n "$why" ]; then
		complain "$name" "$why" --gdb "unix:$socket"
	else
		judge "$name" $status 33 --gdb "unix:$socket" && tell ok "$name"
	fi
}

status_is() { # status_is CONTROL STATUS
	"$ferry" ctl "$1" status 2> "$work/watch" | grep "^$2," >/dev/null
}

# What the rows need beside the guests.
tiny_files() {
	printf first > "$work/module1"
	printf 'the second module' > "$work/module2"
	printf 'hello\n' > "$work/hello"
	printf '#!/bin/sh\nexit 0\n' > "$work/script"
	head -c 1000 "$guests/vmlinux" > "$work/short-elf"
	head -c 1500 "$guests/bzimage" > "$work/short-bzimage"
	truncate -s 20M "$work/large"
	rm -f "$work/pipe" "$work"/*.again
	mkfifo "$work/pipe"
}

# Nothing by its name but the program: KVM, the guest's memory, its files and its console are open. The kernel
# comes as a file or through a pipe.
ends_by_descriptors() { # ends_by_descriptors NAME file|pipe STATUS KERNEL ARGUMENT...
	local name=$1 way=$2 wanted=$3 kernel=$4 ram=/dev/shm
	listed "$name" && return
	shift 4
	[ -d "$ram" ] || ram=/dev # a tmpfs wherever it is
	rm -f "$ram/ferry-$name"
	head -c 16777216 /dev/zero > "$ram/ferry-$name"
	if [ "$way" = pipe ]; then
		# shellcheck disable=SC2002 # a pipe is what is tried
		cat "$kernel" | monitor_by_descriptors "$name" /dev/fd/9 "$@"
	else
		monitor_by_descriptors "$name" fd=9 "$@" < "$kernel"
	fi
	set -- $? "$@"
	rm -f "$ram/ferry-$name"
	judge "$name" "$1" "$wanted" "by descriptors" || return
	if [ "$(wc -c < "$work/$name.serial")" -gt 0 ] || [ "$wanted" != 33 ]; then
		tell ok "$name"
	else
		complain "$name" "nothing came of its console"
	fi
}

# shellcheck disable=SC2094 # who has the memory open reads none of it
monitor_by_descriptors() { # monitor_by_descriptors NAME KERNEL ARGUMENT...
	local name=$1 kernel=$2
	shift 2
	monitor_run "$name" --kvm fd=7 --memory fd=8 --serial fd=6 "$@" "$kernel" \
		6> "$work/$name.serial" 7<> /dev/kvm 8<> "$ram/ferry-$name" 9<&0 < /dev/null
}

tiny_rows() {
	local fault='code at rip 0f 0b' most

	# There KVM has reset the processor before anybody can look at it.
	[ ! -e /sys/module/kvm_amd ] || fault='KVM on AMD has reset the processor'
	ends debug-exit-status 85 "$guests/status"
	[ -n "${listing:-}" ] || exec < "$work/hello"
	says out HELLO serial-polled 33 "$guests/serial"
	exec < /dev/null
	ends_by_descriptors descriptors file 33 "$guests/strings"
	ends_by_descriptors descriptors-pipe pipe 33 "$guests/strings"
	ends_by_descriptors descriptors-reset file 33 "$guests/reset" --cpus 2
	says err 'fd=7: it does not answer as KVM does' refuse-no-kvm 1 --kvm fd=7 "$guests/status" 7<> /dev/null
	says err 'it is no memory' refuse-no-memory 2 --memory fd=7 "$guests/status" 7<> /dev/null
	stops_unread stopped-unread 143 "$guests/serial"
	ends_unheard panic-unheard 3 --cmdline panic "$guests/end"
	stops_in_set_up stopped-in-set-up "$guests/serial"
	ends_deaf ignored-hangup HUP "$guests/serial"
	ends_deaf ignored-interrupt INT "$guests/serial"
	ends serial-interrupt 33 "$guests/serial_irq"
	set -- --initrd "$work/module1" --initrd "$work/module2" --cmdline 'one two=3'
	ends multiboot 33 "$@" "$guests/multiboot"
	ends linux-elf 33 "$@" "$guests/vmlinux"
	ends linux-bzimage 33 "$@" "$guests/bzimage"
	ends pvh 33 "$@" "$guests/pvh"
	says out 'a string in one instruction' string-io 33 "$guests/strings"
	ends unclaimed-accesses 33 "$guests/unclaimed"
	ends pci-configuration 33 --rng off "$guests/pci"
	ends acpi-tables 33 --cpus 4 "$guests/acpi"
	ends pm-timer 33 "$guests/timer"
	ends processors 33 --cpus 4 "$guests/cpus"
	ends latched-writes 33 --cpus 2 "$guests/latches"
	says out 'boot 0x4' reset-in-place 33 "$guests/reset"
	says out 'boot 0x4' reset-in-place-smp 33 --cpus 3 "$guests/reset"
	walled walls-of-threads 4 --cpus 2
	signalled button-by-signal 0 '' ready:USR1 -- --cmdline obeys
	signalled term-powers-off 0 '' ready:TERM -- --on-term powerdown --cmdline obeys
	signalled term-ends-the-deaf 143 'has not powered off within 1 s' ready:TERM -- --on-term powerdown:1
	signalled term-twice 143 '' ready:TERM pressed:TERM -- --on-term powerdown
	controlled control-stop 0 'STOP RESUME SHUTDOWN reason=host-qmp-quit' 'console|ready' 'status|running, up' \
		'stop|-' 'status|paused, up' 'stop|-' 'cont|-' 'cont|-' '--json status|"running": true' 'quit|-' -- \
		"$guests/button"
	controlled control-powerdown 0 'running POWERDOWN SHUTDOWN guest=true reason=guest-shutdown' \
		'console|ready' 'powerdown|-' -- --cmdline obeys "$guests/button"
	controlled control-reset 33 'RESET guest=true reason=guest-reset SHUTDOWN' 'cont|-' -- \
		--debug-exit --paused "$guests/reset"
	controlled control-panic 3 'RESUME GUEST_PANICKED action=poweroff SHUTDOWN reason=guest-panic' 'cont|-' -- \
		--paused --cmdline panic "$guests/end"
	controlled control-paused 0 'prelaunch RESUME STOP RESET reason=host-qmp-system-reset SHUTDOWN' \
		'status|prelaunch, up' 'cont|-' 'console|ready' 'stop|-' 'reset|-' 'status|paused' 'quit|-' -- --paused "$guests/button"
	ends power-off 0 --cmdline power-off "$guests/end"
	ends reboot-exit-cf9 0 --on-reboot exit --cmdline cf9 "$guests/end"
	ends reboot-exit-i8042 0 --on-reboot exit --cmdline i8042 "$guests/end"
	ends reboot-exit-acpi 0 --on-reboot exit --cmdline acpi "$guests/end"
	ends panic 3 --cmdline panic "$guests/end"
	says err "$fault" triple-fault 3 --cmdline triple-fault "$guests/end"
	says err 'KVM internal error 1' not-emulated 3 --cmdline not-emulated "$guests/end"
	most=$(awk '/^MemTotal/ { print int($2 / 1024) - 16 }' /proc/meminfo) # what Linux maps without a question
	says err 'may be killed once the guest uses more' memory-not-there 85 --memory "${most}M" "$guests/status"
	says err 'not a kernel' refuse-script 1 "$work/script"
	says err 'not a regular file' refuse-pipe 1 "$work/pipe"
	says err 'nobody reads there' refuse-unread-pipe 1 --serial "file:$work/pipe" "$guests/serial"
	says err 'no KERNEL given' refuse-no-kernel 2
	says err "Ferry's word is --memory SIZE" refuse-foreign-option 2 -m 512 "$guests/serial"
	says err 'it has no unit: write 512M' refuse-bare-size 2 --memory 512 "$guests/serial"
	says err 'an initial RAM disk is --initrd FILE' refuse-second-operand 2 "$guests/serial" "$work/script"
	says err 'not a PCI address' refuse-malformed-device 2 --vfio eth0 "$guests/serial"
	says err 'No such file or directory' refuse-no-dump-folder 1 --dump-acpi "$work/none/such"
	says err 'use --dump-acpi' refuse-dump-fdt 1 --dump-fdt "$work/tree"
	says err 'truncated' refuse-truncated-elf 1 "$work/short-elf"
	says err 'truncated' refuse-truncated-bzimage 1 "$work/short-bzimage"
	says err 'too large' refuse-large-initrd 1 --initrd "$work/large" "$guests/vmlinux"
	says err 'shorten it' refuse-long-cmdline 1 --cmdline "$(head -c 64 /dev/zero | tr '\0' x)" \
		"$guests/bzimage"
}

# The guest that is debugged, with debug's sessions.
tiny_gdb_rows() {
	[ -n "${listing:-}" ] || cat > "$work/gdb-reconnect.again" <<-'END'
		backtrace
		print $r15
		set var enough = 1
		continue
	END
	debugged gdb-exit 33 'exited with code 041' <<-'END'
		set var enough = 1
		continue
	END
	debugged gdb-break 33 'Breakpoint 1, work (number=' '#0  work (number=' ' in guest_main ' '#2 ' ' in _start ()' \
		'Breakpoint 1, work (number=' '$1 = 2' 'number is 2' 'exited with code 041' <<-'END'
		break work
		continue
		backtrace
		continue
		print number
		printf "number is %d\n", number
		delete
		set var enough = 1
		continue
	END
	debugged gdb-registers 33 '$1 = 0x1122334455667788' '$2 = (void (*)()) 0x100000' '$3 = 0x1f80' '$4 = 0x500' \
		'$5 = {' '0x1234' '$6 = 2.5' '$7 = 7' <<-'END'
		set var $r15 = 0x1122334455667788
		print/x $r15
		print $pc
		print/x $mxcsr
		print/x (long)$efer
		set var $xmm3.v4_int32[1] = 0x1234
		print/x $xmm3.v4_int32
		set var $st0 = 2.5
		print $st0
		set var total = 7
		print total
		set var enough = 1
		continue
	END
	debugged gdb-step 33 'work (number=' 'stepped 0x100' 'square (number=' 'Value returned is $' ' = 1' \
		'one instruction' 'exited with code 041' <<-'END'
		break work
		continue
		delete
		stepi
		printf "stepped 0x%x\n", (long)$pc >> 12
		step
		step
		finish
		set var $old = $pc
		stepi
		python print('one instruction' if gdb.parse_and_eval('$pc != $old') else 'none')
		set var enough = 1
		continue
	END
	debugged gdb-interrupt 33 'Program received signal SIGINT' 'it ran' 'exited with code 041' <<-'END'
		shell (sleep 1; kill -INT $PPID) &
		continue
		python print('it ran' if gdb.parse_and_eval('rounds') > 10 else 'it stood')
		set var enough = 1
		continue
	END
	debugged gdb-detach 33 'detached' <<-'END'
		break work
		continue
		set var enough = 1
		detach
	END
	debugged gdb-kill 0 'killed' <<-'END'
		kill
	END
	debugged gdb-reboot 33 'work (number=' '$1 = 0' 'work (number=' '$2 = 0' 'exited with code 041' <<-'END'
		break work
		continue
		print total
		set var total = 77
		set var again = 1
		set var enough = 1
		continue
		print total
		delete
		set var enough = 1
		continue
	END
	debugged gdb-reconnect 33 'work (number=' '#0  work' '$1 = 99' 'exited with code 041' <<-'END'
		break work
		continue
		set var $r15 = 99
		disconnect
	END
	debugged gdb-monitor 33 'translate ADDR' 'PCI ECAM' 'debug exit port' 'RAM' 'KVM_EXIT_DEBUG' 'is no command' 'exited with code 041' <<-'END'
		monitor help
		monitor mem
		monitor translate 0x100000
		stepi
		monitor exits
		monitor nonsense
		set var enough = 1
		continue
	END
	debugged_and_controlled gdb-control
	# What this KVM can do for a debugger, by the monitor's own trial.
	if [ -z "${listing:-}" ] && grep -q watchpoints "$work/gdb-exit.err"; then
		tell skip gdb-watch "this KVM has no watchpoints"
	else
		debugged gdb-watch 33 'Hardware watchpoint 1: total' 'Old value = 0' 'New value = 1' 'exited with code 041' <<-'END'
			watch total
			continue
			delete
			set var enough = 1
			continue
		END
	fi
}
