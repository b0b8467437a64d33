# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC1091,SC2034,SC2154 # read into a shell that has l1/lib.sh
# scenarios: tiny-gdb-exit tiny-gdb-break tiny-gdb-registers tiny-gdb-step tiny-gdb-interrupt
# scenarios: tiny-gdb-detach tiny-gdb-kill tiny-gdb-reboot tiny-gdb-reconnect tiny-gdb-monitor
# scenarios: tiny-gdb-control tiny-gdb-watch
# not-on: aarch64: the tiny guests are for x86_64
# seconds: 25
# deadline: 900
# host-machine: newer
# guests: tiny
# The one of them that is debugged: gdb runs outside.

. /share/l1/gdb.sh
deadline=$((60 * LAB_SLOW))
. /share/l1/tiny.sh

debug() { # debug NAME SOCKET FILE
	gdb_socket=unix:$2
	{
		echo "file share/tiny/debugged"
		echo connect
		cat "$3"
	} > "$work/session"
	gdb_session "$1" < "$work/session" > "$work/bridge" 2>&1
	cat "$gdb_output"
}

tiny_files
tiny_gdb_rows
