# Builds Ferry, its tests and its lab; everything made goes under build/. `make help` lists targets.

-include config.mak

# ARCH=aarch64 on another machine builds for that one, in a tree of its own. Kernel and Debian names
# are understood too.
HOST_ARCH := $(shell uname -m)
ARCH ?= $(HOST_ARCH)
override ARCH := $(patsubst amd64,x86_64,$(patsubst arm64,aarch64,$(strip $(ARCH))))
ifeq ($(filter x86_64 aarch64,$(ARCH)),)
$(error ARCH=$(ARCH) is no architecture that Ferry is for: give x86_64 or aarch64)
endif
CROSS := $(filter-out $(HOST_ARCH),$(ARCH))
TRIPLET := $(ARCH)-linux-gnu
CROSS_COMPILE ?= $(if $(CROSS),$(TRIPLET)-)
ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc
endif
ifeq ($(origin AR),default)
AR := $(CROSS_COMPILE)ar
endif
VERSION := 0.1.0

# `make V=1` shows the commands.
V ?=
Q := $(if $(V),,@)
say = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),,@echo '  $(1)	$(2)')

# VARIANT picks a flavour of the same build: empty, asan, ubsan, tsan, clang or fuzz, each in a tree of
# its own.
VARIANT ?=
B := build$(if $(CROSS),/$(ARCH))$(if $(VARIANT),/$(VARIANT))

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wimplicit-fallthrough -Wvla -Wundef -Wpointer-arith -Wwrite-strings
WERROR ?= -Werror
CPPFLAGS += -I. -D_GNU_SOURCE -DFERRY_VERSION='"$(VERSION)"'
OPTIMISE ?= -O2 -g
CFLAGS_ALL = -std=gnu17 $(OPTIMISE) -pthread -fno-common -fstack-protector-strong $(WARNINGS) \
	$(WERROR) $(CFLAGS)
LDFLAGS_ALL = -pthread -Wl,-z,relro,-z,now $(LDFLAGS)

# One file without libraries beside it starts sooner and touches less memory; `make STATIC=` for a
# dynamic one. Sanitizers cannot be linked so.
STATIC ?= yes
STATIC_CFLAGS := -fPIE -ffunction-sections -fdata-sections
STATIC_LDFLAGS := -static-pie -Wl,--gc-sections

CLANG := clang-14$(if $(CROSS), --target=$(TRIPLET))

ifeq ($(VARIANT),asan)
OPTIMISE := -O1 -g
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(VARIANT),ubsan)
OPTIMISE := -O1 -g
SANITIZE := -fsanitize=undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(VARIANT),tsan)
OPTIMISE := -O1 -g
SANITIZE := -fsanitize=thread -fno-omit-frame-pointer
else ifeq ($(VARIANT),clang)
CC := $(CLANG)
else ifeq ($(VARIANT),fuzz)
CC := $(CLANG)
OPTIMISE := -O1 -g
SANITIZE := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
endif
CFLAGS_ALL += $(or $(SANITIZE),$(if $(STATIC),$(STATIC_CFLAGS)))
LDFLAGS_ALL += $(SANITIZE)

# What a cross build needs beside its compiler is fetched under build/, never installed. SYSROOT=FOLDER
# takes another system's instead, with a compiler of your own; then nothing is installed or fetched.
SYSROOT ?=
DEBIAN_x86_64 := amd64
DEBIAN_aarch64 := arm64
CROSS_PACKAGES := libjansson-dev libfdt-dev zlib1g-dev libzstd-dev check libsubunit-dev
ifneq ($(CROSS),)
ifneq ($(SYSROOT),)
CPPFLAGS += --sysroot=$(SYSROOT)
LDFLAGS_ALL += --sysroot=$(SYSROOT)
else
FETCHED := $(CROSS_PACKAGES:%=build/lab/packages/$(DEBIAN_$(ARCH))/%/usr)
CPPFLAGS += $(FETCHED:%=-isystem %/include) $(FETCHED:%=-isystem %/include/$(TRIPLET))
LDFLAGS_ALL += $(FETCHED:%=-L%/lib/$(TRIPLET))
CROSS_SETUP := setup-cross
endif
endif

