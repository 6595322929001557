"""How each family of models writes tool calls: one table, `FORMATS`, that the parser and the grammars read.

A new format is an entry of the table and the function that writes its calls in Lark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from galop.chat import lark
from galop.chat.argument_grammar import PYTHON_RULES, json_rule, keyword_rules
from galop.chat.gemma_syntax import QUOTE, any_rules, gemma_rules
from galop.chat.harmony import CALL, CHANNEL, CONSTRAIN, END, MESSAGE, START
from galop.chat.response_format import ResponseFormat
from galop.chat.tag_grammar import LINE, TagRules
from galop.chat.tag_style import CODER, DSML, GLM, SEED, TagStyle
from galop.chat.tool_grammar import BLANK, CallGrammar, bare_objects, object_rules, reply_grammar
from galop.chat.tool_schema import ToolSchema
from galop.chat.tool_syntax import write_objects, write_python
from galop.chat.tools import ToolCall

MOST = 31  # calls after the first
_ID = r'ID: /, ?"id": ?"[A-Za-z0-9_-]{1,64}"/'


@dataclass(frozen=True)
class GrammarInput:
    """What a format's function is to say in Lark: calls of these tools, and at most so many more after the first."""

    tools: Sequence[ToolSchema]
    most: int
    marks: dict[str, str]  # the format's control tokens in Lark, in the order of `markers`
    known: frozenset[str]  # those that the vocabulary has; others are spelled

    def more(self, rule: str) -> str:
        """`rule` for each further call."""
        return lark.repeat(rule, self.most)


def _hermes(calls: GrammarInput) -> CallGrammar:
    """Hermes, Qwen2.5 and Qwen3; Qwen2.5-Coder leaves the tags away, or takes a fence for them."""
    opening, closing = calls.marks
    again = calls.more(f"GAP? {calls.marks[opening]} call")
    bare, rules = bare_objects(calls.tools, r"\s*(?:```(?:json)?\s*)?", f"FENCE? {again}")
    rules += [f'call: "\\n" object "\\n" {calls.marks[closing]}', rf"FENCE: /(?:{BLANK})?```/"]
    rules += object_rules(calls.tools, "arguments")
    return CallGrammar(opening, f"call {again}", rules, bare)


def _coder(calls: GrammarInput) -> CallGrammar:
    """Qwen3-Coder, which at times leaves the opening away."""
    opening, closing = calls.marks
    again = calls.more(f"GAP? {calls.marks[opening]} call")
    rules = [f'call: "\\n" ({lark.choice("function", len(calls.tools))}) "\\n" {calls.marks[closing]}']
    bare, tags = [], TagRules(CODER, {})
    for i, tool in enumerate(calls.tools):
        function = f"<function={tool.name}>"
        rules += [
            f'function{i}: {lark.literal(function + chr(10))} args{i} "</function>"',
            *tags.arguments(f"args{i}", tool),
        ]
        goes_on = f'"\\n" args{i} "</function>" ("\\n" {calls.marks[closing]})? {again}'
        bare.append((lark.regex(function), goes_on))
    return CallGrammar(opening, f"call {again}", rules, bare, anywhere=True)


def _deepseek(calls: GrammarInput) -> CallGrammar:
    """DeepSeek-V3 and R1, with a fenced block, and V3.1 without."""
    opening, closing, begin, end, separator = calls.marks
    marks = calls.marks
    rules = [f"call: {marks[begin]} ({lark.choice('tool', len(calls.tools))}) {marks[end]}"]
    for i, tool in enumerate(calls.tools):
        name, fenced = lark.literal(tool.name), lark.literal(f"{tool.name}\n```json\n")
        one = f'"function" {marks[separator]} {fenced} args{i} "\\n```"'
        rules += [f"tool{i}: {one} | {name} {marks[separator]} args{i}", f"args{i}: {json_rule(tool)}"]
    return CallGrammar(opening, f"call {calls.more('GAP? call')} {marks[closing]}", rules)


