"""`galop science`: the formulas from the command line."""

from __future__ import annotations

import difflib
import inspect
import json
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from galop.cli.errors import UsageError
from galop.cli.group import command_app, examples

if TYPE_CHECKING:
    from galop.science import Formula

app = command_app()


@app.command(
    epilog=examples(
        "galop science",
        "galop science isp --help",
        "galop science isp --fuel LH2 --oxidiser LOX --of 6 --pressure 70bar --area-ratio 40",
    ),
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def science(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A formula; left out, they are listed.")] = "",
) -> None:
    """Compute with a formula: rockets, electrochemistry, fluids, units."""
    words = context.args
    if name == "--help" or (not name and "--help" in words):
        print(context.get_help())
        return
    from galop.science import formulas

    known = formulas()
    if not name:
        width = max(map(len, known))
        for field, its in groupby(known.values(), key=field_of):
            print(f"{field}:")
            for each in its:
                print(f"  {each.name:{width}}  {each.about}")
        return
    formula = known.get(name.replace("-", "_"))
    if formula is None:
        near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(near)}?" if near else "list them with: galop science"
        raise UsageError(f"there is no formula {name!r}; {hint}")
    inputs = [word for word in words if word != "--json"]
    if "--help" in inputs or (not inputs and required_inputs(formula)):
        print(describe(formula))
        return
    card = formula(**parse_inputs(inputs))
    print(json.dumps(card.data(), ensure_ascii=False) if "--json" in words else card.text())


def field_of(formula: Formula) -> str:
    return str(formula.function.__module__).rpartition(".")[2].replace("_", " ")


def required_inputs(formula: Formula) -> list[str]:
    return [name for name, (_, default) in formula.parameters.items() if default is inspect.Parameter.empty]


def parse_inputs(words: Sequence[str]) -> dict[str, str]:
    """`--area-ratio 40` or `--area-ratio=40`. Raises UsageError."""
    values, rest = {}, list(words)
    while rest:
        word = rest.pop(0)
        name, sign, value = word.partition("=")
        if not name.startswith("--"):
            raise UsageError(f"{word!r} belongs to no option; inputs are given as --name value")
        if not sign:
            if not rest:
                raise UsageError(f"{name} needs a value")
            value = rest.pop(0)
        values[name[2:].replace("-", "_")] = value
    return values


def describe(formula: Formula) -> str:
    """What it computes, its source, its inputs and what it gives, for the person."""
    from galop.science.formula import Quantity

    lines = [formula.about, "", f"formula: {formula.formula}", f"source:  {formula.source}", ""]
    lines.append("inputs, each number with its unit:")
    for name, (kind, default) in formula.parameters.items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(kind, Quantity):
            about = f"{kind.what}{f' [{kind.unit}]' if kind.unit else ''}{f', {kind.valid}' if kind.valid else ''}"
        else:
            about = " | ".join(kind) if isinstance(kind, tuple) else getattr(kind, "what", "")
        otherwise = (
            "" if default is inspect.Parameter.empty else " (optional)" if default is None else f" (else {default})"
        )
        lines.append(f"  {option:24} {about}{otherwise}")
    lines += ["", "gives:"]
    lines += [f"  {of.what}{f' [{of.unit}]' if of.unit else ''}" for of in formula.gives.values()]
    return "\n".join(lines)
