"""Writes docs/compatibility.md from what was recorded: clients (`make test-clients RECORD=--record`), llama.cpp's
server tests (bench/llama_server_tests.py), and the tables by which requests are read.

    python bench/compatibility.py
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from galop.server.request.extensions import ExtensionFields
from galop.server.request.unsupported import REFUSED

ROOT = Path(__file__).resolve().parent.parent


def read(name: str, otherwise: Any) -> Any:
    path = ROOT / "results" / name
    return json.loads(path.read_text("utf-8")) if path.exists() else otherwise


def clients() -> list[str]:
    entries = read("compatibility.json", [])
    if not entries:
        return []
    rows = [f"| {e['client']} | {e['version']} | {e['driven']} | {e['date']} |" for e in entries]
    return ["## Clients", "", "Driven against a server at this machine, with a small local model.", "",
            "| client | version | driven | on |", "| --- | --- | --- | --- |", *rows, ""]  # fmt: skip


def llama_server() -> list[str]:
    record = read("llama_server_tests.json", None)
    if record is None:
        return []
    tests: dict[str, dict[str, str]] = record["tests"]
    counts = Counter(test["outcome"] for test in tests.values())
    files: defaultdict[str, Counter[str]] = defaultdict(Counter)
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for name, test in tests.items():
        files[name.split("::")[0]][test["outcome"]] += 1
        if test["outcome"] != "passed":
            reasons[test["reason"]].append(name.replace("::", " "))
    lines = [
        "## llama.cpp's server tests", "",
        f"{counts['passed']} of the {len(tests)} that were run pass (on {record['date']}, with "
        f"{record['model']} in place of their models, whose words are not compared).", "",
        "| file | pass | do not | skipped by llama.cpp |", "| --- | --- | --- | --- |",
        *(f"| {f} | {c['passed']} | {c['failed']} | {c['skipped']} |" for f, c in sorted(files.items())), "",
        "Why the others do not:", "",
    ]  # fmt: skip
    for reason, names in sorted(reasons.items(), key=lambda pair: -len(pair[1])):
        shorter = Counter(name.split("[")[0].split(" ", 1)[-1] for name in names)
        said = ", ".join(name + (f" ({n})" if n > 1 else "") for name, n in sorted(shorter.items()))
        lines.append(f"- {reason}: {len(names)} ({said})")
    lines += ["", "Files that are not run:", ""]
    lines += [f"- {name}: {why}" for name, why in sorted(record["not_claimed"].items())]
    return [*lines, ""]


def extensions() -> list[str]:
    works = sorted(name for name in ExtensionFields.model_fields if name != "response_format")
    refused = sorted(set(REFUSED) - set(works))
    return [
        "## Fields of other servers", "",
        "These work in `/v1/chat/completions`, `/v1/completions`, `/completion` and `/infill`; Responses and Messages "
        "refuse them by name: " + ", ".join(f"`{name}`" for name in works) + ".", "",
        "These are refused by name everywhere but in Ollama's dialect, unless their value changes nothing: "
        + ", ".join(f"`{name}`" for name in refused) + ".", "",
    ]  # fmt: skip


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    head = ["# Compatibility", "", "Made by `python bench/compatibility.py` from what was recorded.", ""]
    (ROOT / "docs" / "compatibility.md").write_text(
        "\n".join([*head, *clients(), *llama_server(), *extensions()]), "utf-8"
    )


if __name__ == "__main__":
    main()