def _kimi(calls: GrammarInput) -> CallGrammar:
    """Kimi-K2, which numbers its calls."""
    opening, closing, begin, end, separator = calls.marks
    marks = calls.marks
    rules = [f"call: {marks[begin]} ({lark.choice('tool', len(calls.tools))}) {marks[end]}"]
    for i, tool in enumerate(calls.tools):
        name = lark.literal(f"functions.{tool.name}:")
        rules += [f"tool{i}: {name} /[0-9]{{1,4}}/ {marks[separator]} args{i}", f"args{i}: {json_rule(tool)}"]
    return CallGrammar(opening, f"call {calls.more('call')} {marks[closing]}", rules)


def _listed(calls: GrammarInput) -> CallGrammar:
    """Nemotron Nano 2, Granite 3, Apriel and Hunyuan-A13B: one list of objects."""
    opening, *closing = calls.marks
    end = calls.marks[closing[0]] if closing else ""
    rules = [r"COMMA: /,[ \n]?/", *object_rules(calls.tools, "arguments", "ID?"), _ID]
    return CallGrammar(opening, f'"[" object {calls.more("COMMA object")} "]" {end}', rules)


def _mistral(calls: GrammarInput) -> CallGrammar:
    """Mistral: a list of objects, or since Small 3.2 each name before its arguments."""
    opening, to, id = calls.marks
    marks = calls.marks
    rules = [f'list: "[" object {calls.more("COMMA object")} "]"', r"COMMA: /, ?/", 'SPACE: " "']
    rules += [*object_rules(calls.tools, "arguments", "ID?"), _ID]
    if to not in calls.known:
        return CallGrammar(opening, "SPACE? list", rules)
    before = f"({marks[id]} /[A-Za-z0-9_-]{{1,64}}/)? {marks[to]}" if id in calls.known else marks[to]
    ways = (f"{lark.literal(tool.name)} {before} args{i}" for i, tool in enumerate(calls.tools))
    rules.append(f"call: {' | '.join(ways)}")
    return CallGrammar(opening, f"(SPACE? list | call {calls.more(f'{marks[opening]} call')})", rules)


def _pythonic(calls: GrammarInput) -> CallGrammar:
    """Llama 3.2 and 4: a Python list of calls with named arguments."""
    again = f'{calls.more("COMMA call")} "]"'
    rules = [f"call: {lark.choice('call', len(calls.tools))}", *PYTHON_RULES]
    bare = []
    for i, tool in enumerate(calls.tools):
        rules += [f'call{i}: {lark.literal(tool.name + "(")} args{i} ")"', *keyword_rules(f"args{i}", tool)]
        bare.append((rf"\s*\[\s*{lark.regex(tool.name)}\(", f'args{i} ")" {again}'))
    start, end = (calls.marks[m] if m in calls.known else "" for m in calls.marks)
    rules.append(f'list: "[" call {again} {end}{"?" if end else ""}')
    if start:
        return CallGrammar(next(iter(calls.marks)), "list", rules, bare, optional=True)
    return CallGrammar("", "list", rules, bare)


def _lfm2(calls: GrammarInput) -> CallGrammar:
    """LFM2: the same list, between control tokens."""
    opening, closing = calls.marks
    rules = [f"call: {lark.choice('call', len(calls.tools))}", *PYTHON_RULES]
    for i, tool in enumerate(calls.tools):
        rules += [f'call{i}: {lark.literal(tool.name + "(")} args{i} ")"', *keyword_rules(f"args{i}", tool)]
    return CallGrammar(opening, f'"[" call {calls.more("COMMA call")} "]" {calls.marks[closing]}', rules)


def _llama(calls: GrammarInput) -> CallGrammar:
    """Llama 3.1: JSON objects, several apart by semicolons."""
    [tag] = calls.marks
    again = calls.more("SEMICOLON object")
    bare, rules = bare_objects(calls.tools, "", again)
    rules += [*object_rules(calls.tools, "parameters"), r"SEMICOLON: /[ \n]{0,2};[ \n]{0,2}/"]
    return CallGrammar(tag if tag in calls.known else "", f"object {again}", rules, bare, optional=True, anywhere=True)


