# Footfall: the commands. Everything happens in .venv; nothing is installed outside this folder.
#   make demo    set up, run the whole pipeline on real pixels, open the dashboard
#   make test    set up, check the code, run the tests
#   make check   ruff, mypy, import directions, documents
#   make bench   measure against peers (needs Node)
#   make browser build the browser camera (needs Node)
#   make hosting make the browser camera's folder for Firebase Hosting
#   make lock    renew requirements.lock
#   make clean   remove what the commands above made here

VENV  ?= .venv
BIN   := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY    := $(BIN)/python
NEEDS := pyproject.toml requirements.lock tracker/vision/native/kernels.c tracker/vision/native/build_hook.py
CAMERA := dashboard/browser
FITS  := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

# The first interpreter that is Python 3.11, 3.12 or 3.13 and can make environments; `make PYTHON=... demo` overrides.
PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11 python; do \
	"$$each" -c "$(FITS)" >/dev/null 2>&1 && echo "$$each" && break; done)

DEMO_FLAGS   ?=
PYTEST_FLAGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check bench browser hosting clean lock
.NOTPARALLEL:

help:
	@sed -n '2,10s/^# *//p' Makefile

demo: $(VENV)/.demo
	@$(BIN)/footfall demo $(DEMO_FLAGS)

test: check
	$(PY) -m pytest -n 2 --dist worksteal $(PYTEST_FLAGS)

check: $(VENV)/.dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m pytest -q tests/test_layers.py tests/test_docs.py

bench: $(VENV)/.bench $(CAMERA)/node_modules/.package-lock.json benchmarks/node/node_modules/.package-lock.json
	$(PY) -m benchmarks

browser: $(CAMERA)/dist/files.json

# The page with its networks: no dashboard stands beside it that serves them. Run by 'firebase deploy --only hosting'.
hosting: $(CAMERA)/dist/files.json $(VENV)/.demo
	rm -rf build/hosting
	mkdir -p build
	cp -R $(CAMERA)/dist build/hosting
	$(BIN)/footfall models export all --format tfjs --dtype float16 --out build/hosting/networks

# Written last by the build.
$(CAMERA)/dist/files.json: $(CAMERA)/node_modules/.package-lock.json $(CAMERA)/build.mjs \
  $(shell find $(CAMERA)/src $(CAMERA)/public -type f 2>/dev/null)
	node $(CAMERA)/build.mjs

# Packages of npm run no scripts when they are installed.
%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	@command -v npm >/dev/null 2>&1 || { echo "'make $(MAKECMDGOALS)' needs Node 20.12 or newer and npm, and there is no" \
	  "npm. Debian and Ubuntu: apt install nodejs npm" >&2; exit 1; }
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --prefix $*
	@touch $@

# Renew the pins: the same versions for every platform and Python, no registry address in the file.
lock: $(PY)
	$(PY) -m pip install --quiet uv
	$(PY) -m uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade --quiet \
	  --no-header --no-annotate --no-emit-index-url --output-file requirements.lock
	$(PY) -m uv pip compile pyproject.toml --extra functions --universal --python-version 3.11 --upgrade --quiet \
	  --constraint requirements.lock --no-header --no-annotate --no-emit-index-url --output-file functions/pins.txt

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf $(CAMERA)/dist $(CAMERA)/node_modules benchmarks/node/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.demo: EXTRA := demo
$(VENV)/.dev: EXTRA := dev
$(VENV)/.bench: EXTRA := bench
$(VENV)/.demo $(VENV)/.dev $(VENV)/.bench: $(NEEDS) | $(PY)
	@echo "Installing packages into $(VENV) (first time: a few minutes, about 2 GB with TensorFlow)"
	$(PY) -m pip install --disable-pip-version-check --progress-bar on -c requirements.lock -e '.[$(EXTRA)]'
	@touch $@

$(PY):
	@test -n "$(PYTHON)" || { echo "Footfall needs Python 3.11, 3.12 or 3.13 with venv, and found none." \
	  "Install one (Debian and Ubuntu: apt install python3 python3-venv) or say 'make PYTHON=/path/to/python $(MAKECMDGOALS)'." >&2; exit 1; }
	"$(PYTHON)" -m venv "$(VENV)"
