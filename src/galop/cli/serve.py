"""`galop serve`: models over HTTP, and the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from galop.cli.cluster import Cpus, Ray, ReplicaCount, plan_cluster
from galop.cli.errors import UsageError
from galop.cli.group import command_app, examples
from galop.cli.options import KV, Context, Threads, Yes, parse_size
from galop.cli.screen import note
from galop.cli.vllm import Engine, PipelineParallel, TensorParallel, plan_vllm
from galop.errors import GalopError
from galop.machine import data_directory, share_arenas

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI

    from galop.server.api_keys import KeyFile
    from galop.server.model_pool import Limits
    from galop.server.service import Service
    from galop.store import Source

DRAIN_SECONDS = 30

app = command_app()


@app.command(
    epilog=examples(
        "galop serve",
        "galop serve qwen3:4b --memory 8GiB",
        "galop serve --host 0.0.0.0 (needs keys)",
        "galop serve qwen3:4b --backend vllm http://127.0.0.1:8001 (or without an address: starts one)",
    )
)
def serve(
    models: Annotated[list[str] | None, typer.Argument(help="Loaded at once; the first answers by default.")] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but loopback needs keys.", metavar="ADDRESS")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.", metavar="N", min=0, max=65535)] = 8000,
    memory: Annotated[str, typer.Option(help="For all models together, such as 8GiB.", metavar="SIZE")] = "",
    mmproj: Annotated[
        Path | None,
        typer.Option(help="The file of the first model's vision tower, if not beside it.", metavar="FILE"),
    ] = None,
    context: Context = 0,
    kv: KV = "f16",
    threads: Threads = 0,
    parallel: Annotated[int, typer.Option(help="Most answers generated at once.", metavar="N", min=1, max=1024)] = 64,
    queue: Annotated[
        int, typer.Option(help="Most requests that may wait; further ones get status 429.", metavar="N", min=1)
    ] = 512,
    drain: Annotated[
        int, typer.Option(help="Seconds that answers under way get to finish after a signal.", metavar="SECONDS", min=1)
    ] = DRAIN_SECONDS,
    keep_alive: Annotated[
        float, typer.Option(help="Minutes an unused model stays in memory; 0 for ever.", metavar="MINUTES", min=0)
    ] = 0,
    keep_conversations: Annotated[
        bool,
        typer.Option(help="Keep what was read of conversations on disk, so that a restart need not read it again."),
    ] = True,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A host name by which requests may reach this server.", metavar="NAME")
    ] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="Whose web pages may ask, such as https://example.org.", metavar="ORIGIN")
    ] = None,
    ray: Ray = "",
    replicas: ReplicaCount = "1",
    cpus: Cpus = 0,
    backend: Engine = "galop",
    tensor_parallel: TensorParallel = 1,
    pipeline_parallel: PipelineParallel = 1,
    yes: Yes = False,
) -> None:
    """Serve models over HTTP: the OpenAI, Anthropic and Ollama interfaces, and a page to talk to.

    Under the name MODEL@science a model's technical questions are answered with numbers that are computed.
    """
    import asyncio

    from galop.cli.keys import key_file
    from galop.server.model_pool import Limits
    from galop.server.transport.guard import LOOPBACK

    models, vllm = plan_vllm(backend, models or [], tensor_parallel, pipeline_parallel)
    if vllm and ray:
        raise UsageError(
            "--ray spreads Galop's own engine, and vLLM spreads itself; leave --ray out and set GALOP_VLLM_OPTIONS to "
            "'--distributed-executor-backend ray'"
        )
    limits = Limits(parse_size(memory) or 0, context or None, kv, threads or None, parallel, queue, 60 * keep_alive,
                    keep_conversations, plan_cluster(ray, replicas, cpus), vllm)  # fmt: skip
    share_arenas()
    keys = key_file()
    if not keys.keys() and host not in LOOPBACK:
        raise UsageError(f"{host} can be reached by others, so a key is needed; make one with: galop keys add NAME")
    if mmproj and not (models and mmproj.is_file()):
        raise UsageError(f"there is no file {mmproj}" if models else "--mmproj is of a model; name that one first")
    sources = [fetch(name, yes) for name in models or []]
    if mmproj:
        sources[0] = replace(sources[0], mmproj=mmproj)
    with listen(host, port) as listener:
        asyncio.run(
            run_server(sources, listener, host, limits, keys, [*(allow_host or []), host], allow_origin or [], drain)
        )


def fetch(name: str, yes: bool) -> Source:
    """The model of that name, downloaded if it is not here."""
    from galop import store
    from galop.cli.load import confirm_download

    source = store.resolve(store.locate(name))
    if source.path:
        return source
    confirm_download(source, yes)
    store.fetch(source)
    return store.resolve(store.locate(name))


def listen(host: str, port: int) -> socket.socket:
    """Raises UsageError if the address cannot be had."""
    import socket

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()  # who asks as soon as it is told waits rather than being refused
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"{host}:{port} cannot be listened on ({reason}); choose another with --host or --port"
        ) from None
    return listener


async def run_server(
    sources: Sequence[Source],
    listener: socket.socket,
    host: str,
    limits: Limits,
    keys: KeyFile,
    hosts: Sequence[str],
    origins: Sequence[str],
    drain: int,
) -> None:
    """Loads what is named while it serves, until a signal: one lets answers under way finish within `drain` seconds, a
    second ends at once."""
    import asyncio
    import logging
    import signal
    from functools import partial

    import uvicorn

    from galop.cli.attached import answer_commands
    from galop.server.api_keys import ANYONE
    from galop.server.app import create
    from galop.server.model_pool import ModelPool
    from galop.server.page_session import PageSession
    from galop.server.transport.connection import server_options
    from galop.server.transport.guard import LOOPBACK
    from galop.web.conversations import Conversations
    from galop.web.mount import mount_page

    models = ModelPool(list(sources), limits)
    conversations = Conversations(data_directory() / "conversations.db")
    conversations.migrate_owners({key.name: key.hash for key in keys.keys()})  # noqa: SIM118

    def mount(app: FastAPI, service: Service) -> None:
        mount_page(app, partial(PageSession.open, service), conversations)

    web = create(models, keys, hosts, origins, host not in LOOPBACK, mount)
    config = uvicorn.Config(
        web, log_level="warning", access_log=False, timeout_graceful_shutdown=drain, server_header=False,
        use_colors=False,
        **server_options(),
    )  # fmt: skip
    server = uvicorn.Server(config)
    for stopping in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stopping, server.handle_exit)  # until uvicorn sets its own, and once more when it has drained
    serving = asyncio.create_task(server.serve([listener]))
    try:
        for source in sources:
            if server.should_exit:
                break
            async with models.use(source.name, ANYONE) as resident:
                seconds, mib = resident.load_seconds, resident.model.memory >> 20
                taken = f", at most {mib} MiB" if mib else ""
                note(f"{source.name}: loaded in {seconds:.1f} s, context {resident.model.context}{taken}")
        if not server.should_exit:
            url = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
            async with answer_commands(models):
                note(f"Galop serves at {url} (Ctrl-C stops); OpenAI clients: base_url {url}/v1")
                await serving
    except GalopError:
        server.should_exit = True
        raise
    finally:
        await serving
        if server.force_exit:  # whoever pressed Ctrl-C twice need not read what was cut off, a trace for each
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await models.close()  # also what was loaded after the server had stopped
