"""`galop serve`."""

from __future__ import annotations

import asyncio
import signal
import socket

from galop import store
from galop.cli.keys import key_file
from galop.cli.run import UsageError, consent, note
from galop.errors import GalopError
from galop.machine import data_directory, share_arenas
from galop.server.api_keys import ANYONE, KeyFile
from galop.server.guard import LOOPBACK
from galop.server.loaded import Limits, Models
from galop.store import Source
from galop.web.conversations import Conversations

DRAIN_SECONDS = 30


def serve_models(
    names: list[str], host: str, port: int, limits: Limits, hosts: list[str], origins: list[str], yes: bool
) -> None:
    """Downloads and loads what is named, then serves until a signal: one drains, a second ends at once."""
    share_arenas()
    keys = key_file()
    if not keys.keys() and host not in LOOPBACK:
        raise UsageError(f"{host} can be reached by others, so a key is needed; make one with: galop keys add NAME")
    given = []
    for name in names:
        source = store.settle(store.locate(name))
        if not source.path:
            consent(source, yes)
            store.fetch(source)
            source = store.settle(store.locate(name))
        given.append(source)
    listener = bind(host, port)
    try:
        asyncio.run(run(given, listener, host, limits, keys, hosts, origins))
    finally:
        listener.close()


def bind(host: str, port: int) -> socket.socket:
    """Raises UsageError if the address cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"{host}:{port} cannot be listened on ({reason}); choose another with --host or --port"
        ) from None
    return listener


async def run(
    given: list[Source],
    listener: socket.socket,
    host: str,
    limits: Limits,
    keys: KeyFile,
    hosts: list[str],
    origins: list[str],
) -> None:
    import uvicorn

    from galop.server.app import create
    from galop.server.connection import server_options

    models = Models(given, limits)
    port = listener.getsockname()[1]
    conversations = Conversations(data_directory() / "conversations.db")
    conversations.by_hash({key.name: key.hash for key in keys.keys()})  # noqa: SIM118
    app = create(models, keys, [*hosts, host], origins, conversations, host not in LOOPBACK)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=DRAIN_SECONDS, server_header=False,
        use_colors=False,
        **server_options(),
    )  # fmt: skip
    server = uvicorn.Server(config)
    for stopping in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stopping, server.handle_exit)  # until uvicorn sets its own, and once more when it has drained
    serving = asyncio.create_task(server.serve([listener]))
    shown = f"[{host}]" if ":" in host else host
    try:
        for source in given:
            if server.should_exit:
                break
            async with models.use(source.name, ANYONE) as resident:
                seconds, mib = resident.load_seconds, resident.model.memory >> 20
                note(f"{source.name}: loaded in {seconds:.1f} s, context {resident.model.context}, at most {mib} MiB")
        if not server.should_exit:
            url = f"http://{shown}:{port}"
            note(f"Galop serves at {url} (Ctrl-C stops); OpenAI clients: base_url {url}/v1")
    except GalopError:
        server.should_exit = True
        raise
    finally:
        await serving
        await models.close()  # also what was loaded after the server had stopped
