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
from collections.abc import Iterable, Mapping
from typing import Any

from galop.errors import ModelFileError
from galop.models.bert import Bert
from galop.models.cohere import Cohere
from galop.models.cohere2 import Cohere2
from galop.models.config import Config, flatten
from galop.models.deepseek_v2 import DeepSeekV2
from galop.models.deepseek_v3 import DeepSeekV3
from galop.models.deepseek_v32 import DeepSeekV32
from galop.models.embedding_gemma import EmbeddingGemma
from galop.models.ernie4_5 import Ernie4_5
from galop.models.exaone import Exaone
from galop.models.exaone4 import Exaone4
from galop.models.family import Family
from galop.models.gemma import Gemma
from galop.models.gemma2 import Gemma2
from galop.models.gemma3 import Gemma3
from galop.models.gemma4 import Gemma4
from galop.models.glm4 import Glm4
from galop.models.glm4_moe import Glm4Moe
from galop.models.glm4_moe_lite import Glm4MoeLite
from galop.models.gpt_oss import GptOss
from galop.models.granite import Granite
from galop.models.granitemoe import GraniteMoe
from galop.models.granitemoehybrid import GraniteHybrid
from galop.models.hunyuan import HunyuanDense
from galop.models.lfm2 import Lfm2
from galop.models.lfm2_moe import Lfm2Moe
from galop.models.llama import Llama
from galop.models.llama4 import Llama4
from galop.models.ministral3 import Ministral3
from galop.models.mistral import Mistral
from galop.models.mistral4 import Mistral4
from galop.models.muse_glimmer import MuseGlimmer
from galop.models.nemotron_h import NemotronH
from galop.models.nomic_bert import NomicBert
from galop.models.olmo import Olmo2, Olmo3
from galop.models.phi3 import Phi3
from galop.models.qwen2 import Qwen2
from galop.models.qwen3 import Qwen3
from galop.models.qwen3_5 import Qwen3_5
from galop.models.qwen3_5_moe import Qwen3_5Moe
from galop.models.qwen3_moe import Qwen3Moe
from galop.models.qwen3_next import Qwen3Next
from galop.models.qwen_vl import Qwen2VL, Qwen3VL, Qwen3VLMoe
from galop.models.seed_oss import SeedOss
from galop.models.smollm3 import SmolLM3
from galop.models.starcoder2 import Starcoder2
from galop.ops import Inputs, Plan
from galop.ops.wanted_rows import narrow
from galop.weights.tree import Shape, Tree

# By `model_type` in config.json.
FAMILIES: dict[str, type[Family]] = {
    family.model_type: family
    for family in (
        DeepSeekV2,
        DeepSeekV3,
        DeepSeekV32,
        Ernie4_5,
        Exaone4,
        Cohere,
        Cohere2,
        Exaone,
        Gemma,
        Gemma2,
        Gemma3,
        Gemma4,
        Glm4,
        Glm4Moe,
        Glm4MoeLite,
        GptOss,
        Granite,
        GraniteHybrid,
        GraniteMoe,
        HunyuanDense,
        Lfm2,
        Lfm2Moe,
        Llama,
        Llama4,
        Ministral3,
        Mistral,
        Mistral4,
        MuseGlimmer,
        NemotronH,
        Olmo2,
        Olmo3,
        Phi3,
        Qwen2,
        Qwen2VL,
        Qwen3,
        Qwen3_5,
        Qwen3_5Moe,
        Qwen3Moe,
        Qwen3Next,
        Qwen3VL,
        Qwen3VLMoe,
        SeedOss,
        SmolLM3,
        Starcoder2,
    )
}
# Those that make a vector of a text and write none.
ENCODERS: dict[str, type[Family]] = {family.model_type: family for family in (Bert, EmbeddingGemma, NomicBert)}
ENCODER_OF = {"gemma3_text": "gemma3_encoder"}  # by what a config calls both
ALL = ChainMap(FAMILIES, ENCODERS)
OTHER_MODEL_TYPES = {kind: family for family in ALL.values() for kind in family.other_model_types}

# What is not going to be run here, and what to take in its place.
INSTEAD = {
    "gemma3n": "take Gemma 4 E2B or E4B, which succeed it",
    "deepseek_v4": "take DeepSeek-V2-Lite or GLM-4.7-Flash, which are of V3's architecture",
    "qwen4_exp": "take Qwen3.6-35B-A3B, which is as fast and fits a machine of 24 GB",
}


def model_type(config: Mapping[str, Any]) -> str:
    """The key in FAMILIES or ENCODERS of a config.json's contents, as far as there is one."""
    kind = str(config.get("model_type"))
    return ENCODER_OF.get(kind, kind) if config.get("use_bidirectional_attention") is True else kind


def find_family(config: Mapping[str, Any], file: str) -> type[Family]:
    """The family of a config.json's contents. Raises ModelFileError where it is none of these."""
    kind = model_type(config)
    family = ALL.get(kind) or OTHER_MODEL_TYPES.get(kind)
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
    family = (ALL.get(model_type) or OTHER_MODEL_TYPES[model_type])(config)
    family.forward(Inputs(plan), Tree(shapes))
    plan = narrow(plan)
    plan.check()
    if family.draft(Inputs(draft), Tree(shapes)) is not None:
        draft.check()
        plan.draft = draft
    return plan
