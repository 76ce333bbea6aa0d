# Everything here starts from a clean clone: the first target that needs the environment makes it.
#
#   make demo           trains the contract reviewer against its judge and writes the report (runs/demo)
#   make demo-quick     the same stages in minutes, with toy models: shows that it works, proves nothing
#   make demo-full      measures the judge anew, trains with three seeds, pools them (runs/demo-full)
#   make test           the tests, with a real small judge
#   make lint fix       what CI checks besides the tests; what can be mended by a tool
#   make docs bench     the manual as HTML (docs/_build/html); speed
#   make bench-peers    speed beside other packages' judges, each in an environment of its own (some 2 GB)
#   make conformance    every adapter against its trainer, each in an environment of its own (some 13 GB)
#   make failed-judgments          what a judge that fails at 5 % does in each trainer, as a table, of those environments that are made
#   make conformance-verifiers     makes the environment of one of them (conformance/requirements has the names)
#   make soak           the reward server asked for 30 minutes, while one client in ten hangs up; MINUTES=2 for a short one
#   make clean          removes the environment and what was built; runs/ and the models stay
#
#   BUDGET_MINUTES=15   scales a demo's training;  PYTEST_ARGS="-k fence" chooses tests

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The first Python that is new enough and can make an environment; `make PYTHON=...` names another.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

BIN := .venv/bin
DIKAST := $(BIN)/dikast
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check

MINUTES ?= 30

EXAMPLE := examples/contract_review
POLICY := smollm2-135m-instruct
JUDGE := qwen2.5-coder-1.5b-instruct-q4
SMALL_JUDGE := qwen2.5-coder-0.5b-instruct-q4
TRAIN_OPTIONS := $(if $(BUDGET_MINUTES),--budget-minutes $(BUDGET_MINUTES))

.PHONY: help demo demo-quick demo-full test lint fix docs bench bench-peers conformance failed-judgments soak clean

help:
	@sed -n 's/^#   \(make .*\)/\1/p' Makefile

demo: .venv/.runtime
	@$(DIKAST) models pull $(POLICY) $(JUDGE)
	@$(DIKAST) train $(EXAMPLE)/run.yaml -o runs/demo $(TRAIN_OPTIONS)

demo-quick: .venv/.runtime
	@$(DIKAST) models pull $(SMALL_JUDGE)
	@$(DIKAST) train $(EXAMPLE)/quick.yaml -o runs/demo-quick --uncertified \
		--banner "Toy models and an uncertified judge: this shows that every stage runs, and is no evidence of anything." \
		$(TRAIN_OPTIONS)

demo-full: .venv/.runtime
	@$(DIKAST) models pull $(POLICY) $(JUDGE)
	@mkdir -p runs
	@$(DIKAST) certify $(EXAMPLE)/reward.yaml $(EXAMPLE)/data/labels.jsonl -o runs/demo-full.certificate.json
	@for seed in 0 1 2; do \
		$(DIKAST) train $(EXAMPLE)/full.yaml --seed $$seed -o runs/demo-full-s$$seed \
			--certificate runs/demo-full.certificate.json $(TRAIN_OPTIONS) || exit $$?; \
	done
	@$(DIKAST) eval runs/demo-full-s0 runs/demo-full-s1 runs/demo-full-s2 -o runs/demo-full

test: .venv/.dev
	@$(DIKAST) models pull $(SMALL_JUDGE)
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: .venv/.dev
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright
	@$(BIN)/lint-imports --no-logo

fix: .venv/.dev
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

docs: .venv/.docs
	@$(BIN)/sphinx-build -W --keep-going -q docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: .venv/.dev
	@$(BIN)/python bench/run.py

bench-peers: .venv/.dev
	@$(BIN)/python bench/run.py peers/run.py

conformance: .venv/.dev
	@$(BIN)/python bench/environments.py conformance
	@$(BIN)/python -m pytest tests/conformance tests/docs/test_trainers.py tests/docs/test_trainers_more.py $(PYTEST_ARGS)

failed-judgments: .venv/.dev
	@PYTHONPATH=bench $(BIN)/python tests/conformance/failed_judgments.py

conformance-%: .venv/.dev
	@$(BIN)/python bench/environments.py conformance $*

soak: .venv/.dev
	@$(BIN)/python bench/soak.py --minutes $(MINUTES)

clean:
	@rm -rf .venv bench/peers/.environments conformance/.environments docs/_build build dist src/*.egg-info .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find src tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment, in layers. A stamp is newer than the pins that it was made from; the last step makes it,
# so what was cut short is done again.
.venv/.runtime: requirements/all.txt requirements/aws.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer with venv was found;" \
		"install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "setting up .venv (the first time takes some minutes)"
	@$(PYTHON) -m venv .venv
	@$(PIP_INSTALL) -r requirements/all.txt
	@$(PIP_INSTALL) --no-deps -e .
	@touch $@

.venv/.dev: requirements/dev.txt requirements/vendor.txt .venv/.runtime
	@$(PIP_INSTALL) -r requirements/dev.txt
	@$(PIP_INSTALL) --no-deps -r requirements/vendor.txt
	@touch $@

.venv/.docs: requirements/docs.txt .venv/.runtime
	@$(PIP_INSTALL) -r requirements/docs.txt
	@touch $@
