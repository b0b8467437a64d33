# SPDX-License-Identifier: BSD-3-Clause
# scenarios: descriptors-group descriptors-taken-over descriptors-hugepages descriptors-elsewhere
# tier: all
# also-on-x86_64: 6.12
# seconds: 25
# A device by its group for a user who reaches no file but sysfs': all is opened by root, and set up by it too.

only_ferry "its options are Ferry's own"

. /share/l1/nothing.sh

flavour=$small_flavour
disk=$(device "$nvme_id")
give "$disk"
nothing_make

# As they are opened.
with_group() {
	exec 8<> "$(group_file "$disk")" 9<> /dev/vfio/vfio
	nothing_run "$@"
}

# By who put the one into the other, set its IOMMU and mapped memory where the guest's will be.
set_up_before() {
	exec labtool hand-over-group "$disk" sh -c '. /share/l1/nothing.sh; nothing_run "$@"' sh "$@"
}

# A container that another group is in.
not_alone() {
	exec 8<> "$(group_file "$disk")"
	exec labtool hand-over-group "$(device "$edu_id")" sh -c 'disk=$1; shift; exec 7<&8 8<> "$disk"
		. /share/l1/nothing.sh; nothing_run "$@"' sh "$(group_file "$disk")" "$@"
}

run_as=with_group
guest "nvme_file" --vfio "$disk" --vfio-group fd=8 --vfio-container fd=9 --log info
check descriptors-group "by '$(ways)', $(same_sums); $(why)" [ "$status $(ways) $(same_sums)" = "0 IOMMU groups yes" ]
run_as=set_up_before
guest "nvme_file" --vfio "$disk" --vfio-group fd=8 --vfio-container fd=9 --log info
check descriptors-taken-over "by '$(ways)', $(same_sums); $(why)" \
	[ "$status $(ways) $(same_sums)" = "0 IOMMU groups yes" ]

# Memory of huge pages, which its file says by itself.
echo 128 > /proc/sys/vm/nr_hugepages
mkdir -p /huge
mount -t hugetlbfs none /huge
with_huge_pages() {
	memory_folder=/huge
	with_group "$@"
}
run_as=with_huge_pages
guest "nvme_file" --vfio "$disk" --vfio-group fd=8 --vfio-container fd=9
check descriptors-hugepages "$(same_sums), of $(cat /proc/sys/vm/nr_hugepages) pages; $(why)" \
	[ "$status $(same_sums)" = "0 yes" ]
umount /huge
echo 0 > /proc/sys/vm/nr_hugepages

give "$(device "$edu_id")"
run_as=not_alone
guest "info" --vfio "$disk" --vfio-group fd=8 --vfio-container fd=9
check descriptors-elsewhere "status $status: $(first_error)" \
	grep -q "a group that was not handed over is in it" "$errors"
nothing_remove
