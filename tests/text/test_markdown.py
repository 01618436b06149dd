"""Texts of images in Markdown."""

import pytest
from markdown_it import MarkdownIt

from layertui.text.markdown import escaped

GITHUB = MarkdownIt("gfm-like")


def test_a_colon_before_a_space_is_text_as_it_is() -> None:
    assert escaped("files: 3 differ") == "files: 3 differ"


@pytest.mark.parametrize("text", ["https://example.com", "mailto:a", ":smile: :tada:", "a:", "x: https://y"])
def test_other_colons_begin_no_link_and_no_emoji(text: str) -> None:
    source = escaped(text)
    assert "://" not in source and ":smile:" not in source and not source.endswith(":")
    assert GITHUB.renderInline(source) == text
