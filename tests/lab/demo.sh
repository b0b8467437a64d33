# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC2034,SC2154 # read into a shell that has l1/lib.sh
# scenarios: demo
# seconds: 20
# The main job, told step by step: a guest gets the host's NVMe disk, lists it, its driver binds, a
# file on the disk is read and its checksum verified, and the guest powers off.

# shellcheck source=tests/lab/l1/steps.sh
. /share/l1/steps.sh

disk=$(device "$nvme_id")
note "the host has the NVMe disk ${disk##*/} in IOMMU group $(basename "$(readlink "$disk/iommu_group")")"
give "$disk"
step "bound it to vfio-pci"
kernel=$images/vmlinuz-$flavour # as Debian has it
guest_start "info,nvme_file,info" --vfio "$disk"
note "running: ferry run vmlinuz --initrd initrd --cmdline '...' --cpus 1 --memory $ram --vfio ${disk##*/}"
guest_see 1 '^LAB: init'
step "the guest's kernel has booted to /init"
guest_see 1 '^LAB: kernel'
note "it is Linux $(value kernel)"
guest_see 1 "^LAB: pci .*0x${nvme_id%:*}:0x${nvme_id#*:}"
note "it sees the disk at $(value pci | cut -d ' ' -f 1)"
guest_see 1 '^LAB: nvme-file'
step "its NVMe driver bound, and a file of 24 MiB was read off the disk"
file=$(value nvme-file)
note "the file's checksum is      ${file% *}"
note "and is written on the disk: ${file#* }"
guest_wait
step "the guest powered off, status $status"
note "the guest's last list of its devices:"
tr -d '\r' < "$console" | sed -n 's/^LAB: pci /    /p' | tail -n 2 | while read -r line; do
	note "    $line"
done
check demo "$(why)" [ "$status $(same_sums)" = "0 yes" ]
