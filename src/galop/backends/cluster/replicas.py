"""A backend whose model runs on a cluster: what it is asked goes to one of the replicas, and comes back as events.

The door has the model's tokenizer and template; the replicas have its weights. An answer depends on its request alone,
so one that a replica took with it when it died is made again by another, and goes on where it was, to the same bytes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ray.exceptions import RayError, RayTaskError

from galop.backends.cluster.deploy import Deployment, deploy, end
from galop.backends.cluster.join import brief
from galop.backends.cluster.membership import running_replicas
from galop.backends.cluster.messages import (
    AnswerPart,
    ConstraintOrder,
    ReplicaReport,
    ReplicaSettings,
    Work,
    digest_model,
)
from galop.backends.cluster.plan import ClusterPlan
from galop.backends.cluster.prefixes import PrefixMap
from galop.backends.engine_client import EngineClient
from galop.backends.events import Done, Emit, Failure, Prefill
from galop.backends.eyes import TowerPack
from galop.backends.load import LoadOptions, find_tower, open_pack
from galop.backends.local import EMBEDDINGS
from galop.backends.protocol import Capabilities, GenerationRequest, Statistics, TokenBackend
from galop.backends.sight import PromptPictures
from galop.chat.response_format import ResponseFormat
from galop.chat.tools import Tool
from galop.engine.sampling import SampledToken
from galop.errors import ClusterError, ContextLengthError, EncoderError, GalopError, QueueFullError
from galop.machine import cache_directory, default_threads
from galop.ops.plan import Array
from galop.store import Source
from galop.weights.pack import Pack

SUMMED = (
    "running", "waiting", "preemptions", "prompt_tokens", "generated_tokens", "prefix_cache_queries",
    "prefix_cache_hits", "pictures_seen", "pictures_remembered", "picture_seconds",
)  # fmt: skip
MOST_TRIES = 6  # of an answer whose replicas die
RETRY_SECONDS = 0.1  # before the second, and twice as long before each further one
END_SECONDS = 5.0  # for which it is waited at most until idle replicas are gone, and their processors free
REPORT_SECONDS = 2.0  # between two looks at what the replicas are doing


class RemoteCompletion:
    """A `Completion` that some replica makes."""

    def __init__(self, request: GenerationRequest, emit: Emit) -> None:
        self.prompt: Sequence[int] = list(request.prompt)
        self.tokens: list[int] = list(request.prompt)
        self.limit = request.max_tokens or 0
        self.cached_tokens = 0
        self.prompt_scores: Sequence[SampledToken] = ()
        self.started = False
        self.delivered = 0  # events but for `Prefill`, which another replica need not bring again
        self.ended = False
        self._request = request
        self._emit = emit
        self.cancel: Callable[[], None] = lambda: None

    def take(self, part: AnswerPart, skip: int) -> int:
        """Passes a part on, but for so many events that were there before; how many of these are still to come."""
        self.limit = part.limit or self.limit
        self.cached_tokens = part.cached_tokens or self.cached_tokens
        self.prompt_scores = part.prompt_scores or self.prompt_scores
        self.started = self.started or part.started
        self.tokens.extend(part.tokens)
        if part.prompt_end and self._request.on_prompt_end:
            self._request.on_prompt_end(*part.prompt_end)
        for event in part.events:
            if isinstance(event, Prefill):
                if not self.delivered:
                    self._emit(event)
            elif skip:
                skip -= 1
            else:
                self.delivered += 1
                self.ended = self.ended or isinstance(event, (Done, Failure))
                self._emit(event)
        return skip

    def fail(self, error: GalopError) -> None:
        """Ends it with an error, unless it has ended."""
        if not self.ended:
            self.ended = True
            self._emit(Failure(error))

    def finish_cancelled(self) -> None:
        """Ends it as one that was cancelled, unless it has ended."""
        if not self.ended:
            self.ended = True
            prompt = len(self.prompt)
            self._emit(Done("cancelled", prompt, self.cached_tokens, len(self.tokens) - prompt, 0.0, 0.0, 0.0))


def start_replicas(
    source: Source, plan: ClusterPlan, parallel: int, queue: int, options: LoadOptions, stopped: Callable[[], bool],
    patient: bool,
) -> Replicas:  # fmt: skip
    """Deploys a model and waits until the first of its replicas is ready; see `deploy`.

    Raises ClusterError, ModelFileError.
    """
    assert source.path
    threads = options.get("threads") or default_threads()
    pack, _ = open_pack(source.path, cache_directory(), threads)
    tower = find_tower(source.path, pack, threads, cache_directory(), source.mmproj)
    if source.mmproj:
        options = {**options, "mmproj": source.mmproj.absolute()}
    deployment = deploy(
        source, digest_model(pack, tower.pack if tower else None), plan, parallel, queue, options, stopped, patient
    )
    try:
        model = Replicas(pack, tower, deployment, plan, queue)
        model.prepare()
        return model
    except BaseException:
        end(deployment.app)
        raise


class Replicas(EngineClient):
    """A `TokenBackend` over the replicas of one model."""

    def __init__(
        self, pack: Pack, tower: TowerPack | None, deployment: Deployment, plan: ClusterPlan, queue: int
    ) -> None:
        """Of the model's `pack` and of its vision tower's only the headers are read."""
        super().__init__(pack.card, pack.tokenizer_json, pack.matrices[EMBEDDINGS].rows)
        self._queue, self._most = queue, plan.most
        self._app, self._handle = deployment.app, deployment.handle
        self._settings: ReplicaSettings = self._handle.settings.remote().result()
        self.default_sampling = self._settings.default_sampling
        self.direct_sampling = self._settings.direct_sampling
        self.memory = self._settings.memory
        if tower:
            self.template.sight = PromptPictures.of(tower.family, tower.pack, self._settings.context)
        self._map = PrefixMap()
        self._reports: dict[str, ReplicaReport] = {}
        self._under_way = set[Future[None]]()
        self._start_loop(self._watch())

    @property
    def context(self) -> int:
        """The most tokens of a prompt and its answer, on the machine with the least memory."""
        return min([self._settings.context, *(report.context for report in list(self._reports.values()))])

    @property
    def parallel(self) -> int:
        """The most requests that run at once, when there are as many replicas as there may be."""
        return self._settings.parallel * self._most

    @property
    def capabilities(self) -> Capabilities:
        """What it can do beyond answering a conversation."""
        return self._settings.capabilities

    def constraint(
        self, form: ResponseFormat | None, tools: Sequence[Tool] = (), choice: str = "auto", several: bool = True
    ) -> ConstraintOrder | None:
        """Orders a constraint of the replica that will answer; it is made here as well, to find what is wrong with it.

        Raises ConstraintError.
        """
        if super().constraint(form, tools, choice, several) is None:
            return None
        return ConstraintOrder(form, tuple(tools), choice, several)

    def submit(self, request: GenerationRequest, emit: Emit) -> RemoteCompletion:
        """Sends a request to a replica; `emit` gets its events, from another thread.

        Raises ContextLengthError, QueueFullError, EncoderError, ValueError for an empty prompt.
        """
        if not request.prompt:
            raise ValueError("the prompt is empty")
        generates = self.capabilities.generates
        if not generates and request.max_tokens != 0:
            raise EncoderError(self.name)
        if len(request.prompt) >= self.context + (not generates):
            raise ContextLengthError(
                f"the prompt has {len(request.prompt)} tokens and the context holds {self.context}; shorten it",
                n_prompt_tokens=len(request.prompt),
                n_ctx=self.context,
            )
        if len(self._under_way) >= self.parallel + self._queue:
            raise QueueFullError(f"{len(self._under_way)} requests wait already; try again later")
        # Else replicas would draw by seeds of their own, and stop where each one's own context ends.
        room, limit = self.context - len(request.prompt), request.max_tokens
        sampling = request.sampling or self.sampling_for(request.thinking)
        request = replace(request, sampling=sampling, max_tokens=room if limit is None else min(limit, room))
        completion = RemoteCompletion(request, emit)
        answering = self._run_answer(self._answer(request, completion))
        self._under_way.add(answering)
        answering.add_done_callback(self._under_way.discard)
        completion.cancel = lambda: self._cancel(answering, completion)
        return completion

    def _cancel(self, answering: Future[None], completion: RemoteCompletion) -> None:
        """Ends a completion; nothing happens to one that has ended."""
        if not self._loop.is_closed() and answering.cancel():
            self._loop.call_soon_threadsafe(completion.finish_cancelled)

    async def _answer(self, request: GenerationRequest, completion: RemoteCompletion) -> None:
        """Has an answer made, again where a replica dies, until it has ended."""
        tries = 0
        try:
            while not completion.ended:
                try:
                    await self._take_parts(request, completion)
                except RayTaskError:
                    raise  # it lives, and would fail again
                except RayError as error:
                    tries += 1
                    if tries == MOST_TRIES:
                        raise ClusterError(f"{tries} replicas of {self.name} died at this: {brief(error)}") from None
                    del completion.tokens[len(completion.prompt) :]
                    await asyncio.sleep(RETRY_SECONDS * 2 ** (tries - 1))
        except asyncio.CancelledError:
            completion.finish_cancelled()
            raise
        except GalopError as error:
            completion.fail(error)
        except Exception as error:
            completion.fail(ClusterError(f"the cluster failed: {brief(error)}"))

    async def _take_parts(self, request: GenerationRequest, completion: RemoteCompletion) -> None:
        """One replica's answer, as far as it comes. Raises RayError where the replica died."""
        wanted = self._map.choose(request.client, request.prompt, running_replicas(self._app))
        stream = self._handle.options(stream=True).answer.remote(Work.of(request), wanted=wanted)
        skip, replica = completion.delivered, wanted
        self._map.under_way[replica] += 1
        try:
            async for part in stream:
                if part.replica:
                    self._map.under_way[replica] -= 1
                    replica = part.replica
                    self._map.under_way[replica] += 1
                    self._map.note(request.client, request.prompt, replica)
                if part.events and isinstance(part.events[-1], Done):  # before a client's next turn can be here
                    self._map.note(request.client, [*completion.tokens, *part.tokens], replica)
                skip = completion.take(part, skip)
                if request.cancelled():
                    stream.cancel()
                    completion.finish_cancelled()
                    return
        except RayError:
            self._map.forget(replica)
            raise
        except asyncio.CancelledError:
            stream.cancel()
            raise
        finally:
            if self._map.under_way[replica] > 0:
                self._map.under_way[replica] -= 1

    def logits(self, tokens: Sequence[int]) -> Array:
        """Raises ClusterError: replicas answer, and show no logits of every position."""
        raise ClusterError("a model on a cluster shows no logits; load it on this machine")

    def statistics(self) -> Statistics:
        """What all replicas are doing together, as of a moment ago; the KV cache's usage is the fullest one's."""
        reports = [report.statistics for report in self._reports.values()]
        lost: Counter[str] = Counter()
        for report in reports:
            lost.update(report.prefix_cache_lost)
        sums = {name: sum(getattr(report, name) for report in reports) for name in SUMMED}
        usage = max((report.kv_cache_usage for report in reports), default=0.0)
        return Statistics(**sums, prefix_cache_lost=dict(lost), kv_cache_usage=usage)

    async def _watch(self) -> None:
        """Runs until it is cancelled: asks each replica what it is doing."""
        while True:
            names = running_replicas(self._app)
            for name in names:
                with suppress(RayError):
                    report: ReplicaReport = await self._handle.report.remote(wanted=name)
                    self._reports[report.replica] = report
                    self._map.trust(report.replica)
            for name in [name for name in self._reports if name not in names]:
                del self._reports[name]
            await asyncio.sleep(REPORT_SECONDS)

    def serve(
        self, turn: AbstractContextManager[object] | None = None, parallel: int | None = None, queue: int | None = None
    ) -> None:
        """Nothing: the replicas serve from their start."""

    def close(self) -> None:
        """Takes the replicas away, and ends what they were doing."""
        super().close()
        end(self._app, END_SECONDS)


if TYPE_CHECKING:
    _: type[TokenBackend] = Replicas
