"""Warnings about the merge of a layer with those below: what is invalid, and what engines apply differently."""

from __future__ import annotations

from layertui.model.layer_index import MAX_LISTED_WARNINGS, LayerIndex, more_warnings, path_of
from layertui.model.numbers import LayerNumber
from layertui.union.union_warning import UnionWarning


class MergeWarnings:
    """Warnings of all layers; those of a layer beyond :data:`MAX_LISTED_WARNINGS` are counted."""

    def __init__(self) -> None:
        self.listed: list[UnionWarning] = []
        self._layer = LayerNumber(0)
        self._room = 0
        self._unlisted = 0

    def start(self, layer: LayerNumber, index: LayerIndex) -> None:
        """Begin a layer, with the warnings of its index."""
        self._layer = layer
        self._room = MAX_LISTED_WARNINGS - len(index.warnings)
        self._unlisted = 0
        self.listed += [
            UnionWarning(layer, warning.code, path_of(warning.key), warning.text)
            for warning in index.warnings
        ]

    def finish(self) -> None:
        """End the layer: count the warnings that are not listed."""
        if self._unlisted:
            code, _, text = more_warnings(self._unlisted)
            self.listed.append(UnionWarning(self._layer, code, "/", text))

    def _warn(self, code: str, key: bytes, text: str) -> None:
        if self._room > 0:
            self._room -= 1
            self.listed.append(UnionWarning(self._layer, code, path_of(key), text))
        else:
            self._unlisted += 1

    # Whiteouts

    def opaque_root(self, key: bytes) -> None:
        self._warn(
            "opaque-root",
            key,
            "opaque whiteout at the root: Docker's overlay2 and Podman ignore it "
            "and keep what the layers below have",
        )

    def opaque_on_file(self, key: bytes) -> None:
        self._warn(
            "opaque-on-file",
            key,
            "opaque whiteout for a path that is not a directory in the layers below: ignored here "
            "and in umoci, an empty directory in Docker's overlay2 and Podman",
        )

    def opaque_missing(self, key: bytes) -> None:
        self._warn(
            "opaque-missing",
            key,
            "opaque whiteout for a directory that no layer below has: Docker and Podman create it, empty",
        )

    def repeated_whiteout(self, key: bytes) -> None:
        self._warn(
            "duplicate",
            key,
            "its whiteout is stored twice in one layer: it counts here and in umoci; "
            "Docker, containerd and Podman refuse the layer",
        )

    def whiteout_in_opaque(self, key: bytes) -> None:
        self._warn(
            "whiteout-in-opaque",
            key,
            "deleted by name inside an opaque directory: Podman shows the whiteout as a device file",
        )

    def whiteout_below_whiteout(self, key: bytes, above: bytes) -> None:
        self._warn(
            "whiteout-below-whiteout",
            key,
            f"deleted below {path_of(above)}, which the same layer deletes: here, in umoci "
            "and in Podman all of it is deleted, Docker leaves empty directories or refuses the layer",
        )

    def own_whiteout(self, key: bytes, is_directory: bool) -> None:
        if is_directory:
            text = (
                "deleted and made again as a directory in one layer: Docker, containerd and Podman let what the "
                "layers below have in it show through or, depending on the order, refuse the layer"
            )
        else:
            text = (
                "stored and deleted in one layer: it stays here and in umoci, Docker and Podman "
                "delete it or refuse the layer, depending on the order"
            )
        self._warn("whiteout-of-own-entry", key, text)

    # Entries

    def root_not_directory(self, key: bytes) -> None:
        self._warn("root-not-directory", key, "the root is not a directory here: ignored")

    def duplicate(self, key: bytes) -> None:
        self._warn(
            "duplicate",
            key,
            "stored twice in one layer: the last one counts here, in umoci and containerd; "
            "Docker's overlay2 and Podman refuse the layer",
        )

    def hardlink_dangling(self, key: bytes, target: bytes, is_deleted_here: bool) -> None:
        if is_deleted_here:  # overlayfs' whiteout is a device, which can be linked to
            reason = (
                "which the same layer deletes: if the whiteout comes first, umoci refuses the layer, Docker, containerd "
                "and Podman show neither path; if the link does, umoci shows it, the others refuse the layer"
            )
        else:
            reason = "which is not there: no engine can unpack this layer"
        self._warn("hardlink-dangling", key, f"hardlink to {path_of(target)}, {reason}")

    def hardlink_to_itself(self, key: bytes) -> None:
        self._warn("hardlink-dangling", key, "hardlink to itself: no engine can unpack this layer")

    def hardlink_below(self, key: bytes, target: bytes) -> None:
        self._warn(
            "hardlink-below",
            key,
            f"hardlink to {path_of(target)} of a layer below: "
            "Docker's overlay2 and Podman cannot unpack this layer",
        )

    # Parents

    def out_of_reach(self, key: bytes) -> None:
        self._warn(
            "out-of-reach",
            key,
            "its directory is nested too deep or a symlink loop: left out here, refused by engines",
        )

    def symlink_parent(self, key: bytes, link: bytes) -> None:
        self._warn(
            "symlink-parent",
            key,
            f"lands where the symlink {path_of(link)} of a layer below leads, as in umoci; "
            "Docker, containerd and Podman on overlayfs put a directory in its place",
        )

    def below_file(self, key: bytes) -> None:
        self._warn(
            "below-file",
            key,
            "has entries below it but is not a directory: it becomes one here and in Docker's "
            "overlay2, Podman and umoci, which refused the layer before 0.5",
        )
