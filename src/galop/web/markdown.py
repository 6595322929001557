"""Markdown of a model to HTML that can do nothing: no raw HTML, no pictures from elsewhere, no scripts in links."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any
from xml.etree import ElementTree

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
LONGEST_FORMULA = 2000
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
    # html=False writes tags out as text; what may stand in a link is checked by markdown-it's own rules.
    md = MarkdownIt("commonmark", {"html": False, "highlight": highlight}).enable(["table", "strikethrough"])
    md.disable("image")  # a picture's address could carry what was said to another server
    dollarmath_plugin(md, renderer=formula, allow_space=False, allow_digits=False)
    md.add_render_rule("link_open", link)
    md.add_render_rule("fence", fence)
    return md


def to_html(text: str) -> str:
    return str(renderer().render(brackets_to_dollars(text)))


def blocks(text: str) -> list[str]:
    """A text cut at its blank lines, code fences left whole: while it grows, only the last piece changes."""
    found: list[list[str]] = [[]]
    fence_mark = ""
    for line in text.split("\n"):
        match = FENCE.match(line)
        if match and not fence_mark:
            fence_mark = match[1]
        elif match and match[1].startswith(fence_mark) and not line.strip().strip(fence_mark[0]):
            fence_mark = ""
        if not line.strip() and not fence_mark and found[-1]:
            found.append([])
        elif line.strip() or fence_mark:
            found[-1].append(line)
    return ["\n".join(lines) for lines in found if lines]


def brackets_to_dollars(text: str) -> str:
    r"""Models write \( \) and \[ \] as often as $ and $$; code is left alone."""
    parts = re.split(r"(^ {0,3}```.*?(?:^ {0,3}```[^\n]*$|\Z)|`[^`\n]+`)", text, flags=re.DOTALL | re.MULTILINE)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"\\\[(.+?)\\\]", r"$$\1$$", parts[i], flags=re.DOTALL)
        parts[i] = re.sub(r"\\\((.+?)\\\)", lambda m: f"${m[1].strip()}$", parts[i])
    return "".join(parts)


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
    language = tokens[i].info.split()[0] if tokens[i].info.strip() else ""
    code = highlight(tokens[i].content, language)
    name = html.escape(language[:30])
    bar = f'<div class="bar"><span>{name}</span><button class="copy" aria-label="copy"></button></div>'
    return f'<div class="code">{bar}<pre>{code}</pre></div>\n'


def highlight(code: str, language: str, _: str = "") -> str:
    from pygments import highlight as colour
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    if len(code) > 200_000:
        return html.escape(code)
    try:
        lexer = get_lexer_by_name(language or "text", stripnl=False)
    except ClassNotFound:
        return html.escape(code)
    return str(colour(code, lexer, HtmlFormatter(nowrap=True)))


def code_styles() -> str:
    from pygments.formatters import HtmlFormatter

    light = HtmlFormatter(nobackground=True).get_style_defs(".code pre")  # type: ignore[no-untyped-call]
    formatter = HtmlFormatter(nobackground=True, style="github-dark")
    dark = formatter.get_style_defs(".body--dark .code pre")  # type: ignore[no-untyped-call]
    return f"{light}\n{dark}"
