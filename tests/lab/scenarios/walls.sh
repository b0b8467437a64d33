# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC1091,SC2154 # read into a shell that has l1/lib.sh
# scenarios: walls walls-of-guest
# new-on-x86_64: 6.12-iommufd: a newer Landlock, which walls TCP and devices off too
# also-on: 6.12 7.3
# program: walls
# seconds: 40
# What somebody would try who has taken the monitor over, from each kind of its threads, on a kernel with KVM and
# VFIO; and what that kernel says of the threads of a monitor whose guest has a device.

only_ferry "QEMU's walls are its own"
. /share/l1/walls.sh

# shellcheck disable=SC2046 # an option, or nothing
/share/walls $(often --starter) > "$work/walls" 2>&1
status=$?
grep -E '^(FAIL|skip)' "$work/walls"
note "walls: $(tail -n 1 "$work/walls")"
check walls "status $status: $(grep '^FAIL' "$work/walls" | head -n 3 | tr '\n' ' ')$(tail -n 1 "$work/walls")" [ $status = 0 ]

disk=$(device "$nvme_id")
give "$disk"
guest_start "info,nvme_file,hang" --vfio "$disk"
guest_see 1 '^LAB: hanging'
bare=$(threads_without_walls "$guest_pid" | tr '\n' ' ')
threads=$(threads_of "$guest_pid" | wc -l)
guest_end
note "walls-of-guest: $threads threads"
check walls-of-guest "$threads threads; those that lack walls: $bare; $(same_sums)" \
	[ "$([ "$threads" -ge 3 ] && echo "of $bare")$(same_sums)" = "of yes" ]
