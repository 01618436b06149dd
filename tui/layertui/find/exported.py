"""Find what matches in exported images, with DuckDB; the answers are those of the finders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from layertui.find.found import FoundDigest, FoundItem, FoundPackage, FoundPath
from layertui.find.parquet import ParquetFolder
from layertui.insight.package import package_names, package_pattern
from layertui.model.errors import LayertuiError
from layertui.model.layer_index import key_of
from layertui.union.path_filter import compile_pattern, glob_pattern, literal_ending

_PATHS = """
WITH named AS (
    SELECT * FROM entries
    WHERE type NOT IN ('whiteout', 'opaque') AND (path_bytes IS NOT NULL OR regexp_matches(path, ?))
), stacked AS (
    SELECT stack, unnest(layers) AS layer, generate_subscripts(layers, 1) AS number FROM stacks
)
SELECT
    reference, s.number, coalesce(x.visible, true), coalesce(x.path, e.path),
    CASE WHEN x.entry IS NULL THEN e.path_bytes ELSE x.path_bytes END,
    replace(coalesce(x.type, e.type), 'hardlink', 'file'), coalesce(x.size, e.size)
FROM named e
JOIN stacked s ON s.layer = e.layer
JOIN images i ON i.stack = s.stack
LEFT JOIN exceptions x ON x.stack = s.stack AND x.number = s.number AND x.entry = e.entry
WHERE x.refused IS NOT TRUE
ORDER BY reference, 4, s.number
"""
_PACKAGES = """
SELECT reference, number, p.visible, kind, p.name, version, architecture
FROM packages p JOIN images i USING (stack)
WHERE (kind, p.name, version) IN (SELECT (unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])))
ORDER BY reference, number, kind, p.name
"""
_DIGESTS = """
SELECT reference, d.layer, d.what, d.digest
FROM (SELECT reference, unnest(digests) AS d FROM images)
WHERE ? <> '' AND (starts_with(d.digest, ?) OR starts_with(d.digest, 'sha256:' || ?))
ORDER BY reference, d.layer NULLS FIRST
"""
_UNREAD = "SELECT reference, unnest(unread) FROM images JOIN stacks USING (stack) ORDER BY reference"


class ExportedFinder:
    """Finds what matches in all images that have been exported to a folder."""

    def __init__(self, folder: Path) -> None:
        """Raises :class:`LayertuiError` if there are none."""
        self._tables = ParquetFolder(folder)
        self._tables.open()

    def find(self, kind: str, pattern: str) -> Iterator[FoundItem]:
        """Yield what matches. Raises :class:`LayertuiError`, also for what is not exported: contents."""
        match kind:
            case "path":
                return self._paths(pattern)
            case "package":
                return self._packages(pattern)
            case "digest":
                return self._digests(pattern.lower())
        raise LayertuiError("contents are not exported", "", "search the images themselves: without --in")

    def damage(self, kind: str) -> list[tuple[str, str]]:
        """Return images about which an answer may be incomplete, and why."""
        return [(image, problem) for image, problem in self._tables.ask(_UNREAD)] if kind == "package" else []

    def _paths(self, glob: str) -> Iterator[FoundPath]:
        raw = glob.encode("utf-8", "surrogateescape")
        is_match = compile_pattern(glob_pattern(raw), glob, 0).search
        # Entries keep their names, whatever symlinks lead to their directories; the whole path is matched here.
        ending = literal_ending(raw).decode("utf-8", "replace").replace("\0", "")
        for image, layer, is_visible, path, path_bytes, kind, size in self._tables.ask(
            _PATHS, [f"(?s){ending}\\z"]
        ):
            if path_bytes is not None:
                path = path_bytes.decode("utf-8", "surrogateescape")
            if is_match(key_of(path)):
                yield FoundPath(image, layer, is_visible, path, kind, size)

    def _packages(self, glob: str) -> Iterator[FoundPackage]:
        pattern = package_pattern(glob)
        known = self._tables.ask("SELECT DISTINCT kind, name, version FROM packages")
        wanted = [each for each in known if any(map(pattern.match, package_names(*each)))]
        columns = [[each[number] for each in wanted] for number in range(3)]
        for image, layer, is_visible, *facts in self._tables.ask(_PACKAGES, columns):
            yield FoundPackage(image, layer, is_visible, *facts)

    def _digests(self, digest: str) -> Iterator[FoundDigest]:
        for image, layer, what, found in self._tables.ask(_DIGESTS, [digest] * 3):
            yield FoundDigest(image, layer, what, found)
