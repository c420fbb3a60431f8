# `make help` lists the targets; what is not listed there is not supported.
# Every target first brings this machine up to date (devhost/install.py, 0.2 s when nothing is to do); needs root.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help fmt lint types imports gen gen-check verbs test bench demo run clean

SYSTEM_PYTHON := /usr/bin/python3
IN_ENVIRONMENT := @$(SYSTEM_PYTHON) -m devhost.install --
PYTEST_ARGS ?= -n auto --maxprocesses=4 --dist=loadfile

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

$(SYSTEM_PYTHON):
	@echo "installing python3"
	@apt-get -qq update
	@DEBIAN_FRONTEND=noninteractive apt-get -qq --yes --no-install-recommends install python3 </dev/null >/dev/null

fmt: | $(SYSTEM_PYTHON) ## format the code and mend what can be mended by itself
	$(IN_ENVIRONMENT) ruff format .
	$(IN_ENVIRONMENT) ruff check --fix .

lint: | $(SYSTEM_PYTHON) ## check form and style rules
	$(IN_ENVIRONMENT) ruff format --check .
	$(IN_ENVIRONMENT) ruff check .

types: | $(SYSTEM_PYTHON) ## check types (mypy, strict)
	$(IN_ENVIRONMENT) mypy

imports: | $(SYSTEM_PYTHON) ## check that imports go one way
	$(IN_ENVIRONMENT) lint-imports

gen: | $(SYSTEM_PYTHON) ## make models, OpenRPC document and reference pages from api/
	$(IN_ENVIRONMENT) python -m api.generate

gen-check: | $(SYSTEM_PYTHON) ## fail if what `make gen` makes is stale
	$(IN_ENVIRONMENT) python -m api.generate --check

verbs: | $(SYSTEM_PYTHON) ## print how many verbs of the API are implemented
	$(IN_ENVIRONMENT) python -m api.verbs

test: gen-check lint types imports ## all of the checks above, then every test
	$(IN_ENVIRONMENT) python -m pytest $(PYTEST_ARGS)

bench: | $(SYSTEM_PYTHON) ## measure, beside the peers of docs/performance.md
	$(IN_ENVIRONMENT) python -m tests.perf

demo: | $(SYSTEM_PYTHON) ## a real VM from its creation to its end, in a minute
	$(IN_ENVIRONMENT) python -m devhost.demo

run: | $(SYSTEM_PYTHON) ## both daemons in the foreground on the loopback (VDSM_PORT, default 54321)
	$(IN_ENVIRONMENT) python -m devhost.run

clean: | $(SYSTEM_PYTHON) ## end what is left running and remove all that was made for this clone
	@$(SYSTEM_PYTHON) -m devhost.clean
