"""The recipe of the model that sees, with made-up material: true answers, the same result after a break, and a checkpoint
that transformers and galop read alike."""

from __future__ import annotations

import json
from collections import Counter
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from golden.make_towers import picture
from logits import relative
from PIL import ImageFont

from galop.chat.thinking import Thinking
from galop.errors import GalopError
from galop.recipes.mini_vl import scene, tokenizer
from galop.recipes.mini_vl.collect import SPRITE, Material
from galop.recipes.mini_vl.names import EMOJI, FLAGS, WORDS
from galop.recipes.mini_vl.phrases import PHRASES, phrasings
from galop.recipes.mini_vl.problems import TASKS, draw
from galop.recipes.mini_vl.wordings import ask, bare, expand

pytestmark = pytest.mark.oracle


def sprite(seed: int) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, (SPRITE, SPRITE, 4)).astype(np.uint8)


@pytest.fixture(scope="module")
def material() -> Material:
    path = ImageFont.load_default(20).path  # type: ignore[union-attr]
    assert isinstance(path, BytesIO)
    font = [path.getvalue()]
    digits = [[sprite(value)[:8, :8, 0]] for value in range(10)]
    emoji = {row.key: [sprite(i)] for i, row in enumerate(EMOJI)}
    flags = {row.key: [sprite(-i % 997)] for i, row in enumerate(FLAGS)}
    photos = [np.random.RandomState(1).randint(0, 256, (400, 400, 3)).astype(np.uint8)]
    return Material(emoji, {**emoji, "fox": []}, flags, digits, digits, photos, font, font)


@pytest.mark.parametrize("task", TASKS)
def test_answers_are_true_of_what_is_drawn(task: str, material: Material) -> None:
    for seed in range(60):
        drawn = draw(Random(f"{task} {seed}"), material, (64, 64), task)
        assert drawn.task == task and drawn.picture.size == (64, 64) and drawn.turns
        marks, [first, *_] = drawn.marks, drawn.turns
        if task == "number":
            assert first.answer == "".join(mark.what for mark in marks)
        elif task == "word":
            assert first.answer in WORDS
        elif task == "count things":
            counted = next(turn for turn in drawn.turns if turn.answer.isdigit())
            assert int(counted.answer) == len(marks) and not counted.thinking
        elif task == "shapes":
            kinds = Counter(mark.what for mark in marks)
            for turn in drawn.turns:
                if turn.answer.isdigit():
                    assert int(turn.answer) in (len(marks), *kinds.values()) and not turn.thinking
        elif task == "bars":
            counts = [turn.answer for turn in drawn.turns if turn.answer.isdigit()]
            assert counts in ([], [str(len(marks))])
        elif task in ("emoji", "flag", "digit"):
            assert len(marks) == 1


def test_a_seed_draws_the_same_and_what_is_held_out_is_asked_in_other_words(material: Material) -> None:
    for task in TASKS:
        pair = [draw(Random(7), material, (64, 64), task, held=True, unseen=True, zoom=4) for _ in range(2)]
        assert pair[0].picture.tobytes() == pair[1].picture.tobytes() and pair[0].turns == pair[1].turns
        assert pair[0].picture.size == (256, 256)
    random = Random(0)
    for kind, words in PHRASES.items():
        for language in words:
            kept = [bare(one.format(x="star", y="ring")) for one in phrasings(kind, language, True)]
            asked = {bare(ask(random, kind, language, False, "star", "ring")) for _ in range(400)}
            assert len(asked) > 50 and not [one for one in asked if any(f" {k} " in f" {one} " for k in kept)], kind
            assert bare(ask(random, kind, language, True, "star", "ring")) in kept


def test_of_words_in_brackets_one_is_taken() -> None:
    assert expand("What (is/was) (it/that) (/here)?") == [
        "What is it ?", "What is it here?", "What is that ?", "What is that here?",
        "What was it ?", "What was it here?", "What was that ?", "What was that here?",
    ]  # fmt: skip


