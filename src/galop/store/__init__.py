"""Models by name: where they are or can be had, fetched and removed; the catalogue; what their headers say."""

from galop.store.default import choose_default
from galop.store.pack_cache import trim_packs
from galop.store.source import Source, fetch, list_local, locate, remove, resolve

__all__ = ["Source", "choose_default", "fetch", "list_local", "locate", "remove", "resolve", "trim_packs"]
