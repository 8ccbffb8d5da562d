# A fresh Debian machine needs python3 (3.11 or newer), python3-venv, git and make; nothing else.
# The rest is brought into .venv, in the versions that constraints/ holds.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.setup-done
# A second environment with torch, transformers and vLLM for the CPU: half a minute, 2 GB.
MODELS_VENV := .venv-models
MODELS_BIN := $(MODELS_VENV)/bin
MODELS_SETUP := $(MODELS_VENV)/.setup-done

# uv does not read pip's variable: a folder of wheels that the machine offers (with a torch for
# the CPU, say) is to be found by both.
UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
ifneq ($(strip $(UV_FIND_LINKS)),)
export UV_FIND_LINKS
endif
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

TORCH_BACKEND := $(if $(strip $(UV_FIND_LINKS)),,--torch-backend cpu)

.PHONY: help setup demo test check verify lock clean setup-models test-models type-tables
.PHONY: bench bench-grading bench-bigcodebench bench-stats bench-teacher bench-generate
.PHONY: bench-models bench-train bench-board

help:
	@echo 'make setup    .venv with everything that tests need (the other targets do it themselves)'
	@echo 'make demo     grade bundled replies: no download, no GPU, no key'
	@echo 'make test     all tests but those that take hours'
	@echo 'make test-models   what needs torch or vLLM, in .venv-models (2 GB more)'
	@echo 'make bench-models  time the engines: local, generate, vLLM'
	@echo 'make bench-train   time the trainers beside bare loops'
	@echo 'make check    format, lint, types, and who imports whom'
	@echo 'make bench    time grading against the installed evalplus (bench-grading) and the teacher (bench-teacher)'
	@echo 'make bench-generate   rows a second of harness generate, by stage, on 2 cores'
	@echo 'make bench-bigcodebench   the same against the released evaluator of BigCodeBench'
	@echo 'make bench-board   time the leaderboard: 50 and 200 checkpoints, the page in Chromium'
	@echo 'make bench-stats    what intervals and tests promise, and what they keep (docs/statistics.md)'
	@echo 'make verify   what takes hours; writes docs/verified/<date>.md'
	@echo 'make type-tables   write the frozen tables of problem types anew (needs HARNESS_DATA)'
	@echo 'make lock     write constraints/ anew, with the newest versions that fit together'
	@echo 'make clean    remove .venv, caches and builds; runs are kept'

setup: $(SETUP)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Python 3.11 or newer is needed: make setup PYTHON=python3.12' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(SETUP): pyproject.toml constraints/base.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints/base.txt uv
	$(BIN)/uv pip install -q -p $(VENV) -c constraints/base.txt -b constraints/base.txt -e '.[bench,dev,generate]'
	@touch $@

setup-models: $(MODELS_SETUP)

$(MODELS_SETUP): pyproject.toml constraints/train.txt constraints/train-overrides.txt | $(SETUP)
	$(PYTHON) -m venv --clear $(MODELS_VENV)
	$(BIN)/uv pip install -q -p $(MODELS_VENV) $(TORCH_BACKEND) -c constraints/train.txt \
		--override constraints/train-overrides.txt -e '.[bench,dev,generate,train,cpu]'
	@touch $@

test-models: setup-models
	$(MODELS_BIN)/python -m pytest -q -m 'torch or vllm'

bench-models: setup-models
	$(MODELS_BIN)/python -m tests.bench_models

bench-train: setup-models
	$(MODELS_BIN)/python -m tests.bench_training

demo: setup
	$(BIN)/harness eval fake:demo -b sanity

test: setup
	$(BIN)/python -m pytest -q

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/python -m pytest -q tests/test_dependencies.py

bench: bench-grading bench-teacher

bench-grading: setup
	$(BIN)/python -m tests.bench_grading

bench-bigcodebench: setup
	$(BIN)/python -m tests.bench_bigcodebench

bench-board: setup
	$(BIN)/python -m tests.bench_board

bench-stats: setup
	$(BIN)/python -m tests.bench_stats --write

bench-teacher: setup
	$(BIN)/python -m tests.bench_teacher

bench-generate: setup
	$(BIN)/python -m tests.bench_generate

verify: setup
	$(BIN)/python -m tests.verify

type-tables: setup
	$(BIN)/python -m tests.type_tables

# Versions only: no index, no folder, no machine (`+cpu` is a build of torch, not a version of it).
COMPILE := $(BIN)/uv pip compile -q --upgrade --python-version 3.11 \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml

lock: setup
	$(COMPILE) --universal --extra bench --extra dev --extra generate -o constraints/base.txt
	$(COMPILE) --python-platform x86_64-manylinux_2_28 $(TORCH_BACKEND) \
		--override constraints/train-overrides.txt \
		--extra bench --extra dev --extra generate --extra train --extra cpu -o constraints/train.txt
	sed -i 's/+cpu$$//' constraints/train.txt
	@! grep -nE '://|^-|@' constraints/base.txt constraints/train.txt \
		|| { echo 'a constraints file names an address' >&2; exit 1; }

clean:
	rm -rf $(VENV) $(MODELS_VENV) build dist .pytest_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
