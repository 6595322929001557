"""`galop science`: the formulas from the command line."""

from __future__ import annotations

import difflib
import inspect
import json

from galop.cli.run import UsageError
from galop.science import Formula, formulas
from galop.science.card import Of


def answer(name: str, words: list[str]) -> None:
    """Lists the formulas, describes one, or computes with it."""
    known = formulas()
    if not name:
        width = max(map(len, known))
        for formula in known.values():
            print(f"{formula.name:{width}}  {formula.about}")
        return
    found = known.get(name.replace("-", "_"))
    if found is None:
        near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.4)
        hint = f"did you mean {', '.join(near)}?" if near else "list them with: galop science"
        raise UsageError(f"there is no formula {name!r}; {hint}")
    as_json = "--json" in words
    words = [word for word in words if word != "--json"]
    if "--help" in words or (not words and needed(found)):
        print(described(found))
        return
    card = found(**inputs(words))
    print(json.dumps(card.data(), ensure_ascii=False) if as_json else card.text())


def needed(formula: Formula) -> list[str]:
    return [name for name, (_, default) in formula.parameters.items() if default is inspect.Parameter.empty]


def inputs(words: list[str]) -> dict[str, str]:
    """`--area-ratio 40` or `--area-ratio=40`. Raises UsageError."""
    given, rest = {}, list(words)
    while rest:
        word = rest.pop(0)
        name, sign, value = word.partition("=")
        if not name.startswith("--"):
            raise UsageError(f"{word!r} belongs to no option; inputs are given as --name value")
        if not sign:
            if not rest:
                raise UsageError(f"{name} needs a value")
            value = rest.pop(0)
        given[name[2:].replace("-", "_")] = value
    return given


def described(formula: Formula) -> str:
    lines = [formula.about, "", f"formula: {formula.formula}", f"source:  {formula.source}", "", "inputs:"]
    for name, (kind, default) in formula.parameters.items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(kind, Of):
            about = f"{kind.what}{f' [{kind.unit}]' if kind.unit else ''}{f', {kind.valid}' if kind.valid else ''}"
        else:
            about = " | ".join(kind) if isinstance(kind, tuple) else getattr(kind, "what", "")
        given = "" if default is inspect.Parameter.empty else f" (else {default})"
        lines.append(f"  {option:24} {about}{given}")
    lines += ["", "gives:"]
    lines += [f"  {of.what}{f' [{of.unit}]' if of.unit else ''}" for of in formula.gives.values()]
    return "\n".join(lines)
