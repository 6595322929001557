"""`galop keys`: who may use the server."""

from __future__ import annotations

import json as jsonlib

from galop.cli.run import note
from galop.machine import config_directory
from galop.server.api_keys import KeyFile


def key_file() -> KeyFile:
    return KeyFile(config_directory() / "keys.json")


def add_key(name: str, models: str, tokens_per_minute: int, tier: str) -> None:
    secret = key_file().add(name, models, tokens_per_minute, tier)
    note(f"the key of {name}; it is not kept and cannot be shown again:")
    print(secret)


def list_keys(json: bool) -> None:
    rows = [
        {"name": k.name, "ends_in": k.last4, "models": k.models, "tokens_per_minute": k.tokens_per_minute,
         "tier": k.tier} for k in key_file().keys()  # noqa: SIM118
    ]  # fmt: skip
    if json:
        print(jsonlib.dumps(rows, indent=1))
        return
    for row in rows:
        limit = f"{row['tokens_per_minute']} tokens/min" if row["tokens_per_minute"] else "no limit"
        print(f"{row['name']:20} ...{row['ends_in']}  {row['models']:20} {limit:18} {row['tier']}".rstrip())
    if not rows:
        print("no keys; make one with: galop keys add NAME")


def remove_key(name: str) -> None:
    key_file().remove(name)
