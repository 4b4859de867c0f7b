# curate: `make demo` shows it, `make test` checks it, `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SECONDS := 60
SEED := 1
FAULTS := 200
MB := 200

.PHONY: help setup demo test test-bounds test-flink test-engines test-cluster fuzz faults lint types check clean

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.installed ## an environment in .venv with everything in it

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "curate needs Python 3.11 or later: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -qq --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: setup ## the sample crawl through the Llama 3 recipe, into out/demo
	$(BIN)/curate run llama3 --input 'sample_data/crawl/*' --output out/demo --workers 2

test: setup ## every test that needs nothing but Python
	$(BIN)/python -m pytest -q

test-bounds: setup ## the tests of what calls compiled code, with every index checked (three minutes)
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(CURDIR)/$(VENV)/bounds-cache $(BIN)/python -m pytest -q tests/unit

test-flink: setup ## the sample recipe on an embedded Flink; needs Java and Maven (152 MB of jars, fetched once)
	$(BIN)/python -m pytest -q -m flink tests/runners tests/stranger tests/pipelines/dedup

test-engines: setup ## the sample recipe on Prism and an embedded Flink, if they are on this machine; fetches nothing
	CURATE_FETCH=0 $(BIN)/python -m pytest -q -m 'prism or flink' tests/runners

test-cluster: setup ## Flink on two hosts, Prism, Spark, the image; kills hosts; needs root, Java, Maven, Go; MB=200 of pages
	CURATE_CLUSTER_MB=$(MB) $(BIN)/python -m pytest -q -m 'prism or cluster' tests/runners tests/pipelines/test_docs_clusters.py

fuzz: setup ## mutated inputs and recipes for SECONDS=60 with SEED=1; what fails is kept in out/fuzz
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) --seed $(SEED) --keep out/fuzz

faults: setup ## FAULTS random faults (200) over runs of the sample recipe, by SEED
	$(BIN)/python -m tests.faults --faults $(FAULTS) --seed $(SEED)

lint: setup ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy
	$(BIN)/mypy

check: lint types test test-bounds ## what CI runs, and it runs a minute of fuzz and ten faults besides

clean: ## forget the environment and all results
	rm -rf $(VENV) out
