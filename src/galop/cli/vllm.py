"""Options of commands whose models vLLM may compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from galop.cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from galop.backends.vllm.plan import VllmPlan

Engine = Annotated[
    Literal["galop", "vllm"],
    typer.Option(
        "--backend",
        help="What computes the models named: Galop itself, or vLLM, the one whose address stands after the model, "
        "else one that is started.",
    ),
]
TensorParallel = Annotated[
    int, typer.Option(help="With a vLLM that is started: devices that share each layer.", metavar="N", min=1)
]
PipelineParallel = Annotated[
    int, typer.Option(help="With a vLLM that is started: groups of devices that share the layers.", metavar="N", min=1)
]


def plan_vllm(
    backend: str, names: Sequence[str], tensor_parallel: int, pipeline_parallel: int
) -> tuple[list[str], VllmPlan | None]:
    """The models among `names`, and where vLLM is or how it is started; None for Galop's own engine. Raises
    UsageError, VllmError for an address that is none or a program that is not here."""
    import re

    from galop.backends.vllm.plan import VllmPlan, check_address

    urls = [name for name in names if re.match(r"https?://(?!huggingface\.co/)", name)]
    models = [name for name in names if name not in urls]
    split = tensor_parallel > 1 or pipeline_parallel > 1
    if backend != "vllm":
        if split:
            raise UsageError("--tensor-parallel and --pipeline-parallel are vLLM's; add --backend vllm")
        return list(names), None
    if not models:
        raise UsageError("vLLM serves one model, whose tokenizer is needed here too; name it before --backend vllm")
    if len(urls) > 1 or (urls and len(models) > 1):
        raise UsageError("one vLLM serves one model; give one model and one address")
    if urls and split:
        raise UsageError(
            f"the vLLM at {urls[0]} runs already; --tensor-parallel and --pipeline-parallel are of its start"
        )
    if urls:
        check_address(urls[0])
    else:
        from galop.backends.vllm.process import find_program

        find_program()
    return models, VllmPlan(urls[0] if urls else "", tensor_parallel, pipeline_parallel)
