"""One replica: the engine with a model, in a process that Ray Serve starts on some machine of a cluster."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import ray
from ray import serve

from galop import store
from galop.backends.cluster.messages import (
    AnswerPart,
    ConstraintOrder,
    ReplicaOrder,
    ReplicaReport,
    ReplicaSettings,
    Work,
    digest_model,
)
from galop.backends.cluster.plan import NAMESPACE
from galop.backends.events import Done, Failure, Prefill, StreamEvent
from galop.backends.load import LoadOptions, load_source
from galop.backends.protocol import Completion
from galop.errors import GalopError
from galop.machine import available_memory
from galop.ops.plan import Array

KV_CACHE_SHARE = 0.25  # of its memory, which other models of its machine need as well
LEASE_SECONDS = 10.0  # between two looks whether the door is there
GATHER_SECONDS = 0.03  # for which events are gathered into one part, each of which takes a millisecond on both sides,
PARTS_PER_SECOND = 200  # and longer where many answers are under way


class EngineReplica:
    """A model in memory that answers whoever holds a handle of its deployment."""

    def __init__(self, order: ReplicaOrder) -> None:
        """Loads the model. Raises GalopError where this machine has another than the door, or no room for it."""
        self._lease, self._renewed = order.lease, time.monotonic()
        memory = order.options.get("memory") or int(available_memory() * 0.9)
        options: LoadOptions = {**order.options, "memory": memory, "pool": int(memory * KV_CACHE_SHARE)}
        try:
            self.model = load_source(store.resolve(store.locate(order.model)), **options)
        except GalopError as error:
            raise GalopError(f"{socket.gethostname()}: {error}") from None
        if digest_model(self.model.pack, self.model.tower) != order.digest:
            raise GalopError(
                f"{socket.gethostname()} has another model under the name {order.model} than this machine; "
                "pull the same on both"
            )
        self.model.serve(None, order.parallel, order.queue)
        self.model.prepare()
        self._under_way: set[Completion] = set()
        self.name = serve.get_replica_context().replica_id.unique_id

    def settings(self) -> ReplicaSettings:
        """What the door has to know of the model."""
        m = self.model
        return ReplicaSettings(m.context, m.parallel, m.capabilities, m.default_sampling, m.direct_sampling, m.memory)

    def report(self, wanted: str = "") -> ReplicaReport:
        """What it is doing now; `wanted` is for the router."""
        return ReplicaReport(self.name, self.model.statistics(), self.model.context)

    def check_health(self) -> None:
        """Asked by Ray Serve. Raises RuntimeError where the engine's thread has ended; where the door has, all its
        replicas are taken away."""
        if time.monotonic() - self._renewed > LEASE_SECONDS:
            self._renewed = time.monotonic()
            try:
                ray.get_actor(self._lease, namespace=NAMESPACE)
            except ValueError:
                for completion in list(self._under_way):
                    completion.cancel()
                serve.delete(serve.get_replica_context().app_name, _blocking=False)
        if not self.model.alive:
            raise RuntimeError("the engine has stopped")

    async def answer(self, work: Work, wanted: str = "") -> AsyncIterator[AnswerPart]:
        """The parts of an answer; the last has `Done`, or `Failure`. `wanted` is for the router. Closing it ends the
        answer."""
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[StreamEvent] = asyncio.Queue()
        over = asyncio.Event()
        ends: list[tuple[Array, Array]] = []

        def gather(event: StreamEvent) -> None:
            events.put_nowait(event)
            if isinstance(event, (Done, Failure)):
                over.set()

        def emit(event: StreamEvent) -> None:
            loop.call_soon_threadsafe(gather, event)

        def keep(logits: Array, hidden: Array) -> None:
            ends.append((logits.copy(), hidden.copy()))

        try:
            ordered = work.request.constraint is not None
            request = await asyncio.to_thread(self._complete, work) if ordered else work.request
            completion = self.model.submit(replace(request, on_prompt_end=keep if work.reads_end else None), emit)
        except GalopError as error:
            yield AnswerPart([Failure(error)], replica=self.name)
            return
        self._under_way.add(completion)
        name, sent = self.name, len(completion.prompt)
        try:
            while True:
                gathered = [await events.get()]
                while not events.empty():
                    gathered.append(events.get_nowait())
                if isinstance(read := gathered[-1], Prefill) and read.done == read.total:
                    gathered.append(await events.get())  # the first token is not far, and each part takes its time
                last = isinstance(gathered[-1], (Done, Failure))
                tokens = list(completion.tokens[sent:])
                sent += len(tokens)
                yield AnswerPart(
                    gathered, tokens, name, completion.limit, completion.cached_tokens, completion.started,
                    ends.pop() if ends else None, completion.prompt_scores if last else (),
                )  # fmt: skip
                name = ""
                if last:
                    return
                if not isinstance(gathered[-1], Prefill):
                    with suppress(TimeoutError):
                        seconds = max(GATHER_SECONDS, len(self._under_way) / PARTS_PER_SECOND)
                        await asyncio.wait_for(over.wait(), seconds)
        finally:
            self._under_way.discard(completion)
            completion.cancel()

    def _complete(self, work: Work) -> Any:
        """The request with the constraint that was ordered for it. Raises ConstraintError."""
        order = work.request.constraint
        if not isinstance(order, ConstraintOrder):
            return work.request
        constraint = self.model.constraint(order.form, order.tools, order.choice, order.several)
        return replace(work.request, constraint=constraint)
