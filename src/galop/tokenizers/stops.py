"""The tokens that end a reply: all that any of a model's files says, and those that are known by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# Ends of a turn or a text, by the names that published vocabularies give them.
STOP_TOKENS = (
    "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|eot|>", "<|eom|>", "<|end|>",
    "<|return|>", "<|call|>", "<|calls|>", "<|flush|>", "<end_of_turn>", "<|end_of_turn|>", "<|endofturn|>", "<|EOT|>",
    "<EOT>", "<end_of_utterance>", "<eos>", "</s>", "<｜end▁of▁sentence｜>", "<turn|>", "<|tool_response>",
    "<|user|>", "<|observation|>", "<|END_OF_TURN_TOKEN|>", "<|end_of_sentence|>", "<|role_end|>", "<seed:eos>",
    "[EOS]", "[EOT]", "[|endofturn|]", "[e~[",
)  # fmt: skip
BETWEEN_MESSAGES = "<|end|>"  # ends a message, not the reply, where a reply has several: there are those that end it
END_REPLIES = ({"<|return|>", "<|call|>"}, {"<|calls|>", "<|flush|>"})  # of Harmony, of Solar


def is_marked(name: str) -> bool:
    """Whether no text is written like it by chance, so that a vocabulary which takes it for a plain token is wrong."""
    return name.startswith(("<|", "<｜")) or name == "<turn|>"


def integers(values: Iterable[Any]) -> set[int]:
    """Those among values that are an int, a list or anything else."""
    return {i for one in values for i in (one if isinstance(one, list) else [one]) if type(i) is int}


def stop_ids(declared: Iterable[Any], eos: str, control: Mapping[str, int], rows: int) -> list[int]:
    """Every id that is declared (an int or a list; null is none), that of `eos`, and those known by name; sorted.

    `control` are the control tokens by name; ids that are none of the `rows` of the vocabulary are left out.
    """
    names = {eos, *STOP_TOKENS}
    if any(ends <= control.keys() for ends in END_REPLIES):
        names.discard(BETWEEN_MESSAGES)
    named = {control[name] for name in names if name in control}
    between = control.get(BETWEEN_MESSAGES) if BETWEEN_MESSAGES not in names else None
    return sorted(i for i in (integers(declared) | named) - {between} if 0 <= i < rows)
