"""Types of layers in a config.json: which attend to everything before them, and which do something else.

Written as a list with an entry for each layer (`layer_types`), as a pattern that repeats, or not at all.
"""

from __future__ import annotations

from typing import Any

from galop.errors import ModelFileError

FULL, SLIDING, LINEAR = "full_attention", "sliding_attention", "linear_attention"
OLD_TYPES = {"attention": FULL, "mamba": LINEAR}  # what transformers before version 5 called them
PATTERNS = {SLIDING: "sliding_window_pattern", LINEAR: "full_attention_interval"}


def normalise_layer_types(raw: dict[str, Any], file: str, supported: tuple[str, ...]) -> dict[str, Any]:
    """A config with `layer_types` where not all are full attention, and with the `sliding_window` of those that slide,
    in place of patterns and switches.

    `supported` are the types that a family has. Raises ModelFileError for a type it has not, and for a list or a
    pattern that does not fit the layers.
    """
    raw = dict(raw)
    window = _take_window(raw, file, SLIDING in supported)
    types, layers = raw.pop("layer_types", None), raw.get("num_hidden_layers")
    patterns = [(kind, raw.pop(name)) for kind, name in PATTERNS.items() if kind in supported and name in raw]
    if types is not None:
        if not isinstance(types, list) or not all(isinstance(one, str) for one in types):
            raise ModelFileError(f"{file}: layer_types = {str(types)[:60]} is not a list of names")
        types = [OLD_TYPES.get(one, one) for one in types]
        if other := {*types} - {*supported}:
            only = " and ".join(supported)
            raise ModelFileError(f"{file}: layer_types other than {only} are not supported: {min(other)[:60]!r}")
        if len(types) != layers:
            raise ModelFileError(
                f"{file}: layer_types has {len(types)} entries for num_hidden_layers = {str(layers)[:60]}"
            )
        if SLIDING in types and not window:
            raise ModelFileError(f"{file}: layer_types has layers that slide, but there is no sliding_window")
    for kind, pattern in patterns:
        if types is None and (window or kind != SLIDING):
            types = _repeat(pattern, kind, layers, file)
    if window and types and SLIDING in types:
        raw["sliding_window"] = window
    if types and {*types} != {FULL}:
        raw["layer_types"] = types
    return raw


def _take_window(raw: dict[str, Any], file: str, supported: bool) -> int:
    """The window that is asked for, 0 for none. Raises ModelFileError if it is no size, or there should be none."""
    use, window = raw.pop("use_sliding_window", None), raw.pop("sliding_window", None)
    if supported:
        if use is False or window is None:
            return 0
        if type(window) is not int or not 0 <= window < 1 << 31:
            raise ModelFileError(f"{file}: sliding_window = {str(window)[:60]} is not a sensible size")
        return window
    layers, longest = raw.get("num_hidden_layers"), raw.get("max_position_embeddings")
    wide = isinstance(window, int) and isinstance(longest, int) and window >= longest
    first = raw.get("max_window_layers")  # that slides, in Qwen's
    none = isinstance(first, int) and isinstance(layers, int) and first >= layers
    if use is not None and use is not False and not (use is True and (wide or none)):
        raise ModelFileError(f"{file}: use_sliding_window = {str(use)[:60]} is not supported, only False")
    return 0


def _repeat(pattern: Any, kind: str, layers: Any, file: str) -> list[str]:
    """The type of each layer: of a number n every n-th is full, of a text those with an L are not, of a list those that
    are true. Raises ModelFileError for anything else."""
    if type(layers) is not int or not 0 < layers < 1 << 16:
        return []  # such a number is refused later on
    if type(pattern) is int and 0 < pattern < 1 << 31:
        others = [(i + 1) % pattern != 0 for i in range(layers)]
    elif isinstance(pattern, str) and pattern and {*pattern} <= {"L", "G"}:
        others = [pattern[i % len(pattern)] == "L" for i in range(layers)]
    elif isinstance(pattern, list) and len(pattern) == layers and all(one in (0, 1) for one in pattern):
        others = [bool(one) for one in pattern]
    else:
        raise ModelFileError(f"{file}: {PATTERNS[kind]} = {str(pattern)[:60]} is not understood")
    return [kind if other else FULL for other in others]
