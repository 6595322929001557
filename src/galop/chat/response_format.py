"""What an answer is held to: a JSON schema, a regex or a Lark grammar."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from galop.chat.schema import followed
from galop.errors import ConstraintError

BLANKS = r"[ \n\t]{0,32}"  # between the parts of JSON; a small model can go on with blanks for ever
JSON = {"whitespace_pattern": BLANKS, "json_allowed_escapes": 'nrbtf\\"'}
"""How JSON is written. A name has one spelling, or it would not be known by it."""


@dataclass(frozen=True)
class ResponseFormat:
    """Any JSON object is `ResponseFormat("schema", '{"type": "object"}')`."""

    kind: Literal["schema", "regex", "lark"]
    text: str
    field: str = "response_format"  # of a request, that it came from

    @property
    def called(self) -> str:
        return "grammar" if self.kind == "lark" else self.kind

    def schema(self) -> dict[str, Any]:
        """Of a schema, as it is followed. Raises ConstraintError for what cannot be, or is no JSON."""
        try:
            return followed(json.loads(self.text))
        except (ValueError, RecursionError) as error:
            raise ConstraintError(f"the schema is not JSON: {str(error)[:200]}") from None

    def instead_of_text(self, form: ResponseFormat) -> ResponseFormat:
        """This grammar, which lets text or calls be written, with `form` for the text. Raises ConstraintError."""
        if form.kind == "lark":
            raise ConstraintError("a grammar cannot be followed together with tools; take a schema or a regex")
        if form.kind == "regex":
            text = f"/{slashes(form.text)}/"
        else:
            text = f"%json {json.dumps({**form.schema(), 'x-guidance': JSON})}"
        start, rules = self.text.split("\n", 1)
        start = "start: text | calls" if start.startswith("start: text ") else start  # a form has nothing after it
        return ResponseFormat(
            "lark", re.sub(r"^text: .*$", lambda _: f"text: {text}", f"{start}\n{rules}", flags=re.MULTILINE)
        )


def slashes(regex: str) -> str:
    """A regex as it stands between slashes."""
    return re.sub(r"\\.|/", lambda m: r"\/" if m[0] == "/" else m[0], regex, flags=re.DOTALL).replace("\n", r"\n")
