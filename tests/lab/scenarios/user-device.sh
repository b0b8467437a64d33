# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154 # from l1/lib.sh and l1/user.sh
# scenarios: user-nvme user-reboot user-reloads
# tier-aarch64: all
# program: user-server
# seconds: 50
# An NVMe controller that is a program (vfio-user), driven by Linux's own nvme: what a guest reads and writes, again
# after it has begun anew and after its driver has.

only_ferry "the device's server is for ferry's client"
# shellcheck source=tests/lab/l1/user.sh
. /share/l1/user.sh

serve
guest_start ask --vfio-user "socket=$socket"
guest_do "disk:$device_id:4:ferry:4"
check user-nvme "the guest said '$(told 1)'; the image has $(sum_of 0 4) $(sum_of 4 1); $(first_error)" \
	[ "$(told 1)" = "$(sum_of 0 4) $(sum_of 4 1) MSI-X $vectors" ]
guest_do reboot
guest_do "disk:$device_id:7:again:8"
check user-reboot "the guest said '$(told 2)'; the image has $(sum_of 0 7) $(sum_of 8 1); $(first_error)" \
	[ "$(told 2)" = "$(sum_of 0 7) $(sum_of 8 1) MSI-X $vectors" ]
reloads=$(often 20 100)
guest_deadline=$(often 90 300) # it says nothing meanwhile
guest_do "reloads:$reloads"
check user-reloads "the guest said '$(value reloads)'; $(first_error)" \
	[ "$(value reloads)" = "$reloads MSI-X $vectors" ]
guest_poweroff
kill "$server"
