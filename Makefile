# make run       installs, fetches the default model and asks it a question
# make test      installs and tests with SmolLM2 and made-up models
# make test-all  adds the larger real models, transformers, llama.cpp and other people's clients
# make test-clients  drives other people's clients alone; RECORD=--record dates them in docs/compatibility.json
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
NATIVE = CMakeLists.txt pyproject.toml $(wildcard native/*.cpp native/*.h native/kernels/*)

CLIENTS = build/clients

.PHONY: run test test-all test-clients lint native-test asan-test arm-test clean

run: $(VENV)/.installed
	$(BIN)/galop run --yes --temperature 0 "Write a Python function is_prime(n), in as few lines as you can, and nothing else."

test: $(VENV)/.browser lint native-test
	$(BIN)/python -m pytest -m "not large and not oracle and not clients"

test-all: $(VENV)/.oracle $(VENV)/.browser $(CLIENTS)/.installed lint native-test asan-test arm-test
	$(BIN)/python -m pytest

test-clients: $(VENV)/.tested $(CLIENTS)/.installed
	$(BIN)/python -m pytest -m clients $(RECORD)

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Every kernel of every instruction set of this machine against the portable one.
native-test: $(VENV)/.tested
	$(BIN)/cmake -S . -B build/native -DGALOP_WERROR=ON -DGALOP_NATIVE_TESTS=ON
	$(BIN)/cmake --build build/native -j2
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

# Not after .installed, so that the kernels are compiled once.
$(VENV)/.tested: $(NATIVE) | $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[race,test]' -Ccmake.define.GALOP_WERROR=ON
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
	CMAKE_ARGS="$(LLAMA_FLAGS)" $(BIN)/pip install --quiet --editable '.[oracle,race,test,tune]'
	touch $@

clean:
	rm -rf build $(VENV)
