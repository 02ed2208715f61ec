# SPDX-License-Identifier: Apache-2.0
# check: everything but the virtual machines; check-vm: those.  Both make the environment that they need.
# fuzz: hostile bytes for SECONDS, and hostile text in every field, each way; what is found is in FOUND.
# docs: write what is made from the renderers' and the sources' declarations.  bench: measure, and write the page of the results.
# reliability: have each system call of a boot killed, cut and failed, and the power of whole machines cut, and write the
# page of what came of it (hours).
PYTHON ?= python3
VENV := .venv
TOOLS := $(VENV)/made
TESTS ?= tests

.PHONY: check check-vm check-pythons bench fuzz reliability docs clean

check: $(TOOLS)
	$(VENV)/bin/python -m pytest -q -n auto $(TESTS)

check-vm: $(TOOLS)
	$(VENV)/bin/python -m pytest -q -p no:cacheprovider -o addopts= -n auto tests/vm

bench: $(TOOLS)
	$(VENV)/bin/python -m tests.bench

SECONDS ?= 3600
FOUND ?= build/fuzz
fuzz: $(TOOLS)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check atheris  # it has no wheels for some of the Pythons
	mkdir -p $(FOUND)
	HOSTILE=1 $(VENV)/bin/python -m pytest -q -n auto tests/test_hostile.py
	$(VENV)/bin/python -m tests.fuzz $(SECONDS) $(FOUND)

reliability: $(TOOLS)
	$(VENV)/bin/python -m tests.reliability $(or $(EVERY),1) $(or $(CUTS),50)

docs:
	$(PYTHON) -m tests.backends_table > docs/backends.rst
	$(PYTHON) -m tests.sources_table

# The tests under each Python that is named, but for those that ask linters, daemons and manuals about our output:
# make check-pythons PYTHONS="python3.9 /opt/python3.13/bin/python3"
PYTHONS ?= $(PYTHON)
JUDGES := tests/test_element.py tests/test_fuzz.py tests/test_linters.py tests/test_openrc.py tests/test_readers% tests/test_renderers_%
PORTABLE ?= $(filter-out $(JUDGES),$(wildcard tests/test_*.py))
check-pythons:
	set -e; export EXAMPLES=15 HOSTILE=199; for python in $(PYTHONS); do $(MAKE) check PYTHON=$$python VENV=.venv-$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])') TESTS="$(PORTABLE)"; done

$(TOOLS): setup.py
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

clean:
	rm -rf .venv .venv-* build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
