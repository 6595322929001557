"""Qwen3-VL in plain PyTorch, for one picture at the beginning of each conversation; parameters have the names of the
Hugging Face checkpoints."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from galop.errors import GalopError
from galop.recipes.mini.model import MiniDecoder, Size
from galop.recipes.mini_vl import tokenizer
from galop.recipes.mini_vl.scene import MARKS

THETA, POSITIONS = 1_000_000.0, 1024
SECTIONS = [6, 5, 5]  # of a head's pairs: turned by time, height and width, interleaved
SAMPLING = {"do_sample": False}


@dataclass(frozen=True)
class TowerSize:
    """The shape of a vision tower; `deep` are the blocks whose features go to the text's first layers."""

    hidden: int
    layers: int
    heads: int
    ffn: int
    deep: tuple[int, ...]
    patch: int = 8
    merge: int = 2
    grid: int = 8  # learned positions, a side
    pixels: int = 4096  # that a picture is resized to, about

    def config(self, width: int) -> dict[str, Any]:
        """The vision_config, for a text of that width."""
        return {
            "model_type": "qwen3_vl", "depth": self.layers, "hidden_size": self.hidden, "num_heads": self.heads,
            "intermediate_size": self.ffn, "patch_size": self.patch, "spatial_merge_size": self.merge,
            "temporal_patch_size": 2, "in_channels": 3, "out_hidden_size": width, "hidden_act": "gelu_pytorch_tanh",
            "num_position_embeddings": self.grid**2, "deepstack_visual_indexes": list(self.deep),
            "initializer_range": 0.02,
        }  # fmt: skip

    def preprocessor(self) -> dict[str, Any]:
        """The preprocessor_config.json."""
        return {
            "image_processor_type": "Qwen2VLImageProcessorFast", "processor_class": "Qwen3VLProcessor",
            "patch_size": self.patch, "merge_size": self.merge, "temporal_patch_size": 2,
            "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "do_resize": True, "do_rescale": True,
            "do_normalize": True, "do_convert_rgb": True, "resample": 3, "rescale_factor": 1 / 255,
            "size": {"shortest_edge": self.pixels * 3 // 4, "longest_edge": self.pixels},
        }  # fmt: skip


@dataclass(frozen=True)
class VLSize:
    """The shape of a model: of its text and of its tower."""

    text: Size
    tower: TowerSize

    def config(self) -> dict[str, Any]:
        """The config.json of transformers."""
        ids = tokenizer.ids()
        text = {
            key: value for key, value in self.text.config().items()
            if key not in ("architectures", "torch_dtype", "use_sliding_window", "rope_theta", "tie_word_embeddings")
        }  # fmt: skip
        rope = {"rope_type": "default", "rope_theta": THETA, "mrope_section": SECTIONS, "mrope_interleaved": True}
        text |= {
            "model_type": "qwen3_vl_text", "max_position_embeddings": POSITIONS, "rope_parameters": rope,
            "eos_token_id": ids["<|im_end|>"], "pad_token_id": ids["<|endoftext|>"],
        }  # fmt: skip
        return {
            "architectures": ["Qwen3VLForConditionalGeneration"], "model_type": "qwen3_vl", "text_config": text,
            "vision_config": self.tower.config(self.text.hidden), "image_token_id": ids["<|image_pad|>"],
            "video_token_id": ids["<|video_pad|>"], "vision_start_token_id": ids["<|vision_start|>"],
            "vision_end_token_id": ids["<|vision_end|>"], "tie_word_embeddings": True, "dtype": "bfloat16",
        }  # fmt: skip


SHIPPED = VLSize(
    Size(128, 3, 4, 2, 384, vocabulary=tokenizer.VOCABULARY),
    TowerSize(hidden=128, layers=5, heads=4, ffn=384, deep=(2,)),
)
SMALLEST = VLSize(
    Size(32, 2, 1, 1, 64, vocabulary=tokenizer.VOCABULARY), TowerSize(hidden=32, layers=2, heads=1, ffn=64, deep=(0,))
)
"""For tests."""


class Joint(nn.Module):
    """Queries, keys and values at once, as towers have them."""

    def __init__(self, tower: TowerSize) -> None:
        super().__init__()
        self.heads = tower.heads
        self.qkv = nn.Linear(tower.hidden, 3 * tower.hidden)
        self.proj = nn.Linear(tower.hidden, tower.hidden)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
        """x [B, patches, hidden]; all patches of a picture see each other."""
        rows, count, width = x.shape
        q, k, v = self.qkv(x).view(rows, count, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        out = F.scaled_dot_product_attention(turn(q, rope), turn(k, rope), v)
        return self.proj(out.transpose(1, 2).reshape(rows, count, width))


def turn(x: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary embedding, halves against each other."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * rope[0] - b * rope[1], b * rope[0] + a * rope[1]), -1)


class TwoLayers(nn.Module):
    """Two matrices with GELU between them, exact or by its approximation."""

    def __init__(self, width: int, inner: int, out: int, approximate: str) -> None:
        super().__init__()
        self.linear_fc1 = nn.Linear(width, inner)
        self.linear_fc2 = nn.Linear(inner, out)
        self.approximate = approximate

    def forward(self, x: Tensor) -> Tensor:
        return self.linear_fc2(F.gelu(self.linear_fc1(x), approximate=self.approximate))


class Block(nn.Module):
    """Attention and feed-forward, each after a norm and added to its input."""

    def __init__(self, tower: TowerSize) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(tower.hidden, eps=1e-6)
        self.norm2 = nn.LayerNorm(tower.hidden, eps=1e-6)
        self.attn = Joint(tower)
        self.mlp = TwoLayers(tower.hidden, tower.ffn, tower.hidden, "tanh")

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
        x = x + self.attn(self.norm1(x), rope)
        return x + self.mlp(self.norm2(x))


class Merger(TwoLayers):
    """Neighbours become a token; the norm comes before they are joined, or after it."""

    def __init__(self, tower: TowerSize, width: int, joined: bool) -> None:
        wide = tower.hidden * tower.merge**2
        super().__init__(wide, wide, width, "none")
        self.wide, self.joined = wide, joined
        self.norm = nn.LayerNorm(wide if joined else tower.hidden, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        rows = len(x)
        normed = self.norm(x.reshape(rows, -1, self.wide)) if self.joined else self.norm(x)
        return super().forward(normed.reshape(rows, -1, self.wide))


class PatchEmbed(nn.Module):
    """A convolution over a pair of frames, each patch by itself."""

    def __init__(self, tower: TowerSize) -> None:
        super().__init__()
        self.proj = nn.Conv3d(3, tower.hidden, (2, tower.patch, tower.patch), stride=(2, tower.patch, tower.patch))

    def forward(self, patches: Tensor) -> Tensor:
        """patches [B, n, 3 * patch²], the same frame twice."""
        return F.linear(patches, self.proj.weight.sum(2).flatten(1), self.proj.bias)


class MiniEyes(nn.Module):
    """What checkpoints call `visual`."""

    def __init__(self, tower: TowerSize, width: int) -> None:
        super().__init__()
        self.tower = tower
        self.patch_embed = PatchEmbed(tower)
        self.pos_embed = nn.Embedding(tower.grid**2, tower.hidden)
        self.blocks = nn.ModuleList(Block(tower) for _ in range(tower.layers))
        self.merger = Merger(tower, width, joined=False)
        self.deepstack_merger_list = nn.ModuleList(Merger(tower, width, joined=True) for _ in tower.deep)

    def forward(self, pictures: Tensor) -> tuple[Tensor, list[Tensor], Tensor]:
        """uint8 RGB [B, height, width, 3] to tokens [B, n, width of the text], features for its first layers, and what
        the last block makes of the patches."""
        p, m = self.tower.patch, self.tower.merge
        rows, columns = pictures.shape[1] // p, pictures.shape[2] // p
        x = pictures.view(-1, rows // m, m, p, columns // m, m, p, 3).permute(0, 1, 4, 2, 5, 7, 3, 6)
        x = x.reshape(len(pictures), rows * columns, 3 * p * p).float() / 127.5 - 1
        x = self.patch_embed(x) + self.positions(rows, columns)
        rope = self.rotation(rows, columns)
        features = []
        for i, block in enumerate(self.blocks):
            x = block(x, rope)
            if i in self.tower.deep:
                features.append(self.deepstack_merger_list[self.tower.deep.index(i)](x))
        return self.merger(x), features, x

    def order(self, rows: int, columns: int) -> Tensor:
        """Patch numbers, row by row, in the order in which neighbours come together."""
        m = self.tower.merge
        at = torch.arange(rows * columns).view(rows // m, m, columns // m, m)
        return at.permute(0, 2, 1, 3).reshape(-1)

    def positions(self, rows: int, columns: int) -> Tensor:
        """The learned ones [rows * columns, hidden], between those of the grid where the picture is no such grid."""
        table = self.pos_embed.weight.view(1, self.tower.grid, self.tower.grid, -1).permute(0, 3, 1, 2)
        if (rows, columns) != (self.tower.grid,) * 2:
            table = F.interpolate(table, (rows, columns), mode="bilinear", align_corners=True)
        return table.flatten(2)[0].T[self.order(rows, columns)]

    def rotation(self, rows: int, columns: int) -> tuple[Tensor, Tensor]:
        """Cosine and sine [rows * columns, half a head]: by the row, and by the column."""
        quarter = self.tower.hidden // self.tower.heads // 4
        inverse = 1e4 ** (-torch.arange(quarter) / quarter)
        order = self.order(rows, columns)
        both = torch.stack((order // columns, order % columns), 1)
        angles = (both[:, :, None] * inverse).flatten(1).to(self.pos_embed.weight.device)
        return angles.cos(), angles.sin()


class EyesAndText(nn.Module):
    """What checkpoints call `model`."""

    def __init__(self, sizes: VLSize) -> None:
        super().__init__()
        self.visual = MiniEyes(sizes.tower, sizes.text.hidden)
        self.language_model = MiniDecoder(sizes.text)


class MiniVL(nn.Module):
    """A Qwen3-VL of given sizes, its weights drawn from `seed`."""

    def __init__(self, sizes: VLSize, seed: int = 0) -> None:
        super().__init__()
        self.sizes = sizes
        self.model = EyesAndText(sizes)
        self.marks = nn.Linear(sizes.tower.hidden, len(MARKS))  # says what a patch is the middle of; not exported
        draw = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, weight in self.named_parameters():
                if name.endswith("bias"):
                    weight.zero_()
                elif weight.dim() >= 2:
                    layers = sizes.tower.layers if "visual" in name else sizes.text.layers
                    deep = name.endswith(("o_proj.weight", "down_proj.weight", "blocks.proj.weight"))
                    deep = deep or ("blocks" in name and name.endswith(("proj.weight", "fc2.weight")))
                    nn.init.normal_(weight, std=0.02 / math.sqrt(2 * layers) if deep else 0.02, generator=draw)

    def forward(self, pictures: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 RGB [B, height, width, 3] and tokens [B, T], with places for the picture's from number PICTURE_AT on,
        to hidden states [B, T, hidden]; and what the tower's last block makes of the patches."""
        seen, features, patches = self.model.visual(pictures)
        unit = self.sizes.tower.patch * self.sizes.tower.merge
        rows, columns = pictures.shape[1] // unit, pictures.shape[2] // unit
        at = slice(tokenizer.PICTURE_AT, tokenizer.PICTURE_AT + rows * columns)
        text = self.model.language_model
        x = text.embed_tokens(tokens)
        x = torch.cat((x[:, : at.start], seen.to(x.dtype), x[:, at.stop :]), 1)
        cos, sin = turns(tokens.shape[1], rows, columns, self.sizes.text.head_dim)
        rope = (cos.to(x.device), sin.to(x.device))
        for i, layer in enumerate(text.layers):
            x = layer(x, rope, None, None)
            if i < len(features):
                x = torch.cat((x[:, : at.start], x[:, at] + features[i], x[:, at.stop :]), 1)
        return text.norm(x), patches

    def name_patches(self, patches: Tensor, rows: int, columns: int) -> Tensor:
        """Logits [B, rows * columns, MARKS], row by row, of what each patch is the middle of, from what the tower's
        last block makes of them."""
        back = torch.argsort(self.model.visual.order(rows, columns))
        return self.marks(F.layer_norm(patches[:, back], (self.sizes.tower.hidden,)))

    @property
    def tower_size(self) -> int:
        """Parameters that see a patch, the mergers' by a quarter."""
        found = sum(
            w.numel() / (self.sizes.tower.merge**2 if "merger" in n else 1)
            for n, w in self.model.visual.named_parameters()
        )
        return int(found)

    @property
    def text_size(self) -> int:
        """Parameters that see a token."""
        return sum(w.numel() for w in self.model.language_model.parameters())

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden [..., hidden] to logits [..., vocabulary], by the tied embedding."""
        return F.linear(hidden, self.model.language_model.embed_tokens.weight)


@cache
def turns(count: int, rows: int, columns: int, head_dim: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine [count, head_dim / 2] of a sequence with a picture of rows * columns tokens at PICTURE_AT: pairs
    in turn read the place in time, height and width (interleaved m-rope)."""
    first, area = tokenizer.PICTURE_AT, rows * columns
    places = torch.arange(count)[None].repeat(3, 1)
    grid = torch.arange(area)
    places[:, first : first + area] = first + torch.stack((0 * grid, grid // columns, grid % columns))
    places[:, first + area :] = first + max(rows, columns) + torch.arange(max(0, count - first - area))
    axis = torch.zeros(head_dim // 2, dtype=torch.long)
    for number in (1, 2):
        axis[number : 3 * SECTIONS[number] : 3] = number
    inverse = THETA ** (-torch.arange(0, head_dim, 2) / head_dim)
    angles = places.T[:, axis] * inverse
    return angles.cos(), angles.sin()


class Bfloat(torch.autograd.Function):
    """A linear layer whose matrices are multiplied in bfloat16, twice as fast where a CPU has AVX512_BF16, while all
    that lies between layers stays in float32; torch's autocast also takes attention and GELU along, which are slower
    so."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        flat, half = x.reshape(-1, x.shape[-1]).bfloat16(), weight.bfloat16()
        ctx.save_for_backward(flat, half)
        ctx.biased = bias is not None
        out = (flat @ half.T).float()
        if bias is not None:
            out += bias
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        flat, half = ctx.saved_tensors
        whole = gradient.reshape(-1, gradient.shape[-1])
        part = whole.bfloat16()
        of_x = (part @ half).float().view(*gradient.shape[:-1], -1)
        return of_x, (part.T @ flat).float(), whole.sum(0) if ctx.biased else None


class BfloatLinear(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return Bfloat.apply(x, self.weight, self.bias)


def multiply_in_bfloat(model: MiniVL) -> MiniVL:
    """The same model, to be trained faster on a CPU."""
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = BfloatLinear
    return model


def save_model(model: MiniVL, folder: Path, dtype: torch.dtype = torch.float32) -> None:
    """Writes a checkpoint that transformers and galop load; what names patches, which they do not know, apart."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: weight.detach().to("cpu", dtype).contiguous() for name, weight in model.state_dict().items()}
    apart = {name: weights.pop(name) for name in list(weights) if name.startswith("marks.")}
    for file_name, content in (("model.safetensors", weights), ("marks.bin", apart)):
        with (folder / file_name).open("wb") as file:
            file.write(save(content, {"format": "pt"}))
            os.fsync(file.fileno())
    (folder / "config.json").write_text(json.dumps(model.sizes.config(), indent=1))
    (folder / "preprocessor_config.json").write_text(json.dumps(model.sizes.tower.preprocessor(), indent=1))
    stops = [tokenizer.ids()["<|im_end|>"], tokenizer.ids()["<|endoftext|>"]]
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": stops, **SAMPLING}, indent=1))
    tokenizer.save(folder)


def load_model(folder: Path, sizes: VLSize = SHIPPED) -> MiniVL:
    """Raises GalopError for what is no checkpoint of these sizes, or a damaged one."""
    model = MiniVL(sizes)
    try:
        model.load_state_dict(load_file(folder / "model.safetensors") | load_file(folder / "marks.bin"))
    except FileNotFoundError as error:
        name = Path(error.filename or "model.safetensors").name
        raise GalopError(f"{folder}: there is no {name} here; name a checkpoint's folder") from None
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise GalopError(f"{folder}: the weights are not those of this model ({reason})") from None
    return model