def test_the_tokenizer_is_the_one_that_the_recipe_trains() -> None:
    assert json.loads(tokenizer.train().to_str()) == json.loads(tokenizer.load().to_str())
    assert len(tokenizer.encode("<|im_start|>user\n<|vision_start|>")) == tokenizer.PICTURE_AT
    assert [tokenizer.decode([one]) for one in tokenizer.encode("40719")] == list("40719")


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def test_training_broken_off_at_any_step_comes_to_the_same_bytes(tmp_path: Path, material: Material) -> None:
    from galop.recipes.mini_vl import recipe

    whole = recipe.train("all", 0, tmp_path / "whole", quick=True, material=material)
    assert whole
    broken, calls = None, 0
    while broken is None:
        asked = iter(range(3))

        def enough(left: Any = asked) -> bool:
            return next(left, None) is None

        broken = recipe.train("all", 0, tmp_path / "broken", True, None, enough, material=material)
        calls += 1
    assert calls > 2 and weights(whole) == weights(broken)
    history = (tmp_path / "whole" / "vl-0-quick" / "see" / "history.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in history]
    assert len(losses) == recipe.QUICK_STEPS["see"] and len({*losses}) > 1
    with pytest.raises(GalopError, match="no stage 'look'"):
        recipe.train("look", 0, tmp_path, material=material)
    with pytest.raises(GalopError, match="needs a checkpoint of the stage see"):
        recipe.train("settle", 1, tmp_path / "none", quick=True, material=material)


def test_what_comes_with_galop_is_refined_where_nothing_was_trained(tmp_path: Path, material: Material) -> None:
    from galop.recipes.mini_vl import recipe

    assert recipe.train("refine", 0, tmp_path, enough=lambda: True, material=material) is None
    [history] = (tmp_path / "vl-0" / "refine" / "history.jsonl").read_text().splitlines()
    assert json.loads(history)["loss"] < 3  # random weights have 7


def test_a_checkpoint_is_a_qwen3_vl_to_transformers_and_galop(tmp_path: Path) -> None:
    import torch
    from transformers import Qwen3VLForConditionalGeneration

    from galop.backends.eyes import open_tower_pack
    from galop.backends.load import load_path
    from galop.models.vision.pictures import cut
    from galop.recipes.mini_vl import model as mini
    from galop.recipes.mini_vl.data import conversation, pad

    ours = mini.MiniVL(mini.SMALLEST, seed=3).eval()
    with torch.no_grad():
        for weight in ours.parameters():
            weight += 0.05 * torch.randn_like(weight)
    mini.save_model(ours, tmp_path / "m")
    theirs = Qwen3VLForConditionalGeneration.from_pretrained(tmp_path / "m", dtype=torch.float32).eval()
    for size in ((64, 64), (48, 80), (32, 128)):
        pixels = np.ascontiguousarray(picture(*size))
        turns = [scene.Turn("What is this?", "", "fox"), scene.Turn("Count them.", "1 top left", "1")]
        example = conversation(Random(0), scene.Drawn("emoji", pixels, turns))  # type: ignore[arg-type]
        batch = pad([example])
        once = cut(pixels.astype(np.float32) / 127.5 - 1, 8, 2)
        frames = np.repeat(once.reshape(len(once), 3, 1, -1), 2, axis=2).reshape(len(once), -1)
        with torch.no_grad():
            mine = ours.logits(ours(batch.pictures, batch.tokens)[0])[0].numpy()
            embeddings = ours.model.visual(batch.pictures)[0][0].numpy()
            given: dict[str, Any] = {"mm_token_type_ids": (batch.tokens == tokenizer.ids()["<|image_pad|>"]).int()}
            logits = theirs(
                input_ids=batch.tokens, pixel_values=torch.tensor(frames),
                image_grid_thw=torch.tensor([[1, size[0] // 8, size[1] // 8]]), **given,
            ).logits[0].numpy()  # fmt: skip
        assert relative(logits, mine) < 1e-4
        with load_path(tmp_path / "m", threads=1) as engine:
            tower = open_tower_pack(tmp_path / "m", engine.pack, 1)
            assert tower and relative(tower.load(1).look([pixels])[0][:, :32], embeddings) < 0.05
            ids = engine.prompt([{"role": "user", "content": "What is this?"}], Thinking())
            assert [int(one) for one in ids][:3] == list(tokenizer.encode("<|im_start|>user\n"))
