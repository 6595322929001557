"""Renders chat templates in a child process: `python -m galop.chat.template_child` answers a line of JSON with one.

A request with a template and its variables is answered with its text, one with the template alone with what it can do.

A template is code from a stranger. The sandbox keeps it from Python's objects but bounds neither time nor memory, so
the parent kills this process when it takes too long and the operating system stops it when it takes too much.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from galop.chat.renderer import SECONDS
from galop.chat.template_capabilities import probe
from galop.child import answer_lines

ESCAPED = re.compile(r"\\(u[0-9a-f]{4}|.)")
MARKS = ("fdd0", "fdd1", "fdd2", "fdd3", "fdd4", "fdd5", "fdd6", "fdd7")
MEMORY_LIMIT = 512 << 20
OUTPUT_LIMIT = 32 << 20


def environment() -> Any:
    """Jinja2 as transformers sets it up for chat templates, which refuses Kimi-K2's as this does not."""
    from jinja2 import nodes
    from jinja2.exceptions import SecurityError, TemplateError
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from jinja2.utils import Namespace

    class Generation(Extension):
        """`{% generation %}` marks what the assistant wrote; rendering ignores it."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

        def _body(self, caller: Any) -> Any:
            return caller()

    def raise_exception(message: str) -> None:
        raise TemplateError(message)

    def tojson(
        value: Any,
        ensure_ascii: bool = False,
        indent: int | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:
        text = json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
        # Marks around control tokens must survive whatever the template asks.
        return ESCAPED.sub(lambda m: chr(int(m[1][1:], 16)) if m[1][1:] in MARKS else m[0], text)

    def check_name(name: Any) -> None:
        if str(name).startswith("_"):
            raise SecurityError(f"{name!r} begins with an underscore")

    class Space(Namespace):
        """Takes no names that begin with an underscore, as transformers' does not."""

        def __init__(*args: Any, **kwargs: Any) -> None:  # so that there may be a variable `self`
            named = dict(*args[1:], **kwargs)
            for name in named:
                check_name(name)
            Namespace.__init__(args[0], named)

        def __setitem__(self, name: str, value: Any) -> None:
            check_name(name)
            Namespace.__setitem__(self, name, value)

    class Dictionary:
        def __call__(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
            return dict(*args, **kwargs)

        def fromkeys(self, *args: Any) -> dict[Any, Any]:
            return dict.fromkeys(*args)

    class Sandbox(ImmutableSandboxedEnvironment):
        """Lets lists grow and shrink, as Kimi-K2's templates want: all lists are this one rendering's."""

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            own = type(obj) is list and attr in ("append", "pop")
            return own or bool(super().is_safe_attribute(obj, attr, value))

    env = Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["dict"] = Dictionary()
    env.globals["namespace"] = Space
    env.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return env


@lru_cache(maxsize=8)
def compile_template(env: Any, template: str) -> Any:
    """A template of this environment; the last few are kept."""
    return env.from_string(template)


def answer(env: Any, request: dict[str, Any]) -> dict[str, Any]:
    """{"template", "variables"} to {"text"}; {"template"} to {"capabilities"}; or {"error": a sentence}."""
    try:
        if "variables" not in request:
            source = request["template"]
            return {"capabilities": asdict(probe(source, partial(render_or_none, env, source)))}
        variables = {**request["variables"], "messages": add_aliases(request["variables"].get("messages"))}
        text = compile_template(env, request["template"]).render(**variables)
    except MemoryError:
        return {"error": "it needs more memory than a template may use"}
    except Exception as error:  # whatever a stranger's template does
        return {"error": " ".join(f"{type(error).__name__}: {error}".split())[:500]}
    if len(text) > OUTPUT_LIMIT:
        return {"error": f"its output is longer than {OUTPUT_LIMIT} characters"}
    return {"text": text}


def add_aliases(messages: Any) -> Any:
    """Messages whose thinking stands under the name that gpt-oss's template knows, too, as transformers has it."""
    if not isinstance(messages, list):
        return messages
    return [{"thinking": m["reasoning_content"], **m} if isinstance(m, dict) and m.get("reasoning_content") else m
            for m in messages]  # fmt: skip


def render_or_none(env: Any, template: str, **variables: object) -> str | None:
    """The text of a template with these variables and transformers' defaults; None where it fails."""
    given = {"add_generation_prompt": False, "documents": None, "bos_token": "", "eos_token": ""}
    return answer(env, {"template": template, "variables": {**given, **variables}}).get("text")


def main() -> None:
    """The child's loop."""
    answer_lines(partial(answer, environment()), MEMORY_LIMIT, SECONDS)


if __name__ == "__main__":
    main()
