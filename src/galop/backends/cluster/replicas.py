"""A backend whose model runs on a cluster: what it is asked goes to one of the replicas, and comes back as events.

The door has the model's tokenizer and template; the replicas have its weights. An answer depends on its request alone,
so one that a replica took with it when it died is made again by another, and goes on where it was, to the same bytes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Unpack

import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve.config import AutoscalingConfig, RequestRouterConfig

from galop.backends.cluster.messages import ConstraintOrder, Part, ReplicaReport, ReplicaSettings, Work
from galop.backends.cluster.plan import NAMESPACE, ClusterPlan
from galop.backends.cluster.replica import EngineReplica
from galop.backends.cluster.routing import NamedReplicaRouter, PrefixMap
from galop.backends.events import Done, Emit, Event, Failure, Prefill, StreamEvent
from galop.backends.load import LoadOptions, open_pack
from galop.backends.local import EMBEDDINGS
from galop.backends.processor import Processor
from galop.backends.protocol import Capabilities, ChatOptions, GenerationRequest, Statistics, TokenBackend
from galop.chat.messages import Message
from galop.chat.response_format import ResponseFormat
from galop.chat.thinking import Thinking
from galop.chat.tools import Tool, ToolCallDelta, check_tools
from galop.engine.sampling import SampledToken
from galop.errors import ClusterError, ContextLengthError, EncoderError, GalopError, QueueFullError
from galop.machine import cache_directory, default_threads
from galop.ops.plan import Array
from galop.store import Source
from galop.tokenizers.tokenizer import Tokenizer

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle

SUMMED = (
    "running", "waiting", "preemptions", "prompt_tokens", "generated_tokens", "prefix_cache_queries",
    "prefix_cache_hits",
)  # fmt: skip
MOST_TRIES = 5  # of an answer whose replicas die
log = logging.getLogger("galop")
CONNECT_SECONDS = 5.0
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

    def take(self, part: Part, skip: int) -> int:
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


class Replicas(Processor):
    """A `TokenBackend` over the replicas of one model."""

    def __init__(self, source: Source, plan: ClusterPlan, parallel: int, queue: int, options: LoadOptions) -> None:
        """Deploys them, and waits until the first is ready. Raises ClusterError, ModelFileError."""
        assert source.path
        pack, _ = open_pack(source.path, cache_directory(), options.get("threads") or default_threads())
        card = pack.card
        words = pack.tokenizer_json, card.bos_token, card.eos_token, card.add_bos, card.dummy_space
        super().__init__(card, Tokenizer(*words), pack.matrices[EMBEDDINGS].rows)
        self.answered_by, self.waited, self.price, self.memory = "", 0.0, None, 0
        self._queue, self._most = queue, plan.most
        self._lease, self._handle = deploy(source, plan, parallel, queue, options)
        self._settings: ReplicaSettings = self._handle.settings.remote().result()
        self.default_sampling = self._settings.default_sampling
        self.direct_sampling = self._settings.direct_sampling
        self._map = PrefixMap()
        self._reports: dict[str, Statistics] = {}
        self._under_way = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="galop-cluster", daemon=True)
        self._thread.start()
        self._watching = asyncio.run_coroutine_threadsafe(self._watch(), self._loop)

    @property
    def context(self) -> int:
        """The most tokens of a prompt and its answer."""
        return self._settings.context

    @property
    def parallel(self) -> int:
        """The most requests that run at once, when there are as many replicas as there may be."""
        return self._settings.parallel * self._most

    @property
    def capabilities(self) -> Capabilities:
        """What it can do beyond answering a conversation."""
        return self._settings.capabilities

    def constraint(  # type: ignore[override]
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
        if self._under_way >= self.parallel + self._queue:
            raise QueueFullError(f"{self._under_way} requests wait already; try again later")
        completion = RemoteCompletion(request, emit)
        self._under_way += 1
        task = asyncio.run_coroutine_threadsafe(self._answer(request, completion), self._loop)
        completion.cancel = lambda: self._cancel(task, completion)
        return completion

    def _cancel(self, task: Any, completion: RemoteCompletion) -> None:
        """Ends a completion; nothing happens to one that has ended."""
        if not completion.ended:
            task.cancel()

    async def _answer(self, request: GenerationRequest, completion: RemoteCompletion) -> None:
        tries = 0
        try:
            while not completion.ended:
                tries += 1
                wanted = self._map.choose(request.client, request.prompt)
                try:
                    await self._take_parts(request, completion, wanted)
                except RayError as error:
                    if tries == MOST_TRIES:
                        raise ClusterError(f"{tries} replicas of {self.name} died at this: {_brief(error)}") from None
                    del completion.tokens[len(completion.prompt) :]
        except GalopError as error:
            completion.fail(error)
        except Exception as error:
            completion.fail(ClusterError(f"the cluster failed: {_brief(error)}"))
        finally:
            self._under_way -= 1

    async def _take_parts(self, request: GenerationRequest, completion: RemoteCompletion, wanted: str) -> None:
        """One replica's answer, as far as it comes. Raises RayError where the replica died."""
        stream = self._handle.options(stream=True).answer.remote(Work.of(request), wanted=wanted)
        skip, replica = completion.delivered, ""
        try:
            async for part in stream:
                if part.replica:
                    replica = part.replica
                    self._map.under_way[replica] += 1
                    self._map.note(request.client, request.prompt, replica)
                skip = completion.take(part, skip)
                if request.cancelled():
                    stream.cancel()
                    return
            self._map.note(request.client, completion.tokens, replica)
        except RayError:
            self._map.forget(replica)
            raise
        except asyncio.CancelledError:
            stream.cancel()
            raise
        finally:
            if self._map.under_way[replica] > 0:
                self._map.under_way[replica] -= 1

    def stream(self, request: GenerationRequest) -> Iterator[Event]:
        """The events of a request's answer, which end in `Done`. Raises what `submit` raises, and the error of an
        answer that fails."""
        events: SimpleQueue[StreamEvent] = SimpleQueue()
        completion = self.submit(request, events.put)
        try:
            while True:
                event = events.get()
                if isinstance(event, Failure):
                    raise event.error
                if not isinstance(event, ToolCallDelta):
                    yield event
                if isinstance(event, Done):
                    return
        finally:
            completion.cancel()

    def chat(
        self,
        messages: Sequence[Message],
        thinking: Thinking | None = None,
        tools: Sequence[Tool] = (),
        *,
        cancelled: Callable[[], bool] = lambda: False,
        **options: Unpack[ChatOptions],
    ) -> Iterator[Event]:
        """Answers a conversation. Raises TemplateError, ContextLengthError, ConstraintError, ClusterError."""
        choice, thinking = options.get("tool_choice", "auto"), thinking or Thinking()
        check_tools(tools, choice)
        prompt = self.prompt(messages, thinking, tools)
        constraint = self.constraint(options.get("form"), tools, choice, options.get("parallel_tool_calls", True))
        yield from self.stream(
            GenerationRequest(
                prompt, options.get("sampling"), options.get("max_tokens"), options.get("stop", ()), thinking=thinking,
                tools=tools, constraint=constraint, cancelled=cancelled, speculate=options.get("speculate", True),
            )
        )  # fmt: skip

    def room(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> int:
        """Tokens that may still follow a conversation."""
        return self.context - len(self.prompt(messages, Thinking(), tools))

    def logits(self, tokens: Sequence[int]) -> Array:
        """Raises ClusterError: replicas answer, and show no logits of every position."""
        raise ClusterError("a model on a cluster shows no logits; load it on this machine")

    def statistics(self) -> Statistics:
        """What all replicas are doing together, as of a moment ago; the KV cache's usage is the fullest one's."""
        reports = list(self._reports.values())
        lost: Counter[str] = Counter()
        for report in reports:
            lost.update(report.prefix_cache_lost)
        sums = {name: sum(getattr(report, name) for report in reports) for name in SUMMED}
        usage = max((report.kv_cache_usage for report in reports), default=0.0)
        return Statistics(**sums, prefix_cache_lost=dict(lost), kv_cache_usage=usage)

    async def _watch(self) -> None:
        """Runs until it is cancelled: asks each replica that has answered what it is doing."""
        while True:
            for name in list(self._map.under_way):
                with suppress(RayError):
                    report: ReplicaReport = await self._handle.report.remote(wanted=name)
                    self._reports[report.replica] = report.statistics
            self._reports = {name: r for name, r in self._reports.items() if name in self._map.under_way}
            await asyncio.sleep(REPORT_SECONDS)

    def serve(
        self, turn: AbstractContextManager[object] | None = None, parallel: int | None = None, queue: int | None = None
    ) -> None:
        """Nothing: the replicas serve from their start."""

    def close(self) -> None:
        """Takes the replicas away, and ends what they were doing."""
        self._watching.cancel()
        serve.delete(self._handle.app_name)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        super().close()

    def __enter__(self) -> Replicas:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(address: str) -> None:
    """Joins a cluster, once in a process. Raises ClusterError where there is none at the address."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    logging.getLogger("ray").setLevel(logging.ERROR)
    logging.getLogger("ray.serve").setLevel(logging.ERROR)  # what concerns a person is an error of ours
    if ray.is_initialized():
        return
    where = None if address == "local" else address
    try:
        _reach(address)
        ray.init(where, log_to_driver=False, logging_level="ERROR", namespace=NAMESPACE)
    except Exception as error:
        raise ClusterError(
            f"no Ray cluster could be joined at {address!r} ({_brief(error)}); start one with: ray start --head"
        ) from None


def _reach(address: str) -> None:
    """Ray itself tries for two minutes. Raises OSError where nobody listens at HOST:PORT."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()


class Lease:
    """An actor that lives as long as the process that made it, by which replicas know that their door is there."""


def deploy(
    source: Source, plan: ClusterPlan, parallel: int, queue: int, options: LoadOptions
) -> tuple[Any, DeploymentHandle[Any]]:
    """Replicas of a model, once they are ready, and the lease on which they stay. Raises ClusterError where none gets
    ready."""
    connect(plan.address)
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in source.name)
    name = f"galop-{plain}-{secrets.token_hex(4)}"  # another door's replicas of it are its own
    cpus = plan.cpus or options.get("threads") or default_threads()
    largest = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    if cpus > largest:
        raise ClusterError(
            f"a replica of {source.name} wants {cpus:g} processors and no node of the cluster has more than "
            f"{largest:g}; say how many with --cpus"
        )
    scaled = AutoscalingConfig(min_replicas=plan.least, max_replicas=plan.most, target_ongoing_requests=parallel / 2)
    deployment = serve.deployment(EngineReplica, name="engine").options(
        num_replicas=None if plan.most > plan.least else plan.least,
        autoscaling_config=scaled if plan.most > plan.least else None,
        ray_actor_options={"num_cpus": cpus},
        max_ongoing_requests=parallel + queue,
        request_router_config=RequestRouterConfig(request_router_class=NamedReplicaRouter),
        health_check_period_s=1,
        health_check_timeout_s=30,
        graceful_shutdown_timeout_s=30,
    )
    threads = options.get("threads") or max(1, int(cpus))
    bound = deployment.bind(source.name, parallel, queue, {**options, "threads": threads}, name)
    lease = ray.remote(Lease).options(name=name, num_cpus=0).remote()
    try:
        serve.start(proxy_location="Disabled")
        target = serve.RunTarget(bound, name=name, route_prefix=None)
        [handle] = serve.run_many([target], wait_for_applications_running=False)
        _wait_until_running(name, source.name, cpus)
    except BaseException as error:
        with suppress(Exception):
            serve.delete(name, _blocking=False)
        if isinstance(error, RayError):
            raise ClusterError(f"no replica of {source.name} could be started: {_brief(error)}") from None
        raise
    return lease, handle


def _wait_until_running(name: str, model: str, cpus: float) -> None:
    """Says so where there is no room for replicas, which a cluster may be making. Raises ClusterError where they do not
    start."""
    told = False
    while True:
        app = serve.status().applications.get(name)
        if app and app.status == "RUNNING":
            return
        if app and app.status == "DEPLOY_FAILED":
            raise ClusterError(f"no replica of {model} could be started: {_last_line(app.message)}")
        if app and not told and any("to be scheduled" in d.message for d in app.deployments.values()):
            told = True
            log.warning(
                "the cluster has no room yet for all replicas of %s with %g processors each; waiting (fewer: "
                "--replicas, --cpus)", model, cpus,
            )  # fmt: skip
        time.sleep(0.2)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return re.sub(r"^galop\.errors\.\w+: ", "", lines[-1])[:300] if lines else ""


def _brief(error: Exception) -> str:
    """The first line of what Ray says, without its trace."""
    return _last_line(str(error)) or type(error).__name__


if TYPE_CHECKING:
    _: type[TokenBackend] = Replicas
