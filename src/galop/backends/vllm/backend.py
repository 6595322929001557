"""A backend whose tokens vLLM computes: prompts go there as token ids, and token ids come back.

The door has the model's tokenizer, template and grammars, so text, thinking, calls and stop strings are made here as
those of the native engine are (`completion.py`). Where an answer changes from thinking to a form, or a thinking budget
is spent, vLLM is asked anew with the tokens so far, which its prefix cache holds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from galop.backends.completion import SequenceCompletion, lay_out
from galop.backends.engine_client import EngineClient
from galop.backends.events import Emit
from galop.backends.protocol import (
    AnswerConstraint,
    Capabilities,
    GenerationRequest,
    Statistics,
    TokenBackend,
)
from galop.backends.vllm.client import Served, VllmClient
from galop.backends.vllm.folder import find_folder
from galop.backends.vllm.plan import VllmPlan
from galop.backends.vllm.process import VllmProcess
from galop.backends.vllm.request import Stage, VllmConstraint, completion_request, refuse, stage_of, write_form
from galop.chat.response_format import ResponseFormat
from galop.engine.sampling import SampledToken
from galop.engine.sequence import FinishReason, Outcome, SequenceStatus, TokenSequence
from galop.errors import ConstraintError, ContextLengthError, GalopError, QueueFullError, VllmError
from galop.models.from_file import open_checkpoint
from galop.ops.plan import Array
from galop.store import Source
from galop.weights.checkpoint import Checkpoint
from galop.weights.files import report_os_errors
from galop.weights.pack import card_of

CONTEXT = 8192  # tokens, of a server of our own where none are asked for
METRICS_SECONDS = 2.0
MOST_STAGES = 64  # of one answer, each a request
SAMPLE = "Voilà: the quick brown fox, 1234567 × 89 = naïve 東京 …\n\tdef f(x):  return x**2  # ok?\n"
"""A text by which tokenizers are told apart."""
log = logging.getLogger("galop")


class VllmModel(EngineClient):
    """A `TokenBackend` over one vLLM server."""

    def __init__(
        self, checkpoint: Checkpoint, client: VllmClient, served: Served, process: VllmProcess | None = None
    ) -> None:
        """Raises VllmError where the server's model has other tokens than the checkpoint."""
        rows = checkpoint.tensors["model.embed_tokens.weight"].shape[0]
        super().__init__(card_of(checkpoint), checkpoint.tokenizer_json, rows)
        self.served, self.parallel, self.memory = served, 64, 0
        self._client, self._process, self._queue = client, process, 512
        self._check_tokens()
        self.guided = client.is_guided(served.model)
        if not self.guided:
            log.warning(
                "vLLM at %s was not started with --structured-outputs-config '{\"backend\": \"guidance\"}', so answers "
                "can be held to a schema or a regex, but not to a grammar or to tool calls", client.url,
            )  # fmt: skip
        self._statistics = Statistics()
        self._under_way = 0
        self._start_loop(self._watch())

    def _check_tokens(self) -> None:
        theirs = self._client.tokenize(self.served.model, SAMPLE)
        if theirs is not None and theirs != self.tokenizer.encode(SAMPLE):
            raise VllmError(
                f"vLLM at {self._client.url} serves {self.served.model}, whose tokens are not those of {self.name}; "
                "name the model that it serves"
            )

    @property
    def context(self) -> int:
        """The most tokens of a prompt and its answer, as vLLM was started."""
        return self.served.context

    @property
    def capabilities(self) -> Capabilities:
        """What it can do beyond answering a conversation: no vectors and no pictures."""
        return Capabilities(thinking=self.thinking_support, constrained=self.can_constrain)

    def compile_form(self, form: ResponseFormat) -> AnswerConstraint:
        """A form that vLLM keeps; it is compiled here as well, to find what is wrong with it. Raises ConstraintError,
        also for a form that the server was not started for."""
        super().compile_form(form)
        if outputs := write_form(form, self.guided):
            return VllmConstraint(outputs)
        raise ConstraintError(
            f"a {form.label} cannot be followed by this vLLM; start it with --structured-outputs-config "
            '\'{"backend": "guidance"}\''
        )

    def submit(self, request: GenerationRequest, emit: Emit) -> SequenceCompletion:
        """Sends a request to vLLM; `emit` gets its events, from another thread.

        Raises ContextLengthError, QueueFullError, VllmError for what vLLM cannot be asked for, ValueError for an empty
        prompt.
        """
        ids = [int(id) for id in request.prompt]
        if not ids:
            raise ValueError("the prompt is empty")
        if len(ids) >= self.context:
            raise ContextLengthError(
                f"the prompt has {len(ids)} tokens and the context of this vLLM holds {self.context}; shorten it, or "
                "start vLLM with a larger --max-model-len",
                n_prompt_tokens=len(ids),
                n_ctx=self.context,
            )
        if self._under_way >= self.parallel + self._queue:
            raise QueueFullError(f"{self._under_way} requests are under way already; try again in a few seconds")
        stopping = asyncio.Event()
        completion = lay_out(
            self, request, ids, self.context - len(ids), emit,
            lambda sequence: self._cancel(sequence, stopping),
        )  # fmt: skip
        refuse(completion.sequence)
        self._under_way += 1
        self._run_answer(self._answer(completion.sequence, request, stopping))
        return completion

    def _cancel(self, sequence: TokenSequence, stopping: asyncio.Event) -> None:
        if not sequence.cancelled and sequence.status is not SequenceStatus.FINISHED:
            sequence.cancelled = True
            with suppress(RuntimeError):  # the loop has ended, and its answers with it
                self._loop.call_soon_threadsafe(stopping.set)

    async def _answer(self, sequence: TokenSequence, request: GenerationRequest, stopping: asyncio.Event) -> None:
        """Runs a sequence to its end."""
        outcome: FinishReason | GalopError = "cancelled"
        running = asyncio.ensure_future(self._run(sequence, request))
        stopped = asyncio.ensure_future(stopping.wait())
        try:
            await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                outcome = running.result()
        except GalopError as error:
            outcome = await self._explain(error)
        except Exception as error:  # whatever it is, the answer ends
            log.exception("an answer of vLLM's failed")
            outcome = VllmError(f"the answer of vLLM failed: {type(error).__name__}")
        finally:
            self._under_way -= 1
            for task in (running, stopped):
                task.cancel()
            await asyncio.gather(running, stopped, return_exceptions=True)
            sequence.status = SequenceStatus.FINISHED
            sequence.end_time = time.monotonic()
            sequence.on_finish(outcome)

    async def _explain(self, error: GalopError) -> GalopError:
        """What became of a server of our own, where that is why it does not answer: it may be ending still."""
        if isinstance(error, VllmError) and not error.refused and self._process:
            for _ in range(20):
                try:
                    self._process.check()
                except VllmError as end:
                    return end
                await asyncio.sleep(0.1)
            if not await asyncio.to_thread(self._client.is_healthy):
                last = self._process.last_words()
                return VllmError(f"vLLM does not answer any more: {last}; start galop serve again")
        return error

    async def _run(self, sequence: TokenSequence, request: GenerationRequest) -> FinishReason:
        """Asks for its tokens, stage after stage. Raises GalopError."""
        rules = request.rules
        allowed = None if rules.allowed_token_ids is None else sorted(rules.allowed_token_ids)
        for _ in range(MOST_STAGES):
            stage = stage_of(sequence.constraint)
            body = completion_request(self.served.model, sequence, stage, self.tokenizer, rules.ignore_eos, allowed)
            outcome, finish = await self._take(sequence, stage, body)
            if isinstance(outcome, GalopError):
                raise outcome
            if outcome:
                return outcome
            if finish in ("", "stop", "length") and sequence.completion_tokens < sequence.max_tokens:
                if finish == "stop" and not stage_of(sequence.constraint).differs(stage):
                    return "stop"  # at something that vLLM alone knows for an end
                continue
            raise VllmError(f"vLLM at {self._client.url} gave the answer up ({finish})")
        raise VllmError(f"vLLM at {self._client.url} came to no end in {MOST_STAGES} tries")

    async def _take(self, sequence: TokenSequence, stage: Stage, body: dict[str, Any]) -> tuple[Outcome, str]:
        """The tokens of one request, until the sequence ends or is in another stage: how it ended, or why vLLM did."""
        finish = ""
        stream = self._client.stream(body)
        try:
            async for piece in stream:
                if not sequence.completion_tokens:
                    self._begin(sequence, piece.prompt_scores)
                finish = piece.finish or finish
                if sequence.cached_tokens == 0 and piece.cached_tokens and len(body["prompt"]) == len(sequence.prompt):
                    sequence.cached_tokens = min(piece.cached_tokens, len(sequence.prompt))
                for drawn in piece.tokens if sequence.max_tokens else ():
                    outcome, again = append(sequence, stage, drawn)
                    if outcome or again:
                        if outcome in ("stop", "length") and finish:
                            await self._read_usage(sequence, stream)
                        return outcome, ""
                if not sequence.max_tokens and finish:
                    return "length", finish
        finally:
            await stream.aclose()
        if not finish:
            raise VllmError(f"vLLM at {self._client.url} broke off in the middle of the answer")
        return None, finish

    async def _read_usage(self, sequence: TokenSequence, stream: Any) -> None:
        """What follows the last token: how much of the prompt was known."""
        async for piece in stream:
            if piece.cached_tokens and not sequence.cached_tokens:
                sequence.cached_tokens = min(piece.cached_tokens, len(sequence.prompt))

    def _begin(self, sequence: TokenSequence, scores: Sequence[SampledToken]) -> None:
        """With the first piece of an answer its prompt has been read."""
        if sequence.status is SequenceStatus.WAITING:
            sequence.status = SequenceStatus.DECODE
            sequence.start_time = sequence.arrival_time
            sequence.prefill_end_time = time.monotonic()
            sequence.prompt_scores += scores[1:]
            sequence.on_prefill(len(sequence.prompt))

    def logits(self, tokens: Sequence[int]) -> Array:
        """Raises VllmError: vLLM shows none."""
        raise VllmError("vLLM shows no logits; ask a model that Galop runs itself", refused=True)

    def statistics(self) -> Statistics:
        """What vLLM is doing and has done, for others too, as of a moment ago."""
        return self._statistics

    async def _watch(self) -> None:
        """Runs until it is cancelled: asks vLLM what it is doing."""
        while True:
            counts = await self._client.metrics()
            usage = counts.pop("kv_cache_usage", 0.0)
            whole: Any = {name: int(count) for name, count in counts.items()}
            self._statistics = replace(Statistics(**whole), kv_cache_usage=usage)
            await asyncio.sleep(METRICS_SECONDS)

    def serve(
        self, turn: AbstractContextManager[object] | None = None, parallel: int | None = None, queue: int | None = None
    ) -> None:
        """How many requests it is given: `parallel` and `queue` more. vLLM runs as many side by side as it can."""
        self.parallel = self.parallel if parallel is None else parallel
        self._queue = self._queue if queue is None else queue

    def close(self) -> None:
        """Ends its connections, and a server of our own."""
        super().close()
        if self._process:
            self._process.close()

    async def _end_connections(self) -> None:
        await self._client.close()


