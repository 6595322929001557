"""How long a picture takes to the first token: Qwen3.5-0.8B in its true shapes, its tower too, with random weights.

    python bench/eyes.py --size 448 448 --threads 2
    python bench/eyes.py --peers        # llama.cpp's mtmd on the same two files, taking turns
    python bench/eyes.py --photo        # a JPEG of 12 megapixels, from its bytes to the first token

Prints what making patches, the tower and the text take, the tower's matrix products as a share of the processors' int8
peak, the time to the first token of a second question about the same picture, and the memory that looking adds: that of
this process and its children, the highest of readings every few milliseconds.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

import gguf
import numpy as np
from mtmd import Mtmd
from true_shapes import GAUSSIAN, write

from galop import native
from galop.backends.eyes import Eyes, open_tower_pack
from galop.backends.load import load_path
from galop.backends.local import Model
from galop.backends.sight import ModelSight, PromptPictures
from galop.engine.soft_tokens import SoftTokens, soft_ids
from galop.ops.cost import Workload
from galop.pictures.picture import open_picture

DEPTH, HIDDEN, INNER, HEADS, TEXT = 12, 768, 3072, 12, 1024  # of Qwen3.5-0.8B's tower
QUESTION = list(range(1000, 1024))  # as many tokens as a question and a template take
SAID = "a b c d e f g h i j k l m n o p q r s t u v w x"  # the same in words
PAGE = os.sysconf("SC_PAGE_SIZE")


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
    layout = eyes.family.lay_out(*pixels.shape[:2])

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


class Highest:
    """The most memory that this process and its children have in use between `with` and its end, in bytes more than
    before."""

    def __enter__(self) -> Highest:
        self.before = self.most = resident()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def _watch(self) -> None:
        while not self.over.wait(0.003):
            self.most = max(self.most, resident())

    @property
    def grown(self) -> int:
        return self.most - self.before


def resident() -> int:
    """Bytes that this process and its children have in use, but for a child that is still a copy of its parent."""
    total, found, program = 0, [os.getpid()], Path("/proc/self/cmdline").read_bytes()
    while found:
        here = found.pop()
        try:
            if here != os.getpid() and Path(f"/proc/{here}/cmdline").read_bytes() == program:
                continue
            total += int(Path(f"/proc/{here}/statm").read_text().split()[1]) * PAGE
            for task in Path(f"/proc/{here}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:  # it has ended meanwhile
            continue
    return total


def look_at_photo(model: Model, eyes: Eyes) -> None:
    """Prints what a JPEG of 4,000 x 3,000 pixels takes, from its bytes to the first token."""
    from PIL import Image

    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (75, 100, 3), np.uint8))
    out = io.BytesIO()
    coarse.resize((4000, 3000), Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
    data = out.getvalue()
    del coarse, out
    sight, pictures = ModelSight(eyes), PromptPictures.of(eyes.family, eyes.pack, 4096)
    with Highest() as memory:
        start = time.perf_counter()
        pieces = pictures.place(open_picture(data))
        decoded = time.perf_counter() - start
        ids = [1, 2, 3, 4, *(id for piece in pieces if not isinstance(piece, str) for id in piece), *QUESTION]
        kv = model.engine.cache_for("photo", ids)
        kv.soft = sight.soft_of(ids, "photo")
        at = 0
        while at < len(ids):  # in chunks, as prompts are read
            model.engine.forward([(kv, ids[at : at + 256])], [len(ids[at : at + 256]) - 1])
            at += 256
        kv.free()
        seconds = time.perf_counter() - start
    print(
        f"a JPEG of 4000 x 3000 pixels ({len(data) / 1e6:.1f} MB) as {len(ids) - len(QUESTION) - 4} tokens: decoded in "
        f"{decoded:.2f} s, first token after {seconds:.2f} s, at most {memory.grown / 1e6:.0f} MB more than before"
    )


def compare(model: Model, eyes: Eyes, text: Path, pixels: np.ndarray, rounds: int, threads: int) -> None:
    """Prints how long llama.cpp's mtmd takes on the same files, and how far apart the embeddings are."""
    theirs = Mtmd(text, text.with_name("mmproj.gguf"), threads)
    found, _ = theirs.look(pixels)
    ours = np.concatenate(eyes.tower.look(eyes.family.prepare(pixels)))
    apart = np.sqrt(((ours - found) ** 2).mean() / (ours**2).mean())
    both: list[tuple[float, float, float, float]] = []
    for _ in range(rounds):
        model.engine.prefix_cache.clear()
        spent: dict[str, float] = {}
        first = ask(model, eyes, pixels, QUESTION, spent, [])
        _, looked = theirs.look(pixels)
        both.append((first, theirs.first_token(pixels, SAID), spent["patches"] + spent["tower"], looked))
    middle = [statistics.median(column) for column in zip(*both, strict=True)]
    print(
        f"to the first token {middle[0]:.2f} s, llama.cpp's mtmd {middle[1]:.2f} s, {middle[1] / middle[0]:.1f} times "
        f"as long; looking alone {middle[2]:.2f} and {middle[3]:.2f} s, {middle[3] / middle[2]:.1f} times; embeddings "
        f"{apart:.2%} apart (of their root mean square)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", nargs=2, type=int, default=(448, 448), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=Path, help="a folder that keeps the two files for another run")
    parser.add_argument("--peers", action="store_true", help="llama.cpp's mtmd on the same files")
    parser.add_argument("--photo", action="store_true", help="a JPEG of 12 megapixels instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="galop-eyes-") as folder:
        text = (options.files or Path(folder)) / "text.gguf"
        if not text.exists():
            text.parent.mkdir(parents=True, exist_ok=True)
            write("qwen3.5-0.8b", "q4_0", text)
            write_tower(text.with_name("mmproj.gguf"))
        with load_path(text, threads=options.threads, context=2048, memory=8 << 30) as model:
            tower = open_tower_pack(text, model.pack, options.threads)
            eyes = tower and tower.load(options.threads)
            assert eyes
            pixels = np.random.default_rng(0).integers(0, 256, (*options.size, 3), np.uint8)
            if options.photo:
                look_at_photo(model, eyes)
            elif options.peers:
                compare(model, eyes, text, pixels, options.rounds, options.threads)
            else:
                measure(model, eyes, pixels, options.rounds, options.threads)


def measure(model: Model, eyes: Eyes, pixels: np.ndarray, rounds: int, threads: int) -> None:
    """Prints where the time goes, and what memory it takes."""
    peak = native.int8_peak(threads)
    eyes.tower.kept = 1 << 20  # with what it has measured
    with Highest() as memory:
        for _ in range(rounds):
            model.engine.prefix_cache.clear()
            spent: dict[str, float] = {}
            eyes.tower.program.start_profile()
            known: list[np.ndarray] = []
            first = ask(model, eyes, pixels, QUESTION, spent, known)
            again = ask(model, eyes, pixels, QUESTION[::-1], {}, known)
            count = sum(len(part.values) for part in eyes.family.prepare(pixels))
            phases = zip(eyes.plan.steps, eyes.tower.program.profile(), strict=True)
            spent_by = {"linears": 0.0, "full_attention": 0.0, "rest": 0.0}
            for step, seconds in phases:
                spent_by[step.op.name if step.op.name in spent_by else "rest"] += seconds
            share = products(eyes, count) / spent_by["linears"] / peak if peak else float("nan")
            print(
                f"{count} patches: {spent['patches']:.3f} s to make, {spent['tower']:.3f} s in the tower "
                f"({spent_by['linears']:.3f} s in its matrices, {share:.0%} of {peak / 1e9:.0f} G int8 multiply-adds a "
                f"second, {spent_by['full_attention']:.3f} s in attention, {spent_by['rest']:.3f} s in the rest), "
                f"first token after {first:.2f} s, of a second question after {again:.2f} s"
            )
    print(f"memory: {memory.grown / 1e6:.0f} MB more than before the first picture")


if __name__ == "__main__":
    main()
