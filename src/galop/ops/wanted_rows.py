"""What a plan need not do for every token: `narrow`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from galop.ops.embedding import rows
from galop.ops.plan import Input, Inputs, Plan, Step, Tensor


def narrow(plan: Plan) -> Plan:
    """The same plan, where what no state and no other token depends on is done for the tokens alone whose logits are
    wanted: most of a last layer, and whole layers that keep nothing and read what earlier ones keep.

    A prompt takes so much less, and no result changes: an op that works token by token gives a token's row what it
    gives it among others.
    """
    wide = _wide_steps(plan)
    result = Plan()
    whole: dict[int, Tensor] = {}  # by the buffer of the given plan
    chosen: dict[int, Tensor] = {}

    def choose(tensor: Tensor) -> Tensor:
        if tensor.id not in chosen:
            chosen[tensor.id] = rows(whole[tensor.id], Inputs(result).rows)
        return chosen[tensor.id]

    def adapt(value: Any, all_tokens: bool) -> Any:
        match value:
            case Tensor():
                return whole[value.id] if all_tokens else choose(value)
            case Input() | Inputs():
                return replace(value, plan=result)
            case list():
                return [adapt(v, all_tokens) for v in value]
        return value

    for i, step in enumerate(plan.steps):
        if step.op is rows:
            chosen[step.outputs[0]] = choose(step.arguments["x"])
            continue
        arguments = {name: adapt(value, i in wide) for name, value in step.arguments.items()}
        if i not in wide and step.op.state:
            arguments["wanted"] = True
        made = step.op(**arguments)
        outputs = made if isinstance(made, list) else [made]
        for buffer, tensor in zip(step.outputs, outputs, strict=True):
            (whole if tensor.dim == "T" else chosen)[buffer] = tensor
    return result


def _wide_steps(plan: Plan) -> set[int]:
    """The steps that have to be done for every token."""
    wide: set[int] = set()
    needed: set[int] = set()  # buffers, for every token
    for i, step in reversed(list(enumerate(plan.steps))):
        if step.op is not rows and (not _is_of_token(step) or needed & {*step.outputs}):
            wide.add(i)
            needed.update(step.inputs)
    return wide


def _is_of_token(step: Step) -> bool:
    """Whether a token's result depends on that token's operands, and on what others have left before, alone."""
    if step.op.state:
        return step.op.state(**step.arguments) is None
    return bool(step.inputs) and not any(isinstance(v, Input | Inputs) for v in step.arguments.values())
