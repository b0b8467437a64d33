# SPDX-License-Identifier: BSD-3-Clause
# scenarios: console-by-default console-missing
# tier-aarch64: all
# seconds: 30
# A Linux that is given no command line has a console; one whose command line names none is told of.

only_ferry "QEMU gives an empty command line"

# boots PATTERN ARGUMENT...: the guest's console and what the monitor says, once one of them has the pattern.
boots() {
	local pattern=$1
	shift
	: > "$work/console"
	: > "$work/errors"
	ferry run --memory "$ram" "$@" "$images/vmlinuz-generic" < /dev/null > "$work/console" 2> "$work/errors" &
	wait_for 120 grep -q "$pattern" "$work/console" "$work/errors"
	kill $!
	wait $! || true
	cat "$work/errors"
}

boots "Linux version"
check console-by-default "$(wc -l < "$work/console") lines; $(cat "$work/errors")" grep -q "Linux version" "$work/console"
case $console_name in
ttyS0)
	boots "written nothing" --cmdline quiet
	check console-missing "$(wc -c < "$work/console") bytes; $(cat "$work/errors")" \
		grep -q "written nothing in 5 s.*add console=ttyS0" "$work/errors"
	;;
*)
	# The device tree names the port, so that Linux has a console there all the same.
	boots . --cmdline quiet
	check console-missing "$(wc -c < "$work/console") bytes; $(cat "$work/errors")" \
		[ ! -s "$work/errors" ]
	;;
esac
