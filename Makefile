# Everything a machine with Rust (rustup), Node (npm) and make needs. `make demo` and `make test` install
# what is missing by themselves: Node packages into node_modules, Rust tools into a per-user cache keyed
# by version.

# --- pinned tools: the Node side is pinned in package.json, Rust's in rust-toolchain.toml and here
WORKER_BUILD_VERSION := 0.8.7
# Must equal the wasm-bindgen crate in Cargo.toml.
WASM_BINDGEN_VERSION := 0.2.129
CARGO_DENY_VERSION := 0.20.2

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/hailuo-worker
WORKER_BUILD := $(CACHE)/worker-build-$(WORKER_BUILD_VERSION)/bin/worker-build
WASM_BINDGEN := $(CACHE)/wasm-bindgen-cli-$(WASM_BINDGEN_VERSION)/bin/wasm-bindgen
BUILD_TOOLS := $(WORKER_BUILD) $(CACHE)/wasm-bindgen-cli-$(WASM_BINDGEN_VERSION)/.ready
BIN := $(CURDIR)/node_modules/.bin
CARGO_DENY := $(CACHE)/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny
NODE_MODULES := node_modules/.package-lock.json

export PATH := $(BIN):$(PATH)
export WRANGLER_SEND_METRICS := false
# A download that breaks off is tried again more often than these would by themselves.
export CARGO_NET_RETRY := 10
export npm_config_fetch_retries := 5

