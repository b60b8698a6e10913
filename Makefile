# Everything runs in .venv, which this file makes; nothing is installed elsewhere.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
WARM := $(VENV)/.warm

.PHONY: env warm test check bench demo lock clean

env: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# Kernels are compiled once, on all processors, into the user's cache directory: not in front of the first user.
warm: $(WARM)

$(WARM): $(STAMP) $(wildcard gis/kernels/*.py)
	$(BIN)/python -m gis.warm
	touch $@

test: warm
	$(BIN)/python -m pytest -n 2 --dist loadfile -q -m "not slow and not external"

check: env
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: warm
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	$(BIN)/python -m benchmarks

# The synthetic province on its 1 km grid, zoned, into a workspace that may be thrown away.
demo: warm
	$(BIN)/cozone grid data/demo/inventory.toml --grid data/demo/grid-1km.toml --workspace demo-workspace >/dev/null
	$(BIN)/cozone show latest --workspace demo-workspace --map demo-workspace/demo-co2.png
	$(BIN)/cozone zone latest --workspace demo-workspace
	$(BIN)/cozone report z-latest --workspace demo-workspace --output demo-workspace/review-zh.html --lang zh
	$(BIN)/cozone report z-latest --workspace demo-workspace --output demo-workspace/review-en.html --lang en
	@echo "the map: demo-workspace/demo-co2.png; the review report: demo-workspace/review-en.html"

# New pins, from pyproject.toml, with hashes and without any address.
lock:
	$(PYTHON) -m venv .cache/lock
	.cache/lock/bin/python -m pip install --quiet uv
	.cache/lock/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet --upgrade -o requirements/dev.txt
	.cache/lock/bin/uv pip compile pyproject.toml --extra dev --extra bench -c requirements/dev.txt --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet --upgrade -o requirements/bench.txt
	echo ogctests | .cache/lock/bin/uv pip compile - --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet \
		--upgrade -o requirements/ogctests.txt

clean:
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info
