"""The registry of remote models (registry.json): who offers each, from when until when, its price and its quirks."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal


@dataclass(frozen=True)
class Quirks:
    """What a model's interface wants otherwise than OpenAI's Chat Completions."""

    thinking: Literal["none", "always", "effort", "toggle", "type", "google", "template"] = "none"
    efforts: tuple[str, ...] = ()
    temperature: bool = True  # whether temperature and top_p may be set
    seed: bool = False
    limit: str = "max_tokens"  # what the most tokens of a reply are called
    least: int = 0  # tokens of thinking, for google
    most: int = 1 << 20
    thoughts: str = ""  # "tag": thoughts stand in the content, in <thought>
    give_back: bool = False  # whether thoughts have to be sent back in a conversation with tools


@dataclass(frozen=True)
class Offer:
    """A model behind an interface."""

    vendor: str
    id: str
    opens: str = ""
    ends: str = ""
    replaced_by: str = ""
    redirects: bool = False  # whether its name is still taken, for another model
    price: tuple[float, float] | None = None  # dollars per million tokens: read, written
    quirks: Quirks = field(default_factory=Quirks)
    source: str = ""


@dataclass(frozen=True)
class Vendor:
    """Who offers models, and where."""

    prefix: str
    name: str
    url: str
    key: str  # the variable that holds it
    quirks: Quirks = field(default_factory=Quirks)


@dataclass(frozen=True)
class ArticleModel:
    """A model of the article, and what of it can be raced."""

    named: str
    race: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Registry:
    """All of it, and the date it was looked up."""

    dated: str
    vendors: dict[str, Vendor]
    offers: dict[tuple[str, str], Offer]
    article: tuple[ArticleModel, ...]


@cache
def registry() -> Registry:
    """What registry.json holds."""
    raw: dict[str, Any] = json.loads((files("galop.backends") / "registry.json").read_text("utf-8"))
    vendors = {prefix: Vendor(prefix, **{**v, "quirks": parse_quirks(v)}) for prefix, v in raw["vendors"].items()}
    offers = {}
    for item in raw["models"]:
        price = item.get("price")
        offer = Offer(**{**item, "quirks": parse_quirks(item), "price": (price[0], price[1]) if price else None})
        offers[offer.vendor, offer.id] = offer
    article = tuple(ArticleModel(a["named"], tuple(a["race"]), a["note"]) for a in raw["article"])
    return Registry(raw["dated"], vendors, offers, article)


def parse_quirks(item: dict[str, Any]) -> Quirks:
    """The quirks of a vendor or a model of the JSON."""
    given = item.get("quirks", {})
    return Quirks(**{**given, "efforts": tuple(given.get("efforts", ()))})
