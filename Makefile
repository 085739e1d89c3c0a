# SPDX-License-Identifier: MIT
# A thin front for meson; `make help` lists the targets.

BUILD  ?= build
PREFIX ?= /usr/local
DESTDIR ?=

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja: | deps
	@meson setup $(BUILD) --prefix=$(PREFIX) >$(BUILD).log 2>&1 || { cat $(BUILD).log; rm -f $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

# Installs the packages that are missing where it may, and says what to type where it may not.
deps:
	@tools/deps

# Boots a real kernel and runs the example suite in it.
demo: all
	@tools/demo $(BUILD)

# Debian packages, in $(BUILD)/deb; they have no error or warning of lintian's.
deb: deps-deb
	@mkdir -p $(BUILD)
	@tools/deb $(BUILD)/deb

# What packages are built and judged with; the tests do that, too.
deps-deb:
	@tools/deps --deb

# Every test: unit, fuzz, guest and end to end, with and without sanitizers, format and layers.
check: deps-deb all
	@tools/check $(BUILD)

# How many lines of kvmio its tests run through, and which not; a better figure is written to tests/coverage.json.
coverage: all
	@tools/coverage devel $(BUILD) --lines

# Ratios measured side by side in one run.
bench: all
	@bench/run $(BUILD)

# Every feature of examples/runner-kernel with its options and without; docs/proofs.md is the record.
proofs: all
	@tools/proofs $(BUILD)

# What takes whole builds of kernels to show: the same bytes twice, KASAN, trees of one's own.
check-kernels: all
	@VMRIG=$(BUILD)/vmrig tests/e2e/kernel_long.sh

# The same suite in guests that boot and in clones, twice each; docs/differential.md is the record.
differential: all
	@tools/differential $(BUILD)

# N clones in a row, and whether anything is left of them; docs/soak.md is the record of the whole 10,000.
N ?= 10000
soak: all
	@tools/soak --clones $(N) $(if $(filter 10000,$(N)),--record docs/soak.md) $(BUILD)/vmrig

install: all
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD)

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf $(BUILD) $(BUILD)-san $(BUILD)-clang $(BUILD)-coverage

help:
	@printf '%s\n' 'make          build $(BUILD)/vmrig' \
		'make demo     boot a real kernel, run examples/hello in it' \
		'make check    run every test' \
		'make coverage the lines of kvmio that no test runs through' \
		'make bench    measure, side by side' \
		'make proofs   prove each feature of examples/runner-kernel both ways' \
		'make check-kernels  what takes whole builds of kernels' \
		'make differential  the same tests in clones and in guests that boot' \
		'make soak     N=10000 clones in a row leave nothing behind' \
		'make deb      Debian packages in $(BUILD)/deb' \
		'make install  DESTDIR= PREFIX=/usr/local' \
		'make deps     install the packages that are missing'

.PHONY: all deb deps deps-deb demo check check-kernels proofs differential soak coverage bench install format clean help
