# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154 # from l1/lib.sh and l1/user.sh
# scenarios: user-doorbells user-eventfds user-messages user-trace
# tier: all
# program: user-server
# seconds: 100
# The same controller by the other ways to it: with doorbells in a page that the guest maps, and by eventfds; with
# memory reached by messages alone; and what a trace tells of it.

only_ferry "the device's server is for ferry's client"
# shellcheck source=tests/lab/l1/user.sh
. /share/l1/user.sh

serve --map-doorbells
rings user-doorbells 9 mapped ""
kill "$server"
serve --eventfds
rings user-eventfds 8 eventfds ",ioeventfd"
kill "$server"
serve --messages --twin
moves user-messages 10 messages
kill "$server"
serve
traced=$work/trace
guest "disk:$device_id:4:traced:11" --vfio-user "socket=$socket,trace=$traced"
check user-trace "the guest said '$(told 1)'; the trace has $(grep -c 'NVMe CSTS: ready' "$traced") times that it is ready, \
$(grep -c 'irq     MSI-X vector' "$traced") interrupts; $(why)" \
	[ "$status $(told 1) $(grep -q 'NVMe CSTS: ready' "$traced" && grep -o 'irq     MSI-X vector' "$traced" | head -n 1)" = \
	"0 $(sum_of 0 4) $(sum_of 11 1) MSI-X $vectors irq     MSI-X vector" ]
kill "$server"
