"""Stretched rotary embeddings: the published constants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from galop.errors import ModelFileError
from galop.models.config import Config
from galop.models.rotary import inverse_frequencies


def config(theta: float = 1e6, **scaling: Any) -> Config:
    return Config(
        hidden_size=4096, num_hidden_layers=1, num_attention_heads=32, num_key_value_heads=8, head_dim=128,
        intermediate_size=1, rms_norm_eps=1e-6, max_position_embeddings=131072,
        rope_parameters={"full_attention": {"rope_theta": theta, **scaling}},
    )  # fmt: skip


YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}


def test_qwen3_yarn() -> None:
    plain, one = inverse_frequencies(config())
    stretched, factor = inverse_frequencies(config(**YARN))
    assert one == 1.0
    assert factor == pytest.approx(1.138629, abs=1e-6)
    # Fast dimensions up to 23 are kept, slow ones from 40 on are divided by 4.
    assert np.array_equal(stretched[:24], plain[:24])
    assert np.allclose(stretched[40:], plain[40:] / 4)
    assert not np.allclose(stretched[30], plain[30])


def test_the_r1_distill_of_qwen3_undoes_the_factor() -> None:
    _, factor = inverse_frequencies(config(**YARN, attn_factor=0.8782488562869419))
    assert factor == pytest.approx(1.0, abs=1e-7)
    _, given = inverse_frequencies(config(**YARN, attention_factor=1.25))
    assert given == 1.25


def test_llama3_with_nothing_between_long_and_short_waves() -> None:
    scout = {"rope_type": "llama3", "factor": 16.0, "low_freq_factor": 1.0, "high_freq_factor": 1.0}
    plain, _ = inverse_frequencies(config(5e5))
    stretched, _ = inverse_frequencies(config(5e5, **scout, original_max_position_embeddings=8192))
    assert set(np.round(plain / stretched).astype(int)) == {1, 16}


@pytest.mark.parametrize(
    "scaling",
    [
        {"rope_type": "yarn", "factor": 4.0, "beta_fast": -1},
        {"rope_type": "linear", "factor": "x"},
        {"rope_type": "linear", "factor": 0},
        {"rope_type": "divisors", "divisors": [1.0]},
        {"rope_type": "unheard-of"},
    ],
)
def test_nonsense_is_refused(scaling: dict[str, Any]) -> None:
    with pytest.raises(ModelFileError):
        inverse_frequencies(config(**scaling))
