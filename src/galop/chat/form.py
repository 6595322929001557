"""What an answer is held to: a JSON schema, a regex or a Lark grammar."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from galop.errors import ConstraintError

BLANKS = r"[ \n\t]{0,32}"  # between the parts of JSON; a small model can go on with blanks for ever
FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"}
"""Of strings, those that can be enforced."""
TEXT_RULE = "text: /(.|\\n)+/\n"
"""In a grammar of ours, the rule for what is said freely."""


@dataclass(frozen=True)
class Form:
    """Any JSON object is `Form("schema", '{"type": "object"}')`."""

    kind: Literal["schema", "regex", "lark"]
    text: str

    def instead_of_text(self, form: Form) -> Form:
        """This grammar, which has TEXT_RULE, with `form` for what it lets be said. Raises ConstraintError."""
        if form.kind == "lark":
            raise ConstraintError("a grammar cannot be followed together with tools; take a schema or a regex")
        if form.kind == "regex":
            escaped = re.sub(r"\\?/", r"\\/", form.text)
            return Form("lark", self.text.replace(TEXT_RULE, f"text: /{escaped}/\n"))
        try:
            schema = enforceable(json.loads(form.text))
        except (ValueError, RecursionError) as error:
            raise ConstraintError(f"the schema is not JSON: {str(error)[:200]}") from None
        if isinstance(schema, dict):
            schema.setdefault("x-guidance", {"whitespace_pattern": BLANKS})
        alone = re.sub(r"start: text \| (.*) \| text .*", r"start: text | \1", self.text)  # a form has nothing after it
        return Form("lark", alone.replace(TEXT_RULE, f"text: %json {json.dumps(schema)}\n"))


def enforceable(schema: Any) -> Any:
    """A schema without the formats that nobody checks: they only tell what a string is for (JSON Schema 2020-12,
    validation, 7.2.1)."""
    if isinstance(schema, list):
        return [enforceable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: part if key in ("const", "enum", "default", "examples") else enforceable(part)
        for key, part in schema.items()
        if not (key == "format" and isinstance(part, str) and part not in FORMATS)
    }
