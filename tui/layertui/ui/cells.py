"""Cut texts to the cells that they may take in a terminal."""

from rich.cells import cell_len, chop_cells


def first_cells(text: str, width: int) -> str:
    """Return the start of safe ``text`` that fits in ``width`` cells."""
    pieces = chop_cells(text, width)  # none of characters that take no cells
    return pieces[0] if pieces else text


def shorten(text: str, width: int) -> str:
    """Return safe ``text`` in at most ``width`` cells, its middle replaced by … if it is longer."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    head = first_cells(text, (width - 1) - (width - 1) // 2)
    tail = ""
    for char in reversed(text):
        if cell_len(char + tail) > width - 1 - cell_len(head):
            break
        tail = char + tail
    while tail and not cell_len(tail[0]):  # a mark whose letter is left out would go onto the …
        tail = tail[1:]
    return f"{head}…{tail}"


def shorten_path(path: str, width: int) -> str:
    """Return a safe ``path`` in at most ``width`` cells: directories are left out in its middle, the name last.

    ``/usr/lib/x86_64-linux-gnu/libm.so.6`` becomes ``/usr/…/libm.so.6``.
    """
    if cell_len(path) <= width:
        return path
    above, slash, name = path.rpartition("/")
    root = "/" * path.startswith("/")
    room = width - cell_len(name) - len("…/")
    if room < len(root) or not slash:
        return shorten(name if cell_len(name) > width - 2 else f"…/{name}", width)
    kept = root
    for part in above.removeprefix(root).split("/"):
        if cell_len(f"{kept}{part}/") > room:
            break
        kept += f"{part}/"
    return f"{kept}…/{name}"


def clip(text: str, width: int) -> str:
    """Return safe ``text`` in at most ``width`` cells, its end replaced by … if it is longer."""
    if width <= 0:
        return ""
    text = text[: width * 8]  # letters may take no cells
    if cell_len(text) <= width:
        return text
    return first_cells(text, width - 1) + "…" if width > 1 else "…"


def clip_start(text: str, width: int) -> str:
    """Return safe ``text`` in at most ``width`` cells, its start replaced by … if it is longer."""
    text = text[-width * 8 :] if width > 0 else ""
    if cell_len(text) <= width:
        return text
    room, kept = width - 1, len(text)
    while kept and (taken := cell_len(text[kept - 1])) <= room:
        room, kept = room - taken, kept - 1
    return "…" + text[kept:]
