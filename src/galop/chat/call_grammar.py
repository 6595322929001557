"""The grammars that hold a model to calls which the schemas of its tools allow."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from galop.chat.form import BLANKS, TEXT_RULE, Form
from galop.chat.tools import Format


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that a schema does not speak of are not made up."""
    return {"type": "object", "additionalProperties": "properties" not in schema, **schema}


def grammar(
    form: Format, functions: Sequence[Mapping[str, Any]], required: bool, several: bool = True, known: bool = True
) -> Form | None:
    """Holds calls to the schemas of `functions`: from the first word where they are `required`, else after any text.

    `known` says whether the format's markers are tokens of the vocabulary. None for a format that has no grammar here.
    """
    if form.wrap is None:
        return None
    before, between, after = (part if known else re.sub(r"(</?\w+>)", r'"\1"', part) for part in form.wrap)
    rules = []
    for i, tool in enumerate(functions):
        schema = closed(tool.get("parameters") or {})
        schema["x-guidance"] = {"lenient": True, "whitespace_pattern": BLANKS}
        opening = json.dumps(f'{{"name": {json.dumps(tool["name"])}, "arguments": ', ensure_ascii=False)
        rules.append(f'call{i}: {before} {opening} args{i} "}}" {after}\nargs{i}: %json {json.dumps(schema)}')
    call = " | ".join(f"call{i}" for i in range(len(functions)))
    calls = "call (between call)*" if several else "call"
    start = calls if required else f"text | {calls} | text {calls}"
    return Form("lark", "\n".join([f"start: {start}", f"between: {between}", f"call: {call}", *rules, TEXT_RULE]))
