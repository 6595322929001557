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
TEXT_RULE = "text: /(.|\\n)+/\n"
"""In a grammar of ours, the rule for what is said freely."""


@dataclass(frozen=True)
class Form:
    """Any JSON object is `Form("schema", '{"type": "object"}')`."""

    kind: Literal["schema", "regex", "lark"]
    text: str

    @property
    def called(self) -> str:
        return "grammar" if self.kind == "lark" else self.kind

    def schema(self) -> dict[str, Any]:
        """Of a schema, as it is followed. Raises ConstraintError for what cannot be, or is no JSON."""
        try:
            return followed(json.loads(self.text))
        except (ValueError, RecursionError) as error:
            raise ConstraintError(f"the schema is not JSON: {str(error)[:200]}") from None

    def instead_of_text(self, form: Form) -> Form:
        """This grammar, which has TEXT_RULE, with `form` for what it lets be said. Raises ConstraintError."""
        if form.kind == "lark":
            raise ConstraintError("a grammar cannot be followed together with tools; take a schema or a regex")
        if form.kind == "regex":
            escaped = re.sub(r"\\?/", r"\\/", form.text)
            return Form("lark", self.text.replace(TEXT_RULE, f"text: /{escaped}/\n"))
        schema = {**form.schema(), "x-guidance": JSON}
        alone = re.sub(r"start: text \| (.*) \| text .*", r"start: text | \1", self.text)  # a form has nothing after it
        return Form("lark", alone.replace(TEXT_RULE, f"text: %json {json.dumps(schema)}\n"))
