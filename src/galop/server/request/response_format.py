"""Response formats: JSON, a JSON schema, a regular expression or a grammar that an answer is constrained to."""

from __future__ import annotations

import json
import re
from typing import Any

from llguidance.gbnf_to_lark import any_to_lark

from galop.chat.response_format import ResponseFormat
from galop.chat.schema import close_objects
from galop.server.errors import ApiError

LONGEST_GRAMMAR = 1 << 16  # characters


def parse_response_format(wanted: Any, param: str) -> ResponseFormat | None:
    """What the dialects call a response format, or Ollama's bare "json" or schema; None for text.

    Raises ApiError (400), which names `param`.
    """
    if wanted in (None, "", "text") or wanted == {"type": "text"}:
        return None
    if wanted in ("json", {"type": "json_object"}):
        return ResponseFormat("schema", '{"type": "object"}', param)
    if isinstance(wanted, dict):
        kind = wanted.get("type")
        if kind in ("json_schema", "json_object"):
            wanted = wanted.get("json_schema", wanted)
            schema = wanted.get("schema") if isinstance(wanted, dict) else None
            if isinstance(schema, (dict, bool)):
                return ResponseFormat("schema", json.dumps(schema), param)
        elif kind in ("regex", "grammar") and isinstance(text := wanted.get(kind), str):  # Galop's own
            return ResponseFormat("regex" if kind == "regex" else "lark", text, param)
        elif param == "format":
            return ResponseFormat("schema", json.dumps(close_objects(wanted)), param)
    message = f"{param} has to be text, json_object, or json_schema with a schema, regex or grammar with one"
    raise ApiError(400, "invalid_value", message, param)


def build_format(kind: str, value: Any, name: str) -> ResponseFormat:
    """The form of a json schema, regex, choice or grammar that the field `name` holds. Raises ApiError (400)."""
    if kind == "json":
        return ResponseFormat("schema", value if isinstance(value, str) else json.dumps(value))
    if kind == "choice":
        return ResponseFormat("regex", "|".join(re.sub(r"[\\.+*?()|\[\]{}^$/]", r"\\\g<0>", text) for text in value))
    if kind == "grammar":
        if len(value) > LONGEST_GRAMMAR:
            raise ApiError(400, "invalid_schema", f"a grammar may have {LONGEST_GRAMMAR} characters", name)
        try:
            return ResponseFormat("lark", any_to_lark(value))
        except Exception as error:  # the converter raises what it happens to
            message = f"{name} cannot be followed: it is neither GBNF nor Lark ({str(error)[:200]})"
            raise ApiError(400, "unsupported_parameter", message, name) from None
    return ResponseFormat("regex", value)
