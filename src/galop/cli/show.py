"""`galop show`: what is known of a model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from galop.cli.group import command_app, examples
from galop.cli.options import Context, Json, ModelName
from galop.cli.screen import progress_bar
from galop.errors import ModelFileError, UnknownModelError
from galop.machine import cache_directory, default_threads

if TYPE_CHECKING:
    from galop.ops.plan import Plan
    from galop.store import Source
    from galop.weights.pack import Pack

app = command_app()


@app.command(epilog=examples("galop show qwen3:0.6b", "galop show smollm2:135m --plan"))
def show(
    model: ModelName,
    plan: Annotated[bool, typer.Option("--plan", help="Print the forward pass op by op.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Check the packed weights against their checksums.")] = False,
    context: Context = 0,
    as_json: Json = False,
) -> None:
    """Describe a model: architecture, quantisation, memory, template, licence."""
    from galop import store
    from galop.backends.load import open_pack

    source = store.locate(model)
    if not source.path:
        show_entry(source, as_json)
        return
    with progress_bar() as progress:
        pack, traced = open_pack(source.path, cache_directory(), default_threads(), progress)
    if plan:
        print(traced)
        return
    facts = describe(source, pack, traced, context)
    if verify:
        facts["verified"] = True
        if damaged := pack.find_damage():
            raise ModelFileError(
                f"{pack.path}: {damaged[0]} does not match its checksum; delete the file, it is made anew"
            )
    if as_json:
        print(json.dumps(facts, indent=1, ensure_ascii=False))
    else:
        print_facts(facts)


def describe(source: Source, pack: Pack, plan: Plan, context: int) -> dict[str, Any]:
    """What the model's files and the catalogue say, with the memory it takes at a context."""
    from galop.backends.memory import DEFAULT_CONTEXT, memory_needed
    from galop.store.model_info import find_info

    card, entry = pack.card, source.entry
    context = context or min(DEFAULT_CONTEXT, int(card.config["max_position_embeddings"]))
    memory = memory_needed(pack, plan, context)
    return {
        "name": source.name,
        "title": card.name,
        "path": str(source.path),
        "architecture": card.config["model_type"],
        "parameters": card.parameters,
        "tensors": ", ".join(f"{count} {kind}" for kind, count in sorted(card.kinds.items(), key=lambda k: -k[1])),
        "bytes": card.source_bytes,
        "sees": find_info(source).sees,
        "longest_context": card.config["max_position_embeddings"],
        "memory": {**memory, "context": context, "total": sum(memory.values())},
        "licence": (entry.licence if entry else "") or card.licence or "not stated",
        "about": entry.about if entry else "",
        "link": entry.link if entry else "",
        "sampling": entry.sampling if entry else card.generation,
        "template": card.chat_template,
        "pack": str(pack.path) if pack.path else "in memory",
    }


def print_facts(facts: dict[str, Any]) -> None:
    from galop.store.catalogue import human_count

    needs = dict(facts["memory"])
    context, total = needs.pop("context"), needs.pop("total")
    memory = ", ".join(f"{what} {n / (1 << 20):.0f} MiB" for what, n in needs.items())
    print_lines({
        "model": f"{facts['name']} ({facts['title']})",
        "file": facts["path"],
        "architecture": f"{facts['architecture']}, {human_count(facts['parameters'])} parameters",
        "tensors": f"{facts['tensors']}: {facts['bytes'] / 1e6:.0f} MB",
        "sees": "pictures, by a vision tower in its files or beside them" if facts["sees"] else "",
        "context": f"up to {facts['longest_context']} tokens",
        "memory": f"{total / (1 << 20):.0f} MiB at {context} tokens: {memory}",
        "licence": facts["licence"],
        "about": facts["about"],
        "link": facts["link"],
        "sampling": "; ".join(f"{mode}: {values}" for mode, values in facts["sampling"].items()),
        "pack": facts["pack"],
        "template": (facts["template"] or "none").strip(),
        "verified": "every checksum matches" if facts.get("verified") else "",
    })  # fmt: skip


def show_entry(source: Source, as_json: bool) -> None:
    """What the catalogue says of a model that is not here. Raises UnknownModelError where it says nothing."""
    from galop import store
    from galop.backends.memory import DEFAULT_CONTEXT
    from galop.measure.fit import needs_of_entry
    from galop.store.catalogue import human_count, human_size

    entry = source.entry
    if not entry:
        raise UnknownModelError(f"{source.name} is not on this machine; get it with: galop pull {source.name}")
    memory, at = needs_of_entry(entry, DEFAULT_CONTEXT)[0], f"{DEFAULT_CONTEXT} tokens"
    active = f", {human_count(entry.active_parameters)} of them for a token" if entry.active_parameters else ""
    facts = {
        "name": entry.name,
        "parameters": entry.parameters if as_json else human_count(entry.parameters) + active,
        "active_parameters": entry.active_parameters if as_json else 0,
        "bytes": entry.bytes if as_json else human_size(entry),
        "memory": memory if as_json else "" if not entry.runnable else f"about {memory / 2**30:.1f} GiB at {at}",
        "licence": entry.licence,
        "about": entry.about,
        "link": entry.link,
        "file": f"{entry.gguf_repo}/{entry.gguf_file}" if entry.gguf_file else "",
        "packages": store.locate(f"package:{entry.name}").origin if entry.packages else "",
        "runnable": "yes" if entry.runnable else f"not yet: {entry.why_not}",
        "sampling": "; ".join(f"{mode}: {values}" for mode, values in entry.sampling.items()),
        "here": f"no; get it with: galop pull {entry.name}" if entry.runnable else "no",
    }
    if as_json:
        print(json.dumps(facts, indent=1))
    else:
        print_lines(facts)


def print_lines(facts: dict[str, Any]) -> None:
    """A line for each fact that says something, titles to the right, further lines of a value below its first."""
    for title, value in facts.items():
        if value:
            print(f"{title:>12}  {str(value).replace(chr(10), chr(10) + ' ' * 14)}")
