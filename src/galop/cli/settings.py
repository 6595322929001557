"""How a question is asked, as the options of `galop run` say: by the command, and by a server that answers for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galop.cli.errors import UsageError

if TYPE_CHECKING:
    from galop.agent.toolbox import Toolbox
    from galop.backends.local import Model
    from galop.chat.response_format import ResponseFormat
    from galop.cli.reply import ChatSession

SAMPLING = ("temperature", "top_p", "top_k", "min_p", "seed")
MAX_FORM = 4 << 20  # bytes of a schema or grammar


@dataclass(frozen=True)
class RunSettings:
    """Those of the options that are about the answer."""

    chosen: dict[str, Any]  # sampling parameters that go before the model card's
    system: str
    max_tokens: int | None
    think: bool | None
    think_budget: int | None
    form: ResponseFormat | None
    raw: bool

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> RunSettings:
        """From a command's options by their names. Raises UsageError for values that none can have."""
        from galop.engine.sampling import Sampling

        chosen = {name: options[name] for name in SAMPLING if options[name] is not None}
        try:
            Sampling(**chosen)
        except ValueError as error:
            raise UsageError(str(error)) from None
        form = parse_form(options["schema"], options["regex"], options["grammar"])
        most, think, budget = options["max_tokens"] or None, options["think"], options["think_budget"]
        return cls(chosen, options["system"], most, think, budget, form, options["raw"])

    def open(
        self, model: Model, name: str, toolbox: Toolbox | None = None, tools: bool = False, science: bool = False
    ) -> ChatSession:
        """The model asked so, with `tools` or without. Raises UsageError for what it is not capable of."""
        from galop.chat.thinking import Thinking
        from galop.cli.reply import ChatSession, check_thinking

        thinking = Thinking(self.think, self.think_budget)
        if self.raw and (thinking != Thinking() or tools):
            raise UsageError("thinking and tools belong to a conversation; leave out --raw")
        check_thinking(model, thinking)
        return ChatSession(
            model, name, self.chosen, self.system, self.max_tokens, thinking, self.form, toolbox, science
        )

    def continues(self, model: Model, converses: bool = False) -> bool:
        """Whether a text is continued as it is: because that is asked for, or because the model has no chat template
        and nothing needs one, as tools and pictures do (`converses`)."""
        return self.raw or not (self.system or converses or model.template.source is not None)


def parse_form(schema: str, regex: str, grammar: Path | None) -> ResponseFormat | None:
    """The format the answer is constrained to. Raises UsageError for more than one, or a file that cannot be read."""
    from galop.chat.response_format import ResponseFormat

    if sum(map(bool, (schema, regex, grammar))) > 1:
        raise UsageError("give one of --schema, --regex and --grammar")
    try:
        if schema:
            return ResponseFormat("schema", schema if schema.lstrip().startswith("{") else load_form(Path(schema)))
        if grammar:
            return ResponseFormat("lark", load_form(grammar))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{schema or grammar} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return ResponseFormat("regex", regex) if regex else None


def load_form(path: Path) -> str:
    """A schema or grammar from its file. Raises OSError, UnicodeDecodeError, and UsageError for one without an end."""
    with path.open("rb") as file:
        data = file.read(MAX_FORM + 1)
    if len(data) > MAX_FORM:
        raise UsageError(f"{path} has more than {MAX_FORM >> 20} MiB, which nothing can be held to")
    return data.decode()


def no_template(name: str) -> str:
    """What is said where a model continues the text of a question."""
    return f"{name} has no chat template, so it continues the text"
