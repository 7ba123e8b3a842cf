# `make demo` shows what framereel does, `make test` checks that it does; both first set up what is missing. `make fuzz`
# reads 10,000 damaged files with each parser; FUZZ_CASES=N for another number. `make bench-check` measures framereel beside
# ffmpeg, and fails where it has become slower than `cargo bench --bench peers -- --json benches/peers.json` stored before;
# nothing else may run meanwhile.
export PATH := $(HOME)/.cargo/bin:$(PATH)

TARGET := $(or $(CARGO_TARGET_DIR),target)
DEMO := $(TARGET)/demo/framereel
CHAIN := sepia(60%) contrast(115%) saturate(130%) vignette(0.5)

# Where `make install` puts things; DESTDIR is put in front, for packages.
PREFIX ?= /usr/local
BIN := $(DESTDIR)$(PREFIX)/bin
SHARE := $(DESTDIR)$(PREFIX)/share
MAN := $(SHARE)/man/man1
BASH := $(SHARE)/bash-completion/completions
ZSH := $(SHARE)/zsh/site-functions
FISH := $(SHARE)/fish/vendor_completions.d

.PHONY: help demo test deny fuzz bench-check release install uninstall

help:
	@echo 'make demo        set up, build, record demo/bunny.webm through filters, and save a picture of before and after'
	@echo 'make test        set up and run every check and test'
	@echo 'make install     build, and install the program, its manual pages and completions below PREFIX (/usr/local)'
	@echo 'make uninstall   remove them'
	@echo 'make deny        check the licences, sources and known vulnerabilities of all dependencies'
	@echo 'make bench-check compare the speed beside ffmpeg with that stored in benches/peers.json, on a quiet machine'
	@echo 'make fuzz        read 10,000 damaged files with each parser, and print a table'

# The program without libaom, cameras and microphones, and less optimised than a release: the first build takes a third of
# the time.
#
# Mesa looks for a window system in there, and complains where it is not set.
demo: export XDG_RUNTIME_DIR ?= /tmp
demo:
	scripts/setup.sh build
	cargo build --locked --profile demo --no-default-features --features cli
	mkdir -p demo
	$(DEMO) record examples/clips/bunny.webm --filter '$(CHAIN)' -o demo/bunny.webm --force
	$(DEMO) still examples/clips/bunny.webm --at 2s --filter '$(CHAIN)' --side-by-side -o demo/side-by-side.png --force
	@echo 'demo/bunny.webm and demo/side-by-side.png are there'

# Without it a test that lacks a tool, such as ffmpeg, says so and passes.
test: export FRAMEREEL_REQUIRE_TOOLS = 1
test:
	scripts/setup.sh test
	cargo fmt --check
	cargo clippy --profile testing --all-targets -- -D warnings
	cargo clippy --profile testing --no-default-features --features cli -- -D warnings
	cargo test --profile testing

# The program to install. Given as FRAMEREEL=PATH it is not built: root may have no cargo.
ifdef FRAMEREEL
release:
else
FRAMEREEL := $(TARGET)/release/framereel
release:
	cargo build --locked --release
endif

install: release
	umask 022; mkdir -p '$(BIN)' '$(MAN)' '$(BASH)' '$(ZSH)' '$(FISH)'
	install -m 755 '$(FRAMEREEL)' '$(BIN)/framereel'
	umask 022; '$(FRAMEREEL)' man '$(MAN)' --force
	umask 022; '$(FRAMEREEL)' completions bash > '$(BASH)/framereel'
	umask 022; '$(FRAMEREEL)' completions zsh > '$(ZSH)/_framereel'
	umask 022; '$(FRAMEREEL)' completions fish > '$(FISH)/framereel.fish'

uninstall:
	rm -f '$(BIN)/framereel' '$(MAN)'/framereel.1 '$(MAN)'/framereel-*.1
	rm -f '$(BASH)/framereel' '$(ZSH)/_framereel' '$(FISH)/framereel.fish'

deny:
	command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check

fuzz:
	FUZZ_CASES=$(or $(FUZZ_CASES),10000) cargo test --profile testing --test fuzz -- --ignored --nocapture every_parser

bench-check:
	cargo bench --bench peers -- --check benches/peers.json
