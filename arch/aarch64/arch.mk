# What the Makefile needs to know of aarch64.

# Debian's name for it; libraries that only it links, and where their headers come from.
DEBIAN_aarch64 := arm64
LIBRARIES_aarch64 = $(FDT)
NEEDED_aarch64 := libfdt.h:libfdt-dev

# What it has beside its own folder: debug, the debugger's half in a folder below.
PARTS_aarch64 := debug

# Tests that are linked from its own library.
NATIVE_TESTS_aarch64 := test_vcpu debug/test_debug debug/test_kernel
# Tests of pure functions, and the objects that they take from here on every architecture.
PURE_TESTS_aarch64 := test_layout test_fdt test_boot debug/test_paging debug/test_points \
	debug/test_relocations
PURE_aarch64_test_layout := layout fdt fdt_dump
PURE_aarch64_test_fdt := $(PURE_aarch64_test_layout)
PURE_aarch64_test_boot := boot
PURE_aarch64_debug/test_paging := debug/paging
PURE_aarch64_debug/test_points := debug/points debug/paging
PURE_aarch64_debug/test_relocations := debug/relocations
