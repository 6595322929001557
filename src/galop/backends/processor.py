"""Turns conversations into a model's tokens and response formats into constraints: tokenizer, template, model card.

Nothing here computes a token, so a backend whose model runs elsewhere can use it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from galop.backends.default_sampling import default_sampling
from galop.backends.tool_constraint import compile_calls
from galop.chat.content import pictures_of
from galop.chat.harmony import answer_form
from galop.chat.messages import Message, adapt_messages, trim_tool
from galop.chat.renderer import Renderer
from galop.chat.response_format import ResponseFormat
from galop.chat.template import ChatTemplate, PromptEnd
from galop.chat.thinking import Thinking, ThinkingSupport, thinking_support
from galop.chat.tool_formats import HERMES, ToolCallFormat, format_named
from galop.chat.tools import Tool
from galop.engine.sampling import Sampling
from galop.errors import BlindModelError, ConstraintError
from galop.tokenizers.fim import Fim, find_fim
from galop.tokenizers.tokenizer import Tokenizer
from galop.weights.pack import ModelCard

if TYPE_CHECKING:
    from galop.backends.protocol import AnswerConstraint
    from galop.chat.constraint import GrammarCompiler


class Processor:
    """Tokenizer, chat template and sampling defaults of one model, whose head has `vocabulary_size` rows."""

    def __init__(
        self, card: ModelCard, tokenizer: Tokenizer, vocabulary_size: int, renderer: Renderer | None = None
    ) -> None:
        """`renderer` is one that was started before the tokenizer was read, which takes as long as its start."""
        self.card = card
        self.tokenizer = tokenizer
        self.vocabulary_size = vocabulary_size  # ids are from 0 to one less, padding included
        self.template = ChatTemplate(card.chat_template, tokenizer, renderer)
        self.stop_ids = frozenset(card.stop_ids)
        self.default_sampling = default_sampling(card.generation)
        self.direct_sampling: Sampling | None = None  # without thinking, where the card has other settings for that

    @property
    def name(self) -> str:
        """As its file or its model card calls it."""
        return self.card.name

    @property
    def thinking_support(self) -> ThinkingSupport | None:
        """None for a template that knows no thinking."""
        return thinking_support(self.template.capabilities)

    @property
    def tool_format(self) -> ToolCallFormat | None:
        """None for a template that renders no tools, or calls in none of FORMATS."""
        can = self.template.capabilities
        return format_named(can.call_format) if can.tools else None

    @property
    def can_constrain(self) -> bool:
        """Whether answers can be constrained to a grammar: its tokens' bytes are known, and what ends an answer."""
        return (self.tokenizer.byte_level or self.tokenizer.sentencepiece) and bool(self.stop_ids)

    @cached_property
    def constraints(self) -> GrammarCompiler:
        """Compiles response formats. Raises ConstraintError where they cannot be (`can_constrain`)."""
        from galop.chat.constraint import GrammarCompiler  # which takes a twentieth of a second

        return GrammarCompiler(self.tokenizer, self.vocabulary_size, sorted(self.stop_ids))

    @cached_property
    def fim(self) -> Fim | None:
        """How it is asked for what belongs between two texts; None where it was not made for that."""
        return find_fim(self.tokenizer, self.card.fim)

    def sampling_for(self, thinking: Thinking | None) -> Sampling:
        """The model card's settings for a reply."""
        if thinking is None or self.direct_sampling is None or thinking.will_think(self.thinking_support):
            return self.default_sampling
        return self.direct_sampling

    def prompt(
        self,
        messages: Sequence[Message],
        thinking: Thinking,
        tools: Sequence[Tool] = (),
        turn: PromptEnd = "begin",
        variables: Mapping[str, Any] | None = None,
    ) -> list[int]:
        """Ids of a conversation, to be answered or to have its last message continued; `variables` are for its
        template. Raises TemplateError, BlindModelError for pictures where it sees none, PictureError for those that
        cannot be looked at."""
        if self.template.sight is None and pictures_of(messages):
            raise BlindModelError(self.name)
        values = {**thinking.variables(self.thinking_support), **(variables or {})}
        can, native = self.template.capabilities, self.tool_format is not None
        if tools and native:
            values["tools"] = [trim_tool(tool) for tool in tools]
        ids = self.template.encode(adapt_messages(messages, tools, can, native), turn, **values)
        opening = thinking.opening(self.thinking_support) if turn == "begin" else ""
        return [*ids, *(self.tokenizer.encode_control(opening) if opening else ())]

    def encode(self, text: str, control: bool = True, begin: bool = True) -> list[int]:
        """Ids of a text that is no conversation: control tokens in it are meant, or spelled out where `control` is
        False; `begin` puts a BOS before it, where the model wants one and it has none."""
        return self.tokenizer.encode_text([(text, control)], begin)

    def with_bos(self, ids: list[int]) -> list[int]:
        """Ids after a BOS, where the model wants one and they have none."""
        return self.tokenizer.with_bos(ids)

    def constraint(
        self, form: ResponseFormat | None, tools: Sequence[Tool] = (), choice: str = "auto", several: bool = True
    ) -> AnswerConstraint | None:
        """Constrains an answer to `form`, or to calls that the schemas of `tools` allow. Raises ConstraintError.

        A tool that is not `strict` is constrained to as much of its schema as can be followed.
        """
        tools = [tool for tool in tools if choice in ("auto", "required", tool["function"]["name"])]
        if not tools:
            if form and self.template.capabilities.tags.messages:
                form = answer_form(form, self.tokenizer.id)
            return self.compile_form(form) if form else None
        if not (form or self.can_constrain) and choice == "auto":
            return None
        format = self.tool_format or HERMES
        return compile_calls(self.compile_form, self.tokenizer.id, format, tools, choice, several, form)

    def compile_form(self, form: ResponseFormat) -> AnswerConstraint:
        """The constraint of one answer. Raises ConstraintError."""
        return self.constraints.compile(form)

    def prepare(self) -> None:
        """Does what takes a while: reads the tokenizer for long texts, starts the process of the template, and the one
        that compiles constraints, if it can."""
        self.tokenizer.prepare()
        _ = self.template.capabilities
        with suppress(ConstraintError):
            self.constraints.start()

    def close(self) -> None:
        """Ends the processes of the template and of the constraints."""
        self.template.renderer.close()
        if "constraints" in self.__dict__:
            self.constraints.close()
