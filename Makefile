# make maint             make a chroot of this machine's release and architecture, or bring those of
#                        the configuration up to date; ARGS='…' passes other arguments
# make install           the program that `make' has built, with manual, completions and systemd units, below
#                        PREFIX (/usr/local), all of it below DESTDIR; make uninstall deletes these
# make check             everything that has to pass, with root and the archive's mirror
# make test              the part of it that needs neither
# make bench             what it costs beside make, ninja, xargs and GNU parallel, and what cross-tools are worth, which
#                        takes root, the mirror and an hour or more

CARGO ?= cargo
ARGS ?= all

# Everything that is called is named here with its package, so that nobody has to look for it.
BUILD_TOOLS := cc:gcc
MAINT_TOOLS := mmdebstrap:mmdebstrap newuidmap:uidmap
TEST_TOOLS := $(BUILD_TOOLS) rustfmt:rustfmt cargo-clippy:rust-clippy \
	apt-ftparchive:apt-utils gpg:gpg dpkg-deb:dpkg zstd:zstd
INSTALL_TOOLS := man:man-db systemd-analyze:systemd
SYSTEM_TOOLS := $(MAINT_TOOLS) $(INSTALL_TOOLS) qemu-aarch64-static:qemu-user-static script:bsdutils \
	schroot:schroot sbuild:sbuild dpkg-source:dpkg-dev

RIVALS := ninja:ninja-build xargs:findutils parallel:parallel
BENCH_TOOLS := $(BUILD_TOOLS) $(RIVALS) $(MAINT_TOOLS) qemu-aarch64-static:qemu-user-static apt-get:apt

# Of the benches: how many jobs, how often all are measured in turn (what is emulated, less often), and how much output.
JOBS ?= 10000
CROSS_ROUNDS := $(or $(ROUNDS),3)
ROUNDS ?= 5
BYTES ?= 300000000

PROGRAM := $(or $(CARGO_TARGET_DIR),target)/release/chroot-maint

# Where things are installed.
PREFIX ?= /usr/local
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
BASH_DIR ?= $(PREFIX)/share/bash-completion/completions
ZSH_DIR ?= $(PREFIX)/share/zsh/site-functions
FISH_DIR ?= $(PREFIX)/share/fish/vendor_completions.d
UNIT_DIR ?= $(PREFIX)/lib/systemd

.PHONY: maint build install uninstall check fmt clippy doc test system bench clean
.DEFAULT_GOAL := build

maint: build
	@.ci/packages $(MAINT_TOOLS)
	+@"$(PROGRAM)" $(ARGS)

build:
	@.ci/packages $(BUILD_TOOLS)
	+@$(CARGO) build --release --quiet --locked -p chroot-maint

# Nothing is built here, for this may be root, and what it builds would be root's.
install:
	@test -x "$(PROGRAM)" || { echo "$(PROGRAM) is not there: run make first" >&2; exit 1; }
	umask 022; set -e; \
	install -D -m 755 "$(PROGRAM)" "$(DESTDIR)$(BINDIR)/chroot-maint"; \
	"$(PROGRAM)" man "$(DESTDIR)$(MANDIR)"; \
	complete() { mkdir -p "$$2"; "$(PROGRAM)" completions $$1 >"$$2/$$3"; }; \
	complete bash "$(DESTDIR)$(BASH_DIR)" chroot-maint; \
	complete zsh "$(DESTDIR)$(ZSH_DIR)" _chroot-maint; \
	complete fish "$(DESTDIR)$(FISH_DIR)" chroot-maint.fish; \
	program=$$(printf '%s\n' "$(BINDIR)/chroot-maint" | sed 's/[&|\\]/\\&/g; s/%/%%/g'); \
	for manager in system user; do \
		units="$(DESTDIR)$(UNIT_DIR)/$$manager"; \
		install -D -m 644 -t "$$units" chroot-maint/systemd/chroot-maint.timer; \
		sed "s|@PROGRAM@|$$program|" chroot-maint/systemd/chroot-maint.service.in \
			>"$$units/chroot-maint.service"; \
	done

uninstall:
	rm -f "$(DESTDIR)$(BINDIR)/chroot-maint" \
		"$(DESTDIR)$(MANDIR)"/man1/chroot-maint.1 "$(DESTDIR)$(MANDIR)"/man1/chroot-maint-*.1 \
		"$(DESTDIR)$(MANDIR)"/man5/chroot-maint.toml.5 \
		"$(DESTDIR)$(BASH_DIR)/chroot-maint" "$(DESTDIR)$(ZSH_DIR)/_chroot-maint" \
		"$(DESTDIR)$(FISH_DIR)/chroot-maint.fish" \
		"$(DESTDIR)$(UNIT_DIR)"/system/chroot-maint.service "$(DESTDIR)$(UNIT_DIR)"/system/chroot-maint.timer \
		"$(DESTDIR)$(UNIT_DIR)"/user/chroot-maint.service "$(DESTDIR)$(UNIT_DIR)"/user/chroot-maint.timer

check: fmt clippy doc test system

fmt:
	@.ci/packages $(TEST_TOOLS)
	$(CARGO) fmt --all --check

clippy: fmt
	+$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings

doc: clippy
	+RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --workspace --features jobsched/simulation --no-deps --document-private-items

test: doc
	+$(CARGO) test --locked --workspace --features jobsched/simulation

system: test build
	@.ci/packages $(SYSTEM_TOOLS)
	+$(CARGO) build --locked -p jobsched --examples
	+$(CARGO) test --locked -p chroot-maint --features system-tests --test system

bench:
	@.ci/packages $(BENCH_TOOLS)
	+$(CARGO) build --release --quiet --locked -p jobsched --examples
	+$(CARGO) bench --quiet --locked -p jobsched --features simulation --no-run
	+$(CARGO) bench --quiet --locked -p jobsched --bench rivals -- $(JOBS) $(ROUNDS)
	+$(CARGO) bench --quiet --locked -p jobsched --bench alive -- $(ROUNDS)
	+$(CARGO) bench --quiet --locked -p jobsched --bench output -- $(BYTES)
	+$(CARGO) bench --quiet --locked -p jobsched --bench graph
	+$(CARGO) bench --quiet --locked -p jobsched --features simulation --bench order
	+$(CARGO) bench --quiet --locked -p jobsched --features simulation --bench makespan -- --markdown
	+$(CARGO) bench --quiet --locked -p chroot-maint --bench cross_tools -- --rounds $(CROSS_ROUNDS)

clean:
	$(CARGO) clean
