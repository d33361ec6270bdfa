# Each target does all of its own set-up: a virtual environment with pinned and hashed packages.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Compiled once, whatever the environment says: each of the hundreds of processes that the tests start would compile anew.
export PYTHONDONTWRITEBYTECODE :=

# Where tests put their databases, hundreds of them: in memory where it has four gigabytes free, for no test is of a disk.
SCRATCH = $(or $(TMPDIR),$(shell df -Pk /dev/shm 2>/dev/null | awk '$$4 > 4194304 {enough = NR > 1} END {print enough ? "/dev/shm" : "/tmp"}'))
test quick: export TMPDIR := $(SCRATCH)

.PHONY: help demo test check quick drills format lock clean speech-model

help: ## list the targets
	@grep -hE '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(VENV)/run ## the founding case, played out on a Telegram of our own (ARGS=--serve keeps it up)
	@$(BIN)/earshot demo $(ARGS)

test: $(VENV)/dev check ## everything: checks, then the whole suite on SQLite and PostgreSQL
	$(BIN)/pytest -n 3 --dist worksteal

check: $(VENV)/dev ## format, lint, types, import contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

quick: $(VENV)/dev ## the fast half of the suite
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow" --hypothesis-profile=quick -q

format: $(VENV)/dev ## format the code, sort imports
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

speech-model: ## make the small speech model and its recordings again (hours; needs Debian's libespeak-ng1)
	$(PYTHON) -m venv .venv-speech
	.venv-speech/bin/pip install -q -r tools/speech_model/requirements.txt
	mkdir -p build/speech
	.venv-speech/bin/pip download -q --no-deps --no-binary :all: -d build/speech openai-whisper==20250625
	.venv-speech/bin/python -m tools.speech_model.tokenizer build/speech/openai_whisper-*.tar.gz build/speech/tokenizer.json
	.venv-speech/bin/python -m tools.speech_model.synthesise build/speech/shards
	.venv-speech/bin/python -m tools.speech_model.train build/speech/shards build/speech/tokenizer.json build/speech/checkpoint.pt
	.venv-speech/bin/python -m tools.speech_model.export build/speech/checkpoint.pt build/speech/tokenizer.json build/speech/model
	.venv-speech/bin/python -m tools.speech_model.make_recordings build/speech/recordings

drills: $(VENV)/dev ## every fault at every step, 500 random runs and the table of docs/reliability.md (SEED=7 repeats one run)
ifdef SEED
	DRILLS=all SEED=$(SEED) $(BIN)/pytest tests/drills/test_random.py -q
else
	DRILLS=all $(BIN)/pytest tests/drills tests/e2e tests/speech/test_recordings.py tests/store/test_faults.py tests/store/test_newest.py tests/telegram/test_fleet.py tests/telegram/test_feed.py tests/speech/test_speech_commands.py tests/speech/test_random_whisper.py -n 2 --dist load -q
	$(BIN)/python -m tests.drills.table
endif

bench-%: $(VENV)/dev ## run benchmarks/NAME.py (ARGS=--quick for a short one)
	@$(BIN)/python -m benchmarks.$* $(ARGS)

lock: $(VENV)/dev ## pin and hash the requirements anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --group build $(LOCK) -o requirements/run.txt
	$(BIN)/uv pip compile pyproject.toml --group build --group dev $(LOCK) -c requirements/run.txt -o requirements/dev.txt

LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header -q

clean: ## remove the environment and all caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find bot tests benchmarks tools -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Earshot needs Python 3.11 or newer; '$(PYTHON)' is older. Name another one: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing: apt install python3-venv"; rm -rf $(VENV); exit 1; }

$(VENV)/run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "Setting up (once): pinned packages into $(VENV)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/run
	@echo "Setting up (once): packages for tests and checks"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --require-hashes -r requirements/dev.txt
	@touch $@
