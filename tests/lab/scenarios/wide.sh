# SPDX-License-Identifier: BSD-3-Clause
# scenarios: wide-access
# tier-aarch64: all
# seconds: 10
# One instruction loads sixteen bytes from a trapped BAR. KVM takes it apart on x86_64; on aarch64
# nobody can, and the program in the guest gets a bus error. The guest goes on either way.

flavour=$small_flavour
edu=$(device "$edu_id")
give "$edu"
guest "bar_wide:1234.11e8:0,edu:0" --vfio "$edu,mmap=off"
case $LAB_ARCH in
aarch64) expected=abort ;;
*) expected="read" ;;
esac
check wide-access "it is '$(value "bar-wide 1234.11e8")'; $(value edu); $(why)" \
	expr "$status $(value "bar-wide 1234.11e8") $(value edu)" : "0 $expected edu ok"
