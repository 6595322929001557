"""A model whose replies another one learns from, on the replicas of a Ray cluster."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio.from_thread import start_blocking_portal

from galop.cli.serve import fetch
from galop.errors import GalopError
from galop.recipes.mini.model import Size
from galop.recipes.mini.sample import LONGEST
from galop.recipes.mini.stages import DRAWN_AT, Thinker, Write
from galop.recipes.mini.train import write as write_whole
from galop.server.api_keys import ANYONE
from galop.server.app import create_unguarded
from galop.server.batches.answers import AnswerFile
from galop.server.batches.requests import look_through
from galop.server.batches.run import answer_requests
from galop.server.model_pool import Limits, ModelPool
from galop.server.service import Service

if TYPE_CHECKING:
    from galop.backends.cluster.plan import ClusterPlan

PARALLEL = 64  # replies at once of a replica
ROUND = 512  # replies drawn before the right ones are kept


def reach_thinker(plan: ClusterPlan, name: str, size: Size) -> Thinker:
    """The model of that name, served by replicas while the thinker is open. Raises GalopError."""
    return Thinker(size, partial(open_replicas, plan, name), ROUND)


@contextmanager
def open_replicas(plan: ClusterPlan, name: str, kept: Path) -> Iterator[Write]:
    """Replies are a batch: kept beside `kept` one by one, so that the loss of a node or of this process costs none."""
    limits = Limits(0, None, "f16", None, PARALLEL, 4 * PARALLEL, 0, False, plan)
    source = fetch(name, yes=True)
    models = ModelPool([source], limits)
    web = create_unguarded(Service(models))

    async def load() -> None:
        async with models.use(source.name, ANYONE):
            pass

    def write(prompts: list[str], seed: int) -> tuple[list[str], int]:
        lines = (
            json.dumps({"custom_id": f"{number}", "method": "POST", "url": "/v1/completions", "body": {
                "model": source.name, "prompt": prompt, "temperature": DRAWN_AT, "seed": seed * ROUND + number,
                "max_tokens": LONGEST,
            }}) + "\n"
            for number, prompt in enumerate(prompts)
        )  # fmt: skip
        content = "".join(lines).encode()
        asked = kept.with_name(f"{kept.stem}-{hashlib.sha256(content).hexdigest()[:8]}.jsonl")
        write_whole(asked, content)
        written = asked.with_suffix(".answers")
        with AnswerFile(written, look_through(asked)) as answers:
            portal.call(
                partial(answer_requests, web, answers, lambda: ANYONE, 2 * PARALLEL * plan.most, lambda *_: None)
            )
        replies = [json.loads(line)["response"] for line in written.read_text("utf-8").splitlines()]
        written.unlink()
        asked.unlink()
        for reply in replies:
            if reply["status_code"] != 200:
                raise GalopError(f"{name} gave no reply to learn from: {reply['body']['error']['message']}")
        texts = [whole_reply(reply["body"]["choices"][0]) for reply in replies]
        return texts, sum(reply["body"]["usage"]["total_tokens"] for reply in replies)

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(web.router.lifespan_context(web)):
        portal.call(load)
        yield write


def whole_reply(choice: dict[str, Any]) -> str:
    """With the token that ended it, if it did not end by its length."""
    return str(choice["text"]) + ("<|im_end|>" if choice["finish_reason"] == "stop" else "")
