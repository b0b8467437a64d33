# SPDX-License-Identifier: BSD-3-Clause
# scenarios: refuse-no-device refuse-not-bound refuse-not-viable refuse-no-vfio refuse-no-permission refuse-memlock refuse-kernel-truncated refuse-elf-truncated refuse-gzip-truncated refuse-no-kernel refuse-kernel-missing refuse-initrd-large refuse-memory-small refuse-memory-tiny refuse-memory-host refuse-unknown-option
# not-on-x86_64: refuse-gzip-truncated: a bzImage unpacks itself
# not-on-aarch64: refuse-elf-truncated: the boot protocol has an Image, not an ELF file
# seconds: 5
# What cannot be started is refused in one sentence that says what is wrong, and nothing is left.

only_ferry "QEMU has sentences of its own"

edu=$(device "$edu_id")
nic=$(device "$e1000_id")
boot="$images/vmlinuz-generic --initrd $images/initrd-generic --cmdline x --memory $ram --serial none"

# refused NAME STATUS PATTERN ARGUMENT...: the monitor says one line that has the pattern, ends with
# that status, and leaves neither a process nor a hold on the edu device behind.
refused() {
	local name=$1 want=$2 pattern=$3 lines
	shift 3
	echo "$run_as ferry run $*"
	# shellcheck disable=SC2086 # $run_as is a command and its arguments, or nothing
	timeout -s KILL "$((60 * LAB_SLOW))" $run_as ferry run "$@" < /dev/null > "$work/output" 2> "$work/errors"
	status=$?
	cat "$work/errors"
	lines=$(wc -l < "$work/errors")
	if [ "$status" -ne "$want" ]; then
		fail "$name" "status $status, not $want: $(head -n 1 "$work/errors")"
	elif [ "$lines" -ne 1 ] || [ -s "$work/output" ]; then
		fail "$name" "$lines lines, not one: $(head -n 2 "$work/errors" | tr '\n' ' ')"
	elif ! grep -qE -e "$pattern" "$work/errors"; then
		fail "$name" "it does not say '$pattern': $(cat "$work/errors")"
	elif pidof ferry; then
		fail "$name" "a process is left"
	elif [ "$(driver_of "$edu")" != vfio-pci ]; then
		fail "$name" "the device is not bound to vfio-pci any more"
	elif [ -e "$(group_file "$edu")" ] && ! true 8<> "$(group_file "$edu")"; then
		fail "$name" "the device's group is still held"
	else
		ok "$name"
	fi
}

give "$edu"
# shellcheck disable=SC2086 # words
{
	refused refuse-no-device 1 "0000:77:00.0" $boot --vfio 0000:77:00.0
	bind "$nic" none
	refused refuse-not-bound 1 "${nic##*/}.*vfio-pci.*ferry bind ${nic##*/}" $boot --vfio "$nic"

	mate=$(grouped_device "$e1000_id")
	grouped=$(grouped_device "$edu_id")
	give "$grouped"
	bind "$mate" e1000
	refused refuse-not-viable 1 "${mate##*/}.*e1000.*ferry bind --group ${mate##*/}" $boot --vfio "$grouped"
	give "$mate"

	mount -t tmpfs none /dev/vfio
	refused refuse-no-vfio 1 "/dev/vfio" $boot --vfio "$edu"
	umount /dev/vfio

	as_user unlimited
	refused refuse-no-permission 1 "$(group_file "$edu").*ermission" $boot --vfio "$edu"
	as_user 1024 "$edu"
	refused refuse-memlock 1 "26[2-9][0-9]{3}" $boot --vfio "$edu" # KiB: 256 MiB or a little more
	as_root "$edu"

	options="--cmdline x --memory $ram --serial none --vfio $edu"
	head -c 1000000 "$images/vmlinuz-generic" > "$work/kernel"
	refused refuse-kernel-truncated 1 "$work/kernel.*truncated|$work/kernel.*short" $work/kernel $options
	name=refuse-gzip-truncated
	! applies refuse-elf-truncated || name=refuse-elf-truncated
	head -c 1000000 "$images/$other_kernel" > "$work/kernel"
	refused $name 1 "$work/kernel.*truncated" $work/kernel $options
	cp /etc/passwd "$work/kernel"
	refused refuse-no-kernel 1 "$work/kernel" $work/kernel $options
	refused refuse-kernel-missing 1 "/no/such/kernel" /no/such/kernel $options
	truncate -s 300M "$work/initrd"
	refused refuse-initrd-large 1 "$work/initrd|initrd" "$images/vmlinuz-generic" --initrd $work/initrd $options
	refused refuse-memory-small 1 "memory|RAM" "$images/vmlinuz-generic" --memory 8M --serial none
	refused refuse-memory-tiny 2 "memory.*4K|4K.*small" "$images/vmlinuz-generic" --memory 4K --serial none
	refused refuse-memory-host 1 "16384 MiB are asked.* [0-9]+ MiB available.*give --memory [0-9]+M" "$images/vmlinuz-generic" \
		--memory 16G --serial none --vfio "$edu"
	refused refuse-unknown-option 2 "--no-such-option" "$images/vmlinuz-generic" --no-such-option
}
