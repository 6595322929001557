"""Qwen3, dense and with experts, in plain PyTorch; parameters have the names of the Hugging Face checkpoints."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from galop.errors import GalopError
from galop.recipes.mini import tokenizer

EPS, THETA, POSITIONS = 1e-6, 10_000.0, 1024
SAMPLING = {"do_sample": True, "temperature": 0.6, "top_p": 0.95, "top_k": 20}  # Qwen3's, for thinking


@dataclass(frozen=True)
class Size:
    """The shape of a model; `experts` of which `active` see each token, each `ffn` wide, where there are any."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    ffn: int
    experts: int = 0
    active: int = 0
    head_dim: int = 32
    vocabulary: int = tokenizer.VOCABULARY

    def config(self) -> dict[str, Any]:
        """The config.json of transformers."""
        config = {
            "architectures": ["Qwen3MoeForCausalLM" if self.experts else "Qwen3ForCausalLM"],
            "model_type": "qwen3_moe" if self.experts else "qwen3",
            "hidden_size": self.hidden, "num_hidden_layers": self.layers, "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads, "head_dim": self.head_dim, "intermediate_size": self.ffn,
            "vocab_size": self.vocabulary, "max_position_embeddings": POSITIONS, "rope_theta": THETA,
            "rms_norm_eps": EPS, "attention_bias": False, "hidden_act": "silu", "tie_word_embeddings": True,
            "use_sliding_window": False, "torch_dtype": "float32",
            "eos_token_id": tokenizer.ids()["<|im_end|>"], "pad_token_id": tokenizer.ids()["<|endoftext|>"],
        }  # fmt: skip
        if self.experts:
            config |= {
                "num_experts": self.experts, "num_experts_per_tok": self.active, "moe_intermediate_size": self.ffn,
                "norm_topk_prob": True, "decoder_sparse_step": 1, "mlp_only_layers": [],
            }  # fmt: skip
        return config

    @classmethod
    def of(cls, folder: Path) -> Size:
        """That of a checkpoint. Raises GalopError for what is none of this family."""
        path = folder / "config.json"
        try:
            config = json.loads(path.read_text("utf-8"))
            experts = config.get("num_experts", 0)
            size = cls(
                config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"],
                config["num_key_value_heads"], config["moe_intermediate_size" if experts else "intermediate_size"],
                experts, config["num_experts_per_tok"] if experts else 0,
            )  # fmt: skip
            other = [key for key, value in size.config().items() if config.get(key) != value]
        except FileNotFoundError:
            raise GalopError(f"{folder}: there is no config.json here; name a checkpoint's folder") from None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise GalopError(f"{path} is not one of the mini family ({error!r})") from None
        if other:
            raise GalopError(f"{path} is not one of the mini family ({other[0]} is {config.get(other[0])!r})")
        return size

    def parameters(self, active: bool = False) -> int:
        """All of them, or those that see a token."""
        attention = self.hidden * self.head_dim * 2 * (self.heads + self.kv_heads)
        ffn = 3 * self.hidden * self.ffn * ((self.active if active else self.experts) or 1)
        return self.layers * (attention + ffn) + self.vocabulary * self.hidden


SIZES = {
    "0.4m": Size(96, 4, 3, 1, 256),
    "1.2m": Size(128, 6, 4, 2, 384),
    "3.5m": Size(192, 8, 6, 2, 576),
    "11m": Size(320, 10, 10, 2, 896),
    "moe": Size(128, 6, 4, 2, 192, experts=8, active=2),
}


@dataclass
class MiniCache:
    """Keys and values [layers, 2, B, kv_heads, capacity, head_dim] of `length` positions; the first `pads` [B] of a
    row are no positions."""

    values: Tensor
    pads: Tensor
    length: int = 0


class Attention(nn.Module):
    """Grouped-query attention with norms on queries and keys."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        d, width = size.head_dim, size.hidden
        self.q_proj = nn.Linear(width, size.heads * d, bias=False)
        self.k_proj = nn.Linear(width, size.kv_heads * d, bias=False)
        self.v_proj = nn.Linear(width, size.kv_heads * d, bias=False)
        self.o_proj = nn.Linear(size.heads * d, width, bias=False)
        self.q_norm = nn.RMSNorm(d, eps=EPS)
        self.k_norm = nn.RMSNorm(d, eps=EPS)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], kept: Tensor | None, mask: Tensor | None) -> Tensor:
        """x [B, T, hidden]; `kept` [2, B, kv_heads, N, d] is filled at its last T positions. Follows Qwen3: the norms
        of queries and keys come before the rotation."""
        rows, count, _ = x.shape
        q = rotate(self.q_norm(self.q_proj(x).view(rows, count, -1, self.size.head_dim)).transpose(1, 2), rope)
        k = rotate(self.k_norm(self.k_proj(x).view(rows, count, -1, self.size.head_dim)).transpose(1, 2), rope)
        v = self.v_proj(x).view(rows, count, -1, self.size.head_dim).transpose(1, 2)
        if kept is not None:
            kept[0, :, :, -count:], kept[1, :, :, -count:] = k, v
            k, v = kept[0], kept[1]
        if count == 1:  # the heads that share keys attend like so many tokens, and the keys need not be copied for each
            q = q.reshape(rows, self.size.kv_heads, -1, self.size.head_dim)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=count > 1)
        out = out.view(rows, self.size.heads, count, -1)
        return self.o_proj(out.transpose(1, 2).reshape(rows, count, -1))


def rotate(x: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary embedding [Su et al., 2021]: x [B, heads, T, head_dim], halves rotated against each other."""
    cos, sin = rope
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class FeedForward(nn.Module):
    """SwiGLU [Shazeer, 2020]."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(size.hidden, size.ffn, bias=False)
        self.up_proj = nn.Linear(size.hidden, size.ffn, bias=False)
        self.down_proj = nn.Linear(size.ffn, size.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Experts(nn.Module):
    """The mixture of Qwen3-MoE: softmax over all experts, the likeliest `active` share the token by their odds."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.gate = nn.Linear(size.hidden, size.experts, bias=False)
        self.experts = nn.ModuleList(FeedForward(size) for _ in range(size.experts))
        self.balance = torch.zeros(())  # 1 where the experts share the batch evenly, more where they do not

    def forward(self, x: Tensor) -> Tensor:
        flat = x.reshape(-1, x.shape[-1])
        odds = self.gate(flat).softmax(-1)
        weights, chosen = odds.topk(self.size.active, -1)
        weights = weights / weights.sum(-1, keepdim=True)
        out = torch.zeros_like(flat)
        for e, expert in enumerate(self.experts):
            rows, place = (chosen == e).nonzero(as_tuple=True)
            out = out.index_add(0, rows, expert(flat[rows]) * weights[rows, place, None])
        if self.training:
            share = F.one_hot(chosen, self.size.experts).sum(1).float().mean(0) / self.size.active
            self.balance = self.size.experts * (share * odds.mean(0)).sum()
        return out.view_as(x)


