"""A batch is answered: so many requests at once, each as if it had come over HTTP, until all have an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Scope

from galop.server.api_keys import ApiKey
from galop.server.batches.answers import AnswerFile
from galop.server.batches.requests import BatchRequest

MOST_TRIES = 5  # of a request for which there is no memory; one whose key has to wait is tried for ever


@dataclass(frozen=True)
class Answered:
    """What the application answered: status, JSON, and seconds after which to ask again, 0 for never."""

    status: int
    body: str
    retry_after: int = 0

    @property
    def completion_tokens(self) -> int:
        """Tokens that were written for it."""
        usage = json.loads(self.body).get("usage") or {} if self.status == 200 else {}
        return int(usage.get("completion_tokens") or usage.get("output_tokens") or 0)


# After each answer: how many requests have one, how many of these are errors, and tokens written for it.
Report = Callable[[int, int, int], None]


async def answer_requests(
    app: ASGIApp, answers: AnswerFile, key: Callable[[], ApiKey], at_once: int, report: Report, model: str = ""
) -> None:
    """Answers what has no answer yet, and finishes the file. `key` is asked before each request and may raise to end it
    all; what was answered stays. Cancelling it ends the requests that are under way, too.

    Raises BatchFileError where the requests were changed meanwhile, OSError.
    """
    requests = answers.requests
    pending = (number for number in requests.by_model() if not answers.has(number))

    async def work() -> None:
        with requests.path.open("rb") as file:
            for number in pending:
                request = requests.read(file, number)
                answered = await ask_patiently(app, request, key, model)
                answers.write(number, request, answered.status, f"req_{request.id[10:]}", answered.body)
                tokens = 0 if request.url.endswith("embeddings") else answered.completion_tokens
                report(answers.done, answers.failed, tokens)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(requests))):
                group.create_task(work())
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    answers.finish()


async def ask_patiently(app: ASGIApp, request: BatchRequest, key: Callable[[], ApiKey], model: str) -> Answered:
    """The answer to a request, asked again while there is no room for it."""
    tries = 0
    while True:
        answered = await ask(app, request.url, request.content(model), key())
        tries += answered.status != 429
        if not answered.retry_after or tries >= MOST_TRIES:
            return answered
        await asyncio.sleep(answered.retry_after)


async def ask(app: ASGIApp, path: str, content: bytes, key: ApiKey) -> Answered:
    """What an application within this process answers to a POST of JSON by the owner of a key."""
    unread = [{"type": "http.request", "body": content, "more_body": False}]
    body, status, headers = bytearray(), 500, dict[bytes, bytes]()

    async def receive() -> Message:
        if unread:
            return unread.pop()
        await asyncio.get_running_loop().create_future()  # a client that stays
        raise AssertionError

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            headers.update(message["headers"])
        body.extend(message.get("body", b""))

    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"", "client": None, "server": None,
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))],
        "state": {"key": key},
    }  # fmt: skip
    await app(scope, receive, send)
    return Answered(status, body.decode(), int(headers.get(b"retry-after", b"0")))
