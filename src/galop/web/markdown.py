"""Markdown of a model to HTML that can do nothing: no raw HTML, no pictures from elsewhere, no scripts in links."""

from __future__ import annotations

import html
import re
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from importlib import import_module
from typing import Any
from xml.etree import ElementTree

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

LONGEST = 30_000  # characters of a block
LONGEST_CODE = 20_000  # that is coloured
LONGEST_FORMULA = 2000
CODE_SECONDS = 0.25  # of the processor, for the colours of one piece of code
FENCE = re.compile(r"^ {0,3}(`{3,}(?=[^`]*$)|~{3,})")
SAFE = re.compile(r"(?:https?|mailto|tel):|[^:]*(?:[/?#]|$)", re.IGNORECASE)  # where a link may lead
ITEM = re.compile(
    r"(?:[-*+]|\d{1,9}[.)])(?=\s|$)|\d{1,9}$"
)  # of a list, or what may become one with the next character
DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]{1,200}\]:[ \t]*[^\s<].*$", re.MULTILINE)
# Code; a backslash that is itself written out; what opens and closes a formula; the end of a line.
MARKS = re.compile(
    r"(?P<code>^ {0,3}(?P<fence>`{3,}|~{3,})[\s\S]*?(?:^ {0,3}(?P=fence)[^\n]*$|\Z)|`[^`\n]+`)|\\\\|\\[\[\]()]|\n",
    re.MULTILINE,
)
MATHML = "http://www.w3.org/1998/Math/MathML"
MATH_ELEMENTS = set(
    "math mrow mi mo mn mtext mspace msup msub msubsup mfrac msqrt mroot mover munder munderover mtable mtr mtd mstyle "
    "mpadded mphantom menclose mmultiscripts none mprescripts merror".split()
)
MATH_ATTRIBUTES = set(
    "display displaystyle scriptlevel mathvariant stretchy fence form separator lspace rspace minsize maxsize width "
    "height depth linethickness columnalign rowspacing columnspacing columnlines rowlines notation accent accentunder "
    "movablelimits largeop symmetric mathcolor mathsize".split()
)


@cache
def renderer() -> MarkdownIt:
    tables: Any = import_module("markdown_it.rules_block.table")
    tables.MAX_AUTOCOMPLETED_CELLS = 4096  # empty ones, of rows that are shorter than the first
    # html=False writes tags out as text; what may stand in a link is checked by markdown-it's own rules.
    md = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    md.disable("image")  # a picture's address could carry what was said to another server
    dollarmath_plugin(md, renderer=formula, allow_space=False, allow_digits=False)
    md.validateLink = lambda url: SAFE.match(url.strip()) is not None  # type: ignore[method-assign]
    md.add_render_rule("link_open", link)
    md.add_render_rule("fence", fence)
    return md


def to_html(text: str) -> str:
    """The HTML of a block, in time that grows with its length; one that is too long comes as it was written."""
    if len(text) > LONGEST:
        return plain(text)
    return str(renderer().render(brackets_to_dollars(text) + "\n"))


def plain(text: str) -> str:
    return f'<div class="plain">{html.escape(text)}</div>'


def blocks(text: str) -> list[str]:
    """A text cut at its blank lines, code fences and lists left whole: while it grows, only the last piece changes."""
    return [text[start:end] for start, end in spans(text)]


def spans(text: str, start: int = 0) -> list[tuple[int, int]]:
    """Where each block begins and ends. From `start` on, which must be the beginning of one."""
    found: list[tuple[int, int]] = []
    fence, listed, blank = "", False, True
    at = start
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        empty = not line.strip()
        if not fence and blank and not empty and not (listed and (line[0] in " \t" or ITEM.match(line))):
            found.append((at, end))
            listed = ITEM.match(line) is not None
        elif found and (fence or not empty):
            found[-1] = found[-1][0], end
        match = FENCE.match(line)
        if match and not fence:
            fence = match[1]
        elif match and match[1].startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        blank = empty and not fence
        at = end + 1
    return found


def whole(text: str) -> list[str]:
    """The blocks of a text that is finished; those with brackets also know the addresses that are named in others."""
    named = "\n".join(DEFINITION.findall(text))[:LONGEST_FORMULA]
    return [f"{block}\n\n{named}" if named and "[" in block else block for block in blocks(text)]


