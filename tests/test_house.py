"""What keeps the source pleasant to read: short files, one name for one thing, errors that are said, names that exist."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "galop"
LONGEST = 450  # lines
SAID = ("agent", "backends", "chat", "engine", "measure", "models", "ops", "pictures", "race", "science", "server", "store",
        "tokenizers", "weights")  # fmt: skip
BUGS = {"AssertionError", "NotImplementedError", "AttributeError", "StopIteration"}  # which nobody is to expect


def sources(*suffixes: str) -> list[Path]:
    folders = (SOURCE, ROOT / "native", ROOT / "bench")
    return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in suffixes)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def test_no_file_is_too_long_to_be_read() -> None:
    counts = {path: len(path.read_text().splitlines()) for path in sources(".py", ".cpp", ".h", ".inl", ".js", ".css")}
    assert not {str(path.relative_to(ROOT)): n for path, n in counts.items() if n > LONGEST}


def test_a_class_name_means_one_thing() -> None:
    homes: dict[str, set[str]] = defaultdict(set)
    for path in sources(".py"):
        if SOURCE in path.parents:
            for name in re.findall(r"^ *class (\w+)[(:]", path.read_text(), re.MULTILINE):
                homes[name].add(str(path.relative_to(SOURCE)))
    assert not {name: where for name, where in homes.items() if len(where) > 1}


def public_functions(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield prefix + node.name, node


def raised(node: ast.AST) -> Iterator[str]:
    """The names of exceptions that stand in a function's own `raise`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(child, ast.Raise):
            error = child.exc.func if isinstance(child.exc, ast.Call) else child.exc
            if isinstance(error, ast.Name) and error.id[0].isupper():
                yield error.id
        yield from raised(child)


@pytest.mark.parametrize("folder", SAID)
def test_what_a_function_raises_stands_in_its_docstring(folder: str) -> None:
    silent = []
    for path in sorted((SOURCE / folder).rglob("*.py")):
        for name, node in public_functions(parsed(path).body):
            said = ast.get_docstring(node) or ""
            silent += [f"{path.relative_to(SOURCE)} {name}: {e}" for e in {*raised(node)} - BUGS if e not in said]
    assert not silent


DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "results").glob("*.md")]
FOLDERS = ("src", "native", "tests", "bench", "fuzz", "docs", "results")
FILE = re.compile(r"(?<![\w./-])[\w./-]*\w\.(?:py|cpp|h|inl|pyi|md|svg)\b")
EXAMPLES = re.compile(r"lattice\.py|stable\.py|mish\.|NAME\.py|TASK|task\.py|notes\.md")


def test_links_of_documents_lead_somewhere() -> None:
    links = [
        (page, link) for page in DOCUMENTS for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)", page.read_text())
    ]
    assert not [(page.name, link) for page, link in links if "://" not in link and not (page.parent / link).exists()]


def test_files_that_documents_and_docstrings_name_exist() -> None:
    paths = [*ROOT.glob("*.*"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.*"))]
    known = {"/".join(path.relative_to(ROOT).parts[at:]) for path in paths for at in range(len(path.parts))}
    missing = []
    for page in [*DOCUMENTS, *sources(".py", ".cpp", ".h", ".inl")]:
        for quoted in re.findall(r"`([^`\n]+)`", page.read_text()):
            names = [] if EXAMPLES.search(quoted) else FILE.findall(quoted)
            missing += [f"{page.relative_to(ROOT)}: {name}" for name in names if name not in known]
    assert not missing


def test_files_that_folders_list_are_theirs() -> None:
    for init in SOURCE.rglob("__init__.py"):
        listed = re.findall(r"\w+\.(?:py|json)\b", ast.get_docstring(parsed(init)) or "")
        assert {name for name in listed if not (init.parent / name).exists()} <= {"config.json", "tokenizer.json"}, init
