"""What an answer is constrained to: a JSON schema, a regex or a Lark grammar, as a request gives it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from galop.chat import lark
from galop.chat.schema import normalise
from galop.errors import ConstraintError

BLANKS = r"[ \n\t]{0,32}"  # between the parts of JSON; a small model can go on with blanks for ever
JSON = {"whitespace_pattern": BLANKS, "json_allowed_escapes": 'nrbtf\\"'}
"""How JSON is written. A name has one spelling, or it would not be known by it."""


@dataclass(frozen=True)
class ResponseFormat:
    """A schema (as JSON), a regex or a grammar, not yet looked at. Any JSON object is
    `ResponseFormat("schema", '{"type": "object"}')`."""

    kind: Literal["schema", "regex", "lark"]
    text: str
    field: str = "response_format"  # of a request, that it came from

    @property
    def label(self) -> str:
        """The kind, in the words of error messages."""
        return "grammar" if self.kind == "lark" else self.kind

    def schema(self) -> dict[str, Any]:
        """The schema in keywords that grammars know. Raises ConstraintError for what cannot be followed, or is no
        JSON."""
        try:
            return normalise(json.loads(self.text))
        except (ValueError, RecursionError) as error:
            raise ConstraintError(f"the schema is not JSON: {str(error)[:200]}") from None

    def with_text(self, form: ResponseFormat) -> ResponseFormat:
        """This grammar of a reply of text or calls (`tool_grammar.reply_grammar`), with `form` for the text. Raises
        ConstraintError where `form` is a grammar itself, or a schema that cannot be followed."""
        if form.kind == "lark":
            raise ConstraintError("a grammar cannot be followed together with tools; take a schema or a regex")
        if form.kind == "regex":
            text = f"/{lark.between_slashes(form.text)}/"
        else:
            text = f"%json {json.dumps({**form.schema(), 'x-guidance': JSON})}"
        start, rules = self.text.split("\n", 1)
        start = "start: text | calls" if start.startswith("start: text ") else start  # a form has nothing after it
        grammar = re.sub(r"^text: .*$", lambda _: f"text: {text}", f"{start}\n{rules}", flags=re.MULTILINE)
        return ResponseFormat("lark", grammar)
