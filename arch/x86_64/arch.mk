# What the Makefile needs to know of x86_64.

# Debian's name for it.
DEBIAN_x86_64 := amd64

# What it has beside its own folder: debug, the debugger's half in a folder below; fdt, a device tree.
PARTS_x86_64 := debug

# Fifty kilobytes less of relocations, by a linker that has packed ones for this architecture.
STATIC_LDFLAGS_x86_64 := -Wl,-z,pack-relative-relocs

# Tests that are linked from its own library.
NATIVE_TESTS_x86_64 := test_boot test_boot_linux test_boot_multiboot test_boot_pvh test_cpuid \
	test_describe test_devices test_entry test_mce test_msr test_state test_vcpu \
	debug/test_debug debug/test_description debug/test_fpu debug/test_kernel \
	debug/test_registers debug/test_step debug/test_trial
# Tests of pure functions, and the objects that they take from here on every architecture.
PURE_TESTS_x86_64 := test_layout test_memory_map test_acpi test_acpi_dump test_aml test_dsdt \
	debug/test_paging debug/test_points
PURE_x86_64 := layout memory_map acpi acpi_dump aml dsdt debug/paging debug/points