def brackets_to_dollars(text: str) -> str:
    r"""Models write \( \) and \[ \] as often as $ and $$; code is left alone. Each mark is looked at once."""
    parts: list[str] = []
    done = 0
    opened: re.Match[str] | None = None
    for mark in MARKS.finditer(text):
        if mark["code"] or (mark[0] == "\n" and opened and opened[0] == "\\("):
            opened = None
        elif opened is None and mark[0] in ("\\[", "\\("):
            opened = mark
        elif opened and mark[0] == {"\\[": "\\]", "\\(": "\\)"}[opened[0]] and mark.start() > opened.end():
            inner = text[opened.end() : mark.start()]
            formula = f"$${inner}$$" if mark[0] == "\\]" else f"${inner.strip()}$"
            parts += [text[done : opened.start()], formula]
            done, opened = mark.end(), None
    return "".join([*parts, text[done:]])


def formula(content: str, options: dict[str, Any]) -> str:
    """MathML; what cannot be read as a formula is shown as it was written."""
    from latex2mathml.converter import convert

    display = "block" if options.get("display_mode") else "inline"
    if len(content) <= LONGEST_FORMULA:
        with suppress(Exception):  # whatever a stranger's formula does to the converter
            return only_mathml(convert(content, display=display))
    return f"<code>{html.escape(content)}</code>"


def only_mathml(text: str) -> str:
    """The same markup, known to be formulas and nothing else. Raises ValueError or ElementTree.ParseError."""
    root = ElementTree.fromstring(text)
    for element in root.iter():
        namespace, _, name = element.tag.rpartition("}")
        if namespace != "{" + MATHML or name not in MATH_ELEMENTS or not element.attrib.keys() <= MATH_ATTRIBUTES:
            raise ValueError(f"{element.tag} in a formula")
    ElementTree.register_namespace("", MATHML)
    return ElementTree.tostring(root, encoding="unicode")


def link(renderer: Any, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    tokens[i].attrSet("target", "_blank")
    tokens[i].attrSet("rel", "noopener noreferrer nofollow")
    return str(renderer.renderToken(tokens, i, options, env))


def fence(renderer: Any, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    content, lines = tokens[i].content, tokens[i].map or [0, 0]
    language = tokens[i].info.split()[0] if tokens[i].info.strip() else ""
    closed = lines[1] - lines[0] - 2 == content.count("\n")  # until then, what is written more would colour it anew
    code = highlight(content, language) if closed else html.escape(content)
    name = html.escape(language[:30])
    bar = f'<div class="bar"><span>{name}</span><button class="copy" aria-label="copy"></button></div>'
    return f'<div class="code">{bar}<pre>{code}</pre></div>\n'


@lru_cache(maxsize=32)
def highlight(code: str, language: str) -> str:
    """Coloured as far as LONGEST_CODE and CODE_SECONDS allow; the rest is plain."""
    from pygments import format as formatted
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    if len(code) > LONGEST_CODE:
        return html.escape(code)
    try:
        lexer = get_lexer_by_name(language or "text", stripnl=False)
    except ClassNotFound:
        return html.escape(code)
    tokens = []
    with suppress(TimeoutError), stop_after(CODE_SECONDS):
        for token in lexer.get_tokens(code):
            tokens.append(token)
    done = sum(len(value) for _, value in tokens)
    coloured = str(formatted(iter(tokens), HtmlFormatter(nowrap=True)))
    if not code[:done].endswith("\n"):
        coloured = coloured.removesuffix("\n")  # the formatter ends every line
    return coloured + html.escape(code[done:])


@contextmanager
def stop_after(seconds: float) -> Iterator[None]:
    """Raises TimeoutError in what takes more of the processor, be it in a regular expression; in the main thread only,
    since it is a signal's doing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def code_styles() -> str:
    from pygments.formatters import HtmlFormatter

    light = HtmlFormatter(nobackground=True).get_style_defs(".code pre")  # type: ignore[no-untyped-call]
    formatter = HtmlFormatter(nobackground=True, style="github-dark")
    dark = formatter.get_style_defs(".body--dark .code pre")  # type: ignore[no-untyped-call]
    return f"{light}\n{dark}"
