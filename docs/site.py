"""Hooks of the documentation site: the README is its first page, and links out of `docs/` lead to the repository."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"(\]\()([^)#:\s]+)((?:#[^)\s]*)?\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the README as `index.md`."""
    files.append(File.generated(config, "index.md", abs_src_path=str(ROOT / "README.md")))
    return files


def on_page_markdown(markdown: str, page: Any, config: MkDocsConfig, **_: Any) -> str:
    """Makes every relative link one that holds on the site."""
    folder = "" if page.file.src_path == "index.md" else "docs"

    def on_site(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[2]))
        inside = target.startswith("docs/")
        return f"{match[1]}{target[5:] if inside else f'{config.repo_url}/blob/main/{target}'}{match[3]}"

    return LINK.sub(on_site, markdown)
