"""`galop run`: one question, a pipe, or a conversation."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from galop.attach import MAX_TEXT
from galop.cli.errors import UsageError
from galop.cli.group import command_app, examples
from galop.cli.options import KV, Context, Json, Memory, Threads, Yes, parse_size
from galop.cli.screen import note

if TYPE_CHECKING:
    from galop.agent.toolbox import ToolResult
    from galop.backends.events import Event
    from galop.cli.attachments import Attachment
    from galop.cli.reply import ChatSession, PrintedReply
    from galop.science.planning.answer import Answer

app = command_app()


@app.command(
    epilog=examples(
        "galop run 'What is 2+2?'",
        "galop run smollm2:135m 'Hi'",
        "galop run ./model.gguf --json 'Hi'",
        "galop run MODEL photo.jpg 'What is this?'",
        "galop run MODEL paper.pdf 'What does it say?'",
    )
)
def run(
    model: Annotated[str, typer.Argument(help="A model's name or path; left out, the best one that fits.")] = "",
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE]... [prompt]",
            help="Pictures, PDFs and texts, and the question; left out, a conversation begins.",
            show_default=False,
        ),
    ] = None,
    image: Annotated[
        list[str] | None, typer.Option("--image", help="A picture to ask about; may be given again.", metavar="FILE")
    ] = None,
    system: Annotated[str, typer.Option(help="Instructions that come before the conversation.", metavar="TEXT")] = "",
    temperature: Annotated[
        float | None, typer.Option(help="0 always takes the likeliest token.", metavar="NUMBER")
    ] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Keep the likeliest tokens up to this probability.", metavar="SHARE")
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(help="Keep this many of the likeliest tokens; 0 keeps all.", metavar="N")
    ] = None,
    min_p: Annotated[
        float | None, typer.Option(help="Keep tokens this likely relative to the likeliest.", metavar="SHARE")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same answer.", metavar="N")] = None,
    max_tokens: Annotated[
        int, typer.Option(help="Most tokens of the answer.", metavar="TOKENS", min=0, show_default=False)
    ] = 0,
    context: Context = 0,
    threads: Threads = 0,
    memory: Memory = "",
    kv: KV = "f16",
    draft: Annotated[
        str, typer.Option(help="A smaller model of the same tokens that guesses ahead.", metavar="MODEL")
    ] = "",
    mmproj: Annotated[
        Path | None, typer.Option(help="The file of the vision tower, if not beside the model's.", metavar="FILE")
    ] = None,
    think: Annotated[bool | None, typer.Option("--think/--no-think", help="Think before the answer, or not.")] = None,
    think_budget: Annotated[int | None, typer.Option(help="Most tokens of thinking.", metavar="TOKENS", min=0)] = None,
    tools: Annotated[
        list[str] | None,
        typer.Option(
            "--tools", help="science, or an MCP server's URL or command line; may be given again.", metavar="TOOLS"
        ),
    ] = None,
    schema: Annotated[str, typer.Option(help="Answer in JSON of this schema: a file, or itself.", metavar="JSON")] = "",
    regex: Annotated[str, typer.Option(help="Answer with a text that this pattern matches.", metavar="PATTERN")] = "",
    grammar: Annotated[
        Path | None, typer.Option(help="Answer by the Lark grammar in this file.", metavar="FILE")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Continue the text as it is, without a chat template.")] = False,
    as_json: Json = False,
    yes: Yes = False,
    server: Annotated[
        bool,
        typer.Option(
            "--server/--no-server",
            help="Let a galop serve of yours answer that has the model in memory (GALOP_SERVER=0: never).",
        ),
    ] = True,
) -> None:
    """Ask a model: one question, a pipe, or a conversation."""
    from galop.cli.attachments import (
        compose,
        find_files,
        local_path,
        names_file,
        read_file,
        refuse_folder_or_url,
        shows_picture,
        split_words,
    )  # fmt: skip
    from galop.cli.load import choose_model, load_model
    from galop.cli.settings import RunSettings, no_template
    from galop.cli.tools import SCIENCE, open_toolboxes, start_science

    _ = server  # galop.attach has looked for one before this file was read
    size = parse_size(memory)
    settings = RunSettings.parse({
        "temperature": temperature, "top_p": top_p, "top_k": top_k, "min_p": min_p, "seed": seed, "system": system,
        "max_tokens": max_tokens, "think": think, "think_budget": think_budget, "schema": schema, "regex": regex,
        "grammar": grammar, "raw": raw,
    })  # fmt: skip
    for text in (model, *(words or []), system):
        if any("\ud800" <= c <= "\udfff" for c in text):
            raise UsageError("an argument is not UTF-8")
    if computes := SCIENCE in (tools or []):
        start_science()
    if names_file(model) and local_path(model).is_file():  # no model is named
        model, words = "", [model, *(words or [])]
    files, prompt = split_words(words or [])
    for name in image or []:
        refuse_folder_or_url(name)
        files += find_files(name)
    attachments = [read_file(path) for path in files]
    source, why, prompt = choose_model(model, prompt, size, shows_picture(attachments))
    piped, shown = read_stdin()
    attachments += shown
    question = "\n\n".join(part for part in (prompt, piped) if part)
    if attachments and raw:
        raise UsageError(f"{attachments[0][0]} belongs to a conversation; leave out --raw")
    if not question and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("there is no question: give one as an argument or on standard input")
    if why:
        note(f"{source.name}: {why}")
    with (
        open_toolboxes([name for name in tools or [] if name != SCIENCE]) as toolbox,
        load_model(source, yes, context or None, threads or None, size, kv, draft, mmproj) as loaded,
    ):
        session = settings.open(loaded, source.name, toolbox, bool(tools), computes)
        if question and settings.continues(loaded, converses=bool(tools or attachments)):
            if not raw:
                note(no_template(source.name))
            sampling, limit, held = session.sampling, session.max_tokens, loaded.constraint(session.form)
            answer(session, loaded.generate(question, sampling, limit, constraint=held), as_json)
        elif question:
            content = compose(question, attachments, loaded, source.name) if attachments else question
            answer(session, session.reply([*session.opening(), {"role": "user", "content": content}]), as_json)
        else:
            from galop.cli.conversation import converse

            converse(session, attachments)


def answer(session: ChatSession, events: Iterable[Event | ToolResult | Answer], as_json: bool) -> None:
    """Prints the answer to one question."""
    from galop.cli.reply import figures_line, print_reply

    reply = print_reply(events, quiet=as_json)
    if as_json:
        print(json.dumps(describe(session, reply), ensure_ascii=False))
    else:
        print(flush=True)
        note(figures_line(reply.done))


def describe(session: ChatSession, reply: PrintedReply) -> dict[str, Any]:
    """A reply for programs."""
    from galop.cli.reply import figures

    calls = [{**asdict(r.call), "result": r.text, "failed": r.failed} for r in reply.results]
    data = {"model": session.name, "thinking": reply.thinking, "answer": reply.text, "seed": session.sampling.seed}
    data |= figures(reply.done) | ({"calls": calls} if calls else {})
    return data | ({"science": reply.answer.data()} if reply.answer else {})


def read_stdin() -> tuple[str, list[Attachment]]:
    """What was piped in: a text, or a picture or document. Raises UsageError if it is none of these, or has no end."""
    from galop.cli.attachments import PIPED, is_attachment

    if sys.stdin is None or sys.stdin.isatty():
        return "", []
    data = sys.stdin.buffer.read(MAX_TEXT + 1)
    if len(data) > MAX_TEXT:
        raise UsageError(f"standard input has more than {MAX_TEXT >> 20} MiB, which no model reads at once")
    if is_attachment(data):
        return "", [(PIPED, data)]
    try:
        return data.decode().strip("\n"), []
    except UnicodeDecodeError as error:
        raise UsageError(
            f"standard input is not UTF-8 at byte {error.start}; convert it first, for example with iconv"
        ) from None
