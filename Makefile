# make demo   set up, then the main job end to end
# make test   set up, then lint, types and the fast tests
# make mlflow the demo's runs in MLflow's pages, on this machine only
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slow lint bench mlflow clean

demo: .venv/.installed
	$(BIN)/synthaug run pipelines/digits.yaml

test: .venv/.tested lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: .venv/.tested
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m slow

lint: .venv/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/.tested
	$(BIN)/python benchmarks/import_cost.py --check
	$(BIN)/python benchmarks/loader.py --check

mlflow: .venv/.installed runs/digits/report.html
	set -a; . mlflow/server.env; exec $(BIN)/mlflow server

runs/digits/report.html: | .venv/.installed
	$(BIN)/synthaug run pipelines/digits.yaml

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "synthaug needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || echo missing). Say which: make demo PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { echo "The module venv is missing or broken: install it (Debian: apt-get install python3-venv), then run make again."; rm -rf .venv; exit 1; }

.venv/.installed: pyproject.toml | .venv/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e . || \
	  { echo "The packages could not be installed: is a package index reachable, and is 7 GB of disk free?"; exit 1; }
	@touch $@

.venv/.tested: pyproject.toml | .venv/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]" || \
	  { echo "The packages could not be installed: is a package index reachable, and is 7 GB of disk free?"; exit 1; }
	@touch $@ .venv/.installed

clean:
	rm -rf .venv runs build dist *.egg-info