def _tagged(style: TagStyle, between: str = "", several: bool = False) -> Callable[[GrammarInput], CallGrammar]:
    """Calls whose values stand in tags, `between` the opening or closing and the call; `several` says that one opening
    is for all of them."""

    def grammar(calls: GrammarInput) -> CallGrammar:
        opening, closing = next(iter(calls.marks)), style.closing
        tags = TagRules(style, {name: mark for name, mark in calls.marks.items() if name in calls.known})
        gap = tags.tag(between)
        rules = [f"function: {lark.choice('function', len(calls.tools))}", *([LINE] if style.loose else [])]
        for i, tool in enumerate(calls.tools):
            function = style.function.replace("{name}", tool.name)
            rules.append(f"function{i}: {tags.tag(function)} args{i} {tags.tag(style.function_end)}")
            rules += tags.arguments(f"args{i}", tool)
        if several:
            rules.append(f"call: {gap} function {calls.more('function')} {calls.marks[closing]}")
            return CallGrammar(opening, "call", rules)
        rules.append(f"call: {gap} function {gap} {calls.marks[closing]}")
        return CallGrammar(opening, f"call {calls.more(f'GAP? {calls.marks[opening]} call')}", rules)

    return grammar


def _dsml(calls: GrammarInput) -> CallGrammar:
    """DeepSeek-V3.2, whose tags have a control token in them."""
    [mark] = calls.marks
    opening, known = "<｜DSML｜function_calls>", mark in calls.known
    tags = TagRules(DSML, calls.marks if known else {})
    marks = {**calls.marks, DSML.closing: tags.tag(DSML.closing)}
    if not known:
        marks = {opening: lark.literal(opening), **marks}
    grammar = _tagged(DSML, "\n", several=True)(replace(calls, marks=marks))
    if not known:
        return grammar
    begins, _, goes_on = opening.partition(mark)
    return replace(grammar, rest=f"{lark.literal(goes_on)} {grammar.rest}", before=lark.literal(begins))


def _harmony(calls: GrammarInput) -> CallGrammar:
    """gpt-oss: one call a reply, as its history has it or as it writes it itself."""
    start, channel, constrain, message, end, _ = (calls.marks[mark] for mark in calls.marks)
    kind = f'{constrain}? "json" {message}'
    rules = [f"call: {lark.choice('call', len(calls.tools))}", "BEFORE: /(?s:.+)/"]
    for i, tool in enumerate(calls.tools):
        to, own = lark.literal(f" to=functions.{tool.name}"), lark.literal(f"commentary to=functions.{tool.name} ")
        rules += [
            f'call{i}: {channel} {own} {kind} args{i} | {to} {channel} "commentary " {kind} args{i}',
            f"args{i}: {json_rule(tool)}",
        ]
    said = f'{channel} "commentary" {message} BEFORE {end} {start} "assistant"'
    return CallGrammar("", "call", rules, header=f'{channel} "final" {message}', preamble=said)


def _gemma(calls: GrammarInput) -> CallGrammar:
    """Gemma 4: a name and its arguments, in its own way of writing values."""
    opening, closing, _ = calls.marks
    quote, known = calls.marks[QUOTE], QUOTE in calls.known
    rules = [
        f'call: "call:" ({lark.choice("tool", len(calls.tools))}) {calls.marks[closing]}',
        *any_rules(quote, known),
    ]
    for i, tool in enumerate(calls.tools):
        rules += [
            f'tool{i}: {lark.literal(tool.name + "{")} args{i} "}}"',
            *gemma_rules(f"args{i}", tool, quote, known),
        ]
    return CallGrammar(opening, f"call {calls.more(f'GAP? {calls.marks[opening]} call')}", rules)


