"""Models that see against transformers, by golden files: towers, texts with pictures, and how pictures become patches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from golden.make_towers import IMAGE, TOWERS, picture
from golden.recipe import case_path
from mmproj import write_mmproj

from galop.backends.eyes import Eyes, open_tower_pack
from galop.backends.load import load_path
from galop.backends.local import Model
from galop.engine.engine import Engine
from galop.engine.soft_tokens import SoftTokens, places_on_axes, soft_ids
from galop.errors import ModelFileError, PictureError
from galop.models.from_file import open_checkpoint
from galop.models.vision import find_tower, trace_tower
from galop.models.vision.config import GELU
from galop.models.vision.from_file import find_mmproj, open_tower
from galop.ops.reference import Batch, Cache, Reference
from galop.weights.checkpoint import Checkpoint

HERE = Path(__file__).parent.parent / "golden"
# How far 8 bits may lead from float32: Gemma 4, whose norms behind each part amplify what comes of random weights, reads
# texts without pictures as far from float32.
NOISE = {"gemma4": 3.0}


class Case(NamedTuple):
    model: Model
    eyes: Eyes
    tower: Checkpoint
    prompt: list[int]
    pictures: list[np.ndarray]
    features: np.ndarray
    logits: np.ndarray


@cache
def directory(name: str) -> Path:
    path = case_path(name)
    processor = json.loads((HERE / f"{name}.json").read_text())["preprocessor"]
    (path / "preprocessor_config.json").write_text(json.dumps(processor))
    return path


@pytest.fixture(scope="module", params=TOWERS)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    path, golden = directory(request.param), json.loads((HERE / f"{request.param}.json").read_text())
    expected = np.load(HERE / f"{request.param}.npz")
    with load_path(path, threads=2, memory=4 << 30) as model:
        packed = open_tower_pack(path, model.pack, 2)
        tower = open_tower(path, model.pack.card.config)
        assert packed and tower
        eyes = packed.load(2)
        pictures = [picture(*size) for size in golden["sizes"]]
        yield Case(model, eyes, tower, golden["prompt"], pictures, expected["features"], expected["logits"])


def seen_exactly(case: Case, pictures: list[np.ndarray]) -> np.ndarray:
    """What the tower's ops mean, in float32."""
    plan = trace_tower(case.eyes.family, case.tower.shapes())
    reference = Reference(plan, lambda name: case.tower.tensors[name].array())
    found = []
    for part in (part for pixels in pictures for part in case.eyes.family.prepare(pixels)):
        at = np.arange(len(part.values))
        rows = at[: len(at) - part.extra : case.eyes.family.merged]
        found.append(reference.forward(Batch(-1 - at, np.vstack([at, part.axes]), at * 0, rows, Cache(), part.values)))
    return np.concatenate(found)


def noise(case: Case) -> float:
    return next((factor for kind, factor in NOISE.items() if kind in case.tower.path.name), 1.0)


def soft_tokens(case: Case, features: np.ndarray, prompt: list[int]) -> list[SoftTokens]:
    """The runs of a prompt, in order, with the features that are theirs."""
    layouts = [case.eyes.family.lay_out(*pixels.shape[:2]) for pixels in case.pictures]
    runs, at, seen = [], 0, 0
    for soft, group in groupby(prompt, lambda token: token == IMAGE):
        count = len(list(group))
        if soft:
            layout, part = layouts[min(len(runs), len(layouts) - 1)], features[seen : seen + count]
            runs.append(SoftTokens(at, count, lambda x=part: x, layout.positions, layout.advance, layout.together))
            seen += count
        at += count
    return runs


def with_codes(prompt: list[int], soft: list[SoftTokens], name: str = "") -> list[int]:
    """The prompt with numbers below zero in place of soft tokens."""
    tokens = list(prompt)
    for i, run in enumerate(soft):
        tokens[run.start : run.end] = soft_ids(f"{name}{i}".encode(), run.count)
    return tokens


def read(engine: Engine, tokens: list[int], soft: list[SoftTokens], step: int = 0) -> np.ndarray:
    kv = engine.new_cache()
    kv.soft = soft
    parts = [tokens[i : i + (step or len(tokens))] for i in range(0, len(tokens), step or len(tokens))]
    logits = np.concatenate([engine.forward([(kv, part)], range(len(part))) for part in parts])
    kv.free()
    return logits


def test_a_tower_sees_what_that_of_transformers_sees(case: Case) -> None:
    exact = seen_exactly(case, case.pictures)
    assert exact.shape == case.features.shape
    assert np.abs(exact - case.features).max() < 1e-4
    native = np.concatenate(case.eyes.look(case.pictures))
    assert np.abs(native - exact).max() < 0.03 * noise(case) * np.abs(exact).max()  # weights and activations of 8 bits


