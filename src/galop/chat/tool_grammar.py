"""The grammars that hold a model to calls which the schemas of its tools allow, in each family's own format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from galop.chat.argument_grammar import PYTHON_RULES, WIDE, Arguments, exactly, json_rule, named, quoted, tagged
from galop.chat.response_format import ResponseFormat
from galop.chat.tools import ToolCallFormat

MOST = 31  # calls after the first
GAP = r"GAP: /[ \n\t\r]{1,16}/"
ANY = "(?s:.*)"
BLANK = r"[ \n\t]{1,20}"


@dataclass
class Written:
    """How calls are written: Lark for what follows their opening, and for those that have none a regex for how each
    begins, and Lark for how it goes on."""

    opening: str  # a marker; "" where there is none
    rest: str
    rules: list[str]
    bare: list[tuple[str, str]] = field(default_factory=list)
    optional: bool = False  # whether the opening may be left away
    anywhere: bool = False  # whether those without an opening may come after text


def grammar(
    form: ToolCallFormat, tools: Sequence[Arguments], required: bool, several: bool, id_of: Callable[[str], int | None]
) -> ResponseFormat:
    """Holds calls to the schemas of `tools`: from the first word where they are `required`, else after any text; only
    one unless `several`. Markers are control tokens where `id_of` knows them, and text elsewhere."""
    ids = {marker: id_of(marker) for marker in form.markers}
    marks = {marker: quoted(marker) if id is None else f"<[{id}]>" for marker, id in ids.items()}
    known = {marker for marker, id in ids.items() if id is not None}
    how = WRITTEN[form.name](tools, MOST if several else 0, marks, known)
    calls = f"{marks[how.opening]} {how.rest}" if how.opening else how.rest
    end = " GAP?" if several else ""
    rules = [f"calls: {calls}{end}", GAP, *how.rules]
    if required:
        start = f"start: calls | {how.rest}{end}" if how.opening and how.optional else "start: calls"
        return ResponseFormat("lark", "\n".join([start, *rules]))
    # White space may come before the next call or the end: only what the model writes after it tells which.
    starts, never = ["text"], []
    if how.opening in known:
        starts += ["calls", "text calls"]
    elif how.opening:
        starts.append("spelled")
        rules += [f"spelled: lead {how.rest}{end}", f"lead[lazy]: /{ANY}{exactly(how.opening)}/"]
        never.append(f"{ANY}{exactly(how.opening)}{ANY}")
    for i, (begins, goes_on) in enumerate(how.bare):
        starts.append(f"bare{i}")
        lead = f"/{ANY}{begins}/" if how.anywhere else f"/{begins}/"
        rules += [f"bare{i}: begin{i} {goes_on}{end}", f"begin{i}[lazy]: {lead}"]
        never.append(f"{ANY if how.anywhere else ''}{begins}{ANY}")
    text = "/(?s:.+)/" + (f" & ~/(?:{'|'.join(never)})/" if never else "")
    return ResponseFormat("lark", "\n".join([f"start: {' | '.join(starts)}", *rules, "text: TEXT", f"TEXT: {text}"]))


def _choice(name: str, count: int) -> str:
    return " | ".join(f"{name}{i}" for i in range(count))


def _more(what: str, most: int) -> str:
    return f"({what}){{0,{most}}}" if most else ""


def _objects(tools: Sequence[Arguments], key: str, after: str = "") -> list[str]:
    """Rules for calls that are JSON objects; `object` is any of them."""
    rules = [f"object: {_choice('object', len(tools))}"]
    for i, tool in enumerate(tools):
        opening = quoted(f'{{"name": {quoted(tool.name)}, "{key}": ')
        rules += [
            f'object{i}: {opening} args{i} {after} "}}"',
            f"args{i}: {json_rule(tool)}",
        ]
    return rules


def _bare_objects(tools: Sequence[Arguments], before: str, after: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Calls that are JSON objects without an opening, however they are laid out, and rules for these."""
    bare = [
        (
            rf'{before}\{{\s*(?:"type"\s*:\s*"function"\s*,\s*)?"name"\s*:\s*{exactly(quoted(tool.name))}'
            r'\s*,\s*"(?:arguments|parameters)"\s*:',
            f"BLANK? wide{i} OBJECT_END {after}",
        )
        for i, tool in enumerate(tools)
    ]
    rules = [rf"BLANK: /{BLANK}/", rf"OBJECT_END: /(?:{BLANK})?\}}/"]
    rules += [f"wide{i}: {json_rule(tool, how=WIDE)}" for i, tool in enumerate(tools)]
    return bare, rules


