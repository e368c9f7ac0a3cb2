# Everything a developer or an operator types. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test check story bench chaos soak mutants production audit clients errors lock clean

$(VENV)/.installed: requirements.txt requirements-dev.txt setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one with PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing pinned dependencies into $(VENV) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . 2>/dev/null \
	  || $(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

run: $(VENV)/.installed ## Start everything on this machine: database, Valkey, mock WeChat, web, workers
	@$(BIN)/python -m devtools run

test: $(VENV)/.installed ## Run the whole test suite against real PostgreSQL, Valkey and RQ
	@$(BIN)/pytest

coverage: $(VENV)/.installed ## Run the whole test suite and say how many lines and branches it reaches (at least 92 %)
	@mkdir -p var/coverage
	@$(BIN)/pytest --cov --cov-report=
	@$(BIN)/coverage report --format=total --fail-under=92

check: $(VENV)/.installed ## Lint, formatting, types and import layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

story: $(VENV)/.installed ## Play a story over HTTP (NAME=buying, refund, catalog, court, customs, maternity, cake or all; SHORT=1: fewer people)
	@$(BIN)/python -m devtools story $(NAME) $(if $(SHORT),--short)

bench: $(VENV)/.installed ## Measure the hot paths against PostgreSQL's own limit (ONLY=name,…; ONLY=growth COPIES=5000 takes half an hour)
	@$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY)) $(if $(COPIES),--copies $(COPIES))

chaos: $(VENV)/.installed ## Kill, wipe and break everything under a stream of orders, then prove it (SECONDS=240 ONLY=name,…)
	@$(BIN)/python -m bench.chaos $(if $(SECONDS),--seconds $(SECONDS)) $(if $(ONLY),--only $(ONLY))

mutants: $(VENV)/.installed ## Plant single bugs in value-critical code; the nearest tests must notice 85 % (COUNT=200 SEED=1 MINUTES=90 ONLY=path AGAIN=var/mutants.json)
	@$(BIN)/python -m bench.mutants $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(ONLY),--only $(ONLY)) $(if $(AGAIN),--again $(AGAIN))

soak: $(VENV)/.installed ## Run the long forms: machines, fuzzing, files, attacks, races, chaos (SECONDS=1800 SEED=n ONLY=name,…)
	@$(BIN)/python -m bench.soak $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

production: $(VENV)/.installed ## Build the wheel, install it apart, and play what production asks of it (ONLY=name,…)
	@$(BIN)/python -m tests.production $(if $(ONLY),--only $(ONLY))

clients: $(VENV)/.installed ## Show the mock gateway to an unmodified Node client (needs node and npm)
	@cd tests/mocks/clients && npm ci --silent \
	  && PYTHONPATH=$(CURDIR) node check.js $(CURDIR)/$(BIN)/python -m mocks.wechatpay

audit: $(VENV)/.installed ## Check every invariant on the running database, all of everything
	@$(BIN)/mall audit --full

errors: $(VENV)/.installed ## Write docs/errors.md out of the texts of all refusals
	@$(BIN)/python -m devtools errors

lock: $(VENV)/.installed ## Compile requirements*.in to the pinned files
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --output-file requirements.txt requirements.in
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --output-file requirements-dev.txt requirements-dev.in

clean: ## Remove the demo's data (var/); stop `make run` first
	@rm -rf var
