"""The HTTP of one vLLM server: what it is and serves, the streams of its completions, its errors in our words."""

from __future__ import annotations

import json
import os
import re
import ssl
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from galop.backends.remote import trusted_certificates
from galop.backends.remote_errors import error_message
from galop.backends.vllm.plan import check_address
from galop.engine.sampling import SampledToken
from galop.errors import VllmError
from galop.version import __version__

KEY = "VLLM_API_KEY"  # the variable by which vLLM itself is given its key
LEAST = (0, 12)  # the first version whose requests have all the fields that are sent
SILENCE = 600.0  # seconds in which a waiting or long prompt may bring nothing
CONNECT = 10.0
PROBE = '%llguidance {}\nstart: "galop"'
"""A grammar that only llguidance reads, the library by which the door checks forms too."""
NAMES = {
    "num_requests_running": "running", "num_requests_waiting": "waiting", "num_preemptions_total": "preemptions",
    "prompt_tokens_total": "prompt_tokens", "generation_tokens_total": "generated_tokens",
    "prefix_cache_queries_total": "prefix_cache_queries", "prefix_cache_hits_total": "prefix_cache_hits",
    "kv_cache_usage_perc": "kv_cache_usage",
}  # fmt: skip
"""vLLM's metrics, without `vllm:`, and what `Statistics` calls them."""


@dataclass
class Piece:
    """What one event of a stream brings."""

    tokens: list[SampledToken] = field(default_factory=list)
    prompt_scores: list[SampledToken] = field(default_factory=list)
    finish: str = ""  # "stop", "length", or why it was given up
    cached_tokens: int = 0


@dataclass(frozen=True)
class Served:
    """What a server says of itself: its version, and the name and longest text of its model."""

    version: str
    model: str
    context: int


