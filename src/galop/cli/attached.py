"""`galop run` answered by a server that has the model in memory: the server's side. `attach.py` is the command's, and
has the protocol.

A command is answered if its options ask for nothing that the server has otherwise, so that the answer is the one that
the command would have given by itself.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import typer

from galop.attach import MAX_TEXT, is_same_user, is_wanted, sockets_folder
from galop.backends.events import Done, Prefill, Text
from galop.backends.local import Model
from galop.backends.memory import DEFAULT_CONTEXT
from galop.cli import run as command
from galop.cli.attachments import is_attachment, mentions_file
from galop.cli.load import choose_model
from galop.cli.reply import PrintedReply, figures_line
from galop.cli.settings import RunSettings, no_template
from galop.errors import GalopError
from galop.machine import private_folder
from galop.server.api_keys import ANYONE
from galop.server.model_pool import ModelPool
from galop.version import __version__

log = logging.getLogger("galop")

MAX_LINE = 16 << 20  # bytes of a command line
ALONE = ("context", "threads", "memory", "draft", "tools", "image", "grammar")  # options of a model of one's own
Frame = dict[str, Any]


class Declined(Exception):
    """The command is to answer by itself."""


@dataclass
class Command:
    """A command line that is answered here."""

    options: dict[str, Any]
    model: str  # in memory
    why: str  # it was chosen, where none was named
    prompt: str
    terminals: dict[str, bool]


@asynccontextmanager
async def answer_commands(models: ModelPool) -> AsyncIterator[None]:
    """Listens for commands of this user meanwhile, where there are such sockets and nobody has said otherwise."""
    path = _prepare_socket() if is_wanted() else None
    if path is None:
        yield
        return
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        serving = await asyncio.start_unix_server(partial(_converse, models), sock=listener, limit=MAX_LINE)
    except OSError as error:
        listener.close()
        log.warning("galop run cannot find this server (%s: %s)", path, error.strerror or error)
        yield
        return
    try:
        yield
    finally:
        serving.close()
        path.unlink(missing_ok=True)


def _prepare_socket() -> Path | None:
    """The path of this process's socket, in a folder where no dead ones are left; None where there can be none."""
    try:
        folder = private_folder(Path(sockets_folder()))
        for other in folder.glob("*.sock"):
            with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1)
                try:
                    probe.connect(str(other))
                except ConnectionRefusedError:
                    other.unlink()
    except OSError as error:
        log.warning("galop run cannot find this server (%s: %s)", error.filename, error.strerror)
        return None
    return folder / f"{os.getpid()}.sock"


