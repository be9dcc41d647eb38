# Every chore of the project, one word each. `make help` lists them.
#
# The tools and libraries live in .venv, made by `make setup` from the pinned files in requirements/.
# Each target that needs them sets up first; when nothing changed, that takes no noticeable time.

PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
MINUTES ?=
SEED ?=

# The stamp's name holds a checksum of everything that decides what is installed (and of where: a venv cannot be moved).
INPUTS := pyproject.toml scripts/setup $(filter-out requirements/postgres.txt,$(wildcard requirements/*.txt))
STAMP := $(VENV)/.ready-$(shell { pwd; cat $(INPUTS); } | cksum | tr ' ' '-')

# The same for the native leaderboard, which is built where there is a cargo.
NATIVE_INPUTS := scripts/native scripts/cargo-lock native/Cargo.pins $(wildcard native/*.toml native/python/*/*) $(shell find native/src -type f)
NATIVE := $(VENV)/.native-$(shell { command -v cargo; cat $(NATIVE_INPUTS); } | cksum | tr ' ' '-')

# A Python named on the command line is looked at even if the environment is ready: it may be made by another one.
ifeq ($(origin PYTHON),command line)
.PHONY: $(STAMP)
endif

# Tests start hundreds of processes: what one compiled is kept for the next, whatever PYTHONDONTWRITEBYTECODE says. And they
# make, sync and throw away thousands of small files: in memory, where there is room, that takes a quarter of the time off.
ROOM := $(shell df -k --output=avail /dev/shm 2>/dev/null | tail -1)
SCRATCH := $(if $(TMPDIR),$(TMPDIR),$(if $(shell [ "$(ROOM)" -gt 4000000 ] 2>/dev/null && echo yes),/dev/shm,/tmp))
TESTING := PYTHONDONTWRITEBYTECODE= TMPDIR=$(SCRATCH)

# Half as many again as there are cores: a third of a test's time is spent waiting for servers, browsers and disks.
WORKERS ?= $(shell echo $$(($$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN) * 3 / 2)))

.PHONY: help setup run test test-all test-native models miri tsan check fmt bench mutants soak reference console-shots demo-shots lock wheels clean
.DEFAULT_GOAL := help

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP) $(NATIVE)  ## make .venv with everything pinned (PYTHON=python3.12 to choose the Python)
	@:

$(STAMP):
	@scripts/setup "$(PYTHON)" "$(VENV)" "$(STAMP)"

$(NATIVE): $(STAMP)
	@scripts/native "$(VENV)" "$(NATIVE)"

run: setup  ## set up, then start the demo shop with live rankings
	@$(BIN)/laurels demo $(ARGS)

# One failure hides no other: the native tests run whatever became of the rest. Files in the order of their folders:
# those of long tests go first, and the last ones, tests/unit, fill up the workers.
test: setup  ## run the tests (ARGS='-k refund -x' goes to pytest)
	@scripts/chromium
	@scripts/ruby
	@scripts/redis
	@scripts/postgres $(VENV) $(if $(findstring --all,$(ARGS)),all)
	@scripts/nginx $(VENV)
	@scripts/prometheus $(VENV)
	@failed=0; $(TESTING) $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS) || failed=$$?; \
	if [ -z "$(filter-out --all,$(ARGS))" ] && command -v cargo >/dev/null; then \
		$(MAKE) --no-print-directory test-native || failed=$$?; \
	fi; \
	exit $$failed

test-all: setup  ## run the tests, and those that take too long or need what not everybody has
	@scripts/rabbitmq
	@scripts/kafka $(VENV)
	@scripts/ruby all
	@scripts/pgbouncer
	@scripts/debootstrap
	@$(MAKE) --no-print-directory test ARGS='--all $(ARGS)'

test-native: setup  ## run the native leaderboard's own tests, in Rust and through its Python face
	@scripts/cargo-lock
	@cargo test --locked --quiet --manifest-path native/Cargo.toml
	@$(BIN)/pytest --quiet native/tests

models:  ## try every order of threads and memory on the words that processes share, over Loom
	@scripts/cargo-lock
	@RUST_BACKTRACE=0 cargo test --locked --quiet --manifest-path native/Cargo.toml --profile models --features models --test models -- \
		--nocapture --test-threads 1

miri:  ## run the native core's tests that map no file under Miri (SEEDS=0..8)
	@scripts/miri $(SEEDS)

tsan:  ## run the native core's tests of threads under ThreadSanitizer (ARGS=edge:: runs some)
	@scripts/tsan $(ARGS)

check: setup  ## lint, formatting, types and the walls between packages
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

fmt: setup  ## format the code and fix what can be fixed safely
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

bench: setup  ## measure this machine, against bounds and peers in the same run; takes a quarter of an hour
	@$(BIN)/python bench/targets.py $(ARGS)

console-shots: setup  ## pictures of the console's pages in build/shots: both sizes, light and dark; look at them
	@scripts/chromium
	@$(BIN)/python scripts/console-shots.py

demo-shots: setup  ## pictures of the demo shop in build/shots: both sizes, light and dark, both languages; look at them
	@scripts/chromium
	@$(BIN)/python scripts/demo-shots.py

mutants: setup  ## break a copy of the code in known ways; a test must catch each (ARGS=word tries some)
	@$(BIN)/python scripts/mutants $(ARGS)

soak: setup  ## run the long tests that `make test` leaves out (MINUTES=20 SEED=7)
	@scripts/rabbitmq
	@scripts/kafka $(VENV)
	@MINUTES=$(MINUTES) LAURELS_TEST_SEED=$(SEED) $(BIN)/pytest -m soak --timeout=0 $(ARGS)

reference: setup  ## write the reference pages that follow from the code
	@$(BIN)/python scripts/reference
	@$(BIN)/python scripts/architecture

lock: setup  ## pin the newest versions anew (ARGS='-P litestar' moves just that one)
	@scripts/lock $(ARGS)

wheels: setup  ## build what is installed elsewhere, into dist/: one wheel of Laurels, one of the native leaderboard
	@$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@scripts/cargo-lock
	@$(BIN)/maturin build --locked --release --quiet --manifest-path native/Cargo.toml --out dist
	@ls dist/*.whl

clean:  ## throw away the demo's state (laurels-data, demo-data)
	rm -rf laurels-data demo-data