def test_a_text_with_two_pictures_is_read_as_transformers_reads_it(case: Case) -> None:
    soft = soft_tokens(case, case.features, case.prompt)
    ids, places = np.array(case.prompt), np.arange(len(case.prompt))
    axes = places_on_axes(soft, 0, len(ids))
    ids[ids == IMAGE] = -1 - np.arange((ids == IMAGE).sum())
    positions = places[None] if axes is None else np.vstack([places, axes])
    text = open_checkpoint(directory(case.tower.path.name))
    reference = Reference(case.model.plan, lambda name: text.tensors[name].array())
    exact = reference.forward(Batch(ids, positions, places * 0, places, Cache(), case.features))
    assert np.abs(exact - case.logits).max() < 1e-4
    apart = read(case.model.engine, with_codes(case.prompt, soft), soft) - exact
    assert np.sqrt((apart**2).mean()) < 0.05 * noise(case) * np.sqrt((exact**2).mean())


def test_pictures_are_the_same_bytes_alone_and_beside_others(case: Case) -> None:
    first, second = case.pictures
    together = case.eyes.look([first, second, first])
    alone = [case.eyes.look([pixels])[0] for pixels in (first, second, first)]
    assert [one.tobytes() for one in together] == [one.tobytes() for one in alone]


def test_texts_with_pictures_are_the_same_bytes_however_they_are_read(case: Case) -> None:
    engine = Engine(case.model.plan, case.model.pack, 2, 4096, sequences=40)
    soft = soft_tokens(case, case.features, case.prompt)
    tokens = with_codes(case.prompt, soft)
    whole = read(engine, tokens, soft)
    if not soft[0].together:
        for step in (7, 1):
            assert read(engine, tokens, soft, step).tobytes() == whole.tobytes()
    caches = [engine.new_cache() for _ in range(16)]
    plain = case.prompt[:1] * 20
    for i, kv in enumerate(caches):
        kv.soft = soft if i % 4 else ()
    work = [(kv, tokens if i % 4 else plain) for i, kv in enumerate(caches)]
    logits = engine.forward(work, range(sum(len(part) for _, part in work)))
    at = 0
    alone = read(engine, plain, [])
    for i, (kv, part) in enumerate(work):
        expected = whole if i % 4 else alone
        assert logits[at : at + len(part)].tobytes() == expected.tobytes()
        at += len(part)
        kv.free()


def test_a_picture_that_was_read_is_found_again_and_not_looked_at(case: Case) -> None:
    engine = case.model.engine
    soft = soft_tokens(case, case.features, case.prompt)
    long = [*[5] * 40, *case.prompt, *[6] * 40]
    looked: list[int] = []

    def moved(by: str) -> tuple[list[SoftTokens], list[int]]:
        runs = [
            SoftTokens(
                40 + one.start,
                one.count,
                lambda one=one: (looked.append(1), one.embeddings)[1],
                one.positions,
                one.advance,
                one.together,
            )
            for one in soft
        ]
        return runs, with_codes(long, runs, by)

    def ask(by: str) -> np.ndarray:
        runs, tokens = moved(by)
        kv = engine.cache_for("me", tokens)
        kv.soft = runs
        rest = tokens[len(kv.tokens) :]
        logits = engine.forward([(kv, rest)], [len(rest) - 1])
        kv.commit()
        kv.free()
        return logits

    first = ask("one")
    assert len(looked) == len(soft)
    assert ask("one").tobytes() == first.tobytes()
    assert len(looked) == len(soft)  # what is known stands in the prefix cache
    ask("another")
    assert len(looked) == 2 * len(soft)


def test_a_tower_of_another_model_is_refused_in_one_sentence(case: Case) -> None:
    for change in ({"hidden_size": 96}, {"model_type": "olmo2"}):
        with pytest.raises(ModelFileError, match="is the vision tower of another model"):
            open_tower(directory(case.tower.path.name), {**case.model.pack.card.config, **change})


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0"])
def test_a_tower_in_an_mmproj_file_is_that_of_the_checkpoint(case: Case, kind: str, tmp_path: Path) -> None:
    file = write_mmproj(tmp_path / f"mmproj-{kind}.gguf", case.tower.path.name, kind)
    text = case.model.pack.card.config
    tower = open_tower(tmp_path / "text.gguf", text, find_mmproj(tmp_path / "text.gguf"))
    assert tower and tower.path == file
    assert tower.shapes() == case.tower.shapes()
    share = {"F32": 0.0, "F16": 1e-3, "BF16": 1e-2, "Q8_0": 2e-2}[kind]
    for name, tensor in tower.tensors.items():
        expected = case.tower.tensors[name].array()
        assert np.abs(tensor.array() - expected).max() <= share * np.abs(expected).max(), name
    with pytest.raises(ModelFileError, match="is the vision tower of another model"):
        open_tower(tmp_path / "text.gguf", {**text, "hidden_size": 4096}, file)


