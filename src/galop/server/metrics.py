"""Prometheus metrics, by vLLM's stems under `galop:`, so that its dashboards fit with the prefix changed."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from galop.backends.events import Done
from galop.server.model_pool import ModelPool

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
TOKENS = tuple(2**n for n in range(18))
HISTOGRAMS = {
    "time_to_first_token_seconds": SECONDS,
    "inter_token_latency_seconds": SECONDS,
    "request_time_per_output_token_seconds": SECONDS,
    "e2e_request_latency_seconds": SECONDS,
    "request_queue_time_seconds": SECONDS,
    "request_prefill_time_seconds": SECONDS,
    "request_decode_time_seconds": SECONDS,
    "request_prompt_tokens": TOKENS,
    "request_generation_tokens": TOKENS,
}


class Metrics:
    """Of one server; nothing is kept in the process as a whole."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        label = ["model_name"]
        self._histograms = {
            name: Histogram(f"galop:{name}", name.replace("_", " "), label, buckets=buckets, registry=self.registry)
            for name, buckets in HISTOGRAMS.items()
        }
        self._success = Counter(
            "galop:request_success", "requests that ended", [*label, "finished_reason"], registry=self.registry
        )

    def observe_first_token(self, model: str, seconds: float) -> None:
        """Seconds from a request to the first token of a choice."""
        self._histograms["time_to_first_token_seconds"].labels(model).observe(seconds)

    def observe_token_gap(self, model: str, seconds: float) -> None:
        """Seconds between two pieces of a choice."""
        self._histograms["inter_token_latency_seconds"].labels(model).observe(seconds)

    def observe_end(self, model: str, done: Done, seconds: float) -> None:
        """The end of a choice, so many seconds after its request."""
        rate = done.answer_seconds / max(done.answer_tokens - 1, 1)
        queued = done.first_token_seconds - done.prompt_seconds
        for name, value in (
            ("request_time_per_output_token_seconds", rate),
            ("e2e_request_latency_seconds", seconds),
            ("request_queue_time_seconds", max(queued, 0.0)),
            ("request_prefill_time_seconds", done.prompt_seconds),
            ("request_decode_time_seconds", done.answer_seconds),
            ("request_prompt_tokens", done.prompt_tokens),
            ("request_generation_tokens", done.answer_tokens),
        ):
            self._histograms[name].labels(model).observe(value)
        self._success.labels(model, done.reason).inc()

    def text(self, models: ModelPool) -> bytes:
        """What /metrics answers."""
        engines = CollectorRegistry()
        engines.register(EngineCollector(models))
        return generate_latest(self.registry) + generate_latest(engines)


class EngineCollector:
    """What the engines know themselves, read when it is asked for."""

    def __init__(self, models: ModelPool) -> None:
        self.models = models

    def collect(self) -> Iterator[Metric]:
        """The metrics of all models in memory, as prometheus_client asks for them."""
        counted = {
            "prefix_cache_queries": "prompt tokens that were looked for in the prefix cache",
            "prefix_cache_hits": "prompt tokens that the prefix cache held",
            "prompt_tokens": "prompt tokens that were prefilled",
            "generation_tokens": "tokens that were sampled",
            "num_preemptions": "requests that were preempted",
            "pictures_seen": "pictures that the vision tower looked at",
            "pictures_remembered": "pictures that it would have looked at, had it not before",
            "picture_seconds": "seconds that the vision tower looked",
        }
        gauged = {
            "num_requests_running": "requests that are being answered",
            "num_requests_waiting": "requests that wait",
            "kv_cache_usage_perc": "share of the KV cache's blocks in use",
            "memory_bytes": "bytes of memory reckoned for the model",
        }
        families: dict[str, Metric] = {
            **{n: CounterMetricFamily(f"galop:{n}", text, labels=["model_name"]) for n, text in counted.items()},
            **{n: GaugeMetricFamily(f"galop:{n}", text, labels=["model_name"]) for n, text in gauged.items()},
        }
        lost = families["prefix_cache_lost"] = CounterMetricFamily(
            "galop:prefix_cache_lost",
            "prompt tokens that the prefix cache held and that were prefilled again, by the reason",
            labels=["model_name", "reason"],
        )
        for resident in list(self.models.residents.values()):
            statistics = resident.model.statistics()
            for reason, tokens in statistics.prefix_cache_lost.items():
                lost.add_metric([resident.name, reason], float(tokens))
            for name, value in {
                "prefix_cache_queries": statistics.prefix_cache_queries,
                "prefix_cache_hits": statistics.prefix_cache_hits,
                "prompt_tokens": statistics.prompt_tokens,
                "generation_tokens": statistics.generated_tokens,
                "num_preemptions": statistics.preemptions,
                "pictures_seen": statistics.pictures_seen,
                "pictures_remembered": statistics.pictures_remembered,
                "picture_seconds": statistics.picture_seconds,
                "num_requests_running": statistics.running,
                "num_requests_waiting": statistics.waiting,
                "kv_cache_usage_perc": statistics.kv_cache_usage,
                "memory_bytes": resident.model.memory,
            }.items():
                families[name].add_metric([resident.name], float(value))  # type: ignore[attr-defined]
        yield from families.values()
