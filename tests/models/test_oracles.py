"""Live comparisons with transformers and llama.cpp, for which the `oracle` extra is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from encoders import embed
from golden.make import CASES, STORED, TOKENS, compute_seeded, make
from golden.recipe import case_path
from logits import N, batch, relative
from tiny import write_gguf

from galop.backends.load import load_path
from galop.backends.local import Model
from galop.engine.sampling import Sampling
from galop.models import parse_config, trace
from galop.models.from_file import open_checkpoint
from galop.ops.reference import Batch, Cache, Reference

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(3600)]  # torch is slow where others compute, too


@pytest.mark.parametrize("name", CASES)
def test_families_match_transformers_live(name: str, tmp_path: Path) -> None:
    stored = name in STORED
    expected = make(name, tmp_path / name) if stored else compute_seeded(name, TOKENS)[1]
    checkpoint = open_checkpoint(tmp_path / name if stored else case_path(name))
    config = parse_config(checkpoint.config, name)
    plan = trace(checkpoint.config["model_type"], config, checkpoint.shapes())
    reference = Reference(plan, lambda weight: checkpoint.tensors[weight].array())
    assert relative(reference.forward(batch(Cache(), [(0, 0, N)])), expected) < 1e-4


# Of windows that it has only in models of a certain number of layers, or that GGUF files of a family do not tell.
OTHERWISE = {"exaone4", "llama4_chunks", "mistral_window"}
# It does not load so small a model of these, or ends the process; of the last there is no GGUF file here.
OTHERWISE |= {"deepseek_v2", "deepseek_v2_lite", "mistral4", "granitemoehybrid", "granitemoehybrid_dense", "nemotron_h"}
OTHERWISE |= {"nemotron_h_latent", "gemma4_mixture"}
PROMPTS, NEW_TOKENS = 20, 6


@pytest.mark.parametrize("case", [case for case in CASES if case not in OTHERWISE])
def test_a_gguf_of_random_weights_runs_the_same_in_llama_cpp(case: str, tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", case, "F32")
    theirs = llama(path, 64, 1)  # two threads would wait for each other for longer than they work
    checkpoint = open_checkpoint(path)
    plan = trace(checkpoint.config["model_type"], parse_config(checkpoint.config, case), checkpoint.shapes())
    arrays = {name: tensor.array() for name, tensor in checkpoint.tensors.items()}
    reference = Reference(plan, arrays.__getitem__)
    ours = reference.forward(batch(Cache(), [(0, 0, N)]))
    # llama.cpp keeps keys and values in fp16, and its batch GEMM may round to 16 bits.
    assert relative(theirs.logits(TOKENS), ours) < 2e-2

    rng = np.random.default_rng(0)
    for length in range(1, PROMPTS + 1):
        ids = rng.integers(0, 255, length).tolist()
        for _ in range(NEW_TOKENS):
            at = np.arange(len(ids))
            mine = reference.forward(Batch(np.array(ids), at, at * 0, at[-1:], Cache()))[0]
            other = theirs.logits(ids)[-1]
            token, other_token = int(mine.argmax()), int(other.argmax())
            if token != other_token:  # a tie so near that the difference of the logits is the reason
                apart = float(np.abs(mine - other).max())
                assert apart < 2e-2 * np.abs(mine).max() and mine[token] - mine[other_token] <= 2 * apart
                break
            ids.append(token)


class Llama:
    def __init__(self, path: Path, context: int, threads: int) -> None:
        import llama_cpp

        self.model = llama_cpp.Llama(
            str(path),
            n_ctx=context,
            n_batch=context,
            n_threads=threads,
            n_threads_batch=threads,
            logits_all=True,
            verbose=False,
        )

    def logits(self, ids: list[int]) -> np.ndarray:
        self.model.reset()
        self.model.eval(ids)
        scores: np.ndarray = self.model.scores[: len(ids)].copy()
        return scores


def llama(path: Path, context: int, threads: int = 2) -> Llama:
    return Llama(path, context, threads)


def divergence(reference: np.ndarray, other: np.ndarray) -> np.ndarray:
    """KL(reference || other) at each position."""

    def log_softmax(x: np.ndarray) -> np.ndarray:
        x = x.astype(np.float64) - x.max(-1, keepdims=True)
        result: np.ndarray = x - np.log(np.exp(x).sum(-1, keepdims=True))
        return result

    p, q = log_softmax(reference), log_softmax(other)
    result: np.ndarray = (np.exp(p) * (p - q)).sum(-1)
    return result


def windows(model: Model, count: int, length: int = 256) -> list[list[int]]:
    from pydoc_data.topics import topics

    ids = model.tokenizer.encode("\n\n".join(topics[n] for n in sorted(topics) if len(topics[n]) > 2000))
    return [ids[i * length : (i + 1) * length] for i in range(count)]


@pytest.mark.parametrize(
    ("fixture", "limit", "count"),
    [
        ("smollm", 1.05, 4),
        pytest.param("coder", 1.05, 4, marks=pytest.mark.large),
        # K-quants: llama.cpp quantises their activations in groups of 256.
        pytest.param("big_coder", 0.9, 2, marks=pytest.mark.large),
    ],
)
def test_int8_activations_cost_no_more_than_llama_cpps(fixture: str, limit: float, count: int, request: Any) -> None:
    """Mean KL divergence from the float32 reference over windows of 256 tokens (bench/quality.py takes more)."""
    model: Model = request.getfixturevalue(fixture)
    theirs = llama(request.getfixturevalue(f"{fixture}_path"), 512)
    reference = model.reference()
    at = np.arange(256)
    ours_kl, theirs_kl = [], []
    for part in windows(model, count):
        expected = reference.forward(Batch(np.array(part), at, at * 0, at, Cache()))
        ours_kl.append(divergence(expected, model.logits(part)).mean())
        theirs_kl.append(divergence(expected, theirs.logits(part)).mean())
    assert np.mean(ours_kl) <= limit * np.mean(theirs_kl)


@pytest.mark.large
def test_the_benchmark_model_answers(big_coder: Model) -> None:
    messages = [{"role": "user", "content": "Write a Python function that adds two numbers. Only the code."}]
    answer = "".join(getattr(e, "text", "") for e in big_coder.chat(messages, sampling=Sampling(), max_tokens=60))
    assert "def " in answer and "return" in answer


TEXTS = ["The capital of France is", "def fibonacci(n):\n    ", "La tour Eiffel a été construite"]


@pytest.mark.large
def test_gemma_3_continues_texts_as_in_transformers(gemma_path: Path) -> None:
    """Token for token in float32, the weights read from the same file by transformers' own reader; natively as well,
    but for what 8-bit activations decide between two tokens that are nearly as likely."""
    import torch
    from transformers import AutoModelForCausalLM

    theirs = AutoModelForCausalLM.from_pretrained(gemma_path.parent, gguf_file=gemma_path.name, dtype=torch.float32)
    checkpoint = open_checkpoint(gemma_path)
    plan = trace(checkpoint.config["model_type"], parse_config(checkpoint.config, "m"), checkpoint.shapes())
    arrays = {name: tensor.array() for name, tensor in checkpoint.tensors.items()}
    reference = Reference(plan, arrays.__getitem__)
    with load_path(gemma_path, memory=6 << 30) as model:
        for text in TEXTS:
            ids = model.encode(text)
            with torch.no_grad():
                whole = theirs.generate(torch.tensor([ids]), max_new_tokens=24, do_sample=False)
                scores = theirs(whole[:, :-1]).logits[0, len(ids) - 1 :].numpy()
            expected = whole[0, len(ids) :].tolist()
            at = np.arange(whole.shape[1] - 1)
            ours = reference.forward(Batch(whole[0, :-1].numpy(), at, at * 0, at[len(ids) - 1 :], Cache()))
            assert ours.argmax(axis=1).tolist() == expected
            native = model.logits(whole[0, :-1].tolist())[len(ids) - 1 :].argmax(axis=1)
            for row, chosen, token in zip(scores, native.tolist(), expected, strict=True):
                assert row[token] - row[chosen] < 0.5


@pytest.mark.large
def test_minilm_embeds_texts_as_in_transformers(minilm_path: Path) -> None:
    """Sentence Transformers' formula: the mean of the hidden states, at length 1."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    theirs, tokenizer = AutoModel.from_pretrained(minilm_path), AutoTokenizer.from_pretrained(minilm_path)
    checkpoint = open_checkpoint(minilm_path)
    plan = trace(checkpoint.config["model_type"], parse_config(checkpoint.config, "m"), checkpoint.shapes())
    arrays = {name: tensor.array() for name, tensor in checkpoint.tensors.items()}
    reference = Reference(plan, arrays.__getitem__)
    with load_path(minilm_path, memory=4 << 30) as model:
        end = model.tokenizer.id(model.tokenizer.eos_token)
        for text in ("The quick brown fox jumps over the lazy dog.", "Ça va? 漢字 naïve", "word " * 60):
            ids = [*model.encode(text, control=False), end]
            encoded = tokenizer(text, return_tensors="pt")
            assert encoded.input_ids[0].tolist() == ids
            with torch.no_grad():
                vector = theirs(**encoded).last_hidden_state[0].mean(0).numpy()
            assert float(embed(model, ids) @ vector / np.linalg.norm(vector)) > 0.999
            at = np.arange(len(ids))
            exact = reference.forward(Batch(np.array(ids), at, at * 0, at[-1:], Cache()))[0]
            assert np.abs(exact - vector / np.linalg.norm(vector)).max() < 1e-5
