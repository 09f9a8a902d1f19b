# Two commands do everything: `make run` and `make test`. Each sets itself up on a machine with Python 3.11+ and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

export GX_ANALYTICS_ENABLED := false

.DEFAULT_GOAL := help
.PHONY: help run test test-heavy lint bench lock clean

help:             ## this list
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

# The lock file is the only description of the environment. uv itself is one of its lines: pip fetches that line
# (with its hashes), uv does the rest. pip needs --no-deps because the lock already names every package.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	awk '/^uv==/ {on=1} on {print; if ($$0 !~ /\\$$/) exit}' requirements.lock > $(VENV)/uv.lock
	$(BIN)/pip install --quiet --no-deps --require-hashes -r $(VENV)/uv.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --require-hashes --compile-bytecode -r requirements.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

lock:             ## write requirements.lock anew from pyproject.toml
lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --quiet --all-extras --universal --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --python-version 3.11 -o requirements.lock
