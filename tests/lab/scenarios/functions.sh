# SPDX-License-Identifier: BSD-3-Clause
# scenarios: vf-tools
# not-on: aarch64: no host there has virtual functions
# host-machine: newer
# host-devices: functions
# seconds: 20
# What the commands that tell of devices say of virtual functions (SR-IOV), with the physical one's driver and
# without.

[ "$monitor" = ferry ] || {
	for name in $names; do skip "$name" "QEMU has no such commands"; done
	exit 0
}

# said PATTERN ARGUMENT...: ferry, so called, says that.
said() {
	local pattern=$1
	shift
	ferry "$@" < /dev/null > "$work/said" 2>&1
	echo "ferry $*: status $?"
	cat "$work/said"
	grep -qE -e "$pattern" "$work/said"
}

physical=$(ported_device "$nvme_id")
bind "$physical" nvme
# Its driver would take them, which can do nothing yet.
echo 0 > "$physical/sriov_drivers_autoprobe"
echo 2 > "$physical/sriov_numvfs" || die "no virtual functions can be had"
function=/sys/bus/pci/devices/$(basename "$(readlink "$physical/virtfn0")")
give "$function"

# That driver leaves the functions on when it goes.
bind "$physical" none
told=
said "physical function: its physical function ${physical##*/} has no driver" doctor "${function##*/}" &&
	bind "$physical" nvme && said "refused: 2 virtual functions of it are on" bind --force "${physical##*/}" &&
	said "VF of +${physical##*/} \(nvme\)" devices "${function##*/}" &&
	said "^${function##*/} +1b36:0010 +vfio-pci +[0-9]+ +${physical#*:} +ready" devices && told=yes
check vf-tools "it said $(tail -n 1 "$work/said")" [ "$told" = yes ]

bind "$physical" nvme
echo 0 > "$physical/sriov_numvfs"
bind "$physical" none
