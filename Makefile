# `make demo` builds what it needs and runs the main job; `make test` builds and passes every test.
# Both work as the first command typed on a machine with Rust, Python >= 3.10 and Node >= 20.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What cargo builds: `dev` for work and tests, `release` for what is measured and shipped.
PROFILE ?= dev

.PHONY: demo test check bench bench-quick measured build python node cli agents rust-test python-test node-test doc-test kit-test
.PHONY: fuzz-test
.PHONY: fuzz fmt clean

demo: python node
	$(BIN)/python examples/demo.py
	node examples/demo.mjs

# Everything that a test needs, once.
build: python node agents

test: build rust-test python-test node-test doc-test kit-test fuzz-test

rust-test: agents
	cargo test --workspace

python-test: python agents
	cd bindings-python && ../$(BIN)/python -m pytest

node-test: node agents
	cd bindings-node && npm test

# The README's scripts, the examples and the notebook, as a reader would run them.
doc-test: python node
	cargo build --workspace --examples
	$(BIN)/python -m pytest -q -p no:asyncio tests/readme tests/notebook

# The kits' own tests, and the projects that `caxton new` makes, tested and asked.
kit-test: agents
	guest/test.sh

# What `make fuzz` does, shortly.
fuzz-test:
	scripts/fuzz.sh 10

# The Python package, installed editable into an environment of its own.
python: $(VENV)/installed
	$(BIN)/maturin develop -q --profile $(PROFILE) -m bindings-python/Cargo.toml

$(VENV)/installed: requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements-dev.txt
	touch $@

# The command `caxton`, which the kits' projects are made with, from what the packages are built from.
cli:
	cargo build -p caxton-cli -p caxton-bindings-features --features caxton/opentelemetry

# The Node package, built where it lies.
node: bindings-node/node_modules/installed
	cd bindings-node && CAXTON_PROFILE=$(PROFILE) npm run -s build
	mkdir -p examples/node_modules && ln -sfn ../../bindings-node examples/node_modules/caxton

bindings-node/node_modules/installed: bindings-node/package-lock.json
	cd bindings-node && npm ci --no-audit --no-fund
	touch $@

# The agents of the tests and of the kits, built from source; the scripts install the toolchains that they lack.
agents: cli
	tests/agents/build.sh
	guest/build.sh

check: python node
	cargo fmt --all --check
	cargo clippy --workspace --lib --bins --tests --examples --bench micro -- -D warnings
	scripts/cargo-deny.sh
	$(BIN)/ruff check bindings-python tests examples benches guest
	$(BIN)/ruff format --check bindings-python tests examples benches guest
	cd bindings-python && ../$(BIN)/mypy
	cd bindings-python && ../$(BIN)/stubtest caxton
	cd bindings-node && npm run -s check

# Feeds it what nobody would write: a minute for each target.
fuzz:
	scripts/fuzz.sh 60

# What is measured is what is shipped.
bench bench-quick: measured

measured:
	$(MAKE) python node PROFILE=release
	cargo build --release -p caxton-benches

bench:
	$(BIN)/python benches/run.py

bench-quick:
	$(BIN)/python benches/run.py --quick

fmt:
	cargo fmt --all
	$(BIN)/ruff check --fix bindings-python tests examples benches guest
	$(BIN)/ruff format bindings-python tests examples benches guest

clean:
	cargo clean
	rm -rf $(VENV) bindings-node/node_modules bindings-node/dist bindings-node/*.node
