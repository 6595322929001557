"""mmproj files that are damaged, hostile or another model's: a tower or one sentence, in bounded time and memory."""

from __future__ import annotations

import json
import struct
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from golden.make_towers import TOWERS, picture
from golden.recipe import case_path
from mmproj import write_mmproj

from galop.errors import ModelFileError, PictureError
from galop.models.from_file import open_checkpoint
from galop.models.vision import BY_NAME
from galop.models.vision.from_file import open_tower

EXTREMES = [0, 1, 2, 3, 7, 255, 4097, 65535, 65537, (1 << 31) - 1, 1 << 31, (1 << 32) - 1]


@cache
def text_config(case: str) -> dict[str, object]:
    return open_checkpoint(case_path(case)).config


def open_and_look(file: Path, case: str) -> str:
    """What is said of a file, "" where its tower is taken; a tower that is taken has to prepare pictures."""
    try:
        tower = open_tower(file.with_name("text.gguf"), text_config(case), file)
    except ModelFileError as error:
        assert "\n" not in str(error) and len(str(error)) < 600
        return str(error)
    assert tower
    config = {key: value for key, value in tower.config.items() if key != "family"}
    kind = BY_NAME[tower.config["family"]]
    family = kind(kind.config_class.parse(config, file.name))
    for size in ((30, 40), (2, 90)):
        try:
            layout = family.lay_out(*size)
            if layout.tokens <= 4096:
                family.prepare(picture(*size))
        except PictureError:
            continue
    return ""


@pytest.mark.parametrize("case", TOWERS)
def test_numbers_at_their_extremes_are_refused_or_taken(case: str, tmp_path: Path) -> None:
    whole = write_mmproj(tmp_path / "mmproj.gguf", case).read_bytes()
    file = tmp_path / "changed.gguf"
    said = set()
    keys = (b"patch_size", b"image_size", b"block_count", b"attention.head_count", b"embedding_length",
            b"feed_forward_length", b"projector.scale_factor", b"spatial_merge_size", b"preproc_image_size",
            b"projection_dim")  # fmt: skip
    for key in keys:
        at = whole.find(b"clip.vision." + key)
        if at < 0:
            continue
        at += len(b"clip.vision." + key) + 4  # behind the name is the type
        for value in EXTREMES:
            file.write_bytes(whole[:at] + struct.pack("<I", value) + whole[at + 4 :])
            said.add(open_and_look(file, case))
    assert len(said) > 5


@pytest.mark.parametrize("case", TOWERS)
def test_damaged_files_are_refused_in_one_sentence_or_taken(case: str, tmp_path: Path) -> None:
    whole = write_mmproj(tmp_path / "mmproj.gguf", case).read_bytes()
    file = tmp_path / "changed.gguf"
    header = whole.find(b"v.blk.1")  # within the names of tensors
    rng = np.random.default_rng(5)
    for length in rng.integers(0, len(whole), 20).tolist():
        file.write_bytes(whole[:length])
        assert open_and_look(file, case)
    for _ in range(120):
        changed = bytearray(whole)
        for at in rng.integers(0, header, 1 + int(rng.integers(3))).tolist():
            changed[at] = int(rng.integers(256))
        file.write_bytes(changed)
        open_and_look(file, case)


def test_every_tower_is_refused_by_the_texts_that_are_not_its_own(tmp_path: Path) -> None:
    for case in TOWERS:
        file = write_mmproj(tmp_path / f"{case}.gguf", case)
        kind = json.loads((case_path(case) / "config.json").read_text())["model_type"]
        for other in TOWERS:
            theirs = json.loads((case_path(other) / "config.json").read_text())["model_type"]
            if theirs != kind and {theirs, kind} != {"mistral3", "idefics3"}:  # both see for Llama's texts, too
                said = open_and_look(file, other)
                assert "is the vision tower of another model" in said, (case, other, said)


def test_a_projector_that_is_not_known_is_named(tmp_path: Path) -> None:
    whole = write_mmproj(tmp_path / "mmproj.gguf", "sees_gemma3").read_bytes()
    file = tmp_path / "changed.gguf"
    file.write_bytes(whole.replace(b"gemma3", b"fuyu42"))
    assert open_and_look(file, "sees_gemma3") == "changed.gguf: the vision tower 'fuyu42' is not supported"