async def _converse(models: ModelPool, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One command, from its line to the end of its answer."""
    with suppress(OSError, ValueError, asyncio.IncompleteReadError):
        try:
            if not is_same_user(writer.get_extra_info("socket")):
                return
            said = json.loads(await reader.readline())
            found = await asyncio.to_thread(parse_command, models, said)
            _send(writer, {"accept": True})
            piped = await reader.readexactly(min(int(await reader.readline()), MAX_TEXT + 1))
            async with models.use(found.model, ANYONE) as resident:
                if not isinstance(resident.model, Model):
                    raise Declined
                await _answer(resident.model, found, piped, reader, writer)
        except Declined:
            _send(writer, {"decline": True})
        except GalopError as error:
            _send(writer, {"error": str(error), "code": error.exit_code})
        except (OSError, ValueError, asyncio.IncompleteReadError):
            raise
        except Exception:
            log.exception("a command could not be answered")
            _send(writer, {"error": "the server failed; its log says of what", "code": 1})
        finally:
            with suppress(OSError):
                await writer.drain()
            writer.close()


def _send(writer: asyncio.StreamWriter, frame: Frame) -> None:
    writer.write(json.dumps(frame).encode() + b"\n")


async def _answer(
    model: Model, found: Command, piped: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Makes the answer in a thread of its own; a command that goes ends it before the next token. Raises Declined and
    what the command would."""
    loop = asyncio.get_running_loop()
    gone = threading.Event()

    def make() -> None:
        for frame in answer_frames(model, found, piped, gone.is_set):
            loop.call_soon_threadsafe(_send, writer, frame)

    making = asyncio.ensure_future(asyncio.to_thread(make))
    leaving = asyncio.ensure_future(reader.read(1))
    await asyncio.wait([making, leaving], return_when=asyncio.FIRST_COMPLETED)
    gone.set()  # which an answer that has ended does not notice
    leaving.cancel()
    await making


@cache
def _run_command() -> Any:
    return typer.main.get_command(command.app)


def parse_command(models: ModelPool, said: Any) -> Command:
    """What a command line asks for. Raises Declined for what is not answered here, the wrong ones among it."""
    if not isinstance(said, dict) or said.get("galop") != __version__:
        raise Declined
    argv, cwd, terminals = said.get("argv"), said.get("cwd"), said.get("terminals")
    try:
        parsed = _run_command().make_context("galop run", list(argv or []))
    except Exception as error:  # the command says what is wrong with it
        raise Declined from error
    options = parsed.params
    words = [options["model"], *(options["words"] or [])]
    schema = str(options["schema"]).lstrip()
    if (
        any(options[name] for name in ALONE)
        or options["kv"] != models.limits.kv
        or models.limits.context is not None  # some models compute otherwise with another
        or len(list(filter(None, words[1:]))) > 1
        or (schema and not schema.startswith("{"))
        or any("://" in word or mentions_file(word) for word in words)
        or any("\ud800" <= c <= "\udfff" for text in (*words, options["system"]) for c in text)
        or not isinstance(terminals, dict)
    ):
        raise Declined
    name = words[0]
    if name and not Path(name).is_absolute() and (Path(str(cwd)) / name).exists():
        raise Declined  # perhaps a model there
    try:
        source, why, prompt = choose_model(name, "".join(words[1:]), None)
    except GalopError as error:
        raise Declined from error
    if source.name not in models.residents or models.sources().get(source.name) != source:
        raise Declined
    return Command(options, source.name, why, prompt, terminals)


def answer_frames(model: Model, found: Command, piped: bytes, cancelled: Callable[[], bool]) -> Iterator[Frame]:
    """What the command is to print. Raises Declined before the first, and GalopError."""
    options = found.options
    usual = min(DEFAULT_CONTEXT, int(model.card.config["max_position_embeddings"]))
    if model.context < usual or is_attachment(piped) or len(piped) > MAX_TEXT:
        raise Declined
    try:
        question = "\n\n".join(part for part in (found.prompt, piped.decode().strip("\n")) if part)
    except UnicodeDecodeError as error:
        raise Declined from error
    if not question:
        raise Declined  # it begins a conversation, or says that there is no question
    settings = RunSettings.parse(options)
    session = settings.open(model, found.model)
    continues, thinking = settings.continues(model), session.thinking
    messages = [*session.opening(), {"role": "user", "content": question}]
    ids = model.encode(question) if continues else model.prompt(messages, thinking)
    if len(ids) >= usual:
        raise Declined  # it does not fit the context that a command has
    limit = min(session.max_tokens or usual, usual - len(ids))
    if found.why:
        yield {"note": f"{found.model}: {found.why}"}
    if continues and not settings.raw:
        yield {"note": no_template(found.model)}
    events = model.generate(
        ids, session.sampling, limit, cancelled=cancelled, thinking=None if continues else thinking,
        constraint=model.constraint(session.form),
    )  # fmt: skip
    thought, text = "", ""
    for event in events:
        if isinstance(event, Text):
            thought += event.text if event.thinking else ""
            text += "" if event.thinking else event.text
            if not options["as_json"]:
                yield {"text": event.text, "thinking": event.thinking}
        elif isinstance(event, Prefill) and found.terminals.get("stderr"):
            yield {"read": event.done, "total": event.total}
        elif isinstance(event, Done):
            if options["as_json"]:
                yield {
                    "json": json.dumps(
                        command.describe(session, PrintedReply(event, thought, text)), ensure_ascii=False
                    )
                }
            else:
                yield {"note": figures_line(event), "after": True}
    yield {"end": True}
