"""What layertui shows of an image, as paths with their kinds: ``python -m conformance.layertui_tree oci:{image}``.

Damage that it shows, marked, counts as a refusal: a command would end with status 2.
"""

import sys

import layertui
from conformance.case import Tree


def tree(reference: str) -> Tree:
    """Return the merged tree of an image.

    Raises:
        LayertuiError: the image is damaged.
    """
    image = layertui.open(reference, cache=False)
    found: Tree = {}
    first: dict[str, str] = {}
    for entry in sorted(image.tree(), key=lambda entry: entry.path):
        try:
            content = image.read(entry.path).decode() if entry.type == "file" else ""
        except layertui.LayertuiError:
            if not entry.hardlink:
                raise
            found[entry.path] = f"dangling {entry.hardlink}"
            continue
        link = first.setdefault(entry.hardlink or entry.path, entry.path)
        if link != entry.path:
            found[entry.path] = f"hardlink {link}"
        elif entry.type == "symlink":
            found[entry.path] = f"symlink {entry.linkname}"
        elif entry.device:
            found[entry.path] = "{} {},{}".format(entry.type, *entry.device)
        else:
            found[entry.path] = f"{entry.type} {content}".rstrip()
    return found


if __name__ == "__main__":
    for path, kind in tree(sys.argv[1]).items():
        print(f"{path}\t{kind}")
