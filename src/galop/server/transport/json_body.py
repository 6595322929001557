"""JSON bodies: strict and bounded when they are read, piece by piece when they are written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any, get_type_hints

import numpy as np
from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response

from galop.server.errors import ApiError
from galop.server.transport.validation import fail_fast

MAX_DEPTH = 64
# So many take some 50 ms to parse and validate, in which nobody else is answered.
MAX_CONTAINERS = 1 << 15
MAX_VALUES = 1 << 19
MAX_ESCAPES = 1 << 20
SLICE = 1 << 18
QUOTE, COMMA, OPEN, CLOSE = ord('"'), ord(","), (ord("["), ord("{")), (ord("]"), ord("}"))


def json_shape(data: bytes) -> tuple[int, int, int]:
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


def parse_json(data: bytes) -> Any:
    """A JSON object as the standard has it: no NaN, no names said twice, no half characters, no bottomless nesting.

    Raises ApiError: 400 for what is no such object (a ValueError within), 413 for one that holds too much.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            raise ValueError("a name stands twice in one object")
        return result

    def refuse(number: str) -> Any:
        raise ValueError(f"{number} is not JSON")

    def finite(number: str) -> float:
        value = float(number)
        if value in (float("inf"), float("-inf")):
            raise ValueError("a number is too large")
        return value

    try:
        depth, containers, commas = json_shape(data)
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
        for count, most, what in (
            (containers, MAX_CONTAINERS, "lists and objects"),
            (commas, MAX_VALUES, "values"),
            (data.count(b"\\"), MAX_ESCAPES, "escaped characters"),
        ):
            if count > most:
                raise ApiError(413, "body_too_large", f"a request may hold {most:,} {what}, and this has {count:,}")
        value = json.loads(data.decode(), object_pairs_hook=unique, parse_constant=refuse, parse_float=finite)
        if b"\\ud" in data or b"\\uD" in data:
            _encodable(value)
    except UnicodeEncodeError:
        raise ApiError(400, "invalid_value", "a string holds half of a surrogate pair") from None
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "invalid_json", f"the request body is not valid JSON: {error}"[:300]) from None
    if not isinstance(value, dict):
        raise ApiError(400, "invalid_json", "the request body has to be a JSON object")
    return value


def _encodable(value: Any) -> None:
    """Raises UnicodeEncodeError for half of a surrogate pair in any string."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, list):
        for item in value:
            _encodable(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            name.encode()
            _encodable(item)


class StrictRequest(Request):
    """A request whose JSON is strict and bounded."""

    async def json(self) -> Any:
        """The body as `parse_json` has it, parsed once. Raises ApiError (400, 413)."""
        if not hasattr(self, "_parsed"):
            body = await self.body()
            # Large ones are parsed elsewhere, so that nobody else's stream stops meanwhile.
            self._parsed = await asyncio.to_thread(parse_json, body) if len(body) > 65536 else parse_json(body)
        return self._parsed


class StrictRoute(APIRoute):
    """A route whose body is parsed by `parse_json`, and whose validation ends at the first wrong item."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        for kind in get_type_hints(endpoint).values():
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                fail_fast(kind)
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Calls the endpoint with a strict request."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return strict


def write_json(value: Any, deep: int = 6) -> str:
    """JSON, written piece by piece: another thread can have its turn between two of them."""
    if deep and isinstance(value, dict):
        return "{" + ",".join(f"{write_json(str(k), 0)}:{write_json(v, deep - 1)}" for k, v in value.items()) + "}"
    if deep and isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        return "[" + ",".join(write_json(item, deep - 1) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def compact_json(data: dict[str, Any] | list[dict[str, Any]]) -> str:
    """JSON in one line, without blanks."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