# One static library for each layer, linked top first; a test may put a fake in a member's place.
LAYERS := vmm arch vfio devices kvm memory base
SOURCES_base := $(wildcard vmm/base/*.c)
SOURCES_memory := $(wildcard memory/*.c)
SOURCES_kvm := $(wildcard vmm/kvm/*.c)
SOURCES_devices := $(wildcard devices/*.c devices/pci/*.c)
SOURCES_vfio := $(wildcard vfio/*.c)
SOURCES_arch := $(wildcard arch/*.c arch/loader/*.c arch/$(ARCH)/*.c)
SOURCES_vmm := $(filter-out vmm/main.c,$(wildcard vmm/*.c vmm/gdb/*.c vmm/tools/*.c))
# The libraries that are not libc, for --json and for compressed kernels; always from their archives.
ARCHIVES := -l:libjansson.a -l:libz.a -l:libzstd.a
# And the one that builds device trees, where the architecture has them.
FDT := -l:libfdt.a
FDT_aarch64 := $(FDT)
LIBRARIES := $(foreach layer,$(LAYERS),$(B)/lib$(layer).a)

# Tests of one architecture's files, linked from its library; the others run wherever they are built.
NATIVE_TESTS_x86_64 := x86_64_boot x86_64_cpuid x86_64_debug x86_64_debug_kernel \
	x86_64_debug_registers x86_64_debug_trial x86_64_describe x86_64_devices x86_64_vcpu
NATIVE_TESTS_aarch64 := aarch64_vcpu aarch64_debug aarch64_debug_kernel
FOREIGN_TESTS := $(foreach arch,$(filter-out $(ARCH),x86_64 aarch64),$(NATIVE_TESTS_$(arch)))
UNIT_SOURCES := $(filter-out $(FOREIGN_TESTS:%=tests/unit/test_%.c),$(wildcard tests/unit/test_*.c))
UNIT_TESTS := $(patsubst %.c,$(B)/%,$(UNIT_SOURCES))
FUZZ_TARGETS := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all libraries ferry help setup setup-cross setup-aarch64 setup-lab check check-fast lint unit unit-aarch64 unit-list lab-aarch64 setup-lab-aarch64 \
	threads kvm lab lab-shell fuzz scripts demo bench install clean

all: $(B)/ferry

libraries: $(LIBRARIES)

help:
	@echo 'make             builds build/ferry'
	@echo 'make ARCH=aarch64  (x86_64) on another machine builds build/aarch64/ferry'
	@echo 'make demo        shows a guest with a passed-through disk; VFIO=0000:01:00.0 for a real one,'
	@echo '                 ARCH=aarch64 for a guest and host of that architecture'
	@echo 'make check       every test: lint, scripts, unit, unit-aarch64 (under QEMU), threads, fuzz, tiny'
	@echo '                 guests on /dev/kvm, the lab and its aarch64 half'
	@echo 'make check-fast  the same without the lab'
	@echo 'make lint|scripts|unit|unit-aarch64|threads|kvm|lab|lab-shell|lab-aarch64   one of them'
	@echo 'make fuzz        looks for inputs that break passthrough, FUZZ_SECONDS (60) for each target'
	@echo 'make bench       start time, memory and exits beside other monitors'
	@echo 'make install     into DESTDIR and PREFIX (/usr/local)'
	@echo 'make clean       removes build/'

$(B)/ferry: $(B)/vmm/main.o $(LIBRARIES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(if $(SANITIZE),,$(if $(STATIC),$(STATIC_LDFLAGS))) $(LDFLAGS_ALL) -o $@ $^ $(ARCHIVES) \
		$(FDT_$(ARCH))

define layer_rule
$(B)/lib$(1).a: $(patsubst %.c,$(B)/%.o,$(SOURCES_$(1)))
	$(Q)rm -f $$@
	$(Q)$(AR) rcs $$@ $$^
endef
$(foreach layer,$(LAYERS),$(eval $(call layer_rule,$(layer))))

$(B)/%.o: %.c Makefile | $(CROSS_SETUP)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# What the libraries' headers are and which package has each: what is missing is said in one sentence,
# all of it, rather than by the compiler one after another.
NEEDED_aarch64 := libfdt.h:libfdt-dev
NEEDED := jansson.h:libjansson-dev zlib.h:zlib1g-dev zstd.h:libzstd-dev $(NEEDED_$(ARCH))
.PHONY: have-libraries
have-libraries: | $(CROSS_SETUP)
	@missing=; for entry in $(NEEDED); do \
		echo "#include <$${entry%:*}>" | $(CC) $(CPPFLAGS) -E - >/dev/null 2>&1 || \
			missing="$$missing $${entry#*:}"; \
	done; \
	[ -z "$$missing" ] || { echo "libraries are missing: install the packages$$missing" >&2; exit 1; }
$(patsubst %.c,$(B)/%.o,$(wildcard vmm/tools/*.c arch/loader/*.c arch/aarch64/*.c)): | have-libraries

# Helpers that several unit tests share are in tests/unit/support*.c.
UNIT_SUPPORT := $(patsubst %.c,$(B)/%.o,$(wildcard tests/unit/support*.c))

$(B)/tests/unit/test_%: $(B)/tests/unit/test_%.o $(UNIT_SUPPORT) $(LIBRARIES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		-lcheck -lsubunit $(ARCHIVES) $(FDT) -lrt -lm

# Tables, what is loaded and page walks are pure functions of what is given, so each architecture's are
# tested on every one: these objects come before the members of the library that have the same names.
TABLES_x86_64 := layout memory_map acpi acpi_dump aml dsdt paging debug_points
TABLES_aarch64 := layout fdt fdt_dump
$(addprefix $(B)/tests/unit/test_x86_64_,layout acpi paging debug_points): $(TABLES_x86_64:%=$(B)/arch/x86_64/%.o)
$(addprefix $(B)/tests/unit/test_aarch64_,layout fdt): $(TABLES_aarch64:%=$(B)/arch/aarch64/%.o)
$(B)/tests/unit/test_aarch64_boot: $(B)/arch/aarch64/boot.o
$(B)/tests/unit/test_aarch64_paging: $(B)/arch/aarch64/paging.o
$(B)/tests/unit/test_aarch64_debug_points: $(addprefix $(B)/arch/aarch64/,debug_points.o paging.o)
$(B)/tests/unit/test_aarch64_relocations: $(B)/arch/aarch64/debug_relocations.o

# Programs that make the C library's calls fail, in what they link alone.
FAULT_WRAPS := malloc calloc realloc reallocarray strdup mmap munmap madvise eventfd timerfd_create \
	epoll_ctl pthread_create fopen readlink
$(B)/tests/unit/test_vfio_fault%: LDFLAGS_ALL += $(FAULT_WRAPS:%=-Wl,--wrap=%)

# And one that puts its own in the place of this process's limit.
$(B)/tests/unit/test_tool_doctor $(B)/tests/unit/test_tool_doctor_hardware: LDFLAGS_ALL += -Wl,--wrap=vfio_memlock_check

# A target over the unit tests' fakes, with libFuzzer's main().
FUZZ_SUPPORT := $(B)/tests/unit/support_fault.o $(B)/tests/unit/support_vfio_fake.o \
	$(B)/tests/unit/support_gdb_fake.o

$(B)/tests/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(FUZZ_SUPPORT) $(LIBRARIES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcheck -lsubunit -lrt -lm

.SECONDARY:

ifeq ($(VARIANT),)
define variant_rule
$(B)/$(1)/%: FORCE
	@$(MAKE) --no-print-directory VARIANT=$(1) $$@
endef
$(foreach variant,asan ubsan tsan clang fuzz,$(eval $(call variant_rule,$(variant))))
ifeq ($(CROSS),)
define architecture_rule
build/$(1)/%: FORCE
	@$(MAKE) --no-print-directory ARCH=$(1) $$@
endef
$(foreach arch,$(filter-out $(ARCH),x86_64 aarch64),$(eval $(call architecture_rule,$(arch))))
endif
.PHONY: FORCE
FORCE:
endif

NATIVE_GOALS := check check-fast lint unit threads kvm fuzz bench
ifneq ($(and $(CROSS),$(filter $(NATIVE_GOALS),$(MAKECMDGOALS))),)
$(error make $(MAKECMDGOALS): tests are of this machine's own build: leave ARCH=$(ARCH) out)
endif

# On an aarch64 machine its tests are `unit` itself.
UNIT_AARCH64 := $(if $(filter-out aarch64,$(HOST_ARCH)),unit-aarch64)
UNIT_PROGRAMS := unit-programs-asan unit-programs-tsan $(UNIT_AARCH64:unit-%=unit-programs-%)

# Everything below installs what it needs first, naming it; tests run with sanitizers.
setup:
	@tests/setup tests/packages

# The compiler for another architecture; its libraries are unpacked under build/.
setup-cross:
	@tests/setup tests/packages-$(ARCH)
	@guest-images/fetch --arch $(DEBIAN_$(ARCH)) $(CROSS_PACKAGES) >/dev/null

setup-aarch64: setup
	@$(if $(UNIT_AARCH64),$(MAKE) --no-print-directory -s ARCH=aarch64 setup-cross)

setup-lab: setup
	@tests/setup tests/lab/packages tests/lab/packages-$(ARCH)

# The lab of the other architecture, whose monitor and guests' helper are cross-built.
LAB_AARCH64 := $(UNIT_AARCH64:unit-%=lab-%)
setup-lab-aarch64: setup-lab setup-aarch64
	@tests/setup tests/lab/packages-aarch64
	@echo "building ferry (aarch64)"
	@$(MAKE) --no-print-directory -s -j$(shell nproc) ARCH=aarch64 all

unit-programs-%: setup
	@echo "building the unit tests ($*)"
	@$(MAKE) --no-print-directory -s -j$(shell nproc) VARIANT=$* unit-programs

unit-programs: $(UNIT_TESTS)

# The names of the tests that belong to this build, for tests/unit/run.
unit-list:
	@echo $(basename $(notdir $(UNIT_SOURCES)))

# The aarch64 tests on another machine, by user-mode emulation: too slow with the address sanitizer,
# whose leak detection does not work there at all.
unit-programs-aarch64: setup setup-aarch64
	@tests/setup tests/unit/packages-aarch64
	@echo "building the unit tests (aarch64)"
	@$(MAKE) --no-print-directory -s -j$(shell nproc) ARCH=aarch64 VARIANT=ubsan unit-programs

fuzz-programs-fuzz: setup
	@echo "building the fuzz targets"
	@$(MAKE) --no-print-directory -s -j$(shell nproc) VARIANT=fuzz fuzz-programs

fuzz-programs: $(FUZZ_TARGETS)

kvm-programs: setup
	@$(MAKE) --no-print-directory -s -j$(shell nproc) VARIANT=asan all

FAST_SUITES := lint scripts unit $(UNIT_AARCH64) threads fuzz kvm

ferry: setup
	@echo "building ferry"
	@$(MAKE) --no-print-directory -s -j$(shell nproc) all

check: setup setup-lab ferry $(UNIT_PROGRAMS) fuzz-programs-fuzz kvm-programs \
		$(LAB_AARCH64:%=setup-%)
	@tests/check $(FAST_SUITES) lab lab-shell $(LAB_AARCH64)

check-fast: setup ferry $(UNIT_PROGRAMS) fuzz-programs-fuzz kvm-programs
	@tests/check $(FAST_SUITES)

lint: setup setup-aarch64
	@tests/check lint

scripts: setup
	@tests/check scripts

unit: unit-programs-asan
	@tests/check unit

unit-aarch64: $(or $(UNIT_AARCH64:unit-%=unit-programs-%),unit-programs-asan)
	@tests/check $(or $(UNIT_AARCH64),unit)

threads: unit-programs-tsan
	@tests/check threads

kvm: kvm-programs
	@tests/check kvm

# A short round with a fixed seed belongs to `make check`; this one looks further.
fuzz: fuzz-programs-fuzz
	@tests/fuzz/run time

lab: setup-lab ferry
	@tests/check $(if $(CROSS),lab-$(ARCH),lab)

lab-shell: setup-lab ferry
	@tests/check lab-shell

lab-aarch64: setup-lab-aarch64
	@tests/check lab-aarch64

VFIO ?=
demo: setup-lab ferry
	@tests/lab/demo --arch $(ARCH) $(VFIO)

bench: setup-lab ferry
	@tests/kvm/bench
	@tests/lab/bench

PREFIX ?= /usr/local
install: all
	install -D -m 755 $(B)/ferry $(DESTDIR)$(PREFIX)/bin/ferry
	install -D -m 644 docs/ferry.1 $(DESTDIR)$(PREFIX)/share/man/man1/ferry.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/ferry/names vfio/names/*.txt

clean:
	rm -rf build

-include $(wildcard $(foreach folder,vmm vmm/base vmm/gdb vmm/kvm vmm/tools memory devices devices/pci vfio arch \
	arch/loader arch/x86_64 arch/aarch64 tests/unit tests/fuzz,$(B)/$(folder)/*.d))
