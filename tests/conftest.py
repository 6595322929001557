"""Real models for the tests: SmolLM2 always, the larger ones only when `large` tests run."""

from __future__ import annotations

import json
import os

# Several processes test at once, and what NumPy multiplies here is small. Before the first import of it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["GALOP_SERVER"] = "0"  # a command answers by itself, whatever server runs beside it

import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from threads import THREADS

from galop import store
from galop.backends.load import load
from galop.backends.local import Model

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run"]  # fmt: skip


def fetched(name: str) -> Path:
    return store.fetch(store.locate(f"package:{name}"))


# A shell without job control starts background jobs with SIGINT ignored, and their children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


COMPATIBILITY = Path(__file__).parent.parent / "results" / "compatibility.json"
Record = Callable[[str, str, str], None]


QUICK = ("test_house.py", "ops", "models", "weights", "tokenizers", "chat", "engine", "backends", "pictures")
REAL = {"smollm_path", "coder_path", "big_coder_path", "gemma_path", "minilm_path", "browser"}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What `make check` runs nothing of is not imported either, which would take as long as many tests."""
    above = collection_path.relative_to(Path(__file__).parent).parts
    outside = bool(above) and above[0] not in QUICK
    return True if outside and config.getoption("markexpr").startswith("golden") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what `make check` runs: tests of those folders that take no real model."""
    tests = Path(__file__).parent
    for item in items:
        if item.path.relative_to(tests).parts[0] in QUICK and REAL.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("golden")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true", help="date what was driven in results/compatibility.json")


@pytest.fixture(scope="session")
def record(request: pytest.FixtureRequest) -> Record:
    """Says that a client of some version was driven, and through what; a later record takes the place of an earlier."""

    def write(client: str, version: str, driven: str) -> None:
        if request.config.getoption("--record"):
            known = json.loads(COMPATIBILITY.read_text()) if COMPATIBILITY.exists() else []
            others = [entry for entry in known if (entry["client"], entry["driven"]) != (client, driven)]
            entry = {"client": client, "version": version, "driven": driven, "date": date.today().isoformat()}
            entries = sorted([*others, entry], key=lambda e: (e["client"].lower(), e["driven"]))
            COMPATIBILITY.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n")

    return write


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Packs of test models do not belong in the user's cache."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def smollm_path() -> Path:
    return fetched("smollm2:135m")


@pytest.fixture(scope="session")
def smollm(smollm_path: Path) -> Iterator[Model]:
    with load("package:smollm2:135m", threads=THREADS) as model:
        yield model


@pytest.fixture(scope="session")
def coder_path() -> Path:
    return fetched("qwen2.5-coder:0.5b")


@pytest.fixture(scope="session")
def coder(coder_path: Path) -> Iterator[Model]:
    with load("package:qwen2.5-coder:0.5b", threads=THREADS) as model:
        yield model


@pytest.fixture(scope="session")
def big_coder_path() -> Path:
    return fetched("qwen2.5-coder:1.5b")


@pytest.fixture(scope="session")
def big_coder(big_coder_path: Path) -> Iterator[Model]:
    with load("package:qwen2.5-coder:1.5b", threads=THREADS) as model:
        yield model


@pytest.fixture(scope="session")
def gemma_path() -> Path:
    return fetched("gemma3:270m")


@pytest.fixture(scope="session")
def minilm_path() -> Path:
    return fetched("all-minilm:22m")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("google-chrome")
        launched = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield launched
        launched.close()


settings.register_profile("galop", deadline=None, derandomize=True)
settings.load_profile("galop")
