"""What an answer is held to: a JSON schema, a regex or a Lark grammar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from galop.errors import ConstraintError

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
        rule = f"%json {form.text}" if form.kind == "schema" else f"/{form.text.replace('/', '[/]')}/"
        return Form("lark", self.text.replace(TEXT_RULE, f"text: {rule}\n"))