@dataclass(frozen=True)
class ToolCallFormat:
    """How a family of models writes calls."""

    name: str
    sign: str  # a regex that finds it in a template's instructions, where no call of the history is rendered
    openings: tuple[str, ...]  # what begins calls, the usual one first
    closing: str  # what ends them; "" for the end of the reply
    rules: Callable[[GrammarInput], CallGrammar]  # the same calls in Lark
    syntax: Literal["json", "tags", "python", "gemma", "styled"] = "json"  # of what stands between
    head: str = r"[\s,;\[]*"  # a regex for what stands before a call's object; its group `name` if the object has none
    tail: str = r"[\s,;\]]*"  # a regex for what may follow the last call and is no text
    trailers: tuple[str, ...] = ()  # closing marks that may follow it too
    bare: Literal["", "first", "list", "anywhere"] = ""  # where calls may lack an opening: a call or list first, or any
    markers: tuple[str, ...] = ()  # control tokens that calls consist of
    kept_openings: tuple[str, ...] = ()  # openings that are part of the call itself
    write: Callable[[Sequence[ToolCall]], str] | None = None  # for a template that has none of its history's calls
    style: TagStyle | None = None  # of the tags, where the syntax is "styled"
    python_opening: str = ""  # the opening after which a call is Python, unless it is an object

    def grammar(
        self, tools: Sequence[ToolSchema], required: bool, several: bool, id_of: Callable[[str], int | None]
    ) -> ResponseFormat:
        """Constrains calls to the schemas of `tools`: from the first word where they are `required`, else after any
        text; only one unless `several`. Markers are control tokens where `id_of` knows them, and text elsewhere.
        Raises ConstraintError for a strict tool that this format cannot be constrained to."""
        ids = {marker: id_of(marker) for marker in self.markers}
        marks = {marker: lark.literal(marker) if id is None else f"<[{id}]>" for marker, id in ids.items()}
        known = frozenset(marker for marker, id in ids.items() if id is not None)
        calls = self.rules(GrammarInput(tools, MOST if several else 0, marks, known))
        marks.setdefault(calls.opening, lark.literal(calls.opening))  # which may have tokens in it, and be none
        return reply_grammar(calls, marks, known, required, several)


