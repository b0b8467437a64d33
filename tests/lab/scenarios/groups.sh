# SPDX-License-Identifier: BSD-3-Clause
# scenarios: two-functions two-groups cpus-4 kernel-elf
# tier-aarch64: all
# not-on-aarch64: kernel-elf: the boot protocol has an Image, not an ELF file
# also-on: 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 45
# deadline: 480
# Two functions of one device, which share a group; two devices of two more groups; with four CPUs and a kernel
# that is an ELF file.

nic=$(grouped_device "$e1000_id")
edu=$(grouped_device "$edu_id")
disk=$(device "$nvme_id")
card=$(device "$e1000e_id")
give "$nic" "$edu" "$disk" "$card"
cpus=4
guest "info,net:e1000,edu:0,nvme_file,net:e1000e" --vfio "$nic" --vfio "$edu" --vfio "$disk" --vfio "$card"
fetched=$(value "net e1000")
check two-functions "it fetched '$fetched', $(value edu); $(why)" \
	expr "$status $fetched $(value edu)" : "0 $LAB_TFTP_SHA256 .* edu ok"
check cpus-4 "the guest has $(value cpus) CPUs; $(why)" [ "$(value cpus) $status" = "4 0" ]
fetched=$(value "net e1000e")
check two-groups "it fetched '$fetched', and read '$(value nvme-file)' off the disk; $(why)" \
	expr "$status $(same_sums) $fetched" : "0 yes $LAB_TFTP_SHA256 "
! applies kernel-elf || check kernel-elf "it is $(guest_kernel); $(why)" \
	[ "$(head -c 4 "$(guest_kernel)" | od -An -t x1) $status $(same_sums)" = " 7f 45 4c 46 0 yes" ]
