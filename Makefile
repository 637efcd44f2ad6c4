# `make demo` and `make test` need Python 3.11 or newer. Each creates its own environment
# in this folder, and updates it when the requirements change. Configure package indexes
# and proxies in pip's settings or in `PIP_*` variables.

BACKEND ?= tensorflow
ARGS ?=
PYTEST_ARGS ?=
# Number of processes. Each test file runs in one of them.
PYTEST_WORKERS ?= 2
PYTEST := -m pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder

export TF_CPP_MIN_LOG_LEVEL ?= 2

# The first interpreter that runs and is new enough. A name on the PATH can be a shim
# without an interpreter behind it.
PYTHON ?= $(shell for name in python3.11 python3 python3.12 python3.13; do \
	if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$name; break; fi; done)

REQUIREMENTS := pyproject.toml constraints.txt keras_mra/version.py
TORCH_VERSION := $(shell sed -n 's/^torch==//p' constraints.txt)
TEST_BIN := .venv-test/bin

EXTRA_tensorflow := tensorflow-cpu
EXTRA_jax := jax
EXTRA_torch := torch

.PHONY: help demo test test-tensorflow test-jax test-torch test-shared test-slow \
	test-nightly \
	docs lint format hooks clean

help:
	@echo "make demo [BACKEND=tensorflow|jax|torch] [ARGS=...]  keras-mra demo"
	@echo "make test [PYTEST_ARGS=...]  all tests on three backends, make docs, make lint"
	@echo "make test-tensorflow, test-jax, test-torch  the suite on one backend"
	@echo "make test-shared  the tests that run once: no backend touches them, or all do"
	@echo "make test-slow  soak tests, which make test leaves out"
	@echo "make test-nightly  the suite on three backends with keras-nightly, the next Keras"
	@echo "make docs    builds the documentation into site/, where a warning is an error"
	@echo "make lint    ruff check, ruff format --check, mypy"
	@echo "make format  what ruff can mend by itself"
	@echo "make hooks   pre-commit, for those who change the code"
	@echo "make clean   removes the environments and everything built"

demo: .venv/.installed-$(BACKEND)
	KERAS_BACKEND=$(BACKEND) .venv/bin/keras-mra demo $(ARGS)

test: test-tensorflow test-jax test-torch test-shared docs lint

# What touches tensors runs on each backend. Tests marked `once` are Python that no
# backend touches, or start a process for each backend themselves.
test-tensorflow test-jax test-torch: test-%: .venv-test/.installed
	KERAS_BACKEND=$* $(TEST_BIN)/python $(PYTEST) tests -m "not once and not slow" \
		$(PYTEST_ARGS)

test-shared: .venv-test/.installed
	KERAS_BACKEND=torch $(TEST_BIN)/python $(PYTEST) tests -m "once and not slow" $(PYTEST_ARGS)

test-slow: .venv-test/.installed
	for backend in tensorflow jax torch; do KERAS_BACKEND=$$backend \
		$(TEST_BIN)/python $(PYTEST) tests -m "slow and not once" $(PYTEST_ARGS) \
		|| [ $$? = 5 ] || exit 1; done  # 5: none is slow there
	KERAS_BACKEND=torch $(TEST_BIN)/python $(PYTEST) tests -m "slow and once" \
		$(PYTEST_ARGS)

# An environment of its own, since the next version of Keras has the name of this one.
test-nightly: .venv-nightly/.installed
	for backend in tensorflow jax torch; do KERAS_BACKEND=$$backend \
		.venv-nightly/bin/python $(PYTEST) tests -m "not once and not slow" \
		$(PYTEST_ARGS) || exit 1; done

# mkdocs and its theme print announcements about their successors. They are not errors.
docs: .venv-test/.installed
	NO_MKDOCS_2_WARNING=1 $(TEST_BIN)/mkdocs build --strict

lint: .venv-test/.installed
	$(TEST_BIN)/ruff check
	$(TEST_BIN)/ruff format --check
	$(TEST_BIN)/mypy

format: .venv-test/.installed
	$(TEST_BIN)/ruff check --fix
	$(TEST_BIN)/ruff format

hooks: .venv-test/.installed
	$(TEST_BIN)/pre-commit install

clean:
	rm -rf .venv .venv-test .venv-nightly build dist site .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# There is one stamp per backend, so that another BACKEND adds its packages.
.venv/.installed-$(BACKEND): $(REQUIREMENTS) | .venv/bin/python
	$(if $(EXTRA_$(BACKEND)),,$(error BACKEND must be tensorflow, jax or torch. \
		Received: BACKEND=$(BACKEND)))
	.venv/bin/python -m pip install -c constraints.txt -e ".[cli,$(EXTRA_$(BACKEND))]"
	touch $@

# PyTorch is installed first, alone. Later packages then find it, and have no reason to
# fetch another build. KerasHub comes without its requirements: one is tensorflow-text,
# which would bring another build of TensorFlow, and the tests import none of those that
# are missing. The last line checks the version of PyTorch.
define INSTALL_FOR_TESTS
	$(@D)/bin/python -m pip install torch==$(TORCH_VERSION)
	$(@D)/bin/python -m pip install -c constraints.txt -e ".[dev]"
	$(@D)/bin/python -m pip install -c constraints.txt --no-deps keras-hub
	@found=$$($(@D)/bin/python -c \
		'import importlib.metadata as m; print(m.version("torch"))'); \
	case "$$found" in $(TORCH_VERSION)|$(TORCH_VERSION)+*) ;; *) \
		echo "torch must be $(TORCH_VERSION). Received: $$found" >&2; exit 1;; esac
endef

.venv-test/.installed: $(REQUIREMENTS) | .venv-test/bin/python
	$(INSTALL_FOR_TESTS)
	touch $@

# The nightly versions have the files of keras and keras-hub, and replace them.
.venv-nightly/.installed: $(REQUIREMENTS) | .venv-nightly/bin/python
	$(INSTALL_FOR_TESTS)
	$(@D)/bin/python -m pip uninstall --yes keras keras-hub
	$(@D)/bin/python -m pip install --pre --no-deps --force-reinstall \
		keras-nightly keras-hub-nightly
	touch $@

.venv/bin/python .venv-test/bin/python .venv-nightly/bin/python:
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, as python3.11 or python3 on the PATH" \
			"or as PYTHON=/path/to/python. Received: PYTHON=$(PYTHON)" >&2; exit 1; }
	$(PYTHON) -m venv $(@:/bin/python=) || { rm -rf $(@:/bin/python=); exit 1; }
