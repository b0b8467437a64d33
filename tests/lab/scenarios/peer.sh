# SPDX-License-Identifier: BSD-3-Clause
# scenarios: peer-to-peer peer-trapped
# tier-aarch64: all
# new-on-x86_64: 7.3-iommufd: BARs are mapped for DMA by files of them
# seconds: 40
# One passed-through device reads and writes the registers of another by DMA, through the IOMMU, and
# the disk works as ever afterwards; where the BAR is trapped it is out of the other's reach, and
# nothing else is.

edu=$(device "$edu_id")
disk=$(device "$nvme_id")
give "$edu" "$disk"
guest "peer,nvme_file" --vfio "$edu" --vfio "$disk"
check peer-to-peer "by DMA: $(value peer); the disk's file read: $(same_sums); $(why)" \
	expr "$(value peer) $(same_sums) $status" : "ok, both ways.* yes 0"

[ "$monitor" = ferry ] || {
	skip peer-trapped "QEMU has another option for it"
	exit 0
}
guest "peer,nvme_file" --vfio "$edu" --vfio "$disk,mmap=off"
check peer-trapped "by DMA: $(value peer); the disk's file read: $(same_sums); $(why)" \
	expr "$(value peer) $(same_sums) $status" : ".*by DMA.* reads .* yes 0"
