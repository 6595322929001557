"""The families, each in one file: its config, its GGUF names and keys, its forward pass. Registered here.

family.py        what a family is; llama.py and its siblings; rotary.py: what several need
experts.py       mixtures: their config, routers, stacked experts taken apart; deepseek_mixture.py: DeepSeek's, which
                 others have too; next_tokens.py: layers for later tokens
config.py        reading config.json; config_layers.py, config_rope.py: types of layers and rotations in one form;
                 config_keys.py: which keys may be ignored; checkpoint_forms.py: tensors in one form
gguf_mapping.py  GGUF names and keys to those of config.json and checkpoints; gguf_rope.py
from_file.py     from a file to a checkpoint
qwen_vl.py       language models of those that see
bert.py, embedding_gemma.py, nomic_bert.py  encoders; sentence_files.py: how the files of encoders pool
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from functools import cache
from importlib import import_module
from typing import Any, cast

from galop.errors import ModelFileError
from galop.models.config import Config, flatten
from galop.models.family import Family
from galop.ops import Inputs, Plan
from galop.ops.wanted_rows import narrow
from galop.weights.tree import Shape, Tree


class Families(MutableMapping[str, type[Family]]):
    """Families by `model_type`, each imported from its file when it is first asked for: a start takes one of them."""

    def __init__(self, homes: Mapping[str, str]) -> None:
        self._found: dict[str, str | type[Family]] = dict(homes)

    def __getitem__(self, kind: str) -> type[Family]:
        found = self._found[kind]
        if isinstance(found, str):
            file, name = found.split(".")
            found = getattr(import_module(f"{__name__}.{file}"), name)
            self._found[kind] = found
        return cast("type[Family]", found)

    def __setitem__(self, kind: str, family: type[Family]) -> None:
        self._found[kind] = family

    def __delitem__(self, kind: str) -> None:
        del self._found[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, kind: object) -> bool:
        return kind in self._found


# By `model_type` in config.json: the file and the class.
FAMILIES = Families(
    {
        "deepseek_v2": "deepseek_v2.DeepSeekV2",
        "deepseek_v3": "deepseek_v3.DeepSeekV3",
        "deepseek_v32": "deepseek_v32.DeepSeekV32",
        "ernie4_5": "ernie4_5.Ernie4_5",
        "exaone4": "exaone4.Exaone4",
        "cohere": "cohere.Cohere",
        "cohere2": "cohere2.Cohere2",
        "exaone": "exaone.Exaone",
        "gemma": "gemma.Gemma",
        "gemma2": "gemma2.Gemma2",
        "gemma3_text": "gemma3.Gemma3",
        "gemma4_text": "gemma4.Gemma4",
        "glm4": "glm4.Glm4",
        "glm4_moe": "glm4_moe.Glm4Moe",
        "glm4_moe_lite": "glm4_moe_lite.Glm4MoeLite",
        "gpt_oss": "gpt_oss.GptOss",
        "granite": "granite.Granite",
        "granitemoehybrid": "granitemoehybrid.GraniteHybrid",
        "granitemoe": "granitemoe.GraniteMoe",
        "hunyuan_v1_dense": "hunyuan.HunyuanDense",
        "lfm2": "lfm2.Lfm2",
        "lfm2_moe": "lfm2_moe.Lfm2Moe",
        "llama": "llama.Llama",
        "llama4_text": "llama4.Llama4",
        "ministral3": "ministral3.Ministral3",
        "mistral": "mistral.Mistral",
        "mistral4": "mistral4.Mistral4",
        "muse_glimmer": "muse_glimmer.MuseGlimmer",
        "nemotron": "nemotron.Nemotron",
        "nemotron_h": "nemotron_h.NemotronH",
        "olmo2": "olmo.Olmo2",
        "olmo3": "olmo.Olmo3",
        "phi": "phi.Phi",
        "phi3": "phi3.Phi3",
        "qwen2": "qwen2.Qwen2",
        "qwen2_5_vl_text": "qwen_vl.Qwen2VL",
        "qwen3": "qwen3.Qwen3",
        "qwen3_5_text": "qwen3_5.Qwen3_5",
        "qwen3_5_moe_text": "qwen3_5_moe.Qwen3_5Moe",
        "qwen3_moe": "qwen3_moe.Qwen3Moe",
        "qwen3_next": "qwen3_next.Qwen3Next",
        "qwen3_vl_text": "qwen_vl.Qwen3VL",
        "qwen3_vl_moe_text": "qwen_vl.Qwen3VLMoe",
        "seed_oss": "seed_oss.SeedOss",
        "smollm3": "smollm3.SmolLM3",
        "stablelm": "stablelm.StableLM",
        "starcoder2": "starcoder2.Starcoder2",
    }
)
# Those that make a vector of a text and write none.
ENCODERS = Families(
    {"bert": "bert.Bert", "gemma3_encoder": "embedding_gemma.EmbeddingGemma", "nomic_bert": "nomic_bert.NomicBert"}
)
ENCODER_OF = {"gemma3_text": "gemma3_encoder"}  # by what a config calls both
ALL: Mapping[str, type[Family]] = ChainMap(FAMILIES, ENCODERS)

# What is not going to be run here, and what to take in its place.
INSTEAD = {
    "gemma3n": "take Gemma 4 E2B or E4B, which succeed it",
    "deepseek_v4": "take DeepSeek-V2-Lite or GLM-4.7-Flash, which are of V3's architecture",
    "qwen4_exp": "take Qwen3.6-35B-A3B, which is as fast and fits a machine of 24 GB",
}


@cache
def other_model_types() -> dict[str, type[Family]]:
    """Families by the other names that configs have for them; reads the files of all."""
    return {kind: family for family in ALL.values() for kind in family.other_model_types}


def model_type(config: Mapping[str, Any]) -> str:
    """The key in FAMILIES or ENCODERS of a config.json's contents, as far as there is one."""
    kind = str(config.get("model_type"))
    return ENCODER_OF.get(kind, kind) if config.get("use_bidirectional_attention") is True else kind


