# Builds Ferry, its tests and its lab; everything made goes under build/. `make help` lists targets.

-include config.mak

# ARCH=aarch64 on another machine builds for that one, in a tree of its own. Kernel and Debian names
# are understood too.
HOST_ARCH := $(shell uname -m)
ARCH ?= $(HOST_ARCH)
override ARCH := $(patsubst amd64,x86_64,$(patsubst arm64,aarch64,$(strip $(ARCH))))
# Each says of itself what the rest of this file needs to know.
ARCHITECTURES := $(patsubst arch/%/arch.mk,%,$(wildcard arch/*/arch.mk))
include $(ARCHITECTURES:%=arch/%/arch.mk)
ifeq ($(filter $(ARCHITECTURES),$(ARCH)),)
$(error ARCH=$(ARCH) is no architecture that Ferry is for: give one of $(ARCHITECTURES))
endif
OTHERS := $(filter-out $(ARCH),$(ARCHITECTURES))
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

# VARIANT picks a flavour of the same build: empty, asan, ubsan, tsan, clang, fuzz or coverage, each in a
# tree of its own.
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
STATIC_LDFLAGS := -static-pie -Wl,--gc-sections -Wl,-T,vmm/resident.ld $(STATIC_LDFLAGS_$(ARCH))

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
else ifeq ($(VARIANT),coverage)
CC := $(CLANG)
OPTIMISE := -O1 -g
SANITIZE := -fsanitize=fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping
endif
CFLAGS_ALL += $(or $(SANITIZE),$(if $(STATIC),$(STATIC_CFLAGS)))
LDFLAGS_ALL += $(SANITIZE)

# What a cross build needs beside its compiler is fetched under build/, never installed. SYSROOT=FOLDER
# takes another system's instead, with a compiler of your own; then nothing is installed or fetched.
SYSROOT ?=
CROSS_PACKAGES := libjansson-dev libfdt-dev zlib1g-dev libzstd-dev liburing-dev check libsubunit-dev
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
FOLDERS_base := vmm/base
FOLDERS_memory := memory
FOLDERS_kvm := vmm/kvm
FOLDERS_devices := devices devices/pci devices/virtio
FOLDERS_vfio := vfio vfio/host vfio/type1 vfio/iommufd vfio/user vfio/pci vfio/tell
PARTS := $(PARTS_$(ARCH))
FOLDERS_arch := arch arch/loader arch/$(ARCH) $(wildcard $(PARTS:%=arch/%) $(PARTS:%=arch/$(ARCH)/%))
# What is refused ends a build with sanitizers at once; those make calls of their own.
SANDBOX := $(if $(SANITIZE),sanitized,plain)
FOLDERS_vmm := vmm vmm/machine vmm/sandbox vmm/sandbox/$(ARCH) vmm/sandbox/$(SANDBOX) vmm/debug vmm/debug/gdb vmm/control vmm/tools
FOLDERS := $(foreach layer,$(LAYERS),$(FOLDERS_$(layer)))
# Defaults of what an architecture need not have.
DEFAULTS := $(if $(filter debug,$(PARTS)),arch/no_debug.c)
sources = $(filter-out vmm/main.c $(DEFAULTS),$(wildcard $(FOLDERS_$(1):%=%/*.c)))
# The libraries that are not libc: for --json, for compressed kernels, for disks; always from their
# archives.
ARCHIVES := -l:libjansson.a -l:libz.a -l:libzstd.a -l:liburing.a
# And the one that builds device trees, where the architecture has them, as its tests do everywhere.
FDT := -l:libfdt.a
LIBRARIES_PARTS := $(if $(filter fdt,$(PARTS)),$(FDT))
FDT_OBJECTS := $(patsubst %.c,$(B)/%.o,$(wildcard arch/fdt/*.c))
LIBRARIES := $(foreach layer,$(LAYERS),$(B)/lib$(layer).a)

# The product's folders are mirrored under tests/unit. Tests of one architecture's files are linked from
# its library, but for those of tables and other pure functions, which run wherever they are built.
UNIT_FOLDERS := $(sort $(dir $(wildcard tests/unit/*/*.c tests/unit/*/*/*.c tests/unit/*/*/*/*.c)))
FOREIGN_TESTS := $(foreach arch,$(OTHERS),$(NATIVE_TESTS_$(arch):%=tests/unit/arch/$(arch)/%.c))
UNIT_SOURCES := $(filter-out $(FOREIGN_TESTS),$(wildcard $(UNIT_FOLDERS:%=%test_*.c)))
# In the first tier two variants leave out where they can hardly find a fault: the thread sanitizer
# where no threads meet, and emulated aarch64 what hardly knows the architecture.
ifeq ($(TIER),check)
ifeq ($(VARIANT),tsan)
UNIT_SOURCES := $(filter-out tests/unit/vmm/test_% $(addprefix tests/unit/,vmm/tools/% arch/% vfio/host/%),$(UNIT_SOURCES))
else ifneq ($(CROSS),)
UNIT_SOURCES := $(filter $(addprefix tests/unit/,arch/% devices/% memory/% vmm/kvm/% vmm/machine/% vmm/sandbox/% vmm/debug/%),$(UNIT_SOURCES))
endif
endif
# An emulator of user mode has no filters of system calls.
ifneq ($(CROSS),)
UNIT_SOURCES := $(filter-out tests/unit/vmm/sandbox/test_enter.c,$(UNIT_SOURCES))
endif
UNIT_TESTS := $(patsubst %.c,$(B)/%,$(UNIT_SOURCES))
FUZZ_TARGETS := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c tests/fuzz/$(ARCH)/fuzz_*.c))

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all libraries no-debug ferry help setup setup-cross setup-aarch64 setup-lab check check-all check-fast lint unit unit-aarch64 unit-list lab-aarch64 setup-lab-aarch64 \
	threads walls walls-program kvm lab lab-shell lab-client fuzz fuzz-coverage setup-fuzz scripts package demo bench bench-compare completions install deb clean

all: $(B)/ferry

libraries: $(LIBRARIES)

help:
	@echo 'make             builds build/ferry'
	@echo 'make ARCH=aarch64  (x86_64) on another machine builds build/aarch64/ferry'
	@echo 'make demo        shows a guest with a passed-through disk; VFIO=0000:01:00.0 for a real one,'
	@echo '                 ARCH=aarch64 for a guest and host of that architecture, DISK=1 for one with Debian on a disk'
	@echo 'make check       lint, scripts, package, unit, unit-aarch64 (under QEMU), threads, walls, fuzz,'
	@echo '                 tiny guests on /dev/kvm, the lab and its aarch64 half; on newer host kernels what is new there'
	@echo 'make check-all   the same and the lab'\''s shell, every row on every kernel, every unit test in every variant'
	@echo 'make check-fast  the same without the lab'
	@echo 'make lint|scripts|package|unit|unit-aarch64|threads|walls|kvm|lab|lab-shell|lab-client|lab-aarch64   one of them'
	@echo 'make fuzz        looks for inputs that break passthrough, FUZZ_SECONDS (60) for each target'
	@echo 'make fuzz-coverage  what the targets run of it, FUZZ_SECONDS (10) for each'
	@echo 'make bench       start time, memory and exits beside other monitors'
	@echo 'make bench-compare REV=COMMIT  the same beside the monitor of that commit (HEAD)'
	@echo 'make install     into DESTDIR and PREFIX (/usr/local)'
	@echo 'make deb         builds a Debian package under build/deb'
	@echo 'make clean       removes build/'

# One without the debugger's half of the architecture shows that a port needs none.
$(B)/ferry: $(LIBRARIES)
$(B)/ferry-no-debug: $(LIBRARIES:$(B)/libarch.a=$(B)/libarch-no-debug.a)
$(B)/ferry $(B)/ferry-no-debug: $(B)/vmm/main.o vmm/resident.ld
	$(call say,LINK,$@)
	$(Q)$(CC) $(if $(SANITIZE),,$(if $(STATIC),$(STATIC_LDFLAGS))) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) \
		$(filter %.a,$^) $(ARCHIVES) $(LIBRARIES_PARTS)

no-debug: $(B)/ferry-no-debug

$(foreach layer,$(LAYERS),$(eval $(B)/lib$(layer).a: $(patsubst %.c,$(B)/%.o,$(call sources,$(layer)))))
$(B)/libarch-no-debug.a: $(patsubst %.c,$(B)/%.o,$(filter-out arch/$(ARCH)/debug/%,$(call sources,arch)) arch/no_debug.c)
$(B)/libvmm.a: $(B)/vmm/sandbox/filters.o
$(LIBRARIES) $(B)/libarch-no-debug.a:
	$(Q)rm -f $@
	$(Q)$(AR) qcs $@ $^

$(B)/%.o: %.c Makefile | $(CROSS_SETUP)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# The filters of system calls are made of a table (vmm/sandbox/table), which is compiled for the machine
# that Ferry is for, by a program for this one.
HOST_CC ?= cc
OBJCOPY := $(CROSS_COMPILE)objcopy
TABLE := vmm/sandbox/table
ROWS := $(patsubst %,$(B)/$(TABLE)/%.rows,rows $(ARCH) $(filter sanitized,$(SANDBOX)))
$(B)/$(TABLE)/%.rows: $(TABLE)/%.c $(wildcard $(TABLE)/*.h) vfio/iommufd/abi.h vmm/base/thread.h Makefile | $(CROSS_SETUP)
	@mkdir -p $(@D)
	$(call say,ROWS,$@)
	$(Q)$(CC) $(CPPFLAGS) -std=gnu17 $(WARNINGS) -Wno-missing-field-initializers $(WERROR) -c \
		-o $(@:.rows=.o) $<
	$(Q)$(OBJCOPY) -O binary -j .sandbox $(@:.rows=.o) $@

$(B)/$(TABLE)/compile: $(TABLE)/compile.c $(wildcard $(TABLE)/*.h) vmm/base/thread.h Makefile | have-libraries
	@mkdir -p $(@D)
	$(call say,HOSTCC,$@)
	$(Q)$(HOST_CC) -I. -D_GNU_SOURCE -std=gnu17 -O1 $(WARNINGS) $(WERROR) -o $@ $< -lseccomp

$(B)/vmm/sandbox/filters.c: $(B)/$(TABLE)/compile $(ROWS)
	@mkdir -p $(@D)
	$(call say,FILTERS,$@)
	$(Q)cat $(ROWS) | $< $(ARCH) >$@

$(B)/vmm/sandbox/filters.o: $(B)/vmm/sandbox/filters.c
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# What the libraries' headers are and which package has each: what is missing is said in one sentence,
# all of it, rather than by the compiler one after another.
NEEDED := jansson.h:libjansson-dev zlib.h:zlib1g-dev zstd.h:libzstd-dev liburing.h:liburing-dev \
	$(if $(LIBRARIES_PARTS),libfdt.h:libfdt-dev)
.PHONY: have-libraries
have-libraries: | $(CROSS_SETUP)
	@missing=; for entry in $(NEEDED); do \
		echo "#include <$${entry%:*}>" | $(CC) $(CPPFLAGS) -E - >/dev/null 2>&1 || \
			missing="$$missing $${entry#*:}"; \
	done; \
	echo '#include <seccomp.h>' | $(HOST_CC) -E - >/dev/null 2>&1 || missing="$$missing libseccomp-dev"; \
	[ -z "$$missing" ] || { echo "libraries are missing: install the packages$$missing" >&2; exit 1; }
$(patsubst %.c,$(B)/%.o,$(wildcard vmm/control/*.c vmm/tools/*.c arch/loader/*.c arch/fdt/*.c devices/virtio/*.c vfio/user/*.c)): | have-libraries

# Helpers that several unit tests share.
UNIT_SUPPORT := $(patsubst %.c,$(B)/%.o,$(wildcard tests/unit/support/*.c tests/unit/support/$(ARCH)/*.c))

$(UNIT_TESTS): %: %.o $(UNIT_SUPPORT) $(LIBRARIES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		-lcheck -lsubunit $(ARCHIVES) $(FDT) -lrt -lm

# A server of vfio-user, for tests and for models of devices (docs/vfio-user.md).
USER_SERVER := tests/support/user-server
USER_SERVER_OBJECTS := $(patsubst %.c,$(B)/%.o,$(filter-out $(USER_SERVER)/main.c,$(wildcard $(USER_SERVER)/*.c)))
$(filter $(B)/tests/unit/vfio/user/% $(B)/tests/unit/vmm/tools/test_%socket,$(UNIT_TESTS)): $(USER_SERVER_OBJECTS)

$(B)/$(USER_SERVER)/user-server: $(USER_SERVER_OBJECTS) $(B)/$(USER_SERVER)/main.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(if $(SANITIZE),,$(if $(STATIC),$(STATIC_LDFLAGS))) $(LDFLAGS_ALL) -o $@ $^

user-server: $(B)/$(USER_SERVER)/user-server
.PHONY: user-server

# Pure functions are tested on every architecture: these objects come before the members of the library
# that have the same names.
define pure_rule
$(B)/tests/unit/arch/$(1)/$(2): $(patsubst %,$(B)/arch/$(1)/%.o,$(or $(PURE_$(1)_$(2)),$(PURE_$(1)))) \
	$(if $(filter fdt,$(PARTS_$(1))),$(FDT_OBJECTS))
endef
$(foreach arch,$(ARCHITECTURES),$(foreach test,$(PURE_TESTS_$(arch)),$(eval $(call pure_rule,$(arch),$(test)))))

$(filter $(B)/tests/unit/arch/fdt/%,$(UNIT_TESTS)): $(FDT_OBJECTS)

# And this one takes the place of the debugger's half.
$(B)/tests/unit/arch/test_no_debug: $(B)/arch/no_debug.o

# Programs that make the C library's calls fail, in what they link alone.
FAULT_WRAPS := malloc calloc realloc reallocarray strdup mmap munmap madvise eventfd timerfd_create \
	epoll_ctl pthread_create fopen readlink files_open
$(filter %/test_faults %/test_plug_faults %/test_faults_given,$(UNIT_TESTS)): LDFLAGS_ALL += $(FAULT_WRAPS:%=-Wl,--wrap=%)

# Whole machines, on a host that is made up, not among the user's running monitors, with all rights.
MACHINE_WRAPS := vfio_create control_create sandbox_drop
$(filter $(B)/tests/unit/vmm/machine/%,$(UNIT_TESTS)): LDFLAGS_ALL += $(MACHINE_WRAPS:%=-Wl,--wrap=%)

# The filters of a build that is for use, which every build asks about calls.
PLAIN_FILTERS := $(B)/tests/unit/vmm/sandbox/filters_plain
PLAIN_ROWS := $(filter-out %/sanitized.rows,$(ROWS))
$(PLAIN_FILTERS).c: $(B)/$(TABLE)/compile $(PLAIN_ROWS)
	@mkdir -p $(@D)
	$(call say,FILTERS,$@)
	$(Q)cat $(PLAIN_ROWS) | $< $(ARCH) >$@

$(PLAIN_FILTERS).o: $(PLAIN_FILTERS).c
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) -Dsandbox_filters=sandbox_filters_plain -Dsandbox_call_name=sandbox_call_name_plain \
		$(CFLAGS_ALL) -c -o $@ $<

$(B)/tests/unit/vmm/sandbox/test_filters: $(PLAIN_FILTERS).o

# With them those of a whole machine; the fakes' own calls are told from the machine's by who is asked.
MACHINE_FAULT_WRAPS := vasprintf asprintf open_memstream open openat opendir realpath fstat pread mkdir symlink fchmod \
	epoll_create1 timerfd_settime signalfd socket bind listen posix_openpt pthread_setaffinity_np sched_setaffinity \
	sched_getaffinity getrlimit log_say log_error log_warn log_notice log_guest \
	kvm_sys_open kvm_sys_ioctl kvm_sys_ioctl_value vfio_sys_open vfio_sys_ioctl vfio_sys_read vfio_sys_write
$(B)/tests/unit/vmm/machine/test_faults $(B)/tests/unit/vmm/machine/test_faults_given: \
	LDFLAGS_ALL += $(MACHINE_FAULT_WRAPS:%=-Wl,--wrap=%)

# What the monitor gives its rights up by.
DROP_FAULT_WRAPS := prctl syscall setrlimit getrlimit unshare mount umount2 mkdir chdir chroot setgroups setresgid \
	setresuid
$(B)/tests/unit/vmm/sandbox/test_drop_faults: LDFLAGS_ALL += $(DROP_FAULT_WRAPS:%=-Wl,--wrap=%)

# And one that puts its own in the place of this process's limit.
$(filter $(B)/tests/unit/vmm/tools/test_doctor%,$(UNIT_TESTS)): LDFLAGS_ALL += -Wl,--wrap=vfio_memlock_check

# A target over the unit tests' fakes, with libFuzzer's main(). Those of one architecture's library are
# in a folder of its name; page tables of each are walked on every one.
FUZZ_SUPPORT := $(addprefix $(B)/tests/unit/support/,fault.o fake_vfio.o fake_provider.o \
	fake_sysfs.o $(ARCH)/fake_cpu.o)
# One does without threads; a whole machine sees its processors wait.
$(B)/tests/fuzz/fuzz_vfio_pci: LDFLAGS_ALL += -Wl,--wrap=thread_create -Wl,--wrap=thread_call
FUZZ_WRAPS := $(MACHINE_WRAPS) pthread_cond_wait
$(B)/tests/fuzz/fuzz_machine: LDFLAGS_ALL += $(FUZZ_WRAPS:%=-Wl,--wrap=%)
$(foreach arch,$(ARCHITECTURES),$(eval \
	$(B)/tests/fuzz/fuzz_paging_$(arch): $(B)/arch/$(arch)/debug/paging.o))
$(B)/tests/fuzz/fuzz_boot_aarch64: $(patsubst %,$(B)/arch/aarch64/%.o,boot layout tree) $(FDT_OBJECTS)

$(FUZZ_TARGETS): %: %.o $(FUZZ_SUPPORT) $(LIBRARIES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcheck -lsubunit $(ARCHIVES) $(FDT) -lrt -lm

# What tries the walls around the monitor, linked as that is. Each architecture has calls of its own.
WALLS := $(B)/tests/walls/walls
$(WALLS): $(patsubst %.c,$(B)/%.o,$(wildcard tests/walls/*.c tests/walls/$(ARCH)/*.c)) $(LIBRARIES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(if $(SANITIZE),,$(if $(STATIC),$(STATIC_LDFLAGS))) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) \
		$(filter %.a,$^) -l:liburing.a

walls-program: $(WALLS)

.SECONDARY:

ifeq ($(VARIANT),)
define variant_rule
$(B)/$(1)/%: FORCE
	@$(MAKE) --no-print-directory VARIANT=$(1) $$@
endef
$(foreach variant,asan ubsan tsan clang fuzz coverage,$(eval $(call variant_rule,$(variant))))
ifeq ($(CROSS),)
define architecture_rule
build/$(1)/%: FORCE
	@$(MAKE) --no-print-directory ARCH=$(1) $$@
endef
$(foreach arch,$(OTHERS),$(eval $(call architecture_rule,$(arch))))
endif
.PHONY: FORCE
FORCE:
endif

NATIVE_GOALS := check check-all check-fast lint unit threads walls kvm fuzz fuzz-coverage bench bench-compare
ifneq ($(and $(CROSS),$(filter $(NATIVE_GOALS),$(MAKECMDGOALS))),)
$(error make $(MAKECMDGOALS): tests are of this machine's own build: leave ARCH=$(ARCH) out)
endif

# On an aarch64 machine its tests are `unit` itself.
UNIT_AARCH64 := $(if $(filter-out aarch64,$(HOST_ARCH)),unit-aarch64)
UNIT_PROGRAMS := unit-programs-asan unit-programs-tsan $(UNIT_AARCH64:unit-%=unit-programs-%)

# A make that was given no -j builds with every processor what it has make of its own build.
JOBS = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

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
	@$(MAKE) --no-print-directory -s $(JOBS) ARCH=aarch64 all

unit-programs-%: setup
	@echo "building the unit tests ($*)"
	@$(MAKE) --no-print-directory -s $(JOBS) VARIANT=$* unit-programs

unit-programs: $(UNIT_TESTS)

# The names of the tests that belong to this build, for tests/unit/run.
unit-list:
	@echo $(UNIT_SOURCES:tests/unit/%.c=%)

# The aarch64 tests on another machine, by user-mode emulation: too slow with the address sanitizer,
# whose leak detection does not work there at all.
unit-programs-aarch64: setup setup-aarch64
	@tests/setup tests/unit/packages-aarch64
	@echo "building the unit tests (aarch64)"
	@$(MAKE) --no-print-directory -s $(JOBS) ARCH=aarch64 VARIANT=ubsan unit-programs

fuzz-programs-fuzz fuzz-programs-coverage: fuzz-programs-%: setup
	@echo "building the fuzz targets ($*)"
	@$(MAKE) --no-print-directory -s $(JOBS) VARIANT=$* fuzz-programs

fuzz-programs: $(FUZZ_TARGETS)

kvm-programs: setup
	@$(MAKE) --no-print-directory -s $(JOBS) VARIANT=asan all

FAST_SUITES := lint scripts package unit $(UNIT_AARCH64) threads walls fuzz kvm

ferry: setup
	@echo "building ferry"
	@$(MAKE) --no-print-directory -s $(JOBS) all completions

# tests/check makes these one after the other and tells how long each took. It takes part in the
# user's -j; under `make -n` it would run all the same, so it is not started.
PROGRAMS := setup ferry $(UNIT_PROGRAMS) fuzz-programs-fuzz walls-programs kvm-programs
LABS := setup-lab $(LAB_AARCH64:%=setup-%)
SUITES := $(FAST_SUITES) lab-client lab $(LAB_AARCH64)
CHECK = +@$(if $(findstring n,$(firstword -$(MAKEFLAGS))),: )tests/check

check check-fast: export TIER := check

check:
	$(CHECK) $(PROGRAMS:%=make:%) $(LABS:%=make:%) $(SUITES)

check-all:
	$(CHECK) --all $(PROGRAMS:%=make:%) $(LABS:%=make:%) lab-shell $(SUITES)

check-fast:
	$(CHECK) $(PROGRAMS:%=make:%) $(FAST_SUITES)

lint: setup setup-aarch64
	$(CHECK) lint

scripts: setup
	$(CHECK) scripts

package: ferry
	$(CHECK) package

unit: unit-programs-asan
	$(CHECK) unit

unit-aarch64: $(or $(UNIT_AARCH64:unit-%=unit-programs-%),unit-programs-asan)
	$(CHECK) $(or $(UNIT_AARCH64),unit)

threads: unit-programs-tsan
	$(CHECK) threads

walls-programs: setup
	@$(MAKE) --no-print-directory -s $(JOBS) walls-program

walls: walls-programs
	$(CHECK) walls

kvm: kvm-programs
	$(CHECK) kvm

# A short round with a fixed seed belongs to `make check`; this one looks further.
fuzz: fuzz-programs-fuzz
	@tests/fuzz/run time

# Which lines the targets run of what guests, files and sockets reach.
fuzz-coverage: setup-fuzz fuzz-programs-coverage
	@tests/fuzz/coverage

setup-fuzz: setup
	@tests/setup tests/fuzz/packages

lab: setup-lab ferry
	$(CHECK) $(if $(CROSS),lab-$(ARCH),lab)

lab-shell: setup-lab ferry
	$(CHECK) lab-shell

lab-client: setup-lab ferry
	$(CHECK) lab-client

lab-aarch64: setup-lab-aarch64
	$(CHECK) lab-aarch64

VFIO ?=
DISK :=
demo: setup-lab ferry
	@tests/lab/demo --arch $(ARCH) $(if $(filter 1,$(DISK)),--disk) $(VFIO)

bench: setup-lab ferry
	@tests/kvm/bench
	@tests/lab/bench
	@tests/lab/bench-ways
	@tests/lab/bench-ways --of disks
	@tests/lab/bench-ways --of programs

REV ?= HEAD
bench-compare: setup-lab ferry
	@tests/lab/bench --against $(REV)

# What shells complete is made from the texts of --help.
COMPLETIONS := $(patsubst %,build/completions/%,bash zsh fish)
HELP_TEXTS := vmm/main.c vmm/config.c $(wildcard vmm/tools/*.c)
completions: $(COMPLETIONS)
$(COMPLETIONS): build/completions/%: docs/package/completions/% docs/package/completions/fill.awk $(HELP_TEXTS)
	@mkdir -p $(@D)
	$(call say,MAKE,$@)
	$(Q)awk -v shell=$* -f docs/package/completions/fill.awk $(HELP_TEXTS) $< >$@

PREFIX ?= /usr/local
ZSH_COMPLETIONS ?= $(PREFIX)/share/zsh/site-functions
install: all completions
	install -D -m 755 $(B)/ferry $(DESTDIR)$(PREFIX)/bin/ferry
	install -D -m 644 docs/ferry.1 $(DESTDIR)$(PREFIX)/share/man/man1/ferry.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/ferry/names vfio/tell/names/*.txt
	install -D -m 644 build/completions/bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/ferry
	install -D -m 644 build/completions/zsh $(DESTDIR)$(ZSH_COMPLETIONS)/_ferry
	install -D -m 644 build/completions/fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/ferry.fish

# The tools that build it are installed first, and lintian looks at what comes out.
deb:
	@tests/setup docs/package/packages
	@docs/package/make-deb

clean:
	rm -rf build

# Of other architectures' folders too: tests of pure functions take objects from there.
-include $(wildcard $(patsubst %,$(B)/%/*.d,$(sort $(FOLDERS) arch/fdt $(OTHERS:%=arch/%) \
	$(OTHERS:%=arch/%/debug)) $(UNIT_FOLDERS) tests/fuzz tests/fuzz/$(ARCH) \
	tests/walls tests/walls/$(ARCH) $(USER_SERVER)))