_DEEPSEEK = tuple(f"<｜tool▁{part}｜>" for part in ("calls▁begin", "calls▁end", "call▁begin", "call▁end", "sep"))
_KIMI = tuple(
    f"<|tool_call{part}|>" for part in ("s_section_begin", "s_section_end", "_begin", "_end", "_argument_begin")
)
_HARMONY_OPENINGS = tuple(
    f"{before}{to}"
    for to in (" to=functions.", f"{CHANNEL}commentary to=functions.")
    for before in ("", f"{START}assistant")
)
HERMES = ToolCallFormat(
    "hermes", r"<tool_call>", ("<tool_call>",), "</tool_call>", _hermes, bare="first",
    trailers=("</tool_call>",), markers=("<tool_call>", "</tool_call>"),
)  # fmt: skip
FORMATS = (
    ToolCallFormat(
        "coder", r"<tool_call>\s*<function=", ("<tool_call>", "<function="), "</tool_call>", _coder, "tags",
        trailers=("</tool_call>",), markers=("<tool_call>", "</tool_call>"), kept_openings=("<function=",),
    ),
    HERMES,
    ToolCallFormat(
        "glm", r"<arg_key>\{", ("<tool_call>",), "</tool_call>", _tagged(GLM), "styled", trailers=("</tool_call>",),
        markers=("<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"), style=GLM,
    ),
    ToolCallFormat(
        "seed", r"<seed:tool_call>", ("<seed:tool_call>",), "</seed:tool_call>", _tagged(SEED, "\n"), "styled",
        trailers=("</seed:tool_call>",), markers=("<seed:tool_call>", "</seed:tool_call>"), style=SEED,
    ),
    ToolCallFormat(
        "dsml", r"<｜DSML｜function_calls>", ("<｜DSML｜function_calls>",), DSML.closing, _dsml, "styled",
        trailers=(DSML.closing,), markers=("｜DSML｜",), style=DSML,
    ),
    ToolCallFormat(
        "deepseek", r"tool▁calls▁begin", ("<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>"), "<｜tool▁calls▁end｜>",
        _deepseek,
        head=r"\s*(?:(?:```)?\s*<｜tool▁call▁end｜>\s*)?<｜tool▁call▁begin｜>\s*(?:function<｜tool▁sep｜>)?"
        r"(?P<name>[^\s<｜]+)\s*(?:<｜tool▁sep｜>)?\s*(?:```json)?\s*",
        trailers=("```", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"),
        markers=_DEEPSEEK, kept_openings=("<｜tool▁call▁begin｜>",),
    ),
    ToolCallFormat(
        "kimi", r"<\|tool_calls_section_begin\|>", (_KIMI[0], _KIMI[2]), _KIMI[1], _kimi,
        head=r"\s*(?:<\|tool_call_end\|>\s*)?<\|tool_call_begin\|>\s*(?:functions\.)?(?P<name>[^\s<:]+)(?::\d+)?\s*"
        r"<\|tool_call_argument_begin\|>\s*",
        trailers=("<|tool_call_end|>", "<|tool_calls_section_end|>"), markers=_KIMI, kept_openings=(_KIMI[2],),
    ),
    ToolCallFormat(
        "nemotron", r"<TOOLCALL>", ("<TOOLCALL>",), "</TOOLCALL>", _listed, trailers=("</TOOLCALL>",),
        markers=("<TOOLCALL>", "</TOOLCALL>"), write=write_objects,
    ),
    ToolCallFormat(
        "listed", r"<tool_calls>\s*\[", ("<tool_calls>",), "</tool_calls>", _listed, trailers=("</tool_calls>",),
        markers=("<tool_calls>", "</tool_calls>"), write=write_objects,
    ),
    ToolCallFormat(
        "granite3", r"<\|tool_call\|>", ("<|tool_call|>",), "", _listed, trailers=("<|/tool_call|>",),
        markers=("<|tool_call|>",), write=write_objects,
    ),
    ToolCallFormat(
        "lfm2", r"List of tools: (?:<\|tool_list_start\|>)?\[", ("<|tool_call_start|>",), "<|tool_call_end|>", _lfm2,
        "python", trailers=("<|tool_call_end|>",), markers=("<|tool_call_start|>", "<|tool_call_end|>"),
        write=write_python,
    ),
    ToolCallFormat(
        "harmony", r"namespace functions", _HARMONY_OPENINGS, "", _harmony,
        head=r"(?P<name>[^\s<{]+)\s*(?:<\|channel\|>[a-z]+)?\s*(?:<\|constrain\|>)?\s*(?:json)?\s*<\|message\|>\s*",
        tail=r"\s*", trailers=(CALL,), markers=(START, CHANNEL, CONSTRAIN, MESSAGE, END, CALL),
    ),
    ToolCallFormat(
        "gemma", r"<\|tool_call>", ("<|tool_call>",), "<tool_call|>", _gemma, "gemma",
        head=r"\s*call:\s*(?P<name>[^\s{}<]+)\s*", tail=r"\s*", trailers=("<tool_call|>",),
        markers=("<|tool_call>", "<tool_call|>", QUOTE),
    ),
    ToolCallFormat(
        "mistral", r"\[TOOL_CALLS\]", ("[TOOL_CALLS]",), "", _mistral,
        head=r"\s*(?:[\[,\s]*|(?:\[TOOL_CALLS\])?\s*(?P<name>[^\s\[\]{,]+)(?:\[CALL_ID\][^\s\[]*)?(?:\[ARGS\])?\s*)",
        markers=("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"),
    ),
    ToolCallFormat(
        "pythonic", r"func_name1\(params_name1", ("<|python_start|>",), "", _pythonic, "python", bare="list",
        trailers=("<|python_end|>",),
        markers=("<|python_start|>", "<|python_end|>"),
    ),
    ToolCallFormat(
        "llama", r'<\|python_tag\|>|\{"name": function name, "parameters"', ("<|python_tag|>",), "", _llama,
        head=r"[\s,;]*", bare="anywhere", markers=("<|python_tag|>",), python_opening="<|python_tag|>",
    ),
)  # fmt: skip
"""Those whose sign is part of another's come after it: the first that fits is taken."""


def format_named(name: str) -> ToolCallFormat | None:
    """The format of FORMATS with this name, if there is one."""
    return next((form for form in FORMATS if form.name == name), None)
