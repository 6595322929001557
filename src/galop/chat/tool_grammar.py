"""Builds Lark grammars that constrain tool calls to the schemas of their tools, however they are written.

How one format writes calls is a `CallGrammar`, which `tool_formats` makes; here it becomes a whole reply."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from galop.chat import lark
from galop.chat.argument_grammar import WIDE, json_rule
from galop.chat.response_format import ResponseFormat
from galop.chat.tool_schema import ToolSchema

GAP = r"GAP: /[ \n\t\r]{1,16}/"
ANY = "(?s:.*)"
BLANK = r"[ \n\t]{1,20}"


@dataclass
class CallGrammar:
    """Calls of some tools in one format. What follows the opening is Lark (`rest`, with its `rules`). Calls without an
    opening are `bare`: a regex for how each begins, and Lark for how it goes on."""

    opening: str  # a control token; "" where there is none
    rest: str
    rules: list[str]
    bare: list[tuple[str, str]] = field(default_factory=list)
    optional: bool = False  # whether the opening may be left away
    header: str = ""  # Lark for what stands before text that is no call
    preamble: str = ""  # Lark for text before a call, where text has a header
    before: str = ""  # Lark for text that stands before the opening
    anywhere: bool = False  # whether those without an opening may come after text


def reply_grammar(
    calls: CallGrammar, marks: dict[str, str], known: Collection[str], required: bool, several: bool
) -> ResponseFormat:
    """A reply with calls: from the first word where they are `required`, else after any text; more than one where there
    may be `several`. `marks` are the control tokens in Lark, `known` those that the vocabulary has."""
    first = f"{marks[calls.opening]} {calls.rest}" if calls.opening else calls.rest
    end = " GAP?" if several else ""
    rules = [f"calls: {first}{end}", GAP, *calls.rules]
    if calls.before:
        rules[0] = f"later: {first}{end}"
        rules.append(f"calls: {calls.before} later")
    if required:
        start = f"start: calls | {calls.rest}{end}" if calls.opening and calls.optional else "start: calls"
        return ResponseFormat("lark", "\n".join([start, *rules]))
    if calls.header:
        start = f"start: said | calls | {calls.preamble} calls"
        return ResponseFormat(
            "lark", "\n".join([start, *rules, f"said: {calls.header} text", "text: TEXT", "TEXT: /(?s:.+)/"])
        )
    # White space may come before the next call or the end: only what the model writes after it tells which.
    starts, never = ["text"], []
    if calls.opening in known:
        starts += ["calls", "text later" if calls.before else "text calls"]
    elif calls.opening:
        starts.append("spelled")
        rules += [f"spelled: lead {calls.rest}{end}", f"lead[lazy]: /{ANY}{lark.regex(calls.opening)}/"]
        never.append(f"{ANY}{lark.regex(calls.opening)}{ANY}")
    for i, (begins, goes_on) in enumerate(calls.bare):
        starts.append(f"bare{i}")
        lead = f"/{ANY}{begins}/" if calls.anywhere else f"/{begins}/"
        rules += [f"bare{i}: begin{i} {goes_on}{end}", f"begin{i}[lazy]: {lead}"]
        never.append(f"{ANY if calls.anywhere else ''}{begins}{ANY}")
    text = "/(?s:.+)/" + (f" & ~/(?:{'|'.join(never)})/" if never else "")
    return ResponseFormat("lark", "\n".join([f"start: {' | '.join(starts)}", *rules, "text: TEXT", f"TEXT: {text}"]))


def object_rules(tools: Sequence[ToolSchema], key: str, after: str = "") -> list[str]:
    """Rules for calls that are JSON objects, {"name": ..., KEY: arguments}, and what may come `after` the arguments;
    `object` is any of them."""
    rules = [f"object: {lark.choice('object', len(tools))}"]
    for i, tool in enumerate(tools):
        opening = lark.literal(f'{{"name": {lark.literal(tool.name)}, "{key}": ')
        rules += [
            f'object{i}: {opening} args{i} {after} "}}"',
            f"args{i}: {json_rule(tool)}",
        ]
    return rules


def bare_objects(tools: Sequence[ToolSchema], before: str, after: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Calls that are JSON objects without an opening, however they are laid out, between the regex `before` and the
    rules `after`: what `CallGrammar.bare` takes, and rules for it."""
    bare = [
        (
            rf'{before}\{{\s*(?:"type"\s*:\s*"function"\s*,\s*)?"name"\s*:\s*{lark.regex(lark.literal(tool.name))}'
            r'\s*,\s*"(?:arguments|parameters)"\s*:',
            f"BLANK? wide{i} OBJECT_END {after}",
        )
        for i, tool in enumerate(tools)
    ]
    rules = [rf"BLANK: /{BLANK}/", rf"OBJECT_END: /(?:{BLANK})?\}}/"]
    rules += [f"wide{i}: {json_rule(tool, how=WIDE)}" for i, tool in enumerate(tools)]
    return bare, rules
