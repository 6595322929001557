"""The grammars that hold a model to calls which the schemas of its tools allow."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from galop.chat.form import JSON, TEXT_RULE, Form
from galop.chat.tools import Format

MOST_CALLS = 32  # of a reply
GAP = r"GAP: /[ \n\t\r]{1,16}/"


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
    before, after = (part if known else re.sub(r"(</?\w+>)", r'"\1"', part) for part in form.wrap)
    rules = []
    for i, tool in enumerate(functions):
        schema = closed(tool.get("parameters") or {})
        schema["x-guidance"] = {**JSON, "whitespace_pattern": " ?", "lenient": True}
        opening = json.dumps(f'{{"name": {json.dumps(tool["name"])}, "arguments": ', ensure_ascii=False)
        rules.append(f'call{i}: {before} {opening} args{i} "}}" {after}\nargs{i}: %json {json.dumps(schema)}')
    call = " | ".join(f"call{i}" for i in range(len(functions)))
    # White space may come before the next call or the end: only what the model writes after it tells which.
    calls = f"call (GAP? call){{0,{MOST_CALLS - 1}}} GAP?" if several else "call"
    start = "calls" if required else "text | calls | text calls"
    return Form("lark", "\n".join([f"start: {start}", f"calls: {calls}", GAP, f"call: {call}", *rules, TEXT_RULE]))
