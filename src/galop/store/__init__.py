"""Models by name: where they are or can be had, fetched and removed; the catalogue; what their headers say.

source.py       from a name to a file; default.py: the model when none is named
catalogue.py    catalogue.json; hub.py, packages.py, other_programs.py: where models come from
model_info.py   what the headers of a model's files say; seeing.py: which models see pictures
pack_cache.py   the cache of packs, and what is removed first
"""

from galop.store.default import choose_default
from galop.store.pack_cache import trim_packs
from galop.store.source import Source, fetch, list_local, locate, remove, resolve

__all__ = ["Source", "choose_default", "fetch", "list_local", "locate", "remove", "resolve", "trim_packs"]
