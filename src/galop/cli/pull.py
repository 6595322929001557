"""`galop pull`: download a model."""

from __future__ import annotations

from galop.cli.group import command_app, examples
from galop.cli.options import ModelName, Yes
from galop.cli.screen import progress_bar

app = command_app()


@app.command(epilog=examples("galop pull qwen3:0.6b", "galop pull hf:unsloth/Qwen3-0.6B-GGUF:Q4_K_M"))
def pull(model: ModelName, yes: Yes = False) -> None:
    """Download a model."""
    from galop import store
    from galop.cli.load import confirm_download

    source = store.resolve(store.locate(model))
    if source.path:
        print(source.path)
        return
    confirm_download(source, yes)
    with progress_bar() as progress:
        path = store.fetch(source, progress)
    print(path)
