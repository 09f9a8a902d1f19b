# Two commands do everything: `make run` and `make test`. Each sets itself up on a machine with Python 3.11+ and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
TESTS  := $(VENV)/.ready-for-tests
UV     := VIRTUAL_ENV=$(VENV) $(BIN)/uv

# No index address of the machine's own pip configuration is needed or changed. Great Expectations must not phone home.
export GX_ANALYTICS_ENABLED := false

.DEFAULT_GOAL := help
.PHONY: help run test light test-heavy mutate fuzz lint format containers strangers bench bench-solver backtest up lock clean

help:             ## this list
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# The lock files are the only description of the environment: requirements-run.lock for a run, requirements.lock with
# what tests, checks and benchmarks need beside that, at the same versions. uv itself is one of the lines: pip fetches that
# line (with its hashes), uv does the rest. pip needs --no-deps because a lock already names every package.
$(READY): requirements-run.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	awk '/^uv==/ {on=1} on {print; if ($$0 !~ /\\$$/) exit}' requirements-run.lock > $(VENV)/uv.lock
	$(BIN)/pip install --quiet --no-deps --require-hashes -r $(VENV)/uv.lock
	$(UV) pip install --quiet --no-deps --require-hashes --compile-bytecode -r requirements-run.lock
	$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -c "from allocation.districting import warm_up; warm_up()" # compiles the solver once, into its cache
	touch $@

$(TESTS): requirements.lock $(READY)
	$(UV) pip install --quiet --no-deps --require-hashes --compile-bytecode -r requirements.lock
	touch $@

run: $(READY)     ## the whole pipeline through Airflow (in-process) on the embedded example, published to var/
	$(BIN)/python dags/run_in_process.py

test: $(TESTS)    ## every test but the heaviest, and the checks of `make lint`
	$(MAKE) --no-print-directory -j 2 lint light

# In the order of the folders: DAGs and whole runs come first, so that no worker is left alone with them at the end.
light: $(TESTS)
	$(BIN)/pytest -m "not heavy" -n 2 --dist loadfile --no-loadscope-reorder

# The longest file first, the kill series of the store: begun last it would run alone for a quarter of an hour.
LATER := $(filter-out tests/integration/ tests/__pycache__/, $(wildcard tests/*/ tests/test_*.py))

# Every file with a property of which `make light` tries a few examples only.
DRAWN := $(shell grep -lE 'support.examples|CASELOAD_FUZZ_EXAMPLES' tests/property/test_*.py tests/unit/*/test_*.py)

test-heavy: $(TESTS) ## the tests that take minutes: real Airflow components, scale, kill series; more of what is drawn at random
	$(BIN)/pytest -m heavy -n 2 --dist loadfile --no-loadscope-reorder tests/integration $(LATER)
	CASELOAD_FUZZ_EXAMPLES=25 $(BIN)/pytest -m "not heavy" $(DRAWN) -n 2

mutate: $(TESTS)  ## plants faults one by one and prints those that no unit test finds: a sample (ROOMS=, SAMPLE=, SEED=)
	$(BIN)/python -m tests.mutation $(ROOMS) --sample $(or $(SAMPLE),40) --seed $(or $(SEED),1)

fuzz: $(TESTS)    ## the fuzzers of input folders, boundary files and bare instances, with fresh seeds until the time is up (MINUTES=60)
	$(BIN)/python -m tests.property $(MINUTES)

containers: $(TESTS) ## docker-compose.yml started for real (root, Debian with podman, runc, netavark, iptables, mmdebstrap)
	$(BIN)/python -m tests.containers.harness

strangers: $(TESTS) ## a fresh clone on a bare Debian machine in a container: TARGET=run (default) or test
	$(BIN)/python -m tests.containers.bare $(or $(TARGET),run)

lint: $(TESTS)    ## ruff, mypy (strict), import directions
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(TESTS)   ## the figures of docs/measured.md: wall time and memory of a run and its steps, store, boundaries, page
	$(BIN)/python -m tests.benchmarks.run --airflow
	$(BIN)/python -m tests.benchmarks.commands
	$(BIN)/python -m tests.benchmarks.store
	$(BIN)/python -m tests.benchmarks.boundaries
	test -e var/caseload.sqlite || $(MAKE) --no-print-directory run
	$(BIN)/python -m tests.benchmarks.page var

bench-solver: $(TESTS) ## the districting engine beside its peers; writes docs/benchmarks.md
	$(BIN)/python -m tests.benchmarks.solver

backtest: $(TESTS) ## the demand estimate against the held-out last year; writes the table in docs/demand.md
	$(BIN)/python -m allocation.demand.backtest

up: $(READY)      ## the planners' page on the embedded example, and Airflow beside it
	test -e var/caseload.sqlite || $(MAKE) --no-print-directory run
	$(BIN)/python dags/standalone.py

COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile pyproject.toml --quiet --universal --generate-hashes \
	--no-emit-index-url --no-emit-find-links --python-version 3.11

# The image starts from the versions of a run and changes what its own packages force.
lock: $(READY)    ## write the three lock files anew from pyproject.toml
	$(COMPILE) --extra setup --extra dev --extra bench -o requirements.lock
	$(COMPILE) --extra setup --constraint requirements.lock -o requirements-run.lock
	cp requirements-run.lock docker/requirements.lock
	$(COMPILE) --extra setup --extra image -o docker/requirements.lock

clean:            ## remove everything that was made: runs, store, environment
	rm -rf var $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
