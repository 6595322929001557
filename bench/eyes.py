"""How long a picture takes to the first token: Qwen3.5-0.8B in its true shapes, its tower too, with random weights.

    python bench/eyes.py --size 448 448 --threads 2

Prints what making patches, the tower and the text take, the tower's matrix products as a share of the processors' int8
peak, the time to the first token of a second question about the same picture, and the memory that looking adds.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import gguf
import numpy as np
from true_shapes import GAUSSIAN, write

from galop import native
from galop.backends.eyes import Eyes, load_eyes
from galop.backends.load import load_path
from galop.backends.local import Model
from galop.engine.soft_tokens import SoftTokens, soft_ids
from galop.ops.cost import Workload

DEPTH, HIDDEN, INNER, HEADS, TEXT = 12, 768, 3072, 12, 1024  # of Qwen3.5-0.8B's tower
QUESTION = list(range(1000, 1024))  # as many tokens as a question and a template take


def write_tower(path: Path) -> None:
    """Writes an mmproj file of that tower in Q8_0."""
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", "qwen3vl_merger")
    numbers = {
        "embedding_length": HIDDEN, "feed_forward_length": INNER, "block_count": DEPTH, "patch_size": 16,
        "attention.head_count": HEADS, "image_size": 768, "projection_dim": TEXT, "spatial_merge_size": 2,
    }  # fmt: skip
    for key, value in numbers.items():
        writer.add_uint32(f"clip.vision.{key}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-6)
    for key in ("image_mean", "image_std"):
        writer.add_array(f"clip.vision.{key}", [0.5] * 3)
    writer.add_bool("clip.use_gelu", True)
    writer.add_array("clip.vision.is_deepstack_layers", [False] * DEPTH)

    def add(name: str, rows: int, columns: int) -> None:
        values = np.resize(GAUSSIAN, (rows, columns)) / np.float32(np.sqrt(columns))
        kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(f"{name}.weight", gguf.quants.quantize(values, kind), raw_dtype=kind)
        writer.add_tensor(f"{name}.bias", np.zeros(rows, np.float32))

    def add_norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(HIDDEN, np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(HIDDEN, np.float32))

    for name in ("v.patch_embd.weight", "v.patch_embd.weight.1"):
        writer.add_tensor(name, np.resize(GAUSSIAN, (HIDDEN, 3, 16, 16)).astype(np.float16) / 28)
    writer.add_tensor("v.patch_embd.bias", np.zeros(HIDDEN, np.float32))
    writer.add_tensor("v.position_embd.weight", np.resize(GAUSSIAN, (2304, HIDDEN)))
    for i in range(DEPTH):
        for name in ("ln1", "ln2"):
            add_norm(f"v.blk.{i}.{name}")
        for name, rows, columns in (
            ("attn_qkv", 3 * HIDDEN, HIDDEN), ("attn_out", HIDDEN, HIDDEN), ("ffn_up", INNER, HIDDEN),
            ("ffn_down", HIDDEN, INNER),
        ):  # fmt: skip
            add(f"v.blk.{i}.{name}", rows, columns)
    add_norm("v.post_ln")
    add("mm.0", 4 * HIDDEN, 4 * HIDDEN)
    add("mm.2", TEXT, 4 * HIDDEN)
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()


def products(eyes: Eyes, patches: int) -> float:
    """Multiply-adds of the tower's matrices for so many patches."""
    work = Workload(patches, patches // eyes.family.merged, 0, 1, lambda _: 0, lambda _: 0)
    return sum(step.cost(work).products for step in eyes.plan.steps if step.matrices and not step.op.state)


def ask(
    model: Model, eyes: Eyes, pixels: np.ndarray, question: list[int], spent: dict[str, float], known: list[np.ndarray]
) -> float:
    """Seconds from pixels to the first token's logits; `spent` gets those of each part, `known` what was seen."""
    start = time.perf_counter()
    layout = eyes.lay_out(*pixels.shape[:2])

    def see() -> np.ndarray:
        if known:
            return known[0]
        begun = time.perf_counter()
        patches = eyes.family.prepare(pixels)
        made = time.perf_counter()
        found = np.concatenate(eyes.tower.look(patches))
        spent["patches"], spent["tower"] = made - begun, time.perf_counter() - made
        known.append(found)
        return found

    soft = [SoftTokens(4, layout.tokens, see, layout.positions, layout.advance, layout.together)]
    tokens = [1, 2, 3, 4, *soft_ids(b"picture", layout.tokens), *question]
    kv = model.engine.cache_for("bench", tokens)
    kv.soft = soft
    rest = tokens[len(kv.tokens) :]
    model.engine.forward([(kv, rest)], [len(rest) - 1])
    kv.commit()
    kv.free()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", nargs=2, type=int, default=(448, 448), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=Path, help="a folder that keeps the two files for another run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="galop-eyes-") as folder:
        text = (options.files or Path(folder)) / "text.gguf"
        if not text.exists():
            text.parent.mkdir(parents=True, exist_ok=True)
            write("qwen3.5-0.8b", "q4_0", text)
            write_tower(text.with_name("mmproj.gguf"))
        with load_path(text, threads=options.threads, context=2048, memory=8 << 30) as model:
            eyes = load_eyes(text, model.pack, options.threads)
            assert eyes
            pixels = np.random.default_rng(0).integers(0, 256, (*options.size, 3), np.uint8)
            peak = native.int8_peak(options.threads)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            for _ in range(options.rounds):
                model.engine.prefix_cache.clear()
                spent: dict[str, float] = {}
                eyes.tower.program.start_profile()
                known: list[np.ndarray] = []
                first = ask(model, eyes, pixels, QUESTION, spent, known)
                again = ask(model, eyes, pixels, QUESTION[::-1], {}, known)
                count = sum(len(part.values) for part in eyes.family.prepare(pixels))
                phases = zip(eyes.plan.steps, eyes.tower.program.profile(), strict=True)
                spent_by = {True: 0.0, False: 0.0}  # of matrices, and of attention
                for step, seconds in phases:
                    if step.op.state or step.op.name == "linears":
                        spent_by[not step.op.state] += seconds
                share = products(eyes, count) / spent_by[True] / peak if peak else float("nan")
                print(
                    f"{count} patches: {spent['patches']:.3f} s to make, {spent['tower']:.3f} s in the tower "
                    f"({spent_by[True]:.3f} s in its matrices, {share:.0%} of {peak / 1e9:.0f} G int8 multiply-adds a "
                    f"second, {spent_by[False]:.3f} s in attention), first token after {first:.2f} s, of a second "
                    f"question after {again:.2f} s"
                )
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            print(f"memory: {grown / 1024:.0f} MB more than before the first picture")


if __name__ == "__main__":
    main()
