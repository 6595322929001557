"""The JSON files and templates beside a checkpoint. A file is untrusted: sizes, counts and depth are bounded."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from galop.errors import ModelFileError

MAX_JSON = 64 << 20
MAX_VALUES = 4_000_000
MAX_DEPTH = 64
MAX_TEMPLATE = 1 << 20
LONG_INTEGER = re.compile(rb"\d{19}")
HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_json(data: bytes, name: str) -> dict[str, Any]:
    """A JSON object. Raises ModelFileError if it is none, repeats a key, or is nested too deeply."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            raise ModelFileError(f"{name}: a key appears twice")
        return result

    if len(data) > MAX_JSON or data.count(b",") + data.count(b"[") + data.count(b"{") > MAX_VALUES:
        raise ModelFileError(f"{name}: more than {MAX_JSON >> 20} MiB or {MAX_VALUES} values, which is no model's")
    try:
        # Integers beyond 64 bits, such as the 1e30 that stands for no limit, are read as the numbers they are near.
        parse_int = _integer if LONG_INTEGER.search(data) else None
        parsed = json.loads(data.decode(), object_pairs_hook=unique, parse_int=parse_int)
        if HALF_PAIR.search(data):
            json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{name}: not valid JSON ({str(error)[:80]})") from None
    if not isinstance(parsed, dict):
        raise ModelFileError(f"{name}: not a JSON object")
    level: list[Any] = [parsed]
    for _ in range(MAX_DEPTH):
        level = [
            inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]  # fmt: skip
        if not level:
            return parsed
    raise ModelFileError(f"{name}: its values are nested more than {MAX_DEPTH} deep")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 19 else float(digits)


def load_json(path: Path) -> dict[str, Any]:
    """A JSON file of a model directory; empty where there is none. Raises ModelFileError as `parse_json` does."""
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        return parse_json(file.read(MAX_JSON + 1), path.name)


def load_bytes(path: Path) -> bytes:
    """A vocabulary's file. Raises ModelFileError if it is too long for one."""
    if path.stat().st_size > MAX_JSON:
        raise ModelFileError(f"{path.name}: more than {MAX_JSON >> 20} MiB, which is no model's")
    return path.read_bytes()


def load_text(path: Path) -> str:
    """A template. Raises ModelFileError if the file is not UTF-8 or too long for one."""
    if path.stat().st_size > MAX_TEMPLATE:
        raise ModelFileError(f"{path.name}: a template of more than {MAX_TEMPLATE >> 20} MiB is not supported")
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise ModelFileError(f"{path}: not UTF-8") from None
