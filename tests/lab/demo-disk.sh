# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash disable=SC1091,SC2016,SC2034,SC2154 # read into a shell that has l1/lib.sh
# scenarios: demo-disk
# servers: passt
# root: debian
# seconds: 120
# Told step by step: Debian boots from a disk to its login, with systemd; it has a network without a tap, and a folder
# of the host's.

. /share/l1/servers.sh
# shellcheck source=tests/lab/l1/root.sh
. /share/l1/root.sh
# shellcheck source=tests/lab/l1/steps.sh
. /share/l1/steps.sh

virtiofsd_in_place
passt_in trixie
export PATH="$work/trixie:$PATH"
run_as=$rooted
mkdir -p "$work/folder"
echo "text of the host" > "$work/folder/hello"
head -c 8388608 /dev/urandom > "$work/data"
sum=$(sha256sum < "$work/data" | cut -c 1-16)
labtool stream listen tcp:127.0.0.1:5001 "$work/data" > "$work/came" &
server=$!
cp "$images/root" "$root"
step "made a disk with Debian on it, $(du -m "$root" | cut -f 1) MiB"
root_start --net user,host=10.77.0.1 --share "$work/folder,tag=share"
note "running: ferry run vmlinux --initrd initrd --disk root.image --net user --share folder --memory $ram"
guest_see 1 '^LAB: init'
step "the guest's kernel has booted to /init"
root_login
step "Debian's systemd asked who logs in, and root did"
typed 'echo state=$(systemctl is-system-running --wait).; systemctl --failed --plain --no-legend'
step "it is up: $(answered state)"
typed 'echo address=$(hostname -I | tr . _).'
note "its address, by DHCP, is $(answered address | tr _ .)"
typed 'exec 3<> /dev/tcp/10.77.0.1/5001; echo sum=$(sha256sum <&3 | cut -c 1-16).'
step "8 MiB came over the network; their sum is $(answered sum), as it is here: $sum"
typed 'mount -t virtiofs share /mnt && cat /mnt/hello > /mnt/copy && echo text of the guest >> /mnt/copy'
step "it read in the folder of the host's and wrote there: $(tr '\n' ';' < "$work/folder/copy")"
root_poweroff
kill "$server" 2> /dev/null
step "the guest powered off, status $status"
root_is_sound
sound=$?
note "e2fsck finds $([ $sound = 0 ] || echo "other than ")a sound file system on its disk"
check demo-disk "$(first_error)" \
	[ "$status $sound $(answered state) $(answered sum) $(answered address) $(tr '\n' ';' < "$work/folder/copy")" = \
	"0 0 running $sum 169_254_2_1  text of the host;text of the guest;" ]
