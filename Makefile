# Every target sets up what it needs: a virtual environment in .venv, made anew when the
# dependencies change.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
# Three for each processor: many tests wait for an engine or for a frame.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) \* 3)
READY := .venv/ready

# The native core is optional: where cargo is not installed, everything runs and is tested without it.
CARGO := $(shell command -v cargo)
NATIVE := .venv/native
CRATE := tui/native

.PHONY: demo test test-fast mutants fuzz check bench native pictures manpage site clean

demo: $(READY)
	$(BIN)/layertui demo

test: $(READY) $(if $(CARGO),$(NATIVE))
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(TESTS)

# No root, no program beside Python, nothing slow.
test-fast: $(READY) $(if $(CARGO),$(NATIVE))
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not slow and not engine and not root" $(TESTS)

# Deliberate faults, each of which has to make a test fail; all of them only as root.
mutants: $(READY)
	$(BIN)/python -m tests.mutants $(FAULTS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(if $(CARGO),cargo fmt --manifest-path $(CRATE)/Cargo.toml --check)
	$(if $(CARGO),cargo clippy --quiet --locked --manifest-path $(CRATE)/Cargo.toml -- --deny warnings)

# Random inputs for everything that reads bytes from outside: make fuzz FUZZ="60 tar registry".
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz $(FUZZ)

# Against all other tools that are installed, or make bench PEERS="dive bsdtar" (docs/benchmark-howto.md).
bench: $(READY) $(if $(CARGO),$(NATIVE))
	$(BIN)/python -m tests.bench $(if $(PEERS),--peers "$(PEERS)")

# Needs cargo.
native: $(NATIVE)

# Those of the sample; make pictures IMAGES=orders.tar draws all (docs/pictures/orders/build makes it).
pictures: $(READY)
	$(BIN)/python docs/pictures.py $(IMAGES)

# docs/layertui.1, from the help, and the actions in docs/settings.md, from the bindings.
manpage: $(READY)
	$(BIN)/python docs/manpage.py
	$(BIN)/python docs/actions.py

# The documentation as a site, in site/.
site: $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[docs]'
	$(BIN)/mkdocs build

clean:
	rm -rf .venv dist site snapshot_report.html $(CRATE)/target

$(NATIVE): $(READY) $(wildcard $(CRATE)/src/*.rs $(CRATE)/*.toml $(CRATE)/Cargo.lock)
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/maturin develop --quiet --release --locked --manifest-path $(CRATE)/Cargo.toml
	@touch $@

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "layertui needs Python 3.11 or newer"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
