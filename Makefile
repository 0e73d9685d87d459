# Two commands: `make demo` and `make test`. Each sets up what it needs.

PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip install --disable-pip-version-check --constraint ci/constraints.txt --editable
READY := $(VENV)/ready
READY_TO_TEST := $(VENV)/ready-to-test

.PHONY: demo test prove catalogue docs clean

demo: $(READY)
	@$(VENV)/bin/scanproof demo

test: $(READY_TO_TEST)
	@$(VENV)/bin/scanproof prove
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy
	@$(VENV)/bin/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

prove: $(READY)
	@$(VENV)/bin/scanproof prove

# What the repository carries of the proofs; tests compare it with what Lean says.
catalogue: $(READY)
	@$(VENV)/bin/scanproof prove --catalogue python/scanproof/lean/catalogue.json
	@$(VENV)/bin/scanproof theorems --markdown docs/THEOREMS.md

docs: $(READY_TO_TEST)
	@$(VENV)/bin/mkdocs build --strict --config-file ci/mkdocs.yml

clean:
	rm -rf $(VENV)

$(READY): pyproject.toml ci/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "scanproof needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 ...")'
	@echo 'Setting up $(VENV) (PyTorch is large: this takes a few minutes the first time) ...'
	@$(PYTHON) -m venv $(VENV) || { echo 'Could not make a virtual environment; on Debian: apt-get install python3-venv'; exit 1; }
	@$(PIP) '.[cli,wasm,transformers]'
	@touch $@

$(READY_TO_TEST): $(READY)
	@$(PIP) '.[all,docs,dev]'
	@touch $@
