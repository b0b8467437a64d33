# SPDX-License-Identifier: BSD-3-Clause
# scenarios: two-functions two-groups cpus-4
# also-on: 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 90
# deadline: 480
# Two functions of one device, which share a group; two devices of two groups, with four CPUs.

nic=$(grouped_device "$e1000_id")
edu=$(grouped_device "$edu_id")
give "$nic" "$edu"
guest "info,net:e1000,edu:0" --vfio "$nic" --vfio "$edu"
fetched=$(value "net e1000")
check two-functions "it fetched '$fetched', $(value edu); $(why)" \
	expr "$status $fetched $(value edu)" : "0 $LAB_TFTP_SHA256 .* edu ok"

disk=$(device "$nvme_id")
nic=$(device "$e1000e_id")
give "$disk" "$nic"
cpus=4
guest "info,nvme_file,net:e1000e" --vfio "$disk" --vfio "$nic"
check cpus-4 "the guest has $(value cpus) CPUs; $(why)" [ "$(value cpus) $status" = "4 0" ]
fetched=$(value "net e1000e")
check two-groups "it fetched '$fetched', and read '$(value nvme-file)' off the disk; $(why)" \
	expr "$status $(same_sums) $fetched" : "0 yes $LAB_TFTP_SHA256 "