class Layer(nn.Module):
    """Attention and feed-forward or experts, each after a norm and added to its input."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(size.hidden, eps=EPS)
        self.self_attn = Attention(size)
        self.post_attention_layernorm = nn.RMSNorm(size.hidden, eps=EPS)
        self.mlp = Experts(size) if size.experts else FeedForward(size)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], kept: Tensor | None, mask: Tensor | None) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), rope, kept, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class MiniDecoder(nn.Module):
    """What checkpoints call `model`: embedding, layers, last norm."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(size.vocabulary, size.hidden)
        self.layers = nn.ModuleList(Layer(size) for _ in range(size.layers))
        self.norm = nn.RMSNorm(size.hidden, eps=EPS)


class Mini(nn.Module):
    """A Qwen3 of one of the sizes, its weights drawn from `seed`."""

    cos: Tensor
    sin: Tensor

    def __init__(self, size: Size, seed: int = 0) -> None:
        super().__init__()
        self.size = size
        self.model = MiniDecoder(size)
        angles = torch.arange(POSITIONS)[:, None] * THETA ** (-torch.arange(0, size.head_dim, 2) / size.head_dim)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        draw = torch.Generator().manual_seed(seed)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                deep = name.endswith(("o_proj.weight", "down_proj.weight"))  # what is added to the residual stream
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * size.layers) if deep else 0.02, generator=draw)

    def forward(self, tokens: Tensor, cache: MiniCache | None = None) -> Tensor:
        """tokens [B, T] to hidden states [B, T, hidden], from where the cache ends, which grows by T."""
        x = self.model.embed_tokens(tokens)
        count, mask, rope = tokens.shape[1], None, (self.cos[: tokens.shape[1]], self.sin[: tokens.shape[1]])
        if cache:
            end = cache.length + count
            where = torch.arange(cache.length, end)
            places = (where[None] - cache.pads[:, None]).clamp(min=0)  # [B, T]
            rope = (self.cos[places][:, None], self.sin[places][:, None])
            seen = torch.arange(end)
            mask = ((seen <= where[:, None]) & (seen >= cache.pads[:, None, None]))[:, None]
            mask = mask | (seen == where[:, None])  # a pad sees itself, so that nothing is divided by zero
            cache.length = end
        for i, layer in enumerate(self.model.layers):
            x = layer(x, rope, cache.values[i, :, :, :, : cache.length] if cache else None, mask)
        return self.model.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden [..., hidden] to logits [..., vocabulary], by the tied embedding."""
        return F.linear(hidden, self.model.embed_tokens.weight)

    def cache(self, rows: int, capacity: int, pads: Tensor) -> MiniCache:
        """An empty cache for so many rows, of which `pads` [B] positions at the front are none."""
        size = self.size
        return MiniCache(torch.zeros(size.layers, 2, rows, size.kv_heads, capacity, size.head_dim), pads)

    def balance(self) -> Tensor:
        """How unevenly the experts were used in the last forward pass, 1 at best; 0 without experts."""
        layers = [layer.mlp.balance for layer in self.model.layers if isinstance(layer.mlp, Experts)]
        return torch.stack(layers).mean() if layers else torch.zeros(())


def save_model(model: Mini, folder: Path) -> None:
    """Writes a checkpoint that transformers and galop load."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: weight.detach().contiguous() for name, weight in model.state_dict().items()}
    with (folder / "model.safetensors").open("wb") as file:
        file.write(save(weights, {"format": "pt"}))
        os.fsync(file.fileno())
    (folder / "config.json").write_text(json.dumps(model.size.config(), indent=1))
    stops = [tokenizer.ids()["<|im_end|>"], tokenizer.ids()["<|endoftext|>"]]
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": stops, **SAMPLING}, indent=1))
    tokenizer.save(folder)


def load_model(folder: Path) -> Mini:
    """Raises GalopError for what is no checkpoint of this family, or a damaged one."""
    model = Mini(Size.of(folder))
    try:
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except FileNotFoundError:
        raise GalopError(f"{folder}: there is no model.safetensors here; name a checkpoint's folder") from None
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise GalopError(f"{folder}: model.safetensors does not hold this model ({reason})") from None
    return model
