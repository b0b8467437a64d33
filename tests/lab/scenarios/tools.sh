# SPDX-License-Identifier: BSD-3-Clause
# scenarios: tools-devices tools-doctor-refuses tools-bind-mounted tools-bind-open tools-bind tools-doctor tools-unbind-busy tools-unbind tools-bind-group tools-bind-network tools-bind-late-group
# not-on-x86_64: tools-bind-late-group: a device has its group from the start
# tier-aarch64: all
# seconds: 20
# The commands that tell of devices and prepare them, on a host with a real driver core: what they say
# of a disk that its own driver has, that a guest gets, and that comes back.

only_ferry "QEMU has no such commands"

# tool ARGUMENT...: runs ferry as $run_as says; $status, and what it said in $work/said.
tool() {
	echo "$run_as ferry $*"
	# shellcheck disable=SC2086 # $run_as is a command and its arguments, or nothing
	timeout -s KILL "$((60 * LAB_SLOW))" $run_as ferry "$@" < /dev/null > "$work/said" 2>&1
	status=$?
	cat "$work/said"
	echo "status $status"
}

# said STATUS PATTERN...: it ended so and said all of that.
said() {
	local pattern
	[ "$status" -eq "$1" ] || return 1
	shift
	for pattern in "$@"; do
		grep -qE -e "$pattern" "$work/said" || return 1
	done
}

disk=$(device "$nvme_id")
address=${disk##*/}
bind "$disk" nvme
wait_for 60 [ -b /dev/nvme0n1 ]

tool devices --json "$address"
said 0 '"vendor": "1b36"' '"driver": "nvme"' '"command": "ferry bind ' && tool devices
check tools-devices "$(tail -n 1 "$work/said")" said 0 "^$address +1b36:0010 +nvme +[0-9]+ +after bind "

tool doctor --memory "$ram" "$address"
why="$(grep failure "$work/said")"
said 1 'failure +[^ ]+ driver: nvme has it' "mend it: ferry bind $address" &&
	as_user 1024 && tool doctor --memory "$ram" "$address"
run_as=
check tools-doctor-refuses "$why" said 1 'locked memory: .*262144' 'mend it: sudo prlimit --pid .. --memlock=268435456:268435456'

# The host's own way to the lab, which must not go either.
share=$(grep -l share /sys/bus/pci/devices/*/virtio*/mount_tag | cut -d / -f 6)
tool bind "$share"
said 1 "$share: refused: the share share is mounted at /share" || die "$(cat "$work/said")"
mount -t ext4 -o ro /dev/nvme0n1 /mnt || die "the disk cannot be mounted"
tool bind "$address"
umount /mnt
check tools-bind-mounted "driver $(driver_of "$disk"): $(cat "$work/said")" \
	expr "$(said 1 "$address: refused: nvme0n1 is mounted at /mnt" && driver_of "$disk")" : 'nvme$'

# A process that reads the disk.
# shellcheck disable=SC2217 # it holds it open, and no more
sleep 3600 < /dev/nvme0n1 &
reader=$!
tool bind "$address"
kill "$reader"
check tools-bind-open "driver $(driver_of "$disk"): $(cat "$work/said")" \
	expr "$(said 1 "refused: process $reader \(.*\) has /dev/nvme0n1 open" && driver_of "$disk")" : 'nvme$'

tool bind "$address"
check tools-bind "driver $(driver_of "$disk"): $(cat "$work/said")" \
	expr "$(said 0 "$address +nvme +vfio-pci" && driver_of "$disk")" : 'vfio-pci$'

tool doctor --memory "$ram" "$address"
doctor="status $status: $(grep -E '^(failure|warning)' "$work/said")"
if said 0 'interrupt remapping: it is on' 'ferry run would start'; then
	guest_start "info,nvme_file,hang" --vfio "$disk"
	guest_see 1 '^LAB: hanging'
fi
check tools-doctor "$doctor, $(same_sums)" [ "$(same_sums)" = yes ]
tool unbind "$address"
check tools-unbind-busy "$(cat "$work/said")" said 1 "process $guest_pid|process [0-9]+ \(ferry\)"
guest_end

tool unbind "$address"
wait_for 60 [ -b /dev/nvme0n1 ]
found=$(dd if=/dev/nvme0n1 bs=1M count=16 | sha256sum | cut -d ' ' -f 1)
want=$(head -c 16777216 "$images/disk" | sha256sum | cut -d ' ' -f 1)
check tools-unbind "it read $found, not $want: $(cat "$work/said")" \
	expr "$(said 0 "$address +vfio-pci +nvme" && echo "$found")" : "$want"
bind "$disk" none

# Two functions in one group, one of which a driver of the host's has.
nic=$(grouped_device "$e1000_id")
edu=$(grouped_device "$edu_id")
bind "$edu" none
bind "$nic" e1000
tool bind "${edu##*/}"
alone=$(said 0 "is not free yet: ${nic##*/} has driver e1000: ferry bind --group ${edu##*/}" && echo told)
tool bind --group "${edu##*/}"
bound="$(driver_of "$edu") $(driver_of "$nic")"
tool doctor --memory "$ram" "${edu##*/}" "${nic##*/}"
bound="$bound $status"
tool unbind --group "${nic##*/}"
check tools-bind-group "'$alone', bound '$bound', then '$(driver_of "$nic")': $(cat "$work/said")" \
	[ "$alone $bound $(driver_of "$nic")" = "told vfio-pci vfio-pci 0 e1000" ]

# A network card with an address of its own.
interface=$(ls "$nic/net")
ip address add 192.0.2.5/24 dev "$interface" || die "no address for $interface"
tool bind --group "${edu##*/}"
ip address del 192.0.2.5/24 dev "$interface"
check tools-bind-network "driver $(driver_of "$nic"): $(cat "$work/said")" \
	expr "$(said 1 "$interface has the address 192.0.2.5/24" && driver_of "$nic")" : 'e1000$'
bind "$nic" none
bind "$edu" none

# A device that has had no driver since it was found: where a device tree tells of the IOMMU it has no
# group yet.
applies tools-bind-late-group || exit 0
edu=$(device "$edu_id")
bind "$edu" none
echo 1 > "$edu/remove"
echo 1 > /sys/bus/pci/rescan
[ -e "$edu/iommu_group" ] && before=group || before=none
tool devices "${edu##*/}"
told=$(said 0 "gets its IOMMU group with the first" && echo told)
tool bind "${edu##*/}"
[ -e "$edu/iommu_group" ] && after=group || after=none
check tools-bind-late-group "before '$before', '$told', then '$(driver_of "$edu")': $(cat "$work/said")" \
	[ "$before $told $status $(driver_of "$edu") $after" = "none told 0 vfio-pci group" ]
bind "$edu" none
