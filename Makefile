# Everything a machine with Rust (rustup), Node (npm) and make needs. `make demo` and `make test` install
# what is missing by themselves: Node packages into node_modules, Rust tools into a per-user cache keyed
# by version.

# --- pinned tools: the Node side is pinned in package.json, Rust's in rust-toolchain.toml and here
# Must equal the wasm-bindgen crate in Cargo.toml.
WASM_BINDGEN_VERSION := 0.2.129
CARGO_DENY_VERSION := 0.20.2

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/hailuo-worker
WASM_BINDGEN := $(CACHE)/wasm-bindgen-cli-$(WASM_BINDGEN_VERSION)/bin/wasm-bindgen
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

# The standard library is compiled with the Worker, for size, and a panic traps without building a message
# first: together a thirteenth of the script. The toolchain is pinned, so that these flags, which a stable
# compiler hides, stay what they are.
FOR_SIZE := RUSTC_BOOTSTRAP=1 CARGO_UNSTABLE_BUILD_STD=std,panic_abort \
  CARGO_UNSTABLE_BUILD_STD_FEATURES=optimize_for_size \
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$(CURDIR)/scripts/wasm-ld
FOR_SIZE_FLAGS := -Zunstable-options -Cpanic=immediate-abort

# Vectors, which every runtime of today has, make copies shorter: a fiftieth of the script. What that brings is spent on
# speed where every request goes through: memory, strings, numbers and JSON.
WITH_VECTORS := -Ctarget-feature=+simd128
FAST := core alloc std compiler_builtins dlmalloc serde_core serde_json
FOR_SPEED := $(foreach crate,$(FAST),--config profile.release.package.$(crate).opt-level=3)

# Not all of it is understood everywhere: lists of imports that name their module once are too new.
WASM_FEATURES := --all-features --disable-compact-imports
WASM_OPT_FLAGS := $(WASM_FEATURES) -Os -Os --one-caller-inline-max-function-size=20

# Script and wasm together, gzipped.
MAX_BUNDLE_BYTES := 500000
# The page with everything that its first visit loads, gzipped.
MAX_PAGE_BYTES := 60000

SOURCES := $(shell find src -type f) Cargo.toml Cargo.lock rust-toolchain.toml Makefile \
  scripts/wasm-ld scripts/wasm-file.ts scripts/trim-bindings.ts scripts/name-by-likeness.ts

.PHONY: demo dev test test-fast quick check check-rust check-node check-supply-chain sbom fuzz worker bundle bench profile screenshots \
  redrive soak deploy probe clean
.DEFAULT_GOAL := demo

## Make two videos against the stand-in for Wiro, save demo.mp4, and stop.
demo: bundle
	node scripts/demo.ts

## Serve page and API at http://localhost:8787; with a key in .dev.vars against the real Wiro.
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
	node scripts/bundle-size.ts dist $(MAX_BUNDLE_BYTES)
	node scripts/page-weight.ts public $(MAX_PAGE_BYTES)

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

## Create what the account lacks, say which secrets are missing, deploy.
deploy: worker
	node scripts/deploy.ts

## Check your Wiro key, model and files against the real Wiro, for free; RUN=1 also makes the cheapest video.
probe: $(NODE_MODULES)
	cargo build --quiet --locked --example describe_model
	node scripts/probe.ts

## Beside the same service in JavaScript; PARTS='routes copy' for some of it, ROUTES='status hook' to try these quickly.
bench: bundle
	node bench/main.ts

## Where the time of a route goes: make profile ROUTE=status, KIND=javascript for the reference's.
profile: bundle build/named.wasm
	node bench/profile.ts $(ROUTE)

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

# `[build]` in wrangler.toml comes here; `make quick` has built already.
worker: $(if $(IS_BUILT),,build/.done)

# As a script alone (`--crate-type`): a library beside it would keep all that is public from the optimizer, 15 kB.
build/.done: $(SOURCES) $(NODE_MODULES) $(WASM_BINDGEN)
	rustup target add wasm32-unknown-unknown >/dev/null 2>&1
	rustup component add rust-src >/dev/null 2>&1
	$(FOR_SIZE) RUSTFLAGS="$(NO_PATHS) $(FOR_SIZE_FLAGS) $(WITH_VECTORS)" \
	  cargo $(FOR_SPEED) rustc --release --lib --crate-type cdylib --locked --target wasm32-unknown-unknown
	rm -rf build
	$(WASM_BINDGEN) target/wasm32-unknown-unknown/release/hailuo_worker.wasm --out-dir build --out-name index \
	  --target web --no-typescript --experimental-reset-state-function
	node scripts/trim-bindings.ts build
	cp build/index_bg.wasm build/unoptimized.wasm
	wasm-opt build/unoptimized.wasm -o build/optimized.wasm $(WASM_OPT_FLAGS) \
	  --strip-debug --strip-producers --strip-target-features
	node scripts/name-by-likeness.ts build/optimized.wasm
	wasm-opt build/optimized.wasm -o build/index_bg.wasm $(WASM_FEATURES) --reorder-functions-by-name --strip-debug
	touch $@

## Build the Worker into dist in seconds, for trying things out: large and slow, and never what `make test` or `make deploy` take.
quick: $(NODE_MODULES) $(WASM_BINDGEN)
	cargo rustc --profile quick --lib --crate-type cdylib --locked --target wasm32-unknown-unknown
	rm -rf build dist
	$(WASM_BINDGEN) target/wasm32-unknown-unknown/quick/hailuo_worker.wasm --out-dir build --out-name index \
	  --target web --no-typescript --experimental-reset-state-function
	node scripts/trim-bindings.ts build
	IS_BUILT=1 wrangler deploy --dry-run --outdir dist >/dev/null

# The same code with the names of its functions, for a profile.
build/named.wasm: build/.done
	wasm-opt build/unoptimized.wasm -o $@ $(WASM_OPT_FLAGS) -g

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

$(WASM_BINDGEN):
	CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
	  $(INSTALL) $(CACHE)/wasm-bindgen-cli-$(WASM_BINDGEN_VERSION) wasm-bindgen-cli@$(WASM_BINDGEN_VERSION)

$(CARGO_DENY):
	CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
	  $(INSTALL) $(CACHE)/cargo-deny-$(CARGO_DENY_VERSION) --no-default-features cargo-deny@$(CARGO_DENY_VERSION)
