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
from pathlib import Path
from typing import Any

import numpy as np

from galop import Model, load, store
from galop.ops.reference import Batch, Cache

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
    reference = model.reference()
    cached: dict[str, np.ndarray] = {}
    weight = reference.weight
    reference.weight = lambda name: cached.setdefault(name, weight(name))
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
    """Greedy answers token by token; where they part, how close the two tokens were for the float32 reference."""
    same, parted = 0, []
    size = model.tokenizer.size(model.engine.vocabulary)
    for prompt in PROMPTS:
        ids = model.template.encode([{"role": "user", "content": prompt}])
        kv = model.engine.sequence()
        logits = None
        for _, logits in model.engine.prefill(kv, ids):
            pass
        llama.reset()
        llama.eval(ids)
        answer: list[int] = []
        for step in range(tokens):
            assert logits is not None
            mine = int(logits[:size].argmax())
            other = int(llama.scores[llama.n_tokens - 1, :size].argmax())
            if mine != other:
                whole = [*ids, *answer]
                at = np.arange(len(whole))
                exact = model.reference().forward(Batch(np.array(whole), at, at * 0, at[-1:], Cache()))[0]
                p = np.exp(exact - exact.max())
                p /= p.sum()
                parted.append(
                    {"prompt": prompt, "token": step, "p_galop": float(p[mine]), "p_llama_cpp": float(p[other])}
                )
                break
            if mine in model.stop_ids:
                same += 1
                break
            answer.append(mine)
            if step == tokens - 1:
                same += 1
                break
            logits = model.engine.forward([(kv, [mine])], [0])[0]
            llama.eval([mine])
        kv.close()
    return {"prompts": len(PROMPTS), "same": same, "parted": parted}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--windows", type=int, default=8, help=f"windows of {WINDOW} tokens")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    import llama_cpp

    results = {}
    for name in options.models:
        path = store.fetch(store.settle(store.locate(name)))
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
