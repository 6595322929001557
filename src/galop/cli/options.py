"""Options and arguments that several commands take, each declared once."""

from __future__ import annotations

import contextlib
import re
from typing import Annotated, Literal

import typer

from galop.errors import GalopError

ModelName = Annotated[str, typer.Argument(help="A model's name or path.")]
RaceName = Annotated[str, typer.Argument(help="A race's name or folder; left out, the last one.", metavar="RACE")]

Context = Annotated[
    int, typer.Option(help="Most tokens a conversation may take.", metavar="TOKENS", min=0, show_default=False)
]
Csv = Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
KV = Annotated[Literal["f16", "int8"], typer.Option(help="Type of the KV cache; int8 takes half the memory of f16.")]
Memory = Annotated[str, typer.Option(help="Memory the model may use in all, such as 6GiB.", metavar="SIZE")]
Open = Annotated[bool, typer.Option("--open", help="Open the report in a browser.")]
Threads = Annotated[
    int,
    typer.Option(
        help="Threads; by default the cores this process may use.", metavar="N", min=0, max=1024, show_default=False
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before downloading from a third party.")]


def parse_size(text: str) -> int | None:
    """`6GiB`, `6G`, `512MB` in bytes; None for an empty text. Raises typer.BadParameter."""
    if not text:
        return None
    match = re.fullmatch(r"\s*([\d.]{1,15})\s*([kmgt]?)(i?b?)\s*", text.lower())
    with contextlib.suppress(ValueError):
        if match and (size := int(float(match[1]) * 1024 ** " kmgt".index(match[2] or " "))) > 0:
            return size
    raise typer.BadParameter(f"{text!r} is not a size such as 6GiB or 512MB")


def check_one_format(as_json: bool, as_csv: bool) -> None:
    """Raises GalopError where both are asked for."""
    if as_json and as_csv:
        raise GalopError("--json and --csv cannot both be printed; take one")