def find_family(config: Mapping[str, Any], file: str) -> type[Family]:
    """The family of a config.json's contents. Raises ModelFileError where it is none of these."""
    kind = model_type(config)
    family = ALL.get(kind) or other_model_types().get(kind)
    if family is None:
        raise refuse_architecture(file, config.get("model_type"), ALL)
    return family


def refuse_architecture(file: str, kind: object, known: Iterable[str]) -> ModelFileError:
    """The error for an architecture, by the name that a config.json or a GGUF file gives it, that is none of these."""
    name = str(kind).removesuffix("_text")
    instead = INSTEAD.get(name) or INSTEAD.get({"deepseek4": "deepseek_v4", "qwen4exp": "qwen4_exp"}.get(name, ""))
    return ModelFileError(
        f"{file}: the architecture {repr(kind)[:60]} is not supported; {instead or 'these are: ' + ', '.join(known)}"
    )


def parse_config(raw: dict[str, Any], file: str) -> Config:
    """The family's config from a config.json's contents. Raises ModelFileError."""
    raw = flatten(raw, file)
    return find_family(raw, file).config_class.parse(raw, file)


def trace(model_type: str, config: Config, shapes: Mapping[str, Shape]) -> Plan:
    """The plan of a model whose checkpoint holds tensors of these shapes. Raises ModelFileError where they differ."""
    plan, draft = Plan(), Plan()
    family = (ALL.get(model_type) or other_model_types()[model_type])(config)
    family.forward(Inputs(plan), Tree(shapes))
    plan = narrow(plan)
    plan.check()
    if family.draft(Inputs(draft), Tree(shapes)) is not None:
        draft.check()
        plan.draft = draft
    return plan