# Panics name their place in the source: not where that lies on the machine that built it.
CARGO_DIR := $(or $(CARGO_HOME),$(HOME)/.cargo)
NO_PATHS := $(foreach folder,$(wildcard $(CARGO_DIR)/registry/src/*) $(CURDIR),--remap-path-prefix=$(folder)/=)

# Script and wasm together, gzipped.
MAX_BUNDLE_BYTES := 800000
# The page with everything that it loads, and the operator's page, each gzipped.
MAX_PAGE_BYTES := 60000

SOURCES := $(shell find src -type f) Cargo.toml Cargo.lock rust-toolchain.toml Makefile

.PHONY: demo dev test test-fast conformance quick check check-rust check-node check-supply-chain sbom fuzz worker bundle bench profile screenshots \
  redrive soak deploy rotate probe clean
.DEFAULT_GOAL := demo

## Make two videos against the stand-in for Wiro, save demo.mp4, and stop.
demo: bundle
	node scripts/demo.ts

## Serve page and API at http://localhost:8787 with your own settings; with a key in .dev.vars against the real Wiro.
dev: bundle
	node scripts/dev.ts

## The whole suite; the last line counts it.
test: bundle
	node scripts/test.ts

# From the submit to the stored video, its callback and its owner.
SPINE := submit/submit videos/status content/content upstream/webhook videos/owners

## The native tests and a few files of the Worker's: what most mistakes break, in under a minute when built.
test-fast: bundle
	node scripts/test.ts $(SPINE:%=tests/worker/%.test.ts)

## Formatting, lints (native and wasm32), types, docs, dependencies, sizes of Worker and page, a dry run of the deployment.
check: check-rust check-node check-supply-chain bundle
	node scripts/sizes/bundle-size.ts dist $(MAX_BUNDLE_BYTES)
	node scripts/sizes/page-weight.ts public $(MAX_PAGE_BYTES) index.html challenge.html
	node scripts/sizes/page-weight.ts public $(MAX_PAGE_BYTES) operator.html

check-rust: $(NODE_MODULES)
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	cargo clippy --locked --target wasm32-unknown-unknown -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --locked --document-private-items

check-node: $(NODE_MODULES)
	biome check --error-on-warnings
	tsc -p .

# Licences and sources; of crates second versions too, of packages digests, and known holes where npm's registry
# tells of them.
check-supply-chain: $(NODE_MODULES) $(CARGO_DENY)
	$(CARGO_DENY) --locked check licenses bans sources
	node scripts/supply-chain.ts

## What the Worker is made of and made with, in CycloneDX: sbom.json.
sbom: $(NODE_MODULES)
	node scripts/sbom.ts sbom.json

## Every parser against bytes that nobody expects, for SECONDS=30 each or RUNS=… times; TARGETS='range path' for some of them.
fuzz: $(NODE_MODULES)
	SECONDS=$(SECONDS) RUNS=$(RUNS) node scripts/fuzz.ts $(TARGETS)

# NAME counts on the command line only: some systems give every process a NAME.
export INSTANCE := $(or $(if $(findstring command,$(origin NAME)),$(NAME)),$(INSTANCE))

## Check settings and account, create what is missing, deploy, ask the Worker how it is; NAME=staging for a second one, CHECK=1 to send nothing.
deploy: bundle
	node scripts/deploy.ts

## Make a secret anew in the right order: KEY=SIGNING_KEY, NOTIFY_SECRET or OPERATOR_TOKEN; FINISH=1 ends the old one, STOLEN=1 at once.
rotate: $(NODE_MODULES)
	node scripts/rotate.ts

## Check your Wiro key, model and files against the real Wiro, for free; RUN=1 also makes the cheapest video.
probe: $(NODE_MODULES)
	cargo build --quiet --locked --example describe_model
	node scripts/probe.ts

## Beside the same service in JavaScript; PARTS='routes copy' for some of it, ROUTES='status hook' to try these quickly.
bench: bundle
	node bench/main.ts

## Where the time of a route goes: make profile ROUTE=status, KIND=javascript for the reference's.
profile: $(NODE_MODULES) $(BUILD_TOOLS)
	rm -rf build dist
	$(RUN_WORKER_BUILD) --profiling --locked
	IS_BUILT=1 wrangler deploy --dry-run --outdir dist >/dev/null
	node bench/profile.ts $(ROUTE)

## Foreign programs for longer than in the tests: Schemathesis (SEED=… EXAMPLES=…), the page in Firefox and WebKitGTK.
conformance: bundle
	node scripts/conformance.ts

## The page in its main states, narrow and wide, light and dark, in .screenshots/.
screenshots: bundle
	node scripts/screenshots.ts

## 2,000 jobs, a third of them with faults, the Worker killed in the middle; SEED=… JOBS=… for those of another run.
soak: bundle
	node scripts/soak.ts

## Try a failed video again that may have been paid for: make redrive ID=vid_… URL=https://…
redrive: $(NODE_MODULES)
	node scripts/redrive.ts

clean:
	rm -rf build dist target fuzz/target fuzz/work fuzz/artifacts .wrangler demo.mp4 sbom.json probe-*.json

# --- building

# worker-build takes wasm-opt and esbuild from npm. It downloads wasm-bindgen, unless that had to be compiled here.
RUN_WORKER_BUILD := if [ -x $(WASM_BINDGEN) ]; then export WASM_BINDGEN_BIN=$(WASM_BINDGEN); fi; \
  WASM_OPT_BIN=$(BIN)/wasm-opt ESBUILD_BIN=$(BIN)/esbuild $(WORKER_BUILD)

# `[build]` in wrangler.toml comes here; `make quick` has built already.
worker: $(if $(IS_BUILT),,build/.done)

build/.done: $(SOURCES) $(NODE_MODULES) $(BUILD_TOOLS)
	export RUSTFLAGS="$(NO_PATHS)"; $(RUN_WORKER_BUILD) --release --locked
	# The names of functions are a seventh of the script; only `make profile` needs them.
	wasm-opt build/index_bg.wasm --strip-debug --output build/index_bg.wasm
	touch $@

## Build the Worker into dist in seconds, for trying things out: large and slow, and never what `make test` or `make deploy` take.
quick: $(NODE_MODULES) $(BUILD_TOOLS)
	rm -rf build dist
	$(RUN_WORKER_BUILD) --profile quick --no-opt --locked
	IS_BUILT=1 wrangler deploy --dry-run --outdir dist >/dev/null

# What would be deployed, and what the tests run.
bundle: dist/.done

dist/.done: build/.done wrangler.toml $(shell find public -type f)
	rm -rf dist
	wrangler deploy --dry-run --outdir dist >/dev/null
	touch $@

# Not `npm ci`: it refuses a lockfile that does not list the optional binaries of every other platform.
$(NODE_MODULES): package.json package-lock.json
	npm install --no-save --no-audit --no-fund --loglevel=error
	touch $@

# Tools that are run a few times need not be fast: building them is what takes long.
INSTALL := CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_TARGET_DIR=$(CACHE)/target \
  cargo install --quiet --locked --root

$(WORKER_BUILD):
	CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
	  $(INSTALL) $(CACHE)/worker-build-$(WORKER_BUILD_VERSION) worker-build@$(WORKER_BUILD_VERSION)

# Compiled only on a machine that cannot reach the releases: that takes minutes.
WASM_BINDGEN_RELEASES := https://github.com/wasm-bindgen/wasm-bindgen/releases/tag
$(CACHE)/wasm-bindgen-cli-$(WASM_BINDGEN_VERSION)/.ready:
	[ -x $(WASM_BINDGEN) ] || \
	  curl --fail --silent --head --max-time 10 --output /dev/null $(WASM_BINDGEN_RELEASES)/$(WASM_BINDGEN_VERSION) || \
	  CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
	  $(INSTALL) $(CACHE)/wasm-bindgen-cli-$(WASM_BINDGEN_VERSION) wasm-bindgen-cli@$(WASM_BINDGEN_VERSION)
	mkdir -p $(@D)
	touch $@

$(CARGO_DENY):
	CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
	  $(INSTALL) $(CACHE)/cargo-deny-$(CARGO_DENY_VERSION) --no-default-features cargo-deny@$(CARGO_DENY_VERSION)
