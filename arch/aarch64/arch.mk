# What the Makefile needs to know of aarch64.

# Debian's name for it.
DEBIAN_aarch64 := arm64

# What it has beside its own folder: debug, the debugger's half in a folder below; fdt, a device tree.
PARTS_aarch64 := debug fdt

# Tests that are linked from its own library.
NATIVE_TESTS_aarch64 := test_describe test_gic test_vcpu test_vm debug/test_debug \
	debug/test_description debug/test_exception debug/test_kernel debug/test_registers \
	debug/test_step
# Tests of pure functions, and the objects that they take from here on every architecture:
# these, or those of one test.
PURE_TESTS_aarch64 := test_layout test_tree test_boot debug/test_paging debug/test_points \
	debug/test_relocations
PURE_aarch64 := layout tree debug/paging debug/points debug/relocations
PURE_aarch64_test_boot := boot
