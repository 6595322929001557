"""How far int8 activations move the model's predictions, and whether greedy answers agree with llama.cpp's.

    python bench/quality.py smollm2:135m qwen2.5-coder:0.5b

On the same file: mean Kullback-Leibler divergence from the float32 reference over real English text, ours and
llama.cpp's, their ratio with a paired bootstrap over windows; then 20 prompts answered greedily by both. Needs the
`oracle` extra. The text is the topics of Python's own help, so anyone has it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from galop import Model, load, store
from galop.ops.reference import Batch, Cache, Reference

WINDOW = 256
PROMPTS = [
    "Write a Python function that reverses a string.",
    "What is the capital of France?",
    "Explain what a hash table is in two sentences.",
    "Write a SQL query that counts the rows of a table per day.",
    "What does the HTTP status code 404 mean?",
    "Write a C function that returns the larger of two integers.",
    "List three differences between TCP and UDP.",
    "What is 17 times 23?",
    "Translate to French: The weather is nice today.",
    "Write a shell command that finds all files larger than 100 MB.",
    "What is the difference between a list and a tuple in Python?",
    "Explain recursion to a child.",
    "Write a regular expression that matches an email address.",
    "What is Newton's second law?",
    "Write a JavaScript function that checks whether a number is even.",
    "Why is the sky blue?",
    "What is a binary search, and how fast is it?",
    "Write a haiku about the sea.",
    "How do I undo the last commit in git?",
    "Name the planets of the solar system.",
]


def text() -> str:
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name] for name in sorted(topics) if len(topics[name]) > 2000)


def divergence(reference: np.ndarray, other: np.ndarray) -> np.ndarray:
    """KL(reference || other) at each position, in nats."""
    log_p, log_q = (x.astype(np.float64) for x in (reference, other))
    log_p -= np.log(np.exp(log_p - log_p.max(-1, keepdims=True)).sum(-1, keepdims=True)) + log_p.max(-1, keepdims=True)
    log_q -= np.log(np.exp(log_q - log_q.max(-1, keepdims=True)).sum(-1, keepdims=True)) + log_q.max(-1, keepdims=True)
    return (np.exp(log_p) * (log_p - log_q)).sum(-1)


def measure(model: Model, llama: Any, windows: int) -> dict[str, Any]:
    ids = model.tokenizer.encode(text())[: windows * WINDOW]
    parts = [ids[i : i + WINDOW] for i in range(0, len(ids), WINDOW)]
    reference = cached_reference(model)
    ours, theirs = [], []
    at = np.arange(WINDOW)
    for i, part in enumerate(parts):
        expected = reference.forward(Batch(np.array(part), at, at * 0, at, Cache()))
        llama.reset()
        llama.eval(part)
        ours.append(divergence(expected, model.logits(part)))
        theirs.append(divergence(expected, llama.scores[:WINDOW, : expected.shape[1]]))
        print(f"\r{i + 1}/{len(parts)} windows", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    a, b = np.array([x.mean() for x in ours]), np.array([x.mean() for x in theirs])
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(parts), (10_000, len(parts)))
    ratios = a[draws].mean(1) / b[draws].mean(1)
    low, high = np.percentile(ratios, [2.5, 97.5])
    return {
        "positions": len(ids),
        "kl_galop": float(a.mean()),
        "kl_llama_cpp": float(b.mean()),
        "ratio": float(a.mean() / b.mean()),
        "ratio_95": [float(low), float(high)],
    }


def agreement(model: Model, llama: Any, tokens: int = 32) -> dict[str, Any]:
    """Greedy answers of Galop, llama.cpp and the float32 reference: how many are the same, and where two part.

    At a parting the reference's own probabilities of the two tokens say how near a tie it was.
    """
    size = model.tokenizer.vocabulary_size(model.engine.vocabulary)
    reference = cached_reference(model)
    same = {"galop = llama.cpp": 0, "galop = float32": 0, "llama.cpp = float32": 0}
    parted = []
    for i, prompt in enumerate(PROMPTS):
        ids = model.template.encode([{"role": "user", "content": prompt}])
        kv, cache = model.engine.new_cache(), Cache()
        llama.reset()

        def galop(part: list[int], kv: Any = kv) -> np.ndarray:
            return model.engine.forward([(kv, part)], [len(part) - 1])[0]

        def llama_cpp(part: list[int]) -> np.ndarray:
            llama.eval(part)
            scores: np.ndarray = llama.scores[llama.n_tokens - 1]
            return scores

        def float32(part: list[int], cache: Cache = cache) -> np.ndarray:
            start = len(cache.entries[0, 0][0]) if cache.entries else 0
            at = np.arange(start, start + len(part))
            return reference.forward(Batch(np.array(part), at, at * 0, np.array([len(part) - 1]), cache))[0]

        answers = {
            name: greedy(step, ids, tokens, size, model.stop_ids)
            for name, step in (("galop", galop), ("llama.cpp", llama_cpp), ("float32", float32))
        }
        kv.free()
        for pair in same:
            one, other = pair.split(" = ")
            same[pair] += answers[one] == answers[other]
        a, b = answers["galop"], answers["llama.cpp"]
        if a != b:
            n = next(i for i, (x, y) in enumerate(zip([*a, -1], [*b, -1], strict=False)) if x != y)
            whole = [*ids, *a[:n]]
            at = np.arange(len(whole))
            p = reference.forward(Batch(np.array(whole), at, at * 0, at[-1:], Cache()))[0].astype(np.float64)
            p = np.exp(p - p.max()) / np.exp(p - p.max()).sum()
            parted.append({"prompt": prompt, "token": n, "p_galop": float(p[a[n]]), "p_llama_cpp": float(p[b[n]])})
        print(f"\r{i + 1}/{len(PROMPTS)} prompts", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {"prompts": len(PROMPTS), "same": same, "parted": parted}


def greedy(
    step: Callable[[list[int]], np.ndarray], prompt: list[int], tokens: int, size: int, stops: frozenset[int]
) -> list[int]:
    answer: list[int] = []
    part = prompt
    while len(answer) < tokens:
        answer.append(int(step(part)[:size].argmax()))
        if answer[-1] in stops:
            break
        part = answer[-1:]
    return answer


def cached_reference(model: Model) -> Reference:
    """The reference, its float32 weights kept in memory."""
    reference = model.reference()
    kept: dict[str, np.ndarray] = {}
    weight = reference.weight
    reference.weight = lambda name: kept[name] if name in kept else kept.setdefault(name, weight(name))
    return reference


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--windows", type=int, default=8, help=f"windows of {WINDOW} tokens")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    import llama_cpp

    results = {}
    for name in options.models:
        path = store.fetch(store.resolve(store.locate(name)))
        llama = llama_cpp.Llama(
            str(path), n_ctx=1024, n_batch=512, n_threads=2, n_threads_batch=2, logits_all=True, verbose=False
        )
        with load(name) as model:
            results[name] = {**measure(model, llama, options.windows), "greedy": agreement(model, llama)}
        llama.close()
        print(json.dumps({name: results[name]}, indent=1), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
