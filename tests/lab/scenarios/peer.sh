# SPDX-License-Identifier: BSD-3-Clause
# scenarios: peer-to-peer peer-trapped
# seconds: 40
# One passed-through device reads and writes the registers of another by DMA, through the IOMMU, and
# the disk works as ever afterwards; where the BAR is trapped it is out of the other's reach, and
# nothing else is.

edu=$(device "$edu_id")
disk=$(device "$nvme_id")
give "$edu" "$disk"
guest "peer,nvme_sum" --vfio "$edu" --vfio "$disk"
check peer-to-peer "by DMA: $(value peer); the disk's sum $(value nvme-sum); $(why)" \
	expr "$(value peer) $(value nvme-sum) $status" : "ok, both ways.* $LAB_DISK_SHA256 0"

[ "$monitor" = ferry ] || {
	skip peer-trapped "QEMU has another option for it"
	exit 0
}
guest "peer,nvme_sum" --vfio "$edu" --vfio "$disk,mmap=off"
check peer-trapped "by DMA: $(value peer); the disk's sum $(value nvme-sum); $(why)" \
	expr "$(value peer) $(value nvme-sum) $status" : ".*by DMA.* reads .* $LAB_DISK_SHA256 0"
