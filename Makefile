# `make` lists the targets. Everything is installed into .venv; the system's Python is only read.

PYTHON ?= python3
SECONDS ?= 60
VENV := .venv
BIN := $(VENV)/bin
RUNTIME_INSTALLED := $(VENV)/.runtime-installed
EXAMPLES_INSTALLED := $(VENV)/.examples-installed
DEVELOPMENT_INSTALLED := $(VENV)/.development-installed
FUZZING_INSTALLED := $(VENV)/.fuzzing-installed
BROWSER_INSTALLED := $(VENV)/.browser-installed
AGENTDUET_INSTALLED := $(VENV)/.agentduet-installed
CHROMIUM := chromium
# One more than there are cores: many tests wait for real time, or for a process.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
QUIETLY := --quiet --disable-pip-version-check
INSTALL := $(BIN)/python -m pip install $(QUIETLY)

# Hundreds of processes of the tests import the same modules: they are compiled once, whatever the
# environment says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo talk test quick lint types collect unit coverage docs compat fuzz bench memory soak chaos \
	browser pictures format speech clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(RUNTIME_INSTALLED) ## Run the five call flows against the simulator; WAVs go to demo-output/
	$(BIN)/python -m trio_calls demo

talk: $(EXAMPLES_INSTALLED) ## Let a caller who speaks talk with a receptionist; the recording goes to talk-output/
	rm -rf talk-output
	$(BIN)/python -m examples.receptionist --simulate
	for call in talk-output/*.jsonl; do $(BIN)/trio-calls timeline $$call; done

test: lint ## Run everything that has to pass: linters, types, tests, docs
	@# Of these each keeps one core busy.
	$(MAKE) --no-print-directory --jobs 2 types docs collect
	$(MAKE) --no-print-directory unit

# The tests of the rooms that change most, without those that take long: on one transport, and what is
# the same on both wires on the first.
QUICK := $(addprefix tests/,audio call client simulator vocabulary wire)
quick: $(DEVELOPMENT_INSTALLED) ## Check style and run the quickest half of the tests, in half a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	TRIO_CALLS_ALL_PAIRS=yes $(BIN)/python -m pytest $(QUICK) -m 'not slow' \
		-k 'not trio-websocket and not second-websockets' \
		--numprocesses auto --dist worksteal

lint: $(DEVELOPMENT_INSTALLED) ## Check style, formatting, spelling and the layers' imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/lint-imports

types: $(DEVELOPMENT_INSTALLED) ## Check the types
	$(BIN)/mypy

# All workers collect all tests: this compiles them once. What is wrong with them, `unit` says.
collect: $(DEVELOPMENT_INSTALLED)
	-@$(BIN)/python -m pytest --collect-only --quiet > /dev/null

unit: $(BROWSER_INSTALLED) $(AGENTDUET_INSTALLED) ## Run the tests
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

coverage: $(DEVELOPMENT_INSTALLED) ## Run the tests and measure branch coverage, which makes them take three times as long
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --numprocesses auto --dist worksteal
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

browser: $(BROWSER_INSTALLED) ## Run the tests of the phone's page, in the system's Chromium
	TRIO_CALLS_REQUIRE=chromium $(BIN)/python -m pytest tests/browser

pictures: $(BROWSER_INSTALLED) ## Make the documentation's pictures of the phone's page again
	TRIO_CALLS_REQUIRE=chromium TRIO_CALLS_PICTURES=yes $(BIN)/python -m pytest tests/browser/test_page_looks.py

docs: $(DEVELOPMENT_INSTALLED) ## Build the documentation into docs/_build, and list its links to elsewhere there
	$(BIN)/sphinx-build -W --keep-going docs docs/_build

compat: $(DEVELOPMENT_INSTALLED) ## Run the tests on each Python found here, and with the lowest versions allowed
	$(INSTALL) --editable '.[compat]'
	$(BIN)/python -m tests.compatibility $(ARGS)

fuzz: $(FUZZING_INSTALLED) ## Look for input that breaks what comes over the wire; SECONDS=60 each
	$(BIN)/python -m fuzz codec --seconds $(SECONDS)
	$(BIN)/python -m fuzz documents --seconds $(SECONDS)
	$(BIN)/python -m fuzz call_protocol --seconds $(SECONDS)
	$(BIN)/python -m fuzz audio_frames --seconds $(SECONDS)

bench: $(DEVELOPMENT_INSTALLED) ## Measure what calls cost, beside the official client; ARGS=--quick, ARGS=--voice
	$(BIN)/python -m benchmarks.run $(ARGS)

memory: $(DEVELOPMENT_INSTALLED) ## Measure what calls cost in memory, and that they give it back
	$(BIN)/python -m benchmarks.memory $(ARGS)

soak: SECONDS = 600
soak: SEED = 1
soak: $(DEVELOPMENT_INSTALLED) ## Ten minutes of calls in which things go wrong; SECONDS=30 SEED=7 ARGS="--at-once 5"
	$(BIN)/python -m benchmarks.soak --seconds $(SECONDS) --seed $(SEED) $(ARGS)

chaos: SECONDS = 600
chaos: SEED = 1
chaos: $(DEVELOPMENT_INSTALLED) ## Ten minutes of kill -9, of workers, a dispatcher and Redis; ARGS="--wire second"
	$(BIN)/python -m benchmarks.fleet.chaos --seconds $(SECONDS) --seed $(SEED) $(ARGS)

format: $(DEVELOPMENT_INSTALLED) ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

speech: ## Synthesize examples/speech again (needs espeak-ng and sox)
	examples/speech/make_speech.sh

clean: ## Remove everything that was made or installed here
	rm -rf $(VENV) build dist demo-output talk-output trio-calls-failures docs/_build htmlcov
	rm -rf .coverage .coverage.* fuzz/corpus fuzz/crashes
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find trio_calls tests examples docs fuzz -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment whose Python has been upgraded away looks up to date, and is not.
ifneq ($(shell test -x $(BIN)/python && echo present),present)
.PHONY: $(RUNTIME_INSTALLED)
endif

# The environment is made from nothing, so that it never keeps what pyproject.toml no longer names.
# Debian's python3 may come without ensurepip. Its pip then installs one into the environment.
$(RUNTIME_INSTALLED): pyproject.toml trio_calls/_version.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "trio-calls needs Python 3.11 or newer, and '$(PYTHON)' is not that." \
			"Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Installing into $(VENV); this takes a moment."
	@$(PYTHON) -m venv --clear $(VENV) > /dev/null 2>&1 || { \
		$(PYTHON) -m venv --clear --without-pip $(VENV) && \
		$(PYTHON) -m pip --python $(BIN)/python install $(QUIETLY) pip; }
	$(INSTALL) --editable '.[cli]'
	@touch $@

$(EXAMPLES_INSTALLED): $(RUNTIME_INSTALLED)
	$(INSTALL) --editable '.[examples]'
	@touch $@

$(DEVELOPMENT_INSTALLED): $(RUNTIME_INSTALLED)
	$(INSTALL) --editable '.[dev]'
	@touch $@

# Only where there is a browser to drive. Where this cannot be installed the tests of the phone's page
# are skipped, and say so.
$(BROWSER_INSTALLED): $(DEVELOPMENT_INSTALLED)
	@if command -v $(CHROMIUM) > /dev/null; then \
		$(INSTALL) --only-binary playwright,greenlet --editable '.[browser]' && touch $@ || \
			echo "Playwright could not be installed: the phone's page is not tested." >&2; \
	else echo "There is no Chromium here: the phone's page is not tested."; fi

# The vendor's newer client, away from everything else, for tests to talk to. This version and no other:
# later ones have another licence. It asks for Python 3.12, and does on 3.11 what it has to do here.
$(AGENTDUET_INSTALLED): $(DEVELOPMENT_INSTALLED)
	@$(INSTALL) --target $(VENV)/agentduet --upgrade --ignore-requires-python agentduet==1.0.0b8 && \
		touch $@ || echo "agentduet could not be installed: nothing is tested with it." >&2

# A wheel or nothing: to build atheris takes a Clang of its own, and most of an hour.
$(FUZZING_INSTALLED): $(RUNTIME_INSTALLED)
	@$(INSTALL) --only-binary atheris --editable '.[fuzz]' || { \
		echo "'make fuzz' needs atheris 3, which could not be installed. It has wheels for some" \
			"platforms only, CPython on Linux among them. The same properties are checked" \
			"without it by tests/fuzz/test_fuzz_properties.py." >&2; exit 1; }
	@touch $@
