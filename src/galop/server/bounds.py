"""What a body may hold, told before anything is made of it, and without holding the interpreter for long."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel
from pydantic_core import SchemaValidator

SLICE = 1 << 18
QUOTE, COMMA, OPEN, CLOSE = ord('"'), ord(","), (ord("["), ord("{")), (ord("]"), ord("}"))


def shape(data: bytes) -> tuple[int, int, int]:
    """How deep JSON is nested, how many lists and objects it holds, and how many commas between values."""
    depth = deepest = containers = commas = start = 0
    inside = False
    while start < len(data):
        part = data[start : start + SLICE]
        run = len(part) - len(part.rstrip(b"\\"))
        if run % 2 and len(part) > 1:
            part = part[:-1]  # not between a backslash and what it escapes
        start += len(part)
        codes = np.frombuffer(part.replace(b"\\\\", b"  ").replace(b'\\"', b"  "), np.uint8)
        within = np.bitwise_xor.accumulate((codes == QUOTE).view(np.uint8)).view(bool) ^ inside
        inside = bool(within[-1])
        opened = ((codes == OPEN[0]) | (codes == OPEN[1])) & ~within
        closed = ((codes == CLOSE[0]) | (codes == CLOSE[1])) & ~within
        depths = depth + np.cumsum(opened.view(np.int8) - closed.view(np.int8), dtype=np.int32)
        depth, deepest = int(depths[-1]), max(deepest, int(depths.max()))
        containers += int(np.count_nonzero(opened))
        commas += int(np.count_nonzero((codes == COMMA) & ~within))
    return deepest, containers, commas


def end_at_first(model: type[BaseModel], seen: set[type[BaseModel]] | None = None) -> None:
    """From now on the validation of a model, and of those within it, tells of the first wrong item of a list and no
    more: an error for each of half a million takes seconds, in which nobody else is answered."""
    seen = set() if seen is None else seen
    if model in seen:
        return
    seen.add(model)

    def hasty(schema: Any) -> Any:
        if isinstance(schema, (list, tuple)):
            return type(schema)(hasty(part) for part in schema)
        if not isinstance(schema, dict):
            return schema
        if schema.get("type") == "model" and schema["cls"] is not model:
            end_at_first(schema["cls"], seen)
        made = {key: part if key in ("cls", "metadata", "function") else hasty(part) for key, part in schema.items()}
        return made | ({"fail_fast": True} if schema.get("type") in ("list", "dict") else {})

    if not isinstance(model.__pydantic_core_schema__, dict):  # pydantic puts that off for some
        model.model_rebuild(force=True)
    model.__pydantic_core_schema__ = hasty(model.__pydantic_core_schema__)
    model.__pydantic_complete__ = False  # or its old validator would be taken for this one
    model.__pydantic_validator__ = SchemaValidator(model.__pydantic_core_schema__)
    model.__pydantic_complete__ = True