class VllmClient:
    """One server, asked from one event loop for its streams and from any thread for what it is."""

    def __init__(self, url: str, key: str | None = None) -> None:
        """`key` is by default that of the environment. Raises VllmError for what is no address."""
        self.url = check_address(url)
        key = os.environ.get(KEY, "").strip() if key is None else key
        self._key = key
        self._options: dict[str, Any] = {
            "base_url": self.url,
            "headers": {"user-agent": f"galop/{__version__}"} | ({"authorization": f"Bearer {key}"} if key else {}),
            "timeout": httpx2.Timeout(CONNECT, read=SILENCE, pool=None),
            "limits": httpx2.Limits(max_connections=None, max_keepalive_connections=64),
            "follow_redirects": False,  # which could carry the key elsewhere
            "verify": trusted_certificates() if self.url.startswith("https:") else NO_CERTIFICATES,
        }  # fmt: skip
        self._streams: httpx2.AsyncClient | None = None

    def look(self) -> Served:
        """Raises VllmError where nobody answers, where it is no vLLM, or one too old, or the key is refused."""
        version = str(self._get("/version", "it is no vLLM").get("version", ""))
        found = re.match(r"(\d+)\.(\d+)", version)
        if not found or (int(found[1]), int(found[2])) < LEAST:
            least = ".".join(map(str, LEAST))
            raise VllmError(f"vLLM at {self.url} is of version {version[:40]!r}; Galop speaks to {least} and later")
        models = self._get("/v1/models", "it lists no models").get("data")
        first = models[0] if isinstance(models, list) and models else None
        if not isinstance(first, dict) or not isinstance(context := first.get("max_model_len"), int):
            raise VllmError(f"vLLM at {self.url} serves no model that writes texts")
        return Served(version, str(first.get("id"))[:500], context)

    def tokenize(self, model: str, text: str) -> list[int] | None:
        """Ids of a text by the server's own tokenizer; None where it has no way to tell. Raises VllmError."""
        with httpx2.Client(**self._options) as client:
            try:
                body = {"model": model, "prompt": text, "add_special_tokens": False}
                reply = client.post("/tokenize", json=body)
            except httpx2.HTTPError as error:
                raise self.unreachable(error) from None
        if reply.status_code != 200:
            return None
        return _tokens(reply)

    def is_guided(self, model: str) -> bool:
        """Whether its answers can be held to the grammars that the door's are held to. Raises VllmError."""
        body = {
            "model": model, "prompt": [1], "max_tokens": 8, "temperature": 0.0,
            "structured_outputs": {"grammar": PROBE},
        }  # fmt: skip
        with httpx2.Client(**self._options) as client:
            try:
                reply = client.post("/v1/completions", json=body)
                return reply.status_code == 200 and reply.json()["choices"][0]["text"] == "galop"
            except httpx2.HTTPError as error:
                raise self.unreachable(error) from None
            except (ValueError, LookupError, TypeError):
                return False

    def is_healthy(self) -> bool:
        """Whether it answers at all, now."""
        try:
            with httpx2.Client(**self._options) as client:
                return client.get("/health", timeout=CONNECT).status_code == 200
        except httpx2.HTTPError:
            return False

    def _get(self, path: str, otherwise: str) -> dict[str, Any]:
        try:
            with httpx2.Client(**self._options) as client:
                reply = client.get(path, timeout=CONNECT)
        except httpx2.InvalidURL:
            raise VllmError(f"{self.url!r} is not an address") from None
        except httpx2.HTTPError as error:
            raise self.unreachable(error) from None
        if reply.status_code in (401, 403):
            raise self.refused_key()
        try:
            data = reply.json()
        except ValueError:
            data = None
        if reply.status_code != 200 or not isinstance(data, dict):
            raise VllmError(f"what answers at {self.url} is not vLLM: {path} gave {reply.status_code} ({otherwise})")
        return data

    async def stream(self, body: Mapping[str, Any]) -> AsyncGenerator[Piece]:
        """The pieces of one completion. Raises VllmError."""
        if self._streams is None:
            self._streams = httpx2.AsyncClient(**self._options)
        try:
            async with self._streams.stream("POST", "/v1/completions", json=body) as reply:
                if reply.status_code != 200:
                    self._raise_for_status(reply.status_code, (await reply.aread()).decode("utf-8", "replace"))
                async for line in reply.aiter_lines():
                    data = line.removeprefix("data:").strip()
                    if data == "[DONE]":
                        return
                    if line.startswith("data:") and data:
                        yield self._read(data)
        except httpx2.TimeoutException:
            raise VllmError(f"vLLM at {self.url} was silent for {SILENCE:.0f} s") from None
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise self.unreachable(error) from None
        except httpx2.HTTPError as error:
            raise VllmError(f"vLLM at {self.url} broke off in the middle of the answer ({_brief(error)})") from None

    def _read(self, data: str) -> Piece:
        """One event. Raises VllmError for an error, and for what is no piece of a completion."""
        try:
            chunk = json.loads(data)
            if error := chunk.get("error"):
                raise VllmError(f"vLLM at {self.url} gave the answer up: {error_message(json.dumps({'error': error}))}")
            usage = chunk.get("usage") or {}
            piece = Piece(cached_tokens=int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0))
            for choice in chunk["choices"]:
                ids = choice.get("token_ids") or []
                scored = read_scores(choice["logprobs"]) if choice.get("logprobs") else list(map(SampledToken, ids))
                piece.prompt_scores += scored[: len(scored) - len(ids)]
                piece.tokens += scored[len(scored) - len(ids) :]
                piece.finish = choice.get("finish_reason") or piece.finish
            return piece
        except (ValueError, LookupError, TypeError, AttributeError):
            raise VllmError(f"vLLM at {self.url} sent what is no piece of an answer: {data[:80]!r}") from None

    async def metrics(self) -> dict[str, float]:
        """What it counts, under the names of `Statistics`; empty where it does not tell."""
        counts: dict[str, float] = {}
        try:
            async with httpx2.AsyncClient(**self._options) as client:
                text = (await client.get("/metrics", timeout=CONNECT)).text
        except httpx2.HTTPError:
            return {}
        for line in text.splitlines():
            found = re.match(r"vllm:(\w+)(?:\{[^}]*\})? ([-+.\deE]+)$", line)
            if found and (name := NAMES.get(found[1])):
                counts[name] = counts.get(name, 0.0) + float(found[2])
        return counts

    async def close(self) -> None:
        """Ends its connections."""
        if self._streams:
            await self._streams.aclose()

    def unreachable(self, error: Exception) -> VllmError:
        """The error of a server that does not answer."""
        return VllmError(f"no vLLM answers at {self.url} ({_brief(error)}); start it with: vllm serve MODEL")

    def refused_key(self) -> VllmError:
        """The error of a key that is not the server's."""
        return VllmError(f"vLLM at {self.url} refused the key; set {KEY} to the one that it was started with")

    def _raise_for_status(self, status: int, text: str) -> None:
        said = error_message(text)
        if self._key:
            said = said.replace(self._key, "[key]")
        if status in (401, 403):
            raise self.refused_key()
        if status == 404:
            raise VllmError(f"vLLM at {self.url} serves another model now ({said}); start galop serve again")
        raise VllmError(f"vLLM at {self.url} refused the request: {said}", refused=status in (400, 422))


NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # plain HTTP needs none, and reading them takes long


def read_scores(logprobs: Mapping[str, Any]) -> list[SampledToken]:
    """Tokens with their log-probabilities, as `return_tokens_as_token_ids` writes them. Raises ValueError, KeyError."""
    return [
        SampledToken(
            read_id(token),
            logprob,
            tuple(sorted(((read_id(t), p) for t, p in (top or {}).items()), key=lambda pair: -pair[1])),
        )
        for token, logprob, top in zip(
            logprobs["tokens"], logprobs["token_logprobs"], logprobs["top_logprobs"], strict=True
        )
    ]


def read_id(token: str) -> int:
    """Raises ValueError for what is not written `token_id:N`."""
    return int(token.removeprefix("token_id:"))


def _tokens(reply: httpx2.Response) -> list[int] | None:
    try:
        ids = reply.json()["tokens"]
        return [int(id) for id in ids]
    except (ValueError, LookupError, TypeError):
        return None


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
