# SPDX-License-Identifier: BSD-3-Clause
# scenarios: console-by-default console-missing
# seconds: 30
# A Linux that is given no command line has a console; one whose command line names none is told of.

[ "$monitor" = ferry ] || {
	for name in $names; do skip "$name" "QEMU gives an empty command line"; done
	exit 0
}

# boots ARGUMENT...: the guest's console and what the monitor says, until the latter or the console has a line.
boots() {
	local patience=60
	rm -f "$work/console" "$work/errors"
	ferry run --memory "$ram" "$@" "$images/vmlinuz-generic" < /dev/null > "$work/console" 2> "$work/errors" &
	while ! [ -s "$work/console" ] && ! [ -s "$work/errors" ] && [ $((patience -= 1)) -gt 0 ]; do sleep 1; done
	sleep 1
	kill $!
	wait $! || true
	cat "$work/errors"
}

boots
check console-by-default "$(wc -l < "$work/console") lines; $(cat "$work/errors")" grep -q "Linux version" "$work/console"
boots --cmdline quiet
case $console_name in
ttyS0)
	check console-missing "$(wc -c < "$work/console") bytes; $(cat "$work/errors")" \
		grep -q "written nothing in 5 s.*add console=ttyS0" "$work/errors"
	;;
*)
	# The device tree names the port, so that Linux has a console there all the same.
	check console-missing "$(wc -c < "$work/console") bytes; $(cat "$work/errors")" \
		[ ! -s "$work/errors" ]
	;;
esac
