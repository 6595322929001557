"""`galop rm`: delete a model."""

from __future__ import annotations

from galop.cli.group import command_app, examples
from galop.cli.options import ModelName
from galop.errors import UnknownModelError

app = command_app()


@app.command(epilog=examples("galop rm smollm2:135m"))
def rm(model: ModelName) -> None:
    """Delete a model's files and what was made from them."""
    from galop import store

    source = store.locate(model)
    if not source.path:
        raise UnknownModelError(f"{model} is not on this machine")
    freed = store.remove(source)
    kept = "" if source.repo or source.from_packages else " (what was made from it; the file itself is yours and stays)"
    print(f"removed {source.name}{kept}: {freed / 1e6:.0f} MB freed")
