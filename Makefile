# `make run` serves the product with live data, `make test` proves it. Both set up what they need.
PY := .venv/bin/python

.PHONY: setup run test lint fmt lock

setup: ## Everything run, test and lint need; a second call is free.
	@sh retailhub/local/setup.sh dev

run: ## The whole product on http://127.0.0.1:8000 (HOST and PORT move it); ctrl-C stops it.
	@sh retailhub/local/setup.sh run
	@exec $(PY) -m retailhub.local run --leave-with-parent

test: setup ## All tests, against servers of their own. Narrow it with ARGS="tests/orders -k promise".
	@exec $(PY) -m retailhub.local exec --ephemeral -- $(PY) -m pytest -n 2 $(ARGS)

lint: setup ## What a change must pass besides its tests.
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m retailhub.local exec --ephemeral -- $(PY) manage.py makemigrations --check --dry-run

fmt: setup ## Formats, and repairs what can be repaired without thinking.
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

lock: ## Pins every dependency by hash; needs uv. The files name no index.
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    pyproject.toml --extra embedded --output-file requirements/run.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    pyproject.toml --extra embedded --extra dev --constraint requirements/run.txt --output-file requirements/dev.txt