# Shape, mean and spread of what transformers' processors make of the made-up picture of 100 x 150 and 600 x 900.
QWEN = {"patch_size": 16, "hidden_size": 64, "intermediate_size": 64, "num_heads": 4, "depth": 1}
GEMMA4 = {
    "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16,
    "num_key_value_heads": 16, "head_dim": 72, "global_head_dim": 72, "patch_size": 16, "pooling_kernel_size": 3,
    "default_output_length": 280, "position_embedding_size": 10240, "rms_norm_eps": 1e-6, "standardize": True,
    "use_clipped_linears": False, "attention_bias": False, "attention_dropout": 0.0, "hidden_activation": GELU[0],
    "max_position_embeddings": 131072, "rope_parameters": {"rope_theta": 100.0, "rope_type": "default"},
}  # fmt: skip
LLAMA4 = {
    "hidden_act": "gelu", "hidden_size": 1408, "image_size": 336, "intermediate_size": 5632, "norm_eps": 1e-05,
    "num_attention_heads": 16, "num_channels": 3, "num_hidden_layers": 34, "patch_size": 14, "rope_theta": 10000,
    "pixel_shuffle_ratio": 0.5, "projector_dropout": 0.0, "projector_input_dim": 4096, "projector_output_dim": 4096,
    "multi_modal_projector_bias": False, "attention_dropout": 0.0, "vision_feature_layer": -1,
    "vision_feature_select_strategy": "default", "vision_output_dim": 4096, "_attn_implementation_autoset": True,
}  # fmt: skip
SMOLVLM = {"size": {"longest_edge": 2048}, "max_image_size": {"longest_edge": 512}}
PROCESSED: list[tuple[str, dict[str, Any], dict[str, Any], list[tuple[tuple[int, int], float, float]]]] = [
    ("qwen3_vl", QWEN, {}, [((280, 768), -0.001699, 0.575805), ((2128, 768), -0.002581, 0.573187)]),
    ("gemma3", {"patch_size": 14}, {}, [((4096, 588), -0.001624, 0.572638), ((4096, 588), -0.002578, 0.570013)]),
    (
        "idefics3", {"patch_size": 16, "image_size": 512, "hidden_size": 768, "num_attention_heads": 12}, SMOLVLM,
        [((13 * 1024, 768), -0.001694, 0.575190), ((13 * 1024, 768), -0.002578, 0.572235)],
    ),
    ("gemma4", GEMMA4, {}, [((2340, 768), -0.001687, 0.575771), ((2340, 768), -0.002580, 0.573160)]),
    (
        "pixtral", {"patch_size": 14, "rope_theta": 10000.0, "head_dim": 64}, {"size": {"longest_edge": 1540}},
        [((96, 588), 0.184536, 1.079289), ((2904, 588), 0.182882, 1.073725)],
    ),
    (
        "llama4", LLAMA4, {"size": {"height": 336, "width": 336}, "max_patches": 16},
        [((576, 588), -0.333782, 0.664116), ((7 * 576, 588), -0.175150, 0.645659)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "vision", "processor", "expected"), PROCESSED)
def test_pictures_become_the_patches_that_transformers_makes(
    kind: str, vision: dict[str, Any], processor: dict[str, Any], expected: Any
) -> None:
    family = find_tower(kind)
    assert family
    beside = {"scale_factor": 4, "spatial_merge_size": 2}
    tower = family(family.config_class.parse(family.read_config(beside, vision, processor), kind))
    for size, (shape, mean, spread) in zip(((100, 150), (600, 900)), expected, strict=True):
        patches = tower.prepare(picture(*size))
        values = np.concatenate([one.values[: len(one.values) - one.extra] for one in patches])[:, : shape[1]]
        assert values.shape == shape
        assert abs(values.mean() - mean) < 2e-6
        assert abs(values.std() - spread) < 2e-6
        assert tower.lay_out(*size).tokens == len(values) // tower.merged


def test_sizes_of_pictures_are_those_of_the_published_processor() -> None:
    family = find_tower("qwen3_5")
    assert family
    tower: Any = family(family.config_class.parse(QWEN, "c"))
    sizes = {
        (100, 150): (224, 320), (600, 900): (608, 896), (1080, 1920): (1088, 1920), (32, 32): (256, 256),
        (5000, 4000): (4576, 3648), (48, 1000): (64, 1184),
    }  # fmt: skip
    assert {size: tower.size(*size) for size in sizes} == sizes
    with pytest.raises(PictureError, match="10000 x 1 pixels is more than 200 times"):
        tower.lay_out(1, 10000)
