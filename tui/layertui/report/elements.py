"""Elements of a page, written by ElementTree, which escapes all text and attributes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from layertui.text.sanitize import visible


def element(tag: str, *content: Element | str | None, **attributes: object) -> Element:
    """Return an element. Names of attributes end in an underscore where Python has the word, and have ``-`` as ``_``."""
    made = Element(
        tag, {name.rstrip("_").replace("_", "-"): visible(str(value)) for name, value in attributes.items()}
    )
    for part in content:
        if isinstance(part, str):
            _append_text(made, visible(part))
        elif part is not None:
            made.append(part)
    return made


def _append_text(made: Element, text: str) -> None:
    if len(made):
        made[-1].tail = (made[-1].tail or "") + text
    else:
        made.text = (made.text or "") + text


def table(
    heads: Sequence[str], rows: Iterable[Sequence[Element | str]], numbers: Sequence[int] = ()
) -> Element:
    """Return a table that scrolls sideways in itself; the columns ``numbers`` are aligned to the right."""
    kinds = ["number" if number in numbers else "text" for number in range(len(heads))]

    def row(tag: str, cells: Sequence[Element | str]) -> Element:
        return element(
            "tr", *(element(tag, cell, class_=kind) for cell, kind in zip(cells, kinds, strict=True))
        )

    head = element("thead", row("th", heads))
    return element(
        "div", element("table", head, element("tbody", *(row("td", each) for each in rows))), class_="wide"
    )


def section(title: str, *content: Element | str | None, id_: str) -> Element:
    """Return a titled section; those without content are left out."""
    return element("section", element("h2", title), *content, id_=id_)


def folded(summary: str, *content: Element | str | None) -> Element:
    """Return what is opened on demand, also without script."""
    return element("details", element("summary", summary), *content)


def whole_page(title: str, style: str, *content: Element | None) -> str:
    """Return a whole page that may load nothing."""
    root = element("html", lang="en")
    head = SubElement(root, "head")
    head.append(element("meta", charset="utf-8"))
    head.append(
        element(
            "meta",
            http_equiv="Content-Security-Policy",
            content="default-src 'none'; style-src 'unsafe-inline'",
        )
    )
    head.append(element("meta", name="viewport", content="width=device-width, initial-scale=1"))
    head.append(element("title", title))
    SubElement(head, "style").text = style
    root.append(element("body", *content))
    return "<!doctype html>\n" + tostring(root, encoding="unicode", method="html") + "\n"