def _hermes(tools: Sequence[Arguments], most: int, marks: dict[str, str], known: set[str]) -> Written:
    """Hermes, Qwen2.5 and Qwen3; Qwen2.5-Coder leaves the tags away, or takes a fence for them."""
    opening, closing = marks
    again = _more(f"GAP? {marks[opening]} call", most)
    bare, rules = _bare_objects(tools, r"\s*(?:```(?:json)?\s*)?", f"FENCE? {again}")
    rules += [f'call: "\\n" object "\\n" {marks[closing]}', rf"FENCE: /(?:{BLANK})?```/", *_objects(tools, "arguments")]
    return Written(opening, f"call {again}", rules, bare)


def _coder(tools: Sequence[Arguments], most: int, marks: dict[str, str], known: set[str]) -> Written:
    """Qwen3-Coder, which at times leaves the opening away."""
    opening, closing = marks
    again = _more(f"GAP? {marks[opening]} call", most)
    rules = [f'call: "\\n" ({_choice("function", len(tools))}) "\\n" {marks[closing]}']
    bare = []
    for i, tool in enumerate(tools):
        rules += [
            f'function{i}: {quoted(f"<function={tool.name}>" + chr(10))} args{i} "</function>"',
            *tagged(f"args{i}", tool),
        ]
        bare.append(
            (exactly(f"<function={tool.name}>"), f'"\\n" args{i} "</function>" ("\\n" {marks[closing]})? {again}')
        )
    return Written(opening, f"call {again}", rules, bare, anywhere=True)


def _deepseek(tools: Sequence[Arguments], most: int, marks: dict[str, str], known: set[str]) -> Written:
    """DeepSeek-V3 and R1, with a fenced block, and V3.1 without."""
    opening, closing, begin, end, separator = marks
    rules = [f"call: {marks[begin]} ({_choice('tool', len(tools))}) {marks[end]}"]
    for i, tool in enumerate(tools):
        name, fenced = quoted(tool.name), quoted(f"{tool.name}\n```json\n")
        one = f'"function" {marks[separator]} {fenced} args{i} "\\n```"'
        rules += [f"tool{i}: {one} | {name} {marks[separator]} args{i}", f"args{i}: {json_rule(tool)}"]
    return Written(opening, f"call {_more('GAP? call', most)} {marks[closing]}", rules)


def _mistral(tools: Sequence[Arguments], most: int, marks: dict[str, str], known: set[str]) -> Written:
    """Mistral: a list of objects, or since Small 3.2 each name before its arguments."""
    opening, to, id = marks
    rules = [f'list: "[" object {_more("COMMA object", most)} "]"', r"COMMA: /, ?/", 'SPACE: " "']
    rules += [*_objects(tools, "arguments", "ID?"), r'ID: /, ?"id": ?"[A-Za-z0-9_-]{1,64}"/']
    if to not in known:
        return Written(opening, "SPACE? list", rules)
    named = f"({marks[id]} /[A-Za-z0-9_-]{{1,64}}/)? {marks[to]}" if id in known else marks[to]
    rules.append(f"call: {' | '.join(f'{quoted(tool.name)} {named} args{i}' for i, tool in enumerate(tools))}")
    return Written(opening, f"(SPACE? list | call {_more(f'{marks[opening]} call', most)})", rules)


def _pythonic(tools: Sequence[Arguments], most: int, marks: dict[str, str], known: set[str]) -> Written:
    """Llama 3.2 and 4: a Python list of calls with named arguments."""
    again = f'{_more("COMMA call", most)} "]"'
    rules = [f"call: {_choice('call', len(tools))}", *PYTHON_RULES]
    bare = []
    for i, tool in enumerate(tools):
        rules += [f'call{i}: {quoted(tool.name + "(")} args{i} ")"', *named(f"args{i}", tool)]
        bare.append((rf"\s*\[\s*{exactly(tool.name)}\(", f'args{i} ")" {again}'))
    start, end = (marks[m] if m in known else "" for m in marks)
    rules.append(f'list: "[" call {again} {end}{"?" if end else ""}')
    if start:
        return Written(next(iter(marks)), "list", rules, bare, optional=True)
    return Written("", "list", rules, bare)


def _llama(tools: Sequence[Arguments], most: int, marks: dict[str, str], known: set[str]) -> Written:
    """Llama 3.1: JSON objects, several apart by semicolons."""
    [tag] = marks
    again = _more("SEMICOLON object", most)
    bare, rules = _bare_objects(tools, "", again)
    rules += [*_objects(tools, "parameters"), r"SEMICOLON: /[ \n]{0,2};[ \n]{0,2}/"]
    return Written(tag if tag in known else "", f"object {again}", rules, bare, optional=True, anywhere=True)


WRITTEN = {
    "hermes": _hermes, "coder": _coder, "deepseek": _deepseek, "mistral": _mistral, "pythonic": _pythonic,
    "llama": _llama,
}  # fmt: skip
