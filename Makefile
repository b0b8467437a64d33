# Builds Ferry, its tests and its lab; everything made goes under build/. `make help` lists targets.

-include config.mak

ARCH ?= $(shell uname -m)
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
VERSION := 0.1.0

# `make V=1` shows the commands.
V ?=
Q := $(if $(V),,@)
say = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),,@echo '  $(1)	$(2)')

# VARIANT picks a flavour of the same build: empty, asan, tsan, clang or fuzz, each in a tree of its own.
VARIANT ?=
B := build$(if $(VARIANT),/$(VARIANT))

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

ifeq ($(VARIANT),asan)
OPTIMISE := -O1 -g
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(VARIANT),tsan)
OPTIMISE := -O1 -g
SANITIZE := -fsanitize=thread -fno-omit-frame-pointer
else ifeq ($(VARIANT),clang)
CC := clang-14
else ifeq ($(VARIANT),fuzz)
CC := clang-14
OPTIMISE := -O1 -g
SANITIZE := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
endif
CFLAGS_ALL += $(or $(SANITIZE),$(if $(STATIC),$(STATIC_CFLAGS)))
LDFLAGS_ALL += $(SANITIZE)

# One static library for each layer, linked top first; a test may put a fake in a member's place.
LAYERS := vmm arch vfio devices kvm memory base
SOURCES_base := $(wildcard vmm/base/*.c)
SOURCES_memory := $(wildcard memory/*.c)
SOURCES_kvm := $(wildcard vmm/kvm/*.c)
SOURCES_devices := $(wildcard devices/*.c devices/pci/*.c)
SOURCES_vfio := $(wildcard vfio/*.c)
SOURCES_arch := $(wildcard arch/*.c arch/loader/*.c arch/$(ARCH)/*.c)
SOURCES_vmm := $(filter-out vmm/main.c,$(wildcard vmm/*.c vmm/tools/*.c))
# The one library that is not libc, for --json; always from its archive.
JANSSON := -l:libjansson.a
LIBRARIES := $(foreach layer,$(LAYERS),$(B)/lib$(layer).a)

UNIT_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c))
FUZZ_TARGETS := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all ferry help setup setup-lab check check-fast lint unit threads kvm lab fuzz demo bench \
	install clean

all: $(B)/ferry

help:
	@echo 'make             builds build/ferry'
	@echo 'make demo        shows a guest with a passed-through disk; VFIO=0000:01:00.0 for a real one'
	@echo 'make check       every test: lint, unit, threads, fuzz, tiny guests on /dev/kvm, the lab'
	@echo 'make check-fast  the same without the lab'
	@echo 'make lint|unit|threads|kvm|lab   one of them'
	@echo 'make fuzz        looks for inputs that break passthrough, FUZZ_SECONDS (60) for each target'
	@echo 'make bench       start time, memory and exits beside other monitors'
	@echo 'make install     into DESTDIR and PREFIX (/usr/local)'
	@echo 'make clean       removes build/'

$(B)/ferry: $(B)/vmm/main.o $(LIBRARIES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(if $(SANITIZE),,$(if $(STATIC),$(STATIC_LDFLAGS))) $(LDFLAGS_ALL) -o $@ $^ $(JANSSON)

define layer_rule
$(B)/lib$(1).a: $(patsubst %.c,$(B)/%.o,$(SOURCES_$(1)))
	$(Q)rm -f $$@
	$(Q)$(AR) rcs $$@ $$^
endef
$(foreach layer,$(LAYERS),$(eval $(call layer_rule,$(layer))))

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# Said in one sentence rather than by the compiler.
$(patsubst %.c,$(B)/%.o,$(wildcard vmm/tools/*.c)): | have-jansson
.PHONY: have-jansson
have-jansson:
	@echo '#include <jansson.h>' | $(CC) $(CPPFLAGS) -E - >/dev/null 2>&1 || \
		{ echo 'jansson.h is missing: install the package libjansson-dev' >&2; exit 1; }

# Helpers that several unit tests share are in tests/unit/support*.c.
UNIT_SUPPORT := $(patsubst %.c,$(B)/%.o,$(wildcard tests/unit/support*.c))

$(B)/tests/unit/test_%: $(B)/tests/unit/test_%.o $(UNIT_SUPPORT) $(LIBRARIES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		-lcheck -lsubunit $(JANSSON) -lrt -lm

# Programs that make the C library's calls fail, in what they link alone.
FAULT_WRAPS := malloc calloc realloc reallocarray strdup mmap munmap madvise eventfd timerfd_create \
	epoll_ctl pthread_create fopen readlink
$(B)/tests/unit/test_vfio_fault%: LDFLAGS_ALL += $(FAULT_WRAPS:%=-Wl,--wrap=%)

# A target over the unit tests' fakes, with libFuzzer's main().
FUZZ_SUPPORT := $(B)/tests/unit/support_fault.o $(B)/tests/unit/support_vfio_fake.o

$(B)/tests/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(FUZZ_SUPPORT) $(LIBRARIES)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $(filter %.o,$^) \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group -lcheck -lsubunit -lrt -lm

.SECONDARY:

ifeq ($(VARIANT),)
build/asan/%: FORCE
	@$(MAKE) --no-print-directory VARIANT=asan $@
build/tsan/%: FORCE
	@$(MAKE) --no-print-directory VARIANT=tsan $@
build/clang/%: FORCE
	@$(MAKE) --no-print-directory VARIANT=clang $@
build/fuzz/%: FORCE
	@$(MAKE) --no-print-directory VARIANT=fuzz $@
.PHONY: FORCE
FORCE:
endif

# Everything below installs what it needs first, naming it; tests run with sanitizers.
setup:
	@tests/setup tests/packages

setup-lab: setup
	@tests/setup tests/lab/packages

unit-programs-%: setup
	@echo "building the unit tests ($*)"
	@$(MAKE) --no-print-directory -s -j$(shell nproc) VARIANT=$* unit-programs

unit-programs: $(UNIT_TESTS)

fuzz-programs-fuzz: setup
	@echo "building the fuzz targets"
	@$(MAKE) --no-print-directory -s -j$(shell nproc) VARIANT=fuzz fuzz-programs

fuzz-programs: $(FUZZ_TARGETS)

kvm-programs: setup
	@$(MAKE) --no-print-directory -s -j$(shell nproc) VARIANT=asan all

FAST_SUITES := lint unit threads fuzz kvm

ferry: setup
	@echo "building ferry"
	@$(MAKE) --no-print-directory -s -j$(shell nproc) all

check: setup setup-lab ferry unit-programs-asan unit-programs-tsan fuzz-programs-fuzz kvm-programs
	@tests/check $(FAST_SUITES) lab

check-fast: setup ferry unit-programs-asan unit-programs-tsan fuzz-programs-fuzz kvm-programs
	@tests/check $(FAST_SUITES)

lint: setup
	@tests/check lint

unit: unit-programs-asan
	@tests/check unit

threads: unit-programs-tsan
	@tests/check threads

kvm: kvm-programs
	@tests/check kvm

# A short round with a fixed seed belongs to `make check`; this one looks further.
fuzz: fuzz-programs-fuzz
	@tests/fuzz/run time

lab: setup-lab ferry
	@tests/check lab

VFIO ?=
demo: setup-lab ferry
	@tests/lab/demo $(VFIO)

bench: setup-lab ferry
	@tests/kvm/bench
	@tests/lab/bench

PREFIX ?= /usr/local
install: all
	install -D -m 755 $(B)/ferry $(DESTDIR)$(PREFIX)/bin/ferry
	install -D -m 644 docs/ferry.1 $(DESTDIR)$(PREFIX)/share/man/man1/ferry.1

clean:
	rm -rf build

-include $(wildcard $(foreach folder,vmm vmm/base vmm/kvm vmm/tools memory devices devices/pci vfio arch \
	arch/loader arch/$(ARCH) tests/unit tests/fuzz,$(B)/$(folder)/*.d))
