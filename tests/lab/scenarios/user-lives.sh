# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154 # from l1/lib.sh and l1/user.sh
# scenarios: user-gone user-back
# tier-aarch64: all
# program: user-server
# seconds: 80
# What becomes of a guest whose device's server is killed, on the root bus, and behind a port where it is started
# again.

only_ferry "the device's server is for ferry's client"
# shellcheck source=tests/lab/l1/user.sh
. /share/l1/user.sh

# A guest whose disk does not answer any more goes on, and so does its monitor.
serve
guest_start ask --vfio-user "socket=$socket"
guest_do io
kill -KILL "$server"
wait_for 20 grep -q 'device is lost' "$errors" || die "the monitor did not tell of the server's end: $(first_error)"
guest_do "io_end:240"
guest_poweroff
check user-gone "the guest said '$(value io-end)'; $(why); $(cat "$errors")" \
	expr "$status $(grep -c 'its server has ended the connection: the device is lost' "$errors") $(value io-end)" : \
	"0 1 .*ended"

came_back() { # came_back TIMES
	[ "$(grep -c 'user0: it is back' "$errors")" = "$1" ]
}

# One that is killed under I/O comes back as a new one, as often as it is started again.
serve
guest_start ask --vfio-user "socket=$socket,port,reconnect=1"
guest_do "disk:$device_id:4:before:15"
moved=$(told 1)
for round in 1 2; do
	guest_do io
	kill -KILL "$server"
	guest_do "gone:$device_id"
	guest_do "io_end:240"
	serve
	wait_for 30 came_back "$round" || die "it did not come back: $(why)"
	guest_do "bound:$device_id"
done
guest_do "disk:$device_id:5:after:6"
guest_poweroff
check user-back "the guest said '$moved', '$(told 2)'; the image has $(sum_of 0 4) $(sum_of 15 1), $(sum_of 0 5) $(sum_of 6 1); $(why)" \
	[ "$status $moved, $(told 2)" = \
		"0 $(sum_of 0 4) $(sum_of 15 1) MSI-X $vectors, $(sum_of 0 5) $(sum_of 6 1) MSI-X $vectors" ]