def append(sequence: TokenSequence, stage: Stage, drawn: SampledToken) -> tuple[Outcome, bool]:
    """Appends a token and those that its constraint has follow it: how the sequence ends with them, and whether vLLM
    has to go on from there anew."""
    constraint = sequence.constraint
    token = constraint.interpret(drawn.token) if constraint else drawn.token
    outcome = sequence.append(replace(drawn, token=token))
    forced = constraint.accept(token) if constraint and outcome is None else ()
    for following in forced:
        outcome = outcome or sequence.append(SampledToken(following))
    return outcome, token != drawn.token or bool(forced) or stage_of(constraint).differs(stage)


def open_vllm(
    source: Source,
    plan: VllmPlan,
    context: int | None = None,
    parallel: int = 64,
    given_up: Callable[[], bool] = lambda: False,
) -> VllmModel:
    """A model that is served at the plan's address, or by a server of our own. Raises VllmError, ModelFileError."""
    assert source.path
    with report_os_errors(source.path):
        checkpoint = open_checkpoint(source.path)
    checkpoint.name = checkpoint.name or source.name
    if plan.url:
        client = VllmClient(plan.url)
        return VllmModel(checkpoint, client, client.look())
    longest = int(checkpoint.config.get("max_position_embeddings") or CONTEXT)
    process = VllmProcess(find_folder(source.path), source.name, plan, min(context or CONTEXT, longest), parallel)
    try:
        process.wait_ready(given_up)
        return VllmModel(checkpoint, process.client, process.client.look(), process)
    except BaseException:
        process.close()
        raise


if TYPE_CHECKING:
    _: type[TokenBackend] = VllmModel
