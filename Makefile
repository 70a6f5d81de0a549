# `make demo` and `make test` create .venv at their first use.

PYTHON ?= $(firstword $(foreach p,python3 python3.11 python3.12 python3.13 python3.14,$(shell $(p) -c \
	'import sys; print("$(p)" if (3, 11) <= sys.version_info[:2] <= (3, 14) else "")' 2>/dev/null)))
BIN := .venv/bin
CONSTRAINTS ?= constraints.txt
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test test-quick test-postgresql docs docs-links lint types imports check bench gpu-check clean

demo: .venv/installed
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

test: .venv/installed-dev
	$(BIN)/pytest -n auto -m "not gpu"

# All tests except those that train, compile or take more than 5 seconds.
test-quick: .venv/installed-dev
	$(BIN)/pytest -n auto -m "not gpu and not slow"

# The store's tests on SQLite and on a temporary PostgreSQL server.
test-postgresql: .venv/installed-dev
	tests/postgresql.sh $(BIN)/pytest -n auto tests/test_store*.py

# The manual, from docs/ and the docstrings: build/docs/index.html. A warning is an error. The tests compare it with the
# program: names, options, columns, links.
docs: .venv/installed-dev
	$(BIN)/python -m sphinx -q -W --keep-going docs build/docs
	MULL_TEST_MANUAL=build/docs $(BIN)/pytest -q tests/test_manual.py

# The links of the manual to other sites: needs a network.
docs-links: .venv/installed-dev
	$(BIN)/python -m sphinx -q -b linkcheck docs build/docs-links

check: test docs lint types imports

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed-dev
	$(BIN)/mypy
	$(BIN)/mypy tests benchmarks docs/extension

imports: .venv/installed-dev
	$(BIN)/lint-imports

bench: .venv/installed
	$(BIN)/python benchmarks/run.py $(DATA)

# For a machine with a GPU, whose python3 has torch, pytest and the dependencies of mull. Nothing is downloaded.
# The package is built into build/gpu, because solvers are found by their installed entry points.
gpu-check:
	rm -rf build/gpu
	python3 -m pip install --quiet --no-index --no-deps --no-build-isolation --target build/gpu .
	PYTHONPATH=build/gpu$${PYTHONPATH:+:$$PYTHONPATH} python3 -m pytest -m gpu $$(grep -l 'mark\.gpu' tests/test_*.py)

.venv/installed: pyproject.toml $(CONSTRAINTS)
	@test -n "$(PYTHON)" || { echo "mull needs Python 3.11 to 3.14: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "installing mull with PyTorch, OR-Tools and 40 smaller packages into .venv: a few minutes;"
	@echo "about 2 GB on disk, several more if pip chooses PyTorch with CUDA (Linux)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install "pip>=25.1"
	@$(PIP) install --constraint $(CONSTRAINTS) --editable '.[words]'
	@touch $@

.venv/installed-dev: .venv/installed
	@echo "installing pytest, mypy, ruff and the other test dependencies into .venv"
	@$(PIP) install --constraint $(CONSTRAINTS) --group dev
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
