"""`galop batch`: a file of requests answered, by as many at once as make the most of the machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from galop.cli.cluster import Cpus, Ray, ReplicaCount, plan_cluster
from galop.cli.errors import UsageError
from galop.cli.group import command_app, examples
from galop.cli.options import KV, Context, Json, Memory, Threads, Yes, parse_size
from galop.cli.screen import console, note
from galop.errors import GalopError
from galop.machine import share_arenas

if TYPE_CHECKING:
    from galop.server.batches.answers import AnswerFile
    from galop.server.batches.requests import RequestFile
    from galop.server.batches.run import Report
    from galop.server.model_pool import Limits
    from galop.store import Source

NOTE_SECONDS = 60.0  # between two lines on how far it is, where there is no terminal to draw a bar on

app = command_app()


@app.command(
    epilog=examples(
        "galop batch questions.jsonl answers.jsonl",
        "galop batch questions.jsonl answers.jsonl --model qwen3:4b (whatever model they name)",
        "galop batch questions.jsonl answers.jsonl --ray auto --replicas 8",
    )
)
def batch(
    requests: Annotated[
        Path, typer.Argument(metavar="IN.jsonl", help="Requests, a line each, as OpenAI's Batch API takes them.")
    ],
    answers: Annotated[Path, typer.Argument(metavar="OUT.jsonl", help="Where the answers go, in the same order.")],
    model: Annotated[str, typer.Option(help="Answers all of them, whatever model they name.", metavar="NAME")] = "",
    memory: Memory = "",
    context: Context = 0,
    kv: KV = "f16",
    threads: Threads = 0,
    parallel: Annotated[int, typer.Option(help="Most answers generated at once.", metavar="N", min=1, max=1024)] = 64,
    ray: Ray = "",
    replicas: ReplicaCount = "1",
    cpus: Cpus = 0,
    as_json: Json = False,
    yes: Yes = False,
) -> None:
    """Answer a file of requests: chats, completions, responses, embeddings, rerankings.

    Answers are kept as they come in OUT.jsonl.part. Whatever stops it, the same command goes on where it was. Exit code
    1: all have an answer, and some of these are errors.
    """
    import asyncio

    from galop.cli.serve import fetch
    from galop.server.batches.answers import AnswerFile
    from galop.server.batches.requests import look_through
    from galop.server.model_pool import Limits

    for path in (requests, answers):
        if str(path) == "-" or (path.exists() and not (path.is_file() or path.is_dir())):
            raise UsageError(f"{path} is no file, and a batch goes on from its files when it was stopped; name one")
    if answers.absolute() == requests.absolute():
        raise GalopError(f"{answers} is the file of requests; name another one for the answers")
    found = look_through(requests)
    limits = Limits(parse_size(memory) or 0, context or None, kv, threads or None, parallel, 4 * parallel, 0, False,
                    plan_cluster(ray, replicas, cpus))  # fmt: skip
    share_arenas()
    with AnswerFile(answers, found) as output:
        if output.done:
            note(f"{output.done} of {len(found)} are answered already")
        given = [fetch(model, yes)] if model else []
        try:
            asyncio.run(answer(found, output, given, limits, as_json))
        except KeyboardInterrupt:
            note(f"{output.done} of {len(found)} are answered; the same command goes on from there")
            raise
        except OSError as error:  # such as a full disk
            raise GalopError(
                f"{error.filename or output.part}: {error.strerror or error}; {output.done} of {len(found)} are "
                "answered, and the same command goes on from there"
            ) from None
    if output.failed:
        raise typer.Exit(1)


async def answer(
    requests: RequestFile, answers: AnswerFile, given: Sequence[Source], limits: Limits, as_json: bool
) -> None:
    """Answers what has no answer yet, and says how it went."""
    import json
    import time

    from galop.server.api_keys import ANYONE
    from galop.server.app import create_unguarded
    from galop.server.batches.run import answer_requests
    from galop.server.errors import ApiError
    from galop.server.model_pool import ModelPool
    from galop.server.service import Service, split_name

    models = ModelPool(list(given), limits)
    name = given[0].name if given else ""
    asked = [name] if given else [split_name(model or None)[0] for model in requests.models]
    for model in asked:
        try:
            models.find(model, ANYONE)
        except ApiError as error:
            raise GalopError(f"{error.message}; or have one answer all of them: --model NAME") from None
    web = create_unguarded(Service(models))
    start, before, written = time.monotonic(), answers.done, 0
    with show_progress(answers.done, len(requests)) as show:

        def report(done: int, failed: int, tokens: int) -> None:
            nonlocal written
            written += tokens
            show(done, failed, tokens)

        async with web.router.lifespan_context(web):
            # Or a model that cannot be loaded would be the answer to its requests; the first to be asked comes last.
            for model in reversed(asked if answers.done < len(requests) else []):
                async with models.use(model, ANYONE):
                    pass
            at_once = 2 * limits.parallel * (limits.cluster.most if limits.cluster else 1)
            await answer_requests(web, answers, lambda: ANYONE, at_once, report, name)
    seconds = time.monotonic() - start
    if as_json:
        print(json.dumps({
            "requests": len(requests), "failed": answers.failed, "answered_before": before,
            "seconds": round(seconds, 3), "completion_tokens": written,
        }))  # fmt: skip
    rate = f", {written / seconds:.0f} tokens a second" if written else ""
    failed = f", {answers.failed} of them with an error" if answers.failed else ""
    note(f"{len(requests)} answered{failed}: {answers.path} ({len(requests) - before} in {seconds:.1f} s{rate})")


@contextmanager
def show_progress(done: int, total: int) -> Iterator[Report]:
    """A bar with the rate and the time left at a terminal; elsewhere a line a minute. The rate is since the first
    answer: a model may take long to load."""
    import time

    started, first, noted = 0.0, done, time.monotonic()

    def answers_and_seconds(done: int) -> tuple[int, float]:
        nonlocal started, first
        now = time.monotonic()
        if not started:
            started, first = now, done
        return done - first, max(now - started, 1e-6)

    if not sys.stderr.isatty():

        def note_now_and_then(done: int, failed: int, tokens: int) -> None:
            nonlocal noted
            count, seconds = answers_and_seconds(done)
            if count and (now := time.monotonic()) - noted >= NOTE_SECONDS:
                noted = now
                rate = count / seconds
                note(f"{done} of {total}, {60 * rate:.0f} a minute, {(total - done) / rate / 60:.0f} minutes left")

        yield note_now_and_then
        return
    from rich import progress as rich

    columns = (
        rich.MofNCompleteColumn(), rich.BarColumn(), rich.TextColumn("{task.fields[rate]}", markup=False),
        rich.TimeRemainingColumn(),
    )  # fmt: skip
    with rich.Progress(
        *columns, console=console(sys.stderr), transient=True, redirect_stdout=False, redirect_stderr=False
    ) as bar:
        task = bar.add_task("", total=total, completed=done, rate="")
        written = 0

        def draw(done: int, failed: int, tokens: int) -> None:
            nonlocal written
            count, seconds = answers_and_seconds(done)
            written += tokens if count else 0
            rate = f"{60 * count / seconds:.0f}/min, {written / seconds:.0f} tok/s" if count else ""
            bar.update(task, completed=done, rate=rate + (f", {failed} failed" if failed else ""))

        yield draw
