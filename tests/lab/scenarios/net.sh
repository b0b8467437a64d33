# SPDX-License-Identifier: BSD-3-Clause
# scenarios: e1000e-tftp e1000-tftp e1000-intx
# also-on: 6.12-iommufd
# also-on-x86_64: 7.3-iommufd
# seconds: 30
# A file fetched over the network, by MSI-X and by INTx; an interrupt line that grows, not storms.

nic=$(device "$e1000e_id")
old=$(device "$e1000_id")
give "$nic" "$old"
guest "info,net:e1000e,net:e1000" --vfio "$nic" --vfio "$old"
fetched=$(value "net e1000e")
check e1000e-tftp "it fetched '$fetched'; $(why)" \
	expr "$status $fetched" : "0 $LAB_TFTP_SHA256 [0-9]* [0-9]* MSI-X"
fetched=$(value "net e1000")
check e1000-tftp "it fetched '$fetched'; $(why)" expr "$status $fetched" : "0 $LAB_TFTP_SHA256 "

# The file is some 730 packets of data and as many answers; each costs an interrupt or two.
calm() {
	[ "$4" = INTx ] && [ "$2" -gt 100 ] && [ "$2" -lt 30000 ] && [ "$3" -lt 50 ]
}
# shellcheck disable=SC2086 # its words
check e1000-intx "by ${fetched##* }; interrupts for the file, and in an idle second: ${fetched#* }" \
	calm ${fetched:-0 0 0 0}
