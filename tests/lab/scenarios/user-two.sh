# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154 # from l1/lib.sh and l1/user.sh
# scenarios: user-two
# tier: all
# program: user-server
# seconds: 60
# Two guests with a server each: what becomes of one is not the other's affair.

only_ferry "the device's server is for ferry's client"
# shellcheck source=tests/lab/l1/user.sh
. /share/l1/user.sh

serve
first_server=$server first_image=$image
guest_start ask --vfio-user "socket=$socket"
guest_do "disk:$device_id:4:first:7"
moved=$(told 1)
guest_other
image=$work/second.image socket=$work/second.sock
head -c 16777216 "$images/disk" > "$image"
serve
guest_start ask --vfio-user "socket=$socket"
guest_do "disk:$device_id:4:second:8"
kill -KILL "$first_server"
guest_do "disk:$device_id:5:alone:9"
guest_poweroff
second_said="$status $(told 1), $(told 2)"
second_wanted="0 $(sum_of 0 4) $(sum_of 8 1) MSI-X $vectors, $(sum_of 0 5) $(sum_of 9 1) MSI-X $vectors"
kill "$server"
image=$first_image socket=$work/device.sock
guest_other
guest_poweroff
check user-two "the second guest said '$second_said', not '$second_wanted'; the first '$moved'; $(why)" \
	[ "$second_said, $status $moved" = "$second_wanted, 0 $(sum_of 0 4) $(sum_of 7 1) MSI-X $vectors" ]
