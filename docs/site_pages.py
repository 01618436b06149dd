"""Pages of the site (mkdocs.yml) that are files beside docs, and links out of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parent.parent
PAGES = {"README.md": "index.md", "SECURITY.md": "security.md", "CHANGELOG.md": "changelog.md"}
REPOSITORY = "https://github.com/layertui/layertui/blob/main/"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    from mkdocs.structure.files import File

    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=for_site((ROOT / name).read_text(), Path())))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Return the text of a page in docs with its links out of it changed."""
    return for_site(markdown, Path("docs"))


def for_site(markdown: str, folder: Path) -> str:
    """Return the text of a file in a folder of the repository with links as the site has them."""

    def changed(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ""
        path = (ROOT / folder / target).resolve().relative_to(ROOT).as_posix()
        if not (ROOT / path).exists():
            return match[0]  # MkDocs reports it
        if path.startswith("docs/") and (ROOT / path).is_file():
            return f"]({path.removeprefix('docs/')}{anchor})"
        return f"]({PAGES.get(path) or REPOSITORY + path}{anchor})"

    return re.sub(r"\]\((?![a-z]+:)([^)#\s]+)(#[^)\s]*)?\)", changed, markdown)
